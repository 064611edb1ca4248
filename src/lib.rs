//! `httpmon` reads a CSV HTTP access log and writes events.
//!
//! Data flows one way; each module knows those below it and none above:
//!
//! ```text
//! main               argv -> cli -> input, monitor -> exit status
//!   cli              what was typed -> what it means
//!   options          the table of options, and the help
//!   monitor          gives lines to their sources, and reports problems
//!   source           one source: its layout, its run of time, its silence
//!   advice           sentences for people
//!   problem          what is wrong with a line, and what to type
//!   report           what a run has found out -> events
//!   read
//!     input          what can happen on the way in: bytes, silence, a signal, the end
//!     layout         a line -> what it is: blank, header, record, malformed
//!     held           lines that those after them decide
//!     verdict        what a line says by itself
//!     hint           what an unreadable input most likely is
//!     plain          a plain line -> a request, in one go
//!     plain_line     its values
//!     known          the times that were read last
//!     fields         the fields of a plain line
//!     delimited      a line under one delimiter
//!     request        a record -> a request
//!     columns        which column holds what
//!     names          what columns are called
//!     value          the values of fields
//!     blanks         a line with blanks between its fields -> fields
//!     record         a line -> fields
//!     line           bytes -> lines
//!     timestamp      a time -> seconds
//!     calendar       the forms of time
//!   time
//!     run            one run of time: clock, suspects, windows, alert
//!     lateness       how late or early requests came
//!     suspects       records whose clock is not trusted yet
//!     silence        how long nothing has come, and how far that moves time
//!     clock          event time
//!   count            what is counted of a request
//!     counts         closes seconds in order: judges alerts, finishes windows
//!     window         tumbling windows
//!     latency        how long requests took
//!     tally          a bounded table of names, and their numbers
//!     names          names chosen by clients
//!     alert          raises and recovers
//!     rate           the sliding window
//!   write
//!     diagnostics    one line per problem
//!     ndjson         an event -> a line of JSON
//!     json           a serializer that copies the names of fields
//!     event          the wire format
//!     rejects        malformed lines that are kept, up to a size
//!     output         streams as plain files, and whole lines
//!   bits             eight bytes at a time
//! ```
//!
//! The contract of behaviour is the manual, `man/httpmon.1`. The crate is
//! public so that tests and benchmarks can call in; its interface may change
//! with any version.

pub mod advice;
mod bits;
pub mod cli;
pub mod count;
pub mod monitor;
pub mod options;
pub mod problem;
pub mod read;
pub mod report;
pub mod source;
pub mod time;
pub mod write;
