//! The main loop: passes each line to its source, reports problems, and writes
//! the totals at the end.
//!
//! Only this module handles several sources. It reads the `==> NAME <==` lines
//! that `tail` writes between files.

use std::collections::HashMap;
use std::fmt;
use std::io::{self, Write};

use crate::count::client_names;
use crate::line_messages::NOT_KEPT;
use crate::read::input_hint::Hint;
use crate::read::line::{Line, LineCutter, Lines};
use crate::read::request::MalformedLine;
use crate::source::{Settings, Source};
use crate::time::late_stats::Offsets;
use crate::time::{Moment, Notice};
use crate::time_messages::{self, Located, Name, TIME_OF_1970};
use crate::write::diagnostics::{Diagnostics, Topic};
use crate::write::ndjson::Events;
use crate::write::rejects::{Kept, RejectWriter, Rejects};

/// The most sources that are kept apart. Lines of further ones go to [`OTHER`].
pub const MAX_SOURCES: usize = 1_000;
/// The source that takes the lines of all sources above [`MAX_SOURCES`].
pub const OTHER: &[u8] = b"(other)";

/// Where the monitor writes.
pub struct Outputs<'w> {
    /// Receives the events.
    pub events: Box<dyn Write + 'w>,
    /// Receives the diagnostics.
    pub diagnostics: Box<dyn Write + 'w>,
    /// Receives the malformed lines, with `--rejects`.
    pub rejects: Option<Rejects<'w>>,
    /// With `--quiet`: only failures are reported.
    pub is_quiet: bool,
}

impl fmt::Debug for Outputs<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outputs").field("is_quiet", &self.is_quiet).finish_non_exhaustive()
    }
}

/// An output that failed.
#[derive(Debug)]
pub enum Failure {
    /// Writing an event failed.
    Events(io::Error),
    /// Writing a malformed line failed.
    Rejects(io::Error),
}

/// Whether the input could be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// At least one record was read, or there were none.
    Readable,
    /// There were records, and none of them could be read.
    Unreadable,
}

/// The filter without standard streams: takes pieces of input, writes events.
#[derive(Debug)]
pub struct Monitor<'w> {
    settings: Settings,
    cutter: LineCutter,
    state: State<'w>,
}

/// Everything that a line can change.
#[derive(Debug)]
struct State<'w> {
    default_name: Vec<u8>,
    sources: Vec<Source>,
    /// Index into `sources` by shown name.
    indices: HashMap<String, usize>,
    /// The source of the next line; `None` before the first line.
    current: Option<usize>,
    /// Whether a `==>` line was seen. If so, diagnostics name the source.
    is_named: bool,
    lines: u64,
    has_overflowed: bool,
    /// The first malformed line's diagnostic, for the exit message if no record
    /// can be read.
    first_problem: Option<String>,
    /// When late and future requests were last checked, in seconds of the wall
    /// clock.
    last_check: i64,
    events: Events<'w>,
    diagnostics: Diagnostics<'w>,
    rejects: Option<RejectWriter<'w>>,
}

impl<'w> Monitor<'w> {
    /// Creates a monitor that has read nothing. Lines before the first `==>`
    /// line belong to the source named `source`.
    #[must_use]
    pub fn new(settings: Settings, source: &[u8], outputs: Outputs<'w>) -> Monitor<'w> {
        Monitor {
            settings,
            cutter: LineCutter::default(),
            state: State {
                default_name: source.to_vec(),
                sources: Vec::new(),
                indices: HashMap::new(),
                current: None,
                is_named: false,
                lines: 0,
                has_overflowed: false,
                first_problem: None,
                last_check: i64::MIN,
                events: Events::new(outputs.events),
                diagnostics: Diagnostics::new(outputs.diagnostics, outputs.is_quiet),
                rejects: outputs.rejects.map(RejectWriter::new),
            },
        }
    }

    /// Reads a piece of input that arrived at `now`, and writes the events that
    /// follow from it.
    ///
    /// # Errors
    ///
    /// If an output fails. After that, only [`Monitor::fail`] is useful.
    pub fn read(&mut self, mut piece: &[u8], now: Moment) -> Result<(), Failure> {
        while let Some(text) = self.cutter.next(&mut piece) {
            self.state.read(text, now, &self.settings);
        }
        self.state.warn_while_live(now);
        self.state.flush()
    }

    /// Handles silence: at `now`, everything was read and the input was empty.
    ///
    /// # Errors
    ///
    /// If an output fails.
    pub fn listen(&mut self, now: Moment) -> Result<(), Failure> {
        let (settings, state) = (&self.settings, &mut self.state);
        for index in 0..state.sources.len() {
            state.sources[index].pass_silence(now, settings, &mut state.events);
            state.say_notices(index, now);
        }
        state.flush()
    }

    /// Whether silence can advance the time of any source.
    #[must_use]
    pub fn hears_silence(&self) -> bool {
        self.state.sources.iter().any(Source::hears_silence)
    }

    /// Ends the input: writes the windows that are open, and the totals.
    ///
    /// # Errors
    ///
    /// If an output fails.
    pub fn end(&mut self, now: Moment) -> Result<Outcome, Failure> {
        let (settings, state) = (&self.settings, &mut self.state);
        if let Some(text) = self.cutter.last() {
            state.read(text, now, settings);
        }
        state.end_lines(now, settings);
        for index in 0..state.sources.len() {
            state.sources[index].end(now, settings, &mut state.events);
            state.say_notices(index, now);
        }
        state.flush()?;
        Ok(state.conclude())
    }

    /// Reports why the program fails, even with `--quiet`.
    pub fn fail(&mut self, what: impl fmt::Display) {
        self.state.diagnostics.fail(what);
    }
}

impl State<'_> {
    /// Passes whole lines to their sources.
    fn read(&mut self, mut text: &[u8], now: Moment, settings: &Settings) {
        while !text.is_empty() {
            let mut lines = Lines::before(text, self.lines, MARK);
            if lines.are_at_mark() {
                lines = Lines::new(text, self.lines);
                let line = lines.next();
                let (whole, rest) = text.split_at(text.len() - lines.rest().len());
                text = rest;
                if let Some(name) = line.as_ref().and_then(named_source) {
                    self.lines += 1;
                    let index = self.index_of(name, settings);
                    self.is_named = true;
                    self.current = Some(index);
                    self.sources[index].skip_line();
                    continue;
                }
                // The line only starts like a `==>` line.
                self.read_stretch(&mut Lines::new(whole, self.lines), now, settings);
            } else {
                self.read_stretch(&mut lines, now, settings);
                text = lines.rest();
            }
        }
    }

    /// Passes lines to the source of the last `==>` line.
    fn read_stretch(&mut self, lines: &mut Lines<'_>, now: Moment, settings: &Settings) {
        let index = self.current.unwrap_or_else(|| {
            let name = std::mem::take(&mut self.default_name);
            self.index_of(&name, settings)
        });
        self.current = Some(index);
        self.read_lines(index, lines, now, settings);
        self.lines = lines.number();
        if let Some(kind) = self.sources[index].impossible_alert(settings) {
            self.say(Topic::Impossible, index, now, time_messages::impossible(kind));
        }
        self.say_notices(index, now);
        if let Some(seconds) = self.sources[index].seconds_ahead(now) {
            self.say(Topic::Ahead, index, now, &time_messages::ahead(seconds));
        }
    }

    /// Passes lines to one source and reports those that are malformed.
    fn read_lines(&mut self, index: usize, lines: &mut Lines<'_>, now: Moment, settings: &Settings) {
        while let Some(malformed) = self.sources[index].read_lines(lines, now, settings, &mut self.events) {
            self.report(index, &malformed, now);
        }
        if let Some(number) = self.sources[index].take_time_of_1970() {
            let source = self.is_named.then(|| self.sources[index].name());
            self.diagnostics.warn(Located { source, number, what: TIME_OF_1970 });
        }
    }

    /// Reads the lines that sources held back.
    fn end_lines(&mut self, now: Moment, settings: &Settings) {
        for index in 0..self.sources.len() {
            self.sources[index].end_lines();
            self.read_lines(index, &mut Lines::new(b"", self.lines), now, settings);
        }
    }

    #[cold]
    fn report(&mut self, index: usize, line: &MalformedLine<'_>, now: Moment) {
        let kept = self.rejects.as_mut().map(|rejects| rejects.add(&line.text, line.end));
        let source = &self.sources[index];
        let is_first = self.first_problem.is_none();
        let hint = if is_first && source.requests() == 0 { source.hint(line) } else { None };
        let source = self.is_named.then(|| source.name());
        let problem = Located { source, number: line.number, what: &line.problem };
        let whole = match hint {
            // The input is no log at all, so a field's problem says nothing.
            Some(hint) if hint.is_foreign() => {
                Located { source, number: line.number, what: hint }.to_string()
            }
            Some(hint) => format!("{problem}; {hint}"),
            None => problem.to_string(),
        };
        if is_first {
            // The exit message repeats the advice only if this line is not shown,
            // or if the input is no log at all.
            let repeats_advice = self.diagnostics.is_quiet() || hint.is_some_and(Hint::is_foreign);
            self.first_problem = Some(if repeats_advice { whole.clone() } else { problem.to_string() });
        }
        self.diagnostics.malformed(whole, now.wall);
        if kept == Some(Kept::FirstNot) {
            self.diagnostics.warn(Located { source, number: line.number, what: NOT_KEPT });
        }
    }

    /// The index of the source called `name`, which is created if it is new.
    fn index_of(&mut self, name: &[u8], settings: &Settings) -> usize {
        let shown = client_names::shown(name);
        if let Some(&index) = self.indices.get(&shown) {
            return index;
        }
        if self.sources.len() >= MAX_SOURCES && name != OTHER {
            if !self.has_overflowed {
                self.has_overflowed = true;
                self.diagnostics.warn(format_args!(
                    "line {}: more than {MAX_SOURCES} sources; further ones are counted as {}",
                    self.lines,
                    String::from_utf8_lossy(OTHER),
                ));
            }
            return self.index_of(OTHER, settings);
        }
        let index = self.sources.len();
        self.sources.push(Source::new(name, settings));
        self.indices.insert(shown, index);
        index
    }

    fn flush(&mut self) -> Result<(), Failure> {
        self.events.flush().map_err(Failure::Events)?;
        match &mut self.rejects {
            Some(rejects) => rejects.flush().map_err(Failure::Rejects),
            None => Ok(()),
        }
    }

    fn say_notices(&mut self, index: usize, now: Moment) {
        for notice in self.sources[index].take_notices() {
            let topic = match notice {
                Notice::Restarted { .. } => Topic::Restarted,
                Notice::IdleTimeoutGrew(_) => Topic::IdleTimeout,
            };
            self.say(topic, index, now, &time_messages::notice(notice));
        }
    }

    /// Reports `what` about a source, unless `topic` was reported recently.
    fn say(&mut self, topic: Topic, index: usize, now: Moment, what: &str) {
        if self.is_named {
            let what = format!("{}: {what}", Name(self.sources[index].name()));
            self.diagnostics.warn_now_and_then(topic, now.wall, what);
        } else {
            self.diagnostics.warn_now_and_then(topic, now.wall, what);
        }
    }

    fn requests(&self) -> u64 {
        self.sources.iter().map(Source::requests).sum()
    }

    /// Late and future requests of all sources together.
    fn offsets(&self) -> Offsets {
        let mut all = Offsets::default();
        for offsets in self.sources.iter().filter_map(Source::offsets) {
            all.add(offsets);
        }
        all
    }

    /// Reports many late or future requests while the log is live, instead of
    /// at the end only. Checks at most once a second.
    fn warn_while_live(&mut self, now: Moment) {
        if self.last_check == now.wall {
            return;
        }
        self.last_check = now.wall;
        if !self.sources.iter().any(|source| source.is_live(now)) {
            return;
        }
        let requests = self.requests();
        let count = |of: fn(&Offsets) -> u64| self.sources.iter().filter_map(Source::offsets).map(of).sum();
        let late = time_messages::are_many(count(Offsets::late_requests), requests);
        let future = time_messages::are_many(count(|offsets| offsets.future.requests), requests);
        if late && self.diagnostics.is_due(Topic::Late, now.wall) {
            self.diagnostics.warn_now_and_then(
                Topic::Late,
                now.wall,
                time_messages::late(&self.offsets(), requests),
            );
        }
        if future && self.diagnostics.is_due(Topic::Future, now.wall) {
            let what = time_messages::future(&self.offsets(), requests);
            self.diagnostics.warn_now_and_then(Topic::Future, now.wall, what);
        }
    }

    fn conclude(&mut self) -> Outcome {
        let requests = self.requests();
        let malformed: u64 = self.sources.iter().map(Source::malformed).sum();
        if malformed > 0 {
            self.diagnostics.warn(format_args!("{malformed} of {} lines were malformed", self.lines));
        }
        let left_out = self.rejects.as_ref().map_or(0, RejectWriter::left_out);
        if left_out > 0 {
            self.diagnostics.warn(format_args!("--rejects-max: {left_out} malformed lines were not kept"));
        }
        if requests == 0 && malformed > 0 {
            let problem = self.first_problem.take().unwrap_or_default();
            self.diagnostics
                .fail(format_args!("no line could be read as a record; the first problem: {problem}"));
            return Outcome::Unreadable;
        }
        let offsets = self.offsets();
        if time_messages::are_many(offsets.late_requests(), requests) {
            self.diagnostics.warn_at_last(Topic::Late, time_messages::late(&offsets, requests));
        }
        if time_messages::are_many(offsets.future.requests, requests) {
            self.diagnostics.warn_at_last(Topic::Future, time_messages::future(&offsets, requests));
        }
        Outcome::Readable
    }
}

/// The start of a `==> NAME <==` line.
const MARK: &[u8] = b"==> ";

/// The name in a `==> NAME <==` line.
fn named_source<'a>(line: &Line<'a>) -> Option<&'a [u8]> {
    if line.overlong {
        return None;
    }
    let name = line.text.strip_prefix(MARK)?.strip_suffix(b" <==")?;
    (!name.is_empty()).then_some(name)
}
