//! The alert rule: raises an alert and lets it recover. One rule serves four
//! alerts. It is applied to every closed second.
//!
//! A window of `W` seconds has `n` requests, `e` with a status from 500 to 599,
//! and `s` slow ones. With the threshold `T` and the recovery threshold `R`:
//!
//! | alert           | raised when                     | recovers when |
//! |-----------------|---------------------------------|---------------|
//! | `high_traffic`  | `n > T W`                       | `n < R W`     |
//! | `low_traffic`   | `n < T W`, the window is full   | `n > R W`     |
//! | `high_errors`   | `100 e > T n`, `e >= min-count` | `100 e < R n` |
//! | `slow_requests` | `100 s > T n`, `s >= min-count` | `100 s < R n` |
//!
//! Equality changes nothing.

use std::cmp::Ordering;
use std::str::FromStr;

use crate::count::rate::Sums;

/// A number given to a threshold option: above 0, below 10^9, at most 9
/// decimals.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Decimal {
    /// An integer, so that comparisons are exact.
    billionths: u64,
}

impl Decimal {
    const UNIT: u64 = 1_000_000_000;

    /// The nearest `f64`.
    #[must_use]
    pub fn as_f64(self) -> f64 {
        let (whole, decimals) = (self.billionths / Decimal::UNIT, self.billionths % Decimal::UNIT);
        // Parsing a decimal rounds once; dividing would round twice.
        format!("{whole}.{decimals:09}").parse().unwrap_or(f64::NAN)
    }

    /// This number of seconds, in nanoseconds.
    #[must_use]
    pub fn as_nanoseconds(self) -> u64 {
        self.billionths
    }
}

impl FromStr for Decimal {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Decimal, &'static str> {
        const FORM: &str = "not a decimal number like 10 or 0.5";
        let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
        let is_number = |digits: &str| digits.bytes().all(|byte| byte.is_ascii_digit());
        if (whole.is_empty() && decimals.is_empty())
            || text.ends_with('.')
            || !is_number(whole)
            || !is_number(decimals)
        {
            return Err(FORM);
        }
        if decimals.len() > 9 {
            return Err("more than 9 decimals");
        }
        let whole = whole.trim_start_matches('0');
        if whole.len() > 9 {
            return Err("not below 1000000000");
        }
        let digits = format!("{whole}{decimals:0<9}");
        match digits.parse() {
            Ok(0) => Err("not above 0"),
            Ok(billionths) => Ok(Decimal { billionths }),
            Err(_) => Err(FORM),
        }
    }
}

/// The alerts, in the order in which they are judged and written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Too many requests.
    HighTraffic,
    /// Too few requests.
    LowTraffic,
    /// Too large a share of server errors.
    HighErrors,
    /// Too large a share of slow requests.
    SlowRequests,
}

impl Kind {
    /// All alerts, in order.
    pub const ALL: [Kind; 4] = [Kind::HighTraffic, Kind::LowTraffic, Kind::HighErrors, Kind::SlowRequests];

    /// On which side of the threshold the alert is raised.
    fn side(self) -> Ordering {
        if self == Kind::LowTraffic { Ordering::Less } else { Ordering::Greater }
    }

    /// The count that is compared with the threshold; [`Limits::compare`]
    /// scales it.
    fn measure(self, sums: &Sums) -> u64 {
        match self {
            Kind::HighTraffic | Kind::LowTraffic => sums.requests,
            Kind::HighErrors => sums.server_errors,
            Kind::SlowRequests => sums.slow,
        }
    }
}

/// The threshold and the recovery threshold of one alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// The alert is raised beyond this: requests per second, or percent of the
    /// requests.
    pub threshold: Decimal,
    /// The alert recovers on the other side of this, in the same unit.
    pub recovery: Decimal,
}

/// The limits of all alerts.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// By [`Kind`]; `None` = off.
    pub of: [Option<Limit>; 4],
    /// `high_errors` needs at least this many errors in the window, and
    /// `slow_requests` this many slow requests.
    pub min_count: u64,
    /// Length of the alert window, in seconds.
    pub window: i64,
}

/// How a closed second changed an alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// The alert was raised.
    Raised,
    /// The alert recovered.
    Recovered(Episode),
}

/// The time during which an alert was active.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Episode {
    /// The second that raised the alert.
    pub since: i64,
    /// The sums of the worst window: the most requests, errors or slow
    /// requests, or the fewest requests for `low_traffic`.
    pub worst: Sums,
    /// The first second with these sums.
    pub worst_time: i64,
}

/// Which alerts are active, and since when.
#[derive(Clone, Debug)]
pub struct Alerts {
    limits: Limits,
    /// Which alerts the log has columns for, by [`Kind`].
    possible: [bool; 4],
    episodes: [Option<Episode>; 4],
}

impl Alerts {
    /// No alert is active. The log has columns for the `possible` alerts.
    #[must_use]
    pub fn new(limits: Limits, possible: [bool; 4]) -> Alerts {
        Alerts { limits, possible, episodes: [None; 4] }
    }

    /// Notes which alerts the log has columns for now. The others are not
    /// raised.
    pub fn allow(&mut self, possible: [bool; 4]) {
        self.possible = possible;
    }

    /// Which alerts are active, by [`Kind`].
    #[must_use]
    pub fn active(&self) -> [bool; 4] {
        self.episodes.map(|episode| episode.is_some())
    }

    /// The first second at which `low_traffic` can be raised: the window must
    /// be full, so that the start of a log is not taken for low traffic.
    /// `first` is the least time of the run. `None` if the alert is off.
    #[must_use]
    pub fn first_full(&self, first: i64) -> Option<i64> {
        self.limits.of[Kind::LowTraffic as usize].is_some().then_some(first + self.limits.window - 1)
    }

    /// Applies the rule to one alert and the window that ends with `second`.
    /// `first` is the least time of the run.
    pub fn judge(&mut self, kind: Kind, second: i64, sums: Sums, first: i64) -> Option<Change> {
        let limit = self.limits.of[kind as usize]?;
        let full = first + self.limits.window - 1;
        let measure = kind.measure(&sums);
        let can_be_raised = match kind {
            Kind::HighTraffic => true,
            Kind::LowTraffic => second >= full,
            Kind::HighErrors | Kind::SlowRequests => measure >= self.limits.min_count,
        };
        match &mut self.episodes[kind as usize] {
            episode @ None => {
                if can_be_raised
                    && self.possible[kind as usize]
                    && self.limits.compare(kind, &sums, limit.threshold) == kind.side()
                {
                    *episode = Some(Episode { since: second, worst: sums, worst_time: second });
                    return Some(Change::Raised);
                }
            }
            Some(_) if self.limits.compare(kind, &sums, limit.recovery) == kind.side().reverse() => {
                return self.close(kind).map(Change::Recovered);
            }
            Some(episode) => {
                if measure.cmp(&kind.measure(&episode.worst)) == kind.side() {
                    (episode.worst, episode.worst_time) = (sums, second);
                }
            }
        }
        None
    }

    /// Ends an alert, whatever is in the window. Returns its episode; `None` if it
    /// was not active.
    pub fn close(&mut self, kind: Kind) -> Option<Episode> {
        self.episodes[kind as usize].take()
    }
}

impl Limits {
    /// Compares the sums with `limit`, exactly: without division or rounding.
    fn compare(&self, kind: Kind, sums: &Sums, limit: Decimal) -> Ordering {
        let (share, of) = match kind {
            Kind::HighTraffic | Kind::LowTraffic => (1, self.window.unsigned_abs()),
            Kind::HighErrors | Kind::SlowRequests => (100, sums.requests),
        };
        let measured = u128::from(kind.measure(sums)) * share * u128::from(Decimal::UNIT);
        measured.cmp(&(u128::from(limit.billionths) * u128::from(of)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decimal_is_within_its_bounds() {
        const FORM: &str = "not a decimal number like 10 or 0.5";
        for (text, expected) in [
            ("10", Ok(10_000_000_000)),
            ("0.5", Ok(500_000_000)),
            (".5", Ok(500_000_000)),
            ("0.000000001", Ok(1)),
            ("00010.50", Ok(10_500_000_000)),
            ("999999999.999999999", Ok(999_999_999_999_999_999)),
            ("000999999999", Ok(999_999_999_000_000_000)),
            ("1000000000", Err("not below 1000000000")),
            ("0", Err("not above 0")),
            ("0.0", Err("not above 0")),
            ("1.0000000001", Err("more than 9 decimals")),
            ("", Err(FORM)),
            (".", Err(FORM)),
            ("5.", Err(FORM)),
            ("x", Err(FORM)),
            ("1x", Err(FORM)),
            ("1.x", Err(FORM)),
            ("x.1", Err(FORM)),
            ("1.2.3", Err(FORM)),
            ("-1", Err(FORM)),
            ("+1", Err(FORM)),
            ("1e3", Err(FORM)),
        ] {
            assert_eq!(text.parse().map(|decimal: Decimal| decimal.billionths), expected, "{text:?}");
        }
    }

    #[test]
    fn a_decimal_shows_as_the_number_nearest_to_what_was_typed() {
        for text in ["0.1", "10", "0.000000001", "999999999.999999999", "123456789.123456789", "9.95"] {
            let decimal: Decimal = text.parse().expect("a decimal");
            assert_eq!(
                decimal.as_f64().to_bits(),
                text.parse::<f64>().expect("a number").to_bits(),
                "{text}"
            );
        }
    }

    /// A window of 10 seconds, one alert, a minimum count of 3.
    fn alerts(kind: Kind, threshold: &str, recovery: &str) -> Alerts {
        let decimal = |text: &str| text.parse().expect("a decimal");
        let mut of = [None; 4];
        of[kind as usize] = Some(Limit { threshold: decimal(threshold), recovery: decimal(recovery) });
        Alerts::new(Limits { of, min_count: 3, window: 10 }, [true; 4])
    }

    fn sums(requests: u64, server_errors: u64, slow: u64) -> Sums {
        Sums { requests, server_errors, slow }
    }

    #[test]
    fn high_traffic_is_more_than_the_threshold_until_it_is_less_than_the_recovery() {
        // Alert above 25 requests in 10 seconds, recover below 15.5: below 16.
        let mut alerts = alerts(Kind::HighTraffic, "2.5", "1.55");
        let mut judge = |second, requests| alerts.judge(Kind::HighTraffic, second, sums(requests, 0, 0), 0);
        assert_eq!(judge(1, 25), None);
        assert_eq!(judge(2, 26), Some(Change::Raised));
        assert_eq!(judge(3, 30), None);
        assert_eq!(judge(4, 30), None);
        assert_eq!(judge(5, 16), None);
        let episode = Episode { since: 2, worst: sums(30, 0, 0), worst_time: 3 };
        assert_eq!(judge(6, 15), Some(Change::Recovered(episode)));
        assert_eq!(judge(7, 0), None);
    }

    #[test]
    fn low_traffic_is_less_than_the_threshold_once_the_window_is_full() {
        // Alert below 25 requests in 10 seconds, recover above 40.
        let mut alerts = alerts(Kind::LowTraffic, "2.5", "4");
        let mut judge = |second, requests| alerts.judge(Kind::LowTraffic, second, sums(requests, 0, 0), 100);
        assert_eq!(judge(108, 0), None);
        assert_eq!(judge(109, 25), None);
        assert_eq!(judge(110, 24), Some(Change::Raised));
        assert_eq!(judge(111, 7), None);
        assert_eq!(judge(112, 7), None);
        assert_eq!(judge(113, 40), None);
        let episode = Episode { since: 110, worst: sums(7, 0, 0), worst_time: 111 };
        assert_eq!(judge(114, 41), Some(Change::Recovered(episode)));
    }

    #[test]
    fn shares_are_more_than_the_threshold_and_there_are_enough_of_them() {
        for (kind, of) in [
            (Kind::HighErrors, (|n, k| sums(n, k, 0)) as fn(u64, u64) -> Sums),
            (Kind::SlowRequests, |n, k| sums(n, 0, k)),
        ] {
            let mut alerts = alerts(kind, "5", "2.5");
            let mut judge = |second, n, k| alerts.judge(kind, second, of(n, k), 0);
            assert_eq!(judge(1, 2, 2), None, "all of them, but only two");
            assert_eq!(judge(2, 60, 3), None, "just 5 %");
            assert_eq!(judge(3, 59, 3), Some(Change::Raised));
            assert_eq!(judge(4, 0, 0), None, "an empty window says nothing");
            assert_eq!(judge(5, 160, 4), None, "just 2.5 %");
            let episode = Episode { since: 3, worst: of(160, 4), worst_time: 5 };
            assert_eq!(judge(6, 161, 4), Some(Change::Recovered(episode)));
        }
    }

    #[test]
    fn an_alert_that_is_off_is_never_raised() {
        let mut alerts = Alerts::new(Limits { of: [None; 4], min_count: 1, window: 1 }, [true; 4]);
        for kind in Kind::ALL {
            assert_eq!(alerts.judge(kind, 100, sums(0, 0, 0), 0), None);
            assert_eq!(alerts.judge(kind, 101, sums(1000, 1000, 1000), 0), None);
        }
        assert_eq!((alerts.active(), alerts.first_full(0)), ([false; 4], None));
    }
}
