//! The program against a brute-force model, on random logs.
//!
//! `HTTPMON_LOGS` says how many logs (2,000 unless said otherwise) and
//! `HTTPMON_SEED` with which one to begin, to see one again.

#![allow(clippy::print_stdout, reason = "what a test prints is shown when it fails")]

mod common;
mod model;

use common::{Random, Step, TODAY, run};

/// The time of a log in one of the forms that servers write.
fn time_text(second: i64, form: i64) -> String {
    let time = jiff::Timestamp::from_second(second).expect("in range");
    let civil = time.to_zoned(jiff::tz::TimeZone::UTC);
    match form {
        1 => format!("{second}.999"),
        // Digits tell the unit, so this form is only for times of 10 digits.
        2 if second > 1_000_000_000 && second < 9_000_000_000 => format!("{second}123"),
        3 => civil.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        4 => civil.strftime("%Y-%m-%d %H:%M:%S.25 UTC").to_string(),
        5 => civil.strftime("[%d/%b/%Y:%H:%M:%S +0000]").to_string(),
        6 => civil.strftime("%d/%b/%Y:%H:%M:%S").to_string(),
        7 => (time + jiff::SignedDuration::from_mins(90)).strftime("%Y-%m-%dT%H:%M:%S+01:30").to_string(),
        _ => second.to_string(),
    }
}

/// How one log is written.
struct Form {
    delimiter: char,
    /// What each column holds.
    columns: Vec<&'static str>,
    header: Option<Vec<&'static str>>,
    time: i64,
    end: &'static str,
}

const LAYOUTS: [(&[&str], &[&str]); 7] = [
    (
        &["remotehost", "rfc931", "authuser", "date", "request", "status", "bytes"],
        &["host", "-", "user", "time", "request", "status", "bytes"],
    ),
    (&["Time-Stamp", "client_ip", "Verb", "URL", "code"], &["time", "host", "method", "path", "status"]),
    (&["ts", "path", "size"], &["time", "path", "bytes"]),
    (&["date", "time", "status", "x"], &["day", "clock", "status", "-"]),
    (&["host", "time"], &["host", "time"]),
    (&["epoch", "method", "status"], &["time", "method", "status"]),
    (&["time", "uri", "request", "host", "size"], &["time", "path", "request", "host", "bytes"]),
];

fn form(random: &mut Random) -> Form {
    let plain = random.one_in(2);
    let layout = if plain { 0 } else { random.below(7) };
    let (header, columns) = LAYOUTS[usize::try_from(layout).expect("small")];
    Form {
        delimiter: if plain { ',' } else { *random.pick(&[',', '\t', ';', '|']) },
        columns: columns.to_vec(),
        header: (layout != 0 || random.one_in(2)).then(|| header.to_vec()),
        time: if plain { 0 } else { random.below(8) },
        end: if random.one_in(4) { "\r\n" } else { "\n" },
    }
}

fn value(random: &mut Random, role: &str, second: i64, form: &Form) -> String {
    let odd = random.one_in(12);
    match role {
        "host" if odd => {
            (*random.pick(&["", "host\u{7}", "h\u{e9}", "\u{fffd}", " 10.0.0.9 ", "==> x <=="])).into()
        }
        "host" => format!("10.0.0.{}", random.below(5)),
        "time" => time_text(second, form.time),
        "day" => time_text(second, 3)[..10].to_owned(),
        "clock" => time_text(second, 3)[11..19].to_owned(),
        "request" if odd => (*random.pick(&[
            "",
            "-",
            "GET",
            "\x16\x03\x01",
            "PROPFIND /dav/x HTTP/1.1",
            "GET http://h/pages/create HTTP/1.0",
            "OPTIONS * HTTP/1.1",
            "GET /a b/c HTTP/1.1",
            "get /x HTTP/1.1",
            "GET  /x#/y HTTP/2",
            "CONNECT h:443 HTTP/1.1",
            "GET /\u{e9}\u{2028}/x HTTP/1.1",
            "GET //x HTTP/1.1",
            "HTTP/1.1",
            "GET /x?a=/b",
        ]))
        .into(),
        "request" => format!(
            "{} /{} HTTP/1.{}",
            random.pick(&["GET", "POST", "HEAD"]),
            random.pick(&["api/user", "api/help?x=/y", "report", "", "pages/create"]),
            random.below(2)
        ),
        "method" => (*random.pick(&["GET", "POST", "PATCH", "get", "", "BREW"])).into(),
        "path" if odd => (*random.pick(&["GET /x/y HTTP/1.1", "-", "", "/x HTTP/1.1", "*", "x"])).into(),
        "path" => format!("/{}", random.pick(&["api/user", "report?x=1", "", "a/b/c"])),
        "status" if odd => (*random.pick(&["", "-", "200.0", "0", "999", "600", " 404 ", "000"])).into(),
        "status" if random.one_in(20) => random.below(1000).to_string(),
        "status" => (*random.pick(&["200", "200", "200", "304", "404", "500", "503"])).into(),
        "bytes" if odd => (*random.pick(&["", "-", "80251.0", "9223372036854775807", "0"])).into(),
        "bytes" => random.below(5000).to_string(),
        "user" => "apache".into(),
        _ => "-".into(),
    }
}

fn quoted(random: &mut Random, value: &str, delimiter: char) -> String {
    if value.contains([delimiter, '"']) {
        let escaped = if random.one_in(2) { "\"\"" } else { "\\\"" };
        return format!("\"{}\"", value.replace('"', escaped));
    }
    match random.below(6) {
        0 | 1 => format!("\"{value}\""),
        2 if !value.is_empty() => {
            let (cut, _) = value.char_indices().nth(value.chars().count() / 2).expect("a character");
            format!("\"{}\"{}", &value[..cut], &value[cut..])
        }
        _ => value.to_owned(),
    }
}

fn line(random: &mut Random, second: i64, form: &Form) -> Vec<u8> {
    let mut fields: Vec<String> = Vec::new();
    for role in &form.columns {
        let mut value = value(random, role, second, form);
        if random.one_in(60) {
            value.push('"');
        }
        fields.push(quoted(random, &value, form.delimiter));
    }
    let mut line = fields.join(&form.delimiter.to_string()).into_bytes();
    if random.one_in(200) {
        // Not UTF-8 at some place.
        let at = usize::try_from(random.below(i64::try_from(line.len()).expect("small"))).expect("small");
        line[at] = 0xFF;
    }
    line.extend_from_slice(form.end.as_bytes());
    line
}

const DIRT: &[&[u8]] = &[
    b"\n",
    b"  \t\n",
    b"\r\n",
    b"nonsense\n",
    b"a,b,c\n",
    b"\"open,1,2,3,4,5,6\n",
    b",,,,,,\n",
    b"h,-,-,notatime,GET / HTTP/1.1,200,5\n",
    b"h,-,-,1000,GET / HTTP/1.1,2oo,5\n",
    b"h,-,-,1000,GET / HTTP/1.1,200,-5\n",
    b"\0\0\0\n",
    b"\xEF\xBB\xBF\n",
    b"==> <==\n",
    b"==>  <==\n",
    b"h,-,-,1000\rGET / HTTP/1.1,200,5\n",
    b"host,user,status\n",
];

/// The times of a log in order of arrival.
fn seconds(random: &mut Random, count: i64, lateness: i64) -> Vec<i64> {
    let mut now = match random.below(6) {
        0 => random.below(100),
        1 => 221_845_391_999 - random.below(5000),
        _ => 1_549_573_860 + random.below(100_000),
    };
    let disorder = random.within(0, 2 * lateness + 3);
    let wildness = *random.pick(&[1_000_000, 60, 25, 8, 3]);
    let mut seconds = Vec::new();
    while i64::try_from(seconds.len()).expect("small") < count {
        let mut burst = 1;
        let mut at = now - random.below(disorder + 1);
        if random.one_in(wildness) {
            burst = *random.pick(&[1, 1, 2, 5, 9, 10, 11, 12]);
            match random.below(9) {
                // A bogus clock, or a burst of them, far or near, ahead or behind.
                0 => at = 4_102_444_800 + random.below(40),
                1 => at = now + random.within(25, 45),
                2 => at = now + random.within(30, 2000),
                3 => at = now - random.within(60, 200),
                4 => at = random.below(2000),
                5 => at = now - random.within(100, 4000),
                // Time itself goes on, or back.
                6 => now += random.within(10, 3000),
                7 => now -= random.within(10, 3000),
                _ => now += random.within(20, 40),
            }
            if random.one_in(2) {
                for _ in 0..burst {
                    let spread = *random.pick(&[0, 1, 3, 50, 300]);
                    seconds.push(at + random.below(spread + 1));
                }
                continue;
            }
        }
        if random.one_in(15) {
            burst = random.within(2, 30);
        }
        for _ in 0..burst {
            seconds.push(at);
        }
        now += *random.pick(&[0, 0, 0, 1, 1, 2, 5]);
    }
    seconds.into_iter().map(|second| second.clamp(0, 221_845_391_999)).collect()
}

struct Case {
    options: model::Options,
    arguments: Vec<String>,
    steps: Vec<Step>,
    wall: i64,
}

#[expect(clippy::too_many_lines, reason = "a list of everything that can be odd")]
fn case(random: &mut Random) -> Case {
    let mut options = model::Options::default();
    let mut arguments: Vec<String> = Vec::new();
    let mut argument = |name: &str, value: String| arguments.extend([format!("--{name}"), value]);
    if random.one_in(2) {
        let rate = *random.pick(&["0.05", "0.5", "0.008333333", "1", "0.1", "2.25"]);
        options.threshold = Some(model::Threshold::at(rate));
    }
    let threshold = options.threshold.as_mut().expect("it is on");
    argument("threshold", threshold.limit.clone());
    if random.one_in(3) {
        let recovery = *random.pick(&["0.05", "0.008333333", "0.000000001", "0.03"]);
        if recovery.parse::<f64>().expect("a rate") <= threshold.limit.parse::<f64>().expect("a rate") {
            threshold.recovery = Some(recovery.into());
            argument("recovery-threshold", recovery.into());
        }
    }
    options.interval = *random.pick(&[10, 10, 1, 7, 60, 3600]);
    argument("interval", options.interval.to_string());
    options.window = *random.pick(&[120, 120, 1, 10, 60, 600]);
    argument("window", options.window.to_string());
    options.lateness = *random.pick(&[5, 5, 0, 1, 40, 90]);
    argument("lateness", options.lateness.to_string());
    options.idle_timeout = *random.pick(&[10, 10, 0, 1, 40]);
    argument("idle-timeout", options.idle_timeout.to_string());
    options.top = usize::try_from(*random.pick(&[10, 0, 1, 2])).expect("small");
    argument("top", options.top.to_string());
    if random.one_in(8) {
        options.source = "web \u{7}1".into();
        argument("source", options.source.clone());
    }
    if random.one_in(8) {
        options.zone = Some((*random.pick(&["Europe/Berlin", "America/New_York", "UTC"])).into());
        argument("zone", options.zone.clone().expect("just set"));
    }
    let forms = [form(random), form(random)];
    if random.one_in(10) {
        let named = forms[0].columns.iter().map(|role| match *role {
            "day" => "date",
            "clock" => "time",
            role => role,
        });
        options.columns = Some(named.collect::<Vec<_>>().join(","));
        argument("columns", options.columns.clone().expect("just set"));
    }
    if random.one_in(10) {
        options.delimiter = u8::try_from(forms[0].delimiter).ok();
        argument("delimiter", forms[0].delimiter.to_string());
    }
    let count = *random.pick(&[0, 1, 3, 12, 40, 120, 200]);
    let seconds = seconds(random, count, options.lateness);
    let dirt = *random.pick(&[1_000_000, 40, 6]);
    let sources = *random.pick(&[1, 1, 1, 2, 3]);
    let idles = *random.pick(&[1_000_000, 30, 6]);
    let wall = match random.below(3) {
        0 => TODAY,
        1 => seconds.first().copied().unwrap_or(0) + random.within(-400, 400),
        _ => seconds.last().copied().unwrap_or(0) + random.within(-400, 400),
    };
    let mut log: Vec<u8> = Vec::new();
    let mut steps = Vec::new();
    let mut form = &forms[0];
    let header = |form: &Form| match &form.header {
        Some(names) => format!("{}{}", names.join(&form.delimiter.to_string()), form.end).into_bytes(),
        None => Vec::new(),
    };
    if !random.one_in(6) {
        log.extend(header(form));
    }
    for second in seconds {
        if random.one_in(dirt) {
            let dirt: &[u8] = random.pick::<&[u8]>(DIRT);
            log.extend_from_slice(dirt);
        }
        if random.one_in(300) {
            let length = usize::try_from(random.within(65_500, 65_560)).expect("small");
            log.extend(line(random, second, form).iter().take(10).chain(&vec![b'x'; length]).copied());
            log.push(b'\n');
        }
        if random.one_in(dirt) {
            if sources == 1 && random.one_in(2) {
                form = random.pick(&forms);
            }
            log.extend(header(form));
        }
        if sources > 1 && random.one_in(8) {
            log.extend(format!("\n==> {} <==\n", random.pick(&["a.csv", "b\u{1}.csv", "stdin"])).bytes());
            if random.one_in(3) {
                log.extend(header(form));
            }
        }
        log.extend(line(random, second, form));
        if random.one_in(idles) {
            steps.push(Step::Bytes(std::mem::take(&mut log)));
            steps.push(Step::Idle(*random.pick(&[1, 8, 12, 30, 60, 200])));
        }
    }
    if random.one_in(4) {
        log.pop();
    }
    steps.push(Step::Bytes(log));
    if random.one_in(4) {
        steps.push(Step::Idle(random.below(300)));
    }
    Case { options, arguments, steps, wall }
}

/// The same input in other pieces.
fn cut(random: &mut Random, steps: &[Step]) -> Vec<Step> {
    let mut cut = Vec::new();
    for step in steps {
        match step {
            Step::Idle(_) | Step::Wall(_) => cut.push(step.clone()),
            Step::Bytes(bytes) => {
                let mut rest = &bytes[..];
                while !rest.is_empty() {
                    let most = i64::try_from(rest.len()).expect("small").min(*random.pick(&[1, 5, 80, 4000]));
                    let (piece, next) =
                        rest.split_at(usize::try_from(random.within(1, most)).expect("small"));
                    cut.push(Step::Bytes(piece.to_vec()));
                    rest = next;
                }
            }
        }
    }
    cut
}

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().expect("a number"))
}

#[test]
fn the_program_agrees_with_the_model_on_random_logs() {
    let first = number("HTTPMON_SEED", 0);
    let (mut requests, mut alerts, mut late, mut future, mut runs) = (0, 0, 0, 0, 0);
    for seed in first..first + number("HTTPMON_LOGS", 2000) {
        let random = &mut Random::new(seed);
        let Case { options, arguments, steps, wall } = case(random);
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let model_steps: Vec<model::Step> = steps
            .iter()
            .map(|step| match step {
                Step::Bytes(bytes) => model::Step::Bytes(bytes.clone()),
                Step::Idle(seconds) => model::Step::Idle(*seconds),
                Step::Wall(wall) => model::Step::Wall(*wall),
            })
            .collect();
        let expected = model::run(&options, &model_steps, wall);
        if std::env::var_os("HTTPMON_SHOW").is_some() {
            println!("wall {wall}, {arguments:?}");
            for step in &steps {
                match step {
                    Step::Bytes(bytes) => print!("{}", String::from_utf8_lossy(bytes)),
                    Step::Idle(seconds) => println!("({seconds} s of silence)"),
                    Step::Wall(wall) => println!("(the wall clock is {wall})"),
                }
            }
        }
        let found = run(&arguments, &steps, wall);
        if found.events != expected.events {
            let at = found.events.iter().zip(&expected.events).take_while(|(a, b)| a == b).count();
            panic!(
                "seed {seed}, {arguments:?}, event {at}\nfound:    {}\nexpected: {}\n{}",
                found.events.get(at).map_or("none", String::as_str),
                expected.events.get(at).map_or("none", String::as_str),
                found.diagnostics
            );
        }
        assert_eq!(found.rejects, expected.rejects, "seed {seed}: {arguments:?}");
        let again = run(&arguments, &cut(random, &steps), wall);
        assert_eq!(again.events, found.events, "seed {seed} in other pieces");
        assert_eq!(again.rejects, found.rejects, "seed {seed} in other pieces");
        if !is_several(&steps) && expected.totals.requests > 0 {
            assert_eq!(lines_of_summaries(&found.events), expected.totals.lines, "seed {seed}");
        }
        requests += expected.totals.requests;
        late += expected.totals.late;
        alerts += found.events.iter().filter(|event| event.starts_with("{\"type\":\"alert\"")).count();
        future += found.events.iter().filter(|event| !event.contains("\"future\":0")).count();
        runs += usize::from(expected.totals.malformed > 0);
    }
    // A generator that makes nothing of interest proves nothing.
    println!(
        "{requests} requests, {late} late, {future} events with future ones or alerts, {alerts} alerts, {runs} dirty logs"
    );
}

/// Whether lines say which source the next ones are from.
fn is_several(steps: &[Step]) -> bool {
    let mut bytes = steps.iter().flat_map(|step| match step {
        Step::Bytes(bytes) => &bytes[..],
        Step::Idle(_) | Step::Wall(_) => &[],
    });
    bytes.any(|&byte| byte == b'>')
}

/// What `requests + malformed + skipped` of all summaries add up to.
fn lines_of_summaries(events: &[String]) -> u64 {
    let events = events.iter().map(|event| serde_json::from_str(event).expect("JSON"));
    let counts = events.flat_map(|event: serde_json::Value| {
        let is_summary = event["type"] == "summary";
        let names: &[&str] = if is_summary { &["requests", "malformed", "skipped"] } else { &[] };
        names.iter().map(|name| event[*name].as_u64().expect("a count")).collect::<Vec<_>>()
    });
    counts.sum()
}
