//! SPEC section 4: in which window a request is counted, and when a window is
//! written.

use super::columns::Request;
use super::event::has_server_error;
use super::source::{Counted, Kind, Source};

/// "Up to 12 empty ones are written singly."
const MOST_EMPTY: u32 = 12;

impl Source {
    /// The start of the window of a second: "a multiple of the interval since
    /// the epoch".
    fn window_of(&self, second: i64) -> i64 {
        second - second.rem_euclid(self.settings.interval)
    }

    /// "The current window: that of second `max(S, wm + 1)`."
    pub(crate) fn current_window(&self) -> i64 {
        self.window_of(self.current_second())
    }

    /// Counts a request.
    pub(crate) fn count(&mut self, request: Request, kind: Kind) {
        let window = match kind {
            Kind::Accepted => self.window_of(request.time),
            Kind::Late | Kind::Future => self.current_window(),
        };
        // A late one counts "in the rates at its own second if that second
        // still lies in the alert window", a `future` one "in the rates at the
        // current second".
        let second = match kind {
            Kind::Accepted | Kind::Late => request.time,
            Kind::Future => self.current_second(),
        };
        let is_slow = request.latency.is_some_and(|latency| self.is_slow(latency));
        let rates = self.run.seconds.entry(second).or_default();
        rates.requests += 1;
        rates.errors += u64::from(has_server_error(&request));
        rates.slow += u64::from(is_slow);
        self.totals.late += u64::from(kind == Kind::Late);
        self.totals.future += u64::from(kind == Kind::Future);
        self.run.windows.entry(window).or_default().push(Counted { request, kind });
        self.write_gap_if_next_is_known();
    }

    /// "Slower than `--slow`."
    pub(crate) fn is_slow(&self, nanoseconds: u64) -> bool {
        i128::from(nanoseconds) > self.settings.slow.billionths
    }

    /// Closes every second up to this one, in order.
    pub(crate) fn close_seconds(&mut self, last: i64) {
        while self.run.closed < last {
            let second = self.next_of_interest(last);
            self.judge(second);
            self.run.closed = second;
            if self.window_of(second + 1) == second + 1 {
                self.close_window(second + 1 - self.settings.interval, second + 1);
            }
            self.write_gap_if_next_is_known();
        }
    }

    /// The next second that must be visited, so that gaps of years take no
    /// time. Seconds are skipped only where nothing can happen.
    fn next_of_interest(&mut self, last: i64) -> i64 {
        let next = self.run.closed + 1;
        // Alerts: neither the last closed second nor those up to `last` have a
        // request in their alert window. An empty alert window was judged
        // already.
        let is_quiet = self.run.seconds.range(next - self.settings.window..=last).next().is_none();
        // Summaries: only empty windows in the rest of a gap.
        let is_rest = self.run.empty_written == MOST_EMPTY
            && self.run.windows.range(..=last).next().is_none()
            && self.run.malformed_in.range(..=last).next().is_none();
        if !is_quiet {
            return next;
        }
        let this_end = self.window_of(next) + self.settings.interval;
        let end = self.window_of(last + 1) - self.settings.interval;
        if !is_rest || end <= this_end {
            // Skip to the last second of this window.
            self.run.closed = last.min(this_end - 1) - 1;
            return self.run.closed + 1;
        }
        // Skip all windows but the last one that closes.
        let start = self.run.gap.map_or(self.window_of(next), |(start, _)| start);
        self.run.gap = Some((start, end));
        self.run.closed = end - 1;
        end
    }

    /// "Written when the second `end - 1` is closed."
    fn close_window(&mut self, start: i64, end: i64) {
        let has_malformed = self.run.malformed_in.remove(&start);
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
            // "A window in which malformed lines came ends it with that
            // window, when its last second is closed; what follows is a
            // further one."
            if has_malformed {
                self.write_gap();
            }
        }
    }

    fn write_gap(&mut self) {
        if let Some((start, end)) = self.run.gap.take() {
            self.write_window(start, end);
        }
    }

    /// "To the start of the next window with a request, written as soon as its
    /// last second is closed and a request of that window is known."
    fn write_gap_if_next_is_known(&mut self) {
        if self.run.gap.is_some_and(|(_, end)| self.run.windows.contains_key(&end)) {
            self.write_gap();
        }
    }

    /// "An alert or recovery inside it ends it at the start of the window of
    /// that second; what follows is a further one."
    pub(crate) fn end_gap_before(&mut self, second: i64) {
        let window = self.window_of(second);
        if let Some((start, end)) = self.run.gap
            && start < window
        {
            self.run.gap = (window < end).then_some((window, end));
            self.write_window(start, window);
        }
    }

    /// Writes everything open, at the end of input or of a run of time.
    pub(crate) fn write_open(&mut self) {
        // Without a good record there is no window to write.
        if !self.run.started {
            return;
        }
        // "Or at the end of input, to the last closed window."
        self.write_gap();
        // "The window then open is written if it has requests, or if counters
        // would otherwise be lost."
        let start = self.window_of(self.run.closed + 1);
        if self.run.windows.contains_key(&start) || self.malformed > 0 || self.skipped > 0 {
            self.write_window(start, start + self.settings.interval);
        }
        assert!(self.run.windows.is_empty(), "nothing is lost");
    }

    /// Writes a summary and forgets its requests.
    fn write_window(&mut self, start: i64, end: i64) {
        let counted = self.run.windows.remove(&start).unwrap_or_default();
        // "If the window starts before the least accepted time of the run, or
        // the input ended (or time restarted) before its last second."
        let partial = start < self.run.least || self.run.closed < end - 1;
        self.write_summary(start, end, partial, &counted);
        // "`malformed` and `skipped`: since the previous summary."
        self.malformed = 0;
        self.skipped = 0;
    }
}
