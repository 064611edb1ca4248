//! `--rejects`: keeps malformed lines byte for byte, up to `--rejects-max`
//! bytes.

use std::fmt;
use std::io::{self, Write};

use crate::write::output::LineWriter;

/// Where malformed lines are kept.
pub struct Rejects<'w> {
    /// Receives the lines.
    pub out: Box<dyn Write + 'w>,
    /// How many bytes may be added; `None` = no limit.
    pub room: Option<u64>,
}

/// Whether a line was kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kept {
    Yes,
    /// The first line that doesn't fit.
    FirstNot,
    No,
}

/// Keeps malformed lines until one doesn't fit.
#[derive(Debug)]
pub(crate) struct RejectWriter<'w> {
    lines: LineWriter<'w>,
    room: Option<u64>,
    left_out: u64,
}

impl<'w> RejectWriter<'w> {
    pub(crate) fn new(rejects: Rejects<'w>) -> RejectWriter<'w> {
        RejectWriter { lines: LineWriter::new(rejects.out), room: rejects.room, left_out: 0 }
    }

    /// Keeps a whole line, or nothing. After a line that doesn't fit, none is
    /// kept.
    pub(crate) fn add(&mut self, text: &[u8], end: &[u8]) -> Kept {
        let end = if end.is_empty() { b"\n" } else { end };
        if let Some(room) = &mut self.room {
            let left = room.checked_sub((text.len() + end.len()) as u64).filter(|_| self.left_out == 0);
            let Some(left) = left else {
                self.left_out += 1;
                return if self.left_out == 1 { Kept::FirstNot } else { Kept::No };
            };
            *room = left;
        }
        self.lines.add(|line| {
            line.extend_from_slice(text);
            line.extend_from_slice(end);
            Ok(())
        });
        Kept::Yes
    }

    /// How many lines were not kept.
    pub(crate) fn left_out(&self) -> u64 {
        self.left_out
    }

    /// Writes the lines that are held.
    pub(crate) fn flush(&mut self) -> io::Result<()> {
        self.lines.flush()
    }
}

impl fmt::Debug for Rejects<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rejects").field("room", &self.room).finish_non_exhaustive()
    }
}
