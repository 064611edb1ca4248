//! Input: bytes -> lines -> records -> requests.

pub mod blanks;
pub(crate) mod calendar;
pub(crate) mod classify;
pub(crate) mod column_names;
pub mod columns;
pub(crate) mod delimited;
pub(crate) mod fields;
pub mod input;
pub mod input_hint;
pub mod layout;
pub mod line;
pub mod plain;
pub(crate) mod plain_line;
pub mod record;
pub mod request;
pub(crate) mod time_cache;
pub mod timestamp;
pub(crate) mod undecided;
pub mod value;
pub(crate) mod w3c;
