//! Passes each line to its source and reports problems. Only this module knows
//! that there are several sources, and reads `==> NAME <==` lines.

use std::collections::HashMap;
use std::fmt;
use std::io::{self, Write};

use crate::count::client_names;
use crate::read::guess_format::Hint;
use crate::read::line::{Line, LineCutter, Lines};
use crate::read::request::MalformedLine;
use crate::source::{Settings, Source};
use crate::time::late_stats::Offsets;
use crate::time::{Moment, Notice};
use crate::time_messages::{self, Located, Name, TIME_OF_1970};
use crate::write::diagnostics::{Diagnostics, Topic};
use crate::write::ndjson::Events;
use crate::write::rejects::{Kept, RejectWriter, Rejects};

/// Lines of further sources go to the source [`OTHER`].
pub const MAX_SOURCES: usize = 1_000;
/// The source of the lines of further sources.
pub const OTHER: &[u8] = b"(other)";

/// The outputs.
pub struct Outputs<'w> {
    /// Takes the events.
    pub events: Box<dyn Write + 'w>,
    /// Takes the diagnostics.
    pub diagnostics: Box<dyn Write + 'w>,
    /// Takes the malformed lines, with `--rejects`.
    pub rejects: Option<Rejects<'w>>,
    /// Whether to report failures only.
    pub is_quiet: bool,
}

impl fmt::Debug for Outputs<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outputs").field("is_quiet", &self.is_quiet).finish_non_exhaustive()
    }
}

/// Which output failed.
#[derive(Debug)]
pub enum Failure {
    /// The events couldn't be written.
    Events(io::Error),
    /// The malformed lines couldn't be written.
    Rejects(io::Error),
}

/// Whether the input could be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// There was no record, or at least one could be read.
    Readable,
    /// There were records, and not one of them could be read.
    Unreadable,
}

/// The filter without its standard streams: pieces of input in, events out.
#[derive(Debug)]
pub struct Monitor<'w> {
    settings: Settings,
    cutter: LineCutter,
    state: State<'w>,
}

/// The state that a line can change.
#[derive(Debug)]
struct State<'w> {
    default_name: Vec<u8>,
    sources: Vec<Source>,
    /// The sources by their names, as shown.
    indices: HashMap<String, usize>,
    /// The source of the next line.
    current: Option<usize>,
    /// Whether a `==>` line was seen. Diagnostics then name the source.
    is_named: bool,
    lines: u64,
    has_overflowed: bool,
    /// The first problem while nothing could be read.
    first_problem: Option<String>,
    /// The wall clock's second of the last check for late requests.
    looked: i64,
    events: Events<'w>,
    diagnostics: Diagnostics<'w>,
    rejects: Option<RejectWriter<'w>>,
}

impl<'w> Monitor<'w> {
    /// A filter that has read nothing. `source` is the source of the lines before
    /// the first `==>` line.
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
                looked: i64::MIN,
                events: Events::new(outputs.events),
                diagnostics: Diagnostics::new(outputs.diagnostics, outputs.is_quiet),
                rejects: outputs.rejects.map(RejectWriter::new),
            },
        }
    }

    /// Takes a piece of input read at `now` and writes the events that follow
    /// from it.
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

    /// Notes that the input was empty at `now`, with everything read.
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

    /// Whether silence would change anything.
    #[must_use]
    pub fn hears_silence(&self) -> bool {
        self.state.sources.iter().any(Source::hears_silence)
    }

    /// Ends the input: writes everything that is open, and the totals.
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

    /// Says why the program fails.
    pub fn fail(&mut self, what: impl fmt::Display) {
        self.state.diagnostics.fail(what);
    }
}

impl State<'_> {
    /// Gives whole lines to their sources.
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
                // It only starts like a `==>` line.
                self.read_stretch(&mut Lines::new(whole, self.lines), now, settings);
            } else {
                self.read_stretch(&mut lines, now, settings);
                text = lines.rest();
            }
        }
    }

    /// Gives lines to the source of the last `==>` line.
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

    /// Gives lines to one source, and says what is wrong with them.
    fn read_lines(&mut self, index: usize, lines: &mut Lines<'_>, now: Moment, settings: &Settings) {
        while let Some(malformed) = self.sources[index].read_lines(lines, now, settings, &mut self.events) {
            self.report(index, &malformed, now);
        }
        if let Some(number) = self.sources[index].take_time_of_1970() {
            let source = self.is_named.then(|| self.sources[index].name());
            self.diagnostics.warn(Located { source, number, what: TIME_OF_1970 });
        }
    }

    /// Takes the lines that were held back.
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
            // The problem of a single field is not useful then.
            Some(hint) if hint.is_foreign() => {
                Located { source, number: line.number, what: hint }.to_string()
            }
            Some(hint) => format!("{problem}; {hint}"),
            None => problem.to_string(),
        };
        if is_first {
            // Advice is given once: here, or at the end if this line isn't shown.
            let is_last_word = self.diagnostics.is_quiet() || hint.is_some_and(Hint::is_foreign);
            self.first_problem = Some(if is_last_word { whole.clone() } else { problem.to_string() });
        }
        self.diagnostics.malformed(whole, now.wall);
        if kept == Some(Kept::FirstNot) {
            self.diagnostics.warn(Located { source, number: line.number, what: NOT_KEPT });
        }
    }

    /// The index of the source with this name. A new source is made if needed.
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

    /// Reports something about a source, unless its topic was reported recently.
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

    /// Late and future requests of all sources.
    fn offsets(&self) -> Offsets {
        let mut all = Offsets::default();
        for offsets in self.sources.iter().filter_map(Source::offsets) {
            all.add(offsets);
        }
        all
    }

    /// On a live log, reports what is otherwise reported at the end. Checks at
    /// most once a second.
    fn warn_while_live(&mut self, now: Moment) {
        if self.looked == now.wall {
            return;
        }
        self.looked = now.wall;
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

/// Said of the first line that `--rejects-max` leaves no room for.
const NOT_KEPT: &str = "--rejects-max: this malformed line and those after it are not kept";

/// The start of a line that names the file of the next lines.
const MARK: &[u8] = b"==> ";

/// The name in a `==>` line.
fn named_source<'a>(line: &Line<'a>) -> Option<&'a [u8]> {
    if line.overlong {
        return None;
    }
    let name = line.text.strip_prefix(MARK)?.strip_suffix(b" <==")?;
    (!name.is_empty()).then_some(name)
}
