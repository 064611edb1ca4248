//! One source: its layout, its run of time, its silence, and what it counts.

use crate::count::names;
use crate::read::hint::Hint;
pub use crate::read::input::Moment;
use crate::read::layout::{Layout, LayoutOptions, MalformedLine, Reading};
use crate::read::line::Lines;
use crate::report::{OtherLines, Reporter};
use crate::time::run::{self, Finding, LIVE, LateTotals, Run};
use crate::write::ndjson::Events;

/// What was asked for, the same for every source.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Columns, delimiter and zone.
    pub layout: LayoutOptions,
    /// Windows, limits and lateness.
    pub run: run::Settings,
    /// Names listed in a summary; 0 means all.
    pub top: usize,
    /// Seconds of silence after which event time advances; 0 = never.
    pub idle_timeout: i64,
}

/// How many lines of each kind a source had.
#[derive(Clone, Copy, Debug, Default)]
pub struct Totals {
    /// Records that were requests.
    pub requests: u64,
    /// Malformed lines.
    pub malformed: u64,
    /// What came late.
    pub late: LateTotals,
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
    /// When the last line came.
    last_line: Moment,
    /// Event time at the last line, once silence has begun.
    silent_since: Option<i64>,
}

impl Source {
    /// A source that has had no line; `name` is shown as names are.
    #[must_use]
    pub fn new(name: &[u8], settings: &Settings) -> Source {
        Source {
            name: names::shown(name),
            layout: Layout::new(&settings.layout),
            run: None,
            other_lines: OtherLines::default(),
            requests: 0,
            malformed: 0,
            last_line: Moment::default(),
            silent_since: None,
        }
    }

    /// The name, as shown.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The lines so far.
    #[must_use]
    pub fn totals(&self) -> Totals {
        let late = self.run.as_ref().map_or_else(LateTotals::default, Run::late);
        Totals { requests: self.requests, malformed: self.malformed, late }
    }

    /// Counts a line that says where the lines come from.
    pub fn skip_line(&mut self, now: Moment) {
        self.last_line = now;
        self.silent_since = None;
        self.other_lines.skipped += 1;
    }

    /// Takes lines that have just come, up to the first one that is malformed.
    pub fn read_lines<'t>(
        &mut self,
        lines: &mut Lines<'t>,
        now: Moment,
        settings: &Settings,
        events: &mut Events<'_>,
    ) -> Option<MalformedLine<'t>> {
        self.last_line = now;
        self.silent_since = None;
        while let Some(reading) = self.layout.next(lines) {
            match reading {
                Reading::Record(second, request) => {
                    self.requests += 1;
                    let run = self.run.get_or_insert_with(|| Run::new(settings.run, second));
                    run.observe(second, &request, now.wall);
                    if !run.found().is_empty() {
                        self.write_found(settings, events);
                    }
                }
                Reading::Skipped => self.other_lines.skipped += 1,
                Reading::Malformed(line) => {
                    self.other_lines.malformed += 1;
                    self.malformed += 1;
                    return Some(line);
                }
            }
        }
        None
    }

    /// Takes note that no line follows: [`Source::read_lines`] still gives
    /// what was held back.
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

    /// Whether silence moves this source's time.
    #[must_use]
    pub fn is_live(&self, settings: &Settings) -> bool {
        let Some(run) = &self.run else { return false };
        let began = self.silent_since.unwrap_or_else(|| run.event_time());
        settings.idle_timeout > 0 && (self.last_line.wall - began).abs() <= LIVE
    }

    /// Moves time on after silence, if there was enough of it.
    pub fn pass_silence(&mut self, now: Moment, settings: &Settings, events: &mut Events<'_>) {
        if !self.is_live(settings) {
            return;
        }
        let Some(run) = &mut self.run else { return };
        let began = *self.silent_since.get_or_insert_with(|| run.event_time());
        let idle = now.listened.saturating_sub(self.last_line.listened).as_secs();
        let idle = i64::try_from(idle).unwrap_or(i64::MAX);
        if idle > settings.idle_timeout {
            run.pass_silence(began + (idle - settings.idle_timeout));
            self.write_found(settings, events);
        }
    }

    /// Writes what is open, as the input has ended.
    pub fn end(&mut self, now: Moment, settings: &Settings, events: &mut Events<'_>) {
        if let Some(run) = &mut self.run {
            run.end(now.wall);
            self.write_found(settings, events);
        }
    }

    #[inline(never)]
    fn write_found(&mut self, settings: &Settings, events: &mut Events<'_>) {
        let Some(run) = &mut self.run else { return };
        let reporter = Reporter {
            source: &self.name,
            columns: self.layout.columns(),
            limits: &settings.run.limits,
            top: settings.top,
        };
        let mut found = std::mem::take(run.found());
        for finding in found.drain(..) {
            reporter.write(&finding, &mut self.other_lines, events);
            if let Finding::Summary(summary, _) = finding {
                run.recycle(summary);
            }
        }
        *run.found() = found;
    }
}
