//! What the targets share: how the fuzzer's bytes become options, logs and
//! pieces, and how the filter is run over them in process.

#[path = "../../common/in_process.rs"]
mod in_process;

use std::ffi::OsString;

use httpmon::read::line::MAX_LINE;
use in_process::run_until;

pub use in_process::{Ran, Step};

/// Takes bytes from the front; 0 once there are none left.
#[derive(Debug)]
pub struct Bytes<'a>(pub &'a [u8]);

impl<'a> Bytes<'a> {
    pub fn next(&mut self) -> u8 {
        let Some((&first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        first
    }

    pub fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[usize::from(self.next()) % from.len()]
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn rest(&self) -> &'a [u8] {
        self.0
    }

    /// What stands before the next `\n`, which is dropped.
    pub fn line(&mut self) -> &'a [u8] {
        let end = self.0.iter().position(|&byte| byte == b'\n').unwrap_or(self.0.len());
        let (line, rest) = self.0.split_at(end);
        self.0 = rest.get(1..).unwrap_or_default();
        line
    }
}

/// Cuts `bytes` into pieces, in a way that `seed` decides.
pub fn pieces(seed: u8, bytes: &[u8]) -> Vec<&[u8]> {
    let mut state = u64::from(seed).wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut rest = bytes;
    let mut pieces = Vec::new();
    while !rest.is_empty() {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        let most = match seed {
            0 => rest.len(),
            // Byte by byte, as long as that costs little.
            1 if pieces.len() < 200 => 1,
            _ => [1, 2, 3, 3, 8, 60, 1000, 70_000][(state >> 32) as usize % 8],
        };
        let (piece, next) = rest.split_at(most.min(rest.len()));
        pieces.push(piece);
        rest = next;
    }
    pieces
}

/// Text, end, and whether it is overlong, of every line of an input; found in
/// an obvious way.
pub fn lines(input: &[u8]) -> Vec<(Vec<u8>, Vec<u8>, bool)> {
    let read = |mut line: &[u8]| {
        while let [0, rest @ ..] | [0xEF, 0xBB, 0xBF, rest @ ..] = line {
            line = rest;
        }
        let text = line.strip_suffix(b"\n").unwrap_or(line);
        let text = text.strip_suffix(b"\r").unwrap_or(text);
        if text.len() > MAX_LINE {
            return (text[..MAX_LINE].to_vec(), Vec::new(), true);
        }
        // A last line of nothing but filler is an empty one.
        let end = if line.is_empty() { b"\n" } else { &line[text.len()..] };
        (text.to_vec(), end.to_vec(), false)
    };
    input.split_inclusive(|&byte| byte == b'\n').map(read).collect()
}

/// The delimiters there are.
pub const DELIMITERS: [u8; 4] = *b",\t;|";

/// A blank as a delimiter is what nginx and Apache write by default.
const BLANK: u8 = b' ';

/// A threshold and its recovery.
pub type Limit = (&'static str, Option<&'static str>);

/// A command line, an input, and the wall clock at its start.
#[derive(Clone, Debug)]
pub struct Case {
    pub threshold: &'static str,
    pub recovery: Option<&'static str>,
    /// `--low-threshold` with its recovery, and so on.
    pub low: Option<Limit>,
    pub errors: Option<Limit>,
    pub slow_requests: Option<Limit>,
    pub slow: &'static str,
    pub min_count: u64,
    pub interval: i64,
    pub window: i64,
    pub lateness: i64,
    pub idle_timeout: i64,
    pub top: usize,
    pub columns: Option<&'static str>,
    pub delimiter: Option<u8>,
    pub time_format: Option<&'static str>,
    pub zone: Option<&'static str>,
    pub is_quiet: bool,
    pub wall: i64,
    pub steps: Vec<Step>,
}

const RATES: [&str; 8] =
    ["10", "0.05", "0.5", "1", "0.008333333", "2.25", "0.000000001", "999999999.999999999"];
const LOW: [Limit; 6] = [
    ("0.05", None),
    ("0.5", Some("1")),
    ("0.008333333", Some("0.1")),
    ("2.25", None),
    ("10", Some("999999999.999999999")),
    ("0.000000001", None),
];
const PERCENTS: [Limit; 6] = [
    ("5", None),
    ("50", Some("20")),
    ("33.333333333", Some("33.333333332")),
    ("0.000000001", None),
    ("99.999999999", Some("0.5")),
    ("25", None),
];
pub const TIME_FORMATS: [&str; 6] = [
    "%d.%m.%Y %H:%M:%S",
    "%Y%m%d%H%M%S",
    "%s",
    "%m/%d/%Y, %I:%M:%S %p",
    "%Y-%m-%dT%H:%M:%S%z",
    "[%d/%b/%Y:%H:%M:%S %z]",
];
const COLUMNS: [&str; 13] = [
    "host,-,user,time,request,status,bytes",
    "time",
    "time,path",
    "date,time,status,-",
    "time,method,status,bytes",
    "-,path,time,host,method",
    "request,time,path,status",
    "time,latency,status",
    "host,-,user,time,request,status,bytes,latency_ms",
    "time=ts,latency_us=path",
    "time=x-when,status=code,latency=took",
    "date=day,time=clock,path=url",
    "host=time,time=host,request=what",
];
const LINES: [&[u8]; 46] = [
    b"\"remotehost\",\"rfc931\",\"authuser\",\"date\",\"request\",\"status\",\"bytes\"\n",
    b"time;status;url;host\n",
    b"date\ttime\tmethod\turi\n",
    b"ts|client_ip|Verb|path|size\n",
    b"==> a.csv <==\n",
    b"\n==> b\x1b\xff.csv <==\n",
    b"==> stdin <==\n",
    b"==>  <==\n",
    b"\n",
    b" \t \n",
    b"\r\n",
    b"nonsense\n",
    b"\"open,1,2,3,4,5,6\n",
    b",,,,,,\n",
    b"h,-,-,notatime,GET / HTTP/1.1,200,5\n",
    b"h,-,-,1000,GET / HTTP/1.1,2oo,5\n",
    b"h,-,-,1000,GET / HTTP/1.1,200,-5\n",
    b"h,-,-,1000,\"GET /\\\"a\\\" HTTP/1.1\",200,5\n",
    b"h,-,-,1000,\"GET /\"\"a\"\" HTTP/1.1\",200,5\n",
    b"h,-,-,\"[07/Feb/2019:21:11:00 +0000]\",POST /x?y=/z HTTP/2,503,80251.0,more\n",
    b"h,-,-,2019-02-07 21:11:00,-,-,-\r\n",
    b"h,-,-,4102444800,GET /future HTTP/1.1,200,9223372036854775807\n",
    b"h,-,-,221845391999,GET /last HTTP/1.1,200,1\n",
    b"h,-,-,0,GET /first HTTP/1.1,200,1\n",
    b"\xef\xbb\xbf\0\0h,-,-,1549573860,\x16\x03\x01\xe2\x80\xa8,999,\n",
    b"==> (other) <==\n",
    b"2019-02-07\t21:11:00\tGET\t/a/b\n",
    b"1549573861;200;/c/d;10.0.0.1\n",
    b"#Fields: date time cs-method cs-uri-stem sc-status time-taken\n",
    b"#fields\tts\tid.orig_h\tmethod\turi\tstatus_code\n",
    b"#Fields: x-when took code\n",
    b"#Fields: c-ip sc-status\n",
    b"#Version: 1.0\n",
    b"# 1,2,3,4,5,6,7\n",
    b"x-when,took,code\n",
    b"remote_addr,time_iso8601,request,status,request_time\n",
    b"day\tclock\turl\n",
    b"time host what\n",
    b"10.0.0.1 - - [07/Feb/2019:21:11:00 +0000] \"GET /a/b HTTP/1.1\" 200 5\n",
    b"v:80 10.0.0.1 - john smith [07/Feb/2019:21:11:01 +0000] \"GET /\\\"q HTTP/1.1\" 503 5 \"-\" \"curl [x] (y)\"\n",
    b"10.0.0.1 - \"open [07/Feb/2019:21:11:02 +0000] \"GET / HTTP/1.1\" 404 5\n",
    b"2019-02-07 21:11:00 GET /a 200 0.015\n",
    b"1549573860,0.053s,503\n",
    b"1549573861,31ms,200\n",
    b"1549573861,fast,200\n",
    b"1549573862,9223372036.854775807,500\n",
];
const SILENCES: [i64; 16] = [1, 2, 5, 9, 10, 11, 12, 16, 17, 20, 30, 60, 120, 136, 200, 400];
const JUMPS: [i64; 16] =
    [30, 31, 35, 36, 60, 66, 121, 400, 5000, 100_000_000, -30, -65, -66, -121, -4000, -100_000_000];
const STARTS: [i64; 8] = [
    1_549_573_860,
    1000,
    0,
    221_845_391_900,
    1_553_994_000, // an hour that Berlin doesn't have
    1_572_134_400, // an hour that it has twice
    951_782_390,   // the end of a February of 29 days
    1_549_573_861,
];

impl Case {
    /// The first bytes say the options; the others are the log, in which some
    /// control characters stand for what chance alone would hardly write.
    pub fn decode(data: &[u8]) -> Case {
        let bytes = &mut Bytes(data);
        let threshold = bytes.pick(&RATES);
        let recovery = match bytes.next() {
            byte if byte % 3 == 0 => Some(RATES[usize::from(byte) / 3 % RATES.len()]),
            _ => None,
        };
        let is_fit = |recovery: &&str| {
            recovery.parse::<f64>().expect("a rate") <= threshold.parse::<f64>().expect("a rate")
        };
        let mut case = Case {
            threshold,
            recovery: recovery.filter(is_fit),
            interval: bytes.pick(&[10, 1, 7, 60, 3600, 31_622_400]),
            window: bytes.pick(&[120, 1, 2, 10, 60, 604_800]),
            lateness: bytes.pick(&[5, 0, 1, 30, 31, 3600]),
            idle_timeout: bytes.pick(&[10, 0, 1, 60]),
            top: bytes.pick(&[10, 0, 1, 2]),
            columns: match bytes.next() {
                byte if byte % 4 == 3 => Some(COLUMNS[usize::from(byte) / 4 % COLUMNS.len()]),
                _ => None,
            },
            delimiter: match bytes.next() {
                byte if byte % 4 == 0 => None,
                byte => Some([b',', b'\t', b';', b'|', BLANK][usize::from(byte) / 16 % 5]),
            },
            low: None,
            errors: None,
            slow_requests: None,
            slow: "1",
            min_count: 5,
            time_format: None,
            zone: bytes.pick(&[None, None, Some("Europe/Berlin"), Some("America/New_York")]),
            is_quiet: bytes.next() % 4 == 3,
            wall: 0,
            steps: Vec::new(),
        };
        let start = bytes.pick(&STARTS);
        case.wall = match bytes.next() {
            byte if byte % 3 == 0 => 1_795_000_000,
            byte => start + i64::from(byte) * 4 - 400,
        };
        case.low = one_of(bytes, &LOW);
        case.errors = one_of(bytes, &PERCENTS);
        case.slow_requests = one_of(bytes, &PERCENTS);
        case.slow = bytes.pick(&["1", "0.05", "0.000000001", "999999999.999999999"]);
        case.min_count = bytes.pick(&[5, 1, 2, 1_000_000_000]);
        case.time_format = one_of(bytes, &TIME_FORMATS);
        case.steps = decode_log(bytes, start, case.time_format);
        case
    }

    /// The command line.
    pub fn arguments(&self) -> Vec<OsString> {
        let mut arguments = vec![
            format!("--threshold={}", self.threshold),
            format!("--interval={}", self.interval),
            format!("--window={}", self.window),
            format!("--lateness={}", self.lateness),
            format!("--idle-timeout={}", self.idle_timeout),
            format!("--top={}", self.top),
        ];
        let limits = [("low", self.low), ("error", self.errors), ("slow", self.slow_requests)];
        for (name, limit) in limits {
            arguments.extend(limit.map(|(limit, recovery)| match recovery {
                Some(recovery) => format!("--{name}-threshold={limit}:{recovery}"),
                None => format!("--{name}-threshold={limit}"),
            }));
        }
        arguments.extend([format!("--slow={}", self.slow), format!("--min-count={}", self.min_count)]);
        arguments.extend(self.time_format.map(|format| format!("--time-format={format}")));
        arguments.extend(self.recovery.map(|rate| format!("--recovery-threshold={rate}")));
        arguments.extend(self.columns.map(|columns| format!("--columns={columns}")));
        arguments.extend(self.delimiter.map(|delimiter| match delimiter {
            BLANK => "--delimiter=space".to_owned(),
            other => format!("--delimiter={}", char::from(other)),
        }));
        arguments.extend(self.zone.map(|zone| format!("--zone={zone}")));
        arguments.extend(self.is_quiet.then(|| "--quiet".to_owned()));
        arguments.into_iter().map(OsString::from).collect()
    }

    /// All bytes of the input.
    pub fn input(&self) -> Vec<u8> {
        let mut input = Vec::new();
        for step in &self.steps {
            if let Step::Bytes(bytes) = step {
                input.extend_from_slice(bytes);
            }
        }
        input
    }

    /// The same input in other pieces.
    pub fn cut(&self, seed: u8) -> Vec<Step> {
        let mut cut = Vec::new();
        for step in &self.steps {
            match step {
                Step::Idle(_) | Step::Wall(_) => cut.push(step.clone()),
                Step::Bytes(bytes) => {
                    cut.extend(pieces(seed, bytes).into_iter().map(|piece| Step::Bytes(piece.to_vec())));
                }
            }
        }
        cut
    }
}

/// A log is read like this:
///
/// | bytes | stand for |
/// |---|---|
/// | 01 b | a record, a little later or earlier than the last one |
/// | 02 b | a leap of the log's clock |
/// | 03 b | silence |
/// | 04 b | the last line, again and again |
/// | 05 b | the log's clock, in one of the forms of time |
/// | 06 b | one of the lines above |
/// | 07 b | about as many bytes as a line may have |
/// | 08 b | the byte b itself |
/// | 0B b | a record as nginx and Apache write it by default, with a latency |
/// | 0C b | a record of a time, a latency and a status |
///
/// and any other byte as itself.
fn decode_log(bytes: &mut Bytes<'_>, start: i64, format: Option<&str>) -> Vec<Step> {
    // More than that takes long and shows no more; a line that is too long may come once.
    const MOST: usize = 8_000;
    let mut steps = Vec::new();
    let mut log: Vec<u8> = Vec::new();
    let (mut now, mut length, mut silence) = (start, 0, 0);
    while !bytes.is_empty() && length + log.len() < MOST {
        match bytes.next() {
            1 => {
                let byte = bytes.next();
                now = (now + [0, 1, 2, 0, 5, 6, -3, -7][usize::from(byte) % 8]).clamp(0, 221_845_391_999);
                let path = ["/api/user", "/report", "/", "/a/b?c=/d"][usize::from(byte) / 8 % 4];
                let status = [200, 404, 503, 0][usize::from(byte) / 32 % 4];
                let host = byte / 128;
                log.extend(
                    format!("10.0.0.{host},-,-,{now},\"GET {path} HTTP/1.1\",{status},{byte}\n").bytes(),
                );
            }
            2 => now = (now + bytes.pick(&JUMPS)).clamp(0, 221_845_391_999),
            3 => {
                length += log.len();
                steps.push(Step::Bytes(std::mem::take(&mut log)));
                let seconds = bytes.pick(&SILENCES);
                silence += seconds;
                if silence <= 2000 {
                    steps.push(Step::Idle(seconds));
                }
            }
            4 => {
                let times = bytes.next() % 32 + 1;
                let before = log.strip_suffix(b"\n").unwrap_or(&log);
                let from = before.iter().rposition(|&byte| byte == b'\n').map_or(0, |end| end + 1);
                let line = log[from..].to_vec();
                if line.len() < 1000 {
                    (0..times).for_each(|_| log.extend_from_slice(&line));
                }
            }
            5 => match (bytes.next(), format) {
                (byte, Some(format)) if byte < 128 => log.extend(formatted(now, format).bytes()),
                (byte, _) => log.extend(time_text(now, byte).bytes()),
            },
            6 => log.extend_from_slice(bytes.pick(&LINES)),
            7 if bytes.next() == 7 => log.resize(log.len() + 65_520 + usize::from(bytes.next() % 32), b'x'),
            8 => log.push(bytes.next()),
            0x0B => {
                let byte = bytes.next();
                now = (now + i64::from(byte % 4)).min(221_845_391_999);
                let time = format.map_or_else(|| time_text(now, 6), |format| formatted(now, format));
                let user = ["-", "u", "john smith", "[u]"][usize::from(byte) / 4 % 4];
                let (status, latency) = ([200, 404, 503, 0][usize::from(byte) / 16 % 4], byte / 64);
                log.extend(
                    format!("10.0.0.1 - {user} {time} \"GET /api/user HTTP/1.1\" {status} 5 {latency}.000\n")
                        .bytes(),
                );
            }
            0x0C => {
                let byte = bytes.next();
                now = (now + i64::from(byte % 4)).min(221_845_391_999);
                let time = format.map_or_else(|| now.to_string(), |format| formatted(now, format));
                let latency =
                    ["0.05", "1", "1.000000001", "-", "3s", "31ms", "0", "x"][usize::from(byte) / 4 % 8];
                let status = [200, 503][usize::from(byte) / 32 % 2];
                log.extend(format!("\"{time}\",{latency},{status}\n").bytes());
            }
            byte => log.push(byte),
        }
    }
    steps.push(Step::Bytes(log));
    steps
}

/// None, or one of those.
fn one_of<T: Copy>(bytes: &mut Bytes<'_>, from: &[T]) -> Option<T> {
    match bytes.next() {
        byte if byte % 2 == 0 => None,
        byte => Some(from[usize::from(byte) / 2 % from.len()]),
    }
}

/// A second of UTC in the conversions of strptime.
pub fn formatted(second: i64, format: &str) -> String {
    let time = jiff::Timestamp::from_second(second).expect("in range");
    time.to_zoned(jiff::tz::TimeZone::UTC).strftime(format).to_string()
}

/// A second in one of the forms that servers write.
pub fn time_text(second: i64, form: u8) -> String {
    let time = jiff::Timestamp::from_second(second).expect("in range");
    let civil = time.to_zoned(jiff::tz::TimeZone::UTC);
    match form % 10 {
        1 => format!("{second}.999"),
        // Digits tell the unit.
        2 if (1_000_000_000..10_000_000_000).contains(&second) => format!("{second}123"),
        3 if (1_000_000_000..9_000_000_000).contains(&second) => format!("{second}999999999"),
        4 => civil.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        5 => civil.strftime("%Y-%m-%d %H:%M:%S.25 UTC").to_string(),
        6 => civil.strftime("[%d/%b/%Y:%H:%M:%S +0000]").to_string(),
        7 => civil.strftime("%d/%b/%Y:%H:%M:%S Z").to_string(),
        8 => (time + jiff::SignedDuration::from_mins(90)).strftime("%Y-%m-%dT%H:%M:%S+01:30").to_string(),
        9 => (time - jiff::SignedDuration::from_mins(570)).strftime("%d/%b/%Y:%H:%M:%S -0930").to_string(),
        _ => second.to_string(),
    }
}

/// Runs the filter over `steps`, which are those of `case`, maybe in other pieces.
pub fn run(case: &Case, steps: &[Step]) -> Ran {
    run_until(case.arguments(), steps, case.wall, false)
}

/// Panics if `text` holds what could do harm on a terminal.
pub fn is_safe(text: &str) {
    let harmful = |c: char| (c.is_control() && c != '\n') || matches!(c, '\u{2028}' | '\u{2029}');
    assert!(!text.contains(harmful), "{text:?}");
}
