//! Eight bytes at a time: which bytes of a word are what is looked for.

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
