//! One run of time of one source: its clock, suspects, windows and alerts.
//!
//! A run ends with the input or when time is set back. The next run starts from
//! nothing. The rules are in the manual, section EVENT TIME.

use std::time::Duration;

use crate::count::Request;
use crate::count::alert::{Alerts, Change, Episode, Kind, Limits};
use crate::count::rate::{SlidingWindow, Sums};
use crate::count::window::{Arrival, Summary, Windows};
use crate::time::Moment;
use crate::time::clock::{EventClock, NEAR, Timeliness};
use crate::time::lateness::{MOST_LATENESS, Offsets};
use crate::time::suspects::{Side, Suspect, Suspects};

/// A log near the present confirms suspects only after this many seconds without
/// an accepted record.
const PAUSE: Duration = Duration::from_secs(60);
/// A log that is ahead is trusted more after this many accepted records.
const FEW: u64 = 10;
/// The idle timeout doesn't grow beyond this, in seconds.
const MOST_IDLE_TIMEOUT: i64 = 300;

/// The settings about time; all lengths are in seconds.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// When to alert and when to recover.
    pub limits: Limits,
    /// Length of a summary's window.
    pub interval: i64,
    /// How far out of order a record may be and still be on time.
    pub lateness: i64,
    /// Silence after which event time advances; 0 = never.
    pub idle_timeout: i64,
    /// A request that takes longer is slow; in nanoseconds.
    pub slow: u64,
}

/// What a run of time has found, in the order of writing.
#[derive(Debug)]
pub enum Finding {
    /// A window is finished; which alerts are active after it.
    Summary(Summary, [bool; 4]),
    /// As [`Finding::Summary`], at the end of a run. If the window has no
    /// requests, it is only of use if lines were counted that no summary says.
    Drained(Summary, [bool; 4]),
    /// An alert is raised by what is in the window that ends with this second.
    Alert(Kind, i64, Sums),
    /// An alert has recovered.
    Recovery(Kind, i64, Sums, Episode),
    /// An alert is closed because time was set back.
    Closed(Kind, i64, Sums, Episode),
    /// A notice for people.
    Notice(Notice),
}

impl Finding {
    /// The alert that changed at `second`, if that is what was found.
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

/// What happened to time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notice {
    /// It was set back.
    Restarted {
        /// The greatest time before.
        from: i64,
        /// The least time after.
        to: i64,
        /// Whether an alert was closed.
        closed_alert: bool,
        /// The lateness that would have joined the two, if one may be so long.
        joining_lateness: Option<i64>,
    },
    /// The writer buffers: the new idle timeout, in seconds.
    IdleTimeoutGrew(i64),
}

/// The last record that was accepted or late.
#[derive(Clone, Copy, Debug)]
struct Heard {
    /// When it came.
    moment: Moment,
    /// The event clock then.
    event: i64,
}

/// A run of time.
#[derive(Debug)]
pub struct Run {
    settings: Settings,
    clock: EventClock,
    ahead: Suspects,
    behind: Suspects,
    /// Accepted records.
    accepted: u64,
    /// When the last one came, as [`Moment::listened`].
    last_accepted: Duration,
    heard: Heard,
    /// Where silence would have moved the event clock without an idle timeout.
    reached: i64,
    /// The last second that was judged and whose windows were finished.
    closed: i64,
    rate: SlidingWindow,
    alerts: Alerts,
    /// Which alerts the log has the columns for.
    possible: [bool; 4],
    windows: Windows,
    found: Vec<Finding>,
    /// Whether the run comes to its end: time isn't set back by what is held.
    is_ending: bool,
    /// Of all runs of this source.
    offsets: Offsets,
    /// The greatest accepted time of all runs of this source.
    greatest: i64,
}

impl Run {
    /// A run that starts with a request at `first`; it must be observed still.
    /// The log has the columns for the `possible` alerts.
    #[must_use]
    pub fn new(settings: Settings, possible: [bool; 4], first: i64, now: Moment) -> Run {
        let clock = EventClock::new(first, settings.lateness, settings.limits.window);
        let closed = clock.watermark();
        Run {
            settings,
            clock,
            ahead: Suspects::default(),
            behind: Suspects::default(),
            accepted: 0,
            last_accepted: now.listened,
            heard: Heard { moment: now, event: first },
            reached: first,
            closed,
            rate: SlidingWindow::new(settings.limits.window, closed),
            alerts: Alerts::new(settings.limits, possible),
            possible,
            windows: Windows::new(settings.interval, settings.lateness, settings.slow),
            found: Vec::new(),
            is_ending: false,
            offsets: Offsets::default(),
            greatest: first,
        }
    }

    /// Late and future requests of this run and those before it.
    #[must_use]
    pub fn offsets(&self) -> &Offsets {
        &self.offsets
    }

    /// By how many seconds the log is so far ahead of the wall clock that its
    /// silence goes unnoticed.
    #[must_use]
    pub fn seconds_ahead(&self, now: Moment) -> Option<i64> {
        let ahead = self.clock.event_time() - now.wall;
        (ahead > NEAR).then_some(ahead)
    }

    /// Whether the log is live.
    #[must_use]
    pub fn is_live(&self, now: Moment) -> bool {
        self.clock.is_live(now.wall)
    }

    /// What was found since this was last taken.
    #[inline(always)]
    pub fn found(&mut self) -> &mut Vec<Finding> {
        &mut self.found
    }

    /// Takes back the memory of a written summary.
    pub fn recycle(&mut self, summary: Summary) {
        self.windows.recycle(summary);
    }

    /// Takes a request that has just come.
    #[inline(never)]
    pub fn observe_one(&mut self, second: i64, request: Request<'_>, now: Moment) {
        self.observe(second, request, now);
    }

    /// The same in line: with a request that stays in registers, as nothing
    /// here refers to it, for the many.
    #[inline(always)]
    pub fn observe(&mut self, second: i64, request: Request<'_>, now: Moment) {
        if self.clock.is_open(second) || self.is_accepted(second, request, now) {
            self.accept(second, request, now);
            if !(self.ahead.is_empty() && self.behind.is_empty()) {
                self.decide_suspects(now);
            }
        }
    }

    /// Whether a request is on time; otherwise it is counted, or held, as what
    /// it is.
    #[inline(never)]
    fn is_accepted(&mut self, second: i64, request: Request<'_>, now: Moment) -> bool {
        match self.clock.timeliness(second, now.wall) {
            Timeliness::OnTime => return true,
            Timeliness::Late => self.count_late(second, request, now),
            Timeliness::Ahead => {
                let ahead = second - self.clock.event_time();
                let is_current = self.clock.is_current(second, now.wall);
                self.suspect_ahead(Suspect::new(second, &request, ahead, is_current), now);
            }
            Timeliness::Behind => {
                let behind = self.greatest - second;
                let is_current = self.clock.is_current(second, now.wall);
                self.suspect_behind(Suspect::new(second, &request, behind, is_current), now);
            }
        }
        false
    }

    /// Says which alerts the log has the columns for.
    pub fn allow(&mut self, possible: [bool; 4]) {
        self.alerts.allow(possible);
        self.possible = possible;
    }

    /// Takes note that a malformed line has come.
    pub fn mark_malformed(&mut self) {
        self.windows.mark_malformed(self.clock.current_second());
    }

    /// Whether silence advances time.
    #[must_use]
    pub fn hears_silence(&self) -> bool {
        let Heard { moment, event } = self.heard;
        self.settings.idle_timeout > 0 && (moment.wall - event).abs() <= NEAR
    }

    /// Moves the event clock on if nothing has come for long enough.
    pub fn pass_silence(&mut self, now: Moment) {
        let idle = self.idle_seconds(now);
        if self.hears_silence() && idle > self.settings.idle_timeout {
            self.reached = self.heard.event + idle;
            self.clock.pass_silence(self.reached - self.settings.idle_timeout);
            self.close();
        }
    }

    fn idle_seconds(&self, now: Moment) -> i64 {
        let idle = now.listened.saturating_sub(self.heard.moment.listened).as_secs();
        i64::try_from(idle).unwrap_or(i64::MAX)
    }

    /// Decides the suspects as the end of the input does, and finishes what is
    /// open.
    pub fn end(&mut self, now: Moment) {
        self.end_time(now);
        self.drain(false);
    }

    fn end_time(&mut self, now: Moment) {
        self.is_ending = true;
        let latest = now.wall + self.settings.lateness;
        while let Some(least) = self.ahead.least_credible(latest) {
            self.leap(least, now);
        }
        self.dismiss_all(Side::Ahead);
        self.dismiss_all(Side::Behind);
    }

    /// Closes every second that any request came for, and finishes what is open.
    fn drain(&mut self, is_restarting: bool) {
        let last = self.clock.stream_time().max(self.clock.watermark());
        self.close_up_to(last, is_restarting);
        let alerting = self.alerts.active();
        let gap = self.windows.split_gap(self.closed + 1);
        self.found.extend(gap.map(|gap| Finding::Summary(gap, alerting)));
        let drained = self.windows.drain(self.closed);
        self.found.push(Finding::Drained(drained, alerting));
    }

    #[inline(always)]
    fn accept(&mut self, second: i64, request: Request<'_>, now: Moment) {
        self.clock.accept(second);
        self.accepted += 1;
        self.last_accepted = now.listened;
        self.greatest = self.greatest.max(second);
        self.heard = Heard { moment: now, event: self.clock.event_time() };
        // What the request closes is finished first.
        self.close();
        self.rate.count(second, self.sums_of(request));
        self.count(second, request, Arrival::OnTime);
    }

    fn count_late(&mut self, second: i64, request: Request<'_>, now: Moment) {
        let (stream, event) = (self.clock.stream_time(), self.clock.event_time());
        let Settings { lateness, idle_timeout, .. } = self.settings;
        if stream - second > lateness {
            self.offsets.late.note(self.greatest - second);
        } else {
            let needed = self.reached - lateness - second;
            self.offsets.late_by_silence += 1;
            self.offsets.needed_idle_timeout = self.offsets.needed_idle_timeout.max(needed);
            let grown = needed.min(MOST_IDLE_TIMEOUT);
            if second > stream && grown > idle_timeout {
                self.settings.idle_timeout = grown;
                self.found.push(Finding::Notice(Notice::IdleTimeoutGrew(grown)));
            }
        }
        self.heard = Heard { moment: now, event };
        self.count_as_late(second, request);
    }

    fn count_as_late(&mut self, second: i64, request: Request<'_>) {
        self.rate.count(second, self.sums_of(request));
        self.count(self.clock.current_second(), request, Arrival::Late);
    }

    /// Counts a request in the window of an open second; if it is the first one
    /// there, it may end a gap whose last second is closed already.
    #[inline(always)]
    fn count(&mut self, second: i64, request: Request<'_>, arrival: Arrival) {
        if self.windows.count(second, request, arrival) && self.windows.next_due() <= self.closed {
            self.close_up_to(self.closed, false);
        }
    }

    #[inline(never)]
    fn suspect_ahead(&mut self, suspect: Suspect, now: Moment) {
        self.ahead.contradict(suspect.second, self.settings.lateness);
        if !suspect.is_current && self.clock.is_live(now.wall) {
            self.dismiss(Side::Ahead, &suspect);
            return;
        }
        let is_current = suspect.is_current;
        self.ahead.hold(suspect);
        if !is_current {
            if !self.ahead.is_confirmed() {
                return;
            }
            if self.clock.is_near(now.wall) && !self.has_paused(now) {
                self.dismiss_first(Side::Ahead);
                return;
            }
        }
        if let Some(least) = self.ahead.least() {
            self.leap(least, now);
        }
    }

    #[inline(never)]
    fn suspect_behind(&mut self, suspect: Suspect, now: Moment) {
        let row = self.behind.greatest().map(|greatest| greatest - self.settings.lateness);
        if row.is_some_and(|least| suspect.second < least) {
            // Stragglers come in any order; a clock that was set back runs in order.
            self.dismiss_all(Side::Behind);
        }
        let is_ahead = self.clock.is_ahead_of(now.wall);
        let is_far_ahead = self.clock.event_time() > now.wall + NEAR;
        let has_come_right = suspect.is_current && (is_far_ahead || (is_ahead && self.accepted < FEW));
        self.behind.hold(suspect);
        if self.is_ending {
            return;
        }
        if !has_come_right {
            if !self.behind.is_confirmed() {
                return;
            }
            let are_right = is_ahead && self.behind.are_current();
            if self.clock.is_near(now.wall) && !are_right && !self.has_paused(now) {
                self.dismiss_first(Side::Behind);
                return;
            }
        }
        self.restart(now);
    }

    /// Whether no record was accepted for so long that a log near the present
    /// believes its suspects.
    fn has_paused(&self, now: Moment) -> bool {
        now.listened.saturating_sub(self.last_accepted) >= PAUSE
    }

    /// Drains the run and begins another one with the suspects that are behind.
    #[cold]
    fn restart(&mut self, now: Moment) {
        let suspects = self.behind.take();
        let Some(to) = suspects.first().map(|first| first.second) else { return };
        self.end_time(now);
        let closed_alert = self.alerts.active() != [false; 4];
        let from = self.clock.stream_time();
        self.drain(true);
        let joining_lateness = Some(self.greatest - to).filter(|&seconds| seconds <= MOST_LATENESS);
        self.found.push(Finding::Notice(Notice::Restarted { from, to, closed_alert, joining_lateness }));
        let next = Run::new(self.settings, self.possible, to, now);
        *self = Run {
            found: std::mem::take(&mut self.found),
            offsets: std::mem::take(&mut self.offsets),
            greatest: self.greatest.max(to),
            ..next
        };
        for suspect in suspects {
            self.observe_again(suspect, now);
        }
    }

    /// Advances time to `least`, across the gap that the suspects ahead say is
    /// there, and takes them again.
    #[cold]
    fn leap(&mut self, least: i64, now: Moment) {
        let suspects = self.ahead.take();
        self.clock.leap(least);
        self.close();
        for suspect in suspects {
            self.observe_again(suspect, now);
        }
    }

    /// Takes those again that are no longer ahead, and counts the others. One
    /// that is accepted so decides what is left.
    #[cold]
    fn decide_suspects(&mut self, now: Moment) {
        while let Some(suspect) = self.ahead.take_least() {
            if self.clock.is_ahead(suspect.second) {
                self.dismiss(Side::Ahead, &suspect);
            } else {
                self.observe_again(suspect, now);
            }
        }
        self.dismiss_all(Side::Behind);
    }

    /// Takes a suspect as if it had just come; it stays contradicted if it was.
    fn observe_again(&mut self, mut suspect: Suspect, now: Moment) {
        if self.clock.timeliness(suspect.second, now.wall) == Timeliness::Ahead {
            suspect.is_current = self.clock.is_current(suspect.second, now.wall);
            self.suspect_ahead(suspect, now);
        } else {
            self.observe_one(suspect.second, suspect.request(), now);
        }
    }

    fn side(&mut self, side: Side) -> &mut Suspects {
        match side {
            Side::Ahead => &mut self.ahead,
            Side::Behind => &mut self.behind,
        }
    }

    fn dismiss_all(&mut self, side: Side) {
        for suspect in self.side(side).take() {
            self.dismiss(side, &suspect);
        }
    }

    fn dismiss_first(&mut self, side: Side) {
        if let Some(first) = self.side(side).take_first() {
            self.dismiss(side, &first);
        }
    }

    /// Counts a suspect that wasn't confirmed.
    fn dismiss(&mut self, side: Side, suspect: &Suspect) {
        let request = suspect.request();
        match side {
            Side::Ahead => {
                self.offsets.future.note(suspect.off_seconds);
                let second = self.clock.current_second();
                self.rate.count(second, self.sums_of(request));
                self.count(second, request, Arrival::Future);
            }
            Side::Behind => {
                self.offsets.late.note(suspect.off_seconds);
                self.count_as_late(suspect.second, request);
            }
        }
    }

    #[inline(always)]
    fn sums_of(&self, request: Request<'_>) -> Sums {
        Sums {
            requests: 1,
            server_errors: u64::from(request.is_server_error()),
            slow: u64::from(request.latency.is_some_and(|latency| latency > self.settings.slow)),
        }
    }

    /// Closes what the clock says is closed.
    #[inline(always)]
    fn close(&mut self) {
        let watermark = self.clock.watermark();
        if self.closed < watermark {
            self.close_up_to(watermark, false);
        }
    }

    /// Judges every second up to `last` and finishes what is due, in order of
    /// time; an alert or recovery of a second before the summary that ends
    /// with it. When time restarts, `last` closes what is active.
    #[inline(never)]
    fn close_up_to(&mut self, last: i64, is_restarting: bool) {
        let first = self.clock.earliest();
        let stop = self.alerts.first_full(first);
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
            let finished = self.windows.finish_due(first);
            let alerting = self.alerts.active();
            self.found.extend(finished.map(|summary| Finding::Summary(summary, alerting)));
        }
    }

    fn judge(&mut self, kind: Kind, second: i64, sums: Sums) {
        let before = self.alerts.active();
        let Some(change) = self.alerts.judge(kind, second, sums, self.clock.earliest()) else { return };
        self.split_gap(second, before);
        self.found.push(match change {
            Change::Raised => Finding::Alert(kind, second, sums),
            Change::Recovered(episode) => Finding::Recovery(kind, second, sums, episode),
        });
    }

    /// Ends the summary of a gap at the window of `second`, at which something
    /// happens; `alerting` is what was active before that.
    fn split_gap(&mut self, second: i64, alerting: [bool; 4]) {
        let gap = self.windows.split_gap(second);
        self.found.extend(gap.map(|gap| Finding::Summary(gap, alerting)));
    }

    /// Closes the alerts that are active, at the last second that is closed.
    fn close_alerts(&mut self, second: i64) {
        let (active, sums) = (self.alerts.active(), self.rate.sums());
        for kind in Kind::ALL {
            if let Some(episode) = self.alerts.close(kind) {
                self.split_gap(second, active);
                self.found.push(Finding::Closed(kind, second, sums, episode));
            }
        }
        // Within a second they are in the order of the alerts.
        let others = self.found.iter().rposition(|found| found.kind_at(second).is_none());
        self.found[others.map_or(0, |other| other + 1)..]
            .sort_by_key(|found| found.kind_at(second).map(|kind| kind as u8));
    }
}
