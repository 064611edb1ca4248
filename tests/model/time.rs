//! SPEC section 3: event time. Late records, suspects, silence.

use super::columns::Request;
use super::source::{Kind, Run, Side, Source};

/// "Held, up to 10 of them."
const MOST_HELD: usize = 10;

/// A log is live if its clock is this near to the wall clock, in seconds.
const LIVE: i64 = 300;

impl Source {
    /// "Watermark `wm = E - lateness - 1`."
    pub(crate) fn watermark(&self) -> i64 {
        self.run.clock - self.settings.lateness - 1
    }

    /// `F = max(lateness, 30)`: the latest time that is no forward suspect.
    fn forward_limit(&self) -> i64 {
        self.run.clock + self.settings.lateness.max(30)
    }

    /// `J = max(window, lateness + 60)`.
    fn backward_reach(&self) -> i64 {
        self.settings.window.max(self.settings.lateness + 60)
    }

    /// A good record has come, or a held one is taken again. `decides`: its
    /// being accepted decides those held.
    pub(crate) fn take(&mut self, request: Request, wall: i64, decides: bool) {
        let time = request.time;

        // The first record of a run: nothing to be measured by. "Judging
        // starts with the first second closed after the first record."
        if !self.run.started {
            self.run.started = true;
            self.run.stream_time = time;
            self.run.clock = time;
            self.run.least = time;
            self.run.closed = self.watermark();
            self.accept(request, wall, decides);
            return;
        }

        // "Before all else a record with `t > E + F` (forward suspect), or
        // `t < S - J` (backward suspect) is held."
        if time > self.forward_limit() {
            self.hold(Side::Forward, request, wall);
            // "Forward suspects are confirmed by 10 in a row; or at once if
            // the record is at most the lateness ahead of the wall clock and
            // at most 300 s behind it."
            let at_once = time <= wall + self.settings.lateness && time >= wall - LIVE;
            if at_once || self.run.held.len() == MOST_HELD {
                self.confirm_forward(wall);
            }
            return;
        }
        if time < self.run.stream_time - self.backward_reach() {
            self.hold(Side::Backward, request, wall);
            // "While they spread wider (than `J`), the one that came first
            // leaves and is counted as a late one."
            while self.held_spread() > self.backward_reach() {
                let (_, first) = self.run.held.remove(0);
                self.count(first, Kind::Late);
            }
            // "Backward suspects are confirmed by 10 in a row within `J` of
            // each other."
            if self.run.held.len() == MOST_HELD {
                self.confirm_backward(wall);
            }
            return;
        }

        // "Late (`t <= wm`)." "A late record decides nothing."
        if time <= self.watermark() {
            self.count(request, Kind::Late);
            return;
        }
        self.accept(request, wall, decides);
    }

    /// "`S`: the greatest accepted time. `E`: `S`, or further on after
    /// silence. Every second `<= wm` is closed."
    fn accept(&mut self, request: Request, wall: i64, decides: bool) {
        self.run.stream_time = self.run.stream_time.max(request.time);
        self.run.clock = self.run.clock.max(self.run.stream_time);
        self.run.least = self.run.least.min(request.time);
        self.close_seconds(self.watermark());
        self.count(request, Kind::Accepted);
        // "When a record has been accepted, and the seconds that it closes
        // have been closed, those held are decided."
        if decides {
            self.decide(wall);
        }
    }

    fn hold(&mut self, side: Side, request: Request, wall: i64) {
        // "A suspect of the other side decides them too."
        if self.run.held.iter().any(|(held, _)| *held != side) {
            self.decide(wall);
        }
        self.run.held.push((side, request));
    }

    /// From the least to the greatest time of those held.
    fn held_spread(&self) -> i64 {
        let times = || self.run.held.iter().map(|(_, request)| request.time);
        times().max().unwrap_or(0) - times().min().unwrap_or(0)
    }

    /// Takes the one of the least time from those held; of several the one
    /// that came first.
    fn earliest_held(&mut self) -> Option<(Side, Request)> {
        let least = self.run.held.iter().map(|(_, request)| request.time).min()?;
        let place = self.run.held.iter().position(|(_, request)| request.time == least)?;
        Some(self.run.held.remove(place))
    }

    /// "Those held are decided, in order of time: forward ones that are now
    /// within `E + F` are taken again, as if they had just come; the others
    /// are counted in the current window, forward ones as `future` and not in
    /// the rate, backward ones as late ones are."
    fn decide(&mut self, wall: i64) {
        while let Some((side, request)) = self.earliest_held() {
            match side {
                // One by one, with `E` as it is at that moment.
                Side::Forward if request.time <= self.forward_limit() => {
                    self.take(request, wall, true);
                }
                Side::Forward => self.count(request, Kind::Future),
                Side::Backward => self.count(request, Kind::Late),
            }
        }
    }

    /// "Then `S = E =` the least of them, and all held are taken again in
    /// order of time."
    fn confirm_forward(&mut self, wall: i64) {
        let held = self.held_in_order_of_time();
        let Some(least) = held.first() else { return };
        self.run.stream_time = least.time;
        self.run.clock = least.time;
        self.close_seconds(self.watermark());
        for request in held {
            self.take(request, wall, true);
        }
    }

    /// "Everything open is written as at the end of input, and a new run of
    /// time starts with them, in order of time; columns and sources stay, an
    /// alert is forgotten."
    fn confirm_backward(&mut self, wall: i64) {
        let held = self.held_in_order_of_time();
        self.drain();
        self.run = Run::default();
        for request in held {
            self.take(request, wall, true);
        }
    }

    /// Takes all those held away.
    fn held_in_order_of_time(&mut self) -> Vec<Request> {
        std::iter::from_fn(|| self.earliest_held()).map(|(_, request)| request).collect()
    }

    /// A line of this source has been handled: silence begins anew.
    pub(crate) fn silence_begins(&mut self, wall: i64) {
        self.idle = 0;
        self.clock_at_last_line = self.run.started.then_some(self.run.clock);
        self.wall_at_last_line = wall;
    }

    /// One more second in which the input was found empty.
    pub(crate) fn idle_second(&mut self, wall: i64) {
        self.idle += 1;
        // "Silence on a live log after which event time goes on by itself;
        // 0 = never."
        let timeout = self.settings.idle_timeout;
        if timeout == 0 || self.idle <= timeout {
            return;
        }
        // "Only if `A` was within 300 s of the wall clock when the silence
        // began", `A` being `E` at the last line.
        let Some(at_last_line) = self.clock_at_last_line else {
            return;
        };
        if (at_last_line - self.wall_at_last_line).abs() > LIVE {
            return;
        }
        // "`E = A + (idle - idle timeout)`"; it never goes back.
        self.run.clock = self.run.clock.max(at_last_line + (self.idle - timeout));
        self.close_seconds(self.watermark());

        // "When silence moves `E`, forward ones within `E + F` are taken
        // again; being accepted so decides none of the others."
        while let Some(place) = self.earliest_within_forward_limit() {
            let (_, request) = self.run.held.remove(place);
            self.take(request, wall, false);
        }
    }

    /// The place of the forward suspect to be taken again first, with `E` as
    /// it is now.
    fn earliest_within_forward_limit(&self) -> Option<usize> {
        (0..self.run.held.len())
            .filter(|&place| {
                let (side, request) = &self.run.held[place];
                *side == Side::Forward && request.time <= self.forward_limit()
            })
            .min_by_key(|&place| self.run.held[place].1.time)
    }

    /// The input has ended.
    pub(crate) fn end(&mut self, wall: i64) {
        // Forward suspects are confirmed "by the end of input, but not if it
        // is more than the lateness ahead of the wall clock (repeated while
        // any is left that can be confirmed)". If the least can't, none can.
        while self
            .run
            .held
            .iter()
            .any(|(side, request)| *side == Side::Forward && request.time <= wall + self.settings.lateness)
        {
            self.confirm_forward(wall);
        }
        // The others are `future`; backward ones: "at the end of input they
        // are late". Both in the current window, before the last seconds.
        while let Some((side, request)) = self.earliest_held() {
            match side {
                Side::Forward => self.count(request, Kind::Future),
                Side::Backward => self.count(request, Kind::Late),
            }
        }
        self.drain();
    }
}
