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

use crate::bits::{HIGHEST, count_to_newline, find_either, find_up_to};
use crate::count::{Method, Request};
use crate::read::columns::{BLANKS, Columns, Role, Width};
use crate::read::line::MAX_LINE;
use crate::read::record::trim;
use crate::read::request::{
    method_and_section, method_and_section_of_path, plain_method_and_section, read_bytes, read_status,
};
use crate::read::timestamp::{TimeReader, join_digits, ten_digits};
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

/// Reads the plain lines of one layout.
#[derive(Clone, Debug)]
pub struct PlainReader {
    delimiter: u8,
    /// What each column holds, as far as columns are read.
    contents: Vec<Content>,
    width: Width,
    /// Whether the first columns are those of the Common Log Format: straight
    /// code instead of a loop takes 6 % off the whole program's time.
    is_common: bool,
    /// Whether lines of this layout are read here at all.
    is_able: bool,
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
        let is_able = columns.date.is_none() && (columns.request.is_none() || columns.method.is_none());
        PlainReader {
            delimiter,
            is_common,
            // Between blanks, only what nginx and Apache write by default.
            is_able: is_able && (delimiter != BLANKS || contents == common),
            contents,
            width: columns.width,
            known_times: KnownTimes::default(),
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
        if self.delimiter == BLANKS {
            return self.read_combined(text, times);
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
        let mut contents = &self.contents[..];
        if self.is_common {
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
            contents = &contents[COMMON..];
        }
        for content in contents {
            match content {
                Content::Nothing | Content::Value(Role::User) => line.fields.skip()?,
                Content::Value(Role::Time) => line.read_time(times, &mut self.known_times)?,
                Content::Value(Role::Host) => line.read_host()?,
                Content::Value(Role::Request) => line.read_request_line()?,
                Content::Value(Role::Method) => line.method = Some(trim(line.fields.text()?)),
                Content::Value(Role::Path) => line.path = Some(trim(line.fields.text()?)),
                Content::Value(Role::Status) => line.read_status()?,
                Content::Value(Role::Bytes) => line.read_bytes()?,
                Content::Latency(unit) => line.read_latency(*unit)?,
            }
        }
        if line.method.is_some() || line.path.is_some() {
            (line.request.method, line.request.section) = method_and_section_of_path(line.method, line.path);
        }
        let mut width = self.contents.len();
        if !line.fields.is_at_end {
            width += line.fields.pass_unquoted();
        }
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

impl PlainReader {
    /// The same for `host - user [time] "request" status bytes` and further
    /// fields between blanks.
    ///
    /// The general way finds the time first, by the first `] "`: here all
    /// before it is words, the second of them `-`, so that there is no other
    /// and no virtual host. A backslash before a quote is left to that way.
    #[inline(never)]
    fn read_combined<'a>(
        &mut self,
        text: &'a [u8],
        times: &mut TimeReader,
    ) -> Option<(i64, Request<'a>, &'a [u8])> {
        let mut fields = Fields { rest: text, is_at_end: false, delimiter: BLANKS };
        let host = fields.word().filter(|_| !fields.is_at_end)?;
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
            (second, self.fields) = self.fields.read_time(times, known)?;
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

/// The last times that were read, all written in one length: each with the
/// delimiter after it, and its second. The same text again is the same second.
///
/// Where one is kept follows from its text, so that nothing is searched for:
/// lines up to a few seconds out of order find theirs as soon as those in order.
#[derive(Clone, Debug, Default)]
struct KnownTimes {
    /// 0 if there is none.
    length: usize,
    /// Ones where the text is.
    mask: [u64; KnownTimes::WORDS],
    times: [([u64; KnownTimes::WORDS], i64); KnownTimes::TIMES],
}

impl KnownTimes {
    /// Enough for 31 bytes of `"[07/Feb/2019:21:11:00 +0000]",`.
    const WORDS: usize = 4;
    const TIMES: usize = 16;

    /// The second of the next field, if its text is known, and what follows it.
    #[inline(always)]
    fn pass<'a>(&self, fields: &Fields<'a>) -> Option<(i64, &'a [u8])> {
        let text = self.text(fields.rest)?;
        let (known, second) = &self.times[KnownTimes::index(text)];
        // Words that were just put together would have to be in memory for `==`.
        let is_same = text.iter().zip(known).fold(0, |odd, (a, b)| odd | (a ^ b)) == 0;
        if self.length == 0 || fields.is_at_end || !is_same {
            return None;
        }
        Some((*second, fields.rest.get(self.length..)?))
    }

    /// Remembers the time that `text`, up to `rest`, is, if it isn't too long.
    fn set(&mut self, text: &[u8], rest: &[u8], second: i64) {
        let length = text.len() - rest.len();
        if length > 8 * KnownTimes::WORDS {
            return;
        }
        if length != self.length {
            *self = KnownTimes { length, ..KnownTimes::default() };
            for (word, mask) in self.mask.iter_mut().enumerate() {
                let bytes = length.saturating_sub(8 * word).min(8);
                *mask = (0..bytes).fold(0, |mask, byte| mask | 0xFF << (8 * byte));
            }
        }
        if let Some(text) = self.text(text) {
            self.times[KnownTimes::index(text)] = (text, second);
        }
    }

    /// The start of `text`, as long as the times that are known.
    #[inline(always)]
    fn text(&self, text: &[u8]) -> Option<[u64; KnownTimes::WORDS]> {
        let chunk = text.first_chunk::<{ 8 * KnownTimes::WORDS }>()?;
        let word =
            |word: usize| chunk[8 * word..].first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes));
        Some([0, 1, 2, 3].map(|index| word(index) & self.mask[index]))
    }

    /// The seconds stand in the second word or the third one.
    #[inline(always)]
    fn index(text: [u64; KnownTimes::WORDS]) -> usize {
        let mixed = (text[1] ^ text[2].rotate_left(32)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        (mixed >> 60) as usize
    }
}

/// The fields of a line from left to right. A rare path takes a copy
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
    /// `None` if the line is at its end. Said once, it needn't be asked of the
    /// next field: the compiler then makes one branch of both.
    #[inline(always)]
    fn go_on(&self) -> Option<()> {
        (!self.is_at_end).then_some(())
    }

    /// The next field without the quotes at its edges; `None` if it doesn't
    /// end in what is there, or a quote stands elsewhere.
    #[inline(always)]
    fn text(&mut self) -> Option<&'a [u8]> {
        if self.is_at_end {
            return None;
        }
        if let [b'"', quoted @ ..] = self.rest {
            let (text, after) = quoted.split_at_checked(find_either(quoted, b'"', b'\n'))?;
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
            // `"-"`: the usual ident and user.
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

    /// Passes all fields up to the end of the line, and returns how many; none
    /// if a quote is among them.
    #[inline(always)]
    fn pass_unquoted(&mut self) -> usize {
        if let [b'"', ..] = self.rest {
            return 0;
        }
        let Some((delimiters, end)) = count_to_newline(self.rest, self.delimiter) else { return 0 };
        let Some(rest) = self.rest.get(end + 1..) else { return 0 };
        self.rest = rest;
        self.is_at_end = true;
        delimiters + 1
    }

    /// Reads a time and takes it into `known`.
    #[inline(never)]
    fn read_time(mut self, times: &mut TimeReader, known: &mut KnownTimes) -> Option<(i64, Fields<'a>)> {
        let text = self.rest;
        let second = times.read(trim(self.text()?))?;
        // The end of a line may be one byte or two; a local time that occurs
        // twice depends on the time before it.
        if !self.is_at_end && times.is_fixed() {
            known.set(text, self.rest, second);
        }
        Some((second, self))
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
            end += find_either(text.get(end..)?, b'"', b'\n');
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

    /// The next field if it is epoch seconds in ten digits, without quotes; with
    /// decimals too, or in thousandths or millionths: the first ten digits of
    /// these are the seconds.
    #[inline(always)]
    fn epoch(&mut self) -> Option<i64> {
        if self.is_at_end {
            return None;
        }
        let (digits, rest) = self.rest.split_first_chunk()?;
        let second = ten_digits(*digits)?;
        if self.pass(rest).is_some() {
            return Some(second);
        }
        let (is_whole, decimals) = match rest {
            [b'.', decimals @ ..] => (false, decimals),
            _ => (true, rest),
        };
        let (length, _) = digits_at(decimals)?;
        let is_fraction = if is_whole { matches!(length, 3 | 6) } else { matches!(length, 1..=7) };
        if !is_fraction {
            return None;
        }
        self.pass(decimals.get(length as usize..)?)?;
        Some(second)
    }

    /// The next field between blanks, if it isn't quoted nor in brackets.
    #[inline(always)]
    fn word(&mut self) -> Option<&'a [u8]> {
        if self.is_at_end || matches!(self.rest, [b'"' | b'[', ..]) {
            return None;
        }
        // A tab separates too, a CR may end the line: what is below a blank is
        // left to the other way but for the newline.
        let (text, after) = self.rest.split_at_checked(find_up_to(self.rest, b' '))?;
        self.pass(after)?;
        Some(text)
    }

    /// The next field between blanks, if it is quoted, without a quote in it.
    #[inline(always)]
    fn quoted(&mut self) -> Option<&'a [u8]> {
        let [b'"', quoted @ ..] = self.rest else { return None };
        if self.is_at_end {
            return None;
        }
        let (text, after) = quoted.split_at_checked(find_either(quoted, b'"', b'\n'))?;
        let [b'"', after @ ..] = after else { return None };
        if text.last() == Some(&b'\\') {
            return None;
        }
        self.pass(after)?;
        Some(text)
    }

    /// The next field between blanks, if it is in brackets and a quote follows.
    fn bracketed(&self) -> Option<&'a [u8]> {
        let [b'[', ..] = self.rest else { return None };
        let (text, after) = self.rest.split_at_checked(find_either(self.rest, b']', b'\n') + 1)?;
        (text.ends_with(b"]") && after.starts_with(b" \"")).then_some(text)
    }

    /// The next field if it is a decimal number of up to eight digits and as
    /// many decimals, without quotes; times ten to the power of `exponent`, at
    /// most 9, rounded down.
    #[inline(always)]
    fn decimal(&mut self, exponent: usize) -> Option<u64> {
        const POWERS: [u64; 10] =
            [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000, 1_000_000_000];
        if self.is_at_end {
            return None;
        }
        let (length, digits) = digits_at(self.rest)?;
        let whole = join_digits(digits.checked_shl(64 - 8 * length)?) * POWERS.get(exponent)?;
        let mut rest = self.rest.get(length as usize..)?;
        let mut part = 0;
        if let [b'.', decimals @ ..] = rest {
            let (length, digits) = digits_at(decimals)?;
            part = join_digits(digits.checked_shl(64 - 8 * length)?);
            let length = length as usize;
            part = match exponent.checked_sub(length) {
                Some(missing) => part * POWERS.get(missing)?,
                None => part / POWERS.get(length - exponent)?,
            };
            rest = decimals.get(length..)?;
        }
        self.pass(rest)?;
        Some(whole + part)
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
    /// A branch on the number of digits would mispredict. There is none: they
    /// are read as the last of eight.
    #[inline(always)]
    fn digits(&mut self) -> Option<u64> {
        if self.is_at_end {
            return None;
        }
        let (length, digits) = digits_at(self.rest)?;
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

    /// Where the first delimiter or newline is; the end if there is none.
    #[inline(always)]
    fn find_end(&self, text: &[u8]) -> usize {
        find_either(text, self.delimiter, b'\n')
    }
}

/// How many of the first eight bytes are digits before any other, and the
/// values of these, the first in the lowest byte.
#[inline(always)]
fn digits_at(text: &[u8]) -> Option<(u32, u64)> {
    let digits = u64::from_le_bytes(*text.first_chunk()?) ^ 0x3030_3030_3030_3030;
    // Only the lowest of these is certain.
    let others = (digits.wrapping_add(0x7676_7676_7676_7676) | digits) & HIGHEST;
    Some((others.trailing_zeros() / 8, digits))
}
