//! SPEC sections 4, 5 and 7: the events as lines of JSON, byte for byte.

use std::collections::BTreeMap;

use super::civil::rfc3339;
use super::source::{Alert, Counted, Kind, Source};
use super::values::{METHODS, OTHER};

/// A text or a number as serde_json writes it.
fn json<T: serde::Serialize>(value: T) -> String {
    serde_json::to_string(&value).expect("text and numbers can be written")
}

/// What stands there, or `null` where the log has no column for it.
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

/// How many of the requests are so.
fn how_many(requests: &[&Counted], so: impl Fn(&Counted) -> bool) -> usize {
    requests.iter().filter(|one| so(one)).count()
}

impl Source {
    pub(crate) fn write_alert(&mut self, second: i64, requests: u64) {
        let time = rfc3339(second);
        let event = format!(
            r#"{{"type":"alert","source":{},"time":"{time}","name":"high_traffic","window_seconds":{},"requests":{requests},"requests_per_second":{},"threshold":{},"message":"High traffic generated an alert - hits = {requests}, triggered at {time}"}}"#,
            json(&self.name),
            self.settings.window,
            per_second(requests, self.settings.window),
            json(self.settings.threshold.number),
        );
        self.events.push(event);
    }

    pub(crate) fn write_recovery(&mut self, second: i64, requests: u64, alert: Alert) {
        let time = rfc3339(second);
        let duration = second - alert.since;
        let event = format!(
            r#"{{"type":"recovery","source":{},"time":"{time}","name":"high_traffic","since":"{}","duration_seconds":{duration},"window_seconds":{},"requests":{requests},"requests_per_second":{},"threshold":{},"peak_requests":{},"peak_time":"{}","message":"Recovered from high traffic - hits = {requests}, recovered at {time} after {duration} s"}}"#,
            json(&self.name),
            rfc3339(alert.since),
            self.settings.window,
            per_second(requests, self.settings.window),
            // "`threshold` in a recovery is the recovery threshold."
            json(self.settings.recovery.number),
            alert.peak,
            rfc3339(alert.peak_time),
        );
        self.events.push(event);
    }

    pub(crate) fn write_summary(&mut self, start: i64, end: i64, partial: bool, counted: &[Counted]) {
        let columns = self.columns();
        let all: Vec<&Counted> = counted.iter().collect();
        let (sections, sections_other) =
            self.list("section", &all, |one| (!one.section_is_capped).then_some(&one.request.section));
        let (hosts, hosts_other) =
            self.list("host", &all, |one| (!one.host_is_capped).then_some(&one.request.host));
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
            ("status", or_null(columns.has_status(), || classes(&all))),
            ("status_codes", or_null(columns.has_status(), || status_codes(&all))),
            ("methods", or_null(columns.has_method(), || methods(&all))),
            ("sections", or_null(columns.has_target(), || sections)),
            ("sections_other", or_null(columns.has_target(), || sections_other)),
            ("hosts", or_null(columns.has_host(), || hosts)),
            ("hosts_other", or_null(columns.has_host(), || hosts_other)),
            // "`alerting`: after the window's last second."
            ("alerting", json(self.run.alert.is_some())),
            ("malformed", json(self.malformed)),
            ("skipped", json(self.skipped)),
        ];
        self.events.push(object(&members));
    }

    /// The list of sections or hosts, and what is not listed. `name` is none
    /// for a request that is counted under no name of its own.
    fn list<'a>(
        &self,
        key: &'static str,
        all: &[&'a Counted],
        name: impl Fn(&'a Counted) -> Option<&'a String>,
    ) -> (String, String) {
        let mut by_name: BTreeMap<&String, Vec<&Counted>> = BTreeMap::new();
        let mut unlisted: Vec<&Counted> = Vec::new();
        for &one in all {
            match name(one) {
                Some(name) => by_name.entry(name).or_default().push(one),
                None => unlisted.push(one),
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

    /// The three numbers of a section or host.
    fn tallies(&self, requests: &[&Counted]) -> [(&'static str, String); 3] {
        let columns = self.columns();
        [
            ("requests", json(requests.len())),
            (
                "server_errors",
                or_null(columns.has_status(), || {
                    json(how_many(requests, |one| class(one.request.status) == "5xx"))
                }),
            ),
            ("bytes", or_null(columns.has_bytes(), || json(sum_of_bytes(requests)))),
        ]
    }
}

/// An object of members that are JSON already.
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
