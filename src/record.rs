//! A line -> fields, by the rules of the csv crate (RFC 4180).
//!
//! A plain line, in which every quote stands at the edge of a field, is split
//! here, in place; every other one is handed to csv-core. What the fields mean
//! is not known here.

use memchr::memchr;

/// The fields of one line.
#[derive(Clone, Copy, Debug)]
pub struct Record<'a> {
    bytes: &'a [u8],
    ranges: &'a [(usize, usize)],
}

impl<'a> Record<'a> {
    /// How many fields there are; at least one.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ranges.len()
    }

    /// Never: an empty line is no record.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    /// The field at `index` without the blanks around it; an empty one if the
    /// record is too short.
    #[must_use]
    pub fn field(&self, index: usize) -> &'a [u8] {
        self.ranges.get(index).map_or(b"", |&(start, end)| trim(&self.bytes[start..end]))
    }

    /// All fields, without the blanks around them.
    pub fn fields(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        let record = *self;
        (0..record.len()).map(move |index| record.field(index))
    }
}

/// Whether `byte` is a space or a tab.
#[must_use]
pub fn is_blank(byte: u8) -> bool {
    byte == b' ' || byte == b'\t'
}

/// `text` without the blanks around it.
#[must_use]
pub fn trim(mut text: &[u8]) -> &[u8] {
    while let [first, rest @ ..] = text {
        if !is_blank(*first) {
            break;
        }
        text = rest;
    }
    while let [rest @ .., last] = text {
        if !is_blank(*last) {
            break;
        }
        text = rest;
    }
    text
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
    reader: csv_core::Reader,
    escaping: bool,
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

    fn build(delimiter: u8, escaping: bool) -> Splitter {
        let reader = csv_core::ReaderBuilder::new()
            .delimiter(delimiter)
            // A carriage return inside the line is a byte like any other.
            .terminator(csv_core::Terminator::Any(b'\n'))
            .escape(escaping.then_some(b'\\'))
            .build();
        Splitter { delimiter, ranges: Vec::new(), unquoted: Vec::new(), ends: Vec::new(), reader, escaping }
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
            let (start, end, next) = if line.get(at) == Some(&b'"') {
                let start = at + 1;
                let Some(length) = memchr(b'"', &line[start..]) else { return false };
                (start, start + length, start + length + 1)
            } else {
                let rest = &line[at..];
                let length = rest.iter().position(|&byte| byte == delimiter).unwrap_or(rest.len());
                (at, at + length, at + length)
            };
            self.ranges.push((start, end));
            match line.get(next) {
                None => return true,
                Some(&byte) if byte == delimiter => at = next + 1,
                Some(_) => return false,
            }
        }
    }

    fn split_by_csv(&mut self, line: &[u8]) -> Result<Record<'_>, UnclosedQuote> {
        self.reader.reset();
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
                self.reader.read_record(input, &mut self.unquoted[written..], &mut self.ends[fields..]);
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
