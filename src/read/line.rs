//! Bytes -> lines: cuts the input at newlines, limits the length of a line, and
//! drops a byte order mark (BOM) and NUL bytes at the start of a line. The
//! content of a line is not read here.

use memchr::{memchr, memrchr};

/// The longest line that is read, in bytes without its end. A longer one is
/// malformed.
pub const MAX_LINE: usize = 262_144;

const BOM: &[u8] = b"\xEF\xBB\xBF";

/// One line of the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line<'a> {
    /// The line without its end. Cut at [`MAX_LINE`] bytes if it is `overlong`.
    pub text: &'a [u8],
    /// `\n` or `\r\n`; at the end of input also `\r` or nothing.
    pub end: &'static [u8],
    /// Whether the line is longer than [`MAX_LINE`].
    pub overlong: bool,
}

impl<'a> Line<'a> {
    /// Splits a line into text and end. Without `\n` it is the last line of the
    /// input.
    #[inline]
    fn new(whole: &'a [u8]) -> Line<'a> {
        let whole = match whole {
            [0 | 0xEF, ..] => without_filler(whole),
            _ => whole,
        };
        let (text, end): (_, &[u8]) = match whole {
            [text @ .., b'\r', b'\n'] => (text, b"\r\n"),
            [text @ .., b'\n'] => (text, b"\n"),
            [text @ .., b'\r'] => (text, b"\r"),
            text => (text, b""),
        };
        let overlong = text.len() > MAX_LINE;
        Line { text: &text[..text.len().min(MAX_LINE)], end, overlong }
    }
}

/// Drops the filler at the start of a line: NUL bytes and BOMs.
///
/// A file that is truncated while its writer keeps its offset starts with NUL
/// bytes.
fn without_filler(mut text: &[u8]) -> &[u8] {
    while let Some(&first) = text.first() {
        if first == 0 {
            let nuls = text.iter().position(|&byte| byte != 0).unwrap_or(text.len());
            text = &text[nuls..];
        } else if first == BOM[0] && text.starts_with(BOM) {
            text = &text[BOM.len()..];
        } else {
            break;
        }
    }
    text
}

/// Consecutive lines with their numbers.
#[derive(Clone, Debug)]
pub struct Lines<'a> {
    rest: &'a [u8],
    /// If not empty: stop before a line that starts with this.
    mark: &'static [u8],
    /// The number of the line read last, counted from 1 over the whole input.
    number: u64,
}

impl<'a> Lines<'a> {
    /// The lines of `text`, which follow `number` earlier ones. Each line has
    /// its newline, except the last one of the input.
    #[must_use]
    pub fn new(text: &'a [u8], number: u64) -> Lines<'a> {
        Lines { rest: text, mark: b"", number }
    }

    /// The same, up to the first line that starts with `mark`, which is not
    /// empty.
    #[must_use]
    pub fn before(text: &'a [u8], number: u64, mark: &'static [u8]) -> Lines<'a> {
        Lines { rest: text, mark, number }
    }

    /// Whether the next line starts with the mark.
    #[must_use]
    pub fn are_at_mark(&self) -> bool {
        !self.mark.is_empty() && without_filler(self.rest).starts_with(self.mark)
    }

    /// The remaining lines, as they are in the input.
    #[must_use]
    #[inline(always)]
    pub fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// The number of the line read last.
    #[must_use]
    pub fn number(&self) -> u64 {
        self.number
    }

    /// Notes that the next line was read in place, and that `rest` follows it.
    #[inline(always)]
    pub fn passed(&mut self, rest: &'a [u8]) {
        self.rest = rest;
        self.number += 1;
    }

    /// Whether the next line may be read in place, judging by its first byte:
    /// it has no filler, is no comment or `#Fields`, and doesn't start like the
    /// mark.
    #[must_use]
    #[inline(always)]
    pub fn starts_clean(&self) -> bool {
        let first = self.rest.first().copied().unwrap_or(0);
        first != 0 && first != BOM[0] && first != b'#' && self.mark.first() != Some(&first)
    }
}

impl<'a> Iterator for Lines<'a> {
    type Item = Line<'a>;

    fn next(&mut self) -> Option<Line<'a>> {
        if self.rest.is_empty() || self.are_at_mark() {
            return None;
        }
        let length = memchr(b'\n', self.rest).map_or(self.rest.len(), |newline| newline + 1);
        let (line, rest) = self.rest.split_at(length);
        self.passed(rest);
        Some(Line::new(line))
    }
}

/// Cuts an input that comes in pieces of any size into lines.
///
/// It stores at most the start of one line: [`MAX_LINE`] bytes, and the few
/// that tell how the line ends.
#[derive(Debug, Default)]
pub struct LineCutter {
    /// The unfinished line of earlier pieces, without filler.
    begun: Vec<u8>,
    /// Whether there is an unfinished line. It may consist of filler only.
    has_begun: bool,
}

impl LineCutter {
    /// Takes whole lines from the start of `piece`, joined with the unfinished
    /// line of earlier pieces. Returns `None` when no line ends in `piece`; all
    /// of it is stored then.
    pub fn next<'a, 'p: 'a>(&'a mut self, piece: &mut &'p [u8]) -> Option<&'a [u8]> {
        let end = if self.has_begun { memchr(b'\n', piece) } else { memrchr(b'\n', piece) };
        let Some(end) = end else {
            self.keep(piece);
            *piece = b"";
            return None;
        };
        let (lines, rest) = piece.split_at(end + 1);
        *piece = rest;
        if !self.has_begun {
            return Some(lines);
        }
        self.keep(lines);
        self.has_begun = false;
        Some(&self.begun)
    }

    /// Takes the last line, if the input ended without `\n`. A line of filler
    /// only is an empty line.
    pub fn last(&mut self) -> Option<&[u8]> {
        let last = if self.begun.is_empty() { b"\n" } else { &self.begun[..] };
        std::mem::take(&mut self.has_begun).then_some(last)
    }

    fn keep(&mut self, piece: &[u8]) {
        // Two more bytes tell an overlong line from one that ends in `\r`.
        const ROOM: usize = MAX_LINE + 2;
        if piece.is_empty() {
            return;
        }
        if !self.has_begun {
            self.begun.clear();
        }
        self.has_begun = true;
        let ends = piece.last() == Some(&b'\n');
        let text = if ends { &piece[..piece.len() - 1] } else { piece };
        // A BOM may be split between two pieces. Filler is dropped before it is
        // stored, because there may be gigabytes of it.
        let torn = BOM.strip_prefix(&self.begun[..]).and_then(|missing| text.strip_prefix(missing));
        let text = match torn {
            Some(rest) => {
                self.begun.clear();
                without_filler(rest)
            }
            None if self.begun.is_empty() => without_filler(text),
            None => text,
        };
        let room = ROOM - self.begun.len().min(ROOM);
        self.begun.extend_from_slice(&text[..text.len().min(room)]);
        if ends {
            self.begun.push(b'\n');
        }
    }
}
