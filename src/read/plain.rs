//! The fast way: reads a plain line as a request, in one pass.
//!
//! Nearly all lines of nearly all logs are plain: quotes are at the edges of
//! fields, or where they don't matter, and numbers have their usual form. Such
//! a line is read from left to right, each value in place, up to the newline.
//! Nothing searches for the newline first, and no list of fields is built. Any
//! other line is left to the general way, `delimited` and then `request`.
//!
//! It exists for speed: one pass over the bytes instead of three, and no list
//! of fields. `cargo bench --bench stages` times it (`plain`) beside the
//! general way (`layout` with doubled quotes).
//!
//! To change it, note that `None` is always correct, only slower. Any other
//! result must be that of the general way. `tests/lines.rs` compares the two on
//! random lines, and `tests/fuzz/run plain` on arbitrary ones. Run both after
//! every change, and `scripts/bench` to see the cost.

use crate::count::{Method, Request};
use crate::read::columns::{BLANKS, Columns, Width};
use crate::read::fields::Fields;
use crate::read::line::MAX_LINE;
use crate::read::plain_line::{Content, PlainLine};
use crate::read::request::method_and_section_of_path;
use crate::read::time_cache::TimeCache;
use crate::read::timestamp::TimeReader;

/// The number of columns in the Common Log Format.
const COMMON: usize = 7;

/// Which code reads the lines of a layout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// None here: all lines are left to the general way.
    Foreign,
    /// The first columns are those of the Common Log Format. Straight code
    /// instead of a loop takes 6 % off the whole program's time.
    Common,
    /// A loop over the columns.
    Any,
}

/// Reads the plain lines of one layout.
#[derive(Clone, Debug)]
pub struct PlainReader {
    delimiter: u8,
    /// What each column holds, up to the last one that is read. Without the
    /// first seven if the form is [`Form::Common`].
    contents: Vec<Content>,
    /// How many columns are read.
    read: usize,
    width: Width,
    /// Whether a record may end after these columns.
    is_whole: bool,
    form: Form,
    /// Whether a virtual host may stand before the host.
    has_virtual_hosts: bool,
    known_times: TimeCache,
}

impl PlainReader {
    /// A reader for these columns and this delimiter.
    #[must_use]
    pub fn new(columns: &Columns, delimiter: u8) -> PlainReader {
        let contents = |columns: &Columns| -> Vec<Content> {
            columns.roles().into_iter().map(|role| role.map_or(Content::Nothing, Content::Value)).collect()
        };
        let common = contents(&Columns::default());
        let mut contents = contents(columns);
        let is_common = contents.get(..COMMON) == Some(&common);
        if let Some(latency) = columns.latency {
            contents.resize(contents.len().max(latency.column + 1), Content::Nothing);
            contents[latency.column] = Content::Latency(latency.unit);
        }
        // A date that is not just before the time would have to be kept. With a
        // method column, a request column may hold a path.
        let has_far_date = columns.date.is_some_and(|date| date + 1 != columns.time);
        let is_foreign = has_far_date || (columns.request.is_some() && columns.method.is_some());
        let form = match columns.date {
            _ if is_foreign => Form::Foreign,
            None if is_common => Form::Common,
            _ => Form::Any,
        };
        let read = contents.len();
        if form == Form::Common {
            contents.drain(..COMMON);
        }
        if let Some(date) = columns.date.filter(|_| form == Form::Any) {
            contents.splice(date..=columns.time, [Content::DateAndTime]);
        }
        PlainReader {
            delimiter,
            form,
            has_virtual_hosts: false,
            is_whole: columns.width.fits(read),
            contents,
            read,
            width: columns.width,
            known_times: TimeCache::default(),
        }
    }

    /// Accepts a virtual host before the host, in lines separated by blanks.
    #[must_use]
    pub fn with_virtual_hosts(mut self) -> PlainReader {
        self.has_virtual_hosts = true;
        self
    }

    /// Reads the line at the start of `text`. Returns its second, its request
    /// and what follows the line. `None` leaves the line to the general way,
    /// whatever it is.
    pub fn read<'a>(
        &mut self,
        text: &'a [u8],
        times: &mut TimeReader,
    ) -> Option<(i64, Request<'a>, &'a [u8])> {
        let mut read = None;
        self.read_for(text, times, |second, request, rest| read = Some((second, request, rest)))?;
        read
    }

    /// Does the same, inlined, and passes the result to `take`. Returning it
    /// would write it to memory and read it back, which costs a tenth of the
    /// whole program's time.
    #[inline(always)]
    pub(crate) fn read_for<'a>(
        &mut self,
        text: &'a [u8],
        times: &mut TimeReader,
        take: impl FnOnce(i64, Request<'a>, &'a [u8]),
    ) -> Option<()> {
        let (second, request, rest) = if self.delimiter == BLANKS {
            self.read_in_blanks(text, times)?
        } else {
            self.read_columns::<false>(text, times)?
        };
        times.passed(second);
        take(second, request, rest);
        Some(())
    }

    /// Not inlined: inlining takes 6 % off the whole program's time for these
    /// lines, but adds 2 % for those with other delimiters.
    #[inline(never)]
    fn read_in_blanks<'a>(
        &mut self,
        text: &'a [u8],
        times: &mut TimeReader,
    ) -> Option<(i64, Request<'a>, &'a [u8])> {
        self.read_columns::<true>(text, times)
    }

    #[inline(always)]
    fn read_columns<'a, const IN_BLANKS: bool>(
        &mut self,
        text: &'a [u8],
        times: &mut TimeReader,
    ) -> Option<(i64, Request<'a>, &'a [u8])> {
        if self.form == Form::Foreign {
            return None;
        }
        let mut line = PlainLine::<IN_BLANKS> {
            fields: Fields { rest: text, is_at_end: false, delimiter: self.delimiter },
            second: None,
            request: Request {
                host: b"-",
                method: Method::OTHER,
                section: b"-",
                status: None,
                bytes: 0,
                latency: None,
            },
            method: None,
            path: None,
        };
        if self.form == Form::Common {
            line.read_host()?;
            line.fields.go_on()?;
            let has_virtual_host =
                IN_BLANKS && self.has_virtual_hosts && !line.fields.rest.starts_with(b"- ");
            if has_virtual_host {
                line.read_host()?;
                line.fields.rest.starts_with(b"- ").then_some(())?;
            }
            line.skip()?;
            line.fields.go_on()?;
            line.skip()?;
            line.fields.go_on()?;
            let is_in_brackets = line.fields.rest.first() == Some(&b'[');
            line.read_time(times, &mut self.known_times)?;
            line.fields.go_on()?;
            if has_virtual_host && !(is_in_brackets && line.fields.rest.first() == Some(&b'"')) {
                return None;
            }
            line.read_request_line()?;
            line.fields.go_on()?;
            line.read_status()?;
            line.fields.go_on()?;
            line.read_bytes()?;
        }
        for content in &self.contents {
            line.read(*content, times, &mut self.known_times)?;
        }
        if line.method.is_some() || line.path.is_some() {
            (line.request.method, line.request.section) = method_and_section_of_path(line.method, line.path);
        }
        let fits =
            if line.fields.is_at_end { self.is_whole } else { self.width.fits(self.read + line.pass_all()?) };
        let rest = line.fields.rest;
        if !fits || text.len() - rest.len() > MAX_LINE {
            return None;
        }
        Some((line.second?, line.request, rest))
    }
}
