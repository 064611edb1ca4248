//! The fields of a plain line from left to right, each value read in place:
//! text, epoch seconds, integers and decimals.
//!
//! A method returns `None` if the next field is of another kind, or not plain.
//! The caller then tries another method, or leaves the line to the general way.

use crate::bits::{HIGHEST, count_to_newline, find_either, find_up_to};
use crate::read::timestamp::{join_digits, ten_digits};

/// The fields of a line that are not read yet. Rare paths take a copy and
/// return it, so that the usual path keeps it in registers.
#[derive(Clone, Copy)]
pub(crate) struct Fields<'a> {
    /// What follows the last delimiter or newline, further lines included.
    pub(crate) rest: &'a [u8],
    /// Whether the last field ended its line.
    pub(crate) is_at_end: bool,
    pub(crate) delimiter: u8,
}

impl<'a> Fields<'a> {
    /// Returns `None` at the end of the line. A field method checks this, too;
    /// calling it before lets the compiler merge both checks into one branch.
    #[inline(always)]
    pub(crate) fn go_on(&self) -> Option<()> {
        (!self.is_at_end).then_some(())
    }

    /// The next field without the quotes at its edges. `None` if it is
    /// incomplete, or if a quote is elsewhere.
    #[inline(always)]
    pub(crate) fn text(&mut self) -> Option<&'a [u8]> {
        if self.is_at_end {
            return None;
        }
        if let [b'"', quoted @ ..] = self.rest {
            let (text, after) = quoted.split_at_checked(find_either(quoted, b'"', b'\n'))?;
            let [b'"', after @ ..] = after else { return None };
            // Fails if another quote follows: it is a doubled one.
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

    /// Skips a field, wherever its quotes are. `None` if it is incomplete or a
    /// quote is left open.
    #[inline(always)]
    pub(crate) fn skip(&mut self) -> Option<()> {
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

    /// Skips all fields up to the end of the line. Returns their number.
    #[inline(always)]
    pub(crate) fn pass_all(&mut self) -> Option<usize> {
        let mut passed = self.pass_unquoted();
        while !self.is_at_end {
            self.skip()?;
            passed += 1;
        }
        Some(passed)
    }

    /// Does the same if no quote is among them; otherwise skips none.
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

    /// The next field if it is quoted; it may contain doubled quotes, and text
    /// after the closing quote. The text starts after the opening quote.
    /// Doubled quotes stay doubled, and the closing quote is included if text
    /// follows it.
    #[inline(never)]
    pub(crate) fn quoting_text(self) -> Option<(&'a [u8], Fields<'a>)> {
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

    /// The next field if it is epoch seconds of ten digits, unquoted. Decimals
    /// are skipped, as are the further digits of milliseconds and microseconds.
    #[inline(always)]
    pub(crate) fn epoch(&mut self) -> Option<i64> {
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

    /// The next field separated by blanks, if it is neither quoted nor in
    /// brackets. `None` if it ends in `]` and a quote follows: that may be the
    /// end of the time, which is not searched for here.
    #[inline(always)]
    pub(crate) fn word(&mut self) -> Option<&'a [u8]> {
        if self.is_at_end || matches!(self.rest, [b'"' | b'[', ..]) {
            return None;
        }
        // Tabs separate fields, too, and a CR may end the line. All bytes below
        // the blank, except the newline, are left to the general way.
        let (text, after) = self.rest.split_at_checked(find_up_to(self.rest, b' '))?;
        self.pass(after)?;
        if text.last() == Some(&b']') && self.rest.first() == Some(&b'"') {
            return None;
        }
        Some(text)
    }

    /// The next field separated by blanks, if it is quoted, contains no quote,
    /// and doesn't end in `] `.
    #[inline(always)]
    pub(crate) fn quoted(&mut self) -> Option<&'a [u8]> {
        let [b'"', quoted @ ..] = self.rest else { return None };
        if self.is_at_end {
            return None;
        }
        let (text, after) = quoted.split_at_checked(find_either(quoted, b'"', b'\n'))?;
        let [b'"', after @ ..] = after else { return None };
        if text.last() == Some(&b'\\') || text.ends_with(b"] ") {
            return None;
        }
        self.pass(after)?;
        Some(text)
    }

    /// The next field separated by blanks, if it is one of these two.
    #[inline(always)]
    pub(crate) fn word_or_quoted(&mut self) -> Option<&'a [u8]> {
        if let [b'"', ..] = self.rest { self.quoted() } else { self.word() }
    }

    /// The next field separated by blanks, if it is in brackets and a quote
    /// follows.
    #[inline(always)]
    pub(crate) fn bracketed(&mut self) -> Option<&'a [u8]> {
        let [b'[', ..] = self.rest else { return None };
        let (text, after) = self.rest.split_at_checked(find_either(self.rest, b']', b'\n') + 1)?;
        let [b' ', after @ ..] = after else { return None };
        if self.is_at_end || !text.ends_with(b"]") || !after.starts_with(b"\"") {
            return None;
        }
        self.rest = after;
        Some(text)
    }

    /// The next field if it is an unquoted decimal number, of up to eight
    /// digits and as many decimals. Returns it times ten to the power of
    /// `exponent`, which is at most 9, rounded down.
    #[inline(always)]
    pub(crate) fn decimal(&mut self, exponent: usize) -> Option<u64> {
        const POWERS: [u64; 10] =
            [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000, 1_000_000_000];
        self.go_on()?;
        if let Some((value, decimals, rest)) = thousandths(self.rest).or_else(|| short_decimal(self.rest))
            && let Some(power) = exponent.checked_sub(decimals).and_then(|power| POWERS.get(power))
        {
            self.pass(rest)?;
            return Some(value * power);
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

    /// The next field if it is three digits, unquoted.
    #[inline(always)]
    pub(crate) fn three_digits(&mut self) -> Option<u16> {
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

    /// The next field if it is an unquoted integer of up to eight digits.
    ///
    /// A branch on the number of digits would mispredict. Instead the digits
    /// are shifted to the end of an eight-digit number.
    #[inline(always)]
    pub(crate) fn digits(&mut self) -> Option<u64> {
        if self.is_at_end {
            return None;
        }
        let (length, digits) = digits_at(self.rest)?;
        let value = join_digits(digits.checked_shl(64 - 8 * length)?);
        self.pass(self.rest.get(length as usize..)?)?;
        Some(value)
    }

    /// Ends a field where `rest` starts. `None` if no delimiter or line end is
    /// there.
    #[inline(always)]
    pub(crate) fn pass(&mut self, rest: &'a [u8]) -> Option<()> {
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

    /// The index of the first delimiter or newline, or the length of `text`.
    #[inline(always)]
    fn find_end(&self, text: &[u8]) -> usize {
        find_either(text, self.delimiter, b'\n')
    }
}

/// How many of the first eight bytes are leading digits, and the eight bytes as
/// digit values; the first one is in the lowest byte.
#[inline(always)]
fn digits_at(text: &[u8]) -> Option<(u32, u64)> {
    let digits = u64::from_le_bytes(*text.first_chunk()?) ^ 0x3030_3030_3030_3030;
    // Only the lowest mark is certain.
    let others = (digits.wrapping_add(0x7676_7676_7676_7676) | digits) & HIGHEST;
    Some((others.trailing_zeros() / 8, digits))
}

/// Does the same as [`short_decimal`] for `0.123`, the form of nginx below ten
/// seconds, if no further digit follows.
#[inline(always)]
fn thousandths(text: &[u8]) -> Option<(u64, usize, &[u8])> {
    let word = u64::from_le_bytes(*text.first_chunk()?) ^ 0x30_3030_2E30;
    // Marks digits above 9, and the second byte if it is not a point. The
    // lowest mark is certain.
    if (word.wrapping_add(0x76_7676_7F76) | word) & 0x80_8080_8080 != 0 {
        return None;
    }
    let digits = (word & 0xFF) | ((word >> 8) & 0xFFFF_FF00);
    let pairs = (digits * 10 + (digits >> 8)) & 0x00FF_00FF;
    Some(((pairs & 0xFF) * 100 + (pairs >> 16), 3, &text[5..]))
}

/// A number at the start of `text` with at most six digits, some before and
/// some after a point. Returns its digits without the point, how many of them
/// are decimals, and what follows.
///
/// Nearly every latency has this form. A branch on the position of the point
/// would mispredict, so there is none.
#[inline(always)]
fn short_decimal(text: &[u8]) -> Option<(u64, usize, &[u8])> {
    const LOW: u64 = !HIGHEST;
    const POINT: u64 = (b'.' ^ b'0') as u64;
    let word = u64::from_le_bytes(*text.first_chunk()?) ^ 0x3030_3030_3030_3030;
    // Marks exactly the bytes that are not digits: no carry crosses a byte.
    let others = ((word & LOW).wrapping_add(0x7676_7676_7676_7676) | word) & HIGHEST;
    let point = others.trailing_zeros() & !7;
    let end = (others & others.wrapping_sub(1)).trailing_zeros() & !7;
    let whole = 1_u64.checked_shl(point)?.wrapping_sub(1);
    let has_both = point > 0 && end - point > 8;
    if end >= 64 || !has_both || (word >> point) & 0xFF != POINT {
        return None;
    }
    let digits = (word & whole) | ((word >> 8) & !whole);
    // Shift the digits to the end of an eight-digit number.
    let value = join_digits(digits.checked_shl(72 - end)?);
    Some((value, ((end - point) / 8 - 1) as usize, text.get((end / 8) as usize..)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::read::value::{Unit, read_latency};

    #[test]
    fn a_decimal_that_is_read_at_once_is_the_one_that_is_read_by_itself() {
        let mut read = 0;
        for whole in ["", "0", "1", "9", "12", "345", "1234567", "12345678"] {
            for decimals in ["", "0", "1", "12", "123", "009", "999", "1234", "123456", "12345678"] {
                for point in [".", "", "-", "/", ":"] {
                    let text = format!("{whole}{point}{decimals}");
                    for (unit, after) in [(Unit::Seconds, ",\n12345678"), (Unit::Milliseconds, "\n12345678")]
                    {
                        let line = format!("{text}{after}");
                        let mut fields = Fields { rest: line.as_bytes(), is_at_end: false, delimiter: b',' };
                        let Some(latency) = fields.decimal(unit.exponent()) else { continue };
                        assert_eq!(Some(latency), read_latency(text.as_bytes(), unit), "{line:?}");
                        assert_eq!(fields.rest, &line.as_bytes()[text.len() + 1..], "{line:?}");
                        read += 1;
                    }
                }
            }
        }
        assert!(read > 100, "{read}");
    }
}
