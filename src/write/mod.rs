//! Output: events as NDJSON, diagnostics, and rejected lines.

pub mod diagnostics;
pub mod event;
mod json;
pub mod ndjson;
pub mod output;
pub mod rejects;
