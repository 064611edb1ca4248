//! A second generator of random logs, with other habits than the first: bursts
//! that are exactly at a threshold, distances exactly at a limit of the
//! contract or one beyond it, windows and intervals that don't divide each
//! other, a lateness longer than the window, sources whose clocks differ, lines
//! torn between sources, and headers that change, whole or torn.

use super::{Case, TODAY, Typed};
use crate::common::Random;
use crate::model::{Options, Step, Threshold};

const INTERVALS: &[i64] = &[10, 1, 3, 7, 11, 13, 29, 100, 101, 613, 1_000, 5_400];
/// All but 120 divide 10^9, so that a decimal rate can be met exactly.
const WINDOWS: &[i64] = &[120, 2, 4, 5, 8, 16, 20, 25, 40, 50, 100, 125, 500];
const LATENESSES: &[i64] = &[5, 0, 1, 2, 13, 29, 30, 31, 60, 119, 120, 121, 600, 3_600];
const IDLE_TIMEOUTS: &[i64] = &[10, 0, 1, 2, 29, 60, 300];
/// A percentage, with a share that is exactly equal to it: `part` of `whole`.
const PERCENTS: &[(&str, i64, i64)] =
    &[("50", 1, 2), ("25", 1, 4), ("20", 2, 10), ("10", 1, 10), ("12.5", 1, 8), ("62.5", 5, 8), ("5", 1, 20)];

/// The counts that are exactly at the thresholds.
struct Limits {
    /// Requests in an alert window.
    high: i64,
    recovery: i64,
    low: i64,
    errors: (i64, i64),
    slow: (i64, i64),
}

fn options(random: &mut Random) -> (Typed, Limits) {
    let mut typed = Typed { options: Options::default(), arguments: Vec::new() };
    let mut pick = |typed: &mut Typed, name: &str, from: &[i64]| {
        let value = *random.pick(from);
        typed.argument(name, &value);
        value
    };
    typed.options.window = pick(&mut typed, "window", WINDOWS);
    typed.options.interval = pick(&mut typed, "interval", INTERVALS);
    typed.options.lateness = pick(&mut typed, "lateness", LATENESSES);
    typed.options.idle_timeout = pick(&mut typed, "idle-timeout", IDLE_TIMEOUTS);
    let window = typed.options.window;
    let high = random.within(1, 30);
    let mut limits = Limits { high, recovery: high, low: random.within(1, 8), errors: (1, 2), slow: (1, 2) };
    let mut threshold = Threshold::at(&rate(high, window));
    if random.one_in(2) {
        limits.recovery = random.within(1, high);
        threshold.recovery = Some(rate(limits.recovery, window));
    }
    typed.limit("threshold", threshold, |options| &mut options.threshold);
    if random.one_in(2) {
        let mut threshold = Threshold::at(&rate(limits.low, window));
        if random.one_in(2) {
            threshold.recovery = Some(rate(limits.low + random.below(5), window));
        }
        typed.limit("low-threshold", threshold, |options| &mut options.low_threshold);
    }
    let percent = |random: &mut Random| {
        let (percent, part, of) = *random.pick(PERCENTS);
        let mut threshold = Threshold::at(percent);
        if random.one_in(2) {
            threshold.recovery = Some("5".to_owned());
        }
        (threshold, (part, of))
    };
    if random.one_in(2) {
        let (threshold, share) = percent(random);
        limits.errors = share;
        typed.limit("error-threshold", threshold, |options| &mut options.error_threshold);
    }
    if random.one_in(2) {
        let (threshold, share) = percent(random);
        limits.slow = share;
        typed.limit("slow-threshold", threshold, |options| &mut options.slow_threshold);
    }
    let slow = *random.pick(&["1", "0.25", "1.000000001"]);
    slow.clone_into(&mut typed.options.slow);
    typed.argument("slow", &slow);
    typed.options.min_count = *random.pick(&[5, 1, 2, 4]);
    let min_count = typed.options.min_count;
    typed.argument("min-count", &min_count);
    typed.options.top = usize::try_from(*random.pick(&[10, 0, 1, 3])).expect("small");
    let top = typed.options.top;
    typed.argument("top", &top);
    (typed, limits)
}

/// `requests / window` as a decimal number, rounded up if `window` doesn't
/// divide 10^9.
fn rate(requests: i64, window: i64) -> String {
    // Only 120 doesn't. Rounding up to the next billionth does no harm.
    let billionths = (requests * 1_000_000_000 + window - 1) / window;
    format!("{}.{:09}", billionths / 1_000_000_000, billionths % 1_000_000_000)
}

impl Typed {
    fn limit(
        &mut self,
        name: &str,
        threshold: Threshold,
        of: impl Fn(&mut Options) -> &mut Option<Threshold>,
    ) {
        let text = match &threshold.recovery {
            Some(recovery) => format!("{}:{recovery}", threshold.limit),
            None => threshold.limit.clone(),
        };
        self.argument(name, &text);
        *of(&mut self.options) = Some(threshold);
    }
}

/// Makes a random log.
pub(crate) fn case(random: &mut Random) -> Case {
    let (mut typed, limits) = options(random);
    let mut sources: Vec<Source> = (0..*random.pick(&[1, 1, 2, 3, 4])).map(|_| Source::new(random)).collect();
    if sources.len() == 1 {
        sources[0].offset = 0;
    }
    if random.one_in(8) {
        sources[0].is_default = false;
        let list = sources[0].columns_option(random);
        typed.argument("columns", &list);
        typed.options.columns = Some(list);
    }
    let start = 1_550_000_000 + random.below(10_000);
    let is_live = random.one_in(2);
    let wall = if is_live { start + *random.pick(&[0, 0, 1, -1, 299, 300, 301, -300]) } else { TODAY };
    let mut log = Log {
        limits,
        distances: distances(&typed.options),
        window: typed.options.window,
        slow: typed.options.slow.clone(),
        sources,
        current: 0,
        now: start,
        machine: is_live.then_some(wall - start),
        listened: 0,
        bytes: Vec::new(),
        steps: Vec::new(),
        lines: 0,
    };
    log.begin_source(random, 0);
    let most = *random.pick(&[3, 20, 60, 120, 200]);
    while log.lines < most {
        log.happen(random);
    }
    if random.one_in(4) {
        log.bytes.pop();
    }
    log.flush();
    Case { options: typed.options, arguments: typed.arguments, steps: log.steps, wall }
}

/// Distances in seconds at which the contract treats a record differently.
fn distances(options: &Options) -> Vec<i64> {
    let ahead = options.lateness.max(30);
    let behind = options.window.max(options.lateness + 60);
    let limits = [
        options.window,
        options.interval,
        options.lateness,
        ahead,
        behind,
        options.idle_timeout,
        options.idle_timeout + options.lateness,
        60,
        300,
        13 * options.interval.min(100),
    ];
    limits.into_iter().flat_map(|limit| [limit - 1, limit, limit + 1, limit + 2]).collect()
}

/// A log in the making.
struct Log {
    limits: Limits,
    distances: Vec<i64>,
    window: i64,
    slow: String,
    sources: Vec<Source>,
    current: usize,
    /// The true time.
    now: i64,
    /// The offset of the machine's clock, if the log is live.
    machine: Option<i64>,
    /// Seconds of silence so far.
    listened: i64,
    bytes: Vec<u8>,
    steps: Vec<Step>,
    lines: i64,
}

/// What a record says besides its time.
#[derive(Clone, Copy)]
struct Kind {
    is_error: bool,
    is_slow: bool,
}

const USUAL: Kind = Kind { is_error: false, is_slow: false };

impl Log {
    fn happen(&mut self, random: &mut Random) {
        match random.below(18) {
            0..=2 => self.burst(random),
            3 | 16 | 17 => self.share(random),
            4 => self.at_a_limit(random),
            5 => self.row(random),
            6 => self.change_source(random),
            7 => self.silence(random),
            8 => self.go_on(*random.pick(&self.distances)),
            9 => self.dirt(random),
            10 if random.one_in(3) => self.change_header(random),
            _ => {
                self.record(random, self.now, USUAL);
                self.go_on(random.below(4));
            }
        }
    }

    fn go_on(&mut self, seconds: i64) {
        self.now += seconds.max(0);
        if let Some(machine) = self.machine {
            self.flush();
            self.steps.push(Step::Wall(self.now + machine));
        }
    }

    fn flush(&mut self) {
        if !self.bytes.is_empty() {
            self.steps.push(Step::Bytes(std::mem::take(&mut self.bytes)));
        }
    }

    /// A burst exactly at a threshold, one less or one more, in one second or
    /// spread over a window.
    fn burst(&mut self, random: &mut Random) {
        let at = *random.pick(&[self.limits.high, self.limits.recovery, self.limits.low]);
        let count = at + random.within(-1, 1);
        let spread = *random.pick(&[0, 0, 1, self.window - 1, self.window]);
        let mut times: Vec<i64> = (0..count).map(|_| self.now + random.below(spread + 1)).collect();
        if random.one_in(2) {
            times.sort_unstable();
        }
        for time in times {
            self.record(random, time, USUAL);
        }
        self.go_on(*random.pick(&[0, 1, spread, self.window - 1, self.window, self.window + 1]));
    }

    /// Errors or slow requests exactly at a threshold, one less or one more, or
    /// up to all of the requests.
    fn share(&mut self, random: &mut Random) {
        let is_of_errors = random.one_in(2);
        let (part, of) = if is_of_errors { self.limits.errors } else { self.limits.slow };
        let times = random.within(1, 3);
        let part = times * part + *random.pick(&[-1, 0, 1, 1, 100]);
        for index in 0..times * of {
            let is_one = index < part;
            let kind = Kind { is_error: is_one && is_of_errors, is_slow: is_one && !is_of_errors };
            self.record(random, self.now, kind);
        }
        self.go_on(*random.pick(&[0, 1, self.window, self.window + 1]));
        if random.one_in(3) {
            self.row(random);
        }
    }

    /// A record just within a limit of the contract, or just beyond it.
    fn at_a_limit(&mut self, random: &mut Random) {
        let distance = *random.pick(&self.distances);
        let time = if random.one_in(2) { self.now + distance } else { self.now - distance };
        self.record(random, time, USUAL);
    }

    /// As many suspects as confirm a step of the clock, or one less.
    fn row(&mut self, random: &mut Random) {
        let distance = *random.pick(&self.distances) * *random.pick(&[1, 1, 2, 10]);
        let mut time = if random.one_in(2) { self.now + distance } else { self.now - distance };
        for _ in 0..*random.pick(&[9, 10, 10, 11]) {
            self.record(random, time, USUAL);
            time += *random.pick(&[0, 0, 1, 1, -1, 7]);
        }
        if random.one_in(2) {
            self.now = time;
            self.go_on(0);
        }
    }

    fn silence(&mut self, random: &mut Random) {
        let seconds = *random.pick(&self.distances);
        if seconds < 1 || self.listened + seconds > 1_500 {
            return;
        }
        self.listened += seconds;
        self.flush();
        self.steps.push(Step::Idle(seconds));
        self.now += seconds;
    }

    fn change_source(&mut self, random: &mut Random) {
        if self.sources.len() == 1 {
            return;
        }
        let next = usize::try_from(random.below(i64::try_from(self.sources.len()).expect("small")));
        let next = next.expect("not negative");
        if random.one_in(4) {
            // tail tears a record in two.
            let (before, line) = (self.current, self.line(random, self.now, USUAL));
            let cut = usize::try_from(random.below(i64::try_from(line.len()).expect("small")));
            let (first, last) = line.split_at(cut.expect("not negative"));
            self.bytes.extend_from_slice(first);
            self.begin_source(random, next);
            self.record(random, self.now, USUAL);
            self.begin_source(random, before);
            self.bytes.extend_from_slice(last);
            return;
        }
        self.begin_source(random, next);
    }

    fn begin_source(&mut self, random: &mut Random, index: usize) {
        self.current = index;
        if self.sources.len() > 1 {
            let blank = if random.one_in(8) { "" } else { "\n" };
            self.bytes.extend(format!("{blank}==> /var/log/{index}.csv <==\n").bytes());
        }
        let source = &mut self.sources[index];
        if !std::mem::replace(&mut source.has_begun, true) || random.one_in(10) {
            let header = source.header();
            self.bytes.extend(header);
        }
    }

    /// Another header, whole or torn. The next lines may still belong to the
    /// old one.
    fn change_header(&mut self, random: &mut Random) {
        let source = &mut self.sources[self.current];
        let mut changed = source.clone();
        changed.is_default = false;
        changed.change_columns(random);
        let header = changed.header();
        let cut = usize::try_from(random.below(i64::try_from(header.len()).expect("small") + 1));
        let cut = cut.expect("not negative");
        match random.below(4) {
            // Torn: the first part only, or both parts as two lines.
            0 => self.bytes.extend([&header[..cut], b"\n"].concat()),
            1 => self.bytes.extend([&header[..cut], b"\n", &header[cut..]].concat()),
            _ => {
                self.bytes.extend_from_slice(&header);
                if !random.one_in(4) {
                    *source = changed;
                }
            }
        }
    }

    fn dirt(&mut self, random: &mut Random) {
        let line = self.line(random, self.now, USUAL);
        let cut = usize::try_from(random.below(i64::try_from(line.len()).expect("small")));
        match random.below(5) {
            // Part of a line, or two lines in one.
            0 => self.bytes.extend([&line[..cut.expect("not negative")], b"\n"].concat()),
            1 => self.bytes.extend([&line[cut.expect("not negative")..]].concat()),
            2 => self.bytes.extend([line.trim_ascii_end(), &line].concat()),
            3 => self.bytes.extend([&b"\0\0\xEF\xBB\xBF\0"[..], &line].concat()),
            _ => self.bytes.extend_from_slice(b"\r\n"),
        }
    }

    fn record(&mut self, random: &mut Random, time: i64, kind: Kind) {
        let line = self.line(random, time, kind);
        self.bytes.extend(line);
    }

    fn line(&mut self, random: &mut Random, time: i64, kind: Kind) -> Vec<u8> {
        self.lines += 1;
        let source = &self.sources[self.current];
        let mut line = source.line(random, (time + source.offset).max(0), kind, &self.slow);
        line.push(b'\n');
        line
    }
}

/// Roles, with names for each.
const ROLES: &[(&str, &[&str])] = &[
    ("time", &["time", "timestamp", "@timestamp", "date-time", "ts", "log.epoch"]),
    ("host", &["client_ip", "c-ip", "Remote Addr", "source.ip", "host"]),
    ("request", &["request", "request_line", "http.request"]),
    ("method", &["method", "cs-method", "http_method"]),
    ("path", &["path", "url", "cs-uri-stem"]),
    ("status", &["status", "sc-status", "Response Code", "http.response.status_code"]),
    ("bytes", &["bytes", "body_bytes_sent", "size"]),
    ("latency", &["request_time", "latency", "duration_ms", "latency_us"]),
    ("user", &["user", "remote_user"]),
    ("-", &["referer", "agent", "x", "y.z"]),
];

/// How one source's log is written.
#[derive(Clone)]
struct Source {
    /// The offset of its clock from the true time.
    offset: i64,
    delimiter: char,
    /// Without a header: the default format of nginx and Apache, or the usual
    /// seven columns.
    is_default: bool,
    has_virtual_host: bool,
    /// The role and the name of each column.
    columns: Vec<(&'static str, String)>,
    has_begun: bool,
}

impl Source {
    fn new(random: &mut Random) -> Self {
        let mut source = Self {
            offset: *random.pick(&[0, 0, 1, -1, 5, -30, 31, -61, 300, -3_600, 86_400]),
            delimiter: *random.pick(&[',', ',', ' ', ' ', ';', '\t', '|']),
            is_default: random.one_in(3),
            has_virtual_host: random.one_in(4),
            columns: Vec::new(),
            has_begun: false,
        };
        source.change_columns(random);
        source
    }

    /// Changes the columns: others, another order, or other names.
    fn change_columns(&mut self, random: &mut Random) {
        let has_columns = !self.columns.is_empty();
        match random.below(4) {
            0 if has_columns => self.columns.reverse(),
            1 if has_columns => {
                for (role, name) in &mut self.columns {
                    *name = name_of(random, role);
                }
            }
            2 if has_columns => self.columns.push(("-", format!("extra{}", self.columns.len()))),
            _ => {
                self.columns.clear();
                for (role, _) in ROLES.iter().skip(1) {
                    if random.one_in(2) {
                        self.columns.push((role, name_of(random, role)));
                    }
                }
                let place = random.below(i64::try_from(self.columns.len()).expect("small") + 1);
                let place = usize::try_from(place).expect("not negative");
                self.columns.insert(place, ("time", name_of(random, "time")));
            }
        }
    }

    fn columns_option(&self, random: &mut Random) -> String {
        let by_names = random.one_in(2);
        let is_of_role = |role: &&str| *role != "-" && (!by_names || *role != "user");
        let mut items: Vec<String> = Vec::new();
        for (role, name) in &self.columns {
            match (by_names, is_of_role(role)) {
                (true, true) if !name.contains([',', '=']) => items.push(format!("{role}={name}")),
                (true, _) => {}
                (false, true) => items.push((*role).to_owned()),
                (false, false) => items.push("-".to_owned()),
            }
        }
        items.join(",")
    }

    fn header(&self) -> Vec<u8> {
        if self.is_default {
            return Vec::new();
        }
        let names: Vec<String> = self.columns.iter().map(|(_, name)| name.clone()).collect();
        if self.delimiter == ' ' {
            let names: Vec<String> = names.iter().map(|name| name.replace(' ', "-")).collect();
            return format!("#Fields: {}\n", names.join(" ")).into_bytes();
        }
        format!("{}\n", names.join(&self.delimiter.to_string())).into_bytes()
    }

    fn line(&self, random: &mut Random, second: i64, kind: Kind, slow: &str) -> Vec<u8> {
        let status = if kind.is_error { *random.pick(&["500", "503", "599"]) } else { usual_status(random) };
        let host = format!("198.51.100.{}", random.below(4));
        let path = *random.pick(&["/", "/a", "/a/b", "/c?x=/y", "/long/er/path"]);
        let bytes = random.below(100_000);
        if self.is_default {
            let user = *random.pick(&["-", "-", "bob", "ann lee", "x [y"]);
            let request = format!("\"GET {path} HTTP/1.1\"");
            let virtual_host = if self.has_virtual_host { "www:443 " } else { "" };
            return match self.delimiter {
                ' ' => {
                    let time = time_text(second, 3);
                    format!("{virtual_host}{host} - {user} {time} {request} {status} {bytes} \"-\" \"a b [c] ; , |\"")
                }
                other => {
                    let time = time_text(second, random.below(5));
                    [&host, "-", "-", &time, &request, status, &bytes.to_string()].join(&other.to_string())
                }
            }
            .into_bytes();
        }
        let mut fields: Vec<String> = Vec::new();
        for (role, _) in &self.columns {
            let value = match *role {
                "time" => time_text(second, random.below(5)),
                "host" => host.clone(),
                "request" => format!("POST {path} HTTP/2"),
                "method" => (*random.pick(&["GET", "PUT", "DELETE", "FETCH"])).to_owned(),
                "path" => path.to_owned(),
                "status" => status.to_owned(),
                "bytes" => bytes.to_string(),
                // A request that takes exactly `--slow` is not slow.
                "latency" if kind.is_slow => (*random.pick(&["2s", "1001ms", "1000001us"])).to_owned(),
                "latency" => random.pick(&[&format!("{slow}s")[..], "0s", "250ms", "-"]).to_string(),
                "user" => "bob".to_owned(),
                _ => (*random.pick(&["-", "1.5", "text", ""])).to_owned(),
            };
            let is_bracketed = self.delimiter == ' ' && value.starts_with('[');
            let has_delimiter = value.contains(self.delimiter) || value.is_empty() && self.delimiter == ' ';
            fields.push(if has_delimiter && !is_bracketed { format!("\"{value}\"") } else { value });
        }
        fields.join(&self.delimiter.to_string()).into_bytes()
    }
}

fn usual_status(random: &mut Random) -> &'static str {
    random.pick::<&str>(&["200", "200", "200", "301", "404", "499", "600"])
}

fn name_of(random: &mut Random, role: &str) -> String {
    let (_, names) = ROLES.iter().find(|(known, _)| *known == role).expect("a role");
    (*random.pick(names)).to_owned()
}

fn time_text(second: i64, form: i64) -> String {
    let time = jiff::Timestamp::from_second(second).expect("in range");
    let utc = time.to_zoned(jiff::tz::TimeZone::UTC);
    match form {
        1 => format!("{second}.000001"),
        2 => utc.strftime("%Y-%m-%dT%H:%M:%S.999999Z").to_string(),
        3 => utc.strftime("[%d/%b/%Y:%H:%M:%S +0000]").to_string(),
        4 => (time + jiff::SignedDuration::from_mins(345)).strftime("%Y-%m-%d %H:%M:%S+05:45").to_string(),
        _ => second.to_string(),
    }
}
