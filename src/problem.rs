//! Sentences for people: what is wrong with a line, and what to type so that
//! it can be read.

use std::fmt;

use crate::read::columns::Width;
use crate::read::hint::{Compression, Hint};
use crate::read::line::MAX_LINE;
use crate::read::request::Malformed;
use crate::read::value::is_integer;

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Malformed::UnclosedQuote => f.write_str("unclosed quote"),
            Malformed::Fields { found, wanted } => {
                write!(f, "{found} field{}, ", if *found == 1 { "" } else { "s" })?;
                match wanted {
                    Width::Exactly(wanted) => write!(f, "the header has {wanted}"),
                    Width::AtLeast(wanted) => write!(f, "at least {wanted} are needed"),
                }
            }
            Malformed::Time(text) => write!(f, "time: not a time: {}", Excerpt(text)),
            Malformed::Status(text) if is_integer(text) => {
                write!(f, "status: not from 0 to 999: {}", Excerpt(text))
            }
            Malformed::Status(text) => write!(f, "status: not a number: {}", Excerpt(text)),
            Malformed::Bytes(text) if is_integer(text) => {
                write!(f, "bytes: above 2^63-1: {}", Excerpt(text))
            }
            Malformed::Bytes(text) => write!(f, "bytes: not a number: {}", Excerpt(text)),
            Malformed::TooLong => write!(f, "longer than {MAX_LINE} bytes"),
            Malformed::NoTime(names) => {
                write!(f, "a header without a known time: {}", names.escape_ascii())
            }
            Malformed::NoColumn(name) => {
                write!(f, "--columns: the header has no \"{}\"", name.escape_default())
            }
            Malformed::UnknownColumns => f.write_str("no header has said which column is the time"),
            Malformed::TornHeader => f.write_str("a torn header: the lines after it are as before it"),
        }
    }
}

/// Offending text: in quotes, escaped, shortened, safe on a terminal.
struct Excerpt<'a>(&'a [u8]);

impl fmt::Display for Excerpt<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 60;
        let shown = &self.0[..self.0.len().min(SHOWN)];
        let dots = if shown.len() < self.0.len() { "..." } else { "" };
        write!(f, "\"{}{dots}\"", shown.escape_ascii())
    }
}

impl fmt::Display for Hint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const TIMES: &str = "a time is like 1549573860, 2019-02-07T21:11:00Z, 2019-02-07 21:11:00.123 or \
                             07/Feb/2019:21:11:00 +0000; for another form say --time-format, like --time-format \
                             '%m/%d/%Y, %I:%M:%S%.f %p'";
        match self {
            Hint::Compressed(compression) => {
                let (name, command) = match compression {
                    Compression::Gzip => ("gzip", "zcat"),
                    Compression::Zstd => ("zstd", "zstdcat"),
                    Compression::Xz => ("xz", "xzcat"),
                    Compression::Bzip2 => ("bzip2", "bzcat"),
                };
                write!(f, "compressed by {name}: {command} FILE | httpmon")
            }
            Hint::Utf16 => f.write_str("UTF-16: iconv -f UTF-16 -t UTF-8 FILE | httpmon"),
            Hint::Json => f.write_str(
                "JSON: jq -r '[.time, .method, .path, .status] | @csv' FILE | httpmon --columns \
                 time,method,path,status, with the log's own names (see httpmon-formats(7))",
            ),
            Hint::LoneCr => f.write_str("lines end in CR alone: tr '\\r' '\\n' < FILE | httpmon"),
            Hint::SpreadsheetLine => f.write_str("it is meant for a spreadsheet, and not needed here"),
            Hint::UnquotedDelimiter => {
                f.write_str("a value with the delimiter in it must be quoted where the log is written")
            }
            Hint::Columns => f.write_str(
                "say what each column holds, like --columns host,-,user,time,request,status,bytes",
            ),
            Hint::TimeName => f.write_str("say which column is the time: --columns time=NAME"),
            Hint::Header => {
                f.write_str("read the log from its header on, like tail -n +1 -F FILE | httpmon, or say the columns by position")
            }
            Hint::Times => f.write_str(TIMES),
            Hint::TimesInFourth => write!(
                f,
                "{TIMES}; it is looked for in the 4th column unless a header or --columns says otherwise"
            ),
            Hint::TimeFormat => f.write_str("it is not as --time-format says"),
        }
    }
}
