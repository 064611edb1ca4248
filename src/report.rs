//! What a run of time has found out -> events: the source's name, what is
//! `null`, and the texts for people.

use crate::count::METHODS;
use crate::count::Numbers;
use crate::count::alert::{Decimal, Kind, Limits};
use crate::count::names::Tally;
use crate::count::window::Summary;
use crate::read::columns::Columns;
use crate::time::run::Finding;
use crate::write::event::{self, Event, Methods, Second, StatusClasses, StatusCodes};
use crate::write::ndjson::Events;

/// Lines that are no requests, since the previous summary.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OtherLines {
    /// Malformed lines.
    pub malformed: u64,
    /// Blank lines, headers and `==>` lines.
    pub skipped: u64,
}

/// What an event says beside what was found.
#[derive(Debug)]
pub struct Reporter<'a> {
    /// The name of the source.
    pub source: &'a str,
    /// The columns as they are now: what they lack is `null`.
    pub columns: &'a Columns,
    /// Thresholds and the length of their window.
    pub limits: &'a Limits,
    /// Names listed in a summary; 0 means all.
    pub top: usize,
}

impl Reporter<'_> {
    /// Writes the event of `finding`; a summary takes the `other_lines`.
    pub fn write(&self, finding: &Finding, other_lines: &mut OtherLines, events: &mut Events<'_>) {
        match finding {
            Finding::Summary(summary, alerting) => self.summary(summary, *alerting, other_lines, events),
            Finding::Drained(summary, alerting) => {
                if summary.window.requests > 0 || *other_lines != OtherLines::default() {
                    self.summary(summary, *alerting, other_lines, events);
                }
            }
            Finding::Alert(kind, second, sums) => {
                let Some(limit) = self.limits.of[*kind as usize] else { return };
                let requests = sums.requests;
                events.write(&Event::Alert(event::Alert {
                    source: self.source,
                    time: Second(*second),
                    name: name(*kind),
                    window_seconds: self.limits.window,
                    requests,
                    requests_per_second: self.rate(requests),
                    threshold: Decimal::as_f64(limit.threshold),
                    message: format!(
                        "High traffic generated an alert - hits = {requests}, triggered at {}",
                        Second(*second)
                    ),
                }));
            }
            Finding::Recovery(kind, second, sums, episode) => {
                let Some(limit) = self.limits.of[*kind as usize] else { return };
                let requests = sums.requests;
                let duration_seconds = second - episode.since;
                events.write(&Event::Recovery(event::Recovery {
                    source: self.source,
                    time: Second(*second),
                    name: name(*kind),
                    since: Second(episode.since),
                    duration_seconds,
                    window_seconds: self.limits.window,
                    requests,
                    requests_per_second: self.rate(requests),
                    threshold: Decimal::as_f64(limit.recovery),
                    peak_requests: episode.worst.requests,
                    peak_time: Second(episode.worst_time),
                    message: format!(
                        "Recovered from high traffic - hits = {requests}, recovered at {} after {} s",
                        Second(*second),
                        duration_seconds
                    ),
                }));
            }
        }
    }

    fn rate(&self, requests: u64) -> f64 {
        requests as f64 / self.limits.window as f64
    }

    fn summary(
        &self,
        summary: &Summary,
        alerting: [bool; 4],
        other_lines: &mut OtherLines,
        events: &mut Events<'_>,
    ) {
        let Summary { start, end, partial, status_codes, window } = summary;
        let OtherLines { malformed, skipped } = std::mem::take(other_lines);
        let duration_seconds = end - start;
        let has_status = self.columns.status.is_some();
        let has_bytes = self.columns.bytes.is_some();
        let has_methods = self.columns.has_methods();
        let (sections, sections_other) =
            self.list(self.columns.has_sections(), &window.sections, |section, numbers| event::Section {
                section,
                requests: numbers.requests,
                server_errors: has_status.then_some(numbers.server_errors),
                bytes: has_bytes.then_some(numbers.bytes),
            });
        let (hosts, hosts_other) =
            self.list(self.columns.host.is_some(), &window.hosts, |host, numbers| event::Host {
                host,
                requests: numbers.requests,
                server_errors: has_status.then_some(numbers.server_errors),
                bytes: has_bytes.then_some(numbers.bytes),
            });
        events.write(&Event::Summary(event::Summary {
            source: self.source,
            start: Second(*start),
            end: Second(*end),
            duration_seconds,
            partial: *partial,
            requests: window.requests,
            requests_per_second: window.requests as f64 / duration_seconds as f64,
            late: window.late,
            future: window.future,
            bytes: has_bytes.then_some(window.bytes),
            status: has_status.then(|| classes(window.requests, status_codes)),
            status_codes: has_status.then_some(StatusCodes(status_codes)),
            methods: has_methods.then_some(Methods { names: &METHODS, requests: &window.methods }),
            sections,
            sections_other,
            hosts,
            hosts_other,
            alerting: alerting != [false; 4],
            malformed,
            skipped,
        }));
    }

    /// The names with the most requests, and the rest; or twice nothing.
    fn list<'t, T>(
        &self,
        has: bool,
        tally: &'t Tally,
        item: impl Fn(std::borrow::Cow<'t, str>, Numbers) -> T,
    ) -> (Option<Vec<T>>, Option<event::Other>) {
        if !has {
            return (None, None);
        }
        let ranking = tally.rank(self.top);
        let other = event::Other {
            distinct: ranking.distinct,
            requests: ranking.other.requests,
            server_errors: self.columns.status.is_some().then_some(ranking.other.server_errors),
            bytes: self.columns.bytes.is_some().then_some(ranking.other.bytes),
            capped: ranking.capped,
        };
        let listed = ranking.listed.into_iter().map(|(name, numbers)| item(name, numbers)).collect();
        (Some(listed), Some(other))
    }
}

/// What the alert is called in events.
fn name(kind: Kind) -> &'static str {
    match kind {
        Kind::HighTraffic => "high_traffic",
        Kind::LowTraffic => "low_traffic",
        Kind::HighErrors => "high_errors",
        Kind::SlowRequests => "slow_requests",
    }
}

/// Requests by class of status; those without a status are `other`.
fn classes(requests: u64, codes: &[(u16, u64)]) -> StatusClasses {
    let mut classes = StatusClasses { other: requests, ..StatusClasses::default() };
    for &(code, count) in codes {
        let class = match code / 100 {
            1 => &mut classes.informational,
            2 => &mut classes.successful,
            3 => &mut classes.redirection,
            4 => &mut classes.client_error,
            5 => &mut classes.server_error,
            _ => continue,
        };
        *class += count;
        classes.other -= count;
    }
    classes
}
