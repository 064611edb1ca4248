//! Properties of event time that must hold for any log.

mod common;

use common::{Random, Step, TODAY, filter, record, run};
use serde_json::Value;

fn log(seconds: &[i64]) -> String {
    seconds.iter().map(|&second| record(second)).collect()
}

/// A clean log: in order, except for jumps shorter than the lateness.
fn clean(random: &mut Random, start: i64, count: i64) -> Vec<i64> {
    let mut now = start;
    let mut seconds = vec![now];
    for _ in 0..count {
        now += *random.pick(&[0, 0, 0, 1, 2, 5, 29]);
        seconds.push(now);
    }
    seconds
}

#[test]
fn reordering_within_the_lateness_changes_nothing() {
    for seed in 0..600 {
        let random = &mut Random::new(seed);
        let lateness = *random.pick(&[1, 5, 20]);
        let (start, count) = (1000 + random.below(100), random.within(1, 150));
        let seconds = clean(random, start, count);
        let mut delayed: Vec<(i64, i64)> =
            seconds.iter().map(|&second| (second + random.within(0, lateness), second)).collect();
        // A record delayed by at most the lateness is on time.
        delayed.sort_by_key(|&(arrival, _)| arrival);
        let reordered: Vec<i64> = delayed.into_iter().map(|(_, second)| second).collect();
        let arguments = ["-l", &lateness.to_string(), "-t", "0.5"];
        let expected = filter(&arguments, log(&seconds));
        assert_eq!(filter(&arguments, log(&reordered)).events, expected.events, "seed {seed}");
    }
}

/// An event without the fields that a stray record may change: counters and
/// lists.
fn skeleton(event: &str) -> String {
    let event: Value = serde_json::from_str(event).expect("JSON");
    if event["type"] != "summary" {
        return event.to_string();
    }
    ["start", "end", "partial", "alerting"].map(|field| event[field].to_string()).join(" ")
}

/// The changes that 1 to 9 bogus records cause: pairs of found and expected
/// event.
fn changes_by(
    seconds: &[i64],
    index: usize,
    bogus: &[i64],
    arguments: &[&str],
) -> (Vec<String>, Vec<String>, Vec<String>) {
    let expected = filter(arguments, log(seconds));
    let found = filter(arguments, log(&[&seconds[..index], bogus, &seconds[index..]].concat()));
    let skeletons = |events: &[String]| events.iter().map(|event| skeleton(event)).collect::<Vec<_>>();
    let pairs = found.events.iter().zip(&expected.events);
    let changed = pairs.filter(|(found, expected)| found != expected).map(|(found, _)| found.clone());
    (skeletons(&found.events), skeletons(&expected.events), changed.collect())
}

#[test]
fn up_to_nine_bogus_records_change_only_the_current_window() {
    for seed in 0..600 {
        let random = &mut Random::new(seed);
        let mut seconds = clean(random, 1_000_000, 120);
        let index = usize::try_from(random.within(1, 119)).expect("small");
        // Sometimes next to a real gap, which ten records confirm.
        if random.one_in(4) {
            let after = seconds[index - 1] + random.within(31, 5000);
            let shift = after - seconds[index];
            seconds[index..].iter_mut().for_each(|second| *second += shift);
            seconds.splice(index..index, [after; 10]);
        }
        let count = random.within(1, 9);
        let ahead = random.one_in(2);
        let bogus: Vec<i64> = (0..count)
            .map(|_| if ahead { 4_102_444_800 + random.below(1000) } else { 500_000 + random.below(100_000) })
            .collect();
        let (found, expected, changed) = changes_by(&seconds, index, &bogus, &[]);
        assert_eq!(found, expected, "seed {seed}");
        let counter = if ahead { "\"future\"" } else { "\"late\"" };
        let counted: u64 = changed
            .iter()
            .map(|event| serde_json::from_str::<Value>(event).expect("JSON"))
            .map(|event| event[counter.trim_matches('"')].as_u64().expect("a count"))
            .sum();
        assert_eq!(i64::try_from(counted).expect("small"), count, "seed {seed}");
        assert!(changed.len() <= 2, "seed {seed}: {changed:?}");
    }
}

/// The events without what a restart adds: its recoveries. `summaries` changes
/// the summaries.
fn without_restart(events: &[String], summaries: &mut dyn FnMut(&mut Value)) -> Vec<Value> {
    let events = events.iter().map(|event| serde_json::from_str::<Value>(event).expect("JSON"));
    let mut events: Vec<Value> = events.filter(|event| event["reason"] != "restarted").collect();
    events.iter_mut().filter(|event| event["type"] == "summary").for_each(summaries);
    events
}

#[test]
fn a_step_back_gives_two_runs_plus_the_recoveries_of_the_restart() {
    for seed in 0..600 {
        let random = &mut Random::new(seed);
        let (one, other) = (random.within(1, 80), random.within(0, 80));
        let first = clean(random, 1_000_000, one);
        let start = random.below(900_000);
        // Ten records in order confirm the step back.
        let mut second = vec![start; 10];
        second.extend(clean(random, start, other));
        let arguments = ["-t", "0.3", "-e", "1", "--low-threshold", "0.1"];
        let one = filter(&arguments, log(&first)).events;
        let other = filter(&arguments, log(&second)).events;
        let last_of_first = one.iter().rposition(|event| event.contains("\"summary\"")).expect("a summary");
        let mut index = 0;
        let mut forget = |event: &mut Value| {
            // The last summary of the first run says that no alert is active.
            if index == one[..last_of_first].iter().filter(|event| event.contains("\"summary\"")).count() {
                event["alerting"] = false.into();
                event["alerts"] = Value::Array(Vec::new());
            }
            index += 1;
        };
        let expected = without_restart(&[one.clone(), other].concat(), &mut forget);
        let found = filter(&arguments, log(&[first, second].concat())).events;
        let mut nothing = |_: &mut Value| {};
        let mut found = without_restart(&found, &mut nothing);
        if let Some(event) = found
            .iter_mut()
            .filter(|event| event["type"] == "summary")
            .nth(one[..last_of_first].iter().filter(|event| event.contains("\"summary\"")).count())
        {
            event["alerting"] = false.into();
            event["alerts"] = Value::Array(Vec::new());
        }
        assert_eq!(found, expected, "seed {seed}");
    }
}

#[test]
fn silence_in_a_lull_gives_the_bytes_of_the_finished_file() {
    for seed in 0..600 {
        let random = &mut Random::new(seed);
        let mut steps = Vec::new();
        let mut all = Vec::new();
        let mut now = 1_000_000;
        for _ in 0..random.within(1, 5) {
            let count = usize::try_from(random.within(1, 60)).expect("small");
            steps.push(Step::Bytes(log(&vec![now; count]).into_bytes()));
            all.extend(vec![now; count]);
            // The wall clock keeps up with the log, or lags a second.
            let lull = random.within(20, 400);
            steps.push(Step::Idle(lull - random.below(2)));
            now += lull;
        }
        let expected = run(&["-t", "0.3"], &[Step::Bytes(log(&all).into_bytes())], TODAY);
        let found = run(&["-t", "0.3"], &steps, 1_000_000);
        // After the last record time advances, so more windows are closed.
        let common = found.events.iter().zip(&expected.events).take_while(|(a, b)| a == b).count();
        assert!(common + 1 >= expected.events.len(), "seed {seed}: {common} of {}", expected.events.len());
        let requests = |events: &[String]| -> u64 {
            let events = events.iter().map(|event| serde_json::from_str::<Value>(event).expect("JSON"));
            events
                .filter(|event| event["type"] == "summary")
                .map(|event| event["requests"].as_u64().expect("a count"))
                .sum()
        };
        assert_eq!(requests(&found.events), requests(&expected.events), "seed {seed}");
        assert!(found.diagnostics.is_empty(), "seed {seed}: {}", found.diagnostics);
    }
}

#[test]
fn an_old_log_gives_the_same_bytes_for_any_silence_and_wall_clock() {
    for seed in 0..500 {
        let random = &mut Random::new(seed);
        let seconds = clean(random, 1_000_000, 100);
        let pieces = log(&seconds);
        let mut steps = Vec::new();
        for piece in pieces.as_bytes().chunks(500) {
            steps.push(Step::Bytes(piece.to_vec()));
            steps.push(Step::Idle(random.below(60)));
        }
        let expected = filter(&[], &pieces);
        let day = 1_100_000 + random.below(1_000_000_000);
        assert_eq!(run(&[], &steps, day).events, expected.events, "seed {seed}");
    }
}
