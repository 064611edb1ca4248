//! The sliding window: counts for each second, and their sums over the window
//! at every second that changes them.
//!
//! Only seconds with requests are stored, and only seconds that enter or leave
//! the window are visited. So neither a long gap nor a long window costs a
//! loop.

use std::collections::VecDeque;
use std::ops::{AddAssign, SubAssign};

/// What alerts are judged by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sums {
    /// Requests.
    pub requests: u64,
    /// Those with status 500 to 599.
    pub server_errors: u64,
    /// Those that took longer than a request should.
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

/// Counts requests by second and sums those of the last `window` seconds.
#[derive(Clone, Debug)]
pub struct SlidingWindow {
    window: i64,
    /// The seconds with requests, in order of time: first those in the window,
    /// then those that aren't closed yet.
    seconds: VecDeque<(i64, Sums)>,
    /// How many of `seconds` are in the window.
    entered: usize,
    /// The last second that was closed.
    closed: i64,
    /// What is in `(closed - window, closed]`.
    sums: Sums,
    /// Whether a late request has changed the sums since, or what they are judged by.
    is_changed: bool,
    /// The second of the last request, and what isn't in `seconds` yet of it:
    /// the next one is of the same second nearly always.
    recent: (i64, Sums),
}

impl SlidingWindow {
    /// An empty window of `window` seconds; every second up to `closed` is closed.
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

    /// The sums over the window that ends with the last closed second, late
    /// requests included.
    #[must_use]
    pub fn sums(&mut self) -> Sums {
        self.count_recent();
        self.sums
    }

    /// Makes the next second one that [`SlidingWindow::close_next`] returns.
    pub fn stop_next(&mut self) {
        self.is_changed = true;
    }

    /// Counts a request at `second`, open or closed; one that has left the
    /// window changes nothing.
    #[inline(always)]
    pub fn count(&mut self, second: i64, request: Sums) {
        if second != self.recent.0 {
            self.count_recent();
            self.recent.0 = second;
        }
        self.recent.1 += request;
    }

    /// Puts what was counted last where it belongs.
    #[inline(never)]
    fn count_recent(&mut self) {
        let (second, requests) = (self.recent.0, std::mem::take(&mut self.recent.1));
        if requests == Sums::default() {
            return;
        }
        // Without gaps a second's place is as far from the end as the second.
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

    /// Closes seconds up to the next one that changes the sums, or up to `stop`
    /// if that comes first, and returns that second with the sums over the
    /// window that ends with it; `None` when every second up to `last` is closed.
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

    /// What closing every second up to `last` returns.
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
        // 96 leaves with the next second, 95 has left.
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
