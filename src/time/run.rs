//! One run of time of one source: decides what happens to each record by its
//! time. Here are late records, suspects (clocks that are ahead or behind),
//! leaps over a gap, restarts when time was set back, and silence.
//!
//! A run ends with the input or when time is set back; the next run starts
//! afresh. The rules are in the manual, section EVENT TIME.

use std::time::Duration;

use crate::count::Request;
use crate::count::counts::Counts;
use crate::count::window::{Arrival, Windows};
use crate::time::clock::{EventClock, NEAR, Timeliness};
use crate::time::late_stats::{MOST_LATENESS, Offsets};
use crate::time::silence::Silence;
use crate::time::suspects::{Side, Suspect, Suspects};
use crate::time::{Moment, Notice, Settings};

/// A log near the present confirms suspects only after this many seconds
/// without an accepted record.
const PAUSE: Duration = Duration::from_secs(60);
/// A log a little ahead of the wall clock restarts at the first current record
/// only if it has accepted fewer records than this.
const FEW: u64 = 10;
/// A value of `again` that no record has.
const NO_SECOND: i64 = i64::MIN;

/// The state of one run.
#[derive(Debug)]
pub struct Run {
    settings: Settings,
    clock: EventClock,
    ahead: Suspects,
    behind: Suspects,
    /// How many records were accepted.
    accepted: u64,
    /// When the last record was accepted, as [`Moment::listened`].
    last_accepted: Duration,
    silence: Silence,
    /// The second of the last record, if another record of it at the same
    /// moment needs nothing but counting: the last one was accepted, and no
    /// suspect is held. Otherwise [`NO_SECOND`].
    again: i64,
    counts: Counts,
    /// Which alerts the log has columns for, by `Kind`.
    possible: [bool; 4],
    notices: Vec<Notice>,
    /// Whether the run is ending. Backward suspects then don't restart time.
    is_ending: bool,
    /// Late and future requests of all runs of this source.
    offsets: Offsets,
    /// The greatest accepted time of all runs of this source.
    greatest: i64,
}

impl Run {
    /// Starts a run with a request at `first`. The caller still passes that
    /// request to [`Run::observe`]. The log has columns for the `possible`
    /// alerts.
    #[must_use]
    pub fn new(settings: Settings, possible: [bool; 4], first: i64, now: Moment) -> Run {
        let clock = EventClock::new(first, settings.lateness, settings.limits.window);
        let windows = Windows::new(settings.interval, settings.lateness, settings.slow);
        let counts = Counts::new(settings.limits, possible, windows, first, clock.watermark());
        Run {
            settings,
            clock,
            ahead: Suspects::default(),
            behind: Suspects::default(),
            accepted: 0,
            last_accepted: now.listened,
            silence: Silence::new(settings.idle_timeout, first, now),
            again: NO_SECOND,
            counts,
            possible,
            notices: Vec::new(),
            is_ending: false,
            offsets: Offsets::default(),
            greatest: first,
        }
    }

    /// Late and future requests of this run and of earlier runs of the source.
    #[must_use]
    pub fn offsets(&self) -> &Offsets {
        &self.offsets
    }

    /// How many seconds the log is ahead of the wall clock, if that is too much
    /// for silence to be noticed.
    #[must_use]
    pub fn seconds_ahead(&self, now: Moment) -> Option<i64> {
        Some(self.clock.event_time() - now.wall).filter(|&ahead| ahead > NEAR)
    }

    /// Whether the log is live: its event clock is close to the wall clock.
    #[must_use]
    pub fn is_live(&self, now: Moment) -> bool {
        self.clock.is_live(now.wall)
    }

    /// The counts of this run, with its findings.
    #[inline(always)]
    pub fn counts(&mut self) -> &mut Counts {
        &mut self.counts
    }

    /// Takes the notices about time since the last call.
    pub fn take_notices(&mut self) -> Vec<Notice> {
        std::mem::take(&mut self.notices)
    }

    /// Handles a request that has just come.
    #[inline(never)]
    pub fn observe_one(&mut self, second: i64, request: Request<'_>, now: Moment) {
        self.observe(second, request, now);
    }

    /// Does the same, inlined. The request stays in registers on the fast path,
    /// because nothing there takes a reference to it.
    #[inline(always)]
    pub fn observe(&mut self, second: i64, request: Request<'_>, now: Moment) {
        if second == self.again {
            self.accepted += 1;
            self.counts.count(second, second, request, Arrival::OnTime);
        } else if self.clock.is_open(second) || self.is_accepted(second, request, now) {
            self.accept(second, request, now);
            self.again = second;
            if !(self.ahead.is_empty() && self.behind.is_empty()) {
                self.decide_suspects(now);
                self.again = NO_SECOND;
            }
        } else {
            self.again = NO_SECOND;
        }
    }

    /// Notes that the following records come at another moment.
    pub fn begin_moment(&mut self) {
        self.again = NO_SECOND;
    }

    /// Whether a request is on time. If not, it is counted as late or held as a
    /// suspect.
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

    /// Notes which alerts the log has columns for.
    pub fn allow(&mut self, possible: [bool; 4]) {
        if self.possible != possible {
            self.possible = possible;
            self.counts.allow(possible);
        }
    }

    /// Notes a malformed line.
    pub fn mark_malformed(&mut self) {
        self.counts.mark_malformed(self.clock.current_second());
    }

    /// Whether silence can advance event time.
    #[must_use]
    pub fn hears_silence(&self) -> bool {
        self.silence.is_heard()
    }

    /// Advances the event clock if the silence exceeds the idle timeout.
    pub fn pass_silence(&mut self, now: Moment) {
        if let Some(second) = self.silence.event_time(now) {
            self.clock.pass_silence(second);
            self.close();
        }
    }

    /// Decides all suspects as at the end of input, and finishes what is open.
    pub fn end(&mut self, now: Moment) {
        self.end_time(now);
        self.drain(false);
    }

    fn drain(&mut self, is_restarting: bool) {
        self.counts.drain(self.clock.stream_time().max(self.clock.watermark()), is_restarting);
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

    #[inline(always)]
    fn accept(&mut self, second: i64, request: Request<'_>, now: Moment) {
        self.clock.accept(second);
        self.accepted += 1;
        self.last_accepted = now.listened;
        self.greatest = self.greatest.max(second);
        self.silence.end(self.clock.event_time(), now);
        // Close the seconds that this request closes before counting it.
        self.close();
        self.counts.accept(second, request);
    }

    fn count_late(&mut self, second: i64, request: Request<'_>, now: Moment) {
        let (stream, lateness) = (self.clock.stream_time(), self.settings.lateness);
        if stream - second > lateness {
            self.offsets.late.note(self.greatest - second);
        } else {
            let needed = self.silence.needed_idle_timeout(second + lateness);
            self.offsets.late_by_silence += 1;
            self.offsets.needed_idle_timeout = self.offsets.needed_idle_timeout.max(needed);
            if second > stream
                && let Some(grown) = self.silence.grow(needed)
            {
                self.notices.push(Notice::IdleTimeoutGrew(grown));
            }
        }
        self.silence.end(self.clock.event_time(), now);
        self.count_as_late(second, request);
    }

    fn count_as_late(&mut self, second: i64, request: Request<'_>) {
        let open = self.clock.current_second();
        self.counts.count(second, open, request, Arrival::Late);
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
            // Stragglers come in any order; a clock that was set back runs in
            // order.
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

    /// Whether no record was accepted for [`PAUSE`], so that a log near the
    /// present may confirm suspects.
    fn has_paused(&self, now: Moment) -> bool {
        now.listened.saturating_sub(self.last_accepted) >= PAUSE
    }

    /// Ends the run and starts the next one with the backward suspects.
    #[cold]
    fn restart(&mut self, now: Moment) {
        let suspects = self.behind.take();
        let Some(to) = suspects.first().map(|first| first.second) else { return };
        self.end_time(now);
        let closed_alert = self.counts.active() != [false; 4];
        let from = self.clock.stream_time();
        self.drain(true);
        let joining_lateness = Some(self.greatest - to).filter(|&seconds| seconds <= MOST_LATENESS);
        self.notices.push(Notice::Restarted { from, to, closed_alert, joining_lateness });
        let settings = Settings { idle_timeout: self.silence.idle_timeout(), ..self.settings };
        let next = Run::new(settings, self.possible, to, now);
        let found = std::mem::take(self.counts.found());
        *self = Run {
            notices: std::mem::take(&mut self.notices),
            offsets: std::mem::take(&mut self.offsets),
            greatest: self.greatest.max(to),
            ..next
        };
        *self.counts.found() = found;
        for suspect in suspects {
            self.observe_again(suspect, now);
        }
    }

    /// Advances time to `least`, the least forward suspect, and observes all
    /// forward suspects again.
    #[cold]
    fn leap(&mut self, least: i64, now: Moment) {
        let suspects = self.ahead.take();
        self.clock.accept(least);
        self.close();
        for suspect in suspects {
            self.observe_again(suspect, now);
        }
    }

    /// Decides the suspects after a record was accepted: forward ones within
    /// `F` of the clock are observed again, all others are unconfirmed. A
    /// suspect that is accepted runs this again, for those that are left.
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

    /// Observes a suspect as if it had just come. It stays contradicted if it
    /// was.
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

    /// Counts an unconfirmed suspect: as future or as late.
    fn dismiss(&mut self, side: Side, suspect: &Suspect) {
        let request = suspect.request();
        match side {
            Side::Ahead => {
                self.offsets.future.note(suspect.off_seconds);
                let second = self.clock.current_second();
                self.counts.count(second, second, request, Arrival::Future);
            }
            Side::Behind => {
                self.offsets.late.note(suspect.off_seconds);
                self.count_as_late(suspect.second, request);
            }
        }
    }

    /// Closes every second up to the watermark.
    #[inline(always)]
    fn close(&mut self) {
        self.counts.close(self.clock.watermark());
    }
}
