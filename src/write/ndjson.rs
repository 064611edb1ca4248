//! NDJSON output: an event -> one line of JSON.

use std::io::{self, Write};

use crate::write::event::Event;
use crate::write::json;
use crate::write::output::LineWriter;

/// Writes events, one per line.
#[derive(Debug)]
pub struct Events<'w>(LineWriter<'w>);

impl<'w> Events<'w> {
    /// Writes to `out`, whole lines at a time.
    #[must_use]
    pub fn new(out: Box<dyn Write + 'w>) -> Events<'w> {
        Events(LineWriter::new(out))
    }

    /// Adds an event. [`Events::flush`] returns write errors.
    pub fn write(&mut self, event: &Event<'_>) {
        self.0.add(|line| {
            json::append(line, event)?;
            line.push(b'\n');
            Ok(())
        });
    }

    /// Writes what is buffered.
    ///
    /// # Errors
    ///
    /// The first error of any write so far.
    pub fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}
