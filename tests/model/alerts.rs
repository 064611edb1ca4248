//! SPEC section 5: "one rule, four uses".

use super::source::{Rates, Source};

/// The alerts in the order of the contract's table.
pub(crate) const HIGH_TRAFFIC: usize = 0;
pub(crate) const LOW_TRAFFIC: usize = 1;
pub(crate) const HIGH_ERRORS: usize = 2;
pub(crate) const SLOW_REQUESTS: usize = 3;
pub(crate) const NAMES: [&str; 4] = ["high_traffic", "low_traffic", "high_errors", "slow_requests"];

/// An active alert.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Active {
    pub(crate) since: i64,
    /// The worst counts, and the first second with them.
    pub(crate) worst: Rates,
    pub(crate) worst_time: i64,
}

impl Source {
    /// "At every closed second `t`, in order, over the requests known with
    /// times in `(t - W, t]`."
    pub(crate) fn judge(&mut self, second: i64) {
        let rates = self.rates_at(second);
        for alert in [HIGH_TRAFFIC, LOW_TRAFFIC, HIGH_ERRORS, SLOW_REQUESTS] {
            match self.run.active[alert] {
                None if self.is_raised(alert, second, rates) => {
                    self.end_gap_before(second);
                    self.write_alert(alert, second, rates);
                    self.run.active[alert] = Some(Active { since: second, worst: rates, worst_time: second });
                }
                None => {}
                Some(_) if self.is_recovered(alert, rates) => {
                    self.end_gap_before(second);
                    self.write_recovery(alert, second, rates, "recovered");
                }
                // "`peak_requests` is the greatest `n` from the alert to before
                // the recovery, `peak_time` its first second (likewise the
                // others)."
                Some(active) => {
                    let is_worse = match alert {
                        HIGH_TRAFFIC => rates.requests > active.worst.requests,
                        LOW_TRAFFIC => rates.requests < active.worst.requests,
                        HIGH_ERRORS => rates.errors > active.worst.errors,
                        _ => rates.slow > active.worst.slow,
                    };
                    if is_worse {
                        self.run.active[alert] = Some(Active { worst: rates, worst_time: second, ..active });
                    }
                }
            }
            // "Within a second in the order of the table."
            if self.run.restarts_at == Some(second) && self.run.active[alert].is_some() {
                self.end_gap_before(second);
                self.write_recovery(alert, second, rates, "restarted");
            }
        }
    }

    fn rates_at(&self, second: i64) -> Rates {
        let mut sum = Rates::default();
        for rates in
            self.run.seconds.range(second - self.settings.window + 1..=second).map(|(_, rates)| rates)
        {
            sum.requests += rates.requests;
            sum.errors += rates.errors;
            sum.slow += rates.slow;
        }
        sum
    }

    fn is_raised(&self, alert: usize, second: i64, rates: Rates) -> bool {
        let Some(limits) = self.settings.limits[alert] else { return false };
        let threshold = limits.threshold.billionths;
        let (requests, errors, slow) = exact(rates);
        let window = i128::from(self.settings.window);
        let least = self.settings.min_count;
        match alert {
            // "`n > T W`"
            HIGH_TRAFFIC => requests > threshold * window,
            // "`n < T W` and `t >= first + W - 1`"
            LOW_TRAFFIC => {
                requests < threshold * window && second >= self.run.least + self.settings.window - 1
            }
            // "`100 e > T n` and `e >= min-count`; never without a status
            // column"
            HIGH_ERRORS => {
                100 * errors > threshold * i128::from(rates.requests)
                    && rates.errors >= least
                    && self.columns().has_status()
            }
            // "`100 s > T n` and `s >= min-count`; never without a latency
            // column"
            _ => {
                100 * slow > threshold * i128::from(rates.requests)
                    && rates.slow >= least
                    && self.columns().has_latency()
            }
        }
    }

    fn is_recovered(&self, alert: usize, rates: Rates) -> bool {
        let Some(limits) = self.settings.limits[alert] else { return false };
        let recovery = limits.recovery.billionths;
        let (requests, errors, slow) = exact(rates);
        let window = i128::from(self.settings.window);
        match alert {
            // "`n < R W`"
            HIGH_TRAFFIC => requests < recovery * window,
            // "`n > R W`"
            LOW_TRAFFIC => requests > recovery * window,
            // "`100 e < R n`"
            HIGH_ERRORS => 100 * errors < recovery * i128::from(rates.requests),
            // "`100 s < R n`"
            _ => 100 * slow < recovery * i128::from(rates.requests),
        }
    }

    fn write_recovery(&mut self, alert: usize, second: i64, rates: Rates, reason: &str) {
        if let Some(active) = self.run.active[alert].take() {
            self.write_recovery_event(alert, second, rates, reason, active);
        }
    }

    /// Time restarts: "an alert that is active is closed by a recovery with
    /// `reason` `restarted`, at the last second that is closed, with the
    /// numbers known now, in the order of any other event of that second
    /// (after its summary, if that is written already)".
    pub(crate) fn close_alerts(&mut self) {
        let second = self.run.closed;
        let rates = self.rates_at(second);
        for alert in [HIGH_TRAFFIC, LOW_TRAFFIC, HIGH_ERRORS, SLOW_REQUESTS] {
            if self.run.active[alert].is_some() {
                self.end_gap_before(second);
                self.write_recovery(alert, second, rates, "restarted");
            }
        }
    }
}

/// Compares the counts times 10^9, "as exact decimals".
fn exact(rates: Rates) -> (i128, i128, i128) {
    let times = |number: u64| i128::from(number) * 1_000_000_000;
    (times(rates.requests), times(rates.errors), times(rates.slow))
}
