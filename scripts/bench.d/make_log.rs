//! Makes the logs of the benchmark: `make_log KIND RECORDS > log.csv`.
//!
//! The same arguments give the same bytes always, and all kinds but `hosts`
//! and `hostile` tell of the same requests, so that their speeds compare.

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::process::ExitCode;

use jiff::Timestamp;
use jiff::fmt::strtime;
use jiff::tz::TimeZone;

const USAGE: &str = "\
usage: make_log KIND RECORDS > log.csv

  plain      seven columns with a header, epoch seconds, in order of time
  jittered   each record up to 2 seconds out of order
  hosts      200,000 different hosts
  escaped    a doubled quote in every line, as in RFC 4180
  backslash  a quote written \\\" in every line, as Apache does
  rfc3339    times like 2023-11-14T22:13:20Z
  clf        times like [14/Nov/2023:22:13:20 +0000]
  wide       twenty columns
  hostile    every record a host and a section of its own, some of them long,
             and hundreds of times as many a second
";

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
/// Requests per second, one after the other for some minutes each; some below
/// the default threshold, so that there are alerts and recoveries.
const RATES: [u64; 8] = [3, 8, 14, 25, 30, 40, 60, 90];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Plain,
    Jittered,
    Hosts,
    Escaped,
    Backslash,
    Rfc3339,
    Clf,
    Wide,
    Hostile,
}

impl Kind {
    fn named(name: &str) -> Option<Kind> {
        Some(match name {
            "plain" => Kind::Plain,
            "jittered" => Kind::Jittered,
            "hosts" => Kind::Hosts,
            "escaped" => Kind::Escaped,
            "backslash" => Kind::Backslash,
            "rfc3339" => Kind::Rfc3339,
            "clf" => Kind::Clf,
            "wide" => Kind::Wide,
            "hostile" => Kind::Hostile,
            _ => return None,
        })
    }
}

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
    second: i64,
    /// Requests that are left in this second.
    left: u64,
    rate: u64,
    /// Seconds for which the rate stays.
    stays: u64,
    /// By how much the rates are multiplied.
    factor: u64,
}

impl Traffic {
    fn next(&mut self) -> i64 {
        while self.left == 0 {
            if self.stays == 0 {
                self.rate = *self.random.one_of(&RATES) * self.factor;
                self.stays = 60 + self.random.below(600);
            }
            self.stays -= 1;
            self.second += 1;
            self.left = self.rate / 2 + self.random.below(self.rate + 1);
        }
        self.left -= 1;
        self.second
    }
}

/// The time of a second as a kind of log writes it; most lines repeat it.
struct TimeText {
    kind: Kind,
    second: i64,
    text: String,
}

impl TimeText {
    fn of(&mut self, second: i64) -> Result<&str, jiff::Error> {
        if self.second != second {
            self.second = second;
            self.text.clear();
            let time = Timestamp::from_second(second)?;
            self.text = match self.kind {
                Kind::Rfc3339 => format!("\"{time}\""),
                Kind::Clf => strtime::format("\"[%d/%b/%Y:%H:%M:%S %z]\"", &time.to_zoned(TimeZone::UTC))?,
                _ => second.to_string(),
            };
        }
        Ok(&self.text)
    }
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (kind, records) = match arguments.as_slice() {
        [kind, records] => (Kind::named(kind), records.parse::<u64>().ok()),
        _ => (None, None),
    };
    let (Some(kind), Some(records)) = (kind, records) else {
        let _ = io::stderr().write_all(USAGE.as_bytes());
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

fn make_log(kind: Kind, records: u64) -> Result<(), Box<dyn std::error::Error>> {
    let mut out = io::BufWriter::with_capacity(1 << 20, io::stdout().lock());
    let header = if kind == Kind::Wide {
        "timestamp,server,remotehost,rfc931,authuser,port,tls,request,status,bytes,referer,user_agent,\
         duration_ms,upstream,upstream_status,upstream_ms,cache,country,request_id,worker"
    } else {
        r#""remotehost","rfc931","authuser","date","request","status","bytes""#
    };
    writeln!(out, "{header}")?;
    let factor = if kind == Kind::Hostile { 500 } else { 1 };
    let random = Random(1);
    let mut traffic = Traffic { random, second: FIRST_SECOND - 1, left: 0, rate: 0, stays: 0, factor };
    // What only one kind needs is drawn apart: the requests stay those of the others.
    let (mut random, mut extra) = (Random(2), Random(3));
    let mut times = TimeText { kind, second: 0, text: String::new() };
    let (mut host, mut target) = (String::new(), String::new());
    for number in 0..records {
        let mut second = traffic.next();
        if kind == Kind::Jittered {
            second -= i64::try_from(extra.below(3))?;
        }
        host.clear();
        target.clear();
        write!(host, "10.0.{}.{}", random.below(4), 10 + random.below(16))?;
        write!(target, "{}{}", random.one_of(&SECTIONS), random.one_of(&PAGES))?;
        let user = random.one_of(&["-", "apache", "mary", "jill"]);
        let method = random.one_of(&METHODS);
        let status = random.one_of(&STATUSES);
        let bytes = random.below(20_000);
        match kind {
            Kind::Hosts => {
                host.clear();
                let client = extra.below(200_000);
                write!(host, "10.{}.{}.{}", client / 40_000, client / 200 % 200, client % 200)?;
            }
            Kind::Hostile => {
                host.clear();
                target.clear();
                // An odd factor: no two are the same.
                let name = number.wrapping_mul(0x9E37_79B9_7F4A_7C15);
                let lengths = if number % 16 == 0 { [200, 200] } else { [extra.below(48), extra.below(48)] };
                let [long, longer] = lengths.map(usize::try_from);
                write!(host, "{name:016x}.{:a<1$}", "", long?)?;
                write!(target, "/{name:016x}{:b<1$}/index.html", "", longer?)?;
            }
            Kind::Escaped => target.push_str(r#"?q=""a b"""#),
            Kind::Backslash => target.push_str(r#"?q=\"a b\""#),
            _ => {}
        }
        let time = times.of(second)?;
        if kind == Kind::Wide {
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
        } else {
            writeln!(
                out,
                "\"{host}\",\"-\",\"{user}\",{time},\"{method} {target} HTTP/1.1\",{status},{bytes}"
            )?;
        }
    }
    Ok(out.flush()?)
}
