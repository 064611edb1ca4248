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
    /// Where a name was last found, by a hash that a client may well guess: a
    /// wrong place costs a look into `ids`, no more.
    recent: Box<[(Key, NameId)]>,
    /// The seats of names that have them in more windows than fit an entry.
    further_seats: HashMap<(NameId, u64), usize>,
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

    /// The number of the name that `raw` shows as; `None` if it is new and
    /// there are as many in use as may be.
    #[inline(always)]
    pub fn id(&mut self, raw: &[u8]) -> Option<NameId> {
        let raw = &raw[..raw.len().min(MAX_NAME)];
        let key = Key::of(raw);
        let place = key.place(self.recent.len());
        let id = match self.recent.get(place) {
            // A name that is stored shows as itself.
            Some(&(recent, id)) if recent == key && (key.is_whole() || self.is(id, raw)) => id,
            _ => self.find_or_add(raw, key)?,
        };
        if self.in_use >= self.cap && self.entries[id as usize].seats == 0 {
            return None;
        }
        Some(id)
    }

    fn is(&self, id: NameId, raw: &[u8]) -> bool {
        *self.entries[id as usize].name == *raw
    }

    /// The name's seat in `window`, if it has one.
    #[must_use]
    #[inline(always)]
    pub fn seat(&self, id: NameId, window: WindowKey) -> Option<usize> {
        let entry = &self.entries[id as usize];
        let (serial, place) = entry.near_seats[usize::from(window.is_odd)];
        if serial == window.serial {
            return Some(place);
        }
        if entry.seats <= usize::from(entry.near_seats[0].0 > 0) + usize::from(entry.near_seats[1].0 > 0) {
            return None;
        }
        self.further_seats.get(&(id, window.serial)).copied()
    }

    /// Gives the name a seat in `window`, in which it has none.
    pub fn take_seat(&mut self, id: NameId, window: WindowKey, place: usize) {
        let entry = &mut self.entries[id as usize];
        self.in_use += usize::from(entry.seats == 0);
        entry.seats += 1;
        let near = &mut entry.near_seats[usize::from(window.is_odd)];
        let (serial, further) = std::mem::replace(near, (window.serial, place));
        if serial > 0 {
            self.further_seats.insert((id, serial), further);
        }
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

    fn find_or_add(&mut self, raw: &[u8], key: Key) -> Option<NameId> {
        let id = match self.ids.get(raw) {
            Some(&id) => id,
            None => self.find_or_add_stored(&stored(raw))?,
        };
        if self.is(id, raw) {
            let wanted = (self.ids.len() * 16).next_power_of_two().clamp(64, 4096);
            if self.recent.len() < wanted {
                self.recent = vec![(Key::default(), NOWHERE); wanted].into();
            }
            let place = key.place(self.recent.len());
            self.recent[place] = (key, id);
        }
        Some(id)
    }

    fn find_or_add_stored(&mut self, name: &[u8]) -> Option<NameId> {
        if let Some(&id) = self.ids.get(name) {
            return Some(id);
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
        self.recent.fill((Key::default(), NOWHERE));
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

impl Default for Key {
    /// The key of no name.
    fn default() -> Key {
        Key { length: usize::MAX, head: 0, tail: 0 }
    }
}

impl Key {
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

    /// A place among `places`, a power of two.
    #[inline(always)]
    fn place(&self, places: usize) -> usize {
        let mixed = self.head ^ self.tail.rotate_left(23) ^ self.length as u64;
        let mixed = mixed.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32;
        usize::try_from(mixed).unwrap_or(0) & places.wrapping_sub(1)
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

    #[test]
    fn names_are_the_same_if_they_show_the_same() {
        let mut names: Names = Names::new(10);
        let id = names.id(b"/a\xFFb");
        for same in
            [&b"/a\x07b"[..], "/a\u{FFFD}b".as_bytes(), b"/a\x80b", "/a\u{2028}b".as_bytes(), b"/a\x7Fb"]
        {
            assert_eq!(names.id(same), id, "{same:?}");
        }
        assert_eq!(names.shown(id.expect("there is room")), "/a\u{FFFD}b");
        assert_ne!(names.id(b"/ab"), id);
    }

    #[test]
    fn a_name_is_cut_at_128_bytes_even_inside_a_character() {
        let mut names: Names = Names::new(10);
        let long = format!("{}é", "x".repeat(127));
        let id = names.id(long.as_bytes()).expect("there is room");
        assert_eq!(names.shown(id), format!("{}\u{FFFD}", "x".repeat(127)));
    }

    #[test]
    fn names_are_ordered_as_they_are_shown() {
        let mut names: Names = Names::new(10);
        let replaced = names.id(b"\xFF").expect("there is room");
        let beyond = names.id("\u{10000}".as_bytes()).expect("there is room");
        assert_eq!(names.compare(replaced, beyond), Ordering::Less);
    }

    #[test]
    fn only_names_in_use_count_against_the_cap() {
        let mut names: Names = Names::new(2);
        let window = WindowKey { serial: 1, is_odd: false };
        let ids = [b"a", b"b"].map(|name| names.id(name).expect("there is room"));
        for id in ids {
            names.take_seat(id, window, 0);
        }
        assert_eq!(names.id(b"c"), None);
        assert_eq!(names.id(b"a"), Some(ids[0]));
        names.release(ids[0], window);
        let id = names.id(b"c").expect("there is room again");
        names.take_seat(id, window, 0);
        assert_eq!(names.id(b"a"), None, "known, but not in use any more");
    }

    #[test]
    fn a_name_has_a_seat_in_every_open_window_however_many() {
        let mut names = Names::new(10);
        let id = names.id(b"a").expect("there is room");
        let windows = [3, 4, 5, 6, 7].map(|serial| WindowKey { serial, is_odd: serial % 2 == 1 });
        for (place, window) in windows.into_iter().enumerate() {
            assert_eq!(names.seat(id, window), None);
            names.take_seat(id, window, place);
        }
        for (place, window) in windows.into_iter().enumerate() {
            assert_eq!(names.seat(id, window), Some(place));
        }
        names.release(id, windows[0]);
        names.release(id, windows[4]);
        assert_eq!(windows.map(|window| names.seat(id, window)), [None, Some(1), Some(2), Some(3), None]);
        for window in &windows[1..4] {
            names.release(id, *window);
        }
        assert_eq!((names.in_use, names.further_seats.len()), (0, 0));
    }

    #[test]
    fn names_out_of_use_are_forgotten_some_time() {
        let mut names: Names = Names::new(100_000);
        for number in 0..1_000_000_u64 {
            let id = names.id(number.to_string().as_bytes()).expect("there is room");
            let window = WindowKey { serial: number + 1, is_odd: number % 2 == 1 };
            names.take_seat(id, window, 0);
            names.release(id, window);
        }
        assert!(names.entries.len() <= 4096 + 1);
    }
}
