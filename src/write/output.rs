//! Output streams: standard output and `--rejects` as plain files, so that
//! every write error is seen, and a buffer that writes whole lines. Cuts a torn
//! last line off a file when the disk is full.

use std::fmt;
use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};
use std::os::fd::{AsFd, OwnedFd};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;

/// An unbuffered output.
///
/// The standard library's `Stdout` hides some errors, such as that of a
/// descriptor open for reading only. A descriptor that another program made
/// non-blocking is waited for. (A descriptor closed at start is /dev/null by
/// now: the Rust runtime opens that.)
#[derive(Debug)]
pub struct Output(File);

impl Output {
    /// Duplicates the descriptor of `stream`.
    ///
    /// # Errors
    ///
    /// If the descriptor can't be duplicated.
    pub fn of(stream: impl AsFd) -> io::Result<Output> {
        let descriptor: OwnedFd = stream.as_fd().try_clone_to_owned()?;
        Ok(Output(descriptor.into()))
    }
}

impl From<File> for Output {
    fn from(file: File) -> Output {
        Output(file)
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        loop {
            match self.0.write(bytes) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                written => return written,
            }
            match poll(&mut [PollFd::new(&self.0, PollFlags::OUT)], None) {
                Ok(_) | Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Writes all of `lines`, which are whole lines. If a write to a regular
    /// file fails halfway, cuts the file back to its last whole line.
    fn write_all(&mut self, lines: &[u8]) -> io::Result<()> {
        let mut rest = lines;
        while !rest.is_empty() {
            match self.write(rest) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(length) => rest = &rest[length..],
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    let written = &lines[..lines.len() - rest.len()];
                    // Report the write error, not one of cutting back.
                    let _ = self.take_back(written.len() - whole_lines(written));
                    return Err(error);
                }
            }
        }
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Output {
    /// Cuts the last `torn` bytes off a regular file, unless another process
    /// has written to it since.
    fn take_back(&mut self, torn: usize) -> io::Result<()> {
        let metadata = self.0.metadata()?;
        let length = metadata.len();
        if torn == 0 || !metadata.is_file() || self.0.stream_position()? != length {
            return Ok(());
        }
        let whole = length.saturating_sub(torn as u64);
        self.0.set_len(whole)?;
        self.0.seek(SeekFrom::Start(whole))?;
        Ok(())
    }
}

/// The length of the whole lines at the start of `text`, in bytes.
fn whole_lines(text: &[u8]) -> usize {
    memchr::memrchr(b'\n', text).map_or(0, |newline| newline + 1)
}

/// About this many bytes are buffered between flushes.
const HELD: usize = 64 * 1024;

/// Buffers whole lines and writes many at once.
pub struct LineWriter<'w> {
    out: Box<dyn Write + 'w>,
    held: Vec<u8>,
    /// The first error. After it, nothing more is written.
    error: Option<io::Error>,
}

impl<'w> LineWriter<'w> {
    /// Writes to `out`.
    #[must_use]
    pub fn new(out: Box<dyn Write + 'w>) -> LineWriter<'w> {
        LineWriter { out, held: Vec::new(), error: None }
    }

    /// Adds the line that `write` appends, including its newline.
    /// [`LineWriter::flush`] returns write errors.
    pub fn add(&mut self, write: impl FnOnce(&mut Vec<u8>) -> io::Result<()>) {
        if let Err(error) = write(&mut self.held) {
            self.error.get_or_insert(error);
        }
        if self.held.len() >= HELD {
            self.write_held();
        }
    }

    /// Writes what is buffered.
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
        // Free the memory of very long lines.
        self.held.shrink_to(2 * HELD);
    }
}

impl fmt::Debug for LineWriter<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LineWriter")
            .field("held", &self.held.len())
            .field("error", &self.error)
            .finish_non_exhaustive()
    }
}
