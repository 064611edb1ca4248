//! One run of time of one source: its clock, suspects, windows and alert.
//!
//! A run ends with the input, or when time was set back; the next one knows
//! nothing of it. The rules are those of the manual's section EVENT TIME.

use crate::count::Request;
use crate::count::alert::{Alert, Change, Limits};
use crate::count::rate::SlidingWindow;
use crate::count::window::{Arrival, Outlet, Summaries};
use crate::time::clock::{EventClock, Timeliness};
use crate::time::suspects::{Side, Suspect, Suspects};
use crate::write::event::{self, Event, Second};

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
    /// Names listed in a summary; 0 means all.
    pub top: usize,
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

/// A run of time.
#[derive(Debug)]
pub struct Run {
    settings: Settings,
    clock: EventClock,
    suspects: Suspects,
    /// The last second that was judged and whose windows were written.
    closed: i64,
    rate: SlidingWindow,
    alert: Alert,
    summaries: Summaries,
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
            alert: Alert::new(&settings.limits),
            summaries: Summaries::new(settings.interval, settings.top),
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
    ///
    /// If it confirms that time was set back, the suspects that say so are
    /// returned in order of time: the run must [restart](Run::restart) with
    /// them.
    #[must_use]
    #[inline(always)]
    pub fn observe(
        &mut self,
        second: i64,
        request: &Request<'_>,
        wall: i64,
        outlet: &mut Outlet<'_, '_>,
    ) -> Option<Vec<Suspect>> {
        match self.clock.timeliness(second) {
            Timeliness::OnTime => {
                self.accept(second, request, outlet);
                if !self.suspects.is_empty() {
                    self.decide_suspects(wall, outlet);
                }
                None
            }
            Timeliness::Late => {
                self.count_late(second, request, outlet);
                None
            }
            Timeliness::Ahead => {
                self.suspect(Side::Ahead, second, request, wall, outlet);
                let is_live = second <= wall + self.settings.lateness && second >= wall - LIVE;
                if is_live || self.suspects.are_enough() {
                    self.leap(wall, outlet);
                }
                None
            }
            Timeliness::Behind => {
                self.suspect(Side::Behind, second, request, wall, outlet);
                while let Some(first) = self.suspects.take_first_if_wider_than(self.clock.most_behind()) {
                    self.dismiss(Side::Behind, &first, outlet);
                }
                self.suspects.are_enough().then(|| self.suspects.take())
            }
        }
    }

    /// Drains the run and begins another one with `suspects`, in order of time.
    #[cold]
    pub fn restart(&mut self, suspects: &[Suspect], wall: i64, outlet: &mut Outlet<'_, '_>) {
        self.drain(outlet);
        if let Some(first) = suspects.first() {
            *self = Run::new(self.settings, first.second);
            self.observe_again(suspects, wall, outlet);
        }
    }

    /// Moves the event clock on to `second`, as nothing has come for so long.
    pub fn pass_silence(&mut self, second: i64, outlet: &mut Outlet<'_, '_>) {
        if second <= self.clock.event_time() {
            return;
        }
        self.clock.pass_silence(second);
        self.close(outlet);
        let is_near = |run: &Run| {
            run.suspects.are(Side::Ahead)
                && run.suspects.least().is_some_and(|least| run.clock.timeliness(least) != Timeliness::Ahead)
        };
        while is_near(self) {
            let Some(suspect) = self.suspects.take_least() else { return };
            match self.clock.timeliness(suspect.second) {
                // Being accepted so decides none of the others.
                Timeliness::OnTime => self.accept(suspect.second, &suspect.request(), outlet),
                _ => self.count_late(suspect.second, &suspect.request(), outlet),
            }
        }
    }

    /// Decides the suspects as the end of the input does, and writes what is
    /// open.
    pub fn end(&mut self, wall: i64, outlet: &mut Outlet<'_, '_>) {
        let latest = wall + self.settings.lateness;
        while self.suspects.are(Side::Ahead) && self.suspects.least().is_some_and(|least| least <= latest) {
            self.leap(wall, outlet);
        }
        let side = self.suspects.side();
        for suspect in self.suspects.take() {
            self.dismiss(side, &suspect, outlet);
        }
        self.drain(outlet);
    }

    /// Closes every second that any request came for, and writes what is open.
    fn drain(&mut self, outlet: &mut Outlet<'_, '_>) {
        let last = self.clock.stream_time().max(self.clock.watermark());
        self.close_up_to(last, outlet);
        self.summaries.drain(self.closed, self.alert.is_active(), outlet);
    }

    #[inline(always)]
    fn accept(&mut self, second: i64, request: &Request<'_>, outlet: &mut Outlet<'_, '_>) {
        self.clock.accept(second);
        // What the request closes is written first: its names are not held
        // against the bound any more.
        self.close(outlet);
        self.rate.count(second);
        if self.summaries.count(second, request, Arrival::OnTime) {
            self.write_ended_gap(outlet);
        }
    }

    fn count_late(&mut self, second: i64, request: &Request<'_>, outlet: &mut Outlet<'_, '_>) {
        let stream = self.clock.stream_time();
        self.late.note(stream - second, self.clock.event_time() - stream, self.settings.lateness);
        self.count_as_late(second, request, outlet);
    }

    fn count_as_late(&mut self, second: i64, request: &Request<'_>, outlet: &mut Outlet<'_, '_>) {
        self.rate.count(second);
        self.count_in_current(request, Arrival::Late, outlet);
    }

    /// Holds a suspect; one of the other side decides those held before it.
    fn suspect(
        &mut self,
        side: Side,
        second: i64,
        request: &Request<'_>,
        wall: i64,
        outlet: &mut Outlet<'_, '_>,
    ) {
        if !self.suspects.are(side) {
            self.decide_suspects(wall, outlet);
        }
        let behind = self.clock.stream_time() - second;
        self.suspects.hold(side, Suspect::new(second, behind, request));
    }

    /// Believes the suspects ahead: time goes on from the least of them.
    fn leap(&mut self, wall: i64, outlet: &mut Outlet<'_, '_>) {
        let suspects = self.suspects.take();
        if let Some(least) = suspects.first() {
            self.clock.leap(least.second);
            self.close(outlet);
        }
        self.observe_again(&suspects, wall, outlet);
    }

    /// Takes again those that are near by now and counts the others.
    fn decide_suspects(&mut self, wall: i64, outlet: &mut Outlet<'_, '_>) {
        let side = self.suspects.side();
        for suspect in self.suspects.take() {
            if side == Side::Ahead && self.clock.timeliness(suspect.second) != Timeliness::Ahead {
                self.observe_again(&[suspect], wall, outlet);
            } else {
                self.dismiss(side, &suspect, outlet);
            }
        }
    }

    /// Takes suspects, in order of time, as if they had just come.
    fn observe_again(&mut self, suspects: &[Suspect], wall: i64, outlet: &mut Outlet<'_, '_>) {
        for suspect in suspects {
            let set_back = self.observe(suspect.second, &suspect.request(), wall, outlet);
            debug_assert!(set_back.is_none(), "in order of time no suspect is behind");
        }
    }

    /// Counts a suspect that wasn't confirmed.
    fn dismiss(&mut self, side: Side, suspect: &Suspect, outlet: &mut Outlet<'_, '_>) {
        match side {
            Side::Ahead => self.count_in_current(&suspect.request(), Arrival::Future, outlet),
            Side::Behind => {
                self.late.note(suspect.behind_seconds, 0, self.settings.lateness);
                self.count_as_late(suspect.second, &suspect.request(), outlet);
            }
        }
    }

    fn count_in_current(&mut self, request: &Request<'_>, arrival: Arrival, outlet: &mut Outlet<'_, '_>) {
        if self.summaries.count(self.clock.current_second(), request, arrival) {
            self.write_ended_gap(outlet);
        }
    }

    /// Closes what the clock says is closed.
    fn close(&mut self, outlet: &mut Outlet<'_, '_>) {
        let watermark = self.clock.watermark();
        if self.closed < watermark {
            self.close_up_to(watermark, outlet);
        }
    }

    /// Writes the summary of a gap if the request just counted, the first one of
    /// its window, ends it and its last second is closed already.
    fn write_ended_gap(&mut self, outlet: &mut Outlet<'_, '_>) {
        if self.summaries.next_due() <= self.closed {
            self.close_up_to(self.closed, outlet);
        }
    }

    /// Judges every second up to `last` and writes what is due, in order of
    /// time; an alert or recovery of a second before the summary that ends
    /// with it.
    fn close_up_to(&mut self, last: i64, outlet: &mut Outlet<'_, '_>) {
        loop {
            let due = self.summaries.next_due();
            let until = due.min(last);
            while let Some((second, requests)) = self.rate.close_next(until) {
                self.judge(second, requests, outlet);
            }
            self.closed = self.closed.max(until);
            if due > self.closed {
                return;
            }
            self.summaries.write_due(self.clock.earliest(), self.alert.is_active(), outlet);
        }
    }

    fn judge(&mut self, second: i64, requests: u64, outlet: &mut Outlet<'_, '_>) {
        let was_active = self.alert.is_active();
        let Some(change) = self.alert.judge(second, requests) else { return };
        self.summaries.split_gap(second, was_active, outlet);
        let Limits { threshold, recovery, window } = self.settings.limits;
        let time = Second(second);
        let requests_per_second = requests as f64 / window as f64;
        let event = match change {
            Change::Raised => Event::Alert(event::Alert {
                source: outlet.source,
                time: Second(second),
                name: event::HIGH_TRAFFIC,
                window_seconds: window,
                requests,
                requests_per_second,
                threshold: threshold.as_f64(),
                message: format!("High traffic generated an alert - hits = {requests}, triggered at {time}"),
            }),
            Change::Recovered(episode) => Event::Recovery(event::Recovery {
                source: outlet.source,
                time: Second(second),
                name: event::HIGH_TRAFFIC,
                since: Second(episode.since),
                duration_seconds: second - episode.since,
                window_seconds: window,
                requests,
                requests_per_second,
                threshold: recovery.as_f64(),
                peak_requests: episode.peak_requests,
                peak_time: Second(episode.peak_time),
                message: format!(
                    "Recovered from high traffic - hits = {requests}, recovered at {time} after {} s",
                    second - episode.since
                ),
            }),
        };
        outlet.events.write(&event);
    }
}
