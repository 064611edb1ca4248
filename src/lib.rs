//! `httpmon` reads a CSV HTTP access log and writes events.
//!
//! Data flows one way; each module knows those below it and none above:
//!
//! ```text
//! main               argv -> cli -> input, monitor -> exit status
//!   cli              arguments -> settings
//!   options          the table of options, and the help
//!   monitor          passes lines to their sources (`==>`), reports problems
//!   source           one source: its layout, its run of time, its silence
//!   time_messages    messages about the log's time
//!   line_messages    messages about a line, and what to type
//!   report           findings of a run of time -> events
//!   read
//!     input          what can come: bytes, silence, a signal, the end
//!     layout         a line -> what it is: blank, header, record, malformed
//!     undecided      lines that later lines decide
//!     classify       what a line is, judged alone
//!     guess_format   what an unreadable input probably is: gzip, JSON, ...
//!     plain          a plain line -> a request, in one pass
//!     plain_line     its values
//!     time_cache     the times read last, by their text
//!     fields         the fields of a plain line
//!     w3c            the header of W3C logs, `#Fields:`
//!     delimited      a line under one delimiter
//!     request        a record -> a request
//!     columns        which column holds what, from the header
//!     column_names   the known column names
//!     value          the values of fields
//!     blanks         a line split at blanks -> fields
//!     record         a line -> fields
//!     line           bytes -> lines
//!     timestamp      a time -> seconds
//!     calendar       the forms of a time
//!   time
//!     run            one run of time: clock, suspects, windows, alert
//!     late_stats     statistics of late and early requests, for messages
//!     suspects       records whose time is not trusted yet
//!     silence        how long no line came, and how that advances time
//!     clock          event time: is a record on time, late, a suspect?
//!   count            the counts of requests
//!     counts         closes seconds in order: judges alerts, finishes windows
//!     window         tumbling windows
//!     latency        percentiles of latency
//!     tally          a bounded table of names and their counts
//!     client_names   names chosen by clients
//!     alert          the alert rule: raises and recovers
//!     rate           the sliding window
//!   write
//!     diagnostics    writes messages to standard error
//!     ndjson         an event -> a line of JSON
//!     json           a serializer that copies the names of fields
//!     event          the wire format
//!     rejects        malformed lines that are kept, up to a size
//!     output         streams as plain files, and whole lines
//!   bits             compares eight bytes at a time
//! ```
//!
//! The contract of behaviour is the manual, `man/httpmon.1`. The crate is
//! public so that tests and benchmarks can call in; its interface may change
//! with any version.

mod bits;
pub mod cli;
pub mod count;
pub mod line_messages;
pub mod monitor;
pub mod options;
pub mod read;
pub mod report;
pub mod source;
pub mod time;
pub mod time_messages;
pub mod write;
