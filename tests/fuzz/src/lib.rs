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

/// A command line, an input, and the wall clock at its start.
#[derive(Clone, Debug)]
pub struct Case {
    pub threshold: &'static str,
    pub recovery: Option<&'static str>,
    pub interval: i64,
    pub window: i64,
    pub lateness: i64,
    pub idle_timeout: i64,
    pub top: usize,
    pub columns: Option<&'static str>,
    pub delimiter: Option<u8>,
    pub zone: Option<&'static str>,
    pub is_quiet: bool,
    pub wall: i64,
    pub steps: Vec<Step>,
}

const RATES: [&str; 8] =
    ["10", "0.05", "0.5", "1", "0.008333333", "2.25", "0.000000001", "999999999.999999999"];
const COLUMNS: [&str; 7] = [
    "host,-,user,time,request,status,bytes",
    "time",
    "time,path",
    "date,time,status,-",
    "time,method,status,bytes",
    "-,path,time,host,method",
    "request,time,path,status",
];
const LINES: [&[u8]; 28] = [
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
                byte => Some(DELIMITERS[usize::from(byte) / 16 % 4]),
            },
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
        case.steps = decode_log(bytes, start);
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
        arguments.extend(self.recovery.map(|rate| format!("--recovery-threshold={rate}")));
        arguments.extend(self.columns.map(|columns| format!("--columns={columns}")));
        arguments.extend(self.delimiter.map(|delimiter| format!("--delimiter={}", char::from(delimiter))));
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
///
/// and any other byte as itself.
fn decode_log(bytes: &mut Bytes<'_>, start: i64) -> Vec<Step> {
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
            5 => log.extend(time_text(now, bytes.next()).bytes()),
            6 => log.extend_from_slice(bytes.pick(&LINES)),
            7 if bytes.next() == 7 => log.resize(log.len() + 65_520 + usize::from(bytes.next() % 32), b'x'),
            8 => log.push(bytes.next()),
            byte => log.push(byte),
        }
    }
    steps.push(Step::Bytes(log));
    steps
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
