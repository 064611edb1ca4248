//! One source (one log file): its columns and delimiter, its run of time, and
//! its counters. Reads lines, feeds requests to the run, and writes what the
//! run finds as events.

use crate::count::alert::Kind;
use crate::count::client_names;
use crate::count::counts::Finding;
use crate::read::columns::LayoutOptions;
use crate::read::input_hint::Hint;
use crate::read::layout::{Layout, Reading};
use crate::read::line::Lines;
use crate::read::request::MalformedLine;
use crate::report::{OtherLines, Reporter};
use crate::time;
use crate::time::late_stats::Offsets;
use crate::time::run::Run;
pub use crate::time::{Moment, Notice};
use crate::write::ndjson::Events;

/// Settings shared by all sources.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Columns, delimiter, zone and time format.
    pub layout: LayoutOptions,
    /// Windows, alert limits, lateness and idle timeout.
    pub run: time::Settings,
    /// Sections and hosts listed in a summary; 0 = all.
    pub top: usize,
}

/// The state of one log.
#[derive(Debug)]
pub struct Source {
    name: String,
    layout: Layout,
    run: Option<Run>,
    other_lines: OtherLines,
    requests: u64,
    malformed: u64,
    /// [`Layout::changes`] when the columns were last looked at.
    changes: u64,
    /// Which alerts the log has columns for, by [`Kind`].
    possible: [bool; 4],
}

impl Source {
    /// Creates a source that has read nothing. Control characters and invalid
    /// UTF-8 in `name` are replaced.
    #[must_use]
    pub fn new(name: &[u8], settings: &Settings) -> Source {
        Source {
            name: client_names::shown(name),
            layout: Layout::new(&settings.layout),
            run: None,
            other_lines: OtherLines::default(),
            requests: 0,
            malformed: 0,
            changes: u64::MAX,
            possible: [true; 4],
        }
    }

    /// The source's name, as events show it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How many records were counted as requests.
    #[must_use]
    pub fn requests(&self) -> u64 {
        self.requests
    }

    /// How many lines were malformed.
    #[must_use]
    pub fn malformed(&self) -> u64 {
        self.malformed
    }

    /// Late and future requests so far; `None` before the first record.
    #[must_use]
    pub fn offsets(&self) -> Option<&Offsets> {
        self.run.as_ref().map(Run::offsets)
    }

    /// Counts a `==> NAME <==` line as skipped.
    pub fn skip_line(&mut self) {
        self.other_lines.skipped += 1;
    }

    /// Reads `lines` up to the first malformed one and returns it; `None` at
    /// the end of `lines`.
    pub fn read_lines<'t>(
        &mut self,
        lines: &mut Lines<'t>,
        now: Moment,
        settings: &Settings,
        events: &mut Events<'_>,
    ) -> Option<MalformedLine<'t>> {
        if let Some(run) = &mut self.run {
            run.begin_moment();
        }
        loop {
            if self.layout.changes() != self.changes {
                self.note_columns();
            }
            if let Some(run) = &mut self.run {
                self.layout.read_plain(lines, |second, request| {
                    self.requests += 1;
                    run.observe(second, request, now);
                    run.counts().found().is_empty()
                });
                if !run.counts().found().is_empty() {
                    self.write_found(settings, events);
                    continue;
                }
            }
            match self.layout.next_slow(lines)? {
                Reading::Record(second, request) => {
                    self.requests += 1;
                    let possible = self.possible;
                    let run = self.run.get_or_insert_with(|| Run::new(settings.run, possible, second, now));
                    run.observe_one(second, request, now);
                    if !run.counts().found().is_empty() {
                        self.write_found(settings, events);
                    }
                }
                Reading::Held => {}
                Reading::Skipped => self.other_lines.skipped += 1,
                Reading::Malformed(line) => {
                    self.other_lines.malformed += 1;
                    self.malformed += 1;
                    if let Some(run) = &mut self.run {
                        run.mark_malformed();
                    }
                    return Some(line);
                }
            }
        }
    }

    /// Tells the run which alerts the new columns allow.
    #[cold]
    fn note_columns(&mut self) {
        self.changes = self.layout.changes();
        let columns = self.layout.columns();
        self.possible = [true, true, columns.status.is_some(), columns.latency.is_some()];
        if let Some(run) = &mut self.run {
            run.allow(self.possible);
        }
    }

    /// Notes that no line follows. The next [`Source::read_lines`] returns the
    /// lines that the layout held back.
    pub fn end_lines(&mut self) {
        self.layout.end();
    }

    /// Guesses what the input is from its first malformed line.
    #[must_use]
    pub fn hint(&self, line: &MalformedLine<'_>) -> Option<Hint> {
        self.layout.hint(&line.text, &line.problem)
    }

    /// The number of the line with the first time in 1970. Returned once.
    pub fn take_time_of_1970(&mut self) -> Option<u64> {
        self.layout.take_time_of_1970()
    }

    /// Whether silence can advance this source's event time.
    #[must_use]
    pub fn hears_silence(&self) -> bool {
        self.run.as_ref().is_some_and(Run::hears_silence)
    }

    /// Whether the log is live: its event time is near the wall clock.
    #[must_use]
    pub fn is_live(&self, now: Moment) -> bool {
        self.run.as_ref().is_some_and(|run| run.is_live(now))
    }

    /// How many seconds the log is ahead of the wall clock, if that is too much
    /// for silence to be noticed.
    #[must_use]
    pub fn seconds_ahead(&self, now: Moment) -> Option<i64> {
        self.run.as_ref().and_then(|run| run.seconds_ahead(now))
    }

    /// An alert that is asked for, but that the log has no column for. `None`
    /// before the first record.
    #[must_use]
    pub fn impossible_alert(&self, settings: &Settings) -> Option<Kind> {
        let is_impossible =
            |kind: &Kind| settings.run.limits.of[*kind as usize].is_some() && !self.possible[*kind as usize];
        Kind::ALL.into_iter().find(is_impossible).filter(|_| self.requests > 0)
    }

    /// Advances event time if the silence is longer than the idle timeout.
    pub fn pass_silence(&mut self, now: Moment, settings: &Settings, events: &mut Events<'_>) {
        if let Some(run) = &mut self.run {
            run.pass_silence(now);
            self.write_found(settings, events);
        }
    }

    /// Ends the input: writes the windows that are open.
    pub fn end(&mut self, now: Moment, settings: &Settings, events: &mut Events<'_>) {
        if let Some(run) = &mut self.run {
            run.end(now);
            self.write_found(settings, events);
        }
    }

    /// Takes the notices about time since the last call.
    pub fn take_notices(&mut self) -> Vec<Notice> {
        self.run.as_mut().map(Run::take_notices).unwrap_or_default()
    }

    #[inline(never)]
    fn write_found(&mut self, settings: &Settings, events: &mut Events<'_>) {
        let Some(run) = &mut self.run else { return };
        let reporter = Reporter {
            source: &self.name,
            columns: self.layout.columns(),
            run: &settings.run,
            top: settings.top,
        };
        let mut found = std::mem::take(run.counts().found());
        for mut finding in found.drain(..) {
            reporter.write(&mut finding, &mut self.other_lines, events);
            if let Finding::Summary(summary, _) = finding {
                run.counts().recycle(summary);
            }
        }
        *run.counts().found() = found;
    }
}
