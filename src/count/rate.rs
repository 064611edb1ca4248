//! The sliding window: requests per second, and their sum over the last
//! seconds for every second that changes it.
//!
//! Only seconds with requests are kept and only those that enter or leave the
//! window are stopped at, so that neither a long gap nor a long window is
//! walked through.

use std::collections::VecDeque;

/// Counts requests by second and sums those of the last `window` seconds.
#[derive(Clone, Debug)]
pub struct SlidingWindow {
    window: i64,
    /// The seconds with requests and how many, in order of time: first those
    /// in the window, then those that aren't closed yet.
    counts: VecDeque<(i64, u64)>,
    /// How many of `counts` are in the window.
    entered: usize,
    /// The last second that was closed.
    closed: i64,
    /// The requests in `(closed - window, closed]`.
    sum: u64,
    /// Whether a late request has changed the sum since.
    is_changed: bool,
}

impl SlidingWindow {
    /// An empty window of `window` seconds; every second up to `closed` is closed.
    #[must_use]
    pub fn new(window: i64, closed: i64) -> SlidingWindow {
        SlidingWindow { window, counts: VecDeque::new(), entered: 0, closed, sum: 0, is_changed: false }
    }

    /// Counts a request at `second`, open or closed; one that has left the
    /// window changes nothing.
    #[inline(always)]
    pub fn count(&mut self, second: i64) {
        match self.counts.back_mut() {
            Some((last, count)) if *last == second && second > self.closed => *count += 1,
            _ => self.count_elsewhere(second),
        }
    }

    fn count_elsewhere(&mut self, second: i64) {
        if second <= self.closed - self.window {
            return;
        }
        let place = self.counts.partition_point(|&(earlier, _)| earlier < second);
        let is_new = self.counts.get(place).is_none_or(|&(found, _)| found != second);
        if is_new {
            self.counts.insert(place, (second, 0));
        }
        self.counts[place].1 += 1;
        if second <= self.closed {
            self.entered += usize::from(is_new);
            self.sum += 1;
            self.is_changed = true;
        }
    }

    /// Closes seconds up to the next one that changes the sum, and returns
    /// that one with the requests in the window that ends with it; `None` when
    /// every second up to `last` is closed.
    pub fn close_next(&mut self, last: i64) -> Option<(i64, u64)> {
        if self.closed >= last {
            return None;
        }
        let enters = self.counts.get(self.entered).map(|&(second, _)| second);
        let leaves = self.counts.front().map(|&(second, _)| second + self.window);
        let changed = self.is_changed.then_some(self.closed + 1);
        let next = [enters, leaves, changed].into_iter().flatten().min();
        let Some(next) = next.filter(|&next| next <= last) else {
            self.closed = last;
            return None;
        };
        self.closed = next;
        self.is_changed = false;
        if leaves == Some(next) {
            self.sum -= self.counts.pop_front().map_or(0, |(_, count)| count);
            self.entered = self.entered.saturating_sub(1);
        }
        if let Some(&(second, count)) = self.counts.get(self.entered) {
            if second == next {
                self.sum += count;
                self.entered += 1;
            }
        }
        Some((next, self.sum))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What closing every second up to `last` returns.
    fn close(window: &mut SlidingWindow, last: i64) -> Vec<(i64, u64)> {
        std::iter::from_fn(|| window.close_next(last)).collect()
    }

    #[test]
    fn a_request_is_in_the_window_for_as_many_seconds_as_it_is_long() {
        let mut window = SlidingWindow::new(10, 99);
        window.count(100);
        window.count(103);
        window.count(103);
        assert_eq!(close(&mut window, 200), [(100, 1), (103, 3), (110, 2), (113, 0)]);
        assert_eq!(window.sum, 0);
    }

    #[test]
    fn a_second_can_leave_and_another_enter_at_once() {
        let mut window = SlidingWindow::new(10, 99);
        window.count(100);
        window.count(110);
        assert_eq!(close(&mut window, 110), [(100, 1), (110, 1)]);
        assert_eq!(close(&mut window, 119), []);
        assert_eq!(close(&mut window, 120), [(120, 0)]);
    }

    #[test]
    fn a_late_request_counts_from_the_next_second_on_while_its_own_is_in_the_window() {
        let mut window = SlidingWindow::new(10, 99);
        window.count(100);
        assert_eq!(close(&mut window, 105), [(100, 1)]);
        // 96 leaves with the next second, 95 has left.
        for second in [97, 96, 95] {
            window.count(second);
        }
        assert_eq!(close(&mut window, 120), [(106, 2), (107, 1), (110, 0)]);
    }

    #[test]
    fn a_window_of_one_second_holds_one_second() {
        let mut window = SlidingWindow::new(1, 99);
        for second in [100, 100, 101, 103] {
            window.count(second);
        }
        assert_eq!(close(&mut window, 200), [(100, 2), (101, 1), (102, 0), (103, 1), (104, 0)]);
    }
}
