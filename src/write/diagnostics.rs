//! Diagnostics: writes messages to standard error, one line each, and limits
//! how often each topic is reported.

use std::fmt;
use std::io::Write;

/// This many malformed lines are shown without a pause.
const SHOWN: u64 = 10;
/// The pause between later ones, and between messages about time, in seconds.
const MINUTE: i64 = 60;
/// The pause between messages about the whole log, in seconds.
const HOUR: i64 = 3600;

/// Topics that are reported at most once in a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Topic {
    /// Time was set back.
    Restarted,
    /// The log is ahead of the wall clock.
    Ahead,
    /// The idle timeout grew.
    IdleTimeout,
    /// More than 1 % of the requests came late.
    Late,
    /// More than 1 % of the requests were ahead of the log's time.
    Future,
    /// An alert is asked for that the log has no column for.
    Impossible,
}

impl Topic {
    const COUNT: usize = Topic::Impossible as usize + 1;

    /// The least time between two reports, in seconds.
    fn pause(self) -> i64 {
        match self {
            Topic::Restarted | Topic::Ahead | Topic::IdleTimeout => MINUTE,
            Topic::Late | Topic::Future => HOUR,
            // Reported once.
            Topic::Impossible => i64::MAX,
        }
    }
}

/// When a topic was last reported, and how many reports were suppressed since.
#[derive(Clone, Debug, Default)]
struct Said {
    at: Option<i64>,
    unsaid: u64,
    text: String,
}

impl Said {
    fn is_due(&self, now: i64, pause: i64) -> bool {
        // If the wall clock was set back, don't wait for it to catch up.
        self.at.is_none_or(|at| (now - at).abs() >= pause)
    }
}

/// Writes diagnostics. Errors writing to standard error are ignored.
pub struct Diagnostics<'w> {
    out: Box<dyn Write + 'w>,
    is_quiet: bool,
    shown: u64,
    malformed: Said,
    topics: [Said; Topic::COUNT],
}

impl<'w> Diagnostics<'w> {
    /// Writes to `out`. With `is_quiet`, only failures are written.
    #[must_use]
    pub fn new(out: Box<dyn Write + 'w>, is_quiet: bool) -> Diagnostics<'w> {
        Diagnostics { out, is_quiet, shown: 0, malformed: Said::default(), topics: Default::default() }
    }

    /// Whether only failures are written.
    #[must_use]
    pub fn is_quiet(&self) -> bool {
        self.is_quiet
    }

    /// Reports why the program fails, even with `--quiet`.
    pub fn fail(&mut self, what: impl fmt::Display) {
        self.say(what);
    }

    /// Reports `what`, unless `--quiet` is given.
    pub fn warn(&mut self, what: impl fmt::Display) {
        if !self.is_quiet {
            self.say(what);
        }
    }

    /// Whether enough time has passed to report `topic` again. `now` is the
    /// wall clock, in seconds.
    #[must_use]
    pub fn is_due(&self, topic: Topic, now: i64) -> bool {
        self.topics[topic as usize].is_due(now, topic.pause())
    }

    /// Reports `what`, unless its topic was reported recently.
    pub fn warn_now_and_then(&mut self, topic: Topic, now: i64, what: impl fmt::Display) {
        let is_due = self.is_due(topic, now);
        let said = &mut self.topics[topic as usize];
        if !is_due {
            said.unsaid += 1;
            return;
        }
        let unsaid = std::mem::take(&mut said.unsaid);
        said.at = Some(now);
        said.text = what.to_string();
        match (topic, unsaid) {
            (Topic::Restarted, 1..) => self.warn(format_args!("{what} (and {unsaid} times before it)")),
            _ => self.warn(what),
        }
    }

    /// Reports `what` at the end of input, unless it was the topic's last
    /// report.
    pub fn warn_at_last(&mut self, topic: Topic, what: String) {
        if self.topics[topic as usize].text != what {
            self.warn(what);
        }
    }

    /// Reports a malformed line, unless too many were reported recently.
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
