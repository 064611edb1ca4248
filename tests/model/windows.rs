//! SPEC sections 4 and 5: what is counted, when a window is written, when an
//! alert comes and goes.

use super::columns::Request;
use super::source::{Alert, Counted, Kind, Source};

/// Sections that are told apart over all open windows.
const MOST_SECTIONS: usize = 10_000;

/// Hosts that are told apart over all open windows.
const MOST_HOSTS: usize = 100_000;

/// "Up to 12 empty ones are written singly."
const MOST_EMPTY: u32 = 12;

impl Source {
    /// The start of the window of a second: "a multiple of the interval since
    /// the epoch".
    fn window_of(&self, second: i64) -> i64 {
        second - second.rem_euclid(self.settings.interval)
    }

    /// Counts a request.
    pub(crate) fn count(&mut self, request: Request, kind: Kind) {
        let start = match kind {
            Kind::Accepted => self.window_of(request.time),
            // "The current window: that of second `max(S, wm + 1)`."
            Kind::Late | Kind::Future => self.window_of(self.run.stream_time.max(self.watermark() + 1)),
        };
        // A late one is counted "in the alert's rate at its own second if that
        // second still lies in the alert window", `future` is not in the rate.
        if kind != Kind::Future {
            *self.run.seconds.entry(request.time).or_default() += 1;
        }
        if kind == Kind::Late {
            self.late += 1;
        }
        // "Counting is exact up to 10,000 distinct sections and 100,000
        // distinct hosts over all open windows; what comes after with a new
        // name goes to `…_other`." A new one: that stands in no open window.
        let section_is_capped = self.run.known_sections.len() >= MOST_SECTIONS
            && !self.run.known_sections.contains_key(&request.section);
        if !section_is_capped {
            let known = &mut self.run.known_sections;
            *known.entry(request.section.clone()).or_default() += 1;
        }
        let host_is_capped =
            self.run.known_hosts.len() >= MOST_HOSTS && !self.run.known_hosts.contains_key(&request.host);
        if !host_is_capped {
            let known = &mut self.run.known_hosts;
            *known.entry(request.host.clone()).or_default() += 1;
        }
        self.run.windows.entry(start).or_default().push(Counted {
            request,
            kind,
            section_is_capped,
            host_is_capped,
        });
        self.write_gap_if_next_is_known();
    }

    /// Closes every second up to this one, each in its turn.
    pub(crate) fn close_seconds(&mut self, last: i64) {
        while self.run.closed < last {
            let second = self.nothing_before(self.run.closed + 1, last);
            self.judge(second);
            self.run.closed = second;
            let next = second + 1;
            if self.window_of(next) == next {
                self.close_window(next - self.settings.interval, next);
            }
            self.write_gap_if_next_is_known();
        }
    }

    /// The second that has to be looked at next, for logs with gaps of years:
    /// seconds are passed over only while the alert is quiet and nothing at
    /// all is in the sliding window, and windows only if they are empty and
    /// belong to the rest of a gap (or stand before the first one).
    fn nothing_before(&mut self, next: i64, last: i64) -> i64 {
        let first = next - self.settings.window + 1;
        let in_rate = self.run.seconds.range(first..=last).next().is_some();
        if in_rate || self.run.alert.is_some() {
            return next;
        }
        let start = self.window_of(next);
        let end = start + self.settings.interval;
        let is_rest = !self.run.window_written || self.run.empty_written == MOST_EMPTY;
        let is_empty = self.run.windows.range(..=last).next().is_none();
        if !is_rest || !is_empty {
            return last.min(end - 1);
        }
        // All windows that end by then, but the last of them, which is closed
        // in the ordinary way.
        let last_start = self.window_of(last + 1) - self.settings.interval;
        if last_start < start {
            return last;
        }
        if self.run.window_written && last_start > start {
            let from = self.run.gap.map_or(start, |(from, _)| from);
            self.run.gap = Some((from, last_start));
        }
        // What follows the last end is looked at once more from there.
        last_start + self.settings.interval - 1
    }

    // ---- alert --------------------------------------------------------------

    /// "At every closed second `t`: `n(t)` = the requests known with times in
    /// `(t - window, t]`."
    fn judge(&mut self, second: i64) {
        let window = self.settings.window;
        let requests: u64 =
            self.run.seconds.range(second - window + 1..=second).map(|(_, count)| count).sum();
        match self.run.alert {
            // "Quiet, and `n / window > threshold`: `alert`."
            None => {
                if self.settings.threshold.is_exceeded(requests, window) {
                    self.end_gap_before(second);
                    self.write_alert(second, requests);
                    self.run.alert = Some(Alert { since: second, peak: requests, peak_time: second });
                }
            }
            // "Alerting, and `n / window < recovery threshold`: `recovery`."
            Some(alert) => {
                if self.settings.recovery.is_undercut(requests, window) {
                    self.end_gap_before(second);
                    self.write_recovery(second, requests, alert);
                    self.run.alert = None;
                } else if requests > alert.peak {
                    // "`peak_requests` is the greatest `n` while alerting,
                    // `peak_time` its first second."
                    self.run.alert = Some(Alert { peak: requests, peak_time: second, ..alert });
                }
            }
        }
    }

    // ---- summaries ----------------------------------------------------------

    /// "Written when the second `end - 1` is closed."
    fn close_window(&mut self, start: i64, end: i64) {
        if self.run.windows.contains_key(&start) {
            self.write_window(start, end);
            self.run.window_written = true;
            self.run.empty_written = 0;
        } else if !self.run.window_written {
            // "No summary before the first window with a request."
        } else if self.run.empty_written < MOST_EMPTY {
            // "After one with requests, up to 12 empty ones are written
            // singly."
            self.write_window(start, end);
            self.run.empty_written += 1;
        } else {
            // "The rest of a gap is one summary, from the first of them" on.
            let from = self.run.gap.map_or(start, |(from, _)| from);
            self.run.gap = Some((from, end));
        }
    }

    /// "To the start of the next window with a request, written as soon as its
    /// last second is closed and a request of that window is known."
    fn write_gap_if_next_is_known(&mut self) {
        if let Some((start, end)) = self.run.gap
            && self.run.windows.contains_key(&end)
        {
            self.run.gap = None;
            self.write_window(start, end);
        }
    }

    /// "An alert or recovery inside it ends it at the start of the window of
    /// that second; what follows is a further one." That start is where the
    /// closed windows end.
    fn end_gap_before(&mut self, second: i64) {
        if let Some((start, end)) = self.run.gap.take() {
            assert_eq!(end, self.window_of(second), "the gap ends where we are");
            self.write_window(start, end);
        }
    }

    /// Writes everything open, at the end of input or of a run of time.
    pub(crate) fn drain(&mut self) {
        // Without a good record there is no window to write.
        if !self.run.started {
            return;
        }
        // "All seconds up to `S` are closed."
        self.close_seconds(self.run.stream_time);
        // "Or at the end of input, to the last closed window."
        if let Some((start, end)) = self.run.gap.take() {
            self.write_window(start, end);
        }
        // "The window then open is written if it has requests, or if counters
        // would otherwise be lost."
        let start = self.window_of(self.run.closed + 1);
        if self.run.windows.contains_key(&start) || self.malformed > 0 || self.skipped > 0 {
            self.write_window(start, start + self.settings.interval);
        }
        assert!(self.run.windows.is_empty(), "nothing is lost");
    }

    /// Writes a summary and forgets its requests, and the names that stood in
    /// no other window.
    fn write_window(&mut self, start: i64, end: i64) {
        let counted = self.run.windows.remove(&start).unwrap_or_default();
        // "If the window starts before the least accepted time of the run, or
        // the input ended (or time restarted) before its last second."
        let partial = start < self.run.least || self.run.closed < end - 1;
        self.write_summary(start, end, partial, &counted);
        // "`malformed` and `skipped`: since the previous summary."
        self.malformed = 0;
        self.skipped = 0;
        for one in counted {
            if !one.section_is_capped {
                forget(&mut self.run.known_sections, &one.request.section);
            }
            if !one.host_is_capped {
                forget(&mut self.run.known_hosts, &one.request.host);
            }
        }
    }
}

/// Takes one mention of a name away.
fn forget(known: &mut std::collections::BTreeMap<String, u64>, name: &str) {
    if let Some(count) = known.get_mut(name) {
        *count -= 1;
        if *count == 0 {
            known.remove(name);
        }
    }
}
