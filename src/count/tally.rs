//! The names (hosts or sections) of one window with their counts: the top
//! names, the sum of the others, and a cap on the number of names.
//!
//! An open-addressing hash table, at most half full, holds indexes into a list
//! of entries in order of arrival. Most requests find their name with one hash
//! and one probe, spelled exactly as before. So only a new spelling is checked
//! for bytes that are shown as U+FFFD.
//!
//! The hash key is random in each run of the program, and changes when a probe
//! gets long, so clients cannot choose names that collide.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::hash::BuildHasher;

use foldhash::fast::RandomState;

use crate::count::Numbers;
use crate::count::client_names::{Key, MAX_NAME, REPLACED, compare_shown, is_printable, stored};

/// A probe this long gives the table a new hash key. In a table that is half
/// full, chance makes one less than once in as many names as a table can hold.
const LONGEST_PROBE: usize = 128;

/// Up to this many top names are kept in a sorted prefix during one pass over
/// all names. With many names of equal counts this saves 5 % of the whole
/// program's time, compared with selecting them.
const FEW: usize = 16;

/// The names of one window with their counts.
#[derive(Debug, Default)]
pub struct Tally {
    /// How many names are counted separately.
    cap: usize,
    hashing: RandomState,
    /// The hash table. A slot is 0 if it is free; otherwise its low bits are an
    /// entry's index plus 1, and its high bits (the tag) are the highest bits
    /// of the hash.
    slots: Vec<u32>,
    entries: Vec<Entry>,
    /// The names longer than a key, one after the other.
    text: Vec<u8>,
    /// The counts of new names that came when the tally was full.
    capped: Numbers,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    key: [u8; Key::WHOLE],
    /// The start of the name in `text`, if the name is longer than its key.
    start: u32,
    length: u8,
    /// Whether the name contains [`REPLACED`].
    is_replaced: bool,
    numbers: Numbers,
}

/// The free slot at which the search for a new name ended.
struct FreeSlot {
    at: usize,
    probe: usize,
    tag: u32,
}

/// The top names and the sum of the others.
#[derive(Debug)]
pub struct Ranking<'a> {
    /// The top names as shown, with their counts.
    pub listed: Vec<(Cow<'a, str>, Numbers)>,
    /// How many names are not listed. Names above the cap are not included.
    pub distinct: u64,
    /// The counts of everything that is not listed, names above the cap
    /// included.
    pub other: Numbers,
    /// Whether there were more names than the cap.
    pub capped: bool,
}

impl Tally {
    /// The bits of a slot that hold the index.
    const INDEX: u32 = (1 << 17) - 1;
    const FIRST_SLOTS: usize = 16;

    /// A tally of at most `cap` names, which is at most 131,070.
    #[must_use]
    pub fn with_cap(cap: usize) -> Tally {
        Tally { cap, ..Tally::default() }
    }

    /// Counts a request for the name `raw`. A new name above the cap is counted
    /// with the others.
    ///
    /// The numbers are separate parameters because a struct would be passed in
    /// memory.
    #[inline(always)]
    pub fn count(&mut self, raw: &[u8], server_errors: u64, bytes: u64) {
        let raw = &raw[..raw.len().min(MAX_NAME)];
        let key = Key::of(raw);
        match self.find(raw, key) {
            Ok(index) => self.entries[index].numbers.count(server_errors, bytes),
            Err(free) if is_printable(raw) => self.count_new(raw, false, &free, server_errors, bytes),
            Err(_) => self.count_replaced(raw, server_errors, bytes),
        }
    }

    /// The index of the name's entry, or the free slot for it.
    #[inline(always)]
    fn find(&self, name: &[u8], key: Key) -> Result<usize, FreeSlot> {
        let (at, tag) = self.hash(name, key);
        let mask = self.slots.len().wrapping_sub(1);
        let mut probe = 0;
        loop {
            let at = (at + probe) & mask;
            // The table is empty before the first name.
            let Some(&slot) = self.slots.get(at) else { return Err(FreeSlot { at: 0, probe, tag }) };
            if slot == 0 {
                return Err(FreeSlot { at, probe, tag });
            }
            if slot & !Tally::INDEX == tag {
                let index = (slot & Tally::INDEX) as usize - 1;
                let entry = &self.entries[index];
                let is_it = Key::from_bytes(entry.key) == key && usize::from(entry.length) == name.len();
                if is_it && (name.len() <= Key::WHOLE || self.name(entry) == name) {
                    return Ok(index);
                }
            }
            probe += 1;
        }
    }

    /// The first slot to search, and the tag.
    #[inline(always)]
    fn hash(&self, name: &[u8], key: Key) -> (usize, u32) {
        let hash = if name.len() <= Key::WHOLE {
            self.hashing.hash_one(key)
        } else {
            self.hashing.hash_one(Bytes(name))
        };
        ((hash & 0xFFFF_FFFF) as usize, (hash >> 32) as u32 & !Tally::INDEX)
    }

    /// Counts a name that may contain bytes that are shown as U+FFFD.
    #[cold]
    fn count_replaced(&mut self, raw: &[u8], server_errors: u64, bytes: u64) {
        let mut buffer = [0; MAX_NAME];
        let name = stored(raw, &mut buffer);
        let key = Key::of(name);
        match self.find(name, key) {
            Ok(index) => self.entries[index].numbers.count(server_errors, bytes),
            Err(free) => {
                let is_replaced = name.contains(&REPLACED);
                self.count_new(name, is_replaced, &free, server_errors, bytes);
            }
        }
    }

    #[inline(never)]
    fn count_new(&mut self, name: &[u8], is_replaced: bool, free: &FreeSlot, server_errors: u64, bytes: u64) {
        if self.entries.len() >= self.cap {
            self.capped.count(server_errors, bytes);
            return;
        }
        let start = u32::try_from(self.text.len()).unwrap_or(u32::MAX);
        if name.len() > Key::WHOLE {
            self.text.extend_from_slice(name);
        }
        self.entries.push(Entry {
            key: Key::of(name).to_bytes(),
            start,
            length: u8::try_from(name.len()).unwrap_or(u8::MAX),
            is_replaced,
            numbers: Numbers { requests: 1, server_errors, bytes },
        });
        if self.entries.len() * 2 <= self.slots.len() && free.probe < LONGEST_PROBE {
            self.slots[free.at] = free.tag | u32::try_from(self.entries.len()).unwrap_or(0);
        } else {
            while !self.rehash() {}
        }
    }

    /// Resizes the table to at most half full, with a new hash key. Returns `false` if a
    /// probe gets too long; the caller then tries again with another key.
    #[cold]
    fn rehash(&mut self) -> bool {
        let room = (self.entries.len() * 4).next_power_of_two().max(Tally::FIRST_SLOTS);
        self.hashing = RandomState::default();
        self.slots.clear();
        self.slots.resize(room, 0);
        (0..self.entries.len()).all(|index| self.insert(index))
    }

    /// Puts the entry at `index` into the table. Returns `false` if the probe
    /// gets too long.
    fn insert(&mut self, index: usize) -> bool {
        let entry = &self.entries[index];
        let (at, tag) = self.hash(self.name(entry), Key::from_bytes(entry.key));
        let mask = self.slots.len() - 1;
        let free = (at..at + LONGEST_PROBE).map(|at| at & mask).find(|&at| self.slots[at] == 0);
        if let Some(free) = free {
            self.slots[free] = tag | (u32::try_from(index).unwrap_or(0) + 1);
        }
        free.is_some()
    }

    #[inline(always)]
    fn name<'a>(&'a self, entry: &'a Entry) -> &'a [u8] {
        let length = usize::from(entry.length);
        if length <= Key::WHOLE { &entry.key[..length] } else { &self.text[entry.start as usize..][..length] }
    }

    /// The `top` names (0 = all) by requests, descending, then by name.
    #[must_use]
    pub fn rank(&self, top: usize) -> Ranking<'_> {
        let top = if top == 0 { self.entries.len() } else { top };
        let mut entries: Vec<&Entry> = self.entries.iter().collect();
        if top > FEW {
            if top < entries.len() {
                entries.select_nth_unstable_by(top, |a, b| self.order(a, b));
            }
            let count = top.min(entries.len());
            entries[..count].sort_unstable_by(|a, b| self.order(a, b));
        } else {
            self.sort_few(&mut entries, top);
        }
        let (listed, rest) = entries.split_at(top.min(entries.len()));
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

    /// Moves the first `top` of `entries` to the front, sorted: one pass
    /// inserts each entry into the sorted prefix if it belongs there.
    fn sort_few(&self, entries: &mut [&Entry], top: usize) {
        for index in 1..entries.len() {
            let entry = entries[index];
            let mut place = index;
            if index >= top {
                place = top - 1;
                let last = entries[place];
                let is_before = entry.numbers.requests > last.numbers.requests
                    || (entry.numbers.requests == last.numbers.requests && self.order(entry, last).is_lt());
                if !is_before {
                    continue;
                }
                entries[index] = last;
            }
            while place > 0 && self.order(entry, entries[place - 1]).is_lt() {
                entries[place] = entries[place - 1];
                place -= 1;
            }
            entries[place] = entry;
        }
    }

    fn order(&self, a: &Entry, b: &Entry) -> Ordering {
        b.numbers.requests.cmp(&a.numbers.requests).then_with(|| self.compare(a, b))
    }

    fn shown<'a>(&'a self, entry: &'a Entry) -> Cow<'a, str> {
        let name = self.name(entry);
        std::str::from_utf8(name).map_or_else(|_| String::from_utf8_lossy(name), Cow::Borrowed)
    }

    /// Orders two names by the text that is shown, byte by byte.
    fn compare(&self, a: &Entry, b: &Entry) -> Ordering {
        if a.is_replaced || b.is_replaced {
            return compare_shown(self.name(a), self.name(b));
        }
        // Most names differ within their first eight bytes.
        let heads = Key::from_bytes(a.key).head().cmp(&Key::from_bytes(b.key).head());
        heads.then_with(|| self.name(a).cmp(self.name(b)))
    }

    /// Removes all names, and frees the memory if far more of it was allocated
    /// than used.
    pub fn clear(&mut self) {
        if self.slots.len() > 64 && self.entries.len() * 16 < self.slots.len() {
            *self = Tally { cap: self.cap, hashing: self.hashing.clone(), ..Tally::default() };
        }
        self.slots.fill(0);
        self.entries.clear();
        self.text.clear();
        self.capped = Numbers::default();
    }
}

/// Hashes the bytes alone; the hash of a slice would start with its length.
struct Bytes<'a>(&'a [u8]);

impl std::hash::Hash for Bytes<'_> {
    #[inline(always)]
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        state.write(self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::count::client_names::shown;

    fn tally(names: &[&[u8]]) -> Tally {
        let mut tally = Tally::with_cap(100_000);
        for name in names {
            tally.count(name, 0, 0);
        }
        tally
    }

    /// All names with their requests.
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
        let mut once = Tally::with_cap(1000);
        for name in &names {
            let mut buffer = [0; MAX_NAME];
            let stored = stored(name.as_bytes(), &mut buffer);
            if once.find(stored, Key::of(stored)).is_err() {
                once.count(name.as_bytes(), 0, 0);
            }
        }
        let found: Vec<String> = ranked(&once).into_iter().map(|(name, _)| name).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn a_new_name_above_the_cap_is_counted_with_the_others() {
        let mut tally = Tally::with_cap(2);
        for name in [b"a", b"b", b"c", b"a", b"d"] {
            tally.count(name, 0, 0);
        }
        let ranking = tally.rank(1);
        assert_eq!((&*ranking.listed[0].0, ranking.listed[0].1.requests), ("a", 2));
        assert_eq!((ranking.distinct, ranking.other.requests, ranking.capped), (1, 3, true));
        tally.clear();
        assert_eq!(ranked(&tally), []);
    }

    #[test]
    fn names_up_to_the_cap_are_counted_separately() {
        let mut tally = Tally::with_cap(100_000);
        for round in 0..2 {
            for number in 0..100_000 {
                tally.count(number.to_string().as_bytes(), 0, 0);
            }
            assert_eq!(tally.entries.len(), 100_000, "round {round}");
        }
        assert!(tally.entries.iter().all(|entry| entry.numbers.requests == 2));
    }

    #[test]
    fn a_table_without_free_slots_gets_another_hash_key() {
        let mut tally = tally(&[b"a", b"b"]);
        tally.slots.resize(65_536, 0);
        tally.slots.fill(1);
        tally.slots[0] = 0;
        tally.count(b"c", 0, 0);
        assert_eq!(ranked(&tally), [("a".to_owned(), 1), ("b".to_owned(), 1), ("c".to_owned(), 1)]);
    }

    #[test]
    fn the_top_names_are_those_of_a_full_sort() {
        for length in 0..50_usize {
            let mut tally = Tally::with_cap(100);
            let mut sorted = Vec::new();
            for index in 0..length {
                let (name, requests) = (format!("{}", index * 29 % 53), index * 37 % 7 + 1);
                (0..requests).for_each(|_| tally.count(name.as_bytes(), 0, 0));
                sorted.push((std::cmp::Reverse(requests as u64), name));
            }
            sorted.sort_unstable();
            for top in 1..=length + 1 {
                let ranking = tally.rank(top);
                let listed: Vec<_> = ranking
                    .listed
                    .iter()
                    .map(|(name, numbers)| (std::cmp::Reverse(numbers.requests), name.to_string()))
                    .collect();
                let (first, rest) = sorted.split_at(top.min(length));
                assert_eq!(listed, first, "{top} of {length}");
                let others: u64 = rest.iter().map(|(requests, _)| requests.0).sum();
                assert_eq!((ranking.distinct, ranking.other.requests), (rest.len() as u64, others));
            }
        }
    }
}
