//! One run of time of one source: its clock, suspects, windows and alert.
//!
//! A run ends with the input, or when time was set back; the next one knows
//! nothing of it. The rules are those of the manual's section EVENT TIME.

use crate::count::Request;
use crate::count::alert::{Alerts, Change, Episode, Kind, Limits};
use crate::count::rate::{SlidingWindow, Sums};
use crate::count::window::{Arrival, Summary, Windows};
use crate::time::clock::{EventClock, Timeliness};
use crate::time::suspects::{Side, Suspect, Suspects};

/// A record or a silence is live if the log's time is within so many seconds
/// of the wall clock.
pub const LIVE: i64 = 300;

/// What was asked for, as far as time goes; all lengths are seconds.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// When to alert and when to recover.
    pub limits: Limits,
    /// Length of a summary's window.
    pub interval: i64,
    /// How far out of order a record may be and still be on time.
    pub lateness: i64,
    /// A request that takes longer is slow; in nanoseconds.
    pub slow: u64,
}

/// How many requests were late, and what would have kept them on time.
#[derive(Clone, Copy, Debug, Default)]
pub struct LateTotals {
    /// Late requests.
    pub requests: u64,
    /// Of these, the ones that silence made late: before it they were on time.
    pub by_silence: u64,
    /// The lateness that would have kept the others.
    pub needed_lateness_seconds: i64,
    /// By how much a longer idle timeout would have kept those by silence.
    pub missing_idle_seconds: i64,
}

impl LateTotals {
    /// Adds what another run has seen.
    pub fn add(&mut self, more: LateTotals) {
        self.requests += more.requests;
        self.by_silence += more.by_silence;
        self.needed_lateness_seconds = self.needed_lateness_seconds.max(more.needed_lateness_seconds);
        self.missing_idle_seconds = self.missing_idle_seconds.max(more.missing_idle_seconds);
    }

    /// Notes a late request that was `behind` seconds behind the stream time
    /// when it came, and the event clock `ahead` of that after silence.
    fn note(&mut self, behind: i64, ahead: i64, lateness: i64) {
        self.requests += 1;
        if behind <= lateness {
            self.by_silence += 1;
            self.missing_idle_seconds = self.missing_idle_seconds.max(behind + ahead - lateness);
        } else {
            self.needed_lateness_seconds = self.needed_lateness_seconds.max(behind);
        }
    }
}

/// What a run of time has found out, in the order in which it is to be written.
#[derive(Debug)]
pub enum Finding {
    /// A window is finished.
    Summary(Summary, [bool; 4]),
    /// The run is drained. If the window has no requests, it is only of use if
    /// lines were counted that no summary has said yet.
    Drained(Summary, [bool; 4]),
    /// An alert is raised by what is in the window that ends with this second.
    Alert(Kind, i64, Sums),
    /// An alert has recovered.
    Recovery(Kind, i64, Sums, Episode),
}

/// A run of time.
#[derive(Debug)]
pub struct Run {
    settings: Settings,
    clock: EventClock,
    suspects: Suspects,
    /// The last second that was judged and whose windows were written.
    closed: i64,
    rate: SlidingWindow,
    alerts: Alerts,
    windows: Windows,
    found: Vec<Finding>,
    late: LateTotals,
}

impl Run {
    /// A run that starts with a request at `first`; it must be observed still.
    #[must_use]
    pub fn new(settings: Settings, first: i64) -> Run {
        let clock = EventClock::new(first, settings.lateness, settings.limits.window);
        let closed = clock.watermark();
        Run {
            settings,
            clock,
            suspects: Suspects::none(),
            closed,
            rate: SlidingWindow::new(settings.limits.window, closed),
            alerts: Alerts::new(settings.limits),
            windows: Windows::new(settings.interval, settings.lateness),
            found: Vec::new(),
            late: LateTotals::default(),
        }
    }

    /// How far the log has come, silence included.
    #[must_use]
    pub fn event_time(&self) -> i64 {
        self.clock.event_time()
    }

    /// What was late so far.
    #[must_use]
    pub fn late(&self) -> LateTotals {
        self.late
    }

    /// Takes a request that has just come; `wall` is the wall clock's second.
    #[inline(always)]
    pub fn observe(&mut self, second: i64, request: &Request<'_>, wall: i64) {
        match self.clock.timeliness(second) {
            Timeliness::OnTime => {
                self.accept(second, request);
                if !self.suspects.is_empty() {
                    self.decide_suspects(wall);
                }
            }
            Timeliness::Late => self.count_late(second, request),
            Timeliness::Ahead => {
                self.suspect(Side::Ahead, second, request, wall);
                let is_live = second <= wall + self.settings.lateness && second >= wall - LIVE;
                if is_live || self.suspects.are_enough() {
                    self.leap(wall);
                }
            }
            Timeliness::Behind => {
                self.suspect(Side::Behind, second, request, wall);
                while let Some(first) = self.suspects.take_first_if_wider_than(self.clock.most_behind()) {
                    self.dismiss(Side::Behind, &first);
                }
                if self.suspects.are_enough() {
                    self.restart(wall);
                }
            }
        }
    }

    /// Drains the run and begins another one with the suspects, in order of time.
    #[cold]
    fn restart(&mut self, wall: i64) {
        let suspects = self.suspects.take();
        self.drain();
        if let Some(first) = suspects.first() {
            let found = std::mem::take(&mut self.found);
            *self = Run { found, late: self.late, ..Run::new(self.settings, first.second) };
            self.observe_again(&suspects, wall);
        }
    }

    /// What was found since this was last asked.
    #[must_use]
    #[inline(always)]
    pub fn found(&mut self) -> &mut Vec<Finding> {
        &mut self.found
    }

    /// Takes the memory of a summary that is written.
    pub fn recycle(&mut self, summary: Summary) {
        self.windows.recycle(summary);
    }

    /// Moves the event clock on to `second`, as nothing has come for so long.
    pub fn pass_silence(&mut self, second: i64) {
        if second <= self.clock.event_time() {
            return;
        }
        self.clock.pass_silence(second);
        self.close();
        let is_near = |run: &Run| {
            run.suspects.are(Side::Ahead)
                && run.suspects.least().is_some_and(|least| run.clock.timeliness(least) != Timeliness::Ahead)
        };
        while is_near(self) {
            let Some(suspect) = self.suspects.take_least() else { return };
            match self.clock.timeliness(suspect.second) {
                // Being accepted so decides none of the others.
                Timeliness::OnTime => self.accept(suspect.second, &suspect.request()),
                _ => self.count_late(suspect.second, &suspect.request()),
            }
        }
    }

    /// Decides the suspects as the end of the input does, and writes what is
    /// open.
    pub fn end(&mut self, wall: i64) {
        let latest = wall + self.settings.lateness;
        while self.suspects.are(Side::Ahead) && self.suspects.least().is_some_and(|least| least <= latest) {
            self.leap(wall);
        }
        let side = self.suspects.side();
        for suspect in self.suspects.take() {
            self.dismiss(side, &suspect);
        }
        self.drain();
    }

    /// Closes every second that any request came for, and writes what is open.
    fn drain(&mut self) {
        let last = self.clock.stream_time().max(self.clock.watermark());
        self.close_up_to(last);
        let gap = self.windows.split_gap(self.closed + 1);
        let alerting = self.alerts.active();
        self.found.extend(gap.map(|gap| Finding::Summary(gap, alerting)));
        let drained = self.windows.drain(self.closed);
        self.found.push(Finding::Drained(drained, alerting));
    }

    #[inline(always)]
    fn accept(&mut self, second: i64, request: &Request<'_>) {
        self.clock.accept(second);
        // What the request closes is written first: its names are not held
        // against the bound any more.
        self.close();
        self.rate.count(second, self.sums_of(request));
        if self.windows.count(second, request, Arrival::OnTime) {
            self.write_ended_gap();
        }
    }

    fn count_late(&mut self, second: i64, request: &Request<'_>) {
        let stream = self.clock.stream_time();
        self.late.note(stream - second, self.clock.event_time() - stream, self.settings.lateness);
        self.count_as_late(second, request);
    }

    fn count_as_late(&mut self, second: i64, request: &Request<'_>) {
        self.rate.count(second, self.sums_of(request));
        self.count_in_current(request, Arrival::Late);
    }

    /// Holds a suspect; one of the other side decides those held before it.
    fn suspect(&mut self, side: Side, second: i64, request: &Request<'_>, wall: i64) {
        if !self.suspects.are(side) {
            self.decide_suspects(wall);
        }
        let behind = self.clock.stream_time() - second;
        self.suspects.hold(side, Suspect::new(second, behind, request));
    }

    /// Believes the suspects ahead: time goes on from the least of them.
    fn leap(&mut self, wall: i64) {
        let suspects = self.suspects.take();
        if let Some(least) = suspects.first() {
            self.clock.leap(least.second);
            self.close();
        }
        self.observe_again(&suspects, wall);
    }

    /// Takes again those that are near by now and counts the others.
    fn decide_suspects(&mut self, wall: i64) {
        let side = self.suspects.side();
        for suspect in self.suspects.take() {
            if side == Side::Ahead && self.clock.timeliness(suspect.second) != Timeliness::Ahead {
                self.observe_again(&[suspect], wall);
            } else {
                self.dismiss(side, &suspect);
            }
        }
    }

    /// Takes suspects, in order of time, as if they had just come.
    fn observe_again(&mut self, suspects: &[Suspect], wall: i64) {
        for suspect in suspects {
            self.observe(suspect.second, &suspect.request(), wall);
        }
    }

    /// Counts a suspect that wasn't confirmed.
    fn dismiss(&mut self, side: Side, suspect: &Suspect) {
        match side {
            Side::Ahead => self.count_in_current(&suspect.request(), Arrival::Future),
            Side::Behind => {
                self.late.note(suspect.behind_seconds, 0, self.settings.lateness);
                self.count_as_late(suspect.second, &suspect.request());
            }
        }
    }

    fn count_in_current(&mut self, request: &Request<'_>, arrival: Arrival) {
        if self.windows.count(self.clock.current_second(), request, arrival) {
            self.write_ended_gap();
        }
    }

    /// Closes what the clock says is closed.
    fn close(&mut self) {
        let watermark = self.clock.watermark();
        if self.closed < watermark {
            self.close_up_to(watermark);
        }
    }

    /// Writes the summary of a gap if the request just counted, the first one of
    /// its window, ends it and its last second is closed already.
    fn write_ended_gap(&mut self) {
        if self.windows.next_due() <= self.closed {
            self.close_up_to(self.closed);
        }
    }

    /// Judges every second up to `last` and writes what is due, in order of
    /// time; an alert or recovery of a second before the summary that ends
    /// with it.
    fn close_up_to(&mut self, last: i64) {
        loop {
            let due = self.windows.next_due();
            let until = due.min(last);
            let first = self.clock.earliest();
            let stop = self.alerts.first_full(first);
            while let Some((second, sums)) = self.rate.close_next(stop, until) {
                for kind in Kind::ALL {
                    self.judge(kind, second, sums);
                }
            }
            self.closed = self.closed.max(until);
            if due > self.closed {
                return;
            }
            let finished = self.windows.finish_due(first);
            let alerting = self.alerts.active();
            self.found.extend(finished.map(|summary| Finding::Summary(summary, alerting)));
        }
    }

    fn judge(&mut self, kind: Kind, second: i64, sums: Sums) {
        let before = self.alerts.active();
        let Some(change) = self.alerts.judge(kind, second, sums, self.clock.earliest()) else { return };
        let gap = self.windows.split_gap(second);
        self.found.extend(gap.map(|gap| Finding::Summary(gap, before)));
        self.found.push(match change {
            Change::Raised => Finding::Alert(kind, second, sums),
            Change::Recovered(episode) => Finding::Recovery(kind, second, sums, episode),
        });
    }

    #[inline(always)]
    fn sums_of(&self, request: &Request<'_>) -> Sums {
        Sums {
            requests: 1,
            server_errors: u64::from(request.is_server_error()),
            slow: u64::from(request.latency.is_some_and(|latency| latency > self.settings.slow)),
        }
    }
}
