//! The event clock: how far the log has come, and whether a record is on time,
//! late, or a suspect (`suspects` holds those). Defines the watermark and what
//! a live log is.
//!
//! The stream time `S` is the greatest accepted time. The event clock `E`
//! equals `S`, or is further on after silence. Every second up to the
//! watermark, `E - lateness - 1`, is closed. This is the watermark model of
//! Akidau et al., The Dataflow Model (2015), with bounded disorder.
//!
//! An old log is judged by its own times only. While `E` is near the wall
//! clock, the log is live and is judged by the wall clock too.

/// A log is near the present if it is at most this many seconds from the wall
/// clock.
pub const NEAR: i64 = 300;

/// How a record's time compares with the event clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timeliness {
    /// Its second is open, so the record is accepted.
    OnTime,
    /// Its second is closed.
    Late,
    /// A forward suspect: too far ahead to be trusted.
    Ahead,
    /// A backward suspect: so far behind that time may have been set back, or
    /// with the right time in a log that is ahead of the wall clock.
    Behind,
}

/// The event clock of one run of time. All times are seconds of UTC.
#[derive(Clone, Debug)]
pub struct EventClock {
    lateness: i64,
    /// `F`: a record more seconds ahead of the event clock is a suspect.
    most_ahead: i64,
    /// `J`: a record more seconds behind the stream time is a suspect.
    most_behind: i64,
    stream: i64,
    event: i64,
}

impl EventClock {
    /// Starts the clock with a record of time `first`.
    ///
    /// `window` is the length of the alert window. `lateness` is how far out of
    /// order a record may be. Both are in seconds.
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

    /// Judges a record of time `second` that comes when the wall clock says
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

    /// Whether a record of time `second` is on time whatever the wall clock
    /// says, and doesn't move the event clock. Nearly all records are.
    #[must_use]
    #[inline(always)]
    pub fn is_open(&self, second: i64) -> bool {
        self.watermark() < second && second <= self.event
    }

    /// Whether `second` is more than `F` ahead of the event clock.
    #[must_use]
    #[inline(always)]
    pub fn is_ahead(&self, second: i64) -> bool {
        second > self.event + self.most_ahead
    }

    /// Whether a record of time `second` is current: close to the wall clock
    /// `now`.
    #[must_use]
    pub fn is_current(&self, second: i64, now: i64) -> bool {
        now - NEAR <= second && second <= now + self.lateness
    }

    /// Whether the log is live: the event clock is close to the wall clock
    /// `now`.
    #[must_use]
    #[inline(always)]
    pub fn is_live(&self, now: i64) -> bool {
        now - NEAR <= self.event && self.event <= now + self.most_ahead
    }

    /// Whether the event clock is at most [`NEAR`] from the wall clock, on
    /// either side.
    #[must_use]
    pub fn is_near(&self, now: i64) -> bool {
        (self.event - now).abs() <= NEAR
    }

    /// Whether the event clock is more than `F` ahead of the wall clock.
    #[must_use]
    pub fn is_ahead_of(&self, now: i64) -> bool {
        self.event > now + self.most_ahead
    }

    /// Advances the clock to `second`, the time of an accepted record or of
    /// suspects that are confirmed.
    #[inline(always)]
    pub fn accept(&mut self, second: i64) {
        self.stream = self.stream.max(second);
        self.event = self.event.max(second);
    }

    /// Advances the event clock to `second` after silence. It never goes back.
    pub fn pass_silence(&mut self, second: i64) {
        self.event = self.event.max(second);
    }

    /// The last closed second.
    #[must_use]
    #[inline(always)]
    pub fn watermark(&self) -> i64 {
        self.event - self.lateness - 1
    }

    /// `S`: the greatest accepted time.
    #[must_use]
    pub fn stream_time(&self) -> i64 {
        self.stream
    }

    /// `E`: how far the log has come, including silence.
    #[must_use]
    pub fn event_time(&self) -> i64 {
        self.event
    }

    /// The second whose window counts a record that is late or unconfirmed.
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
        // Live: from 300 s behind the wall clock to `F` ahead of it.
        for (now, is_live) in [(1301, false), (1300, true), (970, true), (969, false)] {
            assert_eq!(clock.is_live(now), is_live, "{now}");
        }
        assert_eq!(of(&clock, 990, &[1020, 1021]), [OnTime, Ahead]);
        // In a log that is further ahead, the wall clock is not used.
        assert_eq!(of(&clock, 969, &[1030, 1031]), [OnTime, Ahead]);
    }

    #[test]
    fn the_right_time_is_a_suspect_in_a_log_that_is_ahead() {
        let clock = EventClock::new(1000, 5, 120);
        // More than `F` ahead: 994 is late, and current from `now - 300` to
        // `now + 5`.
        assert_eq!(of(&clock, 970, &[976, 975, 900]), [Late, Late, Late]);
        assert_eq!(of(&clock, 969, &[975, 974, 900, 879]), [Late, Behind, Behind, Behind]);
        assert_eq!(of(&clock, 700, &[995, 994]), [OnTime, Late]);
    }
}
