//! The forms of time that logs use -> whole seconds of UTC; RFC 3339 out; and
//! the lengths of time that options take.
//!
//! Nothing else in the crate knows the calendar, zones or jiff. What a time
//! means to the windows is the clock's matter.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::fmt::friendly::SpanParser;
use jiff::tz::{Offset, TimeZone};

/// The last second of the year 8999; the first one is 0, of the year 1970.
pub const LAST_SECOND: i64 = 221_845_391_999;

/// The zone of times that carry no offset.
#[derive(Clone, Debug)]
pub struct Zone(TimeZone);

impl Zone {
    /// Coordinated Universal Time.
    #[must_use]
    pub fn utc() -> Zone {
        Zone(TimeZone::UTC)
    }

    /// The zone of this IANA name, or the machine's own for `local`.
    ///
    /// # Errors
    ///
    /// A sentence if there is no such zone.
    pub fn named(name: &str) -> Result<Zone, String> {
        let zone = if name == "local" { TimeZone::try_system() } else { TimeZone::get(name) };
        zone.map(Zone).map_err(|_| "no such time zone".to_owned())
    }

    fn second_of(&self, local: DateTime) -> Option<i64> {
        self.0.to_ambiguous_timestamp(local).compatible().ok().map(Timestamp::as_second)
    }
}

/// Reads a length of time: whole seconds (`120`), or weeks, days of 24 hours,
/// hours, minutes and seconds in jiff's friendly form (`1h 30m`).
///
/// # Errors
///
/// A sentence if it is negative, has a fraction or another unit, or can't be read.
pub fn read_duration(text: &str) -> Result<i64, &'static str> {
    const FORM: &str = "not a duration like 120, 90s, 2m or 1h 30m";
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return text.parse().map_err(|_| "too long");
    }
    let span = SpanParser::new().parse_span(text).map_err(|_| FORM)?;
    if span.is_negative() {
        return Err("negative");
    }
    let mut pairs = text.bytes().zip(text.bytes().skip(1));
    if pairs.any(|(a, b)| a == b'.' || (a == b',' && b.is_ascii_digit())) {
        return Err("not whole seconds");
    }
    let foreign = [span.get_milliseconds(), span.get_microseconds(), span.get_nanoseconds()];
    if foreign != [0; 3] {
        return Err("not whole seconds");
    }
    if span.get_years() != 0 || span.get_months() != 0 {
        return Err("years and months differ in length");
    }
    let days = i64::from(span.get_weeks()) * 7 + i64::from(span.get_days());
    Ok(((days * 24 + i64::from(span.get_hours())) * 60 + span.get_minutes()) * 60 + span.get_seconds())
}

/// Reads the times of one log.
///
/// It remembers the last time it took apart: the lines of one second mostly
/// follow each other.
#[derive(Clone, Debug)]
pub struct TimeReader {
    zone: Zone,
    last_text: Vec<u8>,
    last_second: i64,
}

impl TimeReader {
    /// A reader for times that are in `zone` unless they carry an offset.
    #[must_use]
    pub fn new(zone: Zone) -> TimeReader {
        TimeReader { zone, last_text: Vec::new(), last_second: 0 }
    }

    /// The second of UTC in which `text` lies, from 0 to [`LAST_SECOND`].
    ///
    /// The forms are epoch seconds (13 digits: milliseconds, 16: microseconds,
    /// 19: nanoseconds) with or without decimals; RFC 3339, also with a blank
    /// for the `T` and without an offset; and the Common Log Format's
    /// `[07/Feb/2019:21:11:00 +0000]`, also without brackets or offset.
    /// Anything else, or a time out of range, is `None`. There must be no
    /// blanks around it.
    pub fn read(&mut self, text: &[u8]) -> Option<i64> {
        if let Some(second) = text.try_into().ok().and_then(ten_digits) {
            return Some(second);
        }
        if text.first()?.is_ascii_digit()
            && !matches!(text.get(4), Some(b'-'))
            && !matches!(text.get(2), Some(b'/'))
        {
            return epoch_second(text);
        }
        if text == self.last_text {
            return Some(self.last_second);
        }
        let second = self.calendar_second(text)?;
        if !(0..=LAST_SECOND).contains(&second) {
            return None;
        }
        self.last_text.clear();
        self.last_text.extend_from_slice(text);
        self.last_second = second;
        Some(second)
    }

    fn calendar_second(&self, text: &[u8]) -> Option<i64> {
        let (local, offset) = match rfc3339_local(text) {
            Some(found) => found,
            None => clf_local(text)?,
        };
        match offset {
            None => self.zone.second_of(local),
            Some(offset) => offset.to_timestamp(local).ok().map(Timestamp::as_second),
        }
    }
}

/// Epoch seconds of today.
#[inline(always)]
pub(crate) fn ten_digits(text: [u8; 10]) -> Option<i64> {
    let [head @ .., tens, ones] = text;
    let (tens, ones) = (tens ^ b'0', ones ^ b'0');
    if tens > 9 || ones > 9 {
        return None;
    }
    let eight = eight_digits(u64::from_le_bytes(head))?;
    i64::try_from(eight * 100 + u64::from(tens) * 10 + u64::from(ones)).ok()
}

/// Eight digits, the first of them in the lowest byte.
#[inline(always)]
fn eight_digits(word: u64) -> Option<u64> {
    let digits = word ^ 0x3030_3030_3030_3030;
    let above_nine = (digits.wrapping_add(0x7676_7676_7676_7676) | digits) & 0x8080_8080_8080_8080;
    if above_nine != 0 { None } else { Some(join_digits(digits)) }
}

/// The number of eight digits, given by their values, the first in the lowest
/// byte: pairs of digits become numbers below 100, pairs of these below 10,000,
/// and so on.
#[inline(always)]
pub(crate) fn join_digits(digits: u64) -> u64 {
    let pairs = (digits * 10 + (digits >> 8)) & 0x00FF_00FF_00FF_00FF;
    let fours = (pairs * 100 + (pairs >> 16)) & 0x0000_FFFF_0000_FFFF;
    (fours * 10_000 + (fours >> 32)) & 0xFFFF_FFFF
}

/// Epoch seconds, or their thousandths, millionths or billionths; floored.
fn epoch_second(text: &[u8]) -> Option<i64> {
    let mut value: u64 = 0;
    let mut digits = 0;
    while let Some(digit) = text.get(digits).filter(|byte| byte.is_ascii_digit()) {
        value = value.checked_mul(10)?.checked_add(u64::from(digit - b'0'))?;
        digits += 1;
    }
    if let Some((b'.', decimals)) = text[digits..].split_first() {
        if decimals.is_empty() || !decimals.iter().all(u8::is_ascii_digit) {
            return None;
        }
    } else if digits < text.len() {
        return None;
    }
    let unit = match digits {
        0 => return None,
        13 => 1_000,
        16 => 1_000_000,
        19 => 1_000_000_000,
        _ => 1,
    };
    i64::try_from(value / unit).ok().filter(|&second| second <= LAST_SECOND)
}

/// `YYYY-MM-DD HH:MM:SS` with a `T` or a blank, fraction, offset: RFC 3339 and
/// what is commonly written for it.
fn rfc3339_local(text: &[u8]) -> Option<(DateTime, Option<Offset>)> {
    let (head, mut rest) = text.split_at_checked(19)?;
    if head[4] != b'-' || head[7] != b'-' || !matches!(head[10], b'T' | b't' | b' ' | b'\t') {
        return None;
    }
    let local = local_time(number(&head[..4])?, number(&head[5..7])?, number(&head[8..10])?, &head[11..])?;
    if let Some((b'.', fraction)) = rest.split_first() {
        let digits = fraction.iter().take_while(|byte| byte.is_ascii_digit()).count();
        if digits == 0 {
            return None;
        }
        rest = &fraction[digits..];
    }
    Some((local, read_offset(rest)?))
}

/// The Common Log Format's `[07/Feb/2019:21:11:00 +0000]`.
fn clf_local(text: &[u8]) -> Option<(DateTime, Option<Offset>)> {
    const MONTHS: [&[u8; 3]; 12] =
        [b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec"];
    let text = text.strip_prefix(b"[").unwrap_or(text);
    let text = text.strip_suffix(b"]").unwrap_or(text);
    let (head, rest) = text.split_at_checked(20)?;
    if head[2] != b'/' || head[6] != b'/' || head[11] != b':' {
        return None;
    }
    let month = MONTHS.iter().position(|&month| month == &head[3..6])? + 1;
    let month = i16::try_from(month).ok()?;
    let local = local_time(number(&head[7..11])?, month, number(&head[..2])?, &head[12..])?;
    Some((local, read_offset(rest)?))
}

/// A day and `HH:MM:SS`; second 60 is 59, as a leap second has no number of
/// its own in UTC's epoch.
fn local_time(year: i16, month: i16, day: i16, clock: &[u8]) -> Option<DateTime> {
    if clock.len() != 8 || clock[2] != b':' || clock[5] != b':' {
        return None;
    }
    let small = |value: i16| i8::try_from(value).ok();
    let hour = small(number(&clock[..2])?)?;
    let minute = small(number(&clock[3..5])?)?;
    let second = small(number(&clock[6..])?)?;
    let second = if second == 60 { 59 } else { second };
    DateTime::new(year, small(month)?, small(day)?, hour, minute, second, 0).ok()
}

/// Nothing, `Z`, `UTC`, `+hh`, `+hhmm` or `+hh:mm`, also after a blank.
///
/// The outer `None` is text that is no offset.
#[expect(clippy::option_option, reason = "no offset is one of the forms of an offset")]
fn read_offset(text: &[u8]) -> Option<Option<Offset>> {
    let text = match text {
        [] => return Some(None),
        [b' ' | b'\t', rest @ ..] => rest,
        _ => text,
    };
    let (sign, hours, minutes) = match text {
        b"Z" | b"z" | b"UTC" => return Some(Some(Offset::UTC)),
        [sign, hours @ ..] if hours.len() == 2 => (sign, hours, &b"00"[..]),
        [sign, digits @ ..] if digits.len() == 4 => (sign, &digits[..2], &digits[2..]),
        [sign, h, i, b':', minutes @ ..] if minutes.len() == 2 => (sign, &[*h, *i][..], minutes),
        _ => return None,
    };
    let (hours, minutes) = (i32::from(number(hours)?), i32::from(number(minutes)?));
    if hours > 23 || minutes > 59 {
        return None;
    }
    let seconds = (hours * 60 + minutes) * 60;
    match sign {
        b'+' => Offset::from_seconds(seconds).ok().map(Some),
        b'-' => Offset::from_seconds(-seconds).ok().map(Some),
        _ => None,
    }
}

/// Up to four digits and nothing else.
fn number(digits: &[u8]) -> Option<i16> {
    digits
        .iter()
        .try_fold(0, |value: i16, &byte| byte.is_ascii_digit().then(|| value * 10 + i16::from(byte - b'0')))
}
