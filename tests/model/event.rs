//! SPEC sections 4, 5 and 7: the events as lines of JSON, byte for byte.

use std::collections::BTreeMap;

use super::Limits;
use super::alerts::{Active, HIGH_ERRORS, HIGH_TRAFFIC, LOW_TRAFFIC, NAMES, SLOW_REQUESTS};
use super::civil::rfc3339;
use super::columns::Request;
use super::source::{Counted, Kind, Rates, Source};
use super::values::{METHODS, OTHER};

/// The names of the alerts in `message`.
const CALLED: [&str; 4] = ["High traffic", "Low traffic", "High errors", "Slow requests"];

/// The counts in `message`.
fn hits(alert: usize, rates: Rates) -> String {
    match alert {
        HIGH_ERRORS => format!("errors = {} of {}", rates.errors, rates.requests),
        SLOW_REQUESTS => format!("slow = {} of {}", rates.slow, rates.requests),
        _ => format!("hits = {}", rates.requests),
    }
}

/// A value in JSON, as serde_json writes it.
fn json<T: serde::Serialize>(value: T) -> String {
    serde_json::to_string(&value).expect("text and numbers can be written")
}

/// The value in JSON; `null` if the log has no column for it.
fn or_null(is_there: bool, text: impl FnOnce() -> String) -> String {
    if is_there { text() } else { "null".to_owned() }
}

fn per_second(requests: u64, seconds: i64) -> String {
    json(requests as f64 / seconds as f64)
}

/// "1xx" to "5xx"; "outside 100 to 599: class `other`".
fn class(status: Option<u64>) -> &'static str {
    match status {
        Some(100..=199) => "1xx",
        Some(200..=299) => "2xx",
        Some(300..=399) => "3xx",
        Some(400..=499) => "4xx",
        Some(500..=599) => "5xx",
        _ => OTHER,
    }
}

/// "Sums stop at 2^64-1."
fn sum_of_bytes(requests: &[&Counted]) -> u64 {
    requests.iter().fold(0, |sum: u64, one| sum.saturating_add(one.request.bytes))
}

/// The number of requests that satisfy a condition.
fn how_many(requests: &[&Counted], so: impl Fn(&Counted) -> bool) -> usize {
    requests.iter().filter(|one| so(one)).count()
}

/// Status 500 to 599.
pub(crate) fn has_server_error(request: &Request) -> bool {
    class(request.status) == "5xx"
}

impl Source {
    pub(crate) fn write_alert(&mut self, alert: usize, second: i64, rates: Rates) {
        let time = rfc3339(second);
        let message =
            format!("{} generated an alert - {}, triggered at {time}", CALLED[alert], hits(alert, rates));
        let mut members = vec![
            ("type", json("alert")),
            ("source", json(&self.name)),
            ("time", json(&time)),
            ("name", json(NAMES[alert])),
        ];
        members.extend(self.rate_members(alert, rates));
        members.push(("threshold", json(self.limits(alert).threshold.number)));
        members.push(("message", json(message)));
        self.events.push(object(&members));
    }

    pub(crate) fn write_recovery_event(
        &mut self,
        alert: usize,
        second: i64,
        rates: Rates,
        reason: &str,
        active: Active,
    ) {
        let time = rfc3339(second);
        let duration = second - active.since;
        let message = if reason == "restarted" {
            format!(
                "{} closed - the log's time was set back after {time}, active for {duration} s",
                CALLED[alert]
            )
        } else {
            format!(
                "Recovered from {} - {}, recovered at {time} after {duration} s",
                CALLED[alert].to_lowercase(),
                hits(alert, rates)
            )
        };
        let mut members = vec![
            ("type", json("recovery")),
            ("source", json(&self.name)),
            ("time", json(&time)),
            ("name", json(NAMES[alert])),
            ("reason", json(reason)),
            ("since", json(rfc3339(active.since))),
            ("duration_seconds", json(duration)),
        ];
        members.extend(self.rate_members(alert, rates));
        // "`threshold` in a recovery is the recovery threshold."
        members.push(("threshold", json(self.limits(alert).recovery.number)));
        let worst = active.worst;
        let worst_time = json(rfc3339(active.worst_time));
        match alert {
            HIGH_TRAFFIC => {
                members.extend([("peak_requests", json(worst.requests)), ("peak_time", worst_time)]);
            }
            LOW_TRAFFIC => {
                members.extend([("lowest_requests", json(worst.requests)), ("lowest_time", worst_time)]);
            }
            HIGH_ERRORS => members.extend([
                ("peak_server_errors", json(worst.errors)),
                ("peak_requests", json(worst.requests)),
                ("peak_time", worst_time),
            ]),
            _ => members.extend([
                ("peak_slow_requests", json(worst.slow)),
                ("peak_requests", json(worst.requests)),
                ("peak_time", worst_time),
            ]),
        }
        members.push(("message", json(message)));
        self.events.push(object(&members));
    }

    fn limits(&self, alert: usize) -> Limits {
        self.settings.limits[alert].expect("an alert that is on")
    }

    /// The fields after `window_seconds` and before `threshold`.
    fn rate_members(&self, alert: usize, rates: Rates) -> Vec<(&'static str, String)> {
        // "The double nearest to `100 e / n`, `0.0` if `n` is 0."
        let percent = |number: u64| match rates.requests {
            0 => json(0.0),
            requests => json(100.0 * number as f64 / requests as f64),
        };
        let mut members = vec![
            ("window_seconds", json(self.settings.window)),
            ("requests", json(rates.requests)),
            ("requests_per_second", per_second(rates.requests, self.settings.window)),
        ];
        match alert {
            HIGH_ERRORS => members.extend([
                ("server_errors", json(rates.errors)),
                ("server_errors_percent", percent(rates.errors)),
            ]),
            SLOW_REQUESTS => members.extend([
                ("slow_requests", json(rates.slow)),
                ("slow_requests_percent", percent(rates.slow)),
                ("slow_seconds", json(self.settings.slow.number)),
            ]),
            _ => {}
        }
        members
    }

    pub(crate) fn write_summary(&mut self, start: i64, end: i64, partial: bool, counted: &[Counted]) {
        let columns = self.columns();
        let all: Vec<&Counted> = counted.iter().collect();
        let (most_hosts, most_sections) = self.most_names();
        let (sections, sections_other) =
            self.list("section", most_sections, &all, |one| &one.request.section);
        let (hosts, hosts_other) = self.list("host", most_hosts, &all, |one| &one.request.host);
        let names: Vec<&str> = (0..4).filter(|&i| self.run.active[i].is_some()).map(|i| NAMES[i]).collect();
        let members = [
            ("type", json("summary")),
            ("source", json(&self.name)),
            ("start", json(rfc3339(start))),
            ("end", json(rfc3339(end))),
            ("duration_seconds", json(end - start)),
            ("partial", json(partial)),
            ("requests", json(all.len())),
            ("requests_per_second", per_second(all.len() as u64, end - start)),
            ("late", json(how_many(&all, |one| one.kind == Kind::Late))),
            ("future", json(how_many(&all, |one| one.kind == Kind::Future))),
            ("bytes", or_null(columns.has_bytes(), || json(sum_of_bytes(&all)))),
            ("latency", or_null(columns.has_latency(), || self.latency(&all))),
            ("status", or_null(columns.has_status(), || classes(&all))),
            ("status_codes", or_null(columns.has_status(), || status_codes(&all))),
            ("methods", or_null(columns.has_method(), || methods(&all))),
            ("sections", or_null(columns.has_target(), || sections)),
            ("sections_other", or_null(columns.has_target(), || sections_other)),
            ("hosts", or_null(columns.has_host(), || hosts)),
            ("hosts_other", or_null(columns.has_host(), || hosts_other)),
            // "`alerting`: whether any alert is active after the window's last
            // second; `alerts`: the names of those that are."
            ("alerting", json(!names.is_empty())),
            ("alerts", json(names)),
            ("malformed", json(self.malformed)),
            ("skipped", json(self.skipped)),
        ];
        self.events.push(object(&members));
    }

    /// "With `k = ceil(lateness / interval) + 1`: `200,000 / k` hosts (rounded
    /// down, at most 100,000, at least 1,000) and a tenth as many sections."
    fn most_names(&self) -> (usize, usize) {
        let (lateness, interval) = (self.settings.lateness, self.settings.interval);
        let whole = lateness / interval;
        let k = if whole * interval < lateness { whole + 1 } else { whole } + 1;
        let hosts = usize::try_from(200_000 / k).expect("small").clamp(1_000, 100_000);
        (hosts, hosts / 10)
    }

    /// "`latency`: the requests that have one, their exact sum and greatest,
    /// percentiles, and how many took longer than `--slow`", in seconds.
    fn latency(&self, all: &[&Counted]) -> String {
        let mut values: Vec<u64> = all.iter().filter_map(|one| one.request.latency).collect();
        values.sort_unstable();
        let sum: u128 = values.iter().map(|&value| u128::from(value)).sum();
        // "The value at place `ceil(p * requests)` of the values rounded up to
        // three significant digits."
        let percentile = |percent: usize| match values.len() {
            0 => "null".to_owned(),
            length => {
                let place = (percent * length).div_ceil(100);
                json(seconds(round_up(u128::from(values[place - 1]))))
            }
        };
        let max = values.last().map_or("null".to_owned(), |&value| json(seconds(u128::from(value))));
        object(&[
            ("requests", json(values.len())),
            ("sum", json(seconds(sum))),
            ("p50", percentile(50)),
            ("p90", percentile(90)),
            ("p99", percentile(99)),
            ("max", max),
            ("slow", json(values.iter().filter(|&&value| self.is_slow(value)).count())),
        ])
    }

    /// A list of sections or hosts, and the rest.
    fn list<'a>(
        &self,
        key: &'static str,
        most: usize,
        all: &[&'a Counted],
        name: impl Fn(&'a Counted) -> &'a String,
    ) -> (String, String) {
        let mut by_name: BTreeMap<&String, Vec<&Counted>> = BTreeMap::new();
        let mut unlisted: Vec<&Counted> = Vec::new();
        for &one in all {
            // "What comes after with a new name goes to `…_other`."
            if by_name.len() < most || by_name.contains_key(name(one)) {
                by_name.entry(name(one)).or_default().push(one);
            } else {
                unlisted.push(one);
            }
        }
        let capped = !unlisted.is_empty();

        // "Lists are ordered by requests, descending, then by name."
        let mut names: Vec<(&String, Vec<&Counted>)> = by_name.into_iter().collect();
        names.sort_by(|(a_name, a), (b_name, b)| b.len().cmp(&a.len()).then_with(|| a_name.cmp(b_name)));

        // "`--top`: sections and hosts listed in a summary; 0 = all."
        let listed = match self.settings.top {
            0 => names.len(),
            top => top.min(names.len()),
        };
        let others = names.split_off(listed);
        // "What comes after with a new name is not in `distinct`."
        let distinct = others.len();
        for (_, requests) in others {
            unlisted.extend(requests);
        }

        let items: Vec<String> = names
            .iter()
            .map(|(name, requests)| {
                let [count, errors, bytes] = self.tallies(requests);
                object(&[(key, json(name)), count, errors, bytes])
            })
            .collect();
        let [count, errors, bytes] = self.tallies(&unlisted);
        let other = object(&[("distinct", json(distinct)), count, errors, bytes, ("capped", json(capped))]);
        (format!("[{}]", items.join(",")), other)
    }

    /// The three counts of a section or host.
    fn tallies(&self, requests: &[&Counted]) -> [(&'static str, String); 3] {
        let columns = self.columns();
        [
            ("requests", json(requests.len())),
            (
                "server_errors",
                or_null(columns.has_status(), || {
                    json(how_many(requests, |one| has_server_error(&one.request)))
                }),
            ),
            ("bytes", or_null(columns.has_bytes(), || json(sum_of_bytes(requests)))),
        ]
    }
}

/// Rounds up to three significant digits.
fn round_up(value: u128) -> u128 {
    let mut unit = 1;
    while value / unit >= 1_000 {
        unit *= 10;
    }
    value.div_ceil(unit) * unit
}

/// Converts nanoseconds to the nearest double of seconds.
fn seconds(nanoseconds: u128) -> f64 {
    let text = format!("{}.{:09}", nanoseconds / 1_000_000_000, nanoseconds % 1_000_000_000);
    text.parse().expect("a decimal")
}

/// An object whose members are JSON already.
fn object<K: AsRef<str>>(members: &[(K, String)]) -> String {
    let members: Vec<String> =
        members.iter().map(|(key, value)| format!("{}:{value}", json(key.as_ref()))).collect();
    format!("{{{}}}", members.join(","))
}

fn classes(all: &[&Counted]) -> String {
    let members = ["1xx", "2xx", "3xx", "4xx", "5xx", OTHER].map(|name| {
        let requests = how_many(all, |one| class(one.request.status) == name);
        (name, json(requests))
    });
    object(&members)
}

/// "Those that occur, ascending."
fn status_codes(all: &[&Counted]) -> String {
    let mut codes: BTreeMap<u64, u64> = BTreeMap::new();
    for code in all.iter().filter_map(|one| one.request.status) {
        *codes.entry(code).or_default() += 1;
    }
    let members: Vec<(String, String)> =
        codes.iter().map(|(code, requests)| (code.to_string(), json(requests))).collect();
    object(&members)
}

/// "Those that occur, in the order of section 2, `other` last."
fn methods(all: &[&Counted]) -> String {
    let members: Vec<(&str, String)> = METHODS
        .into_iter()
        .chain([OTHER])
        .map(|name| (name, how_many(all, |one| one.request.method == name)))
        .filter(|(_, requests)| *requests > 0)
        .map(|(name, requests)| (name, json(requests)))
        .collect();
    object(&members)
}
