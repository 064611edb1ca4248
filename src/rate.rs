//! The sliding window: requests per second, and their sum over the last
//! seconds, looked at once for every closed second.
//!
//! A long gap is not walked through: once the window is empty, nothing can
//! change until the next request.

use std::collections::VecDeque;

/// Counts requests by second and sums those of the last `window` seconds.
#[derive(Clone, Debug)]
pub struct SlidingWindow {
    window: i64,
    /// The requests of `first`, `first + 1`, …; the last one isn't 0.
    counts: VecDeque<u64>,
    first: i64,
    /// The last second that was closed.
    closed: i64,
    /// The requests in `(closed - window, closed]`.
    sum: u64,
}

impl SlidingWindow {
    /// An empty window of `window` seconds; every second up to `closed` is closed.
    #[must_use]
    pub fn new(window: i64, closed: i64) -> SlidingWindow {
        SlidingWindow { window, counts: VecDeque::new(), first: closed + 1, closed, sum: 0 }
    }

    /// Counts a request at `second`, open or closed; one that has left the
    /// window changes nothing.
    #[inline(always)]
    pub fn count(&mut self, second: i64) {
        if second <= self.closed {
            if second <= self.closed - self.window {
                return;
            }
            self.sum += 1;
        }
        if self.counts.is_empty() {
            self.first = second;
        }
        while second < self.first {
            self.counts.push_front(0);
            self.first -= 1;
        }
        let Some(place) = self.place(second) else { return };
        if place >= self.counts.len() {
            self.counts.resize(place + 1, 0);
        }
        self.counts[place] += 1;
    }

    /// Closes the next second and returns it with the requests in the window
    /// that ends with it; `None` when every second up to `last` is closed.
    ///
    /// Seconds that come with an empty window before and after them are closed
    /// without being returned.
    pub fn close_next(&mut self, last: i64) -> Option<(i64, u64)> {
        if self.closed >= last {
            return None;
        }
        if self.counts.is_empty() {
            self.closed = last;
            return None;
        }
        self.closed += 1;
        if let Some(&entered) = self.place(self.closed).and_then(|place| self.counts.get(place)) {
            self.sum += entered;
        }
        while self.first <= self.closed - self.window {
            let Some(left) = self.counts.pop_front() else { break };
            self.sum -= left;
            self.first += 1;
        }
        Some((self.closed, self.sum))
    }

    /// Where the requests of `second` stand, unless it is before all of them.
    fn place(&self, second: i64) -> Option<usize> {
        usize::try_from(second - self.first).ok()
    }
}
