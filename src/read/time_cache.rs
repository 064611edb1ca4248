//! A cache of the times that the fast way read last, by their text, so that the
//! same text is not parsed again.

use crate::read::fields::Fields;
use crate::read::timestamp::TimeReader;

/// The times read last. All have the same length, and their text includes the
/// delimiter after them.
///
/// The slot of a time follows from its text, so there is no search. Lines that
/// are a few seconds out of order find their time as fast as those in order.
#[derive(Clone, Debug, Default)]
pub(crate) struct TimeCache {
    /// The length of the texts; 0 while the cache is empty.
    length: usize,
    /// Bits are set where the text is.
    mask: [u64; TimeCache::WORDS],
    times: [([u64; TimeCache::WORDS], i64); TimeCache::TIMES],
}

impl TimeCache {
    /// Enough for the 31 bytes of `"[07/Feb/2019:21:11:00 +0000]",`.
    const WORDS: usize = 4;
    const TIMES: usize = 16;

    /// Looks up the next field. Returns its second, and what follows the field.
    #[inline(always)]
    pub(crate) fn pass<'a>(&self, fields: &Fields<'a>) -> Option<(i64, &'a [u8])> {
        let text = self.text(fields.rest)?;
        let (known, second) = &self.times[TimeCache::index(text)];
        // Comparing arrays with `==` would write these words to memory first.
        let is_same = text.iter().zip(known).fold(0, |odd, (a, b)| odd | (a ^ b)) == 0;
        if self.length == 0 || fields.is_at_end || !is_same {
            return None;
        }
        Some((*second, fields.rest.get(self.length..)?))
    }

    /// Reads a time that is not cached with `read`, and caches it. The time may
    /// take several fields.
    #[inline(never)]
    pub(crate) fn read<'a>(
        &mut self,
        mut fields: Fields<'a>,
        times: &mut TimeReader,
        read: impl FnOnce(&mut Fields<'a>, &mut TimeReader) -> Option<i64>,
    ) -> Option<(i64, Fields<'a>)> {
        let text = fields.rest;
        let second = read(&mut fields, times)?;
        // Don't cache a time at the end of a line, which may have one byte or
        // two, nor a time that depends on the one before it.
        if !fields.is_at_end && times.is_fixed() {
            self.set(text, fields.rest, second);
        }
        Some((second, fields))
    }

    /// Caches the time in `text` up to `rest`, unless it is too long.
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
                // Fill all slots: an empty slot would match NUL bytes.
                new.times = [(text, second); TimeCache::TIMES];
                *self = new;
            }
            return;
        }
        if let Some(text) = self.text(text) {
            self.times[TimeCache::index(text)] = (text, second);
        }
    }

    /// The start of `text`, cut to the length of the cached times.
    #[inline(always)]
    fn text(&self, text: &[u8]) -> Option<[u64; TimeCache::WORDS]> {
        let chunk = text.first_chunk::<{ 8 * TimeCache::WORDS }>()?;
        let word =
            |word: usize| chunk[8 * word..].first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes));
        let mask = &self.mask;
        // A loop would not be inlined.
        Some([word(0) & mask[0], word(1) & mask[1], word(2) & mask[2], word(3) & mask[3]])
    }

    /// The slot of a text. The seconds of a time are in its second or third
    /// word.
    #[inline(always)]
    fn index(text: [u64; TimeCache::WORDS]) -> usize {
        let mixed = (text[1] ^ text[2].rotate_left(32)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        (mixed >> 60) as usize
    }
}
