//! A plain line -> a request, in one go.
//!
//! Nearly all lines of nearly all logs are plain: quotes stand at the edges of
//! fields, or where they don't matter, and numbers are what they should be.
//! Such a line is read here from left to right, each value where it stands,
//! without a list of fields in between. Whatever is not plain is left to the
//! general way, `record` and then `request`; the tests prove that both agree
//! wherever this one has an answer.

use crate::columns::{Columns, Role, Width};
use crate::record::{find, is_blank, matches, trim};
use crate::request::{
    Method, Request, method_and_target, read_bytes, read_status, section, split_request_line,
};
use crate::timestamp::{TimeReader, eight_digits, ten_digits};

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
    #[inline(always)]
    pub fn read<'a>(&self, line: &'a [u8], times: &mut TimeReader) -> Option<(i64, Request<'a>)> {
        if !self.is_able {
            return None;
        }
        let mut fields = Fields { line, rest: Some(line), delimiter: self.delimiter };
        let mut second = None;
        let mut request = Request { host: b"", method: Method::OTHER, section: b"-", status: None, bytes: 0 };
        let (mut method, mut path) = (None, None);
        for role in &self.roles {
            match role {
                None | Some(Role::User) => fields.skip()?,
                Some(Role::Time) => {
                    second = match fields.epoch() {
                        Some(second) => Some(second),
                        None => Some(times.read(trim(fields.text()?))?),
                    }
                }
                Some(Role::Host) => request.host = trim(fields.text()?),
                Some(Role::Request) => {
                    (request.method, request.section) = match fields.text() {
                        Some(line) => {
                            let (method, target) = split_request_line(trim(line));
                            (method, section(target))
                        }
                        None => read_quoting_line(fields.quoting_text()?)?,
                    };
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
        while fields.rest.is_some() {
            fields.skip()?;
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

/// The method and section of a request line that has more quotes than those at
/// its edges, as it stands in the log: `None` unless they come before the
/// first of these quotes, and so are the same without them.
#[cold]
fn read_quoting_line(line: &[u8]) -> Option<(Method, &[u8])> {
    let (method, target) = split_request_line(trim(line));
    let section = section(target);
    let first_quote = line.iter().position(|&byte| byte == b'"')?;
    let blank = line.iter().position(|&byte| is_blank(byte))?;
    let is_before = blank < first_quote && section.first() == Some(&b'/') && !section.contains(&b'"');
    is_before.then_some((method, section))
}

/// The fields of a line from left to right.
struct Fields<'a> {
    line: &'a [u8],
    /// What follows the last delimiter; nothing after the last field.
    rest: Option<&'a [u8]>,
    delimiter: u8,
}

impl<'a> Fields<'a> {
    /// The next field without the quotes at its edges; `None` if there is none
    /// or a quote stands elsewhere.
    #[inline(always)]
    fn text(&mut self) -> Option<&'a [u8]> {
        let rest = self.rest?;
        if let [b'"', quoted @ ..] = rest {
            let (text, after) = quoted.split_at_checked(find(quoted, b'"'))?;
            // A second quote right after the closing one is one in the text.
            self.rest = match after {
                [_] => None,
                [_, next, rest @ ..] if *next == self.delimiter => Some(rest),
                _ => return None,
            };
            return Some(text);
        }
        let end = find(rest, self.delimiter);
        self.rest = rest.get(end + 1..);
        rest.get(..end)
    }

    /// Passes a field with quotes wherever they are; `None` if there is none or
    /// a quote stays open.
    #[inline(always)]
    fn skip(&mut self) -> Option<()> {
        match self.text() {
            Some(_) => Some(()),
            None => self.quoting_text().map(|_| ()),
        }
    }

    /// The next field, quoted, as it stands in the line after its first quote:
    /// with the quotes that are doubled, and the closing one if more follows.
    fn quoting_text(&mut self) -> Option<&'a [u8]> {
        let [b'"', text @ ..] = self.rest? else { return None };
        let mut end = 0;
        loop {
            end += find(text.get(end..)?, b'"');
            match text.get(end..)? {
                [b'"', b'"', ..] => end += 2,
                [b'"', ..] => break,
                _ => return None,
            }
        }
        end += find(&text[end..], self.delimiter);
        self.rest = text.get(end + 1..);
        text.get(..end)
    }

    /// The next field if it is epoch seconds in ten digits, without quotes.
    #[inline(always)]
    fn epoch(&mut self) -> Option<i64> {
        let (digits, rest) = self.rest?.split_first_chunk()?;
        let second = ten_digits(*digits)?;
        self.pass(rest)?;
        Some(second)
    }

    /// The next field if it is three digits, without quotes.
    #[inline(always)]
    fn three_digits(&mut self) -> Option<u16> {
        let [a @ b'0'..=b'9', b @ b'0'..=b'9', c @ b'0'..=b'9', rest @ ..] = self.rest? else {
            return None;
        };
        let value = u16::from(a - b'0') * 100 + u16::from(b - b'0') * 10 + u16::from(c - b'0');
        self.pass(rest)?;
        Some(value)
    }

    /// The next field if it is a number of up to seven digits, without quotes.
    ///
    /// How many digits a number has can't be foretold, so nothing branches on
    /// it: they are read as the last of eight.
    #[inline(always)]
    fn digits(&mut self) -> Option<u64> {
        const ZEROS: u64 = 0x3030_3030_3030_3030;
        let text = self.rest?;
        let (word, length) = match text.first_chunk() {
            Some(chunk) => {
                let word = u64::from_le_bytes(*chunk);
                let end = matches(word, self.delimiter).trailing_zeros() / 8;
                // Nothing is left of the delimiter and of what follows it.
                (word.checked_shl(64 - 8 * end)?, end as usize)
            }
            // The end of the line: its last eight bytes are before their end.
            None => (u64::from_le_bytes(*self.line.last_chunk()?), text.len()),
        };
        let digits = u64::MAX.checked_shl(64 - 8 * u32::try_from(length).ok()?)?;
        let value = eight_digits((word & digits) | (ZEROS & !digits))?;
        self.pass(text.get(length..)?)?;
        Some(value)
    }

    /// Passes a field that ends where `rest` starts, if it does end there.
    #[inline(always)]
    fn pass(&mut self, rest: &'a [u8]) -> Option<()> {
        self.rest = match rest {
            [] => None,
            [byte, rest @ ..] if *byte == self.delimiter => Some(rest),
            _ => return None,
        };
        Some(())
    }
}
