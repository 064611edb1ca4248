//! Names that clients send -> small numbers, bounded in number and length.
//!
//! A name outlives the windows that it occurs in, so that the next window
//! finds it with one look; but only names that occur in an open window are
//! held against the bound. In each open window that it occurs in, a name has a
//! seat: the place of its numbers there. The numbers are the summary's matter.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::collections::HashMap;
use std::rc::Rc;

/// Names are cut at this many bytes.
pub const MAX_NAME: usize = 128;

/// Stands in a stored name for U+FFFD, which is three bytes: no UTF-8 text has
/// this byte, and `String::from_utf8_lossy` shows it as that character.
const REPLACED: u8 = 0xFF;

/// The number of no name.
const NOWHERE: NameId = NameId::MAX;

/// A name's number; it is the same while the name occurs in an open window.
pub type NameId = u32;

/// An open window, to names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WindowKey {
    /// Never comes again, and is not 0.
    pub serial: u64,
    /// Differs between neighbours: the records of a log mostly go to two of them.
    pub is_odd: bool,
}

/// A set of names of at most `cap` that are in use, and some that were.
#[derive(Debug)]
pub struct Names {
    cap: usize,
    /// The standard library's hash is keyed at random: no client can choose
    /// names that collide.
    ids: HashMap<Rc<[u8]>, NameId>,
    entries: Vec<Entry>,
    free: Vec<NameId>,
    in_use: usize,
    /// How many names, in use or not, set off a clean-up.
    clean_at: usize,
    /// Where names were last found, by a hash that a client may well guess: a
    /// wrong place costs a look into `ids`, no more.
    recent: Box<[Recent]>,
    /// The seats of names that have them in more windows than fit an entry.
    further_seats: HashMap<(NameId, u64), usize>,
}

/// A name that was found, and its last seat.
#[derive(Clone, Copy, Debug)]
struct Recent {
    key: Key,
    id: NameId,
    /// The window and the place.
    seat: (u64, usize),
}

impl Recent {
    const NOTHING: Recent = Recent { key: Key::NONE, id: NOWHERE, seat: (0, 0) };
}

#[derive(Debug)]
struct Entry {
    name: Rc<[u8]>,
    /// Whether it holds [`REPLACED`].
    is_replaced: bool,
    /// In how many open windows it has a seat.
    seats: usize,
    /// The last seat in an even window and in an odd one: serial number (0:
    /// none) and place.
    near_seats: [(u64, usize); 2],
}

/// How many names at least set off a clean-up.
const FIRST_CLEAN: usize = 4096;

impl Names {
    /// An empty set in which at most `cap` names can be in use.
    #[must_use]
    pub fn new(cap: usize) -> Names {
        Names {
            cap,
            ids: HashMap::new(),
            entries: Vec::new(),
            free: Vec::new(),
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
    pub fn seat(&mut self, raw: &[u8], window: WindowKey, free: usize) -> Option<(NameId, usize)> {
        let raw = &raw[..raw.len().min(MAX_NAME)];
        let key = Key::of(raw);
        match self.recent.get(key.place(self.recent.len(), window)) {
            Some(recent) if recent.seat.0 == window.serial && self.is(recent, key, raw) => {
                Some((recent.id, recent.seat.1))
            }
            _ => self.find_seat(raw, key, window, free),
        }
    }

    /// Whether `raw`, which has this `key`, is what was found lately. A name
    /// that is stored shows as itself.
    #[inline(always)]
    fn is(&self, recent: &Recent, key: Key, raw: &[u8]) -> bool {
        recent.key == key && (key.is_whole() || *self.entries[recent.id as usize].name == *raw)
    }

    #[inline(never)]
    fn find_seat(&mut self, raw: &[u8], key: Key, window: WindowKey, free: usize) -> Option<(NameId, usize)> {
        let id = match self.recent.get(key.place(self.recent.len(), window)) {
            Some(recent) if self.is(recent, key, raw) => recent.id,
            _ => self.find_or_add(raw)?,
        };
        let entry = &self.entries[id as usize];
        if self.in_use >= self.cap && entry.seats == 0 {
            return None;
        }
        let (serial, place) = entry.near_seats[usize::from(window.is_odd)];
        let has_further = entry.seats > entry.near_seats.iter().filter(|&&(serial, _)| serial > 0).count();
        let seat = if serial == window.serial {
            Some(place)
        } else if has_further {
            self.further_seats.get(&(id, window.serial)).copied()
        } else {
            None
        };
        let seat = seat.unwrap_or_else(|| self.take_seat(id, window, free));
        if *self.entries[id as usize].name == *raw {
            let wanted = (self.ids.len() * 64).next_power_of_two().clamp(1024, 32_768);
            if self.recent.len() < wanted {
                self.recent = vec![Recent::NOTHING; wanted].into();
            }
            let place = key.place(self.recent.len(), window);
            self.recent[place] = Recent { key, id, seat: (window.serial, seat) };
        }
        Some((id, seat))
    }

    fn take_seat(&mut self, id: NameId, window: WindowKey, place: usize) -> usize {
        let entry = &mut self.entries[id as usize];
        self.in_use += usize::from(entry.seats == 0);
        entry.seats += 1;
        let near = &mut entry.near_seats[usize::from(window.is_odd)];
        let (serial, further) = std::mem::replace(near, (window.serial, place));
        if serial > 0 {
            self.further_seats.insert((id, serial), further);
        }
        place
    }

    /// Takes the seats of a window that is closed away.
    pub fn release(&mut self, id: NameId, window: WindowKey) {
        let entry = &mut self.entries[id as usize];
        entry.seats -= 1;
        self.in_use -= usize::from(entry.seats == 0);
        let near = &mut entry.near_seats[usize::from(window.is_odd)];
        if near.0 == window.serial {
            *near = (0, 0);
        } else {
            self.further_seats.remove(&(id, window.serial));
        }
    }

    /// The name as it is shown.
    #[must_use]
    pub fn shown(&self, id: NameId) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.entries[id as usize].name)
    }

    /// Compares two names as they are shown, byte by byte.
    #[must_use]
    pub fn compare(&self, a: NameId, b: NameId) -> Ordering {
        let (one, other) = (&self.entries[a as usize], &self.entries[b as usize]);
        if one.is_replaced || other.is_replaced {
            return self.shown(a).cmp(&self.shown(b));
        }
        one.name.cmp(&other.name)
    }

    fn find_or_add(&mut self, raw: &[u8]) -> Option<NameId> {
        if let Some(&id) = self.ids.get(raw) {
            return Some(id);
        }
        let name = stored(raw);
        if let Cow::Owned(name) = &name {
            if let Some(&id) = self.ids.get(&name[..]) {
                return Some(id);
            }
        }
        if self.in_use >= self.cap {
            return None;
        }
        if self.ids.len() >= self.clean_at {
            self.clean();
        }
        let name: Rc<[u8]> = name.into();
        let is_replaced = name.contains(&REPLACED);
        let entry = Entry { name: Rc::clone(&name), is_replaced, seats: 0, near_seats: [(0, 0); 2] };
        let id = if let Some(id) = self.free.pop() {
            self.entries[id as usize] = entry;
            id
        } else {
            let id = NameId::try_from(self.entries.len()).ok()?;
            self.entries.push(entry);
            id
        };
        self.ids.insert(name, id);
        Some(id)
    }

    /// Forgets the names that are not in use.
    fn clean(&mut self) {
        let (entries, free) = (&mut self.entries, &mut self.free);
        self.ids.retain(|_, &mut id| {
            let entry = &mut entries[id as usize];
            if entry.seats == 0 {
                entry.name = Rc::default();
                free.push(id);
            }
            entry.seats > 0
        });
        self.recent.fill(Recent::NOTHING);
        self.clean_at = (self.in_use * 2).clamp(FIRST_CLEAN, self.cap + self.cap / 8);
    }
}

/// The length, start and end of a name: all of one of up to 16 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Key {
    length: usize,
    head: u64,
    tail: u64,
}

impl Key {
    /// The key of no name.
    const NONE: Key = Key { length: usize::MAX, head: 0, tail: 0 };

    #[inline(always)]
    fn of(name: &[u8]) -> Key {
        let (head, tail) = match (name.first_chunk::<8>(), name.last_chunk::<8>()) {
            (Some(head), Some(tail)) => (u64::from_le_bytes(*head), u64::from_le_bytes(*tail)),
            _ => match (name.first_chunk::<4>(), name.last_chunk::<4>()) {
                (Some(head), Some(tail)) => {
                    (u64::from(u32::from_le_bytes(*head)), u64::from(u32::from_le_bytes(*tail)))
                }
                _ => (name.iter().fold(0, |word, &byte| word << 8 | u64::from(byte)), 0),
            },
        };
        Key { length: name.len(), head, tail }
    }

    /// Whether there is no more to the name than its key.
    fn is_whole(&self) -> bool {
        self.length <= 16
    }

    /// A place among `places`, a power of two; neighbouring windows have
    /// different ones.
    #[inline(always)]
    fn place(&self, places: usize, window: WindowKey) -> usize {
        let mixed = self.head ^ self.tail.rotate_left(23) ^ self.length as u64;
        // Of a product the highest bits depend on all of the factor's.
        let mixed = usize::try_from(mixed.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 44).unwrap_or(0);
        (mixed << 1 | usize::from(window.is_odd)) & places.wrapping_sub(1)
    }
}

/// Whether `character` could do harm on a terminal or in a log.
fn is_control(character: char) -> bool {
    character.is_control() || matches!(character, '\u{2028}' | '\u{2029}')
}

/// The form in which a name is stored: equal if it is shown equal.
fn stored(raw: &[u8]) -> Cow<'_, [u8]> {
    if raw.iter().all(|byte| matches!(byte, b' '..=b'~')) {
        return Cow::Borrowed(raw);
    }
    let mut name = Vec::with_capacity(raw.len());
    for character in String::from_utf8_lossy(raw).chars() {
        if is_control(character) || character == char::REPLACEMENT_CHARACTER {
            name.push(REPLACED);
        } else {
            name.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
        }
    }
    Cow::Owned(name)
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

    const WINDOW: WindowKey = WindowKey { serial: 1, is_odd: true };

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
        for length in 0..40 {
            let plain = vec![b'a'; length];
            let first = names.seat(&plain, WINDOW, length).expect("there is room");
            assert_eq!(first.1, length, "the longer one is another name");
            for place in 0..length {
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
        let mut names = Names::new(10);
        let replaced = id(&mut names, b"\xFF").expect("there is room");
        let beyond = id(&mut names, "\u{10000}".as_bytes()).expect("there is room");
        assert_eq!(names.compare(replaced, beyond), Ordering::Less);
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
        let next = WindowKey { serial: 2, is_odd: false };
        assert_eq!(names.seat(b"a", next, 0), None, "known, but not in use any more");
        assert!(names.seat(b"b", next, 0).is_some());
    }

    #[test]
    fn a_name_has_a_seat_in_every_open_window_however_many() {
        let mut names = Names::new(10);
        let windows = [3, 4, 5, 6, 7].map(|serial| WindowKey { serial, is_odd: serial % 2 == 1 });
        let seats = |names: &mut Names, free: usize| {
            windows.map(|window| names.seat(b"a", window, free).expect("there is room").1)
        };
        for (place, window) in windows.into_iter().enumerate() {
            assert_eq!(names.seat(b"a", window, place), Some((0, place)));
        }
        assert_eq!(seats(&mut names, 9), [0, 1, 2, 3, 4]);
        names.release(0, windows[0]);
        names.release(0, windows[4]);
        for (place, window) in windows.into_iter().enumerate().skip(1).take(3) {
            assert_eq!(names.seat(b"a", window, 9), Some((0, place)));
        }
        for window in &windows[1..4] {
            names.release(0, *window);
        }
        assert_eq!((names.in_use, names.further_seats.len()), (0, 0));
    }

    #[test]
    fn names_out_of_use_are_forgotten_some_time() {
        let mut names = Names::new(100_000);
        for number in 0..1_000_000_u64 {
            let window = WindowKey { serial: number + 1, is_odd: number % 2 == 1 };
            let (id, _) = names.seat(number.to_string().as_bytes(), window, 0).expect("there is room");
            names.release(id, window);
        }
        assert!(names.entries.len() <= 4096 + 1);
    }
}
