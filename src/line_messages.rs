//! Diagnostics for malformed lines, and the advice of a [`Hint`]: what to type
//! for gzip input, UTF-16, JSON, missing columns or an unknown form of time.

use std::fmt;

use crate::read::columns::Width;
use crate::read::input_hint::{Compression, Hint};
use crate::read::line::MAX_LINE;
use crate::read::request::Malformed;
use crate::read::value::is_integer;

/// The diagnostic for the first line that exceeds `--rejects-max`.
pub(crate) const NOT_KEPT: &str = "--rejects-max: this malformed line and those after it are not kept";

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
                write!(f, "a header without a known time column: {}", names.escape_ascii())
            }
            Malformed::NoColumn(name) => {
                write!(f, "--columns: the header has no \"{}\"", name.escape_default())
            }
            Malformed::UnknownColumns => f.write_str("no header has named a time column"),
            Malformed::TornHeader => f.write_str("a torn header: the next line has the old columns"),
        }
    }
}

/// The offending text: quoted, escaped for the terminal, and shortened.
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
        const TIMES: &str = "known times are like 1549573860, 2019-02-07T21:11:00Z, 2019-02-07 21:11:00.123 or \
                             07/Feb/2019:21:11:00 +0000; for another form use --time-format, like --time-format \
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
                "JSON, see httpmon-formats(7): with the log's own names, jq -r '[.time, .method, .path, .status] | @csv' \
                 FILE | httpmon --columns time,method,path,status",
            ),
            Hint::LoneCr => f.write_str("lines end in CR only: tr '\\r' '\\n' < FILE | httpmon"),
            Hint::SpreadsheetLine => f.write_str("this line is for spreadsheets and not needed here"),
            Hint::UnquotedDelimiter => {
                f.write_str("the server must quote a value that contains the delimiter")
            }
            Hint::Columns => f.write_str(
                "name the columns, like --columns host,-,user,time,request,status,bytes",
            ),
            Hint::TimeName => f.write_str("name the time column: --columns time=NAME"),
            Hint::Header => {
                f.write_str("start with the log's header, like tail -n +1 -F FILE | httpmon, or give --columns by position")
            }
            Hint::Times => f.write_str(TIMES),
            Hint::TimesInFourth => write!(
                f,
                "{TIMES}; without a header or --columns the time is in the 4th column"
            ),
            Hint::TimeFormat => f.write_str("it does not match --time-format"),
        }
    }
}
