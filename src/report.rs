//! Findings of a run of time -> events: summaries, alerts and recoveries with
//! the source's name, their messages, and `null` for missing columns.

use crate::count::METHODS;
use crate::count::Numbers;
use crate::count::alert::{Episode, Kind};
use crate::count::counts::Finding;
use crate::count::latency::{Latencies, Totals};
use crate::count::rate::Sums;
use crate::count::tally::Tally;
use crate::count::window::Summary;
use crate::read::columns::Columns;
use crate::time;
use crate::write::event::{self, Event, Methods, Second, Share, StatusClasses, StatusCodes, Worst};
use crate::write::ndjson::Events;

/// Lines since the previous summary that were not requests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OtherLines {
    /// Malformed lines.
    pub malformed: u64,
    /// Blank lines, headers and `==>` lines.
    pub skipped: u64,
}

/// What events need besides the finding.
#[derive(Debug)]
pub struct Reporter<'a> {
    /// The name of the source.
    pub source: &'a str,
    /// The current columns. Fields that a missing column would fill are `null`.
    pub columns: &'a Columns,
    /// Thresholds and window lengths.
    pub run: &'a time::Settings,
    /// Sections and hosts listed in a summary; 0 = all.
    pub top: usize,
}

impl Reporter<'_> {
    /// Writes the event of `finding`, if it has one. A summary reports
    /// `other_lines` and resets them.
    pub fn write(&self, finding: &mut Finding, other_lines: &mut OtherLines, events: &mut Events<'_>) {
        match finding {
            Finding::Summary(summary, alerting) => self.summary(summary, *alerting, other_lines, events),
            Finding::Drained(summary, alerting) => {
                if summary.window.requests > 0 || *other_lines != OtherLines::default() {
                    self.summary(summary, *alerting, other_lines, events);
                }
            }
            Finding::Alert(kind, second, sums) => self.alert(*kind, *second, *sums, events),
            Finding::Recovery(kind, second, sums, episode) => {
                let message = format!(
                    "Recovered from {} - {}, recovered at {} after {} s",
                    text(*kind).to_lowercase(),
                    hits(*kind, *sums),
                    Second(*second),
                    *second - episode.since
                );
                self.recovery(*kind, *second, *sums, episode, ("recovered", message), events);
            }
            Finding::Closed(kind, second, sums, episode) => {
                let message = format!(
                    "{} closed - the log's time was set back after {}, active for {} s",
                    text(*kind),
                    Second(*second),
                    *second - episode.since
                );
                self.recovery(*kind, *second, *sums, episode, ("restarted", message), events);
            }
        }
    }

    fn alert(&self, kind: Kind, second: i64, sums: Sums, events: &mut Events<'_>) {
        let Some(limit) = self.run.limits.of[kind as usize] else { return };
        let (text, hits) = (text(kind), hits(kind, sums));
        events.write(&Event::Alert(event::Alert {
            source: self.source,
            time: Second(second),
            name: name(kind),
            window_seconds: self.run.limits.window,
            requests: sums.requests,
            requests_per_second: self.rate(sums.requests),
            share: self.share(kind, sums),
            threshold: limit.threshold.as_f64(),
            message: format!("{text} generated an alert - {hits}, triggered at {}", Second(second)),
        }));
    }

    fn recovery(
        &self,
        kind: Kind,
        second: i64,
        sums: Sums,
        episode: &Episode,
        (reason, message): (&'static str, String),
        events: &mut Events<'_>,
    ) {
        let Some(limit) = self.run.limits.of[kind as usize] else { return };
        let Sums { requests, server_errors, slow } = episode.worst;
        let time = Second(episode.worst_time);
        events.write(&Event::Recovery(event::Recovery {
            source: self.source,
            time: Second(second),
            name: name(kind),
            reason,
            since: Second(episode.since),
            duration_seconds: second - episode.since,
            window_seconds: self.run.limits.window,
            requests: sums.requests,
            requests_per_second: self.rate(sums.requests),
            share: self.share(kind, sums),
            threshold: limit.recovery.as_f64(),
            worst: match kind {
                Kind::HighTraffic => Worst::Traffic { peak_requests: requests, peak_time: time },
                Kind::LowTraffic => Worst::Lowest { lowest_requests: requests, lowest_time: time },
                Kind::HighErrors => Worst::Errors {
                    peak_server_errors: server_errors,
                    peak_requests: requests,
                    peak_time: time,
                },
                Kind::SlowRequests => {
                    Worst::Slow { peak_slow_requests: slow, peak_requests: requests, peak_time: time }
                }
            },
            message,
        }));
    }

    fn share(&self, kind: Kind, sums: Sums) -> Option<Share> {
        match kind {
            Kind::HighTraffic | Kind::LowTraffic => None,
            Kind::HighErrors => Some(Share::Errors {
                server_errors: sums.server_errors,
                server_errors_percent: percent(sums.server_errors, sums.requests),
            }),
            Kind::SlowRequests => Some(Share::Slow {
                slow_requests: sums.slow,
                slow_requests_percent: percent(sums.slow, sums.requests),
                slow_seconds: seconds(self.run.slow.into()),
            }),
        }
    }

    fn rate(&self, requests: u64) -> f64 {
        requests as f64 / self.run.limits.window as f64
    }

    fn summary(
        &self,
        summary: &mut Summary,
        alerting: [bool; 4],
        other_lines: &mut OtherLines,
        events: &mut Events<'_>,
    ) {
        let Summary { start, end, partial, status_codes, window } = summary;
        let OtherLines { malformed, skipped } = std::mem::take(other_lines);
        let duration_seconds = *end - *start;
        let has_status = self.columns.status.is_some();
        let has_bytes = self.columns.bytes.is_some();
        let has_methods = self.columns.has_methods();
        let latency = self.columns.latency.is_some().then(|| latency(&mut window.latencies));
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
            latency,
            status: has_status.then(|| classes(window.requests, status_codes)),
            status_codes: has_status.then_some(StatusCodes(status_codes)),
            methods: has_methods.then_some(Methods { names: &METHODS, requests: &window.methods }),
            sections,
            sections_other,
            hosts,
            hosts_other,
            alerting: alerting != [false; 4],
            alerts: Kind::ALL.into_iter().filter(|&kind| alerting[kind as usize]).map(name).collect(),
            malformed,
            skipped,
        }));
    }

    /// Lists the `top` names, and sums up the others. Both are `None` if the log
    /// has no such column (`has` is false).
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

/// The alert's name in the event's `name`.
fn name(kind: Kind) -> &'static str {
    match kind {
        Kind::HighTraffic => "high_traffic",
        Kind::LowTraffic => "low_traffic",
        Kind::HighErrors => "high_errors",
        Kind::SlowRequests => "slow_requests",
    }
}

/// The alert's name in the event's `message`.
fn text(kind: Kind) -> &'static str {
    match kind {
        Kind::HighTraffic => "High traffic",
        Kind::LowTraffic => "Low traffic",
        Kind::HighErrors => "High errors",
        Kind::SlowRequests => "Slow requests",
    }
}

/// The window's numbers in the event's `message`.
fn hits(kind: Kind, sums: Sums) -> String {
    let Sums { requests, server_errors, slow } = sums;
    match kind {
        Kind::HighTraffic | Kind::LowTraffic => format!("hits = {requests}"),
        Kind::HighErrors => format!("errors = {server_errors} of {requests}"),
        Kind::SlowRequests => format!("slow = {slow} of {requests}"),
    }
}

/// `share` in percent of `whole`; 0 if `whole` is 0.
fn percent(share: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { (share * 100) as f64 / whole as f64 }
}

/// Converts nanoseconds to the nearest `f64` of seconds.
fn seconds(nanoseconds: u128) -> f64 {
    const UNIT: u64 = 1_000_000_000;
    match u64::try_from(nanoseconds) {
        // An f64 holds this number exactly, so the division rounds once.
        Ok(nanoseconds) if nanoseconds < 1 << f64::MANTISSA_DIGITS => nanoseconds as f64 / UNIT as f64,
        // Parsing a decimal rounds once, too.
        _ => {
            let unit = u128::from(UNIT);
            format!("{}.{:09}", nanoseconds / unit, nanoseconds % unit).parse().unwrap_or(f64::NAN)
        }
    }
}

fn latency(latencies: &mut Latencies) -> event::Latency {
    let seconds = |nanoseconds: u64| seconds(nanoseconds.into());
    let Totals { requests, slow, sum, max } = latencies.totals();
    let [p50, p90, p99] =
        latencies.percentiles([50, 90, 99]).map_or([None; 3], |all| all.map(|one| Some(seconds(one))));
    event::Latency {
        requests,
        sum: self::seconds(sum),
        p50,
        p90,
        p99,
        max: (requests > 0).then(|| seconds(max)),
        slow,
    }
}

/// Requests by status class. Requests without a status are `other`.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nanoseconds_become_the_number_that_their_decimals_are_read_as() {
        let exact = 1_u128 << f64::MANTISSA_DIGITS;
        let some = (0..20_000).map(|number| number * number * 7_919 + number);
        for nanoseconds in some.chain(exact - 2000..exact + 2000).chain([u64::MAX.into(), u128::MAX]) {
            let decimals = format!("{}.{:09}", nanoseconds / 1_000_000_000, nanoseconds % 1_000_000_000);
            assert_eq!(decimals.parse(), Ok(seconds(nanoseconds)), "{nanoseconds}");
        }
    }
}
