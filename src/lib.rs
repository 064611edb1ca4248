//! `httpmon` reads a CSV HTTP access log and writes events.
//!
//! Data flows one way; each module knows those below it and none above:
//!
//! ```text
//! main          argv -> cli -> input, monitor -> exit status
//!   cli         the table of options; what was typed -> what it means
//!   input       what can happen on the way in: bytes, silence, a signal, the end
//!   monitor     which line goes to which source, and what is said about it
//!   diagnostics one line per problem
//!   source      one source: its layout, its run of time, its silence
//!   layout      a line -> what it is: blank, header, record, malformed
//!   run         one run of time: clock, suspects, windows, alert
//!   suspects    records whose clock is not to be trusted
//!   summary     tumbling windows
//!   names       bounded sets of names that clients send
//!   rate        the sliding window
//!   alert       quiet <-> alerting
//!   clock       event time
//!   plain       a plain line -> a request, in one go
//!   request     a record -> a request
//!   columns     which column holds what
//!   record      a line -> fields
//!   line        bytes -> lines
//!   ndjson      an event -> a line of JSON
//!   event       the wire format
//!   output      streams as plain files, and whole lines
//!   timestamp   the forms of time -> seconds, and back
//! ```
//!
//! The contract of behaviour is the manual, `man/httpmon.1`. The crate is
//! public so that tests and benchmarks can call in; its interface may change
//! with any version.

pub mod alert;
pub mod cli;
pub mod clock;
pub mod columns;
pub mod diagnostics;
pub mod event;
pub mod input;
pub mod layout;
pub mod line;
pub mod monitor;
pub mod names;
pub mod ndjson;
pub mod output;
pub mod plain;
pub mod rate;
pub mod record;
pub mod request;
pub mod run;
pub mod source;
pub mod summary;
pub mod suspects;
pub mod timestamp;
