//! The wire format: names, order and types of all fields of the events
//! `summary`, `alert` and `recovery`.
//!
//! Nothing else is decided here. New fields and types may be added; names and
//! types of existing ones stay.

use std::borrow::Cow;
use std::fmt;

use jiff::Timestamp;
use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};

/// An event. It is written as one JSON object on a line, with `type` first.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
#[expect(clippy::large_enum_variant, reason = "an event is made and written, never kept")]
pub enum Event<'a> {
    /// The requests of one tumbling window, or a gap without requests.
    Summary(Summary<'a>),
    /// An alert was raised.
    Alert(Alert<'a>),
    /// An alert recovered, or was closed because time was set back.
    Recovery(Recovery<'a>),
}

/// An epoch second, written in RFC 3339 with `Z`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Second(pub i64);

impl fmt::Display for Second {
    /// # Panics
    ///
    /// Never for a time that a log can have, or for one interval after it.
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
    /// The name of the source.
    pub source: &'a str,
    /// The first second of the window.
    pub start: Second,
    /// The first second after the window.
    pub end: Second,
    /// `end - start`, in seconds.
    pub duration_seconds: i64,
    /// Whether the window starts before the run's earliest request, or the
    /// input ended (or time restarted) before its last second.
    pub partial: bool,
    /// All requests in the window, including late and future ones.
    pub requests: u64,
    /// `requests / duration_seconds`.
    pub requests_per_second: f64,
    /// Requests that came after their second was closed.
    pub late: u64,
    /// Requests whose time was far ahead of the log's, and not confirmed.
    pub future: u64,
    /// Bytes sent; saturates at 2^64-1.
    pub bytes: Option<u64>,
    /// Latencies.
    pub latency: Option<Latency>,
    /// Requests by status class.
    pub status: Option<StatusClasses>,
    /// Requests by status, ascending, without zeros.
    pub status_codes: Option<StatusCodes<'a>>,
    /// Requests by method, without zeros.
    pub methods: Option<Methods<'a>>,
    /// The sections with the most requests.
    pub sections: Option<Vec<Section<'a>>>,
    /// The sum of all other sections.
    pub sections_other: Option<Other>,
    /// The hosts with the most requests.
    pub hosts: Option<Vec<Host<'a>>>,
    /// The sum of all other hosts.
    pub hosts_other: Option<Other>,
    /// Whether an alert is active after the last second of the window.
    pub alerting: bool,
    /// The names of the active alerts.
    pub alerts: Vec<&'static str>,
    /// Malformed lines since the previous summary of this source.
    pub malformed: u64,
    /// Skipped lines since the previous summary of this source.
    pub skipped: u64,
}

/// The latencies of a window, in seconds. Requests without a latency are left
/// out.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Latency {
    /// Requests with a latency.
    pub requests: u64,
    /// The sum, exact before conversion to `f64`.
    pub sum: f64,
    /// The median, rounded up to three significant digits; `null` without
    /// requests.
    pub p50: Option<f64>,
    /// The 90th percentile, likewise.
    pub p90: Option<f64>,
    /// The 99th percentile, likewise.
    pub p99: Option<f64>,
    /// The greatest, not rounded.
    pub max: Option<f64>,
    /// Requests that took longer than `--slow`.
    pub slow: u64,
}

/// Requests by status class.
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
    /// Any other status, or none.
    pub other: u64,
}

/// Requests by status, ascending: a JSON object.
#[derive(Debug)]
pub struct StatusCodes<'a>(pub &'a [(u16, u64)]);

impl Serialize for StatusCodes<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().copied())
    }
}

/// Requests by method, in the order of `names`: a JSON object without zeros.
#[derive(Debug)]
pub struct Methods<'a> {
    /// The names of the methods, `other` last.
    pub names: &'a [&'a str],
    /// The requests of each method.
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

/// The counts of one section, the first segment of the path.
#[derive(Debug, Serialize)]
pub struct Section<'a> {
    /// The section, as shown.
    pub section: Cow<'a, str>,
    /// Requests.
    pub requests: u64,
    /// Requests with status 500 to 599.
    pub server_errors: Option<u64>,
    /// Bytes sent; saturates at 2^64-1.
    pub bytes: Option<u64>,
}

/// The counts of one client.
#[derive(Debug, Serialize)]
pub struct Host<'a> {
    /// The client's name or address, as shown.
    pub host: Cow<'a, str>,
    /// Requests.
    pub requests: u64,
    /// Requests with status 500 to 599.
    pub server_errors: Option<u64>,
    /// Bytes sent; saturates at 2^64-1.
    pub bytes: Option<u64>,
}

/// The sections or hosts that a list leaves out.
#[derive(Debug, Serialize)]
pub struct Other {
    /// How many names were left out; names above the cap are not included.
    pub distinct: u64,
    /// Requests.
    pub requests: u64,
    /// Requests with status 500 to 599.
    pub server_errors: Option<u64>,
    /// Bytes sent; saturates at 2^64-1.
    pub bytes: Option<u64>,
    /// Whether there were more names than the cap.
    pub capped: bool,
}

/// An alert was raised.
#[derive(Debug, Serialize)]
pub struct Alert<'a> {
    /// The name of the source.
    pub source: &'a str,
    /// The last second of the alert window when it was raised.
    pub time: Second,
    /// The name of the alert.
    pub name: &'static str,
    /// Length of the alert window, in seconds.
    pub window_seconds: i64,
    /// Requests in the alert window.
    pub requests: u64,
    /// `requests / window_seconds`.
    pub requests_per_second: f64,
    /// The errors or slow requests, for `high_errors` and `slow_requests`.
    #[serde(flatten)]
    pub share: Option<Share>,
    /// The threshold, in requests per second or percent.
    pub threshold: f64,
    /// A sentence for people. The texts are fixed.
    pub message: String,
}

/// An alert recovered, or was closed because time was set back.
#[derive(Debug, Serialize)]
pub struct Recovery<'a> {
    /// The name of the source.
    pub source: &'a str,
    /// The last second of the alert window when it recovered, or the last
    /// closed second before time was set back.
    pub time: Second,
    /// The name of the alert.
    pub name: &'static str,
    /// `recovered` or `restarted`.
    pub reason: &'static str,
    /// The `time` of the alert.
    pub since: Second,
    /// `time - since`, in seconds.
    pub duration_seconds: i64,
    /// Length of the alert window, in seconds.
    pub window_seconds: i64,
    /// Requests in the alert window.
    pub requests: u64,
    /// `requests / window_seconds`.
    pub requests_per_second: f64,
    /// The errors or slow requests, for `high_errors` and `slow_requests`.
    #[serde(flatten)]
    pub share: Option<Share>,
    /// The recovery threshold, in requests per second or percent.
    pub threshold: f64,
    /// The worst alert window while the alert was active.
    #[serde(flatten)]
    pub worst: Worst,
    /// A sentence for people. The texts are fixed.
    pub message: String,
}

/// The requests in the alert window that `high_errors` or `slow_requests`
/// counts.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum Share {
    /// For `high_errors`.
    Errors {
        /// Requests with status 500 to 599.
        server_errors: u64,
        /// Their share in percent; 0 without requests.
        server_errors_percent: f64,
    },
    /// For `slow_requests`.
    Slow {
        /// Requests that took longer than `slow_seconds`.
        slow_requests: u64,
        /// Their share in percent; 0 without requests.
        slow_requests_percent: f64,
        /// The value of `--slow`, in seconds.
        slow_seconds: f64,
    },
}

/// The worst alert window while an alert was active.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum Worst {
    /// For `high_traffic`.
    Traffic {
        /// The most requests.
        peak_requests: u64,
        /// The first second with that many.
        peak_time: Second,
    },
    /// For `low_traffic`.
    Lowest {
        /// The fewest requests.
        lowest_requests: u64,
        /// The first second with that few.
        lowest_time: Second,
    },
    /// For `high_errors`.
    Errors {
        /// The most server errors.
        peak_server_errors: u64,
        /// All requests in that window.
        peak_requests: u64,
        /// The first second with that many errors.
        peak_time: Second,
    },
    /// For `slow_requests`.
    Slow {
        /// The most slow requests.
        peak_slow_requests: u64,
        /// All requests in that window.
        peak_requests: u64,
        /// The first second with that many slow requests.
        peak_time: Second,
    },
}
