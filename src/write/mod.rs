//! Events -> NDJSON, and messages to people.

pub mod diagnostics;
pub mod event;
mod json;
pub mod ndjson;
pub mod output;
pub mod rejects;
