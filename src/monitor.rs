//! The loop's inside: which line goes to which source, and what is said about
//! it. The only module that knows that there are several sources.

use std::collections::HashMap;
use std::fmt;
use std::io::{self, Write};

use crate::count::names;
use crate::read::line::{Line, LineCutter};
use crate::read::request::Malformed;
use crate::source::{LineOutcome, Moment, Settings, Source, Totals};
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
    places: HashMap<String, usize>,
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
                places: HashMap::new(),
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
        let (settings, state) = (&self.settings, &mut self.state);
        while let Some(line) = self.cutter.next(&mut piece) {
            state.read_line(&line, now, settings);
            piece = state.read_plain_lines(piece, now);
        }
        state.flush()
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
        if let Some(line) = self.cutter.last() {
            state.read_line(&line, now, settings);
        }
        for source in &mut state.sources {
            source.end(now.wall, &mut state.events);
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
    fn read_line(&mut self, line: &Line<'_>, now: Moment, settings: &Settings) {
        self.lines += 1;
        if let Some(name) = named_source(line) {
            let place = self.place_of(name, settings);
            self.is_named = true;
            self.current = Some(place);
            self.sources[place].skip_line(now);
            return;
        }
        let place = self.current.unwrap_or_else(|| {
            let name = std::mem::take(&mut self.default_name);
            self.place_of(&name, settings)
        });
        self.current = Some(place);
        let source = &mut self.sources[place];
        if let LineOutcome::Malformed(problem) = source.read_line(line, now, settings, &mut self.events) {
            self.report(place, line, &problem);
        }
    }

    /// Takes the plain lines that `text` starts with, and says what follows them.
    fn read_plain_lines<'a>(&mut self, text: &'a [u8], now: Moment) -> &'a [u8] {
        let Some(source) = self.current.and_then(|place| self.sources.get_mut(place)) else { return text };
        let (lines, rest) = source.read_plain_lines(text, now, &mut self.events);
        self.lines += lines;
        rest
    }

    #[cold]
    fn report(&mut self, place: usize, line: &Line<'_>, problem: &Malformed) {
        if let Some(rejects) = &mut self.rejects {
            rejects.add(|reject| {
                reject.extend_from_slice(line.text);
                let has_end = !line.overlong && !line.end.is_empty();
                reject.extend_from_slice(if has_end { line.end } else { b"\n" });
                Ok(())
            });
        }
        let source = &mut self.sources[place];
        let number = self.lines;
        let mut advice = "";
        if self.first_problem.is_none() && source.totals().requests == 0 {
            advice = source.advice(line, problem);
        }
        let what = Sentence { source: self.is_named.then(|| source.name()), number, problem, advice };
        if self.first_problem.is_none() {
            self.first_problem = Some(what.to_string());
        }
        self.diagnostics.malformed(what);
    }

    /// The place of the source of this name; it is made if there is none yet.
    fn place_of(&mut self, name: &[u8], settings: &Settings) -> usize {
        let shown = names::shown(name);
        if let Some(&place) = self.places.get(&shown) {
            return place;
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
            return self.place_of(OTHER, settings);
        }
        let place = self.sources.len();
        self.sources.push(Source::new(name, settings));
        self.places.insert(shown, place);
        place
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

/// The name in a line that says which file the next lines are from.
fn named_source<'a>(line: &Line<'a>) -> Option<&'a [u8]> {
    // Few lines start with this byte: the question costs next to nothing.
    if line.text.first() != Some(&b'=') || line.overlong {
        return None;
    }
    let name = line.text.strip_prefix(b"==> ")?.strip_suffix(b" <==")?;
    (!name.is_empty()).then_some(name)
}

/// So many characters of a source's name are shown in a diagnostic.
const MAX_SHOWN: usize = 100;

/// What is wrong with a line, and where.
struct Sentence<'a> {
    source: Option<&'a str>,
    number: u64,
    problem: &'a Malformed,
    advice: &'static str,
}

impl fmt::Display for Sentence<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(source) = self.source {
            let is_long = source.chars().nth(MAX_SHOWN).is_some();
            let shown: String = source.chars().take(MAX_SHOWN).collect();
            write!(f, "{shown}{}: ", if is_long { "..." } else { "" })?;
        }
        write!(f, "line {}: {}{}", self.number, self.problem, self.advice)
    }
}
