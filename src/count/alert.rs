//! Quiet <-> alerting, decided once for every closed second.
//!
//! With `n` requests in a window of `w` seconds, threshold `t` and recovery
//! threshold `r <= t`, in requests per second:
//!
//! | state    | n / w against r | n / w against t | becomes  | event    |
//! |----------|-----------------|-----------------|----------|----------|
//! | quiet    |                 | above           | alerting | alert    |
//! | quiet    |                 | equal, below    | quiet    |          |
//! | alerting | below           |                 | quiet    | recovery |
//! | alerting | equal, above    |                 | alerting |          |

use std::str::FromStr;

/// A rate in requests per second: above 0, below 10^9, at most 9 decimals.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rate {
    /// In billionths, so that rates compare as the decimals that they are.
    billionths: u64,
}

impl Rate {
    const UNIT: u64 = 1_000_000_000;

    /// The nearest number.
    #[must_use]
    pub fn as_f64(self) -> f64 {
        let (whole, decimals) = (self.billionths / Rate::UNIT, self.billionths % Rate::UNIT);
        // Reading decimals rounds once; a division would round twice.
        format!("{whole}.{decimals:09}").parse().unwrap_or(f64::NAN)
    }

    /// This rate times `seconds`, in billionths of requests.
    fn over(self, seconds: i64) -> u128 {
        u128::from(self.billionths) * u128::from(seconds.unsigned_abs())
    }
}

impl FromStr for Rate {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Rate, &'static str> {
        const FORM: &str = "not a rate like 10 or 0.5";
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
            Ok(billionths) => Ok(Rate { billionths }),
            Err(_) => Err(FORM),
        }
    }
}

/// When to alert and when to recover.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Alert above this rate.
    pub threshold: Rate,
    /// Recover below this rate; at most the threshold.
    pub recovery: Rate,
    /// Length of the alert window in seconds.
    pub window: i64,
}

/// What a closed second changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// The rate has exceeded the threshold.
    Raised,
    /// The rate has dropped below the recovery threshold.
    Recovered(Episode),
}

/// The time during which an alert was active.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Episode {
    /// The second of the alert.
    pub since: i64,
    /// The most requests in the window.
    pub peak_requests: u64,
    /// The first second with that many.
    pub peak_time: i64,
}

/// The state of one alert.
#[derive(Clone, Debug)]
pub struct Alert {
    /// The most requests in a window that raise no alert.
    most_quiet: u64,
    /// The least requests in a window that keep an alert.
    least_alerting: u64,
    episode: Option<Episode>,
}

impl Alert {
    /// A quiet alert.
    #[must_use]
    pub fn new(limits: &Limits) -> Alert {
        let unit = u128::from(Rate::UNIT);
        // n > floor(t w) just if n > t w; n < ceil(r w) just if n < r w.
        let most_quiet = limits.threshold.over(limits.window) / unit;
        let least_alerting = limits.recovery.over(limits.window).div_ceil(unit);
        Alert {
            most_quiet: u64::try_from(most_quiet).unwrap_or(u64::MAX),
            least_alerting: u64::try_from(least_alerting).unwrap_or(u64::MAX),
            episode: None,
        }
    }

    /// Whether the alert is active.
    #[must_use]
    pub fn is_active(&self) -> bool {
        self.episode.is_some()
    }

    /// Looks at the `requests` in the window that ends with `second`.
    pub fn judge(&mut self, second: i64, requests: u64) -> Option<Change> {
        match &mut self.episode {
            None if requests > self.most_quiet => {
                self.episode = Some(Episode { since: second, peak_requests: requests, peak_time: second });
                Some(Change::Raised)
            }
            None => None,
            Some(_) if requests < self.least_alerting => self.episode.take().map(Change::Recovered),
            Some(episode) => {
                if requests > episode.peak_requests {
                    episode.peak_requests = requests;
                    episode.peak_time = second;
                }
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_a_decimal_number_within_its_bounds() {
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
            ("", Err("not a rate like 10 or 0.5")),
            (".", Err("not a rate like 10 or 0.5")),
            ("5.", Err("not a rate like 10 or 0.5")),
            ("x", Err("not a rate like 10 or 0.5")),
            ("1x", Err("not a rate like 10 or 0.5")),
            ("1.x", Err("not a rate like 10 or 0.5")),
            ("x.1", Err("not a rate like 10 or 0.5")),
            ("1.2.3", Err("not a rate like 10 or 0.5")),
            ("-1", Err("not a rate like 10 or 0.5")),
            ("+1", Err("not a rate like 10 or 0.5")),
            ("1e3", Err("not a rate like 10 or 0.5")),
        ] {
            assert_eq!(text.parse().map(|rate: Rate| rate.billionths), expected, "{text:?}");
        }
    }

    #[test]
    fn a_rate_shows_as_the_number_nearest_to_what_was_typed() {
        for text in ["0.1", "10", "0.000000001", "999999999.999999999", "123456789.123456789", "9.95"] {
            let rate: Rate = text.parse().expect("a rate");
            assert_eq!(rate.as_f64().to_bits(), text.parse::<f64>().expect("a number").to_bits(), "{text}");
        }
    }

    #[test]
    fn quiet_and_alerting_follow_the_table() {
        let rate = |text: &str| text.parse().expect("a rate");
        // Alert above 25 requests in 10 seconds, recover below 15.5: below 16.
        let limits = Limits { threshold: rate("2.5"), recovery: rate("1.55"), window: 10 };
        let mut alert = Alert::new(&limits);
        assert_eq!(alert.judge(1, 25), None);
        assert_eq!(alert.judge(2, 26), Some(Change::Raised));
        assert!(alert.is_active());
        assert_eq!(alert.judge(3, 30), None);
        assert_eq!(alert.judge(4, 30), None);
        assert_eq!(alert.judge(5, 16), None);
        let episode = Episode { since: 2, peak_requests: 30, peak_time: 3 };
        assert_eq!(alert.judge(6, 15), Some(Change::Recovered(episode)));
        assert!(!alert.is_active());
        assert_eq!(alert.judge(7, 0), None);
    }
}
