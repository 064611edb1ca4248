//! Byte searches over 8 or 16 bytes at a time, in safe code: find a delimiter
//! or a quote, count fields, find control characters and invalid UTF-8 in a
//! name.
//!
//! Functions on a `u64` return a mask in which the highest bit of a byte is set
//! if the byte matches.

use wide::u8x16;

/// The highest bit of each byte.
pub(crate) const HIGHEST: u64 = 0x8080_8080_8080_8080;
/// The lowest bit of each byte.
pub(crate) const LOWEST: u64 = 0x0101_0101_0101_0101;

/// Marks the bytes of `word` that equal `needle`.
///
/// Every match is marked, and the lowest mark is always a match. A higher mark
/// may be false, because the subtraction borrows (Hacker's Delight, 6-1).
#[inline(always)]
pub(crate) fn matches(word: u64, needle: u8) -> u64 {
    below(word ^ (LOWEST * u64::from(needle)), 1)
}

/// Marks the bytes of `word` below `limit`, which is at most 128. The marks are
/// as reliable as those of [`matches()`].
#[inline(always)]
pub(crate) fn below(word: u64, limit: u8) -> u64 {
    word.wrapping_sub(LOWEST * u64::from(limit)) & !word & HIGHEST
}

/// Returns the index of the first `one` or `other`, or the length of `text`.
///
/// The first step is 16 bytes, because most fields end there. Further steps are
/// 32 bytes, so that nearly all request lines take the same number of steps and
/// the branch predicts well.
#[inline(always)]
pub(crate) fn find_either(text: &[u8], one: u8, other: u8) -> usize {
    let positions = |chunk: &[u8; 16]| {
        let chunk = u8x16::new(*chunk);
        (chunk.cmp_eq(u8x16::splat(one)) | chunk.cmp_eq(u8x16::splat(other))).move_mask()
    };
    let Some((chunk, mut rest)) = text.split_first_chunk() else {
        return find_either_in_few(text, one, other);
    };
    let found = positions(chunk);
    if found != 0 {
        return found.trailing_zeros() as usize;
    }
    while let Some((chunk, next)) = rest.split_first_chunk::<32>() {
        let halves = chunk.first_chunk().zip(chunk.last_chunk());
        let found = halves.map_or(0, |(first, last)| positions(first) | positions(last) << 16);
        if found != 0 {
            return text.len() - rest.len() + found.trailing_zeros() as usize;
        }
        rest = next;
    }
    text.len() - rest.len() + find_either_in_few(rest, one, other)
}

#[inline(never)]
fn find_either_in_few(text: &[u8], one: u8, other: u8) -> usize {
    memchr::memchr2(one, other, text).unwrap_or(text.len())
}

/// Returns the index of the first byte that is at most `most`, or the length of
/// `text`.
#[inline(always)]
pub(crate) fn find_up_to(text: &[u8], most: u8) -> usize {
    let mut rest = text;
    while let Some((chunk, next)) = rest.split_first_chunk::<16>() {
        let chunk = u8x16::new(*chunk);
        let found = chunk.min(u8x16::splat(most)).cmp_eq(chunk).move_mask();
        if found != 0 {
            return text.len() - rest.len() + found.trailing_zeros() as usize;
        }
        rest = next;
    }
    let index = rest.iter().position(|&byte| byte <= most);
    text.len() - rest.len() + index.unwrap_or(rest.len())
}

/// Counts `counted` before the first newline. Returns the count and the
/// newline's index, or `None` if there is no newline or a quote comes before
/// it.
pub(crate) fn count_to_newline(text: &[u8], counted: u8) -> Option<(usize, usize)> {
    let (mut rest, mut count) = (text, 0);
    while let Some((chunk, next)) = rest.split_first_chunk::<16>() {
        let chunk = u8x16::new(*chunk);
        let positions = |byte: u8| chunk.cmp_eq(u8x16::splat(byte)).move_mask();
        let newlines = positions(b'\n');
        // Keep only the positions before the first newline.
        let before = if newlines == 0 { 0xFFFF } else { (newlines & newlines.wrapping_neg()) - 1 };
        if positions(b'"') & before != 0 {
            return None;
        }
        count += (positions(counted) & before).count_ones() as usize;
        if newlines != 0 {
            return Some((count, text.len() - rest.len() + newlines.trailing_zeros() as usize));
        }
        rest = next;
    }
    let end = rest.iter().position(|&byte| byte == b'\n')?;
    let last = &rest[..end];
    let has_quote = last.contains(&b'"');
    count += memchr::memchr_iter(counted, last).count();
    (!has_quote).then_some((count, text.len() - rest.len() + end))
}

/// The bytes of a name that are shown as U+FFFD, as bit masks: bit `i` stands
/// for byte `i`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Replacements {
    /// The first byte of each control character, and of each invalid sequence
    /// that `String::from_utf8_lossy` replaces.
    pub(crate) starts: u128,
    /// The remaining bytes of these.
    pub(crate) rest: u128,
}

/// Finds what is shown as U+FFFD in the first `length` bytes of `text`: control
/// characters, invalid UTF-8, and U+FFFD itself.
///
/// The code looks at all bytes at once and has no branches. Clients can send
/// random bytes on purpose, and a branch per byte would mispredict at nearly
/// every one.
pub(crate) fn find_replacements(text: &[u8; 128], length: usize) -> Replacements {
    let valid = u128::MAX.checked_shr(128 - u32::try_from(length).unwrap_or(128)).unwrap_or(0);
    let within = |least: u8, most: u8| {
        let (least, most) = (u8x16::splat(least), u8x16::splat(most));
        text.chunks_exact(16).rev().fold(0, |bits: u128, chunk| {
            let chunk = chunk.try_into().map_or(u8x16::splat(0), u8x16::new);
            let found = chunk.max(least).min(most).cmp_eq(chunk).move_mask();
            bits << 16 | u128::from(found.unsigned_abs() & 0xFFFF)
        }) & valid
    };
    let is = |byte: u8| within(byte, byte);
    let (low, high, lowest) = (within(0x80, 0x9F), within(0xA0, 0xBF), within(0x80, 0x8F));
    let follows = low | high;
    // Well-formed UTF-8 by first byte (Unicode, table 3-7).
    let (e0, ed, f0, f4) = (is(0xE0), is(0xED), is(0xF0), is(0xF4));
    let (of_three, of_four) = (within(0xE0, 0xEF), within(0xF0, 0xF4));
    let second_of_two = within(0xC2, 0xDF) << 1 & follows;
    let second_of_three = (of_three & !e0 & !ed) << 1 & follows | e0 << 1 & high | ed << 1 & low;
    let second_of_four =
        (of_four & !f0 & !f4) << 1 & follows | f0 << 1 & follows & !lowest | f4 << 1 & lowest;
    let third_of_three = second_of_three << 1 & follows;
    let third_of_four = second_of_four << 1 & follows;
    let fourth = third_of_four << 1 & follows;
    let inside = second_of_two | second_of_three | second_of_four | third_of_three | third_of_four | fourth;
    let whole = second_of_two >> 1 | third_of_three >> 2 | fourth >> 3;
    let controls = is(0xC2) & low >> 1
        | is(0xE2) & is(0x80) >> 1 & within(0xA8, 0xA9) >> 2
        // U+FFFD is stored in one byte, like what it replaces.
        | is(0xEF) & is(0xBF) >> 1 & is(0xBD) >> 2;
    let starts = valid & !within(b' ', b'~') & !inside & !whole | controls;
    let second = starts << 1 & inside;
    let third = second << 1 & inside;
    Replacements { starts, rest: second | third | third << 1 & inside }
}
