//! The known forms of time: epoch seconds, RFC 3339, the Common Log Format,
//! Kibana. Reads a local time with its offset; zones are handled in
//! `timestamp`.

use jiff::civil::DateTime;
use jiff::tz::Offset;

/// The last second of the year 8999, the greatest time that is read. The least
/// is 0.
pub const LAST_SECOND: i64 = 221_845_391_999;
/// The first second of 1971. An earlier time is most likely not a time.
pub(crate) const YEAR_1971: i64 = 365 * 86_400;

const MONTHS: [&[u8; 3]; 12] =
    [b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec"];

/// Epoch seconds, milliseconds, microseconds or nanoseconds, rounded down to
/// seconds. Eight digits that are a calendar day (`20210930`) are not a time.
pub(crate) fn epoch_second(text: &[u8]) -> Option<i64> {
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
        8 if is_day(&text[..8]) => return None,
        13 => 1_000,
        16 => 1_000_000,
        19 => 1_000_000_000,
        _ => 1,
    };
    i64::try_from(value / unit).ok().filter(|&second| second <= LAST_SECOND)
}

/// Whether eight digits are a day from 1970 to 8999, like `20210930`.
fn is_day(digits: &[u8]) -> bool {
    let day = || {
        let (year, month, day) = (number(&digits[..4])?, number(&digits[4..6])?, number(&digits[6..])?);
        let is_read = (1970..=8999).contains(&year);
        is_read.then(|| DateTime::new(year, small(month)?, small(day)?, 0, 0, 0, 0).ok()).flatten()
    };
    day().is_some()
}

/// Reads a date and a time of day, with the offset if there is one. The forms
/// are:
///
/// - RFC 3339 and its common variants: `2019-02-07T21:11:00Z`,
///   `2019/02/07 21:11`, `2019-02-07 21:11:00,123 +0100`,
/// - the Common Log Format: `[07/Feb/2019:21:11:00 +0000]`,
/// - Kibana: `Sep 30, 2021 @ 10:00:00.000`.
pub(crate) fn local_time(text: &[u8]) -> Option<(DateTime, Option<Offset>)> {
    match text {
        [b'0'..=b'9', _, _, _, b'-' | b'/', ..] => rfc3339(text),
        [b'A'..=b'Z', ..] => Some((kibana(text)?, None)),
        _ => common_log(text),
    }
}

fn rfc3339(text: &[u8]) -> Option<(DateTime, Option<Offset>)> {
    let (day, clock) = text.split_at_checked(11)?;
    if day[4] != day[7] || !matches!(day[10], b'T' | b't' | b' ' | b'\t') {
        return None;
    }
    let day = (number(&day[..4])?, number(&day[5..7])?, number(&day[8..10])?);
    let (local, rest) = if clock.get(5) == Some(&b':') {
        let (clock, rest) = clock.split_at_checked(8)?;
        (date_time(day, clock)?, without_fraction(rest)?)
    } else {
        // There are no seconds.
        let (clock, rest) = clock.split_at_checked(5)?;
        (date_time(day, clock)?, rest)
    };
    Some((local, offset(rest)?))
}

fn common_log(text: &[u8]) -> Option<(DateTime, Option<Offset>)> {
    let text = text.strip_prefix(b"[").unwrap_or(text);
    let text = text.strip_suffix(b"]").unwrap_or(text);
    let (head, rest) = text.split_at_checked(20)?;
    if head[2] != b'/' || head[6] != b'/' || head[11] != b':' {
        return None;
    }
    let day = (number(&head[7..11])?, month(&head[3..6])?, number(&head[..2])?);
    Some((date_time(day, &head[12..])?, offset(without_fraction(rest)?)?))
}

/// Reads `MMM D, YYYY @ HH:mm:ss.SSS`.
fn kibana(text: &[u8]) -> Option<DateTime> {
    let (head, rest) = text.split_at_checked(4)?;
    let comma = rest.iter().position(|&byte| byte == b',')?;
    let (day, rest) = rest.split_at(comma);
    if head[3] != b' ' || !matches!(day.len(), 1 | 2) {
        return None;
    }
    let (year, rest) = rest.strip_prefix(b", ")?.split_at_checked(4)?;
    let day = (number(year)?, month(&head[..3])?, number(day)?);
    let (clock, rest) = rest.strip_prefix(b" @ ")?.split_at_checked(8)?;
    let local = date_time(day, clock)?;
    without_fraction(rest)?.is_empty().then_some(local)
}

fn month(name: &[u8]) -> Option<i16> {
    let index = MONTHS.iter().position(|&month| month == name)?;
    i16::try_from(index + 1).ok()
}

/// Skips a fraction after a point or a comma, if there is one.
fn without_fraction(text: &[u8]) -> Option<&[u8]> {
    let Some((b'.' | b',', fraction)) = text.split_first() else { return Some(text) };
    let digits = fraction.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if digits == 0 { None } else { Some(&fraction[digits..]) }
}

/// Combines a year, month and day with `HH:MM:SS` or `HH:MM`. Second 60, a leap
/// second, becomes 59: UTC's epoch has no number for it.
fn date_time((year, month, day): (i16, i16, i16), clock: &[u8]) -> Option<DateTime> {
    let second = match clock {
        [_, _, b':', _, _, b':', second @ ..] => number(second)?,
        [_, _, b':', _, _] => 0,
        _ => return None,
    };
    let second = if second == 60 { 59 } else { second };
    let (hour, minute) = (number(&clock[..2])?, number(&clock[3..5])?);
    DateTime::new(year, small(month)?, small(day)?, small(hour)?, small(minute)?, small(second)?, 0).ok()
}

/// Reads `Z`, `UTC`, `GMT`, `+hh`, `+hhmm` or `+hh:mm`, also after a blank, or
/// nothing.
///
/// The outer `None` means that the text is not an offset.
#[expect(clippy::option_option, reason = "no offset is one of the forms of an offset")]
fn offset(text: &[u8]) -> Option<Option<Offset>> {
    let text = match text {
        [] => return Some(None),
        [b' ' | b'\t', rest @ ..] => rest,
        _ => text,
    };
    let (sign, hours, minutes) = match text {
        b"Z" | b"z" | b"UTC" | b"GMT" => return Some(Some(Offset::UTC)),
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

/// One to four digits.
fn number(digits: &[u8]) -> Option<i16> {
    if digits.is_empty() || digits.len() > 4 {
        return None;
    }
    digits
        .iter()
        .try_fold(0, |value: i16, &byte| byte.is_ascii_digit().then(|| value * 10 + i16::from(byte - b'0')))
}

fn small(value: i16) -> Option<i8> {
    i8::try_from(value).ok()
}
