//! One line for people per problem, on standard error; quiet when all is well.

use std::fmt;
use std::io::Write;

/// So many malformed lines are shown at once.
const SHOWN: u64 = 10;
/// After that, and of what happens to time, at most one in so many seconds.
const MINUTE: i64 = 60;
/// Of what is true of the whole, while it goes on.
const HOUR: i64 = 3600;

/// What is said now and then only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Topic {
    /// Time was set back.
    Restarted,
    /// The log is ahead of the wall clock.
    Ahead,
    /// The idle timeout grew.
    IdleTimeout,
    /// Much came late.
    Late,
    /// Much was ahead of the log's time.
    Future,
}

impl Topic {
    const COUNT: usize = Topic::Future as usize + 1;

    /// Seconds between two lines.
    fn pause(self) -> i64 {
        match self {
            Topic::Restarted | Topic::Ahead | Topic::IdleTimeout => MINUTE,
            Topic::Late | Topic::Future => HOUR,
        }
    }
}

/// When a topic was last said, and what wasn't said since.
#[derive(Clone, Copy, Debug, Default)]
struct Said {
    at: Option<i64>,
    unsaid: u64,
}

impl Said {
    fn is_due(&self, now: i64, pause: i64) -> bool {
        // A clock that was set back is no reason to be silent for long.
        self.at.is_none_or(|at| (now - at).abs() >= pause)
    }
}

/// Where the diagnostics go. Errors writing to standard error are ignored.
pub struct Diagnostics<'w> {
    out: Box<dyn Write + 'w>,
    is_quiet: bool,
    shown: u64,
    malformed: Said,
    topics: [Said; Topic::COUNT],
}

impl<'w> Diagnostics<'w> {
    /// Writes to `out`; if `is_quiet`, only a failure.
    #[must_use]
    pub fn new(out: Box<dyn Write + 'w>, is_quiet: bool) -> Diagnostics<'w> {
        Diagnostics { out, is_quiet, shown: 0, malformed: Said::default(), topics: Default::default() }
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

    /// Whether `topic` was not said for long enough; times are those of the wall
    /// clock, in seconds.
    #[must_use]
    pub fn is_due(&self, topic: Topic, now: i64) -> bool {
        self.topics[topic as usize].is_due(now, topic.pause())
    }

    /// Says what the user should know, unless its topic was said just now.
    pub fn warn_now_and_then(&mut self, topic: Topic, now: i64, what: impl fmt::Display) {
        let is_due = self.is_due(topic, now);
        let said = &mut self.topics[topic as usize];
        if !is_due {
            said.unsaid += 1;
            return;
        }
        let unsaid = std::mem::take(&mut said.unsaid);
        said.at = Some(now);
        match (topic, unsaid) {
            (Topic::Restarted, 1..) => self.warn(format_args!("{what} (and {unsaid} times before it)")),
            _ => self.warn(what),
        }
    }

    /// Says what is wrong with a malformed line, unless too many were.
    pub fn malformed(&mut self, what: impl fmt::Display, now: i64) {
        if self.shown >= SHOWN && !self.malformed.is_due(now, MINUTE) {
            self.malformed.unsaid += 1;
            return;
        }
        self.shown += 1;
        self.malformed.at = Some(now);
        match std::mem::take(&mut self.malformed.unsaid) {
            0 => self.warn(what),
            unsaid => self.warn(format_args!("{what} (and {unsaid} malformed lines before it)")),
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
        f.debug_struct("Diagnostics").field("shown", &self.shown).finish_non_exhaustive()
    }
}
