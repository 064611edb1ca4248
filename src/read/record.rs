//! A line with a delimiter and quotes -> fields, by the rules of the csv crate
//! (RFC 4180).
//!
//! If all quotes are at the edges of fields, the line is split here, in place.
//! Otherwise csv-core splits it. The meaning of fields is not known here.

use crate::bits::matches;

/// The fields of one line.
#[derive(Clone, Copy, Debug)]
pub struct Record<'a> {
    bytes: &'a [u8],
    ranges: &'a [(usize, usize)],
}

impl<'a> Record<'a> {
    /// A record whose fields are these ranges of `bytes`.
    pub(crate) fn new(bytes: &'a [u8], ranges: &'a [(usize, usize)]) -> Record<'a> {
        Record { bytes, ranges }
    }

    /// The text that the ranges refer to.
    pub(crate) fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// The number of fields, at least one.
    #[must_use]
    pub fn width(&self) -> usize {
        self.ranges.len()
    }

    /// The field at `index` without surrounding blanks. It is empty if the
    /// record is too short.
    #[must_use]
    #[inline]
    pub fn field(&self, index: usize) -> &'a [u8] {
        let range = self.ranges.get(index);
        range.and_then(|&(start, end)| self.bytes.get(start..end)).map_or(b"", trim)
    }

    /// All fields, without surrounding blanks.
    pub fn fields(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        let record = *self;
        (0..record.width()).map(move |index| record.field(index))
    }
}

/// Whether `byte` is a space or a tab.
#[must_use]
pub fn is_blank(byte: u8) -> bool {
    byte == b' ' || byte == b'\t'
}

/// `text` without surrounding blanks.
#[must_use]
#[inline]
pub fn trim(text: &[u8]) -> &[u8] {
    match text {
        [first, .., last] if !is_blank(*first) && !is_blank(*last) => text,
        _ => trim_blanks(text),
    }
}

fn trim_blanks(mut text: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] = text {
        text = rest;
    }
    while let [rest @ .., b' ' | b'\t'] = text {
        text = rest;
    }
    text
}

/// Returns the index of `needle`, or the length of `text`.
///
/// It searches eight bytes at a time. Fields are too short for a vector search,
/// which takes time to start.
#[inline(always)]
pub(crate) fn find(text: &[u8], needle: u8) -> usize {
    let mut rest = text;
    while let Some((chunk, next)) = rest.split_first_chunk::<8>() {
        let found = matches(u64::from_le_bytes(*chunk), needle);
        if found != 0 {
            return text.len() - rest.len() + found.trailing_zeros() as usize / 8;
        }
        rest = next;
    }
    let index = rest.iter().position(|&byte| byte == needle).unwrap_or(rest.len());
    text.len() - rest.len() + index
}

/// The error of a line that ends inside quotes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnclosedQuote;

/// Splits lines at a delimiter. Its buffers are reused for each line.
#[derive(Debug)]
pub struct Splitter {
    delimiter: u8,
    ranges: Vec<(usize, usize)>,
    unquoted: Vec<u8>,
    ends: Vec<usize>,
    escaping: bool,
    /// Created on first use, because building its tables takes time.
    reader: Option<Box<csv_core::Reader>>,
}

impl Splitter {
    /// A splitter at `delimiter`, which must not be a quote or a newline.
    #[must_use]
    pub fn new(delimiter: u8) -> Splitter {
        Splitter::build(delimiter, false)
    }

    /// A splitter for which a backslash inside quotes escapes the next byte:
    /// Apache writes a quote as `\"`.
    #[must_use]
    pub fn escaping(delimiter: u8) -> Splitter {
        Splitter::build(delimiter, true)
    }

    /// The text of the last line's fields, if it differs from the line.
    pub(crate) fn unquoted(&self) -> &[u8] {
        &self.unquoted
    }

    fn build(delimiter: u8, escaping: bool) -> Splitter {
        Splitter {
            delimiter,
            escaping,
            ranges: Vec::new(),
            unquoted: Vec::new(),
            ends: Vec::new(),
            reader: None,
        }
    }

    /// Splits `line`, which contains no newline and is not empty.
    ///
    /// # Errors
    ///
    /// If the line ends inside quotes.
    pub fn split<'a>(&'a mut self, line: &'a [u8]) -> Result<Record<'a>, UnclosedQuote> {
        if !self.escaping && self.split_plain(line) {
            return Ok(Record { bytes: line, ranges: &self.ranges });
        }
        self.split_by_csv(line)
    }

    /// Splits the line in place. Returns `false` if a quote is anywhere but at
    /// the edges of a field.
    fn split_plain(&mut self, line: &[u8]) -> bool {
        let delimiter = self.delimiter;
        self.ranges.clear();
        let mut at = 0;
        loop {
            let mut end;
            if line.get(at) == Some(&b'"') {
                end = at + 1 + find(&line[at + 1..], b'"');
                if end >= line.len() {
                    return false;
                }
                self.ranges.push((at + 1, end));
                end += 1;
            } else {
                end = at + find(&line[at..], delimiter);
                self.ranges.push((at, end));
            }
            match line.get(end) {
                None => return true,
                Some(&byte) if byte == delimiter => at = end + 1,
                Some(_) => return false,
            }
        }
    }

    fn split_by_csv(&mut self, line: &[u8]) -> Result<Record<'_>, UnclosedQuote> {
        let reader = self.reader.get_or_insert_with(|| Box::new(csv_reader(self.delimiter, self.escaping)));
        reader.reset();
        if self.unquoted.len() <= line.len() {
            self.unquoted.resize(line.len() + 1, 0);
        }
        let (mut read, mut written, mut fields) = (0, 0, 0);
        loop {
            if self.ends.len() <= fields {
                self.ends.resize(fields * 2 + 16, 0);
            }
            let input = if read < line.len() { &line[read..] } else { b"\n" };
            let (result, nin, nout, nend) =
                reader.read_record(input, &mut self.unquoted[written..], &mut self.ends[fields..]);
            read += nin;
            written += nout;
            fields += nend;
            match result {
                csv_core::ReadRecordResult::Record => break,
                csv_core::ReadRecordResult::InputEmpty if read > line.len() => return Err(UnclosedQuote),
                _ => {}
            }
        }
        self.ranges.clear();
        let mut start = 0;
        for &end in &self.ends[..fields] {
            self.ranges.push((start, end));
            start = end;
        }
        Ok(Record { bytes: &self.unquoted, ranges: &self.ranges })
    }
}

fn csv_reader(delimiter: u8, escaping: bool) -> csv_core::Reader {
    csv_core::ReaderBuilder::new()
        .delimiter(delimiter)
        // A CR inside the line is a byte like any other.
        .terminator(csv_core::Terminator::Any(b'\n'))
        .escape(escaping.then_some(b'\\'))
        .build()
}
