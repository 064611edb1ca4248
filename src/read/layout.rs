//! A line -> what it is: blank, a header, a record or malformed.
//!
//! A layout is the delimiter and the columns of one source, as far as they are
//! known. What a record means to time is not known here.

use std::borrow::Cow;

use crate::count::Request;
use crate::read::columns::{self, Columns, DELIMITERS};
use crate::read::line::{Line, Lines};
use crate::read::plain::PlainReader;
use crate::read::record::{Splitter, UnclosedQuote, is_blank};
use crate::read::request::{Malformed, read_request};
use crate::read::timestamp::{TimeReader, Zone};

/// What the command line says about the layout of every source.
#[derive(Clone, Debug)]
pub struct LayoutOptions {
    /// The columns; otherwise a header names them.
    pub columns: Option<Columns>,
    /// The delimiter; otherwise it is found.
    pub delimiter: Option<u8>,
    /// The zone of times without an offset.
    pub zone: Zone,
}

/// What a line is; `'t` is the input's text.
#[derive(Debug)]
pub enum Reading<'a, 't> {
    /// Empty, only blanks, or a header.
    Skipped,
    /// A request and its second.
    Record(i64, Request<'a>),
    /// No request; the line should have been one.
    Malformed(MalformedLine<'t>),
}

/// A line that should have been a record, and why it is none.
#[derive(Debug)]
pub struct MalformedLine<'t> {
    /// Its number in the input, from 1.
    pub number: u64,
    /// The line, without filler; if it is overlong, its start.
    pub text: Cow<'t, [u8]>,
    /// How it ended; nothing if it was cut.
    pub end: &'static [u8],
    /// What is wrong with it.
    pub problem: Malformed,
}

/// The layout of one source.
#[derive(Debug)]
pub struct Layout {
    columns: Columns,
    /// Whether a header may name other columns.
    is_fixed: bool,
    /// The delimiters that are still possible, in order of preference; just
    /// one once a line was a header or a good record.
    splitters: Vec<Splitters>,
    /// Set once the delimiter is known.
    plain: Option<PlainReader>,
    times: TimeReader,
}

/// The two ways of splitting a line at one delimiter.
#[derive(Debug)]
struct Splitters {
    delimiter: u8,
    usual: Splitter,
    escaping: Splitter,
}

/// What a line is under one delimiter.
enum Attempt<'a> {
    Record(i64, Request<'a>),
    Header(Box<Columns>),
    Malformed(Malformed),
}

/// What a candidate for the delimiter makes of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Promise {
    is_good: bool,
    fields: usize,
}

impl Layout {
    /// The layout of a source of which nothing was read.
    #[must_use]
    pub fn new(options: &LayoutOptions) -> Layout {
        let splitters = |delimiter| Splitters {
            delimiter,
            usual: Splitter::new(delimiter),
            escaping: Splitter::escaping(delimiter),
        };
        let columns = options.columns.clone().unwrap_or_default();
        Layout {
            plain: options.delimiter.map(|delimiter| PlainReader::new(&columns, delimiter)),
            columns,
            is_fixed: options.columns.is_some(),
            splitters: match options.delimiter {
                Some(delimiter) => vec![splitters(delimiter)],
                None => DELIMITERS.map(splitters).into(),
            },
            times: TimeReader::new(options.zone.clone()),
        }
    }

    /// The columns as they are now.
    #[must_use]
    pub fn columns(&self) -> &Columns {
        &self.columns
    }

    /// Reads the next of `lines`; `None` if there is none. A header changes
    /// the columns.
    #[inline(always)]
    pub fn next<'a, 't: 'a>(&'a mut self, lines: &mut Lines<'t>) -> Option<Reading<'a, 't>> {
        if let Some(plain) = &mut self.plain
            && lines.starts_clean()
            && let Some((second, request, rest)) = plain.read(lines.rest(), &mut self.times)
        {
            lines.passed(rest);
            return Some(Reading::Record(second, request));
        }
        let line = lines.next()?;
        Some(self.read(line, lines.number()))
    }

    /// Tells what `line` is, in the general way.
    #[inline(never)]
    fn read<'a, 't: 'a>(&'a mut self, line: Line<'t>, number: u64) -> Reading<'a, 't> {
        let text = line.text;
        let malformed = |problem| {
            let end = if line.overlong { b"" } else { line.end };
            Reading::Malformed(MalformedLine { number, text: text.into(), end, problem })
        };
        if line.overlong {
            return malformed(Malformed::TooLong);
        }
        if text.first().is_none_or(|&byte| is_blank(byte)) && text.iter().all(|&byte| is_blank(byte)) {
            return Reading::Skipped;
        }
        let chosen = if self.splitters.len() > 1 { self.choose_delimiter(text) } else { 0 };
        let Layout { columns, is_fixed, splitters, plain, times } = self;
        let delimiter = splitters[chosen].delimiter;
        match splitters[chosen].read(text, columns, times).0 {
            Attempt::Record(second, request) => Reading::Record(second, request),
            Attempt::Malformed(problem) => malformed(problem),
            Attempt::Header(named) => {
                if !*is_fixed {
                    *plain = Some(PlainReader::new(&named, delimiter));
                    *columns = *named;
                }
                Reading::Skipped
            }
        }
    }

    /// Of the first line that couldn't be read: what to type so that it can.
    pub fn advice(&mut self, text: &[u8], problem: &Malformed) -> &'static str {
        const COLUMNS: &str =
            "; say what each column holds, like --columns host,-,user,time,request,status,bytes";
        const NAMES: &str = "; it names columns, but no time: say what each one holds, like --columns \
                             host,-,user,time,request,status,bytes";
        const TIMES: &str = "; a time is 1549573860, 2019-02-07T21:11:00Z or 07/Feb/2019:21:11:00 +0000";
        const FOURTH: &str = "; a time is 1549573860, 2019-02-07T21:11:00Z or 07/Feb/2019:21:11:00 +0000, \
                              in the 4th column unless a header or --columns says otherwise";
        let is_guess = self.columns == Columns::default();
        let Layout { splitters, times, .. } = self;
        let names_columns = splitters.iter_mut().any(|splitters| {
            splitters.usual.split(text).is_ok_and(|record| columns::names_columns(&record, times))
        });
        match problem {
            _ if names_columns => NAMES,
            Malformed::Fields { .. } => COLUMNS,
            Malformed::Status(_) | Malformed::Bytes(_) if is_guess => COLUMNS,
            Malformed::Time(_) if is_guess => FOURTH,
            Malformed::Time(_) => TIMES,
            _ => "",
        }
    }

    /// The place of the delimiter under which `text` is a header or a good
    /// record, or looks most like one; in the first case it stays.
    fn choose_delimiter(&mut self, text: &[u8]) -> usize {
        let mut best = (0, Promise { is_good: false, fields: 0 });
        for place in 0..self.splitters.len() {
            let promise = self.try_delimiter(place, text);
            if promise > best.1 {
                best = (place, promise);
            }
        }
        let (place, Promise { is_good, .. }) = best;
        if is_good {
            self.splitters.swap(0, place);
            self.splitters.truncate(1);
            self.plain = Some(PlainReader::new(&self.columns, self.splitters[0].delimiter));
            return 0;
        }
        place
    }

    fn try_delimiter(&mut self, place: usize, text: &[u8]) -> Promise {
        let Layout { columns, splitters, times, .. } = self;
        let delimiter = splitters[place].delimiter;
        match splitters[place].read(text, columns, times) {
            // Quotes may be what is wrong with it: they don't count.
            (Attempt::Malformed(_), _) => {
                Promise { is_good: false, fields: 1 + memchr::memchr_iter(delimiter, text).count() }
            }
            (_, fields) => Promise { is_good: true, fields },
        }
    }
}

impl Splitters {
    /// What `text` is, and how many fields it has as that; 0 if it is malformed.
    fn read<'a>(
        &'a mut self,
        text: &'a [u8],
        columns: &Columns,
        times: &mut TimeReader,
    ) -> (Attempt<'a>, usize) {
        let mut problem = match self.usual.split(text) {
            Ok(record) => match read_request(&record, columns, times) {
                // A good record has a time, so it is no header.
                Ok((second, request)) => return (Attempt::Record(second, request), record.width()),
                Err(problem) => {
                    if let Some(named) = Columns::from_header(&record, times) {
                        return (Attempt::Header(named.into()), record.width());
                    }
                    problem
                }
            },
            Err(UnclosedQuote) => Malformed::UnclosedQuote,
        };
        if memchr::memmem::find(text, b"\\\"").is_some() {
            if let Ok(record) = self.escaping.split(text) {
                match read_request(&record, columns, times) {
                    Ok((second, request)) => return (Attempt::Record(second, request), record.width()),
                    Err(Malformed::Fields { .. }) => {}
                    // With the right number of fields this is the likelier reading.
                    Err(other) => problem = other,
                }
            }
        }
        (Attempt::Malformed(problem), 0)
    }
}
