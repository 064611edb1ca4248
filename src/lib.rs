//! `httpmon` reads a CSV HTTP access log and writes events as NDJSON.
//!
//! Data flows one way, from bytes to events. Each module imports only modules
//! listed below it:
//!
//! ```text
//! main               argv -> cli -> input, monitor -> exit status
//!   cli              arguments -> settings
//!   options          the table of options, and the help
//!   monitor          the loop: lines to their sources (`==>`), diagnostics, totals
//!   source           one source: its columns, its run of time, its counters
//!   time_messages    diagnostics about time: restarts, late and future requests
//!   line_messages    diagnostics about malformed lines, with advice
//!   report           findings of a run of time -> events
//!   read
//!     input          waits for bytes, silence, a signal, the end
//!     layout         a line -> blank, header, record or malformed
//!     undecided      lines held back until later lines decide
//!     classify       what a line is by itself, under each delimiter
//!     input_hint     hints: gzip, UTF-16, JSON, no header, ...
//!     plain          the fast way: a plain line -> a request, in one pass
//!     plain_line     the fast way: the values of one line
//!     time_cache     the fast way: the times read last, by their text
//!     fields         the fast way: the fields of one line
//!     w3c            the `#Fields:` header of W3C logs
//!     delimited      a line under one delimiter -> a record, a header, a problem
//!     request        a record -> a request; sections and methods
//!     columns        which column holds what: header, `--columns`, default
//!     column_names   the known column names
//!     value          values: status, bytes, latency, host
//!     blanks         a line separated by blanks -> fields; virtual hosts, users
//!     record         a line with delimiters and quotes -> fields
//!     line           bytes -> lines; line length, byte order mark, NUL bytes
//!     timestamp      a time -> epoch seconds; zones, `--time-format`, durations
//!     calendar       the known forms of a time
//!   time
//!     run            one run of time: late records, suspects, leaps, restarts
//!     late_stats     how late and how early requests came, for diagnostics
//!     suspects       records held because their time is not trusted yet
//!     silence        the idle timeout: silence advances event time
//!     clock          the event clock: is a record on time, late, a suspect?
//!   count
//!     counts         closes seconds in order: judges alerts, finishes windows
//!     window         tumbling windows -> summaries
//!     latency        sum, maximum and percentiles of latencies
//!     tally          a bounded table of names (hosts, sections); the top names
//!     client_names   names sent by clients: cut, stored, compared, shown
//!     alert          the alert rule: raise and recover
//!     rate           the sliding window
//!   write
//!     diagnostics    lines on standard error, limited in rate
//!     ndjson         an event -> a line of JSON
//!     json           the JSON serializer
//!     event          the wire format
//!     rejects        `--rejects`: keeps malformed lines, up to a size
//!     output         unbuffered streams, and a writer of whole lines
//!   bits             searches 8 or 16 bytes at a time
//! ```
//!
//! The manual, `man/httpmon.1`, defines the behaviour. The crate is public so
//! that tests and benchmarks can call it. Its interface may change in any
//! version.

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
