//! Compares the filter with the brute-force model on random logs.
//!
//! `HTTPMON_LOGS` sets the number of logs (default 2,000, or 500 for slow
//! generators), `HTTPMON_SEED` the first seed, to repeat a log. `HTTPMON_SHOW`
//! prints the logs.

#![allow(clippy::print_stdout, reason = "what a test prints is shown when it fails")]

mod common;
mod logs;
#[allow(dead_code, reason = "other tests use the rest")]
mod model;

use std::collections::BTreeMap;

use common::{Random, Step, run};
use logs::Case;
use serde_json::Value;

/// The default number of logs.
const LOGS: u64 = 2_000;
/// The default number for generators that take longer.
const FEWER_LOGS: u64 = 500;

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().expect("a number"))
}

fn seeds(count: u64) -> std::ops::Range<u64> {
    let first = number("HTTPMON_SEED", 0);
    first..first + number("HTTPMON_LOGS", count)
}

/// Converts the model's steps to the filter's.
fn for_the_filter(steps: &[model::Step]) -> Vec<Step> {
    let step = |step: &model::Step| match step {
        model::Step::Bytes(bytes) => Step::Bytes(bytes.clone()),
        model::Step::Idle(seconds) => Step::Idle(*seconds),
        model::Step::Wall(wall) => Step::Wall(*wall),
    };
    steps.iter().map(step).collect()
}

fn show(case: &Case) {
    println!("wall {}, {:?}", case.wall, case.arguments);
    for step in &case.steps {
        match step {
            model::Step::Bytes(bytes) => print!("{}", String::from_utf8_lossy(bytes)),
            model::Step::Idle(seconds) => println!("({seconds} s of silence)"),
            model::Step::Wall(wall) => println!("(the wall clock is {wall})"),
        }
    }
}

#[test]
fn the_filter_agrees_with_the_model_on_random_logs() {
    agree(logs::case, LOGS);
}

#[test]
fn the_filter_agrees_with_the_model_on_time_counts_and_alerts() {
    agree(logs::clean_case, LOGS);
}

#[test]
fn the_filter_agrees_with_the_model_on_logs_of_other_habits() {
    agree(logs::habits::case, FEWER_LOGS);
}

/// Prints the seed of the log when a test panics.
struct Named(u64);

impl Drop for Named {
    fn drop(&mut self) {
        if std::thread::panicking() {
            println!("seed {}", self.0);
        }
    }
}

fn agree(case: fn(&mut Random) -> Case, count: u64) {
    for seed in seeds(count) {
        let _named = Named(seed);
        let random = &mut Random::new(seed);
        let case = case(random);
        if std::env::var_os("HTTPMON_SHOW").is_some() {
            show(&case);
        }
        let Case { options, arguments, steps, wall } = case;
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let expected = model::run(&options, &steps, wall);
        let found = run(&arguments, &for_the_filter(&steps), wall);
        if found.events != expected.events {
            let at = found.events.iter().zip(&expected.events).take_while(|(a, b)| a == b).count();
            panic!(
                "seed {seed}, wall {wall}, {arguments:?}, event {at}\nfound:    {}\nexpected: {}\n{}",
                found.events.get(at).map_or("none", String::as_str),
                expected.events.get(at).map_or("none", String::as_str),
                found.diagnostics
            );
        }
        // A line that is held back may be rejected after later ones.
        let lines = |rejects: &[u8]| {
            let mut lines: Vec<Vec<u8>> =
                rejects.split_inclusive(|&byte| byte == b'\n').map(<[u8]>::to_vec).collect();
            lines.sort();
            lines
        };
        assert_eq!(lines(&found.rejects), lines(&expected.rejects), "seed {seed}: {arguments:?}");
        let again = run(&arguments, &for_the_filter(&logs::cut(random, &steps)), wall);
        assert_eq!(again.events, found.events, "seed {seed} in other pieces");
        assert_eq!(again.rejects, found.rejects, "seed {seed} in other pieces");
    }
}

/// A generator that never produces a situation doesn't test it.
#[test]
fn the_random_logs_have_everything_that_there_is_a_rule_for() {
    assert_everything(logs::case, LOGS, &[]);
}

#[test]
fn the_logs_of_other_habits_have_nearly_everything() {
    let not_made = [
        "logs with --time-format",
        "summaries with more sections than their share",
        "later of two local times",
        "changed delimiters",
        "recovery restarted slow_requests",
    ];
    assert_everything(logs::habits::case, FEWER_LOGS, &not_made);
}

fn assert_everything(case: fn(&mut Random) -> Case, logs: u64, not_made: &[&str]) {
    let mut totals = model::Totals::default();
    let mut seen: BTreeMap<String, u64> = BTreeMap::new();
    let mut count = |what: &str, number: u64| *seen.entry(what.to_owned()).or_default() += number;
    for seed in seeds(logs) {
        let Case { options, steps, wall, .. } = case(&mut Random::new(seed));
        let outcome = model::run(&options, &steps, wall);
        let events: Vec<Value> =
            outcome.events.iter().map(|event| serde_json::from_str(event).expect("JSON")).collect();
        for event in &events {
            count_event(event, &options, &mut count);
        }
        assert_all_lines_are_counted(&steps, &events, &outcome.totals, seed);
        count("logs that are old", u64::from(wall == 1_795_000_000));
        count(
            "logs with --columns by names",
            u64::from(options.columns.is_some_and(|list| list.contains('='))),
        );
        count("logs with --time-format", u64::from(options.time_format.is_some()));
        totals.add(&outcome.totals);
    }
    let counted = [
        ("requests", totals.requests),
        ("malformed", totals.malformed),
        ("skipped", totals.skipped),
        ("late", totals.late),
        ("future", totals.future),
        ("future at once", totals.future_at_once),
        ("stragglers", totals.stragglers),
        ("leaps by 10 held", totals.leaps[0]),
        ("leaps by a current one", totals.leaps[1]),
        ("leaps at the end", totals.leaps[2]),
        ("restarts by 10 held", totals.restarts[0]),
        ("restarts by a current one", totals.restarts[1]),
        ("restarts near the present", totals.restarts_near_the_present),
        ("left near the present", totals.left_near_the_present),
        ("seconds moved by silence", totals.moved_by_silence),
        ("grown idle timeouts", totals.grown_timeouts),
        ("torn headers", totals.torn_headers),
        ("new headers", totals.new_headers),
        ("headers without a time", totals.headers_without_time),
        ("changed delimiters", totals.changed_delimiters),
        ("virtual hosts", totals.virtual_hosts),
        ("users with blanks", totals.users_with_blanks),
        ("later of two local times", totals.later_of_two),
    ];
    for (what, number) in counted {
        count(what, number);
    }
    for alert in ["high_traffic", "low_traffic", "high_errors", "slow_requests"] {
        for event in ["alert", "recovery recovered", "recovery restarted"] {
            count(&format!("{event} {alert}"), 0);
        }
    }
    for (what, number) in &seen {
        println!("{number:>9} {what}");
    }
    let is_default = std::env::var_os("HTTPMON_SEED").is_none() && std::env::var_os("HTTPMON_LOGS").is_none();
    let is_missing = |(what, number): &(&String, &u64)| **number == 0 && !not_made.contains(&what.as_str());
    let missing: Vec<&String> = seen.iter().filter(is_missing).map(|(what, _)| what).collect();
    assert!(!is_default || missing.is_empty(), "no {missing:?}");
}

fn count_event(event: &Value, options: &model::Options, count: &mut impl FnMut(&str, u64)) {
    let text = |field: &str| event[field].as_str().unwrap_or_default().to_owned();
    match event["type"].as_str() {
        Some("summary") => {
            count("summaries", 1);
            count("summaries of gaps", u64::from(event["duration_seconds"] != options.interval));
            count("partial summaries", u64::from(event["partial"] == true));
            count("summaries with two alerts", u64::from(event["alerts"].as_array().map_or(0, Vec::len) > 1));
            count("summaries without a status", u64::from(event["status"].is_null()));
            count("summaries without methods", u64::from(event["methods"].is_null()));
            count("summaries without sections", u64::from(event["sections"].is_null()));
            count("summaries without hosts", u64::from(event["hosts"].is_null()));
            count("summaries without bytes", u64::from(event["bytes"].is_null()));
            count("summaries with latencies", u64::from(event["latency"]["p50"].is_number()));
            let has_none = event["latency"].is_object() && event["latency"]["p50"].is_null();
            count("summaries with a latency column and no latency", u64::from(has_none));
            let is_capped = |list: &str| event[list]["capped"] == true;
            count("summaries with more sections than their share", u64::from(is_capped("sections_other")));
            count("slow requests", event["latency"]["slow"].as_u64().unwrap_or(0));
        }
        Some("alert") => count(&format!("alert {}", text("name")), 1),
        _ => count(&format!("recovery {} {}", text("reason"), text("name")), 1),
    }
}

/// "Per source with at least one good record: the summaries'
/// `requests + malformed + skipped` add up to its lines."
fn assert_all_lines_are_counted(steps: &[model::Step], events: &[Value], totals: &model::Totals, seed: u64) {
    let mut bytes = steps.iter().flat_map(|step| match step {
        model::Step::Bytes(bytes) => &bytes[..],
        model::Step::Idle(_) | model::Step::Wall(_) => &[],
    });
    // One of several sources may have had no good record.
    if totals.requests == 0 || bytes.any(|&byte| byte == b'>') {
        return;
    }
    let number = |event: &Value, field: &str| event[field].as_u64().expect("a count");
    let of_summary = |event: &&Value| event["type"] == "summary";
    let lines: u64 = events
        .iter()
        .filter(of_summary)
        .map(|event| number(event, "requests") + number(event, "malformed") + number(event, "skipped"))
        .sum();
    assert_eq!(lines, totals.lines, "seed {seed}");
}
