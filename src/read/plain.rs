//! A plain line -> a request, in one go.
//!
//! Nearly all lines of nearly all logs are plain: quotes stand at the edges of
//! fields, or where they don't matter, and numbers are what they should be.
//! Such a line is read here from left to right, each value where it stands,
//! up to the newline that ends it, without looking for that first and without
//! a list of fields in between. Whatever is not plain is left to the general
//! way, `delimited` and then `request`.
//!
//! What it brings: one pass over the bytes instead of three, and no list of
//! fields. `cargo bench --bench stages` times it (`plain`) beside the general
//! way (`layout` with doubled quotes).
//!
//! How to touch it: `None` is always right, only slower. An answer must be the
//! general way's. `tests/lines.rs` compares the two on random lines, and
//! `tests/fuzz/run plain` on any; run both after every change, and `scripts/bench`
//! to see what it has cost.

use crate::count::{Method, Request};
use crate::read::columns::{BLANKS, Columns, Role, Width};
use crate::read::fields::Fields;
use crate::read::known::KnownTimes;
use crate::read::line::MAX_LINE;
use crate::read::record::trim;
use crate::read::request::{
    method_and_section, method_and_section_of_path, plain_method_and_section, read_bytes, read_status,
};
use crate::read::timestamp::TimeReader;
use crate::read::value::{Unit, read_host, read_latency};

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Content {
    Nothing,
    Value(Role),
    Latency(Unit),
}

/// How many columns the Common Log Format has.
const COMMON: usize = 7;

/// How lines of a layout are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// Not here.
    Foreign,
    /// What nginx and Apache write by default, between blanks.
    Combined {
        /// Whether a virtual host may stand before the host.
        has_virtual_hosts: bool,
    },
    /// The first columns are those of the Common Log Format: straight code
    /// instead of a loop takes 6 % off the whole program's time.
    Common,
    /// Any other columns.
    Any,
}

/// Reads the plain lines of one layout.
#[derive(Clone, Debug)]
pub struct PlainReader {
    delimiter: u8,
    /// What each column holds, as far as columns are read; without the first
    /// ones if these are common.
    contents: Vec<Content>,
    /// How many columns are read.
    read: usize,
    width: Width,
    /// Whether a line may end after these.
    is_whole: bool,
    form: Form,
    known_times: KnownTimes,
}

impl PlainReader {
    /// A reader of lines with these columns and this delimiter.
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
        // A time in two columns has to be put together first; a method column
        // says how a request column is read.
        let is_foreign = columns.date.is_some() || (columns.request.is_some() && columns.method.is_some());
        let form = match delimiter {
            _ if is_foreign => Form::Foreign,
            BLANKS if contents == common => Form::Combined { has_virtual_hosts: false },
            BLANKS => Form::Foreign,
            _ if is_common => Form::Common,
            _ => Form::Any,
        };
        let read = contents.len();
        if form == Form::Common {
            contents.drain(..COMMON);
        }
        PlainReader {
            delimiter,
            form,
            is_whole: columns.width.fits(read),
            contents,
            read,
            width: columns.width,
            known_times: KnownTimes::default(),
        }
    }

    /// The same, if a virtual host may stand before the host.
    #[must_use]
    pub fn with_virtual_hosts(mut self) -> PlainReader {
        if let Form::Combined { has_virtual_hosts } = &mut self.form {
            *has_virtual_hosts = true;
        }
        self
    }

    /// The second and the request of the line that `text` starts with, and
    /// what follows that line; `None` leaves the line to the general way,
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

    /// The same for `take`, in line: what is returned would be put into memory
    /// and read again from there, a tenth of the whole program's time.
    #[inline(always)]
    pub(crate) fn read_for<'a>(
        &mut self,
        text: &'a [u8],
        times: &mut TimeReader,
        take: impl FnOnce(i64, Request<'a>, &'a [u8]),
    ) -> Option<()> {
        let (second, request, rest) = match self.form {
            Form::Foreign => return None,
            Form::Combined { has_virtual_hosts } => self.read_combined(text, times, has_virtual_hosts)?,
            Form::Common | Form::Any => self.read_delimited(text, times)?,
        };
        times.passed(second);
        take(second, request, rest);
        Some(())
    }

    /// The same for a line with a delimiter between its fields.
    #[inline(always)]
    fn read_delimited<'a>(
        &mut self,
        text: &'a [u8],
        times: &mut TimeReader,
    ) -> Option<(i64, Request<'a>, &'a [u8])> {
        let mut line = PlainLine {
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
            line.fields.skip()?;
            line.fields.go_on()?;
            line.fields.skip()?;
            line.fields.go_on()?;
            line.read_time(times, &mut self.known_times)?;
            line.fields.go_on()?;
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
        let fits = if line.fields.is_at_end {
            self.is_whole
        } else {
            self.width.fits(self.read + line.fields.pass_all()?)
        };
        let rest = line.fields.rest;
        if !fits || text.len() - rest.len() > MAX_LINE {
            return None;
        }
        Some((line.second?, line.request, rest))
    }

    /// The same for `host - user [time] "request" status bytes` and further
    /// fields between blanks.
    ///
    /// The general way finds the time first, by the first `] "`: here all
    /// before it is words, so that there is no other. If the second of them isn't
    /// `-`, the first is a virtual host. A backslash before a quote is left to
    /// that way.
    #[inline(never)]
    fn read_combined<'a>(
        &mut self,
        text: &'a [u8],
        times: &mut TimeReader,
        has_virtual_hosts: bool,
    ) -> Option<(i64, Request<'a>, &'a [u8])> {
        let mut fields = Fields { rest: text, is_at_end: false, delimiter: BLANKS };
        let mut host = fields.word().filter(|_| !fields.is_at_end)?;
        if has_virtual_hosts && !fields.rest.starts_with(b"- ") {
            host = fields.word().filter(|_| !fields.is_at_end)?;
        }
        fields.rest = fields.rest.strip_prefix(b"- ")?;
        fields.word().filter(|_| !fields.is_at_end)?;
        let second = if let Some((second, rest)) = self.known_times.pass(&fields) {
            fields.rest = rest;
            second
        } else {
            let (time, before) = (fields.bracketed()?, fields.rest);
            let second = times.read(time)?;
            fields.rest = before.get(time.len() + 1..)?;
            if times.is_fixed() {
                self.known_times.set(before, fields.rest, second);
            }
            second
        };
        let request = fields.quoted().filter(|request| !request.contains(&b'\\'))?;
        let (method, section) = method_and_section(request);
        let status = Some(fields.three_digits().filter(|_| !fields.is_at_end)?);
        let bytes = match fields.digits() {
            Some(bytes) => bytes,
            None => read_bytes(fields.word()?)?,
        };
        let mut width = COMMON;
        while !fields.is_at_end {
            match fields.rest.first()? {
                b'"' => fields.quoted()?,
                _ => fields.word()?,
            };
            width += 1;
        }
        let rest = fields.rest;
        if !self.width.fits(width) || text.len() - rest.len() > MAX_LINE {
            return None;
        }
        Some((second, Request { host: read_host(host), method, section, status, bytes, latency: None }, rest))
    }
}

/// What is known of a line so far.
struct PlainLine<'a> {
    fields: Fields<'a>,
    second: Option<i64>,
    request: Request<'a>,
    method: Option<&'a [u8]>,
    path: Option<&'a [u8]>,
}

impl PlainLine<'_> {
    #[inline(always)]
    fn read(&mut self, content: Content, times: &mut TimeReader, known: &mut KnownTimes) -> Option<()> {
        match content {
            Content::Nothing | Content::Value(Role::User) => self.fields.skip(),
            Content::Value(Role::Time) => self.read_time(times, known),
            Content::Value(Role::Host) => self.read_host(),
            Content::Value(Role::Request) => self.read_request_line(),
            Content::Value(Role::Method) => {
                self.method = Some(trim(self.fields.text()?));
                Some(())
            }
            Content::Value(Role::Path) => {
                self.path = Some(trim(self.fields.text()?));
                Some(())
            }
            Content::Value(Role::Status) => self.read_status(),
            Content::Value(Role::Bytes) => self.read_bytes(),
            Content::Latency(unit) => self.read_latency(unit),
        }
    }

    #[inline(always)]
    fn read_host(&mut self) -> Option<()> {
        self.request.host = read_host(trim(self.fields.text()?));
        Some(())
    }

    #[inline(always)]
    fn read_time(&mut self, times: &mut TimeReader, known: &mut KnownTimes) -> Option<()> {
        let second = if let Some(second) = self.fields.epoch() {
            second
        } else if let Some((second, rest)) = known.pass(&self.fields) {
            self.fields.rest = rest;
            second
        } else {
            let second;
            (second, self.fields) = known.read(self.fields, times)?;
            second
        };
        self.second = Some(second);
        Some(())
    }

    #[inline(always)]
    fn read_request_line(&mut self) -> Option<()> {
        let line = self.fields.text();
        (self.request.method, self.request.section) = if let Some(line) = line {
            method_and_section(line)
        } else {
            let line;
            (line, self.fields) = self.fields.quoting_text()?;
            // They come before the first quote, or it would not be plain.
            plain_method_and_section(line)?
        };
        Some(())
    }

    #[inline(always)]
    fn read_status(&mut self) -> Option<()> {
        self.request.status = match self.fields.three_digits() {
            Some(status) => Some(status),
            None => read_status(trim(self.fields.text()?))?,
        };
        Some(())
    }

    #[inline(always)]
    fn read_bytes(&mut self) -> Option<()> {
        self.request.bytes = match self.fields.digits() {
            Some(bytes) => bytes,
            None => read_bytes(trim(self.fields.text()?))?,
        };
        Some(())
    }

    /// Anything but a number is none.
    #[inline(always)]
    fn read_latency(&mut self, unit: Unit) -> Option<()> {
        self.request.latency = match self.fields.decimal(unit.exponent()) {
            Some(nanoseconds) => Some(nanoseconds),
            None => read_latency(trim(self.fields.text()?), unit),
        };
        Some(())
    }
}
