//! SPEC section 6: each source has its own columns, delimiter, event clock,
//! windows, alerts and events. How its lines are read is in `layout.rs`, what
//! it does with time in `time.rs`, what it counts and writes in `windows.rs`,
//! `alerts.rs` and `event.rs`.

use std::collections::{BTreeMap, BTreeSet};

use super::alerts::Active;
use super::columns::{Columns, Request};
use super::layout::{Layout, LineOutcome};
use super::{Now, Settings, Totals};

/// How a request came to be counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Accepted,
    Late,
    Future,
}

/// A request in the window that it is counted in.
#[derive(Clone, Debug)]
pub(crate) struct Counted {
    pub(crate) request: Request,
    pub(crate) kind: Kind,
}

/// A record that is held.
#[derive(Clone, Debug)]
pub(crate) struct Suspect {
    pub(crate) request: Request,
    /// A forward one smaller by more than the lateness has come after it.
    pub(crate) is_overtaken: bool,
    /// A backward one was current when it came.
    pub(crate) is_current: bool,
}

/// The numbers of the rates: of one second, or of a whole alert window.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Rates {
    /// `n`, the requests.
    pub(crate) requests: u64,
    /// `e`, those with status 500 to 599.
    pub(crate) errors: u64,
    /// `s`, those slower than `--slow`.
    pub(crate) slow: u64,
}

/// The last record that was accepted or late, from which silence is counted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LastHeard {
    /// `A`, the event clock then.
    pub(crate) clock: i64,
    /// The two other clocks then.
    pub(crate) now: Now,
}

/// One run of time: everything that a restart of time forgets.
#[derive(Debug, Default)]
pub(crate) struct Run {
    /// A record has been accepted.
    pub(crate) started: bool,
    /// `S`, the greatest accepted time.
    pub(crate) stream_time: i64,
    /// `E`, the event clock.
    pub(crate) clock: i64,
    /// The least accepted time.
    pub(crate) least: i64,
    /// How many records were accepted.
    pub(crate) accepted: u64,
    /// The last second that has been closed.
    pub(crate) closed: i64,
    /// The input has ended, or time restarts: backward ones aren't confirmed.
    pub(crate) is_ending: bool,

    /// The suspects of each side, in order of arrival.
    pub(crate) forward: Vec<Suspect>,
    pub(crate) backward: Vec<Suspect>,

    /// How long had been listened when a record was last accepted.
    pub(crate) listened_at_accepted: i64,
    pub(crate) last_heard: Option<LastHeard>,
    /// Where the last silence would have moved `E` without an idle timeout.
    pub(crate) reached: Option<i64>,
    /// The last second of a run that ends with a restart.
    pub(crate) restarts_at: Option<i64>,

    /// What is known of the rates: the numbers of each second.
    pub(crate) seconds: BTreeMap<i64, Rates>,
    /// The active alerts, in the order of section 5.
    pub(crate) active: [Option<Active>; 4],

    /// The requests of each open window that has some, by its start.
    pub(crate) windows: BTreeMap<i64, Vec<Counted>>,
    /// The starts of the windows in which malformed lines came.
    pub(crate) malformed_in: BTreeSet<i64>,
    /// A window with requests has been written.
    pub(crate) window_written: bool,
    /// Empty windows written singly since the last one with requests.
    pub(crate) empty_written: u32,
    /// The rest of a gap, closed and not yet written: start and end.
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

    /// Written and not yet taken over.
    pub(crate) events: Vec<String>,
    /// Rejected and not yet taken over.
    pub(crate) rejects: Vec<u8>,
    /// Counted and not yet taken over.
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

    /// A line that is not blank; `reject` is what `--rejects` gets of it.
    pub(crate) fn line(&mut self, line: &[u8], reject: Vec<u8>, now: Now) {
        let outcomes = self.layout.read(line, reject);
        self.take_outcomes(outcomes, now);
    }

    pub(crate) fn overlong_line(&mut self, reject: Vec<u8>, now: Now) {
        let outcomes = self.layout.overlong(reject);
        self.take_outcomes(outcomes, now);
    }

    /// What has been found out, of this line and of those before it.
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

    /// The columns as they are.
    pub(crate) fn columns(&self) -> &Columns {
        self.layout.columns()
    }

    /// The input has ended.
    pub(crate) fn end(&mut self, now: Now) {
        let outcomes = self.layout.end();
        self.take_outcomes(outcomes, now);
        self.end_run(now, false);
        self.write_open();
    }
}
