//! Compares eight or sixteen bytes at a time: which of them are the ones
//! searched for.

use wide::u8x16;

/// The highest bit of each byte.
pub(crate) const HIGHEST: u64 = 0x8080_8080_8080_8080;
/// The lowest bit of each byte.
pub(crate) const LOWEST: u64 = 0x0101_0101_0101_0101;

/// The bytes of `word` that are `needle`, by their highest bits.
///
/// None is missing, and the lowest of them is certain; bytes after that may be
/// others (Hacker's Delight, 6-1).
#[inline(always)]
pub(crate) fn matches(word: u64, needle: u8) -> u64 {
    below(word ^ (LOWEST * u64::from(needle)), 1)
}

/// The bytes of `word` that are less than `limit`, at most 128, by their
/// highest bits, as certain as those of [`matches`].
#[inline(always)]
pub(crate) fn below(word: u64, limit: u8) -> u64 {
    word.wrapping_sub(LOWEST * u64::from(limit)) & !word & HIGHEST
}

/// Where the first `one` or `other` is; the end if there is none.
///
/// Sixteen bytes first, where most fields end; then 32, so that a request line
/// takes as many steps as the last one did, nearly always.
#[inline(always)]
pub(crate) fn find_either(text: &[u8], one: u8, other: u8) -> usize {
    let places = |chunk: &[u8; 16]| {
        let chunk = u8x16::new(*chunk);
        (chunk.cmp_eq(u8x16::splat(one)) | chunk.cmp_eq(u8x16::splat(other))).move_mask()
    };
    let Some((chunk, mut rest)) = text.split_first_chunk() else {
        return find_either_in_few(text, one, other);
    };
    let found = places(chunk);
    if found != 0 {
        return found.trailing_zeros() as usize;
    }
    while let Some((chunk, next)) = rest.split_first_chunk::<32>() {
        let halves = chunk.first_chunk().zip(chunk.last_chunk());
        let found = halves.map_or(0, |(first, last)| places(first) | places(last) << 16);
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

/// Where the first byte up to `most` is; the end if there is none.
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
    let place = rest.iter().position(|&byte| byte <= most);
    text.len() - rest.len() + place.unwrap_or(rest.len())
}

/// How often `counted` comes before the first newline, and where that is;
/// `None` if a quote comes before it, or none of the two is there.
pub(crate) fn count_to_newline(text: &[u8], counted: u8) -> Option<(usize, usize)> {
    let (mut rest, mut count) = (text, 0);
    while let Some((chunk, next)) = rest.split_first_chunk::<16>() {
        let chunk = u8x16::new(*chunk);
        let places = |byte: u8| chunk.cmp_eq(u8x16::splat(byte)).move_mask();
        let newlines = places(b'\n');
        // All before the first one.
        let before = if newlines == 0 { 0xFFFF } else { (newlines & newlines.wrapping_neg()) - 1 };
        if places(b'"') & before != 0 {
            return None;
        }
        count += (places(counted) & before).count_ones() as usize;
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

/// The bytes of a name, by bits, that are not shown as they are written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Unshown {
    /// The first byte of each control character and of each sequence that
    /// `String::from_utf8_lossy` replaces.
    pub(crate) starts: u128,
    /// The other bytes of these.
    pub(crate) rest: u128,
}

/// What isn't shown of the first `length` bytes of `text`, U+FFFD among it.
///
/// All bytes at once and without a branch: random bytes, which clients send to
/// hurt, would mispredict in nearly every one.
pub(crate) fn unshown(text: &[u8; 128], length: usize) -> Unshown {
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
    // Well-formed sequences by their first bytes (Unicode, table 3-7).
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
        // U+FFFD is stored as what it replaces.
        | is(0xEF) & is(0xBF) >> 1 & is(0xBD) >> 2;
    let starts = valid & !within(b' ', b'~') & !inside & !whole | controls;
    let second = starts << 1 & inside;
    let third = second << 1 & inside;
    Unshown { starts, rest: second | third | third << 1 & inside }
}
