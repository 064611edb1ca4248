//! Diagnostics about the log's time, with the option to type: time restarted,
//! late and future requests, a log ahead of the wall clock, a grown idle
//! timeout, a time in 1970. Also names the source and the line of a diagnostic.

use std::fmt;

use crate::count::alert::Kind;
use crate::time::Notice;
use crate::time::late_stats::{MOST_LATENESS, Offsets};
use crate::write::event::Second;

/// A notice as a sentence.
#[must_use]
pub fn notice(notice: Notice) -> String {
    match notice {
        Notice::Restarted { from, to, closed_alert, joining_lateness } => {
            let went = format!("time restarted: the log went back from {} to {}", Second(from), Second(to));
            let closed = closed_alert.then(|| "active alerts are closed".to_owned());
            let joining = joining_lateness.map(|s| format!("--lateness {s}s would have prevented this"));
            [Some(went), closed, joining].into_iter().flatten().collect::<Vec<_>>().join("; ")
        }
        Notice::IdleTimeoutGrew(seconds) => format!(
            "records came late after silence, so the server buffers its log: the idle timeout is now {seconds}s \
             (set it with --idle-timeout {seconds}s)"
        ),
    }
}

/// An alert is asked for, but the log has no column for it.
#[must_use]
pub fn impossible(kind: Kind) -> &'static str {
    match kind {
        Kind::SlowRequests => {
            "--slow-threshold: the log has no latency column, so slow_requests is never raised"
        }
        _ => "--error-threshold: the log has no status column, so high_errors is never raised",
    }
}

/// The log is so many seconds ahead of the wall clock that silence is not
/// noticed.
#[must_use]
pub fn ahead(seconds: i64) -> String {
    format!(
        "the log is ahead of this machine's clock by {}, so silence is not noticed: check --zone and the \
         clocks",
        Length(seconds)
    )
}

/// Whether `some` of `requests` is more than 1 %, enough for a diagnostic.
#[must_use]
pub fn are_many(some: u64, requests: u64) -> bool {
    some * 100 > requests
}

/// How many requests came late, and the option that keeps them on time.
#[must_use]
pub fn late(offsets: &Offsets, requests: u64) -> String {
    let late = offsets.late_requests();
    let mut parts = vec![format!("{late} of {requests} requests came late ({})", Percent(late, requests))];
    match offsets.late.least_for(99) {
        None if offsets.late.requests == 0 => {}
        None => parts.push(format!(
            "the longest --lateness, {}, is too short: sort the log by time first, below its header: \
             (head -n 1 LOG; tail -n +2 LOG | sort -t, -k4,4)",
            Length(MOST_LATENESS)
        )),
        Some((seconds, 0)) => parts.push(format!("--lateness {seconds}s is enough for them")),
        Some((seconds, rest)) => {
            parts.push(format!("--lateness {seconds}s is enough for all but {rest}"));
        }
    }
    if offsets.late_by_silence > 0 {
        parts.push(format!(
            "{} came after silence, --idle-timeout {}s is enough for them",
            offsets.late_by_silence, offsets.needed_idle_timeout
        ));
    }
    parts.join("; ")
}

/// How many requests were ahead of the log's time.
#[must_use]
pub fn future(offsets: &Offsets, requests: u64) -> String {
    let future = offsets.future.requests;
    let by = match offsets.future.least_for(50) {
        Some((seconds, _)) => format!("half of them by up to {}", Length(seconds)),
        None => format!("most of them by more than {}", Length(MOST_LATENESS)),
    };
    format!(
        "{future} of {requests} requests were ahead of the log's time ({}), {by}: do the clocks of two servers differ?",
        Percent(future, requests)
    )
}

struct Percent(u64, u64);

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.1} %", self.0 as f64 * 100.0 / self.1 as f64)
    }
}

/// A length of time in seconds, shown like `1h 3m 20s`.
struct Length(i64);

impl fmt::Display for Length {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (days, seconds) = (self.0 / 86_400, self.0 % 86_400);
        let parts = [(days, 'd'), (seconds / 3600, 'h'), (seconds / 60 % 60, 'm'), (seconds % 60, 's')];
        let mut separator = "";
        for (count, unit) in parts.into_iter().filter(|&(count, _)| count > 0) {
            write!(f, "{separator}{count}{unit}")?;
            separator = " ";
        }
        if separator.is_empty() { f.write_str("0s") } else { Ok(()) }
    }
}

/// At most this many characters of a source's name are shown.
const MAX_SHOWN: usize = 100;

/// A source's name, shortened.
pub(crate) struct Name<'a>(pub(crate) &'a str);

impl fmt::Display for Name<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_long = self.0.chars().nth(MAX_SHOWN).is_some();
        let shown: String = self.0.chars().take(MAX_SHOWN).collect();
        write!(f, "{shown}{}", if is_long { "..." } else { "" })
    }
}

/// The diagnostic for a source's first time in 1970.
pub(crate) const TIME_OF_1970: &str =
    "the time is in 1970: probably another column has the time; name it with --columns";

/// A diagnostic about a line, with its source and line number.
pub(crate) struct Located<'a, T> {
    /// The source's name, if the input has several sources.
    pub(crate) source: Option<&'a str>,
    pub(crate) number: u64,
    pub(crate) what: T,
}

impl<T: fmt::Display> fmt::Display for Located<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(source) = self.source {
            write!(f, "{}: ", Name(source))?;
        }
        write!(f, "line {}: {}", self.number, self.what)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_is_shown_in_the_units_that_it_has() {
        for (seconds, shown) in [(0, "0s"), (59, "59s"), (3600, "1h"), (90_061, "1d 1h 1m 1s"), (120, "2m")] {
            assert_eq!(Length(seconds).to_string(), shown);
        }
    }
}
