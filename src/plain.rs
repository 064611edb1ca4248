//! A plain line -> a request, in one go.
//!
//! Nearly all lines of nearly all logs are plain: quotes stand at the edges of
//! fields only, and numbers are what they should be. Such a line is read here
//! from left to right, each value where it stands, without a list of fields in
//! between. Whatever is not plain is left to the general way, `record` and then
//! `request`; the tests prove that both agree wherever this one has an answer.

use crate::columns::{Columns, Role, Width};
use crate::record::{find, trim};
use crate::request::{
    Method, Request, method_and_target, read_bytes, read_status, section, split_request_line,
};
use crate::timestamp::{TimeReader, ten_digits};

/// Reads the plain lines of one layout.
#[derive(Clone, Debug)]
pub struct PlainReader {
    delimiter: u8,
    /// What each column holds, as far as columns are read.
    roles: Vec<Option<Role>>,
    width: Width,
    /// Whether lines of this layout are read here at all.
    is_able: bool,
}

impl PlainReader {
    /// A reader of lines with these columns and this delimiter.
    #[must_use]
    pub fn new(columns: &Columns, delimiter: u8) -> PlainReader {
        PlainReader {
            delimiter,
            roles: columns.roles(),
            width: columns.width,
            // A time in two columns has to be put together first.
            is_able: columns.date.is_none(),
        }
    }

    /// The second and the request of a plain line; `None` leaves the line to
    /// the general way, whatever it is.
    #[inline]
    pub fn read<'a>(&self, line: &'a [u8], times: &mut TimeReader) -> Option<(i64, Request<'a>)> {
        if !self.is_able {
            return None;
        }
        let mut fields = Fields { line, at: 0, delimiter: self.delimiter };
        let mut second = None;
        let mut request = Request { host: b"", method: Method::OTHER, section: b"-", status: None, bytes: 0 };
        let (mut method, mut path) = (None, None);
        for role in &self.roles {
            match role {
                None | Some(Role::User) => {
                    fields.text()?;
                }
                Some(Role::Time) => {
                    second = match fields.epoch() {
                        Some(second) => Some(second),
                        None => Some(times.read(trim(fields.text()?))?),
                    }
                }
                Some(Role::Host) => request.host = trim(fields.text()?),
                Some(Role::Request) => {
                    let (method, target) = split_request_line(trim(fields.text()?));
                    request.method = method;
                    request.section = section(target);
                }
                Some(Role::Method) => method = Some(trim(fields.text()?)),
                Some(Role::Path) => path = Some(trim(fields.text()?)),
                Some(Role::Status) => {
                    request.status = match fields.three_digits() {
                        Some(status) => Some(status),
                        None => read_status(trim(fields.text()?))?,
                    }
                }
                Some(Role::Bytes) => {
                    request.bytes = match fields.digits() {
                        Some(bytes) => bytes,
                        None => read_bytes(trim(fields.text()?))?,
                    }
                }
            }
        }
        let mut width = self.roles.len();
        while !fields.is_at_end() {
            fields.text()?;
            width += 1;
        }
        if !self.width.fits(width) {
            return None;
        }
        if method.is_some() || path.is_some() {
            let (method, target) = method_and_target(method, path);
            request.method = method;
            request.section = section(target);
        }
        Some((second?, request))
    }
}

/// The fields of a line from left to right.
struct Fields<'a> {
    line: &'a [u8],
    /// Where the next field starts; one beyond the end after the last field.
    at: usize,
    delimiter: u8,
}

impl<'a> Fields<'a> {
    fn is_at_end(&self) -> bool {
        self.at > self.line.len()
    }

    /// The next field without the quotes at its edges; `None` if there is none
    /// or a quote stands elsewhere.
    #[inline]
    fn text(&mut self) -> Option<&'a [u8]> {
        let quoted = match self.line.get(self.at) {
            Some(b'"') => true,
            None if self.is_at_end() => return None,
            _ => false,
        };
        let start = self.at + usize::from(quoted);
        let end = find(self.line, start, if quoted { b'"' } else { self.delimiter });
        let text = self.line.get(start..end)?;
        let next = end + usize::from(quoted);
        match self.line.get(next) {
            Some(&byte) if byte != self.delimiter => None,
            None if next > self.line.len() => None,
            _ => {
                self.at = next + 1;
                Some(text)
            }
        }
    }

    /// The next field if it is epoch seconds in ten digits, without quotes.
    #[inline]
    fn epoch(&mut self) -> Option<i64> {
        let second = ten_digits(*self.line.get(self.at..)?.first_chunk()?)?;
        self.pass(10)?;
        Some(second)
    }

    /// The next field if it is three digits, without quotes.
    #[inline]
    fn three_digits(&mut self) -> Option<u16> {
        let [a @ b'0'..=b'9', b @ b'0'..=b'9', c @ b'0'..=b'9', ..] = self.line.get(self.at..)? else {
            return None;
        };
        let value = u16::from(a - b'0') * 100 + u16::from(b - b'0') * 10 + u16::from(c - b'0');
        self.pass(3)?;
        Some(value)
    }

    /// The next field if it is a number of up to 18 digits, without quotes.
    #[inline]
    fn digits(&mut self) -> Option<u64> {
        let mut value = 0;
        let mut digits = 0;
        for &byte in self.line.get(self.at..)? {
            let digit = byte.wrapping_sub(b'0');
            if digit > 9 || digits == 18 {
                break;
            }
            value = value * 10 + u64::from(digit);
            digits += 1;
        }
        if digits == 0 {
            return None;
        }
        self.pass(digits)?;
        Some(value)
    }

    /// Passes a field of `length` bytes if it ends there.
    #[inline]
    fn pass(&mut self, length: usize) -> Option<()> {
        let end = self.at + length;
        match self.line.get(end) {
            Some(&byte) if byte != self.delimiter => None,
            _ => {
                self.at = end + 1;
                Some(())
            }
        }
    }
}
