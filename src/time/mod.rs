//! What time it is in the log, and what that closes.

pub mod clock;
pub mod run;
pub mod suspects;
