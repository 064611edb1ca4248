//! Events -> NDJSON, and sentences for people.

pub mod diagnostics;
pub mod event;
pub mod ndjson;
pub mod output;
