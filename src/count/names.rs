//! The names that clients send in one window, and the numbers of each: bounded
//! in number and length.
//!
//! A name is found with one hash and one probe: an open table of places, at
//! most half full, whose entries lie in the order in which they came. Nearly
//! always the name of a record is there already and as it was written then; so
//! whether it shows as it is written is only asked of a new one.
//!
//! The hash is keyed at random for each run of the program, and anew when a
//! probe gets long: no client can choose names that collide.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::hash::BuildHasher;

use foldhash::fast::RandomState;

use crate::bits::{HIGHEST, LOWEST, Unshown, below, unshown};
use crate::count::Numbers;

/// Names are cut at this many bytes.
pub const MAX_NAME: usize = 128;

/// Stands in a stored name for U+FFFD, which is three bytes: no UTF-8 text has
/// this byte, and `String::from_utf8_lossy` shows it as that character.
const REPLACED: u8 = 0xFF;

/// A table half full has probes of this length once in more names than a table
/// can hold, unless somebody chooses them.
const LONGEST_PROBE: usize = 128;

/// The names of one window and their numbers.
#[derive(Debug, Default)]
pub struct Tally {
    hashing: RandomState,
    /// 0, or one more than an entry's index and the highest bits of its hash.
    places: Vec<u32>,
    entries: Vec<Entry>,
    /// The names that are longer than a key, one after the other.
    text: Vec<u8>,
    /// What came with a new name when there was no more room.
    capped: Numbers,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    key: [u8; Key::WHOLE],
    /// Where its name starts in `text`, if it isn't all in its key.
    start: u32,
    length: u8,
    /// Whether the name holds [`REPLACED`].
    is_replaced: bool,
    numbers: Numbers,
}

/// Where the entry of a name is, or where its place would be.
enum Found {
    Entry(usize),
    Free { at: usize, probe: usize, tag: u32 },
}

/// The names with the most requests, and all others together.
#[derive(Debug)]
pub struct Ranking<'a> {
    /// The names, as shown, and their numbers.
    pub listed: Vec<(Cow<'a, str>, Numbers)>,
    /// How many names are not listed, without those that came too late to be
    /// counted one by one.
    pub distinct: u64,
    /// The numbers of all that is not listed.
    pub other: Numbers,
    /// Whether there were more names than are counted one by one.
    pub capped: bool,
}

impl Tally {
    /// The low bits of a place.
    const INDEX: u32 = (1 << 17) - 1;
    const FIRST_PLACES: usize = 16;

    /// Adds `numbers` to those of the name that `raw` shows as; if it is new
    /// and there are `cap` names, at most 131,070, to the others'.
    #[inline(always)]
    pub fn count(&mut self, raw: &[u8], numbers: Numbers, cap: usize) {
        let raw = &raw[..raw.len().min(MAX_NAME)];
        let key = Key::of(raw);
        match self.find(raw, key) {
            Found::Entry(index) => self.entries[index].numbers.add(numbers),
            Found::Free { at, probe, tag } if is_printable(raw) => {
                self.count_new(raw, key, (at, probe, tag), numbers, cap);
            }
            Found::Free { .. } => self.count_odd(raw, numbers, cap),
        }
    }

    #[inline(always)]
    fn find(&self, name: &[u8], key: Key) -> Found {
        let (at, tag) = self.hash(name, key);
        let mask = self.places.len().wrapping_sub(1);
        let mut probe = 0;
        loop {
            let at = (at + probe) & mask;
            // None is there before the first name.
            let Some(&place) = self.places.get(at) else { return Found::Free { at: 0, probe, tag } };
            if place == 0 {
                return Found::Free { at, probe, tag };
            }
            if place & !Tally::INDEX == tag {
                let index = (place & Tally::INDEX) as usize - 1;
                let entry = &self.entries[index];
                let is_it = Key::from_bytes(entry.key) == key && usize::from(entry.length) == name.len();
                if is_it && (name.len() <= Key::WHOLE || self.name(entry) == name) {
                    return Found::Entry(index);
                }
            }
            probe += 1;
        }
    }

    /// Where to look for a name first, and what its place has in its high bits.
    #[inline(always)]
    fn hash(&self, name: &[u8], key: Key) -> (usize, u32) {
        let hash = if name.len() <= Key::WHOLE {
            self.hashing.hash_one(key)
        } else {
            self.hashing.hash_one(Bytes(name))
        };
        ((hash & 0xFFFF_FFFF) as usize, (hash >> 32) as u32 & !Tally::INDEX)
    }

    /// Counts what may not be shown as it is written.
    #[cold]
    fn count_odd(&mut self, raw: &[u8], numbers: Numbers, cap: usize) {
        let mut buffer = [0; MAX_NAME];
        let name = stored(raw, &mut buffer);
        let key = Key::of(name);
        match self.find(name, key) {
            Found::Entry(index) => self.entries[index].numbers.add(numbers),
            Found::Free { at, probe, tag } => self.count_new(name, key, (at, probe, tag), numbers, cap),
        }
    }

    #[inline(never)]
    fn count_new(
        &mut self,
        name: &[u8],
        key: Key,
        (at, probe, tag): (usize, usize, u32),
        numbers: Numbers,
        cap: usize,
    ) {
        if self.entries.len() >= cap {
            self.capped.add(numbers);
            return;
        }
        let start = u32::try_from(self.text.len()).unwrap_or(u32::MAX);
        if name.len() > Key::WHOLE {
            self.text.extend_from_slice(name);
        }
        self.entries.push(Entry {
            key: key.to_bytes(),
            start,
            length: u8::try_from(name.len()).unwrap_or(u8::MAX),
            is_replaced: name.contains(&REPLACED),
            numbers,
        });
        if self.entries.len() * 2 <= self.places.len() && probe < LONGEST_PROBE {
            self.places[at] = tag | u32::try_from(self.entries.len()).unwrap_or(0);
        } else {
            while !self.place_all() {}
        }
    }

    /// Gives all entries places by another hash, with as much room again;
    /// `false` if that takes too long a probe.
    #[cold]
    fn place_all(&mut self) -> bool {
        let room = (self.entries.len() * 4).next_power_of_two().max(Tally::FIRST_PLACES);
        self.hashing = RandomState::default();
        self.places.clear();
        self.places.resize(room, 0);
        (0..self.entries.len()).all(|index| self.place(index))
    }

    /// Gives the entry at `index` a place; `false` if that takes too long a probe.
    fn place(&mut self, index: usize) -> bool {
        let entry = &self.entries[index];
        let (at, tag) = self.hash(self.name(entry), Key::from_bytes(entry.key));
        let mask = self.places.len() - 1;
        let free = (at..at + LONGEST_PROBE).map(|at| at & mask).find(|&at| self.places[at] == 0);
        if let Some(free) = free {
            self.places[free] = tag | (u32::try_from(index).unwrap_or(0) + 1);
        }
        free.is_some()
    }

    #[inline(always)]
    fn name<'a>(&'a self, entry: &'a Entry) -> &'a [u8] {
        let length = usize::from(entry.length);
        if length <= Key::WHOLE { &entry.key[..length] } else { &self.text[entry.start as usize..][..length] }
    }

    /// The `top` names (0: all) by requests, then by name, and the rest.
    #[must_use]
    pub fn rank(&self, top: usize) -> Ranking<'_> {
        let order = |a: &&Entry, b: &&Entry| {
            b.numbers.requests.cmp(&a.numbers.requests).then_with(|| self.compare(a, b))
        };
        let mut entries: Vec<&Entry> = self.entries.iter().collect();
        let count = if top == 0 { entries.len() } else { top.min(entries.len()) };
        sort_first(&mut entries, count, order);
        let (listed, rest) = entries.split_at(count);
        let mut other = self.capped;
        for entry in rest {
            other.add(entry.numbers);
        }
        Ranking {
            listed: listed.iter().map(|entry| (self.shown(entry), entry.numbers)).collect(),
            distinct: rest.len() as u64,
            other,
            capped: self.capped.requests > 0,
        }
    }

    fn shown<'a>(&'a self, entry: &'a Entry) -> Cow<'a, str> {
        String::from_utf8_lossy(self.name(entry))
    }

    /// Compares two names as they are shown, byte by byte.
    fn compare(&self, a: &Entry, b: &Entry) -> Ordering {
        if a.is_replaced || b.is_replaced {
            return compare_shown(self.name(a), self.name(b));
        }
        // Most differ within their keys.
        let heads = Key::from_bytes(a.key).head().cmp(&Key::from_bytes(b.key).head());
        heads.then_with(|| self.name(a).cmp(self.name(b)))
    }

    /// Forgets all names, and the memory of many.
    pub fn clear(&mut self) {
        if self.places.len() > 64 && self.entries.len() * 16 < self.places.len() {
            *self = Tally { hashing: self.hashing.clone(), ..Tally::default() };
        }
        self.places.fill(0);
        self.entries.clear();
        self.text.clear();
        self.capped = Numbers::default();
    }
}

/// Hashed by its bytes alone: a slice's own hash has its length in front.
struct Bytes<'a>(&'a [u8]);

impl std::hash::Hash for Bytes<'_> {
    #[inline(always)]
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        state.write(self.0);
    }
}

/// A name of up to 16 bytes, filled up with zeros; of a longer one the first
/// and the last eight bytes.
///
/// Two words, as these compare in registers: bytes would be put into memory for
/// it, and a read of 16 waits for two writes of eight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Key(u64, u64);

impl Key {
    const WHOLE: usize = 16;

    /// The ends of a name overlap unless it has twice their length, so that
    /// shifting the second one puts it where it belongs, without a loop.
    #[inline(always)]
    fn of(name: &[u8]) -> Key {
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

    fn to_bytes(self) -> [u8; Key::WHOLE] {
        self.word().to_le_bytes()
    }

    #[inline(always)]
    #[expect(clippy::cast_possible_truncation, reason = "it is one half, then the other")]
    fn from_bytes(bytes: [u8; Key::WHOLE]) -> Key {
        let word = u128::from_le_bytes(bytes);
        Key(word as u64, (word >> 64) as u64)
    }

    /// The first bytes, so that they compare as the name does.
    fn head(self) -> u64 {
        self.0.swap_bytes()
    }
}

impl std::hash::Hash for Key {
    #[inline(always)]
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        state.write_u128(self.word());
    }
}

/// Brings the first `count` of `items`, by `order`, to the front, sorted.
fn sort_first<T>(items: &mut [T], count: usize, order: impl Fn(&T, &T) -> Ordering) {
    /// So few are sooner kept sorted while the others are looked at: of many
    /// names with as many requests each, 5 % of the whole program's time.
    const FEW: usize = 16;
    let are_many = count > FEW;
    if are_many && count < items.len() {
        items.select_nth_unstable_by(count, &order);
    }
    let (first, rest) = items.split_at_mut(count);
    first.sort_unstable_by(&order);
    if are_many {
        return;
    }
    for item in rest {
        let Some(last) = first.last_mut() else { return };
        if order(item, last).is_lt() {
            std::mem::swap(item, last);
            let mut index = count - 1;
            while index != 0 && order(&first[index], &first[index - 1]).is_lt() {
                first.swap(index, index - 1);
                index -= 1;
            }
        }
    }
}

/// Whether all of `raw` is printable ASCII.
fn is_printable(raw: &[u8]) -> bool {
    // One more than the highest printable byte has the highest bit.
    let odd = |word: u64| below(word, b' ') | (word | word.wrapping_add(LOWEST)) & HIGHEST;
    match raw.last_chunk::<8>() {
        Some(last) => {
            let words = raw.chunks_exact(8).map(|bytes| bytes.try_into().map_or(0, u64::from_le_bytes));
            words.chain([u64::from_le_bytes(*last)]).all(|word| odd(word) == 0)
        }
        None => raw.iter().all(|byte| matches!(byte, b' '..=b'~')),
    }
}

/// The form in which `raw` is stored: equal if it is shown equal.
fn stored<'a>(raw: &[u8], buffer: &'a mut [u8; MAX_NAME]) -> &'a [u8] {
    buffer[..raw.len()].copy_from_slice(raw);
    let Unshown { mut starts, rest } = unshown(buffer, raw.len());
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

/// Compares two stored names as they are shown.
fn compare_shown(one: &[u8], other: &[u8]) -> Ordering {
    let Some(at) = one.iter().zip(other).position(|(a, b)| a != b) else {
        return one.len().cmp(&other.len());
    };
    // The first bytes of what is shown there: of U+FFFD all three may be needed.
    let shown = |name: &[u8]| match name[at..] {
        [REPLACED, ..] => [0xEF, 0xBF, 0xBD],
        [a, b, c, ..] => [a, b, c],
        [a, ..] => [a, 0, 0],
        [] => [0; 3],
    };
    shown(one).cmp(&shown(other))
}

/// Whether `character` could do harm on a terminal or in a log.
fn is_control(character: char) -> bool {
    character.is_control() || matches!(character, '\u{2028}' | '\u{2029}')
}

/// A name as it is shown: U+FFFD for what isn't UTF-8, as
/// [`String::from_utf8_lossy`] has it, and for each control character.
#[must_use]
pub fn shown(raw: &[u8]) -> String {
    let text = String::from_utf8_lossy(raw);
    text.chars().map(|c| if is_control(c) { char::REPLACEMENT_CHARACTER } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: Numbers = Numbers { requests: 1, server_errors: 0, bytes: 0 };

    fn tally(names: &[&[u8]]) -> Tally {
        let mut tally = Tally::default();
        for name in names {
            tally.count(name, ONE, 100_000);
        }
        tally
    }

    /// The names and requests of a whole tally.
    fn ranked(tally: &Tally) -> Vec<(String, u64)> {
        let ranking = tally.rank(0);
        ranking.listed.into_iter().map(|(name, numbers)| (name.into_owned(), numbers.requests)).collect()
    }

    #[test]
    fn names_are_the_same_if_they_show_the_same() {
        let same = [
            &b"/a\xFFb"[..],
            b"/a\x07b",
            "/a\u{FFFD}b".as_bytes(),
            b"/a\x80b",
            "/a\u{2028}b".as_bytes(),
            b"/a\x7Fb",
        ];
        assert_eq!(ranked(&tally(&same)), [("/a\u{FFFD}b".to_owned(), 6)]);
        assert_eq!(ranked(&tally(&[b"/a\xFFb", b"/ab"])).len(), 2);
    }

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

    #[test]
    fn a_name_is_cut_at_128_bytes_even_inside_a_character() {
        let long = format!("{}é", "x".repeat(127));
        assert_eq!(ranked(&tally(&[long.as_bytes()])), [(format!("{}\u{FFFD}", "x".repeat(127)), 1)]);
    }

    #[test]
    fn names_of_any_length_are_told_apart_where_they_differ() {
        let mut names = Vec::new();
        for length in 0..40 {
            names.push(vec![b'a'; length]);
            for index in 0..length {
                names.push(vec![b'a'; length]);
                names.last_mut().expect("just pushed")[index] = b'b';
            }
        }
        let twice: Vec<&[u8]> = names.iter().chain(&names).map(Vec::as_slice).collect();
        let ranked = ranked(&tally(&twice));
        assert_eq!(ranked.len(), names.len());
        assert!(ranked.iter().all(|&(_, requests)| requests == 2));
    }

    #[test]
    fn names_are_ordered_as_they_are_shown() {
        let parts =
            ["", "a", "\u{7F}", "é", "\u{EFFF}", "\u{F000}", "\u{FFFC}", "\u{FFFD}", "\u{FFFE}", "\u{10000}"];
        let names: Vec<String> =
            parts.iter().flat_map(|a| parts.iter().map(move |b| format!("{a}{b}"))).collect();
        let mut expected: Vec<String> = names.iter().map(|name| shown(name.as_bytes())).collect();
        expected.sort_unstable();
        expected.dedup();
        let mut once = Tally::default();
        for name in &names {
            let mut buffer = [0; MAX_NAME];
            let stored = stored(name.as_bytes(), &mut buffer);
            if matches!(once.find(stored, Key::of(stored)), Found::Free { .. }) {
                once.count(name.as_bytes(), ONE, 1000);
            }
        }
        let found: Vec<String> = ranked(&once).into_iter().map(|(name, _)| name).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn a_new_name_above_the_cap_is_counted_with_the_others() {
        let mut tally = Tally::default();
        for name in [b"a", b"b", b"c", b"a", b"d"] {
            tally.count(name, ONE, 2);
        }
        let ranking = tally.rank(1);
        assert_eq!((&*ranking.listed[0].0, ranking.listed[0].1.requests), ("a", 2));
        assert_eq!((ranking.distinct, ranking.other.requests, ranking.capped), (1, 3, true));
        tally.clear();
        assert_eq!(ranked(&tally), []);
    }

    #[test]
    fn as_many_names_as_may_be_are_counted_one_by_one() {
        let mut tally = Tally::default();
        for round in 0..2 {
            for number in 0..100_000 {
                tally.count(number.to_string().as_bytes(), ONE, 100_000);
            }
            assert_eq!(tally.entries.len(), 100_000, "round {round}");
        }
        assert!(tally.entries.iter().all(|entry| entry.numbers.requests == 2));
    }

    #[test]
    fn places_that_are_all_taken_make_another_hash() {
        let mut tally = tally(&[b"a", b"b"]);
        tally.places.resize(65_536, 0);
        tally.places.fill(1);
        tally.places[0] = 0;
        tally.count(b"c", ONE, 10);
        assert_eq!(ranked(&tally), [("a".to_owned(), 1), ("b".to_owned(), 1), ("c".to_owned(), 1)]);
    }

    #[test]
    fn the_first_are_the_first_however_many_are_wanted() {
        for length in 0..50_usize {
            let items: Vec<(usize, usize)> =
                (0..length).map(|index| (index * 37 % 7, index * 29 % 53)).collect();
            let mut sorted = items.clone();
            sorted.sort_unstable();
            for count in 0..=length {
                let mut found = items.clone();
                sort_first(&mut found, count, Ord::cmp);
                assert_eq!(found[..count], sorted[..count], "{count} of {length}");
                found.sort_unstable();
                assert_eq!(found, sorted, "none is lost");
            }
        }
    }
}
