//! The event clock: how far the log has come, and whether a record is on time,
//! late or a suspect. Held records are handled in `suspects`.
//!
//! The stream time `S` is the greatest accepted time. The event clock `E` is
//! `S`, or later after silence. Every second up to the watermark,
//! `E - lateness - 1`, is closed. The model is that of Akidau et al., The
//! Dataflow Model (2015), with a bounded disorder.
//!
//! An old log is judged by its own times only. While `E` is near the wall clock
//! the log is live, and is judged by the wall clock too.

/// A log is near the present within this many seconds of the wall clock.
pub const NEAR: i64 = 300;

/// Where a record lies relative to the event clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timeliness {
    /// Its second is open: the record is accepted.
    OnTime,
    /// Its second is closed.
    Late,
    /// Too far ahead to be trusted: a forward suspect.
    Ahead,
    /// So far behind that time may have been set back, or with the right time in
    /// a log that is ahead: a backward suspect.
    Behind,
}

/// The event clock of one run of time. All times are seconds of UTC.
#[derive(Clone, Debug)]
pub struct EventClock {
    lateness: i64,
    /// `F`: a record further ahead of the event clock is a suspect.
    most_ahead: i64,
    /// `J`: a record further behind the stream time is a suspect.
    most_behind: i64,
    stream: i64,
    event: i64,
}

impl EventClock {
    /// A clock that starts with a record of time `first`.
    ///
    /// `window` is the length of the alert window, `lateness` how far out of
    /// order a record may be, both in seconds.
    #[must_use]
    pub fn new(first: i64, lateness: i64, window: i64) -> EventClock {
        EventClock {
            lateness,
            most_ahead: lateness.max(30),
            most_behind: window.max(lateness + 60),
            stream: first,
            event: first,
        }
    }

    /// Where a record of time `second` lies that comes when the wall clock says
    /// `now`.
    #[must_use]
    #[inline(always)]
    pub fn timeliness(&self, second: i64, now: i64) -> Timeliness {
        if self.is_ahead(second) || (second > now + self.most_ahead && self.is_live(now)) {
            Timeliness::Ahead
        } else if second < self.stream - self.most_behind {
            Timeliness::Behind
        } else if second > self.watermark() {
            Timeliness::OnTime
        } else if self.is_ahead_of(now) && self.is_current(second, now) {
            Timeliness::Behind
        } else {
            Timeliness::Late
        }
    }

    /// Whether a record of time `second` is on time as the clock stands, whatever
    /// the wall clock says. Nearly all are.
    #[must_use]
    #[inline(always)]
    pub fn is_open(&self, second: i64) -> bool {
        self.watermark() < second && second <= self.event
    }

    /// Whether `second` is further ahead of the log than a record may be.
    #[must_use]
    #[inline(always)]
    pub fn is_ahead(&self, second: i64) -> bool {
        second > self.event + self.most_ahead
    }

    /// Whether a record of time `second` is current when the wall clock says `now`.
    #[must_use]
    pub fn is_current(&self, second: i64, now: i64) -> bool {
        now - NEAR <= second && second <= now + self.lateness
    }

    /// Whether the log is live when the wall clock says `now`.
    #[must_use]
    #[inline(always)]
    pub fn is_live(&self, now: i64) -> bool {
        now - NEAR <= self.event && self.event <= now + self.most_ahead
    }

    /// Whether the log is near the present, live or a little ahead of it.
    #[must_use]
    pub fn is_near(&self, now: i64) -> bool {
        (self.event - now).abs() <= NEAR
    }

    /// Whether the log is ahead of the wall clock by more than a record may be.
    #[must_use]
    pub fn is_ahead_of(&self, now: i64) -> bool {
        self.event > now + self.most_ahead
    }

    /// Takes an accepted record into account.
    #[inline(always)]
    pub fn accept(&mut self, second: i64) {
        self.stream = self.stream.max(second);
        self.event = self.event.max(second);
    }

    /// Moves both times on to `second`, across a gap that suspects confirmed.
    pub fn leap(&mut self, second: i64) {
        self.stream = self.stream.max(second);
        self.event = self.event.max(second);
    }

    /// Moves the event clock on to `second`; it never goes back.
    pub fn pass_silence(&mut self, second: i64) {
        self.event = self.event.max(second);
    }

    /// The last second that is closed.
    #[must_use]
    #[inline(always)]
    pub fn watermark(&self) -> i64 {
        self.event - self.lateness - 1
    }

    /// The greatest accepted time.
    #[must_use]
    pub fn stream_time(&self) -> i64 {
        self.stream
    }

    /// How far the log has come, silence included.
    #[must_use]
    pub fn event_time(&self) -> i64 {
        self.event
    }

    /// The second in whose window a record without an open second of its own
    /// is counted.
    #[must_use]
    pub fn current_second(&self) -> i64 {
        self.stream.max(self.watermark() + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Timeliness::{Ahead, Behind, Late, OnTime};

    /// A wall clock long after the log.
    const LATER: i64 = 1_000_000;

    fn of(clock: &EventClock, now: i64, seconds: &[i64]) -> Vec<Timeliness> {
        seconds.iter().map(|&second| clock.timeliness(second, now)).collect()
    }

    #[test]
    fn the_timeliness_of_a_record_changes_exactly_at_its_bounds() {
        // Lateness 5, window 120: F = 30, J = 120, watermark 994.
        let clock = EventClock::new(1000, 5, 120);
        let found = of(&clock, LATER, &[1031, 1030, 995, 994, 880, 879]);
        assert_eq!(found, [Ahead, OnTime, OnTime, Late, Late, Behind]);
    }

    #[test]
    fn a_long_lateness_widens_what_is_trusted() {
        // Lateness 100, window 120: F = 100, J = 160.
        let clock = EventClock::new(1000, 100, 120);
        let found = of(&clock, LATER, &[1101, 1100, 899, 840, 839]);
        assert_eq!(found, [Ahead, OnTime, Late, Late, Behind]);
    }

    #[test]
    fn silence_moves_what_is_ahead_and_late_but_not_what_is_behind() {
        let mut clock = EventClock::new(1000, 5, 120);
        clock.pass_silence(1100);
        clock.pass_silence(1050);
        assert_eq!((clock.event_time(), clock.stream_time(), clock.watermark()), (1100, 1000, 1094));
        let found = of(&clock, LATER, &[1131, 1130, 1095, 1094, 880, 879]);
        assert_eq!(found, [Ahead, OnTime, OnTime, Late, Late, Behind]);
        assert_eq!(clock.current_second(), 1095);
    }

    #[test]
    fn a_live_log_trusts_nothing_that_is_ahead_of_the_wall_clock() {
        let clock = EventClock::new(1000, 5, 120);
        // Live from 300 s behind the wall clock to F ahead of it.
        for (now, is_live) in [(1301, false), (1300, true), (970, true), (969, false)] {
            assert_eq!(clock.is_live(now), is_live, "{now}");
        }
        assert_eq!(of(&clock, 990, &[1020, 1021]), [OnTime, Ahead]);
        // Further ahead the wall clock doesn't judge.
        assert_eq!(of(&clock, 969, &[1030, 1031]), [OnTime, Ahead]);
    }

    #[test]
    fn the_right_time_is_a_suspect_in_a_log_that_is_ahead() {
        let clock = EventClock::new(1000, 5, 120);
        // Ahead by more than F: 994 is late, and current up to now + 5.
        assert_eq!(of(&clock, 970, &[976, 975, 900]), [Late, Late, Late]);
        assert_eq!(of(&clock, 969, &[975, 974, 900, 879]), [Late, Behind, Behind, Behind]);
        assert_eq!(of(&clock, 700, &[995, 994]), [OnTime, Late]);
    }
}
