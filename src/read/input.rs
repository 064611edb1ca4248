//! Standard input and the signals: waits until bytes, silence, a signal or the
//! end of input comes. Defines the clock that counts silence.
//!
//! One poll covers standard input and the signals' pipe, so waiting bytes are
//! never taken for silence. What silence means is decided in `time::silence`.

use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant, SystemTime};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

use crate::time::Moment;

/// The most bytes read at once. They stay in the processor's cache until they
/// are parsed.
const PIECE: usize = 64 * 1024;
/// How often the input is polled while silence counts: twice within the one
/// second that [`ListeningClock`] counts at most.
const LOOK: Duration = Duration::from_millis(500);
/// The capacity of the largest pipe without privileges. After a signal no more
/// is read, because no more can have been written before it.
const FULL_PIPE: usize = 1024 * 1024;

/// What came.
#[derive(Debug)]
pub enum Incoming<'a> {
    /// A piece of the input.
    Bytes(&'a [u8]),
    /// No bytes: the input is empty, and everything before was read.
    Empty,
    /// A signal that ends the program. All input before it was read.
    Signal(i32),
    /// The end of input.
    End,
    /// Reading the input failed.
    Failed(io::Error),
}

/// Standard input, together with the signals that end the program.
#[derive(Debug)]
pub struct Input {
    file: File,
    piece: Vec<u8>,
    signals: Signals,
    /// How many bytes may still be read after a signal.
    rest: usize,
    listening: ListeningClock,
    /// Whether the input was empty at the last poll.
    is_empty: bool,
}

impl Input {
    /// Reads from `file`, and catches signals.
    ///
    /// # Errors
    ///
    /// If signals can't be caught.
    pub fn new(file: File) -> io::Result<Input> {
        enlarge_pipe(&file);
        Ok(Input {
            file,
            piece: vec![0; PIECE],
            signals: Signals::catch()?,
            rest: FULL_PIPE,
            listening: ListeningClock::new(Instant::now()),
            is_empty: false,
        })
    }

    /// Waits until something comes, and returns it with the moment. If
    /// `hears_silence`, returns [`Incoming::Empty`] from time to time while
    /// nothing comes.
    pub fn wait(&mut self, hears_silence: bool) -> (Incoming<'_>, Moment) {
        let happened = self.next(hears_silence);
        let now = Instant::now();
        if matches!(happened, Happened::Nothing) {
            self.listening.found_empty(now);
        }
        self.is_empty = matches!(happened, Happened::Nothing);
        let wall = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let moment = Moment {
            wall: i64::try_from(wall.as_secs()).unwrap_or(i64::MAX),
            listened: self.listening.reading(now),
        };
        let incoming = match happened {
            Happened::Read(length) => Incoming::Bytes(&self.piece[..length]),
            Happened::Nothing => Incoming::Empty,
            Happened::Signal(signal) => Incoming::Signal(signal),
            Happened::End => Incoming::End,
            Happened::Failed(error) => Incoming::Failed(error),
        };
        (incoming, moment)
    }

    fn next(&mut self, hears_silence: bool) -> Happened {
        // The first poll doesn't wait, because silence counts only from a
        // moment at which the input was found empty.
        let timeout = match (self.is_empty, hears_silence) {
            (false, _) => Some(Duration::ZERO),
            (true, true) => Some(LOOK),
            (true, false) => None,
        };
        let Ok(mut timeout) = timeout.map(Timespec::try_from).transpose() else { return Happened::Nothing };
        let mut polled =
            [PollFd::new(&self.file, PollFlags::IN), PollFd::new(&self.signals.pipe, PollFlags::IN)];
        loop {
            match poll(&mut polled, timeout.as_ref()) {
                Ok(_) => break,
                // An interrupted poll has not looked: bytes may have come with
                // the signal.
                Err(Errno::INTR) => timeout = Some(Timespec::default()),
                Err(error) => return Happened::Failed(error.into()),
            }
        }
        let has_bytes = !polled[0].revents().is_empty();
        let caught = self.signals.caught();
        match caught {
            Some(signal) if !has_bytes || self.rest == 0 => return Happened::Signal(signal),
            None if !has_bytes => return Happened::Nothing,
            _ => {}
        }
        match rustix::io::read(self.file.as_fd(), &mut self.piece[..]) {
            Ok(0) => caught.map_or(Happened::End, Happened::Signal),
            Ok(length) if caught.is_none() => Happened::Read(length),
            Ok(length) => {
                self.rest = self.rest.saturating_sub(length);
                // A writer that never stops is cut off after a whole line.
                match memchr::memrchr(b'\n', &self.piece[..length]) {
                    Some(newline) if self.rest == 0 => Happened::Read(newline + 1),
                    _ => Happened::Read(length),
                }
            }
            // Another process took the bytes from a non-blocking input, or a
            // signal came in between: there is nothing to read now.
            Err(Errno::INTR | Errno::AGAIN) => Happened::Nothing,
            Err(error) => Happened::Failed(error.into()),
        }
    }
}

/// If the input is a pipe, makes it as large as possible, so that writer and
/// reader wait for each other less often. Failure is harmless.
#[cfg(target_os = "linux")]
fn enlarge_pipe(file: &File) {
    let _ = rustix::pipe::fcntl_setpipe_size(file, FULL_PIPE);
}

#[cfg(not(target_os = "linux"))]
fn enlarge_pipe(_: &File) {}

/// [`Incoming`] without the bytes.
enum Happened {
    Read(usize),
    Nothing,
    Signal(i32),
    End,
    Failed(io::Error),
}

/// Counts the time during which the input is listened to. It stops one second
/// after the input was last found empty. So a stopped process, a suspended
/// machine or a blocked output counts as at most one second of silence.
#[derive(Clone, Copy, Debug)]
pub struct ListeningClock {
    counted: Duration,
    looked: Instant,
}

impl ListeningClock {
    const MOST: Duration = Duration::from_secs(1);

    /// A clock that reads 0 at `now`.
    #[must_use]
    pub fn new(now: Instant) -> ListeningClock {
        ListeningClock { counted: Duration::ZERO, looked: now }
    }

    /// The reading at `now`.
    #[must_use]
    pub fn reading(&self, now: Instant) -> Duration {
        self.counted + now.saturating_duration_since(self.looked).min(ListeningClock::MOST)
    }

    /// Notes that the input was found empty at `now`.
    pub fn found_empty(&mut self, now: Instant) {
        self.counted = self.reading(now);
        self.looked = now;
    }
}

/// Catches SIGINT, SIGTERM and SIGHUP, unless they were ignored at start. The
/// first one is caught; a second one kills the program at once.
#[derive(Debug)]
struct Signals {
    /// Readable once a signal has come.
    pipe: UnixStream,
    caught: Arc<AtomicUsize>,
}

impl Signals {
    fn catch() -> io::Result<Signals> {
        let (pipe, sender) = UnixStream::pair()?;
        let caught = Arc::new(AtomicUsize::new(0));
        let is_second = Arc::new(AtomicBool::new(false));
        let ignored = ignored_signals();
        for signal in [SIGINT, SIGTERM, SIGHUP] {
            if ignored & (1 << (signal - 1)) != 0 {
                continue;
            }
            // Actions run in the order of registration.
            if is_process_1() {
                signal_hook::flag::register_conditional_shutdown(
                    signal,
                    128 + signal,
                    Arc::clone(&is_second),
                )?;
            } else {
                signal_hook::flag::register_conditional_default(signal, Arc::clone(&is_second))?;
            }
            signal_hook::flag::register(signal, Arc::clone(&is_second))?;
            signal_hook::flag::register_usize(signal, Arc::clone(&caught), signal.unsigned_abs() as usize)?;
            signal_hook::low_level::pipe::register(signal, sender.try_clone()?)?;
        }
        Ok(Signals { pipe, caught })
    }

    fn caught(&self) -> Option<i32> {
        match self.caught.load(Ordering::SeqCst) {
            0 => None,
            signal => i32::try_from(signal).ok(),
        }
    }
}

/// The mask of ignored signals, signal 1 in the lowest bit.
///
/// Asking the kernel for a signal's action takes `unsafe` code, but Linux also
/// shows it in /proc. On other systems no signal counts as ignored.
fn ignored_signals() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0)
}

/// Whether this is process 1, as in a container. The kernel doesn't apply the
/// default action of a signal to it.
fn is_process_1() -> bool {
    std::process::id() == 1
}

/// Ends the program as `signal` would have ended it. Process 1 can't die of a
/// signal, so it returns the status that a shell would show: 128 + the signal.
///
/// # Errors
///
/// If the signal can't be raised.
pub fn die_of(signal: i32) -> io::Result<ExitCode> {
    if !is_process_1() {
        signal_hook::low_level::emulate_default_handler(signal)?;
    }
    Ok(ExitCode::from(u8::try_from(128 + signal).unwrap_or(u8::MAX)))
}
