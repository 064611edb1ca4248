//! What must hold of event time for any log, whatever it says.

mod common;

use common::{Random, Step, TODAY, filter, record, run};
use serde_json::Value;

fn log(seconds: &[i64]) -> String {
    seconds.iter().map(|&second| record(second)).collect()
}

/// A clean log: in order of time but for jumps of less than the lateness.
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
fn any_reordering_within_the_lateness_gives_the_same_bytes() {
    for seed in 0..2000 {
        let random = &mut Random::new(seed);
        let lateness = *random.pick(&[1, 5, 20]);
        let (start, count) = (1000 + random.below(100), random.within(1, 150));
        let seconds = clean(random, start, count);
        let mut delayed: Vec<(i64, i64)> =
            seconds.iter().map(|&second| (second + random.within(0, lateness), second)).collect();
        // Who is delayed by no more than the lateness comes on time.
        delayed.sort_by_key(|&(arrival, _)| arrival);
        let reordered: Vec<i64> = delayed.into_iter().map(|(_, second)| second).collect();
        let arguments = ["-l", &lateness.to_string(), "-t", "0.5"];
        let expected = filter(&arguments, log(&seconds));
        assert_eq!(filter(&arguments, log(&reordered)).events, expected.events, "seed {seed}");
    }
}

/// An event without what a stray record may change: counters and tallies.
fn skeleton(event: &str) -> String {
    let event: Value = serde_json::from_str(event).expect("JSON");
    if event["type"] != "summary" {
        return event.to_string();
    }
    ["start", "end", "partial", "alerting"].map(|field| event[field].to_string()).join(" ")
}

#[test]
fn up_to_nine_bogus_records_change_nothing_but_the_current_window() {
    for seed in 0..2000 {
        let random = &mut Random::new(seed);
        let seconds = clean(random, 1_000_000, 120);
        let expected = filter(&[], log(&seconds));
        let place = usize::try_from(random.within(1, 119)).expect("small");
        let bogus = random.within(1, 9);
        let mut with = seconds[..place].to_vec();
        let ahead = random.one_in(2);
        for _ in 0..bogus {
            // Those behind are within two minutes of each other: wider apart, some
            // would be counted before the next good record came.
            with.push(if ahead { 4_102_444_800 + random.below(1000) } else { 500_000 + random.below(120) });
        }
        with.extend(&seconds[place..]);
        let found = filter(&[], log(&with));
        let skeletons = |events: &[String]| events.iter().map(|event| skeleton(event)).collect::<Vec<_>>();
        assert_eq!(skeletons(&found.events), skeletons(&expected.events), "seed {seed}");
        let changed: Vec<(&String, &String)> =
            found.events.iter().zip(&expected.events).filter(|(found, expected)| found != expected).collect();
        let counter = if ahead { format!("\"future\":{bogus},") } else { format!("\"late\":{bogus},") };
        assert_eq!(changed.len(), 1, "seed {seed}");
        assert!(changed[0].0.contains(&counter), "seed {seed}: {}", changed[0].0);
    }
}

#[test]
fn a_step_back_gives_the_bytes_of_two_runs() {
    for seed in 0..2000 {
        let random = &mut Random::new(seed);
        let (one, other) = (random.within(1, 80), random.within(0, 80));
        let first = clean(random, 1_000_000, one);
        let start = random.below(900_000);
        // Ten in a row confirm it.
        let mut second = vec![start; 10];
        second.extend(clean(random, start, other));
        let expected =
            [filter(&["-t", "0.3"], log(&first)).events, filter(&["-t", "0.3"], log(&second)).events]
                .concat();
        let found = filter(&["-t", "0.3"], log(&[first, second].concat()));
        assert_eq!(found.events, expected, "seed {seed}");
    }
}

#[test]
fn silence_in_a_lull_gives_the_bytes_of_the_finished_file() {
    for seed in 0..2000 {
        let random = &mut Random::new(seed);
        let mut steps = Vec::new();
        let mut all = Vec::new();
        let mut now = 1_000_000;
        for _ in 0..random.within(1, 5) {
            let count = usize::try_from(random.within(1, 60)).expect("small");
            steps.push(Step::Bytes(log(&vec![now; count]).into_bytes()));
            all.extend(vec![now; count]);
            // The wall clock goes with the log, or lags a second.
            let lull = random.within(20, 400);
            steps.push(Step::Idle(lull - random.below(2)));
            now += lull;
        }
        let expected = run(&["-t", "0.3"], &[Step::Bytes(log(&all).into_bytes())], TODAY);
        let found = run(&["-t", "0.3"], &steps, 1_000_000);
        // After the last record time goes on: more windows are closed by then.
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
fn an_old_log_gives_the_same_bytes_whatever_the_silence_and_the_day() {
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
