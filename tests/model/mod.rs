//! The specification turned into code: a model of the whole filter that is
//! naive, slow and obvious. It keeps every request in plain lists, looks at
//! every second in turn and counts everything again each time. It imports
//! nothing of `src/`, so that the two can be compared.
//!
//! It is not the program: it does no reading, no diagnostics, no command line,
//! and its memory grows with the input.

mod civil;
mod columns;
mod event;
mod source;
mod time;
mod values;
mod windows;

use columns::Columns;
use source::Source;
use values::{Zone, show};

/// A longer line is malformed before anything else is asked of it.
const LONGEST_LINE: usize = 65_536;

/// "At most 1,000 sources."
const MOST_SOURCES: usize = 1_000;

/// What can be asked for on the command line, as typed; durations in seconds.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    /// `--threshold`, a decimal number.
    pub(crate) threshold: String,
    /// `--recovery-threshold`; none is the threshold.
    pub(crate) recovery_threshold: Option<String>,
    /// `--interval`.
    pub(crate) interval: i64,
    /// `--window`.
    pub(crate) window: i64,
    /// `--lateness`.
    pub(crate) lateness: i64,
    /// `--idle-timeout`; 0 is never.
    pub(crate) idle_timeout: i64,
    /// `--top`; 0 is all.
    pub(crate) top: usize,
    /// `--columns`.
    pub(crate) columns: Option<String>,
    /// `--delimiter`; none is detected.
    pub(crate) delimiter: Option<u8>,
    /// `--zone`, an IANA name; none is UTC.
    pub(crate) zone: Option<String>,
    /// `--source`.
    pub(crate) source: String,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            threshold: "10".to_owned(),
            recovery_threshold: None,
            interval: 10,
            window: 120,
            lateness: 5,
            idle_timeout: 10,
            top: 10,
            columns: None,
            delimiter: None,
            zone: None,
            source: "stdin".to_owned(),
        }
    }
}

/// What happens on the way in.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// A piece of the input; a line may be cut over pieces.
    Bytes(Vec<u8>),
    /// So many seconds of silence, the input found empty in each.
    Idle(i64),
}

/// What comes out, and what was counted over all sources.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Outcome {
    /// The lines on standard output, without their newline.
    pub(crate) events: Vec<String>,
    /// All lines.
    pub(crate) lines: u64,
    /// Good records.
    pub(crate) requests: u64,
    /// Malformed lines.
    pub(crate) malformed: u64,
    /// Skipped lines.
    pub(crate) skipped: u64,
    /// Requests that came late.
    pub(crate) late: u64,
    /// What `--rejects` is given.
    pub(crate) rejects: Vec<u8>,
    /// The malformed lines by their number in the whole input, from 1.
    pub(crate) malformed_lines: Vec<u64>,
}

/// A decimal number greater than 0 with at most 9 decimals, exactly.
#[derive(Clone, Copy, Debug)]
struct Rate {
    /// The number times 10^9.
    billionths: i128,
    /// The number as events show it.
    number: f64,
}

impl Rate {
    fn read(text: &str) -> Self {
        let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
        let digits = format!("{whole}{decimals:0<9}");
        Self { billionths: digits.parse().expect("a RATE"), number: text.parse().expect("a RATE") }
    }

    /// `requests / window > self`, compared as exact decimals.
    fn is_exceeded(self, requests: u64, window: i64) -> bool {
        i128::from(requests) * 1_000_000_000 > self.billionths * i128::from(window)
    }

    /// `requests / window < self`, compared as exact decimals.
    fn is_undercut(self, requests: u64, window: i64) -> bool {
        i128::from(requests) * 1_000_000_000 < self.billionths * i128::from(window)
    }
}

/// The options as they are meant.
#[derive(Clone, Debug)]
struct Settings {
    threshold: Rate,
    recovery: Rate,
    interval: i64,
    window: i64,
    lateness: i64,
    idle_timeout: i64,
    top: usize,
    columns: Option<Columns>,
    delimiter: Option<u8>,
    zone: Zone,
}

impl Settings {
    fn new(options: &Options) -> Self {
        let threshold = Rate::read(&options.threshold);
        Self {
            threshold,
            // "-r, --recovery-threshold: the threshold" is the default.
            recovery: options.recovery_threshold.as_deref().map_or(threshold, Rate::read),
            interval: options.interval,
            window: options.window,
            lateness: options.lateness,
            idle_timeout: options.idle_timeout,
            top: options.top,
            columns: options.columns.as_deref().map(Columns::from_list),
            delimiter: options.delimiter,
            zone: Zone::named(options.zone.as_deref()),
        }
    }
}

/// Runs the specification over an input. `wall` is the wall clock (seconds
/// since the epoch) at the beginning; it goes on by one a second during
/// [`Step::Idle`] and stands still otherwise. After the steps the input ends.
pub(crate) fn run(options: &Options, steps: &[Step], wall: i64) -> Outcome {
    let mut model = Model {
        settings: Settings::new(options),
        sources: Vec::new(),
        current: None,
        default_name: show(options.source.as_bytes()),
        wall,
        outcome: Outcome::default(),
    };
    let mut piece = Vec::new();
    for step in steps {
        match step {
            Step::Bytes(bytes) => {
                piece.extend_from_slice(bytes);
                // "Ended by LF."
                while let Some(newline) = piece.iter().position(|&byte| byte == b'\n') {
                    let line: Vec<u8> = piece.drain(..=newline).collect();
                    model.line(&line);
                }
            }
            Step::Idle(seconds) => {
                for _ in 0..*seconds {
                    model.idle_second();
                }
            }
        }
    }
    // "At the end of input also by CR or nothing."
    if !piece.is_empty() {
        model.line(&piece);
    }
    model.end();
    model.outcome
}

struct Model {
    settings: Settings,
    /// In the order in which they first came.
    sources: Vec<Source>,
    /// The source that the next lines are from; none before the first line.
    current: Option<usize>,
    default_name: String,
    wall: i64,
    outcome: Outcome,
}

impl Model {
    /// One line with its end, which only the last one may lack.
    fn line(&mut self, whole: &[u8]) {
        self.outcome.lines += 1;

        // "A UTF-8 BOM and NUL bytes at the start of a line are dropped and
        // don't count."
        let whole = without_nuls_and_boms(whole);
        // "Ended by LF or CRLF (at the end of input also by CR or nothing);
        // any other CR is a byte like any other."
        let line = whole.strip_suffix(b"\n").unwrap_or(whole);
        let line = line.strip_suffix(b"\r").unwrap_or(line);

        // "A line longer than 65,536 bytes, its end not counted, is malformed
        // before anything else is asked of it."
        if line.len() > LONGEST_LINE {
            let current = self.current_source();
            self.malformed(current, &line[..LONGEST_LINE], b"\n");
            self.line_is_done(current);
            return;
        }

        // A `==>` line belongs to the source that it names.
        if let Some(name) = source_name(line) {
            let named = self.source_called(&show(name));
            self.current = Some(named);
            self.skipped(named);
            self.line_is_done(named);
            return;
        }

        let current = self.current_source();
        if line.iter().all(|&byte| byte == b' ' || byte == b'\t') {
            self.skipped(current);
        } else {
            match self.sources[current].read_line(line) {
                columns::Reading::Header => self.skipped(current),
                columns::Reading::Record(request) => {
                    self.outcome.requests += 1;
                    self.sources[current].take(request, self.wall, true);
                }
                columns::Reading::Malformed => {
                    // "Byte for byte with its end; what has no end gets an LF."
                    let end = &whole[line.len()..];
                    self.malformed(current, line, if end.is_empty() { b"\n" } else { end });
                }
            }
        }
        self.line_is_done(current);
    }

    fn skipped(&mut self, source: usize) {
        self.outcome.skipped += 1;
        self.sources[source].skipped += 1;
    }

    fn malformed(&mut self, source: usize, line: &[u8], end: &[u8]) {
        self.outcome.malformed += 1;
        self.outcome.malformed_lines.push(self.outcome.lines);
        self.outcome.rejects.extend_from_slice(line);
        self.outcome.rejects.extend_from_slice(end);
        self.sources[source].malformed += 1;
    }

    fn line_is_done(&mut self, source: usize) {
        self.sources[source].silence_begins(self.wall);
        self.gather(source);
    }

    /// "In each second, each source's idle time grows by one."
    fn idle_second(&mut self) {
        self.wall += 1;
        for source in 0..self.sources.len() {
            self.sources[source].idle_second(self.wall);
            self.gather(source);
        }
    }

    /// "At the end each source ends in the order in which it first came."
    fn end(&mut self) {
        for source in 0..self.sources.len() {
            self.sources[source].end(self.wall);
            self.gather(source);
        }
    }

    /// Takes over what a source has written.
    fn gather(&mut self, source: usize) {
        self.outcome.events.append(&mut self.sources[source].events);
        self.outcome.late += std::mem::take(&mut self.sources[source].late);
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
