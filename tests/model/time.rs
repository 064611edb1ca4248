//! SPEC section 3: event time. Late records, suspects, restarts, silence.

use super::Now;
use super::columns::Request;
use super::source::{Kind, LastHeard, Run, Source, Suspect};

/// "Up to 10 forward and up to 10 backward suspects are held."
const MOST_HELD: usize = 10;

/// A log is live if its clock is at most this many seconds from the wall clock.
const NEAR: i64 = 300;

/// "Only if no record was accepted for 60 s."
const UNDISTURBED: i64 = 60;

/// "At most 300 s."
const LONGEST_IDLE_TIMEOUT: i64 = 300;

impl Source {
    /// "Watermark `wm = E - lateness - 1`."
    pub(crate) fn watermark(&self) -> i64 {
        self.run.clock - self.settings.lateness - 1
    }

    /// "The current second (`max(S, wm + 1)`)."
    pub(crate) fn current_second(&self) -> i64 {
        self.run.stream_time.max(self.watermark() + 1)
    }

    /// "`F = max(lateness, 30)`."
    fn forward_reach(&self) -> i64 {
        self.settings.lateness.max(30)
    }

    /// "`J = max(window, lateness + 60)`."
    fn backward_reach(&self) -> i64 {
        self.settings.window.max(self.settings.lateness + 60)
    }

    /// "A record is *current* if `now - 300 <= t <= now + lateness`."
    fn is_current(&self, time: i64, now: Now) -> bool {
        now.wall - NEAR <= time && time <= now.wall + self.settings.lateness
    }

    /// "The log is *live* if `now - 300 <= E <= now + F`."
    fn is_live(&self, now: Now) -> bool {
        now.wall - NEAR <= self.run.clock && self.run.clock <= now.wall + self.forward_reach()
    }

    /// "Near the present, while `now - 300 <= E <= now + 300`."
    fn is_near_the_present(&self, now: Now) -> bool {
        (self.run.clock - now.wall).abs() <= NEAR
    }

    /// "Late (`t <= wm`)."
    fn is_late(&self, time: i64) -> bool {
        time <= self.watermark()
    }

    /// Handles a record that has just come, or a held one that is taken again.
    pub(crate) fn take(&mut self, request: Request, now: Now) {
        self.take_suspect(Suspect { request, is_overtaken: false, is_current: false }, now);
    }

    fn take_suspect(&mut self, suspect: Suspect, now: Now) {
        let time = suspect.request.time;

        // The first record of a run has nothing to compare with. "Judging
        // starts with the first (second) closed after the first record."
        // starts with the first (second) closed after the first record."
        if !self.run.started {
            self.run.started = true;
            self.run.stream_time = time;
            self.run.clock = time;
            self.run.least = time;
            self.run.closed = self.watermark();
            self.accept(suspect.request, now);
            return;
        }

        let clock = self.run.clock;
        let ahead_of_wall = time > now.wall + self.forward_reach();
        // "1. A *forward suspect* if `t > E + F`, or if the log is live and
        // `t > now + F`."
        if time > clock + self.forward_reach() || (self.is_live(now) && ahead_of_wall) {
            self.take_forward(suspect, now);
        }
        // "2. A *backward suspect* if `t < S - J`, or if it is current and
        // late while `E > now + F`. It is held."
        else if time < self.run.stream_time - self.backward_reach()
            || (self.is_current(time, now) && self.is_late(time) && clock > now.wall + self.forward_reach())
        {
            self.take_backward(suspect, now);
        }
        // "3. Late. It decides nothing."
        else if self.is_late(time) {
            self.grow_idle_timeout(time, now);
            self.count(suspect.request, Kind::Late);
            self.hear(now);
        }
        // "4. Accepted."
        else {
            self.accept(suspect.request, now);
        }
    }

    fn accept(&mut self, request: Request, now: Now) {
        // "Stream time `S`: the greatest accepted time. Event clock `E`: `S`,
        // or further on after silence. It never goes back."
        self.run.stream_time = self.run.stream_time.max(request.time);
        self.run.clock = self.run.clock.max(self.run.stream_time);
        self.run.least = self.run.least.min(request.time);
        self.run.accepted += 1;
        self.run.listened_at_accepted = now.listened;
        self.hear(now);
        // "Every second `<= wm` is closed."
        self.close_seconds(self.watermark());
        self.count(request, Kind::Accepted);
        // "After the seconds that it closes have been closed it decides all
        // that are held."
        self.decide(now);
    }

    /// "Forward ones, in order of time, each by `E` as it then is: within
    /// `E + F` it is taken again as if it had just come; all others are
    /// unconfirmed."
    fn decide(&mut self, now: Now) {
        while let Some(suspect) = remove_least(&mut self.run.forward) {
            if suspect.request.time <= self.run.clock + self.forward_reach() {
                self.take_suspect(suspect, now);
            } else {
                self.unconfirm_forward(suspect);
            }
        }
        while let Some(suspect) = remove_least(&mut self.run.backward) {
            self.unconfirm_backward(suspect);
        }
    }

    // ---- unconfirmed --------------------------------------------------------

    /// "Forward ones (are counted in the current window) as `future`, and in
    /// the rates at the current second."
    fn unconfirm_forward(&mut self, suspect: Suspect) {
        self.count(suspect.request, Kind::Future);
    }

    /// "Backward ones as late ones are."
    fn unconfirm_backward(&mut self, suspect: Suspect) {
        self.totals.stragglers += 1;
        self.count(suspect.request, Kind::Late);
    }

    // ---- forward ------------------------------------------------------------

    fn take_forward(&mut self, suspect: Suspect, now: Now) {
        let time = suspect.request.time;
        // For the end of input: "those that came before a forward one smaller
        // by more than the lateness".
        for held in &mut self.run.forward {
            held.is_overtaken |= time < held.request.time - self.settings.lateness;
        }
        // "If it is current, time leaps at once."
        if self.is_current(time, now) {
            self.run.forward.push(suspect);
            self.totals.leaps[1] += 1;
            self.leap_to_least(now);
            return;
        }
        // "If it isn't and the log is live, it is unconfirmed at once."
        if self.is_live(now) {
            self.totals.future_at_once += 1;
            self.unconfirm_forward(suspect);
            return;
        }
        // "Else it is held."
        self.run.forward.push(suspect);
        // "Forward ones are confirmed by 10 held."
        if self.run.forward.len() == MOST_HELD {
            // "Near the present 10 held of either side confirm only if no
            // record was accepted for 60 s; until then the first to come is
            // unconfirmed and leaves."
            if self.is_near_the_present(now) && !self.is_undisturbed(now) {
                let first = self.run.forward.remove(0);
                self.totals.left_near_the_present += 1;
                self.unconfirm_forward(first);
            } else {
                self.totals.leaps[0] += 1;
                self.leap_to_least(now);
            }
        }
    }

    /// "No record was accepted for 60 s (elapsed, as silence is counted)."
    fn is_undisturbed(&self, now: Now) -> bool {
        now.listened - self.run.listened_at_accepted >= UNDISTURBED
    }

    /// A current suspect, or 10 of them, confirm all that are held.
    fn leap_to_least(&mut self, now: Now) {
        let least = self.run.forward.iter().map(|suspect| suspect.request.time).min();
        self.leap(least.expect("one is held"), now);
    }

    /// "`S = E =` the least of them, and all held are taken again in order of
    /// time." `least` is the least time of those that are confirmed.
    fn leap(&mut self, least: i64, now: Now) {
        let mut held = std::mem::take(&mut self.run.forward);
        // Neither goes back: `S` is "the greatest accepted time", and silence
        // may have moved `E` further.
        // have moved `E` further.
        self.run.stream_time = self.run.stream_time.max(least);
        self.run.clock = self.run.clock.max(least);
        self.close_seconds(self.watermark());
        while let Some(suspect) = remove_least(&mut held) {
            self.take_suspect(suspect, now);
        }
    }

    /// "By the end of input, but then neither those more than the lateness
    /// ahead of the wall clock nor those that came before a forward one
    /// smaller by more than the lateness."
    fn can_be_confirmed(&self, suspect: &Suspect, now: Now) -> bool {
        suspect.request.time <= now.wall + self.settings.lateness && !suspect.is_overtaken
    }

    // ---- backward -----------------------------------------------------------

    fn take_backward(&mut self, suspect: Suspect, now: Now) {
        let time = suspect.request.time;
        // "`now` is the wall clock when a record comes."
        let is_current = self.is_current(time, now);
        // "One that comes more than the lateness behind the greatest of those
        // held before it makes those unconfirmed and is the first of a new
        // row."
        let greatest = self.run.backward.iter().map(|held| held.request.time).max();
        if greatest.is_some_and(|greatest| time < greatest - self.settings.lateness) {
            while let Some(held) = remove_least(&mut self.run.backward) {
                self.unconfirm_backward(held);
            }
        }
        self.run.backward.push(Suspect { is_current, ..suspect });

        // "At the end of input none is confirmed, however many are held."
        if self.run.is_ending {
            return;
        }
        // "Those that are current confirm at once if `E > now + 300`, or if
        // `E > now + F` and the run has accepted fewer than 10 records."
        let is_ahead = self.run.clock > now.wall + self.forward_reach();
        let at_once =
            is_current && (self.run.clock > now.wall + NEAR || (is_ahead && self.run.accepted < 10));
        if at_once {
            self.totals.restarts[1] += 1;
            self.restart(now);
            return;
        }
        // "Backward ones are confirmed, and time *restarts*, by 10 held."
        if self.run.backward.len() == MOST_HELD {
            // "Near the present 10 held of either side confirm only if no
            // record was accepted for 60 s, or if they are backward, all
            // current, and `E > now + F`; until then the first to come is
            // unconfirmed and leaves."
            let all_current = self.run.backward.iter().all(|held| held.is_current);
            let is_near = self.is_near_the_present(now);
            if is_near && !self.is_undisturbed(now) && !(all_current && is_ahead) {
                let first = self.run.backward.remove(0);
                self.totals.left_near_the_present += 1;
                self.unconfirm_backward(first);
            } else {
                self.totals.restarts[0] += 1;
                self.totals.restarts_near_the_present += u64::from(is_near);
                self.restart(now);
            }
        }
    }

    /// "Time restarts: everything open is written as at the end of input
    /// (forward suspects too), counters that would be lost as well, and a new
    /// run of time starts with the records that said so, in order of time;
    /// columns and sources stay."
    fn restart(&mut self, now: Now) {
        let mut held = std::mem::take(&mut self.run.backward);
        self.end_run(now, true);
        // "An alert that is active is closed by a recovery with `reason`
        // `restarted`, at the last second that is closed."
        self.close_alerts();
        self.write_open();
        self.run = Run::default();
        while let Some(suspect) = remove_least(&mut held) {
            self.take(suspect.request, now);
        }
    }

    // ---- silence ------------------------------------------------------------

    /// Starts a silence: a record was accepted or late.
    fn hear(&mut self, now: Now) {
        self.run.last_heard = Some(LastHeard { clock: self.run.clock, now });
    }

    /// Another second in which the input was found empty.
    pub(crate) fn silence(&mut self, now: Now) {
        // "`--idle-timeout`: 0 = never."
        let Some(last) = self.run.last_heard else { return };
        if self.idle_timeout == 0 {
            return;
        }
        // "When no record was accepted or late for the idle timeout (whatever
        // malformed, skipped, held or unconfirmed lines have come), `E` goes
        // on; only if `A` was within 300 s of the wall clock when that record
        // came."
        let idle = now.listened - last.now.listened;
        if idle <= self.idle_timeout || (last.clock - last.now.wall).abs() > NEAR {
            return;
        }
        // "`E = A + (idle - idle timeout)`, `A` being `E` at the last record
        // that was accepted or late." It never goes back.
        let clock = self.run.clock.max(last.clock + (idle - self.idle_timeout));
        self.totals.moved_by_silence += clock.abs_diff(self.run.clock);
        self.run.clock = clock;
        self.close_seconds(self.watermark());
    }

    /// "When a record later than `S` comes late because silence has moved `E`,
    /// the idle timeout of that source becomes the least with which it would
    /// have been on time, at most 300 s."
    fn grow_idle_timeout(&mut self, time: i64, now: Now) {
        if let Some(last) = self.run.last_heard {
            let idle = now.listened - last.now.listened;
            let has_moved = idle > self.idle_timeout && (last.clock - last.now.wall).abs() <= NEAR;
            if self.idle_timeout > 0 && has_moved {
                // How far this silence would have moved `E` without a timeout.
                self.run.reached = Some(last.clock + idle);
            }
        }
        let Some(reached) = self.run.reached.filter(|_| time > self.run.stream_time) else { return };
        // A time later than `E - lateness - 1` is on time. The timeout never
        // shrinks.
        let least = (reached - self.settings.lateness - time).min(LONGEST_IDLE_TIMEOUT);
        self.totals.grown_timeouts += u64::from(least > self.idle_timeout);
        self.idle_timeout = self.idle_timeout.max(least);
    }

    // ---- the end ------------------------------------------------------------

    /// Ends the input or the run: decides what is held, and "all seconds up to
    /// `S` are closed".
    pub(crate) fn end_run(&mut self, now: Now, restarts: bool) {
        // Without a good record there is no run.
        if !self.run.started {
            return;
        }
        self.run.is_ending = true;
        // "At the end of input: repeated while any is left that can be
        // confirmed; the rest is unconfirmed."
        while let Some(least) = self.least_confirmable(now) {
            self.totals.leaps[2] += 1;
            self.leap(least, now);
        }
        while let Some(suspect) = remove_least(&mut self.run.forward) {
            self.unconfirm_forward(suspect);
        }
        while let Some(suspect) = remove_least(&mut self.run.backward) {
            self.unconfirm_backward(suspect);
        }
        if restarts {
            self.run.restarts_at = Some(self.run.stream_time);
        }
        self.close_seconds(self.run.stream_time);
    }

    fn least_confirmable(&self, now: Now) -> Option<i64> {
        let can = self.run.forward.iter().filter(|suspect| self.can_be_confirmed(suspect, now));
        can.map(|suspect| suspect.request.time).min()
    }
}

/// Takes the suspect with the least time, the first to come of several.
fn remove_least(held: &mut Vec<Suspect>) -> Option<Suspect> {
    let least = held.iter().map(|suspect| suspect.request.time).min()?;
    let index = held.iter().position(|suspect| suspect.request.time == least)?;
    Some(held.remove(index))
}
