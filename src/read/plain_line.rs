//! The values of one plain line, each read in place.
//!
//! A method returns `None` if the next field is not plain or not such a value.
//! The line is then left to the general way.

use crate::count::Request;
use crate::read::columns::Role;
use crate::read::fields::Fields;
use crate::read::record::trim;
use crate::read::request::{method_and_section, plain_method_and_section, read_bytes, read_status};
use crate::read::time_cache::TimeCache;
use crate::read::timestamp::TimeReader;
use crate::read::value::{Unit, read_host, read_latency};

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Content {
    Nothing,
    Value(Role),
    /// The date is in this column, and the time in the next one, as in W3C
    /// logs.
    DateAndTime,
    Latency(Unit),
}

/// What was read of a line so far. Its fields are separated by blanks or by
/// another delimiter.
pub(crate) struct PlainLine<'a, const IN_BLANKS: bool> {
    pub(crate) fields: Fields<'a>,
    pub(crate) second: Option<i64>,
    pub(crate) request: Request<'a>,
    pub(crate) method: Option<&'a [u8]>,
    pub(crate) path: Option<&'a [u8]>,
}

impl<'a, const IN_BLANKS: bool> PlainLine<'a, IN_BLANKS> {
    #[inline(always)]
    pub(crate) fn read(
        &mut self,
        content: Content,
        times: &mut TimeReader,
        known: &mut TimeCache,
    ) -> Option<()> {
        match content {
            Content::Nothing | Content::Value(Role::User) => self.skip(),
            Content::Value(Role::Time) => self.read_time(times, known),
            Content::DateAndTime => self.read_date_and_time(times, known),
            Content::Value(Role::Host) => self.read_host(),
            Content::Value(Role::Request) => self.read_request_line(),
            Content::Value(Role::Method) => {
                self.method = Some(self.trimmed()?);
                Some(())
            }
            Content::Value(Role::Path) => {
                self.path = Some(self.trimmed()?);
                Some(())
            }
            Content::Value(Role::Status) => self.read_status(),
            Content::Value(Role::Bytes) => self.read_bytes(),
            Content::Latency(unit) => self.read_latency(unit),
        }
    }

    /// The next field. Blanks around it are kept.
    #[inline(always)]
    fn text(&mut self) -> Option<&'a [u8]> {
        match self.fields.rest {
            _ if !IN_BLANKS => self.fields.text(),
            [b'"', ..] => self.fields.quoted().filter(|text| !text.contains(&b'\\')),
            _ => self.fields.word(),
        }
    }

    #[inline(always)]
    fn trimmed(&mut self) -> Option<&'a [u8]> {
        self.text().map(trim)
    }

    /// Skips a field.
    #[inline(always)]
    pub(crate) fn skip(&mut self) -> Option<()> {
        match self.fields.rest {
            _ if !IN_BLANKS => return self.fields.skip(),
            [b'-', b' ', rest @ ..] if !self.fields.is_at_end => self.fields.rest = rest,
            // Don't join text in brackets here: before the time, a bracket may
            // be part of a user name, as in `[u [time] "…`.
            _ => drop(self.fields.word_or_quoted()?),
        }
        Some(())
    }

    /// Skips all fields up to the end of the line. Returns their number.
    #[inline(always)]
    pub(crate) fn pass_all(&mut self) -> Option<usize> {
        if !IN_BLANKS {
            return self.fields.pass_all();
        }
        let mut passed = 0;
        while !self.fields.is_at_end {
            self.skip()?;
            passed += 1;
        }
        Some(passed)
    }

    #[inline(always)]
    pub(crate) fn read_host(&mut self) -> Option<()> {
        self.request.host = read_host(self.trimmed()?);
        Some(())
    }

    #[inline(always)]
    pub(crate) fn read_time(&mut self, times: &mut TimeReader, known: &mut TimeCache) -> Option<()> {
        let is_in_brackets = IN_BLANKS && self.fields.rest.first() == Some(&b'[');
        let epoch = if is_in_brackets { None } else { self.fields.epoch() };
        if epoch.is_some() {
            self.second = epoch;
            return Some(());
        }
        self.read_text_time(times, known, |fields, times| {
            let text = if IN_BLANKS {
                fields.bracketed().or_else(|| fields.word_or_quoted())
            } else {
                fields.text()
            };
            times.read(trim(text?))
        })
    }

    /// Reads a date field and a time field as one time. A date that is a whole
    /// time by itself leaves the line to the general way.
    #[inline(always)]
    fn read_date_and_time(&mut self, times: &mut TimeReader, known: &mut TimeCache) -> Option<()> {
        self.read_text_time(times, known, |fields, times| {
            let mut text = || if IN_BLANKS { fields.word() } else { fields.text() };
            let (date, time) = (trim(text()?), trim(text()?));
            if times.read(date).is_some() { None } else { times.read(trim(&[date, time].join(&b' '))) }
        })
    }

    /// Takes the time from the cache, or reads it with `read`.
    #[inline(always)]
    fn read_text_time(
        &mut self,
        times: &mut TimeReader,
        known: &mut TimeCache,
        read: impl FnOnce(&mut Fields<'a>, &mut TimeReader) -> Option<i64>,
    ) -> Option<()> {
        let second = if let Some((second, rest)) = known.pass(&self.fields) {
            self.fields.rest = rest;
            second
        } else {
            let second;
            (second, self.fields) = known.read(self.fields, times, read)?;
            second
        };
        self.second = Some(second);
        Some(())
    }

    #[inline(always)]
    pub(crate) fn read_request_line(&mut self) -> Option<()> {
        if IN_BLANKS {
            let line = self.fields.word_or_quoted()?;
            // A backslash after the section doesn't matter.
            (self.request.method, self.request.section) = plain_method_and_section(line)
                .filter(|(_, section)| !section.contains(&b'\\'))
                .or_else(|| (!line.contains(&b'\\')).then(|| method_and_section(line)))?;
            return Some(());
        }
        let line = self.fields.text();
        (self.request.method, self.request.section) = if let Some(line) = line {
            method_and_section(line)
        } else {
            let line;
            (line, self.fields) = self.fields.quoting_text()?;
            // The method and the section stand before the first quote in the
            // text, or this returns `None`.
            plain_method_and_section(line)?
        };
        Some(())
    }

    #[inline(always)]
    pub(crate) fn read_status(&mut self) -> Option<()> {
        self.request.status = match self.fields.three_digits() {
            Some(status) => Some(status),
            None => read_status(self.trimmed()?)?,
        };
        Some(())
    }

    #[inline(always)]
    pub(crate) fn read_bytes(&mut self) -> Option<()> {
        self.request.bytes = match self.fields.digits() {
            Some(bytes) => bytes,
            None => read_bytes(self.trimmed()?)?,
        };
        Some(())
    }

    /// Any value that is not a number is no latency.
    #[inline(always)]
    fn read_latency(&mut self, unit: Unit) -> Option<()> {
        self.request.latency = match self.fields.decimal(unit.exponent()) {
            Some(nanoseconds) => Some(nanoseconds),
            None => read_latency(self.trimmed()?, unit),
        };
        Some(())
    }
}
