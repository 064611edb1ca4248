//! One source: its layout, its run of time, its silence, and what it counts.

use crate::count::Request;
use crate::count::names;
use crate::count::window::{OtherLines, Outlet};
pub use crate::read::input::Moment;
use crate::read::layout::{Layout, LayoutOptions, Reading};
use crate::read::line::Line;
use crate::read::request::Malformed;
use crate::time::run::{self, LIVE, LateTotals, Run};
use crate::write::ndjson::Events;

/// What was asked for, the same for every source.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Columns, delimiter and zone.
    pub layout: LayoutOptions,
    /// Windows, limits and lateness.
    pub run: run::Settings,
    /// Seconds of silence after which event time goes on by itself; 0: never.
    pub idle_timeout: i64,
}

/// What became of a line.
#[derive(Debug)]
pub enum LineOutcome {
    /// It is a request.
    Counted,
    /// It is blank or a header.
    Skipped,
    /// It is malformed.
    Malformed(Malformed),
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

impl Totals {
    /// Takes a request into `run`, and into another one if it shows that time
    /// was set back.
    #[inline(always)]
    fn count(
        &mut self,
        run: &mut Run,
        second: i64,
        request: &Request<'_>,
        wall: i64,
        outlet: &mut Outlet<'_, '_>,
    ) {
        self.requests += 1;
        if let Some(suspects) = run.observe(second, request, wall, outlet) {
            self.late.add(run.late());
            run.restart(&suspects, wall, outlet);
        }
    }
}

/// One log.
#[derive(Debug)]
pub struct Source {
    name: String,
    layout: Layout,
    run: Option<Run>,
    other_lines: OtherLines,
    totals: Totals,
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
            totals: Totals::default(),
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
        let mut totals = self.totals;
        if let Some(run) = &self.run {
            totals.late.add(run.late());
        }
        totals
    }

    /// Counts a line that says where the lines come from.
    pub fn skip_line(&mut self, moment: Moment) {
        self.last_line = moment;
        self.silent_since = None;
        self.other_lines.skipped += 1;
    }

    /// Takes a line that has just come.
    pub fn read_line(
        &mut self,
        line: &Line<'_>,
        moment: Moment,
        settings: &Settings,
        events: &mut Events<'_>,
    ) -> LineOutcome {
        self.last_line = moment;
        self.silent_since = None;
        match self.layout.read(line) {
            (Reading::Record(second, request), columns) => {
                let other_lines = &mut self.other_lines;
                let mut outlet = Outlet { source: &self.name, columns, other_lines, events };
                let run = self.run.get_or_insert_with(|| Run::new(settings.run, second));
                self.totals.count(run, second, &request, moment.wall, &mut outlet);
                LineOutcome::Counted
            }
            (Reading::Skipped, _) => {
                self.other_lines.skipped += 1;
                LineOutcome::Skipped
            }
            (Reading::Malformed(problem), _) => {
                self.other_lines.malformed += 1;
                self.totals.malformed += 1;
                LineOutcome::Malformed(problem)
            }
        }
    }

    /// Takes the plain lines that `text`, which has just come, starts with;
    /// says how many there are, and what follows them.
    pub fn read_plain_lines<'a>(
        &mut self,
        mut text: &'a [u8],
        moment: Moment,
        events: &mut Events<'_>,
    ) -> (u64, &'a [u8]) {
        let (Some(run), Some((plain, times, columns))) = (&mut self.run, self.layout.plain()) else {
            return (0, text);
        };
        let mut outlet = Outlet { source: &self.name, columns, other_lines: &mut self.other_lines, events };
        let mut lines = 0;
        while let Some((second, request, rest)) = plain.read(text, times) {
            self.totals.count(run, second, &request, moment.wall, &mut outlet);
            text = rest;
            lines += 1;
        }
        if lines > 0 {
            self.last_line = moment;
            self.silent_since = None;
        }
        (lines, text)
    }

    /// What to type so that a log of which nothing could be read can be read.
    pub fn advice(&mut self, line: &Line<'_>, problem: &Malformed) -> &'static str {
        self.layout.advice(line.text, problem)
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
            let mut outlet = Outlet {
                source: &self.name,
                columns: self.layout.columns(),
                other_lines: &mut self.other_lines,
                events,
            };
            run.pass_silence(began + (idle - settings.idle_timeout), &mut outlet);
        }
    }

    /// Writes what is open, as the input has ended.
    pub fn end(&mut self, wall: i64, events: &mut Events<'_>) {
        if let Some(run) = &mut self.run {
            let mut outlet = Outlet {
                source: &self.name,
                columns: self.layout.columns(),
                other_lines: &mut self.other_lines,
                events,
            };
            run.end(wall, &mut outlet);
        }
    }
}
