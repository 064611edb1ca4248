//! The values of fields: status, byte count, latency, host. Also what counts as
//! an empty value (`-`, `null` and so on).
//!
//! Numbers are accepted in all forms that servers and exports write.

use crate::read::record::is_blank;
/// The unit of a latency column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// `s`
    Seconds,
    /// `ms`
    Milliseconds,
    /// `us`
    Microseconds,
    /// `ns`
    Nanoseconds,
}

impl Unit {
    /// The nanoseconds of the unit, as a power of ten.
    pub(crate) fn exponent(self) -> usize {
        match self {
            Unit::Seconds => 9,
            Unit::Milliseconds => 6,
            Unit::Microseconds => 3,
            Unit::Nanoseconds => 0,
        }
    }
}

/// Whether a value is empty: nothing, `-` or one of the words for it.
pub(crate) fn is_nothing(text: &[u8]) -> bool {
    // No such word is longer.
    text.len() <= 4 && matches!(text, b"" | b"-" | b"null" | b"NULL" | b"nil" | b"None" | b"NaN")
}

/// The host as logged; `-` if it is empty.
#[inline(always)]
pub(crate) fn read_host(text: &[u8]) -> &[u8] {
    if is_nothing(text) { b"-" } else { text }
}

/// Reads a status: an integer from 0 to 999, also written `200.0`, or after a
/// word and a slash, as in Squid's `TCP_MISS/200`. The inner `None` is an empty
/// value or `-1`; the outer one is not a status.
#[expect(clippy::option_option, reason = "no status is not the same as an unreadable one")]
pub(crate) fn read_status(text: &[u8]) -> Option<Option<u16>> {
    if let [a @ b'0'..=b'9', b @ b'0'..=b'9', c @ b'0'..=b'9'] = text {
        return Some(Some(u16::from(a - b'0') * 100 + u16::from(b - b'0') * 10 + u16::from(c - b'0')));
    }
    if is_nothing(text) || text == b"-1" {
        return Some(None);
    }
    let number = match text.iter().rposition(|&byte| byte == b'/') {
        Some(slash) if is_word(&text[..slash]) => &text[slash + 1..],
        Some(_) => return None,
        None => text,
    };
    let status = read_integer(number).filter(|&status| status <= 999)?;
    u16::try_from(status).ok().map(Some)
}

/// Whether `text` is a word before a slash: no blanks, no slash, no number.
fn is_word(text: &[u8]) -> bool {
    !text.is_empty()
        && !text.iter().any(|&byte| is_blank(byte) || byte == b'/')
        && read_integer(text).is_none()
}

/// Reads a byte count from 0 to 2^63-1, also written `80251.0`. An empty value
/// is 0.
pub(crate) fn read_bytes(text: &[u8]) -> Option<u64> {
    if is_nothing(text) {
        return Some(0);
    }
    read_integer(text).filter(|&bytes| i64::try_from(bytes).is_ok())
}

/// Whether `text` is digits only.
pub(crate) fn is_integer(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().all(u8::is_ascii_digit)
}

/// Reads digits, which may be followed by a point and zeros.
fn read_integer(text: &[u8]) -> Option<u64> {
    let (digits, rest) = split_digits(text);
    let value = integer(digits)?;
    match rest.split_first() {
        None => Some(value),
        Some((b'.', zeros)) if !zeros.is_empty() && zeros.iter().all(|&byte| byte == b'0') => Some(value),
        Some(_) => None,
    }
}

fn split_digits(text: &[u8]) -> (&[u8], &[u8]) {
    text.split_at(text.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(text.len()))
}

fn integer(digits: &[u8]) -> Option<u64> {
    let add = |value: u64, digit: &u8| value.checked_mul(10)?.checked_add(u64::from(digit - b'0'));
    if digits.is_empty() { None } else { digits.iter().try_fold(0, add) }
}

/// Reads a latency as nanoseconds, rounded down, from 0 to 2^63-1. The number
/// is in `unit`, or has a unit of its own, like `0.053s`. Anything else is no
/// latency; the request still counts.
pub(crate) fn read_latency(text: &[u8], unit: Unit) -> Option<u64> {
    let (whole, rest) = split_digits(text);
    let (decimals, rest) = match rest {
        [b'.', rest @ ..] => split_digits(rest),
        _ => (&b"0"[..], rest),
    };
    if decimals.is_empty() {
        return None;
    }
    let unit = match rest {
        b"" => unit,
        b"s" => Unit::Seconds,
        b"ms" => Unit::Milliseconds,
        b"us" | b"\xC2\xB5s" | b"\xCE\xBCs" => Unit::Microseconds,
        b"ns" => Unit::Nanoseconds,
        _ => return None,
    };
    let mut nanoseconds = integer(whole)?;
    for place in 0..unit.exponent() {
        let digit = decimals.get(place).map_or(0, |digit| u64::from(digit - b'0'));
        nanoseconds = nanoseconds.checked_mul(10)?.checked_add(digit)?;
    }
    i64::try_from(nanoseconds).is_ok().then_some(nanoseconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_tolerated_as_servers_write_them() {
        for (text, status, bytes) in [
            ("200", Some(Some(200)), Some(200)),
            ("200.0", Some(Some(200)), Some(200)),
            ("200.000", Some(Some(200)), Some(200)),
            ("0", Some(Some(0)), Some(0)),
            ("000", Some(Some(0)), Some(0)),
            ("0000404", Some(Some(404)), Some(404)),
            ("999", Some(Some(999)), Some(999)),
            ("1000", None, Some(1000)),
            ("", Some(None), Some(0)),
            ("-", Some(None), Some(0)),
            ("null", Some(None), Some(0)),
            ("NULL", Some(None), Some(0)),
            ("nil", Some(None), Some(0)),
            ("None", Some(None), Some(0)),
            ("NaN", Some(None), Some(0)),
            ("Null", None, None),
            ("none", None, None),
            ("(null)", None, None),
            ("200.", None, None),
            ("200.5", None, None),
            (".0", None, None),
            ("+200", None, None),
            ("-1", Some(None), None),
            ("-1.0", None, None),
            ("-2", None, None),
            ("2oo", None, None),
            ("TCP_MISS/200", Some(Some(200)), None),
            ("TCP_HIT-x/000", Some(Some(0)), None),
            ("TCP_MISS/1000", None, None),
            ("TCP_MISS/", None, None),
            ("TCP_MISS/-", None, None),
            ("TCP MISS/200", None, None),
            ("/200", None, None),
            ("2/200", None, None),
            ("9223372036854775807", None, Some(9_223_372_036_854_775_807)),
            ("9223372036854775808", None, None),
            ("99999999999999999999999", None, None),
        ] {
            assert_eq!(read_status(text.as_bytes()), status, "{text:?}");
            assert_eq!(read_bytes(text.as_bytes()), bytes, "{text:?}");
        }
    }

    #[test]
    fn a_latency_is_in_the_unit_of_its_column_or_in_its_own() {
        for (text, unit, expected) in [
            ("0.053", Unit::Seconds, Some(53_000_000)),
            ("0.053s", Unit::Milliseconds, Some(53_000_000)),
            ("31ms", Unit::Seconds, Some(31_000_000)),
            ("31", Unit::Milliseconds, Some(31_000_000)),
            ("1.5", Unit::Microseconds, Some(1_500)),
            ("1.5us", Unit::Seconds, Some(1_500)),
            ("1.5\u{b5}s", Unit::Seconds, Some(1_500)),
            ("7", Unit::Nanoseconds, Some(7)),
            ("7.9", Unit::Nanoseconds, Some(7)),
            ("0.0000000019", Unit::Seconds, Some(1)),
            ("0", Unit::Seconds, Some(0)),
            ("007", Unit::Seconds, Some(7_000_000_000)),
            ("9223372036854775807", Unit::Nanoseconds, Some(9_223_372_036_854_775_807)),
            ("9223372036854775808", Unit::Nanoseconds, None),
            ("9223372036.854775807", Unit::Seconds, Some(9_223_372_036_854_775_807)),
            ("9223372037", Unit::Seconds, None),
            ("99999999999999999999999", Unit::Seconds, None),
            ("", Unit::Seconds, None),
            ("-", Unit::Seconds, None),
            ("-1", Unit::Seconds, None),
            ("0,053", Unit::Seconds, None),
            ("0.", Unit::Seconds, None),
            (".5", Unit::Seconds, None),
            ("1e3", Unit::Seconds, None),
            ("1 s", Unit::Seconds, None),
            ("5m", Unit::Seconds, None),
        ] {
            assert_eq!(read_latency(text.as_bytes(), unit), expected, "{text:?}");
        }
    }
}
