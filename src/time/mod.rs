//! Event time: what time it is in the log, which seconds are closed, and what
//! is late, a suspect, or a restart.

pub mod clock;
pub mod late_stats;
pub mod run;
pub mod silence;
pub mod suspects;

use std::time::Duration;

use crate::count::alert::Limits;

/// When a record or a silence was observed.
#[derive(Clone, Copy, Debug, Default)]
pub struct Moment {
    /// The wall clock, in epoch seconds.
    pub wall: i64,
    /// How long the input was listened to, stops and suspensions left out. Only
    /// differences have a meaning.
    pub listened: Duration,
}

/// A change of time worth a diagnostic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notice {
    /// Time was set back, and a new run started.
    Restarted {
        /// The greatest time before the restart.
        from: i64,
        /// The least time after the restart.
        to: i64,
        /// Whether the restart closed an alert.
        closed_alert: bool,
        /// The `--lateness` in seconds that would have prevented the restart;
        /// `None` if it is above the limit.
        joining_lateness: Option<i64>,
    },
    /// Records came late after silence, so the server buffers its log. This is
    /// the new idle timeout, in seconds.
    IdleTimeoutGrew(i64),
}

/// The settings of a run of time. Lengths are in seconds.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// The alert limits.
    pub limits: Limits,
    /// Length of a summary window.
    pub interval: i64,
    /// How far out of order a record may be and still be on time.
    pub lateness: i64,
    /// Silence after which event time advances; 0 = never.
    pub idle_timeout: i64,
    /// A request that takes longer is slow, in nanoseconds.
    pub slow: u64,
}
