//! The loop's inside: which line goes to which source, and what is said about
//! it. The only module that knows that there are several sources.

use std::collections::HashMap;
use std::fmt;
use std::io::{self, Write};

use memchr::memmem;

use crate::count::names;
use crate::read::hint::Hint;
use crate::read::layout::MalformedLine;
use crate::read::line::{self, Line, LineCutter, Lines};
use crate::source::{Moment, Settings, Source, Totals};
use crate::write::diagnostics::Diagnostics;
use crate::write::ndjson::Events;
use crate::write::output::LineWriter;

/// Lines of further sources go to one that is called [`OTHER`].
pub const MAX_SOURCES: usize = 1_000;
/// The name of the source of lines of too many sources.
pub const OTHER: &[u8] = b"(other)";

/// Where everything goes.
pub struct Outputs<'w> {
    /// Takes the events.
    pub events: Box<dyn Write + 'w>,
    /// Takes the diagnostics.
    pub diagnostics: Box<dyn Write + 'w>,
    /// Takes the malformed lines, if anybody wants them.
    pub rejects: Option<Box<dyn Write + 'w>>,
    /// Whether only a failure is to be said.
    pub is_quiet: bool,
}

impl fmt::Debug for Outputs<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outputs").field("is_quiet", &self.is_quiet).finish_non_exhaustive()
    }
}

/// What went wrong with an output.
#[derive(Debug)]
pub enum Failure {
    /// The events couldn't be written.
    Events(io::Error),
    /// The malformed lines couldn't be written.
    Rejects(io::Error),
}

/// How the whole input turned out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// There was no record, or at least one could be read.
    Readable,
    /// There were records, and not one of them could be read.
    Unreadable,
}

/// The filter, but for its standard streams: pieces of the input go in, events
/// come out.
#[derive(Debug)]
pub struct Monitor<'w> {
    settings: Settings,
    cutter: LineCutter,
    state: State<'w>,
}

/// What a line can change.
#[derive(Debug)]
struct State<'w> {
    default_name: Vec<u8>,
    sources: Vec<Source>,
    /// The sources by their names, as shown.
    indices: HashMap<String, usize>,
    /// The source of the next line.
    current: Option<usize>,
    /// Whether a `==>` line was seen: diagnostics name the source then.
    is_named: bool,
    lines: u64,
    has_overflowed: bool,
    /// The first problem, as long as nothing could be read.
    first_problem: Option<String>,
    events: Events<'w>,
    diagnostics: Diagnostics<'w>,
    rejects: Option<LineWriter<'w>>,
}

impl<'w> Monitor<'w> {
    /// A filter that has read nothing; `source` names what comes before any
    /// `==>` line.
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
                events: Events::new(outputs.events),
                diagnostics: Diagnostics::new(outputs.diagnostics, outputs.is_quiet),
                rejects: outputs.rejects.map(LineWriter::new),
            },
        }
    }

    /// Takes the next piece of the input, which was read at `now`, and writes
    /// every event that comes of it.
    ///
    /// # Errors
    ///
    /// If an output fails; the filter is of no further use then but to say so.
    pub fn read(&mut self, mut piece: &[u8], now: Moment) -> Result<(), Failure> {
        while let Some(text) = self.cutter.next(&mut piece) {
            self.state.read(text, now, &self.settings);
        }
        self.state.flush()
    }

    /// Takes note that the input was found empty at `now` with everything
    /// before it read.
    ///
    /// # Errors
    ///
    /// If an output fails.
    pub fn listen(&mut self, now: Moment) -> Result<(), Failure> {
        for source in &mut self.state.sources {
            source.pass_silence(now, &self.settings, &mut self.state.events);
        }
        self.state.flush()
    }

    /// Whether silence would change anything.
    #[must_use]
    pub fn is_live(&self) -> bool {
        self.state.sources.iter().any(|source| source.is_live(&self.settings))
    }

    /// Takes the end of the input: writes everything that is open, and says
    /// what should be known of the whole.
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
        for source in &mut state.sources {
            source.end(now, settings, &mut state.events);
        }
        state.flush()?;
        Ok(state.conclude(settings))
    }

    /// Says why the program fails.
    pub fn fail(&mut self, what: impl fmt::Display) {
        self.state.diagnostics.fail(what);
    }
}

impl State<'_> {
    /// Gives whole lines to the sources that they are of.
    fn read(&mut self, mut text: &[u8], now: Moment, settings: &Settings) {
        while !text.is_empty() {
            let (mut stretch, rest) = text.split_at(next_mark(text));
            text = rest;
            if stretch.is_empty() {
                let mut lines = Lines::new(text, self.lines);
                let line = lines.next();
                if let Some(name) = line.as_ref().and_then(named_source) {
                    self.lines += 1;
                    let index = self.index_of(name, settings);
                    self.is_named = true;
                    self.current = Some(index);
                    self.sources[index].skip_line(now);
                    text = lines.rest();
                    continue;
                }
                // It only starts like one.
                (stretch, text) = text.split_at(text.len() - lines.rest().len());
            }
            let index = self.current.unwrap_or_else(|| {
                let name = std::mem::take(&mut self.default_name);
                self.index_of(&name, settings)
            });
            self.current = Some(index);
            let mut lines = Lines::new(stretch, self.lines);
            self.read_lines(index, &mut lines, now, settings);
            self.lines = lines.number();
        }
    }

    /// Gives lines to one source, and says what is wrong with them.
    fn read_lines(&mut self, index: usize, lines: &mut Lines<'_>, now: Moment, settings: &Settings) {
        while let Some(malformed) = self.sources[index].read_lines(lines, now, settings, &mut self.events) {
            self.report(index, &malformed);
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
    fn report(&mut self, index: usize, line: &MalformedLine<'_>) {
        if let Some(rejects) = &mut self.rejects {
            rejects.add(|reject| {
                reject.extend_from_slice(&line.text);
                reject.extend_from_slice(if line.end.is_empty() { b"\n" } else { line.end });
                Ok(())
            });
        }
        let source = &self.sources[index];
        let is_first = self.first_problem.is_none();
        let hint = if is_first && source.totals().requests == 0 { source.hint(line) } else { None };
        let source = self.is_named.then(|| source.name());
        let problem = Located { source, number: line.number, what: &line.problem };
        let whole = match hint {
            // What is wrong with a field of it says nothing then.
            Some(hint) if hint.is_foreign() => {
                Located { source, number: line.number, what: hint }.to_string()
            }
            Some(hint) => format!("{problem}; {hint}"),
            None => problem.to_string(),
        };
        if is_first {
            // Advice is given once; if that isn't said, at the end.
            let is_last_word = self.diagnostics.is_quiet() || hint.is_some_and(Hint::is_foreign);
            self.first_problem = Some(if is_last_word { whole.clone() } else { problem.to_string() });
        }
        self.diagnostics.malformed(whole);
    }

    /// The index of the source of this name; it is made if there is none yet.
    fn index_of(&mut self, name: &[u8], settings: &Settings) -> usize {
        let shown = names::shown(name);
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

    fn conclude(&mut self, settings: &Settings) -> Outcome {
        let mut all = Totals::default();
        for source in &self.sources {
            let totals = source.totals();
            all.requests += totals.requests;
            all.malformed += totals.malformed;
            all.late.add(totals.late);
        }
        if all.malformed > 0 {
            self.diagnostics.warn(format_args!("{} of {} lines were malformed", all.malformed, self.lines));
        }
        if all.requests == 0 && all.malformed > 0 {
            let problem = self.first_problem.take().unwrap_or_default();
            self.diagnostics
                .fail(format_args!("no line could be read as a record; the first problem: {problem}"));
            return Outcome::Unreadable;
        }
        if all.late.requests * 100 > all.requests {
            self.diagnostics.warn(late_sentence(&all, settings));
        }
        Outcome::Readable
    }
}

/// How many requests came late, and what to type so that they don't.
fn late_sentence(all: &Totals, settings: &Settings) -> String {
    const MOST: i64 = 3600;
    let late = all.late;
    let percent = late.requests as f64 * 100.0 / all.requests as f64;
    let many = format!("{} of {} requests came late ({percent:.1} %)", late.requests, all.requests);
    let mut advice = Vec::new();
    if late.requests > late.by_silence {
        advice.push(if late.needed_lateness_seconds > MOST {
            format!(
                "by up to {} s, more than --lateness can be; sort the log first",
                late.needed_lateness_seconds
            )
        } else {
            format!("--lateness {}s would have kept them", late.needed_lateness_seconds)
        });
    }
    if late.by_silence > 0 {
        let timeout = settings.idle_timeout + late.missing_idle_seconds;
        advice
            .push(format!("--idle-timeout {timeout}s would have kept the {} after silence", late.by_silence));
    }
    format!("{many}; {}", advice.join("; "))
}

/// What a line starts with that says which file the next lines are from.
const MARK: &[u8] = b"==> ";

/// Where the next line starts that starts with a mark, but for filler; the end
/// if there is none.
fn next_mark(text: &[u8]) -> usize {
    // Most of a log has not one: the search takes about 1 % of the time.
    for at in memmem::find_iter(text, MARK) {
        if let Some(start) = line::start_before(text, at) {
            return start;
        }
    }
    text.len()
}

/// The name in a line that says which file the next lines are from.
fn named_source<'a>(line: &Line<'a>) -> Option<&'a [u8]> {
    if line.overlong {
        return None;
    }
    let name = line.text.strip_prefix(MARK)?.strip_suffix(b" <==")?;
    (!name.is_empty()).then_some(name)
}

/// So many characters of a source's name are shown in a diagnostic.
const MAX_SHOWN: usize = 100;

/// What is said of a first time in 1970.
const TIME_OF_1970: &str =
    "the time is in 1970: most likely the column of the time is another (--columns says which)";

/// What is said of a line, and where it is.
struct Located<'a, T> {
    source: Option<&'a str>,
    number: u64,
    what: T,
}

impl<T: fmt::Display> fmt::Display for Located<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(source) = self.source {
            let is_long = source.chars().nth(MAX_SHOWN).is_some();
            let shown: String = source.chars().take(MAX_SHOWN).collect();
            write!(f, "{shown}{}: ", if is_long { "..." } else { "" })?;
        }
        write!(f, "line {}: {}", self.number, self.what)
    }
}
