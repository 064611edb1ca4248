//! A plain line -> a request, in one go.
//!
//! Nearly all lines of nearly all logs are plain: quotes stand at the edges of
//! fields, or where they don't matter, and numbers are what they should be.
//! Such a line is read here from left to right, each value where it stands,
//! up to the newline that ends it, without looking for that first and without
//! a list of fields in between. Whatever is not plain is left to the general
//! way, `line`, `record` and then `request`; the tests prove that both agree
//! wherever this one has an answer.

use crate::bits::{HIGHEST, LOWEST, matches};
use crate::count::{Method, Request};
use crate::read::columns::{BLANKS, Columns, Role, Width};
use crate::read::line::MAX_LINE;
use crate::read::record::trim;
use crate::read::request::{
    method_and_section, method_and_section_of_path, plain_method_and_section, read_bytes, read_status,
};
use crate::read::timestamp::{TimeReader, join_digits, ten_digits};
use crate::read::value::read_host;

/// Reads the plain lines of one layout.
#[derive(Clone, Debug)]
pub struct PlainReader {
    delimiter: u8,
    /// What each column holds, as far as columns are read.
    roles: Vec<Option<Role>>,
    width: Width,
    /// Whether the columns are those of the Common Log Format: straight code
    /// instead of a loop over the roles takes 6 % off the whole program's time.
    is_common: bool,
    /// Whether lines of this layout are read here at all.
    is_able: bool,
    last_time: LastTime,
}

impl PlainReader {
    /// A reader of lines with these columns and this delimiter.
    #[must_use]
    pub fn new(columns: &Columns, delimiter: u8) -> PlainReader {
        let roles = columns.roles();
        PlainReader {
            delimiter,
            is_common: roles == Columns::default().roles(),
            roles,
            width: columns.width,
            // A time in two columns has to be put together first; a method
            // column says how a request column is read.
            is_able: columns.date.is_none()
                && columns.latency.is_none()
                && (columns.request.is_none() || columns.method.is_none())
                && delimiter != BLANKS,
            last_time: LastTime::default(),
        }
    }

    /// The second and the request of the line that `text` starts with, and
    /// what follows that line; `None` leaves the line to the general way,
    /// whatever it is.
    #[inline(always)]
    pub fn read<'a>(
        &mut self,
        text: &'a [u8],
        times: &mut TimeReader,
    ) -> Option<(i64, Request<'a>, &'a [u8])> {
        if !self.is_able {
            return None;
        }
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
        if self.is_common {
            line.read_host()?;
            line.fields.skip()?;
            line.fields.skip()?;
            line.read_time(times, &mut self.last_time)?;
            line.read_request_line()?;
            line.read_status()?;
            line.read_bytes()?;
        } else {
            for role in &self.roles {
                match role {
                    None | Some(Role::User) => line.fields.skip()?,
                    Some(Role::Time) => line.read_time(times, &mut self.last_time)?,
                    Some(Role::Host) => line.read_host()?,
                    Some(Role::Request) => line.read_request_line()?,
                    Some(Role::Method) => line.method = Some(trim(line.fields.text()?)),
                    Some(Role::Path) => line.path = Some(trim(line.fields.text()?)),
                    Some(Role::Status) => line.read_status()?,
                    Some(Role::Bytes) => line.read_bytes()?,
                }
            }
            if line.method.is_some() || line.path.is_some() {
                (line.request.method, line.request.section) =
                    method_and_section_of_path(line.method, line.path);
            }
        }
        let mut width = self.roles.len();
        while !line.fields.is_at_end {
            line.fields.skip()?;
            width += 1;
        }
        let rest = line.fields.rest;
        if !self.width.fits(width) || text.len() - rest.len() > MAX_LINE {
            return None;
        }
        Some((line.second?, line.request, rest))
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
    fn read_host(&mut self) -> Option<()> {
        self.request.host = read_host(trim(self.fields.text()?));
        Some(())
    }

    #[inline(always)]
    fn read_time(&mut self, times: &mut TimeReader, last: &mut LastTime) -> Option<()> {
        match last.pass(&self.fields) {
            Some(rest) => self.fields.rest = rest,
            None => self.fields = self.fields.read_time(times, last)?,
        }
        self.second = Some(last.second);
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
}

/// The last time that was read: how it was written, with the delimiter after
/// it, and its second. The same text again is the same second.
#[derive(Clone, Debug, Default)]
struct LastTime {
    /// 0 if there is none.
    length: usize,
    text: [u64; LastTime::WORDS],
    /// Ones where the text is.
    mask: [u64; LastTime::WORDS],
    second: i64,
}

impl LastTime {
    /// Enough for 29 bytes of `[07/Feb/2019:21:11:00 +0000],`.
    const WORDS: usize = 4;

    /// What follows the next field, if it is this time.
    #[inline(always)]
    fn pass<'a>(&self, fields: &Fields<'a>) -> Option<&'a [u8]> {
        let chunk = fields.rest.first_chunk::<{ 8 * LastTime::WORDS }>()?;
        let differs = |word: usize| (word_at(chunk, word) & self.mask[word]) ^ self.text[word];
        if self.length == 0 || fields.is_at_end || differs(0) | differs(1) != 0 {
            return None;
        }
        if self.length > 16 && differs(2) | differs(3) != 0 {
            return None;
        }
        fields.rest.get(self.length..)
    }

    /// Remembers the time that `text`, up to `rest`, is, if it isn't too long.
    fn set(&mut self, text: &[u8], rest: &[u8], second: i64) {
        self.second = second;
        self.length = text.len() - rest.len();
        match text.first_chunk::<{ 8 * LastTime::WORDS }>() {
            Some(chunk) if self.length <= chunk.len() => {
                for word in 0..LastTime::WORDS {
                    let bytes = self.length.saturating_sub(8 * word).min(8);
                    self.mask[word] = (0..bytes).fold(0, |mask, byte| mask | 0xFF << (8 * byte));
                    self.text[word] = word_at(chunk, word) & self.mask[word];
                }
            }
            _ => self.length = 0,
        }
    }
}

#[inline(always)]
fn word_at(chunk: &[u8; 8 * LastTime::WORDS], word: usize) -> u64 {
    chunk[8 * word..].first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes))
}

/// The fields of a line from left to right. What is seldom called takes a copy
/// and returns it, so that the usual one stays in registers.
#[derive(Clone, Copy)]
struct Fields<'a> {
    /// What follows the last delimiter, or the newline, and the lines after.
    rest: &'a [u8],
    /// Whether the last field was the last of its line.
    is_at_end: bool,
    delimiter: u8,
}

impl<'a> Fields<'a> {
    /// The next field without the quotes at its edges; `None` if it doesn't
    /// end in what is there, or a quote stands elsewhere.
    #[inline(always)]
    fn text(&mut self) -> Option<&'a [u8]> {
        if self.is_at_end {
            return None;
        }
        if let [b'"', quoted @ ..] = self.rest {
            let (text, after) = quoted.split_at_checked(find_quote_or_newline(quoted))?;
            let [b'"', after @ ..] = after else { return None };
            // A second quote right after the closing one is one in the text.
            self.pass(after)?;
            return Some(text);
        }
        let (text, after) = self.rest.split_at_checked(self.find_end(self.rest))?;
        let [end, after @ ..] = after else { return None };
        self.rest = after;
        if *end == self.delimiter {
            return Some(text);
        }
        self.is_at_end = true;
        Some(text.strip_suffix(b"\r").unwrap_or(text))
    }

    /// Passes a field with quotes wherever they are; `None` if a quote stays
    /// open or the field doesn't end in what is there.
    #[inline(always)]
    fn skip(&mut self) -> Option<()> {
        match self.rest {
            // What many servers write for nothing, and for who is asking always.
            [b'"', b'-', b'"', byte, rest @ ..] if *byte == self.delimiter && !self.is_at_end => {
                self.rest = rest;
            }
            _ => {
                if self.text().is_none() {
                    *self = self.quoting_text()?.1;
                }
            }
        }
        Some(())
    }

    /// Passes a time and takes it into `last`.
    #[inline(never)]
    fn read_time(mut self, times: &mut TimeReader, last: &mut LastTime) -> Option<Fields<'a>> {
        if self.is_at_end {
            return None;
        }
        let text = self.rest;
        let second = match self.epoch() {
            Some(second) => second,
            None => times.read(trim(self.text()?))?,
        };
        last.set(text, self.rest, second);
        if self.is_at_end {
            last.length = 0;
        }
        Some(self)
    }

    /// The next field, quoted, as it stands in the line after its first quote:
    /// with the quotes that are doubled, and the closing one if more follows.
    #[inline(never)]
    fn quoting_text(self) -> Option<(&'a [u8], Fields<'a>)> {
        let [b'"', text @ ..] = self.rest else { return None };
        if self.is_at_end {
            return None;
        }
        let mut end = 0;
        loop {
            end += find_quote_or_newline(text.get(end..)?);
            match text.get(end..)? {
                [b'"', b'"', ..] => end += 2,
                [b'"', ..] => break,
                _ => return None,
            }
        }
        end += self.find_end(&text[end..]);
        let (text, after) = text.split_at_checked(end)?;
        let [byte, after @ ..] = after else { return None };
        let is_at_end = *byte != self.delimiter;
        let text = if is_at_end { text.strip_suffix(b"\r").unwrap_or(text) } else { text };
        Some((text, Fields { rest: after, is_at_end, ..self }))
    }

    /// The next field if it is epoch seconds in ten digits, without quotes.
    #[inline(always)]
    fn epoch(&mut self) -> Option<i64> {
        let (digits, rest) = self.rest.split_first_chunk()?;
        let second = ten_digits(*digits)?;
        self.pass(rest)?;
        Some(second)
    }

    /// The next field if it is three digits, without quotes.
    #[inline(always)]
    fn three_digits(&mut self) -> Option<u16> {
        let digits = u32::from_le_bytes(*self.rest.first_chunk()?) ^ 0x3030_3030;
        let above_nine = (digits.wrapping_add(0x0076_7676) | digits) & 0x0080_8080;
        if above_nine != 0 || self.is_at_end {
            return None;
        }
        let [hundreds, tens, ones, _] = digits.to_le_bytes().map(u16::from);
        let value = hundreds * 100 + tens * 10 + ones;
        let rest = self.rest.get(3..)?;
        self.pass(rest)?;
        Some(value)
    }

    /// The next field if it is a number of up to eight digits, without quotes.
    ///
    /// How many digits a number has can't be foretold, so nothing branches on
    /// it: they are read as the last of eight.
    #[inline(always)]
    fn digits(&mut self) -> Option<u64> {
        if self.is_at_end {
            return None;
        }
        let digits = u64::from_le_bytes(*self.rest.first_chunk()?) ^ 0x3030_3030_3030_3030;
        // Only the lowest of these is certain.
        let others = (digits.wrapping_add(0x7676_7676_7676_7676) | digits) & HIGHEST;
        let length = others.trailing_zeros() / 8;
        let value = join_digits(digits.checked_shl(64 - 8 * length)?);
        self.pass(self.rest.get(length as usize..)?)?;
        Some(value)
    }

    /// Passes a field that ends where `rest` starts, if it does end there.
    #[inline(always)]
    fn pass(&mut self, rest: &'a [u8]) -> Option<()> {
        match rest {
            [byte, rest @ ..] if *byte == self.delimiter => self.rest = rest,
            [b'\n', rest @ ..] | [b'\r', b'\n', rest @ ..] => {
                self.rest = rest;
                self.is_at_end = true;
            }
            _ => return None,
        }
        Some(())
    }

    /// Where the first delimiter or newline is.
    #[inline(always)]
    fn find_end(&self, text: &[u8]) -> usize {
        let mut rest = text;
        while let Some((chunk, next)) = rest.split_first_chunk::<8>() {
            let word = u64::from_le_bytes(*chunk);
            let found = matches(word, self.delimiter) | matches(word, b'\n');
            if found != 0 {
                return text.len() - rest.len() + found.trailing_zeros() as usize / 8;
            }
            rest = next;
        }
        let end = rest.iter().position(|&byte| byte == self.delimiter || byte == b'\n');
        text.len() - rest.len() + end.unwrap_or(rest.len())
    }
}

/// Where the first quote or newline is; the end if there is none.
///
/// The two differ in two bits only: without these one test finds both, and a
/// few other bytes that hardly occur.
#[inline(always)]
fn find_quote_or_newline(text: &[u8]) -> usize {
    const SAME: u64 = LOWEST * !(b'"' ^ b'\n') as u64;
    let is_one = |byte: u8| matches!(byte, b'"' | b'\n');
    let mut rest = text;
    while let Some((chunk, next)) = rest.split_first_chunk::<8>() {
        let word = u64::from_le_bytes(*chunk);
        let mut found = matches(word & SAME, b'"' & b'\n');
        while found != 0 {
            let place = found.trailing_zeros() / 8;
            if is_one((word >> (8 * place)).to_le_bytes()[0]) {
                return text.len() - rest.len() + place as usize;
            }
            found &= found - 1;
        }
        rest = next;
    }
    text.len() - rest.len() + rest.iter().position(|&byte| is_one(byte)).unwrap_or(rest.len())
}
