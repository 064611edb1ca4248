//! Makes the logs of the benchmark: `make_log KIND RECORDS > log.csv`.
//!
//! The same arguments give the same bytes always. Kinds that differ only in how
//! they are written tell of the same requests, so that their speeds compare.

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::process::ExitCode;

use jiff::Timestamp;
use jiff::fmt::strtime;
use jiff::tz::TimeZone;

/// What a log is like.
#[derive(Clone, Copy)]
struct Kind {
    name: &'static str,
    what: &'static str,
    /// Requests a second; 0: from 1 to 135, below and above the default
    /// threshold, so that there are alerts and recoveries.
    rate: u64,
    hosts: Hosts,
    time: Form,
    /// A record may be less than so many seconds out of order.
    disorder: u64,
    layout: Layout,
    /// Follows the path of every request.
    query: &'static str,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Hosts {
    /// 64 hosts.
    Few,
    /// 200,000 hosts, each as likely.
    Uniform,
    /// 20,000 hosts, the second half as likely as the first, and so on.
    Zipf,
    /// The same with IPv6 addresses.
    Ipv6,
    /// A host and a section of its own for every record, some of them long.
    New,
}

/// How a time is written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Epoch,
    Rfc3339,
    Clf,
    /// nginx's $msec: `1700000000.123`.
    Msec,
    /// `1700000000123`.
    Milliseconds,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Layout {
    /// Seven columns of CSV.
    Seven,
    /// Twenty.
    Wide,
    /// Those of the combined form, with referer and agent.
    Agent,
    /// The same as nginx and Apache write it by default.
    Combined,
    /// Seven and the time that the request took.
    Latency,
}

const PLAIN: Kind = Kind {
    name: "plain",
    what: "seven columns with a header, epoch seconds, in order of time, 64 hosts",
    rate: 0,
    hosts: Hosts::Few,
    time: Form::Epoch,
    disorder: 1,
    layout: Layout::Seven,
    query: "",
};
const ZIPF: Kind = Kind {
    name: "zipf",
    what: "500 a second from 20,000 hosts (Zipf)",
    rate: 500,
    hosts: Hosts::Zipf,
    ..PLAIN
};
const KINDS: [Kind; 20] = [
    PLAIN,
    Kind { name: "jittered", what: "each record up to 2 s out of order", disorder: 3, ..PLAIN },
    Kind { name: "hosts", what: "200,000 different hosts", hosts: Hosts::Uniform, ..PLAIN },
    Kind {
        name: "escaped",
        what: "a doubled quote in every line, as in RFC 4180",
        query: r#"?q=""a b"""#,
        ..PLAIN
    },
    Kind {
        name: "backslash",
        what: r#"a quote written \" in every line, as Apache does"#,
        query: r#"?q=\"a b\""#,
        ..PLAIN
    },
    Kind { name: "rfc3339", what: "times like 2023-11-14T22:13:20Z", time: Form::Rfc3339, ..PLAIN },
    Kind { name: "clf", what: "times like [14/Nov/2023:22:13:20 +0000]", time: Form::Clf, ..PLAIN },
    Kind { name: "wide", what: "twenty columns", layout: Layout::Wide, ..PLAIN },
    Kind {
        name: "latency",
        what: "a column with the time that the request took",
        layout: Layout::Latency,
        ..PLAIN
    },
    Kind { name: "slow", what: "5 a second", rate: 5, ..PLAIN },
    Kind {
        name: "hostile",
        what: "17,000 a second, each a new host and a new section, some long",
        rate: 17_000,
        hosts: Hosts::New,
        ..PLAIN
    },
    ZIPF,
    Kind { name: "uniform", what: "500 a second from 200,000 hosts", hosts: Hosts::Uniform, ..ZIPF },
    Kind { name: "ipv6", what: "as zipf, IPv6", hosts: Hosts::Ipv6, ..ZIPF },
    Kind { name: "busy", what: "as zipf, 5,000 a second", rate: 5_000, ..ZIPF },
    Kind {
        name: "shuffled",
        what: "as zipf, CLF times up to 2 s out of order",
        time: Form::Clf,
        disorder: 3,
        ..ZIPF
    },
    Kind { name: "msec", what: "as zipf, times like 1700000000.123", time: Form::Msec, ..ZIPF },
    Kind {
        name: "milliseconds",
        what: "as zipf, times like 1700000000123",
        time: Form::Milliseconds,
        ..ZIPF
    },
    Kind {
        name: "agent",
        what: "as zipf, CLF times, referer and agent",
        time: Form::Clf,
        layout: Layout::Agent,
        ..ZIPF
    },
    Kind {
        name: "combined",
        what: "the same, as nginx and Apache write it by default",
        time: Form::Clf,
        layout: Layout::Combined,
        ..ZIPF
    },
];

const REFERERS: [&str; 4] =
    ["-", "-", "https://www.example.org/start", "https://www.example.org/search?q=large+red+things&page=2"];
const AGENTS: [&str; 6] = [
    "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 \
     Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)",
    "curl/8.8.0",
    "-",
];
const FIRST_SECOND: i64 = 1_700_000_000;
const SECTIONS: [&str; 20] = [
    "/api", "/report", "/login", "/static", "/images", "/search", "/cart", "/user", "/admin", "/docs",
    "/blog", "/feed", "/health", "/pages", "/shop", "/news", "/files", "/help", "/v1", "/v2",
];
const PAGES: [&str; 8] = [
    "",
    "/create",
    "/view/17/details",
    "/list?page=2&sort=up",
    "/index.html",
    "/item/1093/reviews",
    "/edit?id=8&tab=main",
    "/all",
];
const METHODS: [&str; 16] = [
    "GET", "GET", "GET", "GET", "GET", "GET", "GET", "GET", "GET", "GET", "GET", "POST", "POST", "PUT",
    "DELETE", "HEAD",
];
const STATUSES: [u16; 32] = [
    200, 200, 200, 200, 200, 200, 200, 200, 200, 200, 200, 200, 200, 200, 200, 200, 200, 200, 200, 200, 200,
    200, 201, 204, 301, 304, 304, 403, 404, 404, 500, 503,
];
/// Requests per second, one after the other for some minutes each.
const RATES: [u64; 8] = [3, 8, 14, 25, 30, 40, 60, 90];

/// SplitMix64 (Steele, Lea and Flood, 2014).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number from 0 to `bound - 1`.
    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    fn one_of<'a, T>(&mut self, choices: &'a [T]) -> &'a T {
        &choices[usize::try_from(self.below(choices.len() as u64)).unwrap_or(0)]
    }
}

/// How many requests each second brings.
struct Traffic {
    random: Random,
    /// 0: one of [`RATES`] after the other.
    steady: u64,
    second: i64,
    /// Requests of this second, and how many of them are left.
    all: u64,
    left: u64,
    rate: u64,
    /// Seconds for which the rate stays.
    stays: u64,
}

impl Traffic {
    /// The second of the next request, and its thousandths.
    fn next(&mut self) -> (i64, u64) {
        while self.left == 0 {
            if self.stays == 0 {
                self.rate = if self.steady > 0 { self.steady } else { *self.random.one_of(&RATES) };
                self.stays = 60 + self.random.below(600);
            }
            self.stays -= 1;
            self.second += 1;
            self.all = self.rate / 2 + self.random.below(self.rate + 1);
            self.left = self.all;
        }
        self.left -= 1;
        (self.second, (self.all - 1 - self.left) * 1000 / self.all)
    }
}

/// Names of clients.
struct Clients {
    hosts: Hosts,
    /// The sum of the weights of the hosts up to each.
    sums: Vec<f64>,
}

impl Clients {
    fn new(hosts: Hosts) -> Clients {
        let weights = (1..=20_000_u32).map(|rank| 1.0 / f64::from(rank));
        let sums = weights.scan(0.0, |sum, weight| {
            *sum += weight;
            Some(*sum)
        });
        Clients { hosts, sums: sums.collect() }
    }

    /// The rank of one, drawn by weight.
    fn rank(&self, random: &mut Random) -> u64 {
        let all = self.sums.last().copied().unwrap_or(0.0);
        let drawn = all * (random.below(1 << 52) as f64 / (1_u64 << 52) as f64);
        self.sums.partition_point(|&sum| sum <= drawn) as u64
    }

    fn write(&self, host: &mut String, usual: (u64, u64), extra: &mut Random) -> std::fmt::Result {
        match self.hosts {
            Hosts::Few => write!(host, "10.0.{}.{}", usual.0, 10 + usual.1),
            Hosts::Uniform => {
                let client = extra.below(200_000);
                write!(host, "10.{}.{}.{}", client / 40_000, client / 200 % 200, client % 200)
            }
            Hosts::Zipf => {
                let [a, b, c, d, ..] = Random(self.rank(extra)).next().to_le_bytes();
                write!(host, "{}.{b}.{c}.{d}", 1 + a % 223)
            }
            Hosts::Ipv6 => {
                let mut random = Random(self.rank(extra));
                let words = [random.next(), random.next()].map(u64::to_le_bytes);
                write!(host, "2001:db8")?;
                let groups = words.iter().flat_map(|word| word.chunks_exact(2)).take(6);
                groups
                    .into_iter()
                    .try_for_each(|group| write!(host, ":{:x}", u16::from_le_bytes([group[0], group[1]])))
            }
            Hosts::New => Ok(()),
        }
    }
}

/// The time of a second as a kind of log writes it; most lines repeat it.
struct TimeText {
    form: Form,
    second: i64,
    text: String,
}

impl TimeText {
    fn of(&mut self, second: i64, thousandths: u64) -> Result<&str, jiff::Error> {
        match self.form {
            Form::Msec => self.text = format!("{second}.{thousandths:03}"),
            Form::Milliseconds => self.text = format!("{second}{thousandths:03}"),
            _ if self.second == second => {}
            Form::Epoch => self.text = second.to_string(),
            Form::Rfc3339 => self.text = Timestamp::from_second(second)?.to_string(),
            Form::Clf => {
                let time = Timestamp::from_second(second)?.to_zoned(TimeZone::UTC);
                self.text = strtime::format("[%d/%b/%Y:%H:%M:%S %z]", &time)?;
            }
        }
        self.second = second;
        Ok(&self.text)
    }
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (kind, records) = match arguments.as_slice() {
        [name, records] => (KINDS.iter().find(|kind| kind.name == name), records.parse::<u64>().ok()),
        _ => (None, None),
    };
    let (Some(kind), Some(records)) = (kind, records) else {
        let mut usage = "usage: make_log KIND RECORDS > log.csv\n\n".to_owned();
        for kind in &KINDS {
            let _ = writeln!(usage, "  {:13} {}", kind.name, kind.what);
        }
        let _ = io::stderr().write_all(usage.as_bytes());
        return ExitCode::from(2);
    };
    match make_log(kind, records) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = io::stderr().write_all(format!("make_log: {error}\n").as_bytes());
            ExitCode::FAILURE
        }
    }
}

fn make_log(kind: &Kind, records: u64) -> Result<(), Box<dyn std::error::Error>> {
    const SEVEN: &str = r#""remotehost","rfc931","authuser","date","request","status","bytes""#;
    let mut out = io::BufWriter::with_capacity(1 << 20, io::stdout().lock());
    match kind.layout {
        Layout::Seven => writeln!(out, "{SEVEN}")?,
        Layout::Agent => writeln!(out, "{SEVEN},\"referer\",\"user_agent\"")?,
        Layout::Latency => writeln!(out, "{SEVEN},\"request_time\"")?,
        Layout::Wide => writeln!(
            out,
            "timestamp,server,remotehost,rfc931,authuser,port,tls,request,status,bytes,referer,user_agent,\
             duration_ms,upstream,upstream_status,upstream_ms,cache,country,request_id,worker"
        )?,
        Layout::Combined => {}
    }
    let (random, steady) = (Random(1), kind.rate);
    let mut traffic =
        Traffic { random, steady, second: FIRST_SECOND - 1, all: 0, left: 0, rate: 0, stays: 0 };
    // What only one kind needs is drawn apart: the requests stay those of the others.
    let (mut random, mut extra, mut disorder) = (Random(2), Random(3), Random(4));
    let clients = Clients::new(kind.hosts);
    let mut times = TimeText { form: kind.time, second: 0, text: String::new() };
    let (mut host, mut target) = (String::new(), String::new());
    for number in 0..records {
        let (mut second, thousandths) = traffic.next();
        second -= i64::try_from(disorder.below(kind.disorder))?;
        host.clear();
        target.clear();
        let usual = (random.below(4), random.below(16));
        clients.write(&mut host, usual, &mut extra)?;
        write!(target, "{}{}{}", random.one_of(&SECTIONS), random.one_of(&PAGES), kind.query)?;
        let user = random.one_of(&["-", "apache", "mary", "jill"]);
        let method = random.one_of(&METHODS);
        let status = random.one_of(&STATUSES);
        let bytes = random.below(20_000);
        if kind.hosts == Hosts::New {
            target.clear();
            // An odd factor: no two are the same.
            let name = number.wrapping_mul(0x9E37_79B9_7F4A_7C15);
            let lengths = if number % 16 == 0 { [200, 200] } else { [extra.below(48), extra.below(48)] };
            let [long, longer] = lengths.map(usize::try_from);
            write!(host, "{name:016x}.{:a<1$}", "", long?)?;
            write!(target, "/{name:016x}{:b<1$}/index.html", "", longer?)?;
        }
        let time = times.of(second, thousandths)?;
        let is_number = !matches!(kind.time, Form::Rfc3339 | Form::Clf);
        let quote = if is_number || kind.layout == Layout::Combined { "" } else { "\"" };
        if kind.layout == Layout::Wide {
            writeln!(
                out,
                "{time},web{},\"{host}\",-,\"{user}\",443,TLSv1.3,\"{method} {target} HTTP/1.1\",{status},\
                 {bytes},\"https://www.example.org/start\",\"Mozilla/5.0 (X11; Linux x86_64) Firefox/128.0\",\
                 {},10.1.0.{}:8080,{status},{},MISS,DE,{:016x},{}",
                extra.below(4),
                extra.below(900),
                extra.below(8),
                extra.below(900),
                extra.next(),
                extra.below(64),
            )?;
            continue;
        }
        let request = format_args!("{method} {target} HTTP/1.1");
        let (referer, agent) = (extra.one_of(&REFERERS), extra.one_of(&AGENTS));
        if kind.layout == Layout::Combined {
            let line = format_args!("{host} - {user} {time} \"{request}\" {status} {bytes}");
            writeln!(out, "{line} \"{referer}\" \"{agent}\"")?;
            continue;
        }
        write!(out, "\"{host}\",\"-\",\"{user}\",{quote}{time}{quote},\"{request}\",{status},{bytes}")?;
        match kind.layout {
            Layout::Agent => writeln!(out, ",\"{referer}\",\"{agent}\"")?,
            Layout::Latency => {
                // Most are quick, some take seconds.
                let took = extra.below(200) * (1 + extra.below(40) / 39 * 50);
                writeln!(out, ",{}.{:03}", took / 1000, took % 1000)?;
            }
            _ => writeln!(out)?,
        }
    }
    Ok(out.flush()?)
}
