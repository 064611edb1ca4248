//! Hosts and sections as clients send them: cutting at 128 bytes, the stored
//! form, comparison, and U+FFFD for control characters and invalid UTF-8.

use std::cmp::Ordering;

use crate::bits::{HIGHEST, LOWEST, Replacements, below, find_replacements};

/// Longer names are cut at this many bytes.
pub const MAX_NAME: usize = 128;

/// Stands for U+FFFD in a stored name, which takes three bytes in UTF-8. The
/// byte 0xFF occurs in no UTF-8 text, and `String::from_utf8_lossy` shows it as
/// U+FFFD.
pub(crate) const REPLACED: u8 = 0xFF;

/// A fixed-size form of a name: all of it, padded with zeros, if it has up to
/// 16 bytes; otherwise its first and last eight bytes.
///
/// It is two words because words compare in registers. An array of 16 bytes
/// would be written to memory first, and reading 16 bytes back stalls on two
/// writes of eight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Key(u64, u64);

impl Key {
    pub(crate) const WHOLE: usize = 16;

    /// Builds the key without a loop. The first and last eight bytes overlap in
    /// a name shorter than 16 bytes; a shift moves the last ones to their
    /// place.
    #[inline(always)]
    pub(crate) fn of(name: &[u8]) -> Key {
        let length = name.len();
        let (head, tail) = if let (Some(head), Some(tail)) = (name.first_chunk::<8>(), name.last_chunk::<8>())
        {
            let (head, tail) = (u64::from_le_bytes(*head), u64::from_le_bytes(*tail));
            let half = 4 * Key::WHOLE.saturating_sub(length);
            (head, tail >> half >> half)
        } else if let (Some(head), Some(tail)) = (name.first_chunk::<4>(), name.last_chunk::<4>()) {
            let (head, tail) = (u32::from_le_bytes(*head), u32::from_le_bytes(*tail));
            (u64::from(head) | u64::from(tail) << (8 * (length - 4)), 0)
        } else if let [first, .., last] = name {
            let middle = u32::from(name[length / 2]) << (8 * (length / 2));
            (u64::from(u32::from(*first) | middle | u32::from(*last) << (8 * (length - 1))), 0)
        } else {
            (u64::from(name.first().copied().unwrap_or(0)), 0)
        };
        Key(head, tail)
    }

    #[inline(always)]
    fn word(self) -> u128 {
        u128::from(self.0) | u128::from(self.1) << 64
    }

    pub(crate) fn to_bytes(self) -> [u8; Key::WHOLE] {
        self.word().to_le_bytes()
    }

    #[inline(always)]
    #[expect(clippy::cast_possible_truncation, reason = "it is one half, then the other")]
    pub(crate) fn from_bytes(bytes: [u8; Key::WHOLE]) -> Key {
        let word = u128::from_le_bytes(bytes);
        Key(word as u64, (word >> 64) as u64)
    }

    /// The first eight bytes as a number that sorts like the name.
    pub(crate) fn head(self) -> u64 {
        self.0.swap_bytes()
    }
}

impl std::hash::Hash for Key {
    #[inline(always)]
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        state.write_u128(self.word());
    }
}

/// Whether all of `raw` is printable ASCII.
pub(crate) fn is_printable(raw: &[u8]) -> bool {
    // Adding 1 sets the highest bit of 0x7F (DEL).
    let odd = |word: u64| below(word, b' ') | (word | word.wrapping_add(LOWEST)) & HIGHEST;
    match raw.last_chunk::<8>() {
        Some(last) => {
            let words = raw.chunks_exact(8).map(|bytes| bytes.try_into().map_or(0, u64::from_le_bytes));
            words.chain([u64::from_le_bytes(*last)]).all(|word| odd(word) == 0)
        }
        None => raw.iter().all(|byte| matches!(byte, b' '..=b'~')),
    }
}

/// The stored form of `raw`: two names are equal in it if they are shown alike.
pub(crate) fn stored<'a>(raw: &[u8], buffer: &'a mut [u8; MAX_NAME]) -> &'a [u8] {
    buffer[..raw.len()].copy_from_slice(raw);
    let Replacements { mut starts, rest } = find_replacements(buffer, raw.len());
    while starts != 0 {
        buffer[starts.trailing_zeros() as usize] = REPLACED;
        starts &= starts - 1;
    }
    let first = raw.len().min(rest.trailing_zeros() as usize);
    let mut length = first;
    let mut rest = rest.checked_shr(rest.trailing_zeros()).unwrap_or(0);
    for index in first..raw.len() {
        buffer[length] = buffer[index];
        length += usize::from(rest & 1 == 0);
        rest >>= 1;
    }
    &buffer[..length]
}

/// Orders two stored names by the text that is shown.
pub(crate) fn compare_shown(one: &[u8], other: &[u8]) -> Ordering {
    let Some(at) = one.iter().zip(other).position(|(a, b)| a != b) else {
        return one.len().cmp(&other.len());
    };
    // The first bytes shown from there. U+FFFD has three, and all may be
    // needed.
    let shown = |name: &[u8]| match name[at..] {
        [REPLACED, ..] => [0xEF, 0xBF, 0xBD],
        [a, b, c, ..] => [a, b, c],
        [a, ..] => [a, 0, 0],
        [] => [0; 3],
    };
    shown(one).cmp(&shown(other))
}

/// Whether `character` can harm a terminal or a log.
fn is_control(character: char) -> bool {
    character.is_control() || matches!(character, '\u{2028}' | '\u{2029}')
}

/// The name as events show it: U+FFFD for invalid UTF-8, as in
/// [`String::from_utf8_lossy`], and for each control character.
#[must_use]
pub fn shown(raw: &[u8]) -> String {
    let text = String::from_utf8_lossy(raw);
    text.chars().map(|c| if is_control(c) { char::REPLACEMENT_CHARACTER } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stored_name_is_shown_as_what_was_sent() {
        let bytes = b"az ~\x1F\x7F\x80\x8F\x90\x9F\xA0\xA8\xA9\xBD\xBF\xC1\xC2\xC3\xDF\xE0\xE1\xE2\xED\xEF\xF0\xF1\xF4\xF5\xFF";
        let mut state = 1_u64;
        for round in 0..200_000 {
            let name: Vec<u8> = (0..round % 129)
                .map(|_| {
                    state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                    bytes[usize::try_from(state >> 33).expect("31 bits") % bytes.len()]
                })
                .collect();
            let mut buffer = [0xC2; MAX_NAME];
            let stored = stored(&name, &mut buffer);
            assert_eq!(String::from_utf8_lossy(stored), shown(&name), "{}", name.escape_ascii());
            assert!(!stored.windows(3).any(|bytes| bytes == "\u{FFFD}".as_bytes()), "it is one byte");
        }
    }
}
