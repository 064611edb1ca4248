//! One source: its layout, its run of time, and what it counts.

use crate::count::alert::Kind;
use crate::count::client_names;
use crate::count::counts::Finding;
use crate::read::columns::LayoutOptions;
use crate::read::guess_format::Hint;
use crate::read::layout::{Layout, Reading};
use crate::read::line::Lines;
use crate::read::request::MalformedLine;
use crate::report::{OtherLines, Reporter};
use crate::time;
use crate::time::late_stats::Offsets;
use crate::time::run::Run;
pub use crate::time::{Moment, Notice};
use crate::write::ndjson::Events;

/// The settings, the same for every source.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Columns, delimiter and zone.
    pub layout: LayoutOptions,
    /// Windows, limits, lateness and silence.
    pub run: time::Settings,
    /// Names listed in a summary; 0 means all.
    pub top: usize,
}

/// One log.
#[derive(Debug)]
pub struct Source {
    name: String,
    layout: Layout,
    run: Option<Run>,
    other_lines: OtherLines,
    requests: u64,
    malformed: u64,
    /// How often the columns had changed when they were looked at.
    changes: u64,
    /// Which alerts the log has the columns for.
    possible: [bool; 4],
}

impl Source {
    /// A source without lines. `name` is shown as other names are.
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

    /// The name, as shown.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The records that were requests.
    #[must_use]
    pub fn requests(&self) -> u64 {
        self.requests
    }

    /// The malformed lines.
    #[must_use]
    pub fn malformed(&self) -> u64 {
        self.malformed
    }

    /// Late and future requests so far.
    #[must_use]
    pub fn offsets(&self) -> Option<&Offsets> {
        self.run.as_ref().map(Run::offsets)
    }

    /// Counts a `==>` line.
    pub fn skip_line(&mut self) {
        self.other_lines.skipped += 1;
    }

    /// Reads lines up to the first malformed one.
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
            match self.layout.next_in_general(lines)? {
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

    /// Tells the run which alerts the columns, which have changed, can raise.
    #[cold]
    fn note_columns(&mut self) {
        self.changes = self.layout.changes();
        let columns = self.layout.columns();
        self.possible = [true, true, columns.status.is_some(), columns.latency.is_some()];
        if let Some(run) = &mut self.run {
            run.allow(self.possible);
        }
    }

    /// Notes that no line follows. [`Source::read_lines`] then returns the lines
    /// that were held back.
    pub fn end_lines(&mut self) {
        self.layout.end();
    }

    /// What the input most likely is, if this is the first line that can't be
    /// read.
    #[must_use]
    pub fn hint(&self, line: &MalformedLine<'_>) -> Option<Hint> {
        self.layout.hint(&line.text, &line.problem)
    }

    /// The number of the line with the first time in 1970, once.
    pub fn take_time_of_1970(&mut self) -> Option<u64> {
        self.layout.take_time_of_1970()
    }

    /// Whether silence advances this source's time.
    #[must_use]
    pub fn hears_silence(&self) -> bool {
        self.run.as_ref().is_some_and(Run::hears_silence)
    }

    /// Whether this log is live.
    #[must_use]
    pub fn is_live(&self, now: Moment) -> bool {
        self.run.as_ref().is_some_and(|run| run.is_live(now))
    }

    /// Seconds by which the log is ahead of the wall clock, if that is so much
    /// that silence is not noticed.
    #[must_use]
    pub fn seconds_ahead(&self, now: Moment) -> Option<i64> {
        self.run.as_ref().and_then(|run| run.seconds_ahead(now))
    }

    /// The alert that is asked for and that the columns can never raise, once
    /// records were read.
    #[must_use]
    pub fn impossible_alert(&self, settings: &Settings) -> Option<Kind> {
        let is_impossible =
            |kind: &Kind| settings.run.limits.of[*kind as usize].is_some() && !self.possible[*kind as usize];
        Kind::ALL.into_iter().find(is_impossible).filter(|_| self.requests > 0)
    }

    /// Advances event time after enough silence.
    pub fn pass_silence(&mut self, now: Moment, settings: &Settings, events: &mut Events<'_>) {
        if let Some(run) = &mut self.run {
            run.pass_silence(now);
            self.write_found(settings, events);
        }
    }

    /// Ends the input: writes what is open.
    pub fn end(&mut self, now: Moment, settings: &Settings, events: &mut Events<'_>) {
        if let Some(run) = &mut self.run {
            run.end(now);
            self.write_found(settings, events);
        }
    }

    /// What happened to time since this was last taken.
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
