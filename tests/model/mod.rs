//! A second implementation of the contract, as a model to compare the filter
//! with. It is naive, slow and obvious: it keeps every request in plain lists,
//! visits every second in turn, and counts everything again each time. It
//! imports nothing from `src/`. A sentence in quotes is the contract's; the
//! code below it does what it says.
//!
//! It is not the program: it has no input or output, no diagnostics and no
//! command line, and its memory grows with the input.

mod alerts;
mod civil;
mod columns;
mod event;
mod fields;
mod layout;
mod source;
mod time;
mod values;
mod windows;

use columns::Given;
use source::Source;
use values::{Times, show};

/// A longer line is malformed before anything else is asked of it.
const LONGEST_LINE: usize = 262_144;

/// "At most 1,000 sources."
const MOST_SOURCES: usize = 1_000;

/// One of the four `--…threshold RATE[:RECOVERY]` options, as typed.
#[derive(Clone, Debug)]
pub(crate) struct Threshold {
    /// RATE or PERCENT.
    pub(crate) limit: String,
    /// RECOVERY; `None` = the same as the limit.
    pub(crate) recovery: Option<String>,
}

impl Threshold {
    /// A threshold without RECOVERY.
    pub(crate) fn at(limit: &str) -> Self {
        Self { limit: limit.to_owned(), recovery: None }
    }
}

/// The command line options, as typed. Durations are in seconds. A threshold
/// that is `None` is `off`.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    /// `--threshold` and `--recovery-threshold`.
    pub(crate) threshold: Option<Threshold>,
    /// `--low-threshold`.
    pub(crate) low_threshold: Option<Threshold>,
    /// `--error-threshold`.
    pub(crate) error_threshold: Option<Threshold>,
    /// `--slow-threshold`.
    pub(crate) slow_threshold: Option<Threshold>,
    /// `--slow`, a decimal number.
    pub(crate) slow: String,
    /// `--min-count`.
    pub(crate) min_count: u64,
    /// `--interval`.
    pub(crate) interval: i64,
    /// `--window`.
    pub(crate) window: i64,
    /// `--lateness`.
    pub(crate) lateness: i64,
    /// `--idle-timeout`; 0 = never.
    pub(crate) idle_timeout: i64,
    /// `--top`; 0 = all.
    pub(crate) top: usize,
    /// `--columns`, by position or by name.
    pub(crate) columns: Option<String>,
    /// `--delimiter`; `None` = detected; a blank is `space`.
    pub(crate) delimiter: Option<u8>,
    /// `--time-format`.
    pub(crate) time_format: Option<String>,
    /// `--zone`, an IANA name; `None` = UTC.
    pub(crate) zone: Option<String>,
    /// `--source`.
    pub(crate) source: String,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            threshold: Some(Threshold::at("10")),
            low_threshold: None,
            error_threshold: None,
            slow_threshold: None,
            slow: "1".to_owned(),
            min_count: 5,
            interval: 10,
            window: 120,
            lateness: 5,
            idle_timeout: 10,
            top: 10,
            columns: None,
            delimiter: None,
            time_format: None,
            zone: None,
            source: "stdin".to_owned(),
        }
    }
}

/// One step of an input.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// A piece of the input. Pieces may end inside a line.
    Bytes(Vec<u8>),
    /// This many seconds of silence; the input is found empty in each.
    Idle(i64),
    /// Sets the wall clock.
    Wall(i64),
}

/// The clocks besides the log's own.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Now {
    /// The wall clock, in epoch seconds.
    pub(crate) wall: i64,
    /// How many seconds the input was found empty, since the start.
    pub(crate) listened: i64,
}

/// The output, and the counts over all sources.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Outcome {
    /// The lines on standard output, without their newline.
    pub(crate) events: Vec<String>,
    /// The bytes written to `--rejects`.
    pub(crate) rejects: Vec<u8>,
    /// What happened, so that generators of random logs can be checked.
    pub(crate) totals: Totals,
}

/// Counts over all sources.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Totals {
    /// All lines.
    pub(crate) lines: u64,
    /// Good records.
    pub(crate) requests: u64,
    /// Malformed lines.
    pub(crate) malformed: u64,
    /// Skipped lines.
    pub(crate) skipped: u64,
    /// Requests counted as late, including unconfirmed ones.
    pub(crate) late: u64,
    /// Requests counted as `future`.
    pub(crate) future: u64,
    /// `future` requests of a live log that were not held.
    pub(crate) future_at_once: u64,
    /// Backward suspects that were not confirmed.
    pub(crate) stragglers: u64,
    /// Leaps of time: by 10 held, by a current record, at the end of input.
    pub(crate) leaps: [u64; 3],
    /// Restarts of time: by 10 held, by a current record.
    pub(crate) restarts: [u64; 2],
    /// Suspects that were unconfirmed because others write near the present.
    pub(crate) left_near_the_present: u64,
    /// Restarts by 10 held suspects near the present.
    pub(crate) restarts_near_the_present: u64,
    /// Idle timeouts that grew.
    pub(crate) grown_timeouts: u64,
    /// Seconds by which silence moved event clocks.
    pub(crate) moved_by_silence: u64,
    /// Headers that were torn.
    pub(crate) torn_headers: u64,
    /// Headers that changed the columns after records had been read.
    pub(crate) new_headers: u64,
    /// Headers without a time that ended the assumed seven columns.
    pub(crate) headers_without_time: u64,
    /// Changes of delimiter after three malformed lines.
    pub(crate) changed_delimiters: u64,
    /// Records of the usual columns after a virtual host.
    pub(crate) virtual_hosts: u64,
    /// Records of the usual columns with a user name with blanks in it.
    pub(crate) users_with_blanks: u64,
    /// Local times that occur twice, taken for the later one.
    pub(crate) later_of_two: u64,
}

/// A decimal number greater than 0 with at most 9 decimals, without rounding.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Decimal {
    /// The number times 10^9.
    pub(crate) billionths: i128,
    /// The number as events show it.
    pub(crate) number: f64,
}

impl Decimal {
    fn read(text: &str) -> Self {
        let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
        let digits = format!("{whole}{decimals:0<9}");
        Self { billionths: digits.parse().expect("a decimal"), number: text.parse().expect("a decimal") }
    }
}

/// A parsed threshold.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) threshold: Decimal,
    pub(crate) recovery: Decimal,
}

impl Limits {
    fn read(typed: &Threshold) -> Self {
        let threshold = Decimal::read(&typed.limit);
        // "RATE if not given."
        Self { threshold, recovery: typed.recovery.as_deref().map_or(threshold, Decimal::read) }
    }
}

/// The parsed options.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// In the order of section 5: high and low traffic, errors, slow requests.
    pub(crate) limits: [Option<Limits>; 4],
    pub(crate) slow: Decimal,
    pub(crate) min_count: u64,
    pub(crate) interval: i64,
    pub(crate) window: i64,
    pub(crate) lateness: i64,
    pub(crate) idle_timeout: i64,
    pub(crate) top: usize,
    pub(crate) columns: Given,
    pub(crate) delimiter: Option<u8>,
    pub(crate) times: Times,
}

impl Settings {
    fn new(options: &Options) -> Self {
        let thresholds =
            [&options.threshold, &options.low_threshold, &options.error_threshold, &options.slow_threshold];
        Self {
            limits: thresholds.map(|threshold| threshold.as_ref().map(Limits::read)),
            slow: Decimal::read(&options.slow),
            min_count: options.min_count,
            interval: options.interval,
            window: options.window,
            lateness: options.lateness,
            idle_timeout: options.idle_timeout,
            top: options.top,
            columns: Given::read(options.columns.as_deref()),
            delimiter: options.delimiter,
            times: Times::new(options.time_format.clone(), options.zone.as_deref()),
        }
    }
}

/// Runs the model over an input. The wall clock starts at `wall` (epoch
/// seconds), advances during [`Step::Idle`], is set by [`Step::Wall`], and
/// stands still otherwise. The input ends after the steps.
pub(crate) fn run(options: &Options, steps: &[Step], wall: i64) -> Outcome {
    run_until(options, steps, wall, false)
}

/// The same. With `is_open` the input doesn't end.
pub(crate) fn run_until(options: &Options, steps: &[Step], wall: i64, is_open: bool) -> Outcome {
    let mut model = Model {
        settings: Settings::new(options),
        sources: Vec::new(),
        current: None,
        default_name: show(options.source.as_bytes()),
        now: Now { wall, listened: 0 },
        outcome: Outcome::default(),
    };
    let mut piece = Vec::new();
    for step in steps {
        match step {
            Step::Bytes(bytes) => {
                piece.extend_from_slice(bytes);
                // "Ended by LF."
                let mut rest = &piece[..];
                while let Some(newline) = rest.iter().position(|&byte| byte == b'\n') {
                    let (line, further) = rest.split_at(newline + 1);
                    model.line(line);
                    rest = further;
                }
                piece = rest.to_vec();
            }
            Step::Idle(seconds) => {
                for _ in 0..*seconds {
                    model.idle_second();
                }
            }
            Step::Wall(wall) => model.now.wall = *wall,
        }
    }
    if !is_open {
        // "At the end of input also by CR or nothing."
        if !piece.is_empty() {
            model.line(&piece);
        }
        model.end();
    }
    model.outcome
}

struct Model {
    settings: Settings,
    /// In the order of their first lines.
    sources: Vec<Source>,
    /// The source of the next line; `None` before the first line.
    current: Option<usize>,
    default_name: String,
    now: Now,
    outcome: Outcome,
}

impl Model {
    /// Reads one line with its end, which only the last line may lack.
    fn line(&mut self, whole: &[u8]) {
        self.outcome.totals.lines += 1;

        // "A UTF-8 BOM and NUL bytes at the start of a line are dropped and
        // don't count."
        let whole = without_nuls_and_boms(whole);
        // "Ended by LF or CRLF (at the end of input also by CR or nothing);
        // any other CR is a byte like any other."
        let line = whole.strip_suffix(b"\n").unwrap_or(whole);
        let line = line.strip_suffix(b"\r").unwrap_or(line);

        // "A line longer than 262,144 bytes, its end not counted, is malformed
        // before anything else is asked of it."
        if line.len() > LONGEST_LINE {
            let current = self.current_source();
            // "An overlong one cut to 256 KiB; what was cut gets an LF."
            self.sources[current].overlong_line([&line[..LONGEST_LINE], b"\n"].concat(), self.now);
            self.gather(current);
            return;
        }
        // "A `==>` line belongs to the source that it names."
        if let Some(name) = source_name(line) {
            let named = self.source_called(&show(name));
            self.current = Some(named);
            self.sources[named].skip();
            self.gather(named);
            return;
        }
        let current = self.current_source();
        // "Skipped: lines that are empty or only blanks (spaces, tabs)."
        if line.iter().all(|&byte| byte == b' ' || byte == b'\t') {
            self.sources[current].skip();
        } else {
            // "Byte for byte with its end; what has no end gets an LF."
            let end = &whole[line.len()..];
            let reject = [line, if end.is_empty() { b"\n" } else { end }].concat();
            self.sources[current].line(line, reject, self.now);
        }
        self.gather(current);
    }

    /// A second in which the input was found empty.
    fn idle_second(&mut self) {
        self.now.wall += 1;
        self.now.listened += 1;
        for source in 0..self.sources.len() {
            self.sources[source].silence(self.now);
            self.gather(source);
        }
    }

    /// "At the end each source ends in the order in which it first came."
    fn end(&mut self) {
        for source in 0..self.sources.len() {
            self.sources[source].end(self.now);
            self.gather(source);
        }
    }

    /// Takes over what a source has written.
    fn gather(&mut self, source: usize) {
        let source = &mut self.sources[source];
        self.outcome.events.append(&mut source.events);
        self.outcome.rejects.append(&mut source.rejects);
        self.outcome.totals.add(&std::mem::take(&mut source.totals));
    }

    /// The source of the next lines. Before the first `==>` it is the one
    /// called by `--source`, which exists once it has had a line.
    fn current_source(&mut self) -> usize {
        let default_name = self.default_name.clone();
        let current = self.current.unwrap_or_else(|| self.source_called(&default_name));
        self.current = Some(current);
        current
    }

    /// "At most 1,000 sources; lines of further ones go to the source
    /// `(other)`." Names are the same if they show the same.
    fn source_called(&mut self, name: &str) -> usize {
        if let Some(known) = self.sources.iter().position(|source| source.name == name) {
            return known;
        }
        if self.sources.len() >= MOST_SOURCES && name != "(other)" {
            return self.source_called("(other)");
        }
        self.sources.push(Source::new(name.to_owned(), self.settings.clone()));
        self.sources.len() - 1
    }
}

impl Totals {
    /// Adds those of a source, or of another run.
    pub(crate) fn add(&mut self, other: &Self) {
        self.lines += other.lines;
        self.requests += other.requests;
        self.malformed += other.malformed;
        self.skipped += other.skipped;
        self.late += other.late;
        self.future += other.future;
        self.future_at_once += other.future_at_once;
        self.stragglers += other.stragglers;
        for (leaps, others) in self.leaps.iter_mut().zip(other.leaps) {
            *leaps += others;
        }
        for (restarts, others) in self.restarts.iter_mut().zip(other.restarts) {
            *restarts += others;
        }
        self.left_near_the_present += other.left_near_the_present;
        self.restarts_near_the_present += other.restarts_near_the_present;
        self.grown_timeouts += other.grown_timeouts;
        self.moved_by_silence += other.moved_by_silence;
        self.torn_headers += other.torn_headers;
        self.new_headers += other.new_headers;
        self.headers_without_time += other.headers_without_time;
        self.changed_delimiters += other.changed_delimiters;
        self.virtual_hosts += other.virtual_hosts;
        self.users_with_blanks += other.users_with_blanks;
        self.later_of_two += other.later_of_two;
    }
}

/// Drops NUL bytes and BOMs at the start, in any order and number.
fn without_nuls_and_boms(mut line: &[u8]) -> &[u8] {
    while let Some(rest) = line.strip_prefix(b"\0").or_else(|| line.strip_prefix(b"\xEF\xBB\xBF")) {
        line = rest;
    }
    line
}

/// The NAME of a `==> NAME <==` line; it has at least one byte.
fn source_name(line: &[u8]) -> Option<&[u8]> {
    let name = line.strip_prefix(b"==> ")?.strip_suffix(b" <==")?;
    (!name.is_empty()).then_some(name)
}
