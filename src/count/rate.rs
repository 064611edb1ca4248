//! The sliding window of the alerts: counts requests by second, and sums them
//! over the last `window` seconds.
//!
//! Only seconds with requests are stored. Closing visits only the seconds at
//! which the sums change: one enters the window or leaves it. So a long gap or
//! a long window costs no loop over its seconds.

use std::collections::VecDeque;
use std::ops::{AddAssign, SubAssign};

/// The sums that alerts are judged by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sums {
    /// Requests.
    pub requests: u64,
    /// Requests with status 500 to 599.
    pub server_errors: u64,
    /// Requests that took longer than `--slow`.
    pub slow: u64,
}

impl AddAssign for Sums {
    #[inline(always)]
    fn add_assign(&mut self, more: Sums) {
        self.requests += more.requests;
        self.server_errors += more.server_errors;
        self.slow += more.slow;
    }
}

impl SubAssign for Sums {
    fn sub_assign(&mut self, less: Sums) {
        self.requests -= less.requests;
        self.server_errors -= less.server_errors;
        self.slow -= less.slow;
    }
}

/// Requests by second, and their sums over the alert window.
#[derive(Clone, Debug)]
pub struct SlidingWindow {
    window: i64,
    /// The seconds with requests, in order: those inside the window, then those
    /// that are not closed yet. Seconds that left the window are removed.
    seconds: VecDeque<(i64, Sums)>,
    /// How many of `seconds` are inside the window.
    entered: usize,
    /// The last closed second.
    closed: i64,
    /// The sums over `(closed - window, closed]`.
    sums: Sums,
    /// Whether the next second must be judged although none enters or leaves: a
    /// late request changed the sums, or other alerts became possible.
    is_changed: bool,
    /// The second of the last request, and its requests that are not in
    /// `seconds` yet. Most requests have the same second as the one before.
    recent: (i64, Sums),
}

impl SlidingWindow {
    /// An empty window of `window` seconds. Every second up to `closed` counts
    /// as closed.
    #[must_use]
    pub fn new(window: i64, closed: i64) -> SlidingWindow {
        SlidingWindow {
            window,
            seconds: VecDeque::new(),
            entered: 0,
            closed,
            sums: Sums::default(),
            is_changed: false,
            recent: (closed, Sums::default()),
        }
    }

    /// The sums over the window that ends with the last closed second,
    /// including requests that came late.
    #[must_use]
    pub fn sums(&mut self) -> Sums {
        self.count_recent();
        self.sums
    }

    /// Makes [`SlidingWindow::close_next`] return the next second in any case.
    pub fn stop_next(&mut self) {
        self.is_changed = true;
    }

    /// Counts a request at `second`, open or closed. A second that has left the
    /// window is ignored.
    #[inline(always)]
    pub fn count(&mut self, second: i64, request: Sums) {
        if second != self.recent.0 {
            self.count_recent();
            self.recent.0 = second;
        }
        self.recent.1 += request;
    }

    /// Moves the requests of `recent` into `seconds`.
    #[inline(never)]
    fn count_recent(&mut self) {
        let (second, requests) = (self.recent.0, std::mem::take(&mut self.recent.1));
        if requests == Sums::default() {
            return;
        }
        // If every second has requests, the entry of `second` is `last -
        // second` places from the end.
        let last = self.seconds.back().map_or(self.closed, |&(last, _)| last.max(self.closed));
        if second > last {
            self.seconds.push_back((second, requests));
        } else if second > self.closed
            && let Ok(back) = usize::try_from(last - second)
            && let Some(index) = self.seconds.len().checked_sub(1 + back)
            && let Some((found, sums)) = self.seconds.get_mut(index)
            && *found == second
        {
            *sums += requests;
        } else {
            self.count_elsewhere(second, requests);
        }
    }

    fn count_elsewhere(&mut self, second: i64, request: Sums) {
        if second <= self.closed - self.window {
            return;
        }
        let index = self.seconds.partition_point(|&(earlier, _)| earlier < second);
        let is_new = self.seconds.get(index).is_none_or(|&(found, _)| found != second);
        if is_new {
            self.seconds.insert(index, (second, Sums::default()));
        }
        self.seconds[index].1 += request;
        if second <= self.closed {
            self.entered += usize::from(is_new);
            self.sums += request;
            self.is_changed = true;
        }
    }

    /// Closes seconds up to the next one at which the sums change, or up to
    /// `stop` if that comes first. Returns that second and the sums over the
    /// window that ends with it, or `None` once every second up to `last` is
    /// closed.
    pub fn close_next(&mut self, stop: Option<i64>, last: i64) -> Option<(i64, Sums)> {
        if self.closed >= last {
            return None;
        }
        self.count_recent();
        let enters = self.seconds.get(self.entered).map_or(i64::MAX, |&(second, _)| second);
        let leaves = self.seconds.front().map_or(i64::MAX, |&(second, _)| second + self.window);
        let changed = if self.is_changed { self.closed + 1 } else { i64::MAX };
        let stop = stop.filter(|&stop| stop > self.closed).unwrap_or(i64::MAX);
        let next = enters.min(leaves).min(changed).min(stop);
        if next > last {
            self.closed = last;
            return None;
        }
        self.closed = next;
        self.is_changed = false;
        if leaves == next {
            self.sums -= self.seconds.pop_front().map_or(Sums::default(), |(_, sums)| sums);
            self.entered = self.entered.saturating_sub(1);
        }
        if enters == next {
            self.sums += self.seconds[self.entered].1;
            self.entered += 1;
        }
        Some((next, self.sums))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: Sums = Sums { requests: 1, server_errors: 0, slow: 0 };

    /// The seconds that closing up to `last` returns, with their requests.
    fn close(window: &mut SlidingWindow, last: i64) -> Vec<(i64, u64)> {
        std::iter::from_fn(|| window.close_next(None, last))
            .map(|(second, sums)| (second, sums.requests))
            .collect()
    }

    #[test]
    fn a_request_is_in_the_window_for_as_many_seconds_as_it_is_long() {
        let mut window = SlidingWindow::new(10, 99);
        window.count(100, ONE);
        window.count(103, ONE);
        window.count(103, Sums { server_errors: 1, slow: 1, ..ONE });
        assert_eq!(window.clone().close_next(None, 200), Some((100, ONE)));
        assert_eq!(close(&mut window.clone(), 200), [(100, 1), (103, 3), (110, 2), (113, 0)]);
        assert_eq!(close(&mut window, 103), [(100, 1), (103, 3)]);
        assert_eq!(window.sums(), Sums { requests: 3, server_errors: 1, slow: 1 });
        close(&mut window, 200);
        assert_eq!(window.sums(), Sums::default());
    }

    #[test]
    fn a_second_can_leave_and_another_enter_at_once() {
        let mut window = SlidingWindow::new(10, 99);
        window.count(100, ONE);
        window.count(110, ONE);
        assert_eq!(close(&mut window, 110), [(100, 1), (110, 1)]);
        assert_eq!(close(&mut window, 119), []);
        assert_eq!(close(&mut window, 120), [(120, 0)]);
    }

    #[test]
    fn a_late_request_counts_from_the_next_second_on_while_its_own_is_in_the_window() {
        let mut window = SlidingWindow::new(10, 99);
        window.count(100, ONE);
        assert_eq!(close(&mut window, 105), [(100, 1)]);
        // Second 96 leaves the window with the next second; 95 has left it.
        for second in [97, 96, 95] {
            window.count(second, ONE);
        }
        assert_eq!(window.sums().requests, 3);
        assert_eq!(close(&mut window, 120), [(106, 2), (107, 1), (110, 0)]);
    }

    #[test]
    fn a_window_of_one_second_holds_one_second() {
        let mut window = SlidingWindow::new(1, 99);
        for second in [100, 100, 101, 103] {
            window.count(second, ONE);
        }
        assert_eq!(close(&mut window, 200), [(100, 2), (101, 1), (102, 0), (103, 1), (104, 0)]);
    }

    #[test]
    fn seconds_in_any_order_with_gaps_between_them_are_counted_where_they_belong() {
        let mut window = SlidingWindow::new(100, 99);
        for second in [110, 104, 107, 105, 107, 104, 110, 100] {
            window.count(second, ONE);
        }
        assert_eq!(close(&mut window, 120), [(100, 1), (104, 3), (105, 4), (107, 6), (110, 8)]);
    }

    #[test]
    fn a_stop_is_a_second_that_is_judged_though_nothing_changes() {
        let mut window = SlidingWindow::new(10, 99);
        window.count(100, ONE);
        assert_eq!(window.close_next(Some(105), 120), Some((100, ONE)));
        assert_eq!(window.close_next(Some(105), 120), Some((105, ONE)));
        assert_eq!(window.close_next(Some(105), 120), Some((110, Sums::default())));
        assert_eq!(window.close_next(Some(105), 120), None);
    }
}
