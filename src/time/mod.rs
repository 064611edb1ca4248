//! What time it is in the log, and what that closes.

pub mod clock;
pub mod lateness;
pub mod run;
pub mod suspects;

use std::time::Duration;

/// When something came in.
#[derive(Clone, Copy, Debug, Default)]
pub struct Moment {
    /// The wall clock, in seconds of UTC.
    pub wall: i64,
    /// Seconds spent listening to the input; only differences have a meaning.
    pub listened: Duration,
}
