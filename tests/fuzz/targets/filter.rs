//! The whole filter with random options: every line is counted, the sums of a
//! summary add up, the output is safe and the same for any pieces.

#![no_main]

use std::collections::{BTreeMap, BTreeSet};

use httpmon::count::client_names::shown;
use httpmon_fuzz::{Bytes, Case, Ran, is_safe, lines, run};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

/// How many lines each source has.
fn lines_by_source(input: &[u8]) -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    let mut source = "stdin".to_owned();
    for (text, _, overlong) in lines(input) {
        let name = text.strip_prefix(b"==> ").and_then(|rest| rest.strip_suffix(b" <=="));
        if let Some(name) = name.filter(|name| !name.is_empty() && !overlong) {
            source = shown(name);
        }
        *counts.entry(source.clone()).or_default() += 1;
    }
    counts
}

fn number(event: &Value, name: &str) -> u64 {
    event[name].as_u64().unwrap_or_else(|| panic!("{name}: {event}"))
}

/// The sum of what a summary has by status, method, section or host.
fn sum(parts: &Value) -> Option<u64> {
    match parts {
        Value::Null => None,
        Value::Object(parts) => Some(parts.values().map(|part| part.as_u64().expect("a count")).sum()),
        Value::Array(parts) => Some(parts.iter().map(|part| number(part, "requests")).sum()),
        _ => panic!("{parts}"),
    }
}

fn text(event: &Value, name: &str) -> String {
    event[name].as_str().unwrap_or_else(|| panic!("{name}: {event}")).to_owned()
}

/// Percentiles are in order and, rounded up as they are, not far above the greatest.
fn check_latency(latency: &Value, requests: u64) {
    if latency.is_null() {
        return;
    }
    let count = number(latency, "requests");
    assert!(count <= requests && number(latency, "slow") <= count, "{latency}");
    let seconds = ["p50", "p90", "p99", "max"].map(|name| latency[name].as_f64());
    if count == 0 {
        assert_eq!(seconds, [None; 4], "{latency}");
        return;
    }
    let [p50, p90, p99, max] = seconds.map(|seconds| seconds.expect("a number"));
    assert!(p50 <= p90 && p90 <= p99 && p99 <= max * 1.01, "{latency}");
}

/// What the summaries of one source have told so far.
#[derive(Default)]
struct Told {
    lines: u64,
    active: BTreeSet<String>,
}

fn check(case: &Case, ran: &Ran) {
    is_safe(&ran.diagnostics);
    let mut told: BTreeMap<String, Told> = BTreeMap::new();
    for line in &ran.events {
        is_safe(line);
        assert!(line.starts_with("{\"type\":\""));
        let event: Value = serde_json::from_str(line).expect("JSON");
        let source = event["source"].as_str().expect("a name");
        let told = told.entry(source.to_owned()).or_default();
        match event["type"].as_str() {
            Some("summary") => {
                let requests = number(&event, "requests");
                told.lines += requests + number(&event, "malformed") + number(&event, "skipped");
                assert!(number(&event, "late") + number(&event, "future") <= requests);
                assert!(number(&event, "duration_seconds") % (case.interval as u64) == 0);
                for (parts, rest) in [("sections", "sections_other"), ("hosts", "hosts_other")] {
                    if let Some(sum) = sum(&event[parts]) {
                        assert_eq!(sum + number(&event[rest], "requests"), requests, "{event}");
                    }
                    let listed = event[parts].as_array().map_or(0, Vec::len);
                    assert!(case.top == 0 || listed <= case.top);
                }
                // The columns may have changed since the requests came.
                assert!(sum(&event["status"]).is_none_or(|sum| sum == requests), "{event}");
                assert!(sum(&event["status_codes"]).is_none_or(|sum| sum <= requests), "{event}");
                assert!(sum(&event["methods"]).is_none_or(|sum| sum == requests), "{event}");
                assert!(event["alerting"].is_boolean() && event["partial"].is_boolean());
                check_latency(&event["latency"], requests);
            }
            Some("alert") => {
                assert!(told.active.insert(text(&event, "name")), "raised twice: {event}");
            }
            Some("recovery") => {
                let name = text(&event, "name");
                assert!(told.active.remove(&name), "never raised: {event}");
                // Late requests may be known by the time of a restart.
                if event["reason"] == "recovered" {
                    // Of errors and slow requests the share falls, and there may be more.
                    let (most, now) = match name.as_str() {
                        "low_traffic" => ("requests", "lowest_requests"),
                        "high_traffic" => ("peak_requests", "requests"),
                        _ => continue,
                    };
                    assert!(number(&event, most) >= number(&event, now), "{event}");
                }
            }
            _ => panic!("{event}"),
        }
    }
    let lines = lines_by_source(&case.input());
    for (source, told) in told {
        assert_eq!(Some(&told.lines), lines.get(&source), "{source}");
    }
    if case.is_quiet && ran.outcome == httpmon::monitor::Outcome::Readable {
        assert_eq!(ran.diagnostics, "");
    }
}

fuzz_target!(|data: &[u8]| {
    let bytes = &mut Bytes(data);
    let seed = bytes.next();
    let case = Case::decode(bytes.0);
    let ran = run(&case, &case.steps);
    check(&case, &ran);
    if seed % 4 == 0 {
        let again = run(&case, &case.cut(seed));
        assert_eq!(again.events, ran.events, "in pieces of seed {seed}");
        assert_eq!(again.rejects, ran.rejects, "in pieces of seed {seed}");
    }
});
