//! Bytes -> lines -> records -> requests.

pub mod blanks;
pub(crate) mod calendar;
pub mod columns;
pub(crate) mod delimited;
pub(crate) mod fields;
pub(crate) mod held;
pub mod hint;
pub mod input;
pub(crate) mod known;
pub mod layout;
pub mod line;
pub(crate) mod names;
pub mod plain;
pub(crate) mod plain_line;
pub mod record;
pub mod request;
pub mod timestamp;
pub mod value;
pub(crate) mod verdict;
