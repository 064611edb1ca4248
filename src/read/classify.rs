//! What a line is by itself: a record, a header, a comment or malformed. Tries
//! each delimiter until one is known.

use crate::count::Request;
use crate::read::blanks::starts_like_combined;
use crate::read::columns::{BLANKS, Columns, DELIMITERS, Header};
use crate::read::delimited::{Delimited, Expected, Good};
use crate::read::input_hint::{self, Asked, Hint, foreign_format};
use crate::read::plain::PlainReader;
use crate::read::request::Malformed;
use crate::read::timestamp::TimeReader;
use crate::read::w3c::{fields_directive, read_fields};

/// How the columns became known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Basis {
    /// `--columns` gives their positions. No header changes them.
    Given,
    /// Nothing names them, so they are assumed to be the usual seven.
    Assumed,
    /// A header names them.
    Header,
    /// They are unknown: a header had no time column, or `--columns` gives
    /// names and no header has come yet.
    Unknown,
}

/// What is known about the columns and the delimiter.
#[derive(Clone, Debug)]
pub(crate) struct State {
    pub(crate) columns: Columns,
    pub(crate) basis: Basis,
    /// The index of the delimiter; `None` until a line was a header or a
    /// record.
    pub(crate) delimiter: Option<usize>,
    /// Whether a header or `--delimiter` gave the delimiter.
    pub(crate) is_said: bool,
    /// Whether a record was read by these columns.
    pub(crate) has_records: bool,
    /// Whether the first line couldn't be read, which puts the assumed columns
    /// in doubt.
    pub(crate) is_doubtful: bool,
}

impl State {
    fn expected(&self) -> Expected<'_> {
        Expected {
            columns: (self.basis != Basis::Unknown).then_some(&self.columns),
            is_assumed: self.basis == Basis::Assumed,
            is_by_position: self.basis != Basis::Header,
            is_doubtful: !self.has_records
                && (self.basis == Basis::Header || (self.is_doubtful && self.basis == Basis::Assumed)),
        }
    }
}

/// What a line is. An index is that of a delimiter.
#[derive(Debug)]
pub(crate) enum LineKind {
    /// A record.
    Good(usize, Good),
    /// A header. `#Fields` has no index, because it doesn't show the delimiter.
    Header(Option<usize>, Box<Columns>),
    /// A header that can't be used: it lacks a time, or a name of `--columns`.
    UnusableHeader(Malformed),
    /// A line that starts with `#` and is no record.
    Comment,
    /// A first line without numbers and times, where `--columns` gives
    /// positions: most likely a header.
    FirstLine,
    /// None of these.
    Bad(Malformed),
}

/// Reads lines under every delimiter.
#[derive(Debug)]
pub(crate) struct LineReader {
    /// Roles and names from `--columns`.
    called: Vec<(String, String)>,
    /// One reader per delimiter, in order of preference.
    readers: Vec<Delimited>,
    pub(crate) times: TimeReader,
}

impl LineReader {
    pub(crate) fn new(called: Vec<(String, String)>, times: TimeReader) -> LineReader {
        let readers = DELIMITERS.into_iter().chain([BLANKS]).map(Delimited::new).collect();
        LineReader { called, readers, times }
    }

    pub(crate) fn index_of(&self, delimiter: u8) -> Option<usize> {
        self.readers.iter().position(|reader| reader.delimiter() == delimiter)
    }

    /// Guesses what the input is from its first malformed line.
    pub(crate) fn hint(&self, text: &[u8], problem: &Malformed, basis: Basis) -> Option<Hint> {
        let asked = match basis {
            _ if self.has_names() => Asked::Names,
            Basis::Given => Asked::Positions,
            _ => Asked::Nothing,
        };
        input_hint::hint(text, problem, asked, basis == Basis::Assumed, self.times.has_format())
    }

    /// The fast reader, if the delimiter and the columns are known.
    pub(crate) fn plain(&self, state: &State) -> Option<PlainReader> {
        let is_known = state.has_records && state.basis != Basis::Unknown && !self.times.has_format();
        let delimiter = self.delimiter(state.delimiter.filter(|_| is_known)?);
        let plain = PlainReader::new(&state.columns, delimiter);
        Some(if state.basis == Basis::Assumed { plain.with_virtual_hosts() } else { plain })
    }

    pub(crate) fn delimiter(&self, index: usize) -> u8 {
        self.readers[index].delimiter()
    }

    /// Whether `--columns` gives names.
    pub(crate) fn has_names(&self) -> bool {
        !self.called.is_empty()
    }

    /// Reads `text` as a record under the current delimiter.
    pub(crate) fn read(&mut self, text: &[u8], state: &State) -> Result<Good, Malformed> {
        let index = state.delimiter.unwrap_or_default();
        self.readers[index].read(text, state.expected(), &mut self.times)
    }

    /// The request of a record that was just read from `text`.
    pub(crate) fn request<'a>(&'a self, index: usize, good: &Good, text: &'a [u8]) -> Request<'a> {
        self.readers[index].request(good, text)
    }

    /// The other delimiters under which `text` is a record, as bits. None if
    /// the delimiter was given or is not known yet.
    pub(crate) fn other_delimiters(&mut self, text: &[u8], state: &State) -> u8 {
        if state.is_said || state.delimiter.is_none() {
            return 0;
        }
        let mut bits = 0;
        for (index, reader) in self.readers.iter_mut().enumerate() {
            let is_other = state.delimiter != Some(index);
            if is_other && reader.read(text, state.expected(), &mut self.times).is_ok() {
                bits |= 1 << index;
            }
        }
        bits
    }

    /// The delimiter in `bits` under which `text` has the most fields.
    pub(crate) fn best_of(&mut self, bits: u8, text: &[u8], state: &State) -> Option<usize> {
        let mut best = None;
        for (index, reader) in self.readers.iter_mut().enumerate() {
            if bits & 1 << index == 0 {
                continue;
            }
            if let Ok(good) = reader.read(text, state.expected(), &mut self.times)
                && best.is_none_or(|(fields, _)| good.fields > fields)
            {
                best = Some((good.fields, index));
            }
        }
        best.map(|(_, index)| index)
    }

    /// Classifies `text`. `is_first` says that only blank lines and comments
    /// came before it.
    pub(crate) fn classify(&mut self, text: &[u8], state: &State, is_first: bool) -> LineKind {
        match fields_directive(text) {
            // `--columns` by position overrules the header.
            Some(_) if state.basis == Basis::Given => return LineKind::Comment,
            // The header doesn't show what separates the records.
            Some(names) => {
                return match read_fields(names, &self.called) {
                    Some(Ok(columns)) => LineKind::Header(None, columns),
                    Some(Err(problem)) => LineKind::UnusableHeader(problem),
                    None => LineKind::Comment,
                };
            }
            None => {}
        }
        if state.delimiter.is_none()
            && state.basis == Basis::Assumed
            && let Some(good) = self.combined(text, state)
        {
            return good;
        }
        let possible = match state.delimiter {
            Some(index) => index..index + 1,
            None => 0..self.readers.len(),
        };
        let mut best: Option<(usize, LineKind)> = None;
        let mut problem: Option<(usize, Malformed)> = None;
        for index in possible.clone() {
            let is_blanks = self.readers[index].delimiter() == BLANKS;
            if is_blanks && best.is_some() {
                break;
            }
            let (fields, kind) = match self.readers[index].read(text, state.expected(), &mut self.times) {
                Ok(good) => (good.fields, LineKind::Good(index, good)),
                Err(other) => {
                    let fields = self.readers[index].apparent_fields(text);
                    let needs_blanks = || is_blanks && state.columns.width.fits(fields);
                    match &problem {
                        Some((most, _)) if is_blanks && state.columns.width.fits(*most) => {}
                        Some((most, _)) if fields <= *most || (is_blanks && !needs_blanks()) => {}
                        _ => problem = Some((fields, other)),
                    }
                    match self.header(index, text) {
                        Some(found) => found,
                        None => continue,
                    }
                }
            };
            if best.as_ref().is_none_or(|(most, _)| fields > *most) {
                best = Some((fields, kind));
            }
        }
        if let Some((_, kind)) = best {
            return kind;
        }
        if text.first() == Some(&b'#') {
            return LineKind::Comment;
        }
        let problem = problem.map_or(Malformed::UnknownColumns, |(_, problem)| problem);
        if state.basis == Basis::Given {
            let is_header = is_first && self.looks_like_header(possible, text);
            return if is_header { LineKind::FirstLine } else { LineKind::Bad(problem) };
        }
        match self.names(possible, text, is_first) {
            Some(names) => LineKind::UnusableHeader(Malformed::NoTime(names)),
            None => LineKind::Bad(problem),
        }
    }

    /// Reads `text` as a line of the default log of nginx or Apache, before
    /// other delimiters are tried. A client can write other delimiters into its
    /// request, but not before it.
    fn combined(&mut self, text: &[u8], state: &State) -> Option<LineKind> {
        if !starts_like_combined(text) {
            return None;
        }
        let index = self.index_of(BLANKS)?;
        let good = self.readers[index].read(text, state.expected(), &mut self.times).ok()?;
        Some(LineKind::Good(index, good))
    }

    /// Reads `text` as a header that can be used.
    fn header(&mut self, index: usize, text: &[u8]) -> Option<(usize, LineKind)> {
        if text.first() == Some(&b'#') {
            return None;
        }
        let (header, fields) = self.readers[index].header(text, &self.called, &mut self.times)?;
        match header {
            Header::Columns(columns) => Some((fields, LineKind::Header(Some(index), columns))),
            Header::Lacks(name) => Some((fields, LineKind::UnusableHeader(Malformed::NoColumn(name)))),
            Header::NoTime => None,
        }
    }

    /// The names in `text`, if it looks like a header without a time.
    fn names(&mut self, possible: std::ops::Range<usize>, text: &[u8], is_first: bool) -> Option<Box<[u8]>> {
        let mut best: Option<(usize, usize)> = None;
        for index in possible {
            let reader = &mut self.readers[index];
            if best.is_some() && reader.delimiter() == BLANKS {
                break;
            }
            let fields = reader.apparent_fields(text);
            if best.is_none_or(|(most, _)| fields > most)
                && reader.looks_like_names(text, is_first, &mut self.times)
            {
                best = Some((fields, index));
            }
        }
        best.map(|(_, index)| self.readers[index].list(text))
    }

    /// Whether no field of a source's first line is a number or a time, and the
    /// line is no other kind of file.
    fn looks_like_header(&mut self, possible: std::ops::Range<usize>, text: &[u8]) -> bool {
        let most = possible.rev().max_by_key(|&index| self.readers[index].apparent_fields(text));
        let most = most.filter(|_| foreign_format(text).is_none() && !text.contains(&b'\r'));
        most.is_some_and(|index| self.readers[index].has_no_data(text, &mut self.times))
    }
}
