//! A line under one delimiter -> a record, a header, or what is wrong with it.

use std::ops::Range;

use crate::count::{Method, Request};
use crate::read::blanks::{BlankSplitter, Start};
use crate::read::column_names::{self, Names};
use crate::read::columns::{BLANKS, Columns, Header, has_data};
use crate::read::record::{Record, Splitter, UnclosedQuote};
use crate::read::request::{Malformed, is_request_line, read_request};
use crate::read::timestamp::{TimeReader, YEAR_1971};

/// Reads lines under one delimiter.
#[derive(Debug)]
pub(crate) struct Delimited {
    delimiter: u8,
    usual: Splitter,
    escaping: Splitter,
    blanks: BlankSplitter,
}

/// A record that was read. It holds ranges instead of text, so that it borrows
/// nothing.
#[derive(Clone, Debug)]
pub(crate) struct Good {
    /// Its time, in epoch seconds.
    pub(crate) second: i64,
    /// The number of its fields.
    pub(crate) fields: usize,
    text_of: TextOf,
    host: Option<Range<usize>>,
    section: Option<Range<usize>>,
    method: Method,
    status: Option<u16>,
    bytes: u64,
    latency: Option<u64>,
}

/// The text that the ranges of a record refer to.
#[derive(Clone, Copy, Debug)]
enum TextOf {
    Line,
    Usual,
    Escaping,
    Blanks,
}

impl Good {
    fn new(second: i64, request: &Request<'_>, record: &Record<'_>, text_of: TextOf) -> Good {
        Good {
            second,
            fields: record.width(),
            text_of,
            host: part_of(record.bytes(), request.host),
            section: part_of(record.bytes(), request.section),
            method: request.method,
            status: request.status,
            bytes: request.bytes,
            latency: request.latency,
        }
    }
}

/// Whether the columns are likely wrong: the record's time is in 1970, and
/// another column has a later time. Checked only while
/// [`Expected::is_doubtful`]. Columns that a header names otherwise are not
/// looked at.
fn has_another_time(
    record: &Record<'_>,
    columns: &Columns,
    expected: Expected<'_>,
    second: i64,
    times: &mut TimeReader,
) -> bool {
    if second >= YEAR_1971 || !expected.is_doubtful {
        return false;
    }
    let roles = columns.roles();
    let is_other = |index: usize| {
        let is_latency = columns.latency.is_some_and(|latency| latency.column == index);
        let has_role = roles.get(index).is_some_and(Option::is_some);
        let is_read = has_role || is_latency || columns.date == Some(index);
        index != columns.time && (expected.is_assumed || !is_read)
    };
    let mut others = record.fields().enumerate().filter(|&(index, _)| is_other(index));
    others.any(|(_, field)| times.read(field).is_some_and(|other| other >= YEAR_1971))
}

/// The range of `part` within `whole`; `None` if it lies elsewhere.
fn part_of(whole: &[u8], part: &[u8]) -> Option<Range<usize>> {
    let start = (part.as_ptr() as usize).checked_sub(whole.as_ptr() as usize)?;
    let end = start + part.len();
    (end <= whole.len()).then_some(start..end)
}

/// The current columns, and how sure they are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Expected<'a> {
    /// `None` until something says which column is the time.
    pub(crate) columns: Option<&'a Columns>,
    /// Whether they are only assumed to be the usual seven.
    pub(crate) is_assumed: bool,
    /// Whether they are given by position, or assumed.
    pub(crate) is_by_position: bool,
    /// Whether they have read no record yet, and come from a header, or are
    /// assumed although the first line couldn't be read.
    pub(crate) is_doubtful: bool,
}

impl Delimited {
    pub(crate) fn new(delimiter: u8) -> Delimited {
        Delimited {
            delimiter,
            usual: Splitter::new(delimiter),
            escaping: Splitter::escaping(delimiter),
            blanks: BlankSplitter::default(),
        }
    }

    pub(crate) fn delimiter(&self) -> u8 {
        self.delimiter
    }

    /// Splits `text` into fields.
    pub(crate) fn split<'a>(&'a mut self, text: &'a [u8]) -> Result<Record<'a>, UnclosedQuote> {
        if self.delimiter == BLANKS { self.blanks.split(text, Start::Fields) } else { self.usual.split(text) }
    }

    /// Reads `text` as a record.
    pub(crate) fn read(
        &mut self,
        text: &[u8],
        expected: Expected<'_>,
        times: &mut TimeReader,
    ) -> Result<Good, Malformed> {
        let columns = expected.columns.ok_or(Malformed::UnknownColumns)?;
        if self.delimiter == BLANKS {
            let start = match columns.time {
                _ if expected.is_assumed => Start::Usual,
                time if expected.is_by_position && columns.date.is_none() => Start::Before(time),
                _ => Start::Fields,
            };
            let first = self.read_blanks(text, start, columns, expected, times);
            // A bracket and a quote may be elsewhere than around the time.
            let other = match start {
                Start::Usual => Start::UsualFields,
                _ => Start::Fields,
            };
            if first.is_err() && other != start {
                return self.read_blanks(text, other, columns, expected, times).or(first);
            }
            return first;
        }
        let mut problem = match self.usual.split(text) {
            Ok(record) => match read_request(&record, columns, times) {
                Ok((second, _)) if has_another_time(&record, columns, expected, second, times) => {
                    Malformed::Time(record.field(columns.time).into())
                }
                Ok((second, request)) => {
                    let is_line = record.bytes().as_ptr() == text.as_ptr();
                    let text_of = if is_line { TextOf::Line } else { TextOf::Usual };
                    return Ok(Good::new(second, &request, &record, text_of));
                }
                Err(problem) => problem,
            },
            Err(UnclosedQuote) => Malformed::UnclosedQuote,
        };
        if memchr::memmem::find(text, b"\\\"").is_some()
            && let Ok(record) = self.escaping.split(text)
        {
            match read_request(&record, columns, times) {
                Ok((second, _)) if has_another_time(&record, columns, expected, second, times) => {
                    problem = Malformed::Time(record.field(columns.time).into());
                }
                Ok((second, request)) => {
                    return Ok(Good::new(second, &request, &record, TextOf::Escaping));
                }
                Err(Malformed::Fields { .. }) => {}
                // The number of fields is right, so this is the likelier
                // problem.
                Err(other) => problem = other,
            }
        }
        Err(problem)
    }

    fn read_blanks(
        &mut self,
        text: &[u8],
        start: Start,
        columns: &Columns,
        expected: Expected<'_>,
        times: &mut TimeReader,
    ) -> Result<Good, Malformed> {
        let record = self.blanks.split(text, start).map_err(|UnclosedQuote| Malformed::UnclosedQuote)?;
        let (second, request) = read_request(&record, columns, times)?;
        if has_another_time(&record, columns, expected, second, times) {
            return Err(Malformed::Time(record.field(columns.time).into()));
        }
        let is_line = record.bytes().as_ptr() == text.as_ptr();
        let text_of = if is_line { TextOf::Line } else { TextOf::Blanks };
        Ok(Good::new(second, &request, &record, text_of))
    }

    /// The request of a record that was just read from `text`.
    pub(crate) fn request<'a>(&'a self, good: &Good, text: &'a [u8]) -> Request<'a> {
        let bytes = match good.text_of {
            TextOf::Line => text,
            TextOf::Usual => self.usual.unquoted(),
            TextOf::Escaping => self.escaping.unquoted(),
            TextOf::Blanks => self.blanks.unquoted(),
        };
        let part = |range: &Option<Range<usize>>| -> &'a [u8] {
            range.clone().and_then(|range| bytes.get(range)).unwrap_or(b"-")
        };
        Request {
            host: part(&good.host),
            method: good.method,
            section: part(&good.section),
            status: good.status,
            bytes: good.bytes,
            latency: good.latency,
        }
    }

    /// Reads `text` as a header. Returns it with its number of fields.
    pub(crate) fn header(
        &mut self,
        text: &[u8],
        called: &[(String, String)],
        times: &mut TimeReader,
    ) -> Option<(Header, usize)> {
        let record = self.split(text).ok()?;
        Some((Header::of(&record, called, times)?, record.width()))
    }

    /// Whether `text` looks like a header without a time.
    pub(crate) fn looks_like_names(&mut self, text: &[u8], is_first: bool, times: &mut TimeReader) -> bool {
        // Separated by blanks, any text looks like names.
        let is_first = is_first && self.delimiter != BLANKS;
        match self.split(text) {
            Ok(record) => looks_like_names(&record, is_first, times),
            // The text may be half of a header: ignore its quotes.
            Err(UnclosedQuote) if is_first => {
                let unquoted: Vec<u8> = text.iter().copied().filter(|&byte| byte != b'"').collect();
                self.usual.split(&unquoted).is_ok_and(|record| looks_like_names(&record, true, times))
            }
            Err(UnclosedQuote) => false,
        }
    }

    /// Whether no field of `text` is a number or a time.
    pub(crate) fn has_no_data(&mut self, text: &[u8], times: &mut TimeReader) -> bool {
        self.split(text).is_ok_and(|record| !has_data(&record, times))
    }

    /// The names in `text`, for a diagnostic.
    pub(crate) fn list(&mut self, text: &[u8]) -> Box<[u8]> {
        match self.split(text) {
            Ok(record) => list(&record),
            Err(UnclosedQuote) => shortened(text.to_vec()),
        }
    }

    /// The number of fields without regard to quotes, which may be what is
    /// wrong with the line.
    pub(crate) fn apparent_fields(&self, text: &[u8]) -> usize {
        1 + memchr::memchr_iter(self.delimiter, text).count()
    }
}

/// The names in `record`, for a diagnostic.
pub(crate) fn list(record: &Record<'_>) -> Box<[u8]> {
    shortened(record.fields().collect::<Vec<_>>().join(&b", "[..]))
}

fn shortened(mut list: Vec<u8>) -> Box<[u8]> {
    const SHOWN: usize = 300;
    if list.len() > SHOWN {
        list.truncate(SHOWN);
        list.extend_from_slice(b"...");
    }
    list.into()
}

/// Whether `record` looks like a header without a time. No field may be a
/// number, a time or a request line. At least two must be known names; if
/// `is_first`, at least three fields that all look like names will do.
fn looks_like_names(record: &Record<'_>, is_first: bool, times: &mut TimeReader) -> bool {
    if has_data(record, times) || record.fields().any(is_request_line) {
        return false;
    }
    let all_are = || record.width() >= 3 && record.fields().all(column_names::looks_like_name);
    Names::of(record).known() >= 2 || (is_first && all_are())
}
