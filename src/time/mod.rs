//! Event time: what time it is in the log, and which seconds that closes.

pub mod clock;
pub mod late_stats;
pub mod run;
pub mod silence;
pub mod suspects;

use std::time::Duration;

use crate::count::alert::Limits;

/// When something came in.
#[derive(Clone, Copy, Debug, Default)]
pub struct Moment {
    /// The wall clock, in seconds of UTC.
    pub wall: i64,
    /// Seconds spent listening to the input; only differences have a meaning.
    pub listened: Duration,
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
