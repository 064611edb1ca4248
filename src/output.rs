//! A standard stream as a plain file: every error is seen, and none is made up.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsFd, OwnedFd};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;

/// A descriptor that is written to without a buffer.
///
/// The standard library's `Stdout` takes a closed descriptor for success; and
/// a descriptor that another program made non-blocking is no error here.
#[derive(Debug)]
pub struct Output(File);

impl Output {
    /// A second descriptor of `stream`.
    ///
    /// # Errors
    ///
    /// If there can't be one.
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

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
