//! Bytes -> lines: cut at the newline, capped, without the BOM and NUL bytes
//! at their start. What a line says is not looked at.

use memchr::memchr;

/// The longest line in bytes, its end not counted, that is looked into.
pub const MAX_LINE: usize = 65_536;

const BOM: &[u8] = b"\xEF\xBB\xBF";

/// One line of the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line<'a> {
    /// What stands before the end; its first [`MAX_LINE`] bytes if it is
    /// `overlong`.
    pub text: &'a [u8],
    /// `\n`, `\r\n`, or, at the end of input only, `\r` or nothing.
    pub end: &'a [u8],
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
        let text = whole.strip_suffix(b"\n").unwrap_or(whole);
        let text = text.strip_suffix(b"\r").unwrap_or(text);
        let end = &whole[text.len()..];
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
    /// Whether more of it came than `begun` holds.
    cut: bool,
}

impl LineCutter {
    /// Takes the next line from the start of `piece`, together with what
    /// earlier pieces began; `None` if it doesn't end there: all of `piece` is
    /// taken then.
    pub fn next<'a, 'p: 'a>(&'a mut self, piece: &mut &'p [u8]) -> Option<Line<'a>> {
        let Some(newline) = memchr(b'\n', piece) else {
            self.keep(piece);
            *piece = b"";
            return None;
        };
        let (line, rest) = piece.split_at(newline + 1);
        *piece = rest;
        if !self.has_begun {
            return Some(Line::new(line));
        }
        self.keep(line);
        Some(self.take_begun())
    }

    /// Takes the last line, if the input ended without `\n`.
    pub fn last(&mut self) -> Option<Line<'_>> {
        self.has_begun.then(|| self.take_begun())
    }

    fn take_begun(&mut self) -> Line<'_> {
        self.has_begun = false;
        if std::mem::take(&mut self.cut) {
            let end = if self.begun.ends_with(b"\n") { &b"\n"[..] } else { b"" };
            return Line { text: &self.begun[..MAX_LINE], end, overlong: true };
        }
        Line::new(&self.begun)
    }

    fn keep(&mut self, piece: &[u8]) {
        // One byte more than the text may have tells a long line from a `\r\n`.
        const ROOM: usize = MAX_LINE + 1;
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
        self.cut |= text.len() > room;
        self.begun.extend_from_slice(&text[..text.len().min(room)]);
        if ends {
            self.begun.push(b'\n');
        }
    }
}
