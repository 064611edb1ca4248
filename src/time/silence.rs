//! The silence of a log: how long no line has come, and how far that advances
//! event time.

use crate::time::Moment;
use crate::time::clock::NEAR;

/// The idle timeout doesn't grow beyond this, in seconds.
const MOST_IDLE_TIMEOUT: i64 = 300;

/// Silence since the last record that was accepted or late. Times are in
/// seconds.
#[derive(Clone, Copy, Debug)]
pub struct Silence {
    /// Silence after which event time advances; 0 = never.
    idle_timeout: i64,
    /// When that record came.
    since: Moment,
    /// The event clock then.
    event: i64,
    /// Where silence would have moved the event clock without an idle timeout.
    reached: i64,
}

impl Silence {
    /// None yet: a record of time `first` has just come.
    #[must_use]
    pub fn new(idle_timeout: i64, first: i64, now: Moment) -> Silence {
        Silence { idle_timeout, since: now, event: first, reached: first }
    }

    /// Takes note of a record that was accepted or late, with the event clock at
    /// `event`.
    #[inline(always)]
    pub fn end(&mut self, event: i64, now: Moment) {
        self.since = now;
        self.event = event;
    }

    /// Whether it moves time.
    #[must_use]
    pub fn is_heard(&self) -> bool {
        self.idle_timeout > 0 && (self.since.wall - self.event).abs() <= NEAR
    }

    /// Where it moves the event clock, if it does.
    pub fn event_time(&mut self, now: Moment) -> Option<i64> {
        let idle = now.listened.saturating_sub(self.since.listened).as_secs();
        let idle = i64::try_from(idle).unwrap_or(i64::MAX);
        if !self.is_heard() || idle <= self.idle_timeout {
            return None;
        }
        self.reached = self.event + idle;
        Some(self.reached - self.idle_timeout)
    }

    /// The idle timeout with which a record of the second `open` would still
    /// have been on time.
    #[must_use]
    pub fn needed_idle_timeout(&self, open: i64) -> i64 {
        self.reached - open
    }

    /// Makes the idle timeout as long as it needs to be, within bounds; the new
    /// one if it was shorter.
    pub fn grow(&mut self, needed: i64) -> Option<i64> {
        let grown = needed.min(MOST_IDLE_TIMEOUT);
        if grown <= self.idle_timeout {
            return None;
        }
        self.idle_timeout = grown;
        Some(grown)
    }

    /// The idle timeout as it is now.
    #[must_use]
    pub fn idle_timeout(&self) -> i64 {
        self.idle_timeout
    }
}
