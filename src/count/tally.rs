//! A table of the names that clients send in one window, with the counts of
//! each. The number of names is bounded.
//!
//! A name is found with one hash and one probe: an open-addressing table of
//! indexes, at most half full, into entries in order of arrival. Nearly always
//! the name is there already, spelt the same; so only a new name is checked for
//! characters that are shown differently.
//!
//! The hash key is random for each run of the program, and changes when a probe
//! gets long, so no client can choose names that collide.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::hash::BuildHasher;

use foldhash::fast::RandomState;

use crate::count::Numbers;
use crate::count::client_names::{Key, MAX_NAME, REPLACED, compare_shown, is_printable, stored};

/// A table half full has probes of this length once in more names than a table
/// can hold, unless somebody chooses them.
const LONGEST_PROBE: usize = 128;

/// So few of the names are sooner kept sorted while the others are looked at
/// than selected: of many with as many requests each, 5 % of the whole program's
/// time.
const FEW: usize = 16;

/// The names of one window and their numbers.
#[derive(Debug, Default)]
pub struct Tally {
    /// How many names are counted one by one.
    cap: usize,
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

/// Where the place of a name would be that has none.
struct Free {
    at: usize,
    probe: usize,
    tag: u32,
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

    /// A tally that counts `cap` names one by one, at most 131,070.
    #[must_use]
    pub fn with_cap(cap: usize) -> Tally {
        Tally { cap, ..Tally::default() }
    }

    /// Counts a request for the name that `raw` shows as; if it is new and there
    /// is no room for it, for the others.
    ///
    /// The numbers come one by one: together they would be put into memory.
    #[inline(always)]
    pub fn count(&mut self, raw: &[u8], server_errors: u64, bytes: u64) {
        let raw = &raw[..raw.len().min(MAX_NAME)];
        let key = Key::of(raw);
        match self.find(raw, key) {
            Ok(index) => self.entries[index].numbers.count(server_errors, bytes),
            Err(free) if is_printable(raw) => self.count_new(raw, false, &free, server_errors, bytes),
            Err(_) => self.count_odd(raw, server_errors, bytes),
        }
    }

    /// The index of a name's entry.
    #[inline(always)]
    fn find(&self, name: &[u8], key: Key) -> Result<usize, Free> {
        let (at, tag) = self.hash(name, key);
        let mask = self.places.len().wrapping_sub(1);
        let mut probe = 0;
        loop {
            let at = (at + probe) & mask;
            // None is there before the first name.
            let Some(&place) = self.places.get(at) else { return Err(Free { at: 0, probe, tag }) };
            if place == 0 {
                return Err(Free { at, probe, tag });
            }
            if place & !Tally::INDEX == tag {
                let index = (place & Tally::INDEX) as usize - 1;
                let entry = &self.entries[index];
                let is_it = Key::from_bytes(entry.key) == key && usize::from(entry.length) == name.len();
                if is_it && (name.len() <= Key::WHOLE || self.name(entry) == name) {
                    return Ok(index);
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
    fn count_odd(&mut self, raw: &[u8], server_errors: u64, bytes: u64) {
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
    fn count_new(&mut self, name: &[u8], is_replaced: bool, free: &Free, server_errors: u64, bytes: u64) {
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
        if self.entries.len() * 2 <= self.places.len() && free.probe < LONGEST_PROBE {
            self.places[free.at] = free.tag | u32::try_from(self.entries.len()).unwrap_or(0);
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

    /// Brings the first `top` of `entries` to the front, sorted: they are kept
    /// so while the others are looked at.
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
            *self = Tally { cap: self.cap, hashing: self.hashing.clone(), ..Tally::default() };
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
    fn as_many_names_as_may_be_are_counted_one_by_one() {
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
    fn places_that_are_all_taken_make_another_hash() {
        let mut tally = tally(&[b"a", b"b"]);
        tally.places.resize(65_536, 0);
        tally.places.fill(1);
        tally.places[0] = 0;
        tally.count(b"c", 0, 0);
        assert_eq!(ranked(&tally), [("a".to_owned(), 1), ("b".to_owned(), 1), ("c".to_owned(), 1)]);
    }

    #[test]
    fn the_first_are_the_first_however_many_are_wanted() {
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
