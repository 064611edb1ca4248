//! The counts of one run of time: closes seconds in order, applies the alert
//! rule to each, and finishes summary windows. Returns what it found in the
//! order of writing.
//!
//! The caller, `time::run`, decides up to which second to close.

use crate::count::Request;
use crate::count::alert::{Alerts, Change, Episode, Kind, Limits};
use crate::count::rate::{SlidingWindow, Sums};
use crate::count::window::{Arrival, Summary, Windows};

/// What a run of time found.
#[derive(Debug)]
pub enum Finding {
    /// A window is finished. The flags say which alerts are active after it.
    Summary(Summary, [bool; 4]),
    /// Like [`Finding::Summary`], at the end of a run. A window without
    /// requests is written only if there are malformed or skipped lines to
    /// report.
    Drained(Summary, [bool; 4]),
    /// An alert is raised at this second; the sums are those of the alert
    /// window.
    Alert(Kind, i64, Sums),
    /// An alert recovers at this second.
    Recovery(Kind, i64, Sums, Episode),
    /// An alert is closed at this second because time was set back.
    Closed(Kind, i64, Sums, Episode),
}

impl Finding {
    /// The alert that changed at `second`; `None` for a summary or another
    /// second.
    fn kind_at(&self, second: i64) -> Option<Kind> {
        match self {
            Finding::Alert(kind, at, _)
            | Finding::Recovery(kind, at, _, _)
            | Finding::Closed(kind, at, _, _)
                if *at == second =>
            {
                Some(*kind)
            }
            _ => None,
        }
    }
}

/// Windows and alerts of one run of time.
#[derive(Debug)]
pub struct Counts {
    /// The least time of an accepted request.
    earliest: i64,
    /// The last closed second: alerts are judged and windows finished up to it.
    closed: i64,
    rate: SlidingWindow,
    alerts: Alerts,
    windows: Windows,
    found: Vec<Finding>,
}

impl Counts {
    /// Starts a run with a request at `first`, which is not counted yet. Every
    /// second up to `closed` counts as closed. The log has columns for the
    /// `possible` alerts.
    #[must_use]
    pub fn new(limits: Limits, possible: [bool; 4], windows: Windows, first: i64, closed: i64) -> Counts {
        Counts {
            earliest: first,
            closed,
            rate: SlidingWindow::new(limits.window, closed),
            alerts: Alerts::new(limits, possible),
            windows,
            found: Vec::new(),
        }
    }

    /// Notes which alerts the log has columns for, from the next second on.
    pub fn allow(&mut self, possible: [bool; 4]) {
        self.alerts.allow(possible);
        self.rate.stop_next();
    }

    /// Which alerts are active, by [`Kind`].
    #[must_use]
    pub fn active(&self) -> [bool; 4] {
        self.alerts.active()
    }

    /// The findings that were not taken yet, in the order of writing.
    #[inline(always)]
    pub fn found(&mut self) -> &mut Vec<Finding> {
        &mut self.found
    }

    /// Reuses the memory of a summary that was written.
    pub fn recycle(&mut self, summary: Summary) {
        self.windows.recycle(summary);
    }

    /// Notes a malformed line at `second`: the summary of a gap ends with its
    /// window.
    pub fn mark_malformed(&mut self, second: i64) {
        self.windows.mark_malformed(second);
    }

    /// Counts an accepted request.
    #[inline(always)]
    pub fn accept(&mut self, second: i64, request: Request<'_>) {
        self.earliest = self.earliest.min(second);
        self.count(second, second, request, Arrival::OnTime);
    }

    /// Counts a request in the rate at `second`, and in the window of `open`, a
    /// second that is not closed.
    #[inline(always)]
    pub fn count(&mut self, second: i64, open: i64, request: Request<'_>, arrival: Arrival) {
        let slow = self.windows.slow();
        let sums = Sums {
            requests: 1,
            server_errors: u64::from(request.is_server_error()),
            slow: u64::from(request.latency.is_some_and(|latency| latency > slow)),
        };
        self.rate.count(second, sums);
        // The first request of a window can end a gap whose last second is
        // already closed.
        if self.windows.count(open, request, arrival) && self.windows.next_due() <= self.closed {
            self.close_up_to(self.closed, false);
        }
    }

    /// Closes every second up to `last` that is not closed yet.
    #[inline(always)]
    pub fn close(&mut self, last: i64) {
        if self.closed < last {
            self.close_up_to(last, false);
        }
    }

    /// Ends the run: closes every second up to `last` and finishes what is
    /// open.
    pub fn drain(&mut self, last: i64, is_restarting: bool) {
        self.close_up_to(last, is_restarting);
        let alerting = self.alerts.active();
        let gap = self.windows.split_gap(self.closed + 1);
        self.found.extend(gap.map(|gap| Finding::Summary(gap, alerting)));
        let drained = self.windows.drain(self.closed);
        self.found.push(Finding::Drained(drained, alerting));
    }

    /// Closes every second up to `last`: judges the alerts and finishes the
    /// windows that are due, in order of time. Alerts and recoveries of a
    /// second come before the summary that ends with it. If time restarts,
    /// closes the active alerts at `last`.
    #[inline(never)]
    fn close_up_to(&mut self, last: i64, is_restarting: bool) {
        let stop = self.alerts.first_full(self.earliest);
        loop {
            let due = self.windows.next_due();
            let until = due.min(last);
            while let Some((second, sums)) = self.rate.close_next(stop, until) {
                for kind in Kind::ALL {
                    self.judge(kind, second, sums);
                }
            }
            self.closed = self.closed.max(until);
            if is_restarting && self.closed >= last {
                self.close_alerts(self.closed);
            }
            if due > self.closed {
                return;
            }
            let finished = self.windows.finish_due(self.earliest);
            let alerting = self.alerts.active();
            self.found.extend(finished.map(|summary| Finding::Summary(summary, alerting)));
        }
    }

    fn judge(&mut self, kind: Kind, second: i64, sums: Sums) {
        let Some(change) = self.alerts.judge(kind, second, sums, self.earliest) else { return };
        let mut before = self.alerts.active();
        before[kind as usize] = !matches!(change, Change::Raised);
        self.split_gap(second, before);
        self.found.push(match change {
            Change::Raised => Finding::Alert(kind, second, sums),
            Change::Recovered(episode) => Finding::Recovery(kind, second, sums, episode),
        });
    }

    /// Ends the summary of a gap before the window of `second`, because an
    /// alert changes there. `alerting` is what was active before the change.
    fn split_gap(&mut self, second: i64, alerting: [bool; 4]) {
        let gap = self.windows.split_gap(second);
        self.found.extend(gap.map(|gap| Finding::Summary(gap, alerting)));
    }

    /// Closes the active alerts at `second`, the last closed one.
    fn close_alerts(&mut self, second: i64) {
        let (active, sums) = (self.alerts.active(), self.rate.sums());
        for kind in Kind::ALL {
            if let Some(episode) = self.alerts.close(kind) {
                self.split_gap(second, active);
                self.found.push(Finding::Closed(kind, second, sums, episode));
            }
        }
        // Within a second, alerts are written in the order of `Kind`.
        let others = self.found.iter().rposition(|found| found.kind_at(second).is_none());
        self.found[others.map_or(0, |other| other + 1)..]
            .sort_by_key(|found| found.kind_at(second).map(|kind| kind as u8));
    }
}
