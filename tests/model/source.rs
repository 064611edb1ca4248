//! SPEC section 6: each source has its own columns, delimiter, event clock,
//! windows, alerts and events. How its lines are read is in `layout.rs`, what
//! it does with time in `time.rs`, what it counts and writes in `windows.rs`,
//! `alerts.rs` and `event.rs`.

use std::collections::{BTreeMap, BTreeSet};

use super::alerts::Active;
use super::columns::{Columns, Request};
use super::layout::{Layout, LineOutcome};
use super::{Now, Settings, Totals};

/// How a request is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Accepted,
    Late,
    Future,
}

/// A request that is counted in a window.
#[derive(Clone, Debug)]
pub(crate) struct Counted {
    pub(crate) request: Request,
    pub(crate) kind: Kind,
}

/// A held record.
#[derive(Clone, Debug)]
pub(crate) struct Suspect {
    pub(crate) request: Request,
    /// Whether a forward suspect smaller by more than the lateness came after
    /// it.
    pub(crate) is_overtaken: bool,
    /// Whether a backward suspect was current when it came.
    pub(crate) is_current: bool,
}

/// The counts of one second, or of an alert window.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Rates {
    /// `n`, the requests.
    pub(crate) requests: u64,
    /// `e`, those with status 500 to 599.
    pub(crate) errors: u64,
    /// `s`, those slower than `--slow`.
    pub(crate) slow: u64,
}

/// The last record that was accepted or late. Silence is counted from it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LastHeard {
    /// `A`, the event clock then.
    pub(crate) clock: i64,
    /// The other clocks then.
    pub(crate) now: Now,
}

/// One run of time: everything that a restart resets.
#[derive(Debug, Default)]
pub(crate) struct Run {
    /// Whether a record was accepted.
    pub(crate) started: bool,
    /// `S`, the greatest accepted time.
    pub(crate) stream_time: i64,
    /// `E`, the event clock.
    pub(crate) clock: i64,
    /// The least accepted time.
    pub(crate) least: i64,
    /// How many records were accepted.
    pub(crate) accepted: u64,
    /// The last closed second.
    pub(crate) closed: i64,
    /// Whether the input has ended or time restarts: backward suspects aren't
    /// confirmed then.
    pub(crate) is_ending: bool,

    /// The suspects of each side, in order of arrival.
    pub(crate) forward: Vec<Suspect>,
    pub(crate) backward: Vec<Suspect>,

    /// The listening clock when a record was last accepted.
    pub(crate) listened_at_accepted: i64,
    pub(crate) last_heard: Option<LastHeard>,
    /// How far the last silence would have moved `E` without an idle timeout.
    pub(crate) reached: Option<i64>,
    /// The last closed second of a run that ends with a restart.
    pub(crate) restarts_at: Option<i64>,

    /// The counts of each second.
    pub(crate) seconds: BTreeMap<i64, Rates>,
    /// The active alerts, in the order of section 5.
    pub(crate) active: [Option<Active>; 4],

    /// The requests of each open window, by its start.
    pub(crate) windows: BTreeMap<i64, Vec<Counted>>,
    /// The starts of windows with malformed lines.
    pub(crate) malformed_in: BTreeSet<i64>,
    /// Whether a window with requests was written.
    pub(crate) window_written: bool,
    /// Empty windows written singly since the last window with requests.
    pub(crate) empty_written: u32,
    /// The rest of a gap that is closed but not written: start and end.
    pub(crate) gap: Option<(i64, i64)>,
}

/// One source.
#[derive(Debug)]
pub(crate) struct Source {
    pub(crate) name: String,
    pub(crate) settings: Settings,
    layout: Layout,
    pub(crate) run: Run,
    /// "The idle timeout grows for a writer that buffers."
    pub(crate) idle_timeout: i64,
    /// Since the previous summary.
    pub(crate) malformed: u64,
    /// Since the previous summary.
    pub(crate) skipped: u64,

    /// Events that the model has not collected yet.
    pub(crate) events: Vec<String>,
    /// Rejected lines that the model has not collected yet.
    pub(crate) rejects: Vec<u8>,
    /// Counts that the model has not collected yet.
    pub(crate) totals: Totals,
}

impl Source {
    pub(crate) fn new(name: String, settings: Settings) -> Self {
        let layout = Layout::new(settings.columns.clone(), settings.delimiter, settings.times.clone());
        Self {
            name,
            layout,
            run: Run::default(),
            idle_timeout: settings.idle_timeout,
            malformed: 0,
            skipped: 0,
            events: Vec::new(),
            rejects: Vec::new(),
            totals: Totals::default(),
            settings,
        }
    }

    /// Reads a line that is not blank. `reject` is its form for `--rejects`.
    pub(crate) fn line(&mut self, line: &[u8], reject: Vec<u8>, now: Now) {
        let outcomes = self.layout.read(line, reject);
        self.take_outcomes(outcomes, now);
    }

    pub(crate) fn overlong_line(&mut self, reject: Vec<u8>, now: Now) {
        let outcomes = self.layout.overlong(reject);
        self.take_outcomes(outcomes, now);
    }

    /// Handles what this line and held lines turned out to be.
    fn take_outcomes(&mut self, outcomes: Vec<LineOutcome>, now: Now) {
        self.totals.add(&std::mem::take(&mut self.layout.totals));
        for outcome in outcomes {
            match outcome {
                LineOutcome::Skipped => self.skip(),
                LineOutcome::Malformed(reject) => self.reject(&reject),
                LineOutcome::Record(request) => {
                    self.totals.requests += 1;
                    self.take(request, now);
                }
            }
        }
    }

    pub(crate) fn skip(&mut self) {
        self.skipped += 1;
        self.totals.skipped += 1;
    }

    fn reject(&mut self, reject: &[u8]) {
        self.malformed += 1;
        self.totals.malformed += 1;
        self.rejects.extend_from_slice(reject);
        if self.run.started {
            let window = self.current_window();
            self.run.malformed_in.insert(window);
        }
    }

    /// The current columns.
    pub(crate) fn columns(&self) -> &Columns {
        self.layout.columns()
    }

    /// Ends the input.
    pub(crate) fn end(&mut self, now: Now) {
        let outcomes = self.layout.end();
        self.take_outcomes(outcomes, now);
        self.end_run(now, false);
        self.write_open();
    }
}
