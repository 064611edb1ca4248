//! One line for people per problem, on standard error; quiet when all is well.

use std::fmt;
use std::io::Write;
use std::time::{Duration, Instant};

/// So many malformed lines are shown at once.
const SHOWN: u64 = 10;
/// After that, at most one in this time.
const PAUSE: Duration = Duration::from_secs(60);

/// Where the diagnostics go. A closed or full standard error is no error.
pub struct Diagnostics<'w> {
    out: Box<dyn Write + 'w>,
    is_quiet: bool,
    malformed: u64,
    unshown: u64,
    last_shown: Option<Instant>,
}

impl<'w> Diagnostics<'w> {
    /// Writes to `out`; if `is_quiet`, only a failure.
    #[must_use]
    pub fn new(out: Box<dyn Write + 'w>, is_quiet: bool) -> Diagnostics<'w> {
        Diagnostics { out, is_quiet, malformed: 0, unshown: 0, last_shown: None }
    }

    /// Whether only a failure is said.
    #[must_use]
    pub fn is_quiet(&self) -> bool {
        self.is_quiet
    }

    /// Says why the program fails.
    pub fn fail(&mut self, what: impl fmt::Display) {
        self.say(what);
    }

    /// Says what the user should know.
    pub fn warn(&mut self, what: impl fmt::Display) {
        if !self.is_quiet {
            self.say(what);
        }
    }

    /// Says what is wrong with a malformed line, unless too many were.
    pub fn malformed(&mut self, what: impl fmt::Display) {
        self.malformed += 1;
        if self.is_quiet {
            return;
        }
        if self.malformed > SHOWN && self.last_shown.is_some_and(|shown| shown.elapsed() < PAUSE) {
            self.unshown += 1;
            return;
        }
        self.last_shown = Some(Instant::now());
        match std::mem::take(&mut self.unshown) {
            0 => self.say(what),
            unshown => self.say(format_args!("{what} (and {unshown} malformed lines before it)")),
        }
    }

    fn say(&mut self, what: impl fmt::Display) {
        // One write, so that lines of several programs don't mix.
        let line = format!("httpmon: {what}\n");
        let _ = self.out.write_all(line.as_bytes()).and_then(|()| self.out.flush());
    }
}

impl fmt::Debug for Diagnostics<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Diagnostics").field("malformed", &self.malformed).finish_non_exhaustive()
    }
}
