//! Names that clients send -> small numbers, bounded in number and length.
//!
//! A name outlives the windows that it occurs in, so that the next window
//! finds it with one look; but only names that occur in an open window are
//! held against the bound. In each open window that it occurs in, a name has a
//! seat: the place of its numbers there. The numbers are the summary's matter.
//!
//! A name's way to its seat: `recent` for what occurs again in its window; else
//! its entry; and that by `ids`, for what is new or seldom. New names only make
//! a line cost about three times as much (`scripts/hostile`).

use std::borrow::Cow;
use std::cmp::Ordering;
use std::collections::{HashMap, hash_map};
use std::hash::{BuildHasher, BuildHasherDefault, Hasher, RandomState};

use crate::bits::{HIGHEST, LOWEST, below};

/// Names are cut at this many bytes.
pub const MAX_NAME: usize = 128;

/// Stands in a stored name for U+FFFD, which is three bytes: no UTF-8 text has
/// this byte, and `String::from_utf8_lossy` shows it as that character.
const REPLACED: u8 = 0xFF;

/// A name's number; it is the same while the name occurs in an open window.
pub type NameId = u32;

/// An open window, to names: a number that never comes again; 0 is none.
///
/// The records of a log mostly go to two neighbours: an even one and an odd one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct WindowKey(u64);

impl WindowKey {
    const NONE: WindowKey = WindowKey(0);

    /// The key of the window that is opened after this one.
    #[must_use]
    pub fn next(self) -> WindowKey {
        WindowKey(self.0 + 1)
    }

    /// The place of the last seat in a window that is even as this one, or odd.
    fn near(self) -> usize {
        usize::from(self.0 % 2 == 1)
    }
}

/// A set of names of at most `cap` that are in use, and some that were.
#[derive(Debug)]
pub struct Names {
    cap: usize,
    /// Keyed at random: no client can choose names that collide.
    hashing: RandomState,
    /// By hash; of names with one hash each further one is at the next number.
    ids: HashMap<u32, NameId, BuildHasherDefault<Hashed>>,
    entries: Vec<Entry>,
    free: Vec<NameId>,
    /// All names, one after the other, and some that were forgotten.
    text: Vec<u8>,
    /// Memory for a name that isn't stored as it came, and for a clean-up.
    odd: Vec<u8>,
    kept: Vec<u8>,
    in_use: usize,
    /// How many names, in use or not, set off a clean-up.
    clean_at: usize,
    /// Where names were last found, by a hash that a client may well guess: a
    /// wrong place costs a look into `ids`, no more.
    recent: Box<[Recent]>,
    /// The seats of names that have them in more windows than fit an entry.
    further_seats: HashMap<(NameId, WindowKey), u32>,
}

/// A name that was found, and its last seat in an even window and in an odd one.
#[derive(Clone, Copy, Debug)]
struct Recent {
    key: Key,
    id: NameId,
    places: [u32; 2],
    windows: [WindowKey; 2],
}

impl Recent {
    const NOTHING: Recent =
        Recent { key: Key::NONE, id: NameId::MAX, places: [0; 2], windows: [WindowKey::NONE; 2] };
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    hash: u32,
    /// Where its name starts in `text`.
    start: u32,
    length: u8,
    /// Whether the name holds [`REPLACED`].
    is_replaced: bool,
    is_free: bool,
    /// In how many open windows it has a seat.
    seats: u32,
    /// The last seat in an even window and in an odd one.
    near_windows: [WindowKey; 2],
    near_places: [u32; 2],
}

impl Entry {
    fn name<'a>(&self, text: &'a [u8]) -> &'a [u8] {
        &text[self.start as usize..][..usize::from(self.length)]
    }

    /// How many of its seats it holds itself.
    fn near_seats(&self) -> u32 {
        self.near_windows.iter().map(|&window| u32::from(window != WindowKey::NONE)).sum()
    }
}

/// How many names at least set off a clean-up.
const FIRST_CLEAN: usize = 4096;
/// So many places at most are remembered where a name was found.
const MOST_RECENT: usize = 8192;

impl Names {
    /// An empty set in which at most `cap` names can be in use.
    #[must_use]
    pub fn new(cap: usize) -> Names {
        Names {
            cap,
            hashing: RandomState::new(),
            ids: HashMap::default(),
            entries: Vec::new(),
            free: Vec::new(),
            text: Vec::new(),
            odd: Vec::new(),
            kept: Vec::new(),
            in_use: 0,
            clean_at: FIRST_CLEAN,
            recent: Box::default(),
            further_seats: HashMap::new(),
        }
    }

    /// The number of the name that `raw` shows as, and its seat in `window`: if
    /// it has none there it takes `free`. `None` if the name is new and as many
    /// are in use as may be.
    #[inline(always)]
    pub fn seat(&mut self, raw: &[u8], window: WindowKey, free: u32) -> Option<(NameId, u32)> {
        let raw = &raw[..raw.len().min(MAX_NAME)];
        let key = Key::of(raw);
        let near = window.near();
        match self.recent.get(key.place(self.recent.len())) {
            Some(recent) if recent.windows[near] == window && self.is(recent, &key, raw) => {
                Some((recent.id, recent.places[near]))
            }
            _ => self.find_seat(raw, &key, window, free),
        }
    }

    /// Whether `raw`, which has this `key`, is what was found lately. A name
    /// that is stored shows as itself.
    #[inline(always)]
    fn is(&self, recent: &Recent, key: &Key, raw: &[u8]) -> bool {
        recent.key == *key && (key.is_whole() || self.name(recent.id) == raw)
    }

    /// The name as it is stored.
    fn name(&self, id: NameId) -> &[u8] {
        self.entries[id as usize].name(&self.text)
    }

    #[inline(never)]
    fn find_seat(&mut self, raw: &[u8], key: &Key, window: WindowKey, free: u32) -> Option<(NameId, u32)> {
        let (id, is_as_it_came) = match self.recent.get(key.place(self.recent.len())) {
            Some(recent) if self.is(recent, key, raw) => (recent.id, true),
            _ => self.find_or_add(raw)?,
        };
        let entry = &self.entries[id as usize];
        if self.in_use >= self.cap && entry.seats == 0 {
            return None;
        }
        let near = window.near();
        let seat = if entry.near_windows[near] == window {
            Some(entry.near_places[near])
        } else if entry.seats > entry.near_seats() {
            self.further_seats.get(&(id, window)).copied()
        } else {
            None
        };
        let seat = seat.unwrap_or_else(|| self.take_seat(id, window, free));
        if is_as_it_came {
            let names = self.ids.len();
            let wanted = (names * 16).min(1024).max(names * 4).next_power_of_two().clamp(64, MOST_RECENT);
            if self.recent.len() < wanted {
                self.recent = vec![Recent::NOTHING; wanted].into();
            }
            let recent = &mut self.recent[key.place(self.recent.len())];
            if recent.id != id {
                *recent = Recent { key: *key, id, ..Recent::NOTHING };
            }
            recent.places[near] = seat;
            recent.windows[near] = window;
        }
        Some((id, seat))
    }

    fn take_seat(&mut self, id: NameId, window: WindowKey, place: u32) -> u32 {
        let entry = &mut self.entries[id as usize];
        self.in_use += usize::from(entry.seats == 0);
        entry.seats += 1;
        let near = window.near();
        let last = std::mem::replace(&mut entry.near_windows[near], window);
        let further = std::mem::replace(&mut entry.near_places[near], place);
        if last != WindowKey::NONE {
            self.further_seats.insert((id, last), further);
        }
        place
    }

    /// Takes the seats of a window that is closed away.
    pub fn release(&mut self, id: NameId, window: WindowKey) {
        let entry = &mut self.entries[id as usize];
        entry.seats -= 1;
        self.in_use -= usize::from(entry.seats == 0);
        let near = &mut entry.near_windows[window.near()];
        if *near == window {
            *near = WindowKey::NONE;
        } else {
            self.further_seats.remove(&(id, window));
        }
    }

    /// The name as it is shown.
    #[must_use]
    pub fn shown(&self, id: NameId) -> Cow<'_, str> {
        String::from_utf8_lossy(self.name(id))
    }

    /// Compares two names as they are shown, byte by byte.
    #[must_use]
    pub fn compare(&self, a: NameId, b: NameId) -> Ordering {
        let is_replaced = |id: NameId| self.entries[id as usize].is_replaced;
        if is_replaced(a) || is_replaced(b) {
            return compare(self.name(a), self.name(b));
        }
        self.name(a).cmp(self.name(b))
    }

    /// The number of the name, and whether it is stored as it came.
    fn find_or_add(&mut self, raw: &[u8]) -> Option<(NameId, bool)> {
        if is_printable(raw) {
            return Some((self.find_or_add_stored(raw, false)?, true));
        }
        let mut name = std::mem::take(&mut self.odd);
        store(raw, &mut name);
        let id = self.find_or_add_stored(&name, name.contains(&REPLACED));
        let is_as_it_came = name == raw;
        self.odd = name;
        Some((id?, is_as_it_came))
    }

    fn find_or_add_stored(&mut self, name: &[u8], is_replaced: bool) -> Option<NameId> {
        if self.ids.len() >= self.clean_at {
            self.clean();
        }
        let mut hasher = self.hashing.build_hasher();
        hasher.write(name);
        let hash = u32::try_from(hasher.finish() >> 32).ok()?;
        let mut slot = hash;
        let vacant = loop {
            match self.ids.entry(slot) {
                hash_map::Entry::Vacant(vacant) => break vacant,
                hash_map::Entry::Occupied(found) => {
                    let id = *found.get();
                    if self.entries[id as usize].name(&self.text) == name {
                        return Some(id);
                    }
                    slot = slot.wrapping_add(1);
                }
            }
        };
        if self.in_use >= self.cap {
            return None;
        }
        let entry = Entry {
            hash,
            start: u32::try_from(self.text.len()).ok()?,
            length: u8::try_from(name.len()).ok()?,
            is_replaced,
            is_free: false,
            seats: 0,
            near_windows: [WindowKey::NONE; 2],
            near_places: [0; 2],
        };
        let id = if let Some(id) = self.free.pop() {
            self.entries[id as usize] = entry;
            id
        } else {
            let id = NameId::try_from(self.entries.len()).ok()?;
            self.entries.push(entry);
            id
        };
        self.text.extend_from_slice(name);
        vacant.insert(id);
        Some(id)
    }

    /// Forgets the names that are not in use.
    fn clean(&mut self) {
        self.kept.clear();
        self.ids.clear();
        for (id, entry) in (0..).zip(&mut self.entries) {
            if entry.seats > 0 {
                let name = entry.name(&self.text);
                entry.start = u32::try_from(self.kept.len()).unwrap_or(u32::MAX);
                self.kept.extend_from_slice(name);
                let mut slot = entry.hash;
                while let Some(moved) = self.ids.insert(slot, id) {
                    self.ids.insert(slot, moved);
                    slot = slot.wrapping_add(1);
                }
            } else if !entry.is_free {
                entry.is_free = true;
                self.free.push(id);
            }
        }
        std::mem::swap(&mut self.text, &mut self.kept);
        self.recent.fill(Recent::NOTHING);
        self.clean_at = (self.in_use * 4).clamp(FIRST_CLEAN, self.cap + self.cap / 8);
    }
}

/// A hash that is one already.
#[derive(Debug, Default)]
struct Hashed(u64);

impl Hasher for Hashed {
    fn finish(&self) -> u64 {
        self.0
    }

    /// The table takes the highest bits and the lowest.
    fn write_u32(&mut self, hash: u32) {
        self.0 = u64::from(hash) << 32 | u64::from(hash);
    }

    fn write(&mut self, bytes: &[u8]) {
        debug_assert!(false, "{bytes:?} is no hash");
    }
}

/// The length, start and end of a name: all of one of up to 16 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Key {
    ends: [u64; 2],
    length: usize,
}

impl Key {
    /// The key of no name.
    const NONE: Key = Key { ends: [0; 2], length: usize::MAX };

    #[inline(always)]
    fn of(name: &[u8]) -> Key {
        let ends = match (name.first_chunk::<8>(), name.last_chunk::<8>()) {
            (Some(head), Some(tail)) => [head, tail].map(|bytes| u64::from_le_bytes(*bytes)),
            _ => match (name.first_chunk::<4>(), name.last_chunk::<4>()) {
                (Some(head), Some(tail)) => [head, tail].map(|bytes| u64::from(u32::from_le_bytes(*bytes))),
                _ => [name.iter().fold(0, |word, &byte| word << 8 | u64::from(byte)), 0],
            },
        };
        Key { ends, length: name.len() }
    }

    /// Whether there is no more to the name than its key.
    #[inline(always)]
    fn is_whole(&self) -> bool {
        self.length <= 16
    }

    /// A place among `places`, a power of two.
    #[inline(always)]
    fn place(&self, places: usize) -> usize {
        let mixed = self.ends[0] ^ self.ends[1].rotate_left(23) ^ self.length as u64;
        // Of a product the highest bits depend on all of the factor's.
        let mixed = mixed.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 44;
        usize::try_from(mixed).unwrap_or(0) & places.wrapping_sub(1)
    }
}

/// Whether `character` could do harm on a terminal or in a log.
fn is_control(character: char) -> bool {
    character.is_control() || matches!(character, '\u{2028}' | '\u{2029}')
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

/// Makes `name` the form in which `raw` is stored: equal if it is shown equal.
fn store(raw: &[u8], name: &mut Vec<u8>) {
    name.clear();
    for chunk in raw.utf8_chunks() {
        for character in chunk.valid().chars() {
            match u8::try_from(character) {
                Ok(byte @ b' '..=b'~') => name.push(byte),
                _ if is_control(character) || character == char::REPLACEMENT_CHARACTER => name.push(REPLACED),
                _ => name.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes()),
            }
        }
        if !chunk.invalid().is_empty() {
            name.push(REPLACED);
        }
    }
}

/// Compares two stored names as they are shown.
fn compare(one: &[u8], other: &[u8]) -> Ordering {
    let Some(place) = one.iter().zip(other).position(|(a, b)| a != b) else {
        return one.len().cmp(&other.len());
    };
    // The first bytes of what is shown there: of U+FFFD all three may be needed.
    let shown = |name: &[u8]| match name[place..] {
        [REPLACED, ..] => [0xEF, 0xBF, 0xBD],
        [a, b, c, ..] => [a, b, c],
        [a, ..] => [a, 0, 0],
        [] => [0; 3],
    };
    shown(one).cmp(&shown(other))
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

    const WINDOW: WindowKey = WindowKey(1);

    fn id(names: &mut Names, raw: &[u8]) -> Option<NameId> {
        names.seat(raw, WINDOW, 0).map(|(id, _)| id)
    }

    #[test]
    fn names_are_the_same_if_they_show_the_same() {
        let mut names = Names::new(10);
        let first = id(&mut names, b"/a\xFFb").expect("there is room");
        for same in
            [&b"/a\x07b"[..], "/a\u{FFFD}b".as_bytes(), b"/a\x80b", "/a\u{2028}b".as_bytes(), b"/a\x7Fb"]
        {
            assert_eq!(id(&mut names, same), Some(first), "{same:?}");
        }
        assert_eq!(names.shown(first), "/a\u{FFFD}b");
        assert_ne!(id(&mut names, b"/ab"), Some(first));
    }

    #[test]
    fn a_name_is_cut_at_128_bytes_even_inside_a_character() {
        let mut names = Names::new(10);
        let long = format!("{}é", "x".repeat(127));
        let id = id(&mut names, long.as_bytes()).expect("there is room");
        assert_eq!(names.shown(id), format!("{}\u{FFFD}", "x".repeat(127)));
    }

    #[test]
    fn names_of_any_length_are_told_apart_where_they_differ() {
        let mut names = Names::new(10_000);
        for length in 0..40_u32 {
            let plain = vec![b'a'; length as usize];
            let first = names.seat(&plain, WINDOW, length).expect("there is room");
            assert_eq!(first.1, length, "the longer one is another name");
            for place in 0..plain.len() {
                let mut other = plain.clone();
                other[place] = b'b';
                let other = names.seat(&other, WINDOW, 0).expect("there is room");
                assert_ne!(other.0, first.0, "byte {place} of {length}");
            }
            assert_eq!(names.seat(&plain, WINDOW, 99), Some(first));
        }
    }

    #[test]
    fn names_are_ordered_as_they_are_shown() {
        let mut names = Names::new(1000);
        let parts =
            ["", "a", "\u{7F}", "é", "\u{EFFF}", "\u{F000}", "\u{FFFC}", "\u{FFFD}", "\u{FFFE}", "\u{10000}"];
        let mut ids = Vec::new();
        for (a, b) in parts.iter().flat_map(|a| parts.iter().map(move |b| (a, b))) {
            ids.push(id(&mut names, format!("{a}{b}").as_bytes()).expect("there is room"));
        }
        for (&a, &b) in ids.iter().flat_map(|a| ids.iter().map(move |b| (a, b))) {
            let (one, other) = (names.shown(a), names.shown(b));
            assert_eq!(names.compare(a, b), one.cmp(&other), "{one:?} {other:?}");
        }
    }

    #[test]
    fn only_names_in_use_count_against_the_cap() {
        let mut names = Names::new(2);
        let a = id(&mut names, b"a").expect("there is room");
        assert!(id(&mut names, b"b").is_some());
        assert_eq!(id(&mut names, b"c"), None);
        assert_eq!(id(&mut names, b"a"), Some(a));
        names.release(a, WINDOW);
        assert!(id(&mut names, b"c").is_some(), "there is room again");
        let next = WINDOW.next();
        assert_eq!(names.seat(b"a", next, 0), None, "known, but not in use any more");
        assert!(names.seat(b"b", next, 0).is_some());
    }

    #[test]
    fn a_name_has_a_seat_in_every_open_window_however_many() {
        let mut names = Names::new(10);
        let windows = [3, 4, 5, 6, 7].map(WindowKey);
        let seats =
            |names: &mut Names| windows.map(|window| names.seat(b"a", window, 9).expect("there is room").1);
        for (place, window) in (0..).zip(windows) {
            assert_eq!(names.seat(b"a", window, place), Some((0, place)));
        }
        assert_eq!(seats(&mut names), [0, 1, 2, 3, 4]);
        names.release(0, windows[0]);
        names.release(0, windows[4]);
        for (place, window) in (0..).zip(windows).skip(1).take(3) {
            assert_eq!(names.seat(b"a", window, 9), Some((0, place)));
        }
        for window in &windows[1..4] {
            names.release(0, *window);
        }
        assert_eq!((names.in_use, names.further_seats.len()), (0, 0));
    }

    #[test]
    fn a_name_keeps_its_seat_whichever_window_is_closed_first() {
        let mut names = Names::new(10);
        let [first, second] = [3, 5].map(WindowKey);
        names.seat(b"a", first, 1);
        names.seat(b"a", second, 2);
        names.release(0, second);
        assert_eq!(names.seat(b"a", first, 9), Some((0, 1)));
    }

    #[test]
    fn names_out_of_use_are_forgotten_some_time() {
        let mut names = Names::new(100_000);
        for number in 0..1_000_000_u64 {
            let window = WindowKey(number + 1);
            let (id, _) = names.seat(number.to_string().as_bytes(), window, 0).expect("there is room");
            names.release(id, window);
        }
        assert!(names.entries.len() <= 4096 + 1);
    }
}
