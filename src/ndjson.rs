//! An event -> one line of JSON; lines are written whole, and before anything
//! is waited for.

use std::fmt;
use std::io::{self, Write};

use crate::event::Event;

/// Lines that came about since the last flush are held up to about this many
/// bytes.
const HELD: usize = 64 * 1024;

/// Where the events go.
pub struct Events<'w> {
    out: Box<dyn Write + 'w>,
    held: Vec<u8>,
    /// The first error; after it nothing more is written.
    error: Option<io::Error>,
}

impl<'w> Events<'w> {
    /// Writes to `out`, in pieces of whole lines.
    #[must_use]
    pub fn new(out: Box<dyn Write + 'w>) -> Events<'w> {
        Events { out, held: Vec::new(), error: None }
    }

    /// Adds an event; [`Events::flush`] tells if it couldn't be written.
    pub fn write(&mut self, event: &Event<'_>) {
        if let Err(error) = serde_json::to_writer(&mut self.held, event) {
            self.error.get_or_insert(error.into());
        }
        self.held.push(b'\n');
        if self.held.len() >= HELD {
            self.write_held();
        }
    }

    /// Writes what is held.
    ///
    /// # Errors
    ///
    /// The first error of any write so far.
    pub fn flush(&mut self) -> io::Result<()> {
        if !self.held.is_empty() {
            self.write_held();
        }
        self.error.take().map_or(Ok(()), Err)
    }

    fn write_held(&mut self) {
        if self.error.is_none() {
            self.error = self.out.write_all(&self.held).and_then(|()| self.out.flush()).err();
        }
        self.held.clear();
        // One long event, or a flood of them, must not keep its memory.
        self.held.shrink_to(2 * HELD);
    }
}

impl fmt::Debug for Events<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Events")
            .field("held", &self.held.len())
            .field("error", &self.error)
            .finish_non_exhaustive()
    }
}
