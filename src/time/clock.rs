//! Event time: how far the log has come, and on which side of that a record
//! lies. Which records were held and what becomes of them is not known here.
//!
//! The stream time `S` is the greatest accepted time. The event clock `E` is
//! `S`, or further on after silence. Every second up to the watermark,
//! `E - lateness - 1`, is closed. The model is that of Akidau et al., The
//! Dataflow Model (2015), with a bounded disorder.

/// Where a record lies, seen from the event clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timeliness {
    /// Its second is open: the record is accepted.
    OnTime,
    /// Its second is closed.
    Late,
    /// So far ahead that its clock is not to be trusted: a forward suspect.
    Ahead,
    /// So far behind that time may have been set back: a backward suspect.
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
    earliest: i64,
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
            earliest: first,
        }
    }

    /// Where a record of time `second` lies.
    #[must_use]
    #[inline(always)]
    pub fn timeliness(&self, second: i64) -> Timeliness {
        if second > self.event + self.most_ahead {
            Timeliness::Ahead
        } else if second < self.stream - self.most_behind {
            Timeliness::Behind
        } else if second <= self.watermark() {
            Timeliness::Late
        } else {
            Timeliness::OnTime
        }
    }

    /// Takes an accepted record into account.
    #[inline(always)]
    pub fn accept(&mut self, second: i64) {
        self.stream = self.stream.max(second);
        self.event = self.event.max(second);
        self.earliest = self.earliest.min(second);
    }

    /// Moves both times on to `second`, across a gap that suspects confirmed.
    pub fn leap(&mut self, second: i64) {
        self.stream = second;
        self.event = second;
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

    /// The least accepted time.
    #[must_use]
    pub fn earliest(&self) -> i64 {
        self.earliest
    }

    /// The second in whose window a record without an open second of its own
    /// is counted.
    #[must_use]
    pub fn current_second(&self) -> i64 {
        self.stream.max(self.watermark() + 1)
    }

    /// `J`, in seconds: how far behind the stream time a record is a suspect,
    /// and how far apart suspects may be that set the clock back.
    #[must_use]
    pub fn most_behind(&self) -> i64 {
        self.most_behind
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_of_a_record_changes_exactly_at_its_bounds() {
        // Lateness 5, window 120: F = 30, J = 120, watermark 994.
        let clock = EventClock::new(1000, 5, 120);
        for (second, place) in [
            (1031, Timeliness::Ahead),
            (1030, Timeliness::OnTime),
            (995, Timeliness::OnTime),
            (994, Timeliness::Late),
            (880, Timeliness::Late),
            (879, Timeliness::Behind),
        ] {
            assert_eq!(clock.timeliness(second), place, "{second}");
        }
    }

    #[test]
    fn a_long_lateness_widens_what_is_trusted() {
        // Lateness 100, window 120: F = 100, J = 160.
        let clock = EventClock::new(1000, 100, 120);
        let places = [1101, 1100, 899, 840, 839].map(|second| clock.timeliness(second));
        assert_eq!(
            places,
            [Timeliness::Ahead, Timeliness::OnTime, Timeliness::Late, Timeliness::Late, Timeliness::Behind]
        );
        assert_eq!(clock.most_behind(), 160);
    }

    #[test]
    fn silence_moves_what_is_ahead_and_late_but_not_what_is_behind() {
        let mut clock = EventClock::new(1000, 5, 120);
        clock.pass_silence(1100);
        clock.pass_silence(1050);
        assert_eq!((clock.event_time(), clock.stream_time(), clock.watermark()), (1100, 1000, 1094));
        let places = [1131, 1130, 1095, 1094, 880, 879].map(|second| clock.timeliness(second));
        let expected = [
            Timeliness::Ahead,
            Timeliness::OnTime,
            Timeliness::OnTime,
            Timeliness::Late,
            Timeliness::Late,
            Timeliness::Behind,
        ];
        assert_eq!(places, expected);
        assert_eq!(clock.current_second(), 1095);
    }
}
