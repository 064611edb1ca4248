//! The wire format: names, order and types of every field of every event.
//!
//! Nothing else is decided here. New fields and types may be added; names and
//! types of old ones stay.

use std::borrow::Cow;
use std::fmt;

use jiff::Timestamp;
use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};

/// What the filter writes, one JSON object a line; `type` comes first.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
#[expect(clippy::large_enum_variant, reason = "an event is made and written, never kept")]
pub enum Event<'a> {
    /// The requests of one tumbling window, or of a gap without any.
    Summary(Summary<'a>),
    /// An alert is raised.
    Alert(Alert<'a>),
    /// An alert has recovered.
    Recovery(Recovery<'a>),
}

/// A second of UTC, written as RFC 3339 with `Z`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Second(pub i64);

impl fmt::Display for Second {
    /// # Panics
    ///
    /// Not for any time that a log can have, nor for an interval after it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Timestamp::from_second(self.0).expect("a second between the years 1970 and 9998").fmt(f)
    }
}

impl Serialize for Second {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// The requests of the window `[start, end)`.
///
/// A field is `null` if the log has no column that would fill it.
#[derive(Debug, Serialize)]
pub struct Summary<'a> {
    /// The log's name.
    pub source: &'a str,
    /// The window's first second.
    pub start: Second,
    /// The first second after the window.
    pub end: Second,
    /// `end - start`, in seconds.
    pub duration_seconds: i64,
    /// Whether the window starts before the run's earliest request, or the
    /// input ended (or time restarted) before its last second.
    pub partial: bool,
    /// All requests counted here, `late` and `future` ones among them.
    pub requests: u64,
    /// `requests / duration_seconds`.
    pub requests_per_second: f64,
    /// Requests of an earlier time that came after their second was closed.
    pub late: u64,
    /// Requests with a time far ahead of the log's, which nothing confirmed.
    pub future: u64,
    /// Bytes sent; stops at 2^64-1.
    pub bytes: Option<u64>,
    /// How long the requests took.
    pub latency: Option<Latency>,
    /// Requests by class of status.
    pub status: Option<StatusClasses>,
    /// Requests by status, those that occur, ascending.
    pub status_codes: Option<StatusCodes<'a>>,
    /// Requests by method, those that occur.
    pub methods: Option<Methods<'a>>,
    /// The sections with the most requests.
    pub sections: Option<Vec<Section<'a>>>,
    /// All other sections together.
    pub sections_other: Option<Other>,
    /// The hosts with the most requests.
    pub hosts: Option<Vec<Host<'a>>>,
    /// All other hosts together.
    pub hosts_other: Option<Other>,
    /// Whether an alert is active after the window's last second.
    pub alerting: bool,
    /// The names of those that are.
    pub alerts: Vec<&'static str>,
    /// Malformed lines since the previous summary of this source.
    pub malformed: u64,
    /// Skipped lines since the previous summary of this source.
    pub skipped: u64,
}

/// How long the requests of a window took, as far as that is known; seconds.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Latency {
    /// Requests whose latency is known.
    pub requests: u64,
    /// The sum.
    pub sum: f64,
    /// Half of the requests took at most this long; rounded up to three
    /// significant digits.
    pub p50: Option<f64>,
    /// The same for 90 %.
    pub p90: Option<f64>,
    /// The same for 99 %.
    pub p99: Option<f64>,
    /// The greatest.
    pub max: Option<f64>,
    /// Requests that took longer than `--slow`.
    pub slow: u64,
}

/// Requests by the first digit of their status.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct StatusClasses {
    /// 100 to 199.
    #[serde(rename = "1xx")]
    pub informational: u64,
    /// 200 to 299.
    #[serde(rename = "2xx")]
    pub successful: u64,
    /// 300 to 399.
    #[serde(rename = "3xx")]
    pub redirection: u64,
    /// 400 to 499.
    #[serde(rename = "4xx")]
    pub client_error: u64,
    /// 500 to 599.
    #[serde(rename = "5xx")]
    pub server_error: u64,
    /// None of these, or no status.
    pub other: u64,
}

/// Status and its requests, ascending by status; a JSON object.
#[derive(Debug)]
pub struct StatusCodes<'a>(pub &'a [(u16, u64)]);

impl Serialize for StatusCodes<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().copied())
    }
}

/// Names of methods and their requests, in a fixed order; a JSON object that
/// leaves out what doesn't occur.
#[derive(Debug)]
pub struct Methods<'a> {
    /// The names, `other` last.
    pub names: &'a [&'a str],
    /// The requests of each name.
    pub requests: &'a [u64],
}

impl Serialize for Methods<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (name, &requests) in self.names.iter().zip(self.requests) {
            if requests > 0 {
                map.serialize_entry(name, &requests)?;
            }
        }
        map.end()
    }
}

/// A section of the site: the first segment of the path.
#[derive(Debug, Serialize)]
pub struct Section<'a> {
    /// Its name, as shown.
    pub section: Cow<'a, str>,
    /// Its requests.
    pub requests: u64,
    /// Those with status 500 to 599.
    pub server_errors: Option<u64>,
    /// Bytes sent; stops at 2^64-1.
    pub bytes: Option<u64>,
}

/// A client.
#[derive(Debug, Serialize)]
pub struct Host<'a> {
    /// Its name or address, as shown.
    pub host: Cow<'a, str>,
    /// Its requests.
    pub requests: u64,
    /// Those with status 500 to 599.
    pub server_errors: Option<u64>,
    /// Bytes sent; stops at 2^64-1.
    pub bytes: Option<u64>,
}

/// What a list of sections or hosts leaves out.
#[derive(Debug, Serialize)]
pub struct Other {
    /// How many names there are, without those that weren't counted one by one.
    pub distinct: u64,
    /// Requests.
    pub requests: u64,
    /// Those with status 500 to 599.
    pub server_errors: Option<u64>,
    /// Bytes sent; stops at 2^64-1.
    pub bytes: Option<u64>,
    /// Whether there were more names than are counted one by one.
    pub capped: bool,
}

/// An alert is raised.
#[derive(Debug, Serialize)]
pub struct Alert<'a> {
    /// The log's name.
    pub source: &'a str,
    /// The second after which it was raised.
    pub time: Second,
    /// Which alert it is.
    pub name: &'static str,
    /// Length of the alert window, in seconds.
    pub window_seconds: i64,
    /// Requests in the window.
    pub requests: u64,
    /// `requests / window_seconds`.
    pub requests_per_second: f64,
    /// The share, for alerts that compare shares.
    #[serde(flatten)]
    pub share: Option<Share>,
    /// The threshold: requests per second, or percent.
    pub threshold: f64,
    /// A sentence for people; its text is fixed.
    pub message: String,
}

/// An alert has recovered, or is closed because time was set back.
#[derive(Debug, Serialize)]
pub struct Recovery<'a> {
    /// The log's name.
    pub source: &'a str,
    /// The second after which it recovered, or the last one that is closed.
    pub time: Second,
    /// Which alert it is.
    pub name: &'static str,
    /// `recovered` or `restarted`.
    pub reason: &'static str,
    /// `time` of the alert.
    pub since: Second,
    /// `time - since`, in seconds.
    pub duration_seconds: i64,
    /// Length of the alert window, in seconds.
    pub window_seconds: i64,
    /// Requests in the window.
    pub requests: u64,
    /// `requests / window_seconds`.
    pub requests_per_second: f64,
    /// The share, for alerts that compare shares.
    #[serde(flatten)]
    pub share: Option<Share>,
    /// The recovery threshold: requests per second, or percent.
    pub threshold: f64,
    /// The worst window while it was active.
    #[serde(flatten)]
    pub worst: Worst,
    /// A sentence for people; its text is fixed.
    pub message: String,
}

/// The requests in the window that an alert of a share is about.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum Share {
    /// Of `high_errors`.
    Errors {
        /// Requests with status 500 to 599.
        server_errors: u64,
        /// Their share in percent; 0 of none.
        server_errors_percent: f64,
    },
    /// Of `slow_requests`.
    Slow {
        /// Requests that took longer than `slow_seconds`.
        slow_requests: u64,
        /// Their share in percent; 0 of none.
        slow_requests_percent: f64,
        /// What `--slow` says.
        slow_seconds: f64,
    },
}

/// The worst window while an alert was active, and the first second of it.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum Worst {
    /// Of `high_traffic`.
    Traffic {
        /// The most requests.
        peak_requests: u64,
        /// When.
        peak_time: Second,
    },
    /// Of `low_traffic`.
    Lowest {
        /// The fewest requests.
        lowest_requests: u64,
        /// When.
        lowest_time: Second,
    },
    /// Of `high_errors`.
    Errors {
        /// The most server errors.
        peak_server_errors: u64,
        /// All requests then.
        peak_requests: u64,
        /// When.
        peak_time: Second,
    },
    /// Of `slow_requests`.
    Slow {
        /// The most slow requests.
        peak_slow_requests: u64,
        /// All requests then.
        peak_requests: u64,
        /// When.
        peak_time: Second,
    },
}
