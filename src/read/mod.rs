//! Bytes -> lines -> records -> requests.

pub mod columns;
pub mod input;
pub mod layout;
pub mod line;
pub mod plain;
pub mod record;
pub mod request;
pub mod timestamp;
