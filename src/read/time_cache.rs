//! A cache of the times that were read last, by their text, so that the same
//! text is not parsed again.

use crate::read::fields::Fields;
use crate::read::timestamp::TimeReader;

/// The last times that were read, all written in one length: each with the
/// delimiter after it, and its second. The same text again is the same second.
///
/// Where one is kept follows from its text, so that nothing is searched for:
/// lines up to a few seconds out of order find theirs as soon as those in order.
#[derive(Clone, Debug, Default)]
pub(crate) struct TimeCache {
    /// 0 if there is none.
    length: usize,
    /// Ones where the text is.
    mask: [u64; TimeCache::WORDS],
    times: [([u64; TimeCache::WORDS], i64); TimeCache::TIMES],
}

impl TimeCache {
    /// Enough for 31 bytes of `"[07/Feb/2019:21:11:00 +0000]",`.
    const WORDS: usize = 4;
    const TIMES: usize = 16;

    /// The second of the next field, if its text is known, and what follows it.
    #[inline(always)]
    pub(crate) fn pass<'a>(&self, fields: &Fields<'a>) -> Option<(i64, &'a [u8])> {
        let text = self.text(fields.rest)?;
        let (known, second) = &self.times[TimeCache::index(text)];
        // Words that were just put together would have to be in memory for `==`.
        let is_same = text.iter().zip(known).fold(0, |odd, (a, b)| odd | (a ^ b)) == 0;
        if self.length == 0 || fields.is_at_end || !is_same {
            return None;
        }
        Some((*second, fields.rest.get(self.length..)?))
    }

    /// Reads the next field or fields, by `read`, a time that isn't known, and
    /// remembers it.
    #[inline(never)]
    pub(crate) fn read<'a>(
        &mut self,
        mut fields: Fields<'a>,
        times: &mut TimeReader,
        read: impl FnOnce(&mut Fields<'a>, &mut TimeReader) -> Option<i64>,
    ) -> Option<(i64, Fields<'a>)> {
        let text = fields.rest;
        let second = read(&mut fields, times)?;
        // The end of a line may be one byte or two; a local time that occurs
        // twice depends on the time before it.
        if !fields.is_at_end && times.is_fixed() {
            self.set(text, fields.rest, second);
        }
        Some((second, fields))
    }

    /// Remembers the time that `text`, up to `rest`, is, if it isn't too long.
    fn set(&mut self, text: &[u8], rest: &[u8], second: i64) {
        let length = text.len() - rest.len();
        if length > 8 * TimeCache::WORDS {
            return;
        }
        if length != self.length {
            let mut new = TimeCache { length, ..TimeCache::default() };
            for (word, mask) in new.mask.iter_mut().enumerate() {
                let bytes = length.saturating_sub(8 * word).min(8);
                *mask = (0..bytes).fold(0, |mask, byte| mask | 0xFF << (8 * byte));
            }
            if let Some(text) = new.text(text) {
                // None is left empty: NULs would be the text of one.
                new.times = [(text, second); TimeCache::TIMES];
                *self = new;
            }
            return;
        }
        if let Some(text) = self.text(text) {
            self.times[TimeCache::index(text)] = (text, second);
        }
    }

    /// The start of `text`, as long as the times that are known.
    #[inline(always)]
    fn text(&self, text: &[u8]) -> Option<[u64; TimeCache::WORDS]> {
        let chunk = text.first_chunk::<{ 8 * TimeCache::WORDS }>()?;
        let word =
            |word: usize| chunk[8 * word..].first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes));
        let mask = &self.mask;
        // In a loop it would be out of line.
        Some([word(0) & mask[0], word(1) & mask[1], word(2) & mask[2], word(3) & mask[3]])
    }

    /// The seconds stand in the second word or the third one.
    #[inline(always)]
    fn index(text: [u64; TimeCache::WORDS]) -> usize {
        let mixed = (text[1] ^ text[2].rotate_left(32)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        (mixed >> 60) as usize
    }
}
