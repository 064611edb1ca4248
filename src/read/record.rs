//! A line -> fields, by the rules of the csv crate (RFC 4180).
//!
//! A plain line, with all quotes at the edges of fields, is split here, in
//! place; any other is split by csv-core. The meaning of the fields is not
//! known here.

use crate::bits::matches;

/// The fields of one line.
#[derive(Clone, Copy, Debug)]
pub struct Record<'a> {
    bytes: &'a [u8],
    ranges: &'a [(usize, usize)],
}

impl<'a> Record<'a> {
    /// The fields of `bytes` that stand at these places.
    pub(crate) fn new(bytes: &'a [u8], ranges: &'a [(usize, usize)]) -> Record<'a> {
        Record { bytes, ranges }
    }

    /// What the fields are parts of.
    pub(crate) fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// How many fields there are; at least one.
    #[must_use]
    pub fn width(&self) -> usize {
        self.ranges.len()
    }

    /// The field at `index` without the blanks around it; an empty one if the
    /// record is too short.
    #[must_use]
    #[inline]
    pub fn field(&self, index: usize) -> &'a [u8] {
        let range = self.ranges.get(index);
        range.and_then(|&(start, end)| self.bytes.get(start..end)).map_or(b"", trim)
    }

    /// All fields, without the blanks around them.
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

/// `text` without the blanks around it.
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

/// Where `needle` is in `text`; the end if it isn't.
///
/// Eight bytes at a time: fields are too short for the start-up of a vector
/// search to pay.
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
    let place = rest.iter().position(|&byte| byte == needle).unwrap_or(rest.len());
    text.len() - rest.len() + place
}

/// The line ends inside quotes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnclosedQuote;

/// Splits lines at a delimiter; its buffers serve one line after the other.
#[derive(Debug)]
pub struct Splitter {
    delimiter: u8,
    ranges: Vec<(usize, usize)>,
    unquoted: Vec<u8>,
    ends: Vec<usize>,
    escaping: bool,
    /// Made when it is needed: its tables take their time.
    reader: Option<Box<csv_core::Reader>>,
}

impl Splitter {
    /// A splitter at `delimiter`, which is neither a quote nor a newline.
    #[must_use]
    pub fn new(delimiter: u8) -> Splitter {
        Splitter::build(delimiter, false)
    }

    /// A splitter for which a backslash inside quotes takes the next byte's
    /// meaning away: Apache writes a quote as `\"`.
    #[must_use]
    pub fn escaping(delimiter: u8) -> Splitter {
        Splitter::build(delimiter, true)
    }

    /// What the fields of the last line are parts of, if they don't stand in
    /// it as they are.
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

    /// The fields of `line`, which holds no newline and is not empty.
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

    /// Finds the fields in place; `false` if a quote stands anywhere but at
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
        // A carriage return inside the line is a byte like any other.
        .terminator(csv_core::Terminator::Any(b'\n'))
        .escape(escaping.then_some(b'\\'))
        .build()
}
