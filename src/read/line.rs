//! Bytes -> lines: cuts at the newline, limits the length, and drops a BOM and
//! NUL bytes at the start. The content of a line is not read here.

use memchr::{memchr, memrchr};

/// The longest line in bytes, its end not counted, that is looked into.
pub const MAX_LINE: usize = 262_144;

const BOM: &[u8] = b"\xEF\xBB\xBF";

/// One line of the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line<'a> {
    /// What stands before the end; its first [`MAX_LINE`] bytes if it is
    /// `overlong`.
    pub text: &'a [u8],
    /// `\n`, `\r\n`, or, at the end of input only, `\r` or nothing.
    pub end: &'static [u8],
    /// Whether the line is longer than [`MAX_LINE`].
    pub overlong: bool,
}

impl<'a> Line<'a> {
    /// Takes a whole line apart; one without `\n` is the last of its input.
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

/// What follows the NUL bytes and BOMs at the start of a line.
///
/// A file that is truncated while its writer keeps its place starts with NULs.
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

/// Whole lines that follow each other, and their numbers.
#[derive(Clone, Debug)]
pub struct Lines<'a> {
    rest: &'a [u8],
    /// A line that starts with this is not taken, if it isn't empty.
    mark: &'static [u8],
    /// The number of the last line taken; the first one of the input is 1.
    number: u64,
}

impl<'a> Lines<'a> {
    /// The lines of `text`, after `number` others. Each but the last of its
    /// input has its end.
    #[must_use]
    pub fn new(text: &'a [u8], number: u64) -> Lines<'a> {
        Lines { rest: text, mark: b"", number }
    }

    /// The same up to the first line that starts with `mark`, which isn't empty.
    #[must_use]
    pub fn before(text: &'a [u8], number: u64, mark: &'static [u8]) -> Lines<'a> {
        Lines { rest: text, mark, number }
    }

    /// Whether the next line starts with the mark.
    #[must_use]
    pub fn are_at_mark(&self) -> bool {
        !self.mark.is_empty() && without_filler(self.rest).starts_with(self.mark)
    }

    /// The lines that are left, as they stand in the input.
    #[must_use]
    #[inline(always)]
    pub fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// The number of the last line taken.
    #[must_use]
    pub fn number(&self) -> u64 {
        self.number
    }

    /// Takes note that the next line was read where it stands: `rest` follows it.
    #[inline(always)]
    pub fn passed(&mut self, rest: &'a [u8]) {
        self.rest = rest;
        self.number += 1;
    }

    /// Whether the next line is taken, nothing has to be dropped before it, and
    /// it is no comment or `#Fields`, as far as its first byte says.
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
/// It keeps at most the start of one line, and of that no more than
/// [`MAX_LINE`] bytes and what is needed to know its end.
#[derive(Debug, Default)]
pub struct LineCutter {
    /// The line that the last piece didn't end, without filler.
    begun: Vec<u8>,
    /// Whether there is such a line; it may be nothing but filler.
    has_begun: bool,
}

impl LineCutter {
    /// Takes the next whole lines from the start of `piece`, together with what
    /// earlier pieces began; `None` if none ends there: all of `piece` is taken
    /// then.
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

    /// Takes the last line, if the input ended without `\n`. One of nothing but
    /// filler is an empty line.
    pub fn last(&mut self) -> Option<&[u8]> {
        let last = if self.begun.is_empty() { b"\n" } else { &self.begun[..] };
        std::mem::take(&mut self.has_begun).then_some(last)
    }

    fn keep(&mut self, piece: &[u8]) {
        // So many bytes tell a long line from one that ends in `\r`.
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
        // A BOM may come in two pieces. Filler is dropped before it needs room:
        // there may be gigabytes of it.
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
