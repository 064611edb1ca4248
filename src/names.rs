//! Names that clients send -> small numbers, bounded in number and length.
//!
//! A name outlives the windows that it occurs in, so that the next window
//! finds it with one look; but only names that occur in an open window are
//! held against the bound. How often a name occurs is the summary's matter.

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

/// A set of names of at most `cap` that are in use, and some that were.
#[derive(Debug)]
pub struct Names<T> {
    cap: usize,
    /// The standard library's hash is keyed at random: no client can choose
    /// names that collide.
    ids: HashMap<Rc<[u8]>, NameId>,
    entries: Vec<Entry<T>>,
    free: Vec<NameId>,
    in_use: usize,
    /// How many names, in use or not, set off a clean-up.
    clean_at: usize,
    /// Where a name was last found, by a hash that a client may well guess: a
    /// wrong place costs a look into `ids`, no more.
    recent: Box<[NameId]>,
}

#[derive(Debug)]
struct Entry<T> {
    name: Rc<[u8]>,
    uses: u32,
    memo: T,
}

impl<T: Default> Names<T> {
    const RECENT_BITS: u32 = 10;
    const FIRST_CLEAN: usize = 4096;

    /// An empty set in which at most `cap` names can be in use.
    #[must_use]
    pub fn new(cap: usize) -> Names<T> {
        Names {
            cap,
            ids: HashMap::new(),
            entries: Vec::new(),
            free: Vec::new(),
            in_use: 0,
            clean_at: Names::<T>::FIRST_CLEAN,
            recent: Box::default(),
        }
    }

    /// The number of the name that `raw` shows as; `None` if it is new and
    /// there are as many in use as may be.
    pub fn id(&mut self, raw: &[u8]) -> Option<NameId> {
        if self.recent.is_empty() {
            self.recent = vec![NOWHERE; 1 << Names::<T>::RECENT_BITS].into();
        }
        let raw = &raw[..raw.len().min(MAX_NAME)];
        let slot = slot(raw, Names::<T>::RECENT_BITS);
        let guess = self.recent[slot];
        let found = match self.entries.get(guess as usize) {
            // A name that is stored shows as itself.
            Some(entry) if *entry.name == *raw => guess,
            _ => {
                let id = self.find_or_add(raw)?;
                self.recent[slot] = id;
                id
            }
        };
        if self.entries[found as usize].uses == 0 && self.in_use >= self.cap {
            return None;
        }
        Some(found)
    }

    /// What the summary keeps with a name.
    pub fn memo(&mut self, id: NameId) -> &mut T {
        &mut self.entries[id as usize].memo
    }

    /// Notes that the name occurs in one more open window.
    pub fn take(&mut self, id: NameId) {
        let entry = &mut self.entries[id as usize];
        self.in_use += usize::from(entry.uses == 0);
        entry.uses += 1;
    }

    /// Notes that a window in which the name occurs was closed.
    pub fn release(&mut self, id: NameId) {
        let entry = &mut self.entries[id as usize];
        entry.uses -= 1;
        self.in_use -= usize::from(entry.uses == 0);
    }

    /// The name as it is shown.
    #[must_use]
    pub fn shown(&self, id: NameId) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.entries[id as usize].name)
    }

    /// Compares two names as they are shown, byte by byte.
    #[must_use]
    pub fn compare(&self, a: NameId, b: NameId) -> Ordering {
        let (one, other) = (&self.entries[a as usize].name, &self.entries[b as usize].name);
        if one.contains(&REPLACED) || other.contains(&REPLACED) {
            return self.shown(a).cmp(&self.shown(b));
        }
        one.cmp(other)
    }

    fn find_or_add(&mut self, raw: &[u8]) -> Option<NameId> {
        if let Some(&id) = self.ids.get(raw) {
            return Some(id);
        }
        let name = stored(raw);
        if let Some(&id) = self.ids.get(&*name) {
            return Some(id);
        }
        if self.in_use >= self.cap {
            return None;
        }
        if self.ids.len() >= self.clean_at {
            self.clean();
        }
        let name: Rc<[u8]> = name.into();
        let entry = Entry { name: Rc::clone(&name), uses: 0, memo: T::default() };
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
            if entry.uses == 0 {
                entry.name = Rc::default();
                entry.memo = T::default();
                free.push(id);
            }
            entry.uses > 0
        });
        self.recent.fill(NOWHERE);
        self.clean_at = (self.in_use * 2).clamp(Names::<T>::FIRST_CLEAN, self.cap + self.cap / 8);
    }
}

/// A place for `name` among `1 << bits`.
fn slot(name: &[u8], bits: u32) -> usize {
    let word = |chunk: &[u8]| chunk.iter().fold(0, |word: u64, &byte| word << 8 | u64::from(byte));
    let head = name.first_chunk::<8>().map_or_else(|| word(name), |chunk| u64::from_le_bytes(*chunk));
    let tail = name.last_chunk::<8>().map_or(0, |chunk| u64::from_le_bytes(*chunk));
    let mixed = (head ^ tail.rotate_left(23) ^ name.len() as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    usize::try_from(mixed >> (64 - bits)).unwrap_or(0)
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
        let mut names: Names<()> = Names::new(10);
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
        let mut names: Names<()> = Names::new(10);
        let long = format!("{}é", "x".repeat(127));
        let id = names.id(long.as_bytes()).expect("there is room");
        assert_eq!(names.shown(id), format!("{}\u{FFFD}", "x".repeat(127)));
    }

    #[test]
    fn names_are_ordered_as_they_are_shown() {
        let mut names: Names<()> = Names::new(10);
        let replaced = names.id(b"\xFF").expect("there is room");
        let beyond = names.id("\u{10000}".as_bytes()).expect("there is room");
        assert_eq!(names.compare(replaced, beyond), Ordering::Less);
    }

    #[test]
    fn only_names_in_use_count_against_the_cap() {
        let mut names: Names<()> = Names::new(2);
        let ids = [b"a", b"b"].map(|name| names.id(name).expect("there is room"));
        for id in ids {
            names.take(id);
        }
        assert_eq!(names.id(b"c"), None);
        assert_eq!(names.id(b"a"), Some(ids[0]));
        names.release(ids[0]);
        let id = names.id(b"c").expect("there is room again");
        names.take(id);
        assert_eq!(names.id(b"a"), None, "known, but not in use any more");
    }

    #[test]
    fn names_out_of_use_are_forgotten_some_time() {
        let mut names: Names<()> = Names::new(100_000);
        for number in 0..1_000_000 {
            let id = names.id(number.to_string().as_bytes()).expect("there is room");
            names.take(id);
            names.release(id);
        }
        assert!(names.entries.len() <= 4096 + 1);
    }
}
