//! Silence on a live log: the idle timeout, and how far silence advances event
//! time. The timeout grows if the server buffers its log.

use crate::time::Moment;
use crate::time::clock::NEAR;

/// The idle timeout never grows beyond this, in seconds.
const MOST_IDLE_TIMEOUT: i64 = 300;

/// The silence since the last record that was accepted or late. Times are in
/// seconds.
#[derive(Clone, Copy, Debug)]
pub struct Silence {
    /// Silence after which event time advances; 0 = never.
    idle_timeout: i64,
    /// When that record came.
    since: Moment,
    /// The event clock at that record.
    event: i64,
    /// How far silence would have moved the event clock without an idle
    /// timeout.
    reached: i64,
}

impl Silence {
    /// Starts with a record of time `first` that comes at `now`.
    #[must_use]
    pub fn new(idle_timeout: i64, first: i64, now: Moment) -> Silence {
        Silence { idle_timeout, since: now, event: first, reached: first }
    }

    /// Ends the silence: a record was accepted or late, and the event clock is
    /// now at `event`.
    #[inline(always)]
    pub fn end(&mut self, event: i64, now: Moment) {
        self.since = now;
        self.event = event;
    }

    /// Whether silence advances event time: there is an idle timeout, and the
    /// log was near the wall clock at its last record.
    #[must_use]
    pub fn is_heard(&self) -> bool {
        self.idle_timeout > 0 && (self.since.wall - self.event).abs() <= NEAR
    }

    /// The event clock after the silence so far; `None` if silence doesn't
    /// advance it yet.
    pub fn event_time(&mut self, now: Moment) -> Option<i64> {
        let idle = now.listened.saturating_sub(self.since.listened).as_secs();
        let idle = i64::try_from(idle).unwrap_or(i64::MAX);
        if !self.is_heard() || idle <= self.idle_timeout {
            return None;
        }
        self.reached = self.event + idle;
        Some(self.reached - self.idle_timeout)
    }

    /// The idle timeout that would have kept the event clock from passing
    /// `latest`.
    #[must_use]
    pub fn needed_idle_timeout(&self, latest: i64) -> i64 {
        self.reached - latest
    }

    /// Raises the idle timeout to `needed`, at most `MOST_IDLE_TIMEOUT`.
    /// Returns the new one if it has grown.
    pub fn grow(&mut self, needed: i64) -> Option<i64> {
        let grown = needed.min(MOST_IDLE_TIMEOUT);
        if grown <= self.idle_timeout {
            return None;
        }
        self.idle_timeout = grown;
        Some(grown)
    }

    /// The current idle timeout, in seconds; 0 = never.
    #[must_use]
    pub fn idle_timeout(&self) -> i64 {
        self.idle_timeout
    }
}
