//! Real accidents of clocks, servers and writers, one per test: restarts,
//! servers whose clocks differ, a clock that is ahead, buffered logs, silence.

mod common;

use common::{Ran, Random, Step, TODAY, filter, record, run, run_open};
use serde_json::Value;

const START: i64 = 1_700_000_000;

/// `each` records for each of the seconds.
fn log(seconds: impl IntoIterator<Item = i64>, each: usize) -> String {
    seconds.into_iter().map(|second| record(second).repeat(each)).collect()
}

fn bytes(log: impl Into<Vec<u8>>) -> Step {
    Step::Bytes(log.into())
}

fn events(ran: &Ran) -> Vec<Value> {
    ran.events.iter().map(|event| serde_json::from_str(event).expect("JSON")).collect()
}

/// The sum of a field over all summaries.
fn sum(ran: &Ran, field: &str) -> u64 {
    let summaries = events(ran).into_iter().filter(|event| event["type"] == "summary");
    summaries.map(|event| event[field].as_u64().expect("a count")).sum()
}

/// The sums of `requests`, `late` and `future` over all summaries.
fn counts(ran: &Ran) -> (u64, u64, u64) {
    (sum(ran, "requests"), sum(ran, "late"), sum(ran, "future"))
}

/// A time in an event, as epoch seconds.
fn second(event: &Value, field: &str) -> i64 {
    event[field].as_str().expect("a time").parse::<jiff::Timestamp>().expect("RFC 3339").as_second()
}

/// Alerts and recoveries, as second, requests and reason.
fn changes(ran: &Ran) -> Vec<(i64, u64, String)> {
    let changes = events(ran).into_iter().filter(|event| event["type"] != "summary");
    let change = |event: Value| {
        let what = event["reason"].as_str().unwrap_or("alert").to_owned();
        (second(&event, "time"), event["requests"].as_u64().expect("a count"), what)
    };
    changes.map(change).collect()
}

fn starts_never_go_back(ran: &Ran) -> bool {
    let summaries = events(ran).into_iter().filter(|event| event["type"] == "summary");
    summaries.map(|event| second(&event, "start")).collect::<Vec<_>>().is_sorted()
}

#[test]
fn a_clock_set_back_while_alerting_closes_the_alert() {
    let ran = filter(&[], log(START..START + 200, 20) + &log(START - 3600..START - 3300, 8));
    assert_eq!(counts(&ran), (6400, 0, 0));
    let events = events(&ran);
    let index = events.iter().position(|event| event["type"] == "recovery").expect("a recovery");
    let recovery = &events[index];
    assert_eq!((recovery["requests"].clone(), second(recovery, "time")), (2400.into(), START + 199));
    assert_eq!((second(recovery, "since"), recovery["duration_seconds"].clone()), (START + 60, 139.into()));
    assert_eq!(
        (recovery["peak_requests"].clone(), second(recovery, "peak_time")),
        (2400.into(), START + 119)
    );
    assert_eq!(recovery["reason"], "restarted");
    let message =
        "High traffic closed - the log's time was set back after 2023-11-14T22:16:39Z, active for 139 s";
    assert_eq!(recovery["message"], message);
    let after = &events[index + 1];
    assert_eq!((second(after, "start"), after["requests"].clone()), (START + 190, 200.into()));
    assert_eq!((after["alerting"].clone(), after["partial"].clone()), (false.into(), false.into()));
    assert_eq!(events.len() - index - 2, 30);
    let said = "httpmon: time restarted: the log went back from 2023-11-14T22:16:39Z to 2023-11-14T21:13:20Z; \
                active alerts are closed\n";
    assert_eq!(ran.diagnostics, said, "an hour and 199 s is more than a lateness can be");
}

#[test]
fn a_restart_names_the_lateness_that_would_have_prevented_it() {
    let ran = filter(&[], log(START..START + 200, 1) + &log(START - 600..START - 590, 1));
    assert!(ran.diagnostics.contains("; --lateness 799s would have prevented this\n"), "{}", ran.diagnostics);
    let joined = filter(&["-l", "799s"], log(START..START + 200, 1) + &log(START - 600..START - 590, 1));
    assert_eq!((counts(&joined), joined.diagnostics.as_str()), ((210, 0, 0), ""));
}

#[test]
fn restarts_are_reported_at_most_once_a_minute_with_their_number() {
    let runs: String = (0..20).map(|run| log(START - run * 1000..START - run * 1000 + 10, 1)).collect();
    let ran = run(&[], &[bytes(runs), Step::Idle(60), bytes(log(5000..5010, 1))], TODAY);
    let lines: Vec<&str> = ran.diagnostics.lines().collect();
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(lines[1].ends_with("(and 18 times before it)"), "{lines:?}");
}

#[test]
fn the_backlog_of_one_of_ten_servers_moves_no_time() {
    let first = TODAY - 280;
    let mut text = String::new();
    for now in 0..281 {
        text += &log([first + now], 90);
        if !(60..260).contains(&now) {
            text += &log([first + now], 10);
        }
        if (260..270).contains(&now) {
            let backlog = first + 60 + 20 * (now - 260);
            text += &log(backlog..backlog + 20, 10);
        }
    }
    let ran = run(&[], &[bytes(text.clone())], TODAY);
    assert_eq!(counts(&ran), (28_100, 2000, 0));
    assert_eq!(changes(&ran), [(first + 12, 1300, "alert".to_owned())]);
    assert!(starts_never_go_back(&ran));
    let ran = run(&["-l", "6m"], &[bytes(text)], TODAY);
    assert_eq!(counts(&ran), (28_100, 0, 0));
    assert_eq!(changes(&ran), [(first + 12, 1300, "alert".to_owned())]);
}

#[test]
fn a_clock_that_goes_back_by_less_than_the_window_is_late_and_counted_at_its_seconds() {
    let ran = filter(&[], log(START..START + 300, 8) + &log(START + 200..START + 500, 8));
    assert_eq!(counts(&ran), (4800, 752, 0));
    let expected = [(START + 294, 1720, "alert".to_owned()), (START + 390, 1192, "recovered".to_owned())];
    assert_eq!(changes(&ran), expected);
    assert!(ran.diagnostics.contains("752 of 4800 requests came late"), "{}", ran.diagnostics);
}

#[test]
fn a_clock_an_hour_ahead_that_comes_right_is_believed() {
    let ahead = |now: i64| log(now + 3600..now + 3612, 1);
    let old = filter(&[], ahead(START) + &log((0..230).map(|k| START + 20 + 15 * k), 1));
    assert_eq!((counts(&old), changes(&old)), ((242, 0, 0), vec![]));
    // On a live log the first current record is enough.
    let live = run(&[], &[bytes(ahead(TODAY) + &log([TODAY], 5))], TODAY);
    assert_eq!((counts(&live), changes(&live)), ((17, 0, 0), vec![]));
    let last = events(&live).pop().expect("a summary");
    assert!(second(&last, "start") <= TODAY && TODAY < second(&last, "end") && last["requests"] == 5);
    assert!(live.diagnostics.contains("time restarted"), "{}", live.diagnostics);
}

#[test]
fn a_first_record_ahead_by_less_than_the_window_makes_the_next_ones_late() {
    let ran = filter(&[], record(START + 100) + &log(START..START + 300, 12));
    assert_eq!(counts(&ran), (3601, 1140, 0));
    assert_eq!(changes(&ran), [(START + 100, 1213, "alert".to_owned())]);
}

#[test]
fn a_slow_request_among_the_first_after_a_gap_does_not_hide_the_others() {
    let mut seconds: Vec<i64> = (START..START + 60).collect();
    seconds.extend([START + 130; 9]);
    seconds.push(START + 59);
    seconds.extend((START + 130..START + 170).flat_map(|second| [second; 50]));
    let ran = filter(&[], log(seconds, 1));
    assert_eq!(counts(&ran), (2070, 0, 9));
    assert_eq!(changes(&ran), [(START + 153, 1236, "alert".to_owned())]);
}

#[test]
fn two_servers_in_one_stream_hide_nothing() {
    // Blocks of 100 lines from two servers, one of them 60 s behind.
    let blocks = |last: i64, behind: i64| -> String {
        (last - 59..=last).map(|second| log([second], 100) + &log([second - behind], 100)).collect()
    };
    let ran = filter(&[], blocks(START + 59, 60));
    assert_eq!(counts(&ran), (12_000, 6000, 0));
    assert_eq!(changes(&ran), [(START + 3, 1300, "alert".to_owned())]);
    assert!(ran.diagnostics.contains("--lateness 60s is enough for them"), "{}", ran.diagnostics);
    assert_eq!(counts(&filter(&["-l", "60s"], blocks(START + 59, 60))), (12_000, 0, 0));
    for behind in [130, 180, 600] {
        let live = run(&[], &[bytes(blocks(TODAY, behind))], TODAY);
        assert_eq!(counts(&live), (12_000, 6000, 0), "{behind}");
        assert_eq!(changes(&live), [(TODAY - 47, 1300, "alert".to_owned())], "{behind}");
        assert!(starts_never_go_back(&live), "{behind}");
        assert!(live.diagnostics.contains("requests came late"), "{behind}: {}", live.diagnostics);
    }
}

#[test]
fn two_servers_31_seconds_apart_are_told_which_lateness_joins_them() {
    let random = &mut Random::new(7);
    let mut text = String::new();
    for second in START..START + 600 {
        let mut rows = [[second; 8], [second + 31; 8]].concat();
        for index in (1..rows.len()).rev() {
            rows.swap(
                index,
                usize::try_from(random.within(0, i64::try_from(index).expect("small"))).expect("small"),
            );
        }
        text += &log(rows, 1);
    }
    let ran = filter(&[], &text);
    let (requests, late, future) = counts(&ran);
    assert!(requests == 9600 && late > 4700 && future < 20, "{late} {future}");
    assert_eq!(changes(&ran).len(), 1, "one alert, on at the end");
    assert!(ran.diagnostics.contains("--lateness 31s is enough for"), "{}", ran.diagnostics);
    assert_eq!(sum(&filter(&["-l", "31s"], &text), "late"), 0);
}

#[test]
fn a_server_whose_clock_is_ahead_counts_in_the_alert_and_is_reported() {
    // An old log: records of two servers in turn, the second 60 s ahead.
    let text: String = (0..150).map(|k| record(START + 2 * k) + &record(START + 2 * k + 60)).collect();
    let ran = filter(&["-w", "1m", "-t", "0.8"], text);
    assert!(sum(&ran, "future") > 100, "{:?}", counts(&ran));
    assert!(changes(&ran).iter().any(|(_, _, what)| what == "alert"));
    assert!(ran.diagnostics.contains("requests were ahead of the log's time"), "{}", ran.diagnostics);
    // A live log: 100 requests a second each, one server 40 s ahead. Its
    // requests are `future`, and count in the rate.
    let both: String = (TODAY - 59..=TODAY).map(|t| log([t], 100) + &log([t + 40], 100)).collect();
    let seconds: Vec<Step> = (TODAY - 59..=TODAY)
        .flat_map(|t| [bytes(log([t], 100) + &log([t + 40], 100)), Step::Idle(1)])
        .collect();
    let live = run(&[], &seconds, TODAY - 59);
    assert_eq!(sum(&live, "requests"), 12_000);
    assert!(!live.diagnostics.contains("time restarted"), "{}", live.diagnostics);
    let alert = changes(&live)[0].clone();
    assert!(alert.0 <= TODAY - 59 + 12, "{alert:?}");
    assert_eq!(sum(&run(&[], &[bytes(both)], TODAY), "requests"), 12_000);
}

#[test]
fn three_wrong_stamps_do_not_spoil_the_advice() {
    let seconds = (0..60_000).map(|i| match i {
        20_000 | 40_000 => 0,
        30_000 => START + 3000 - 5000,
        _ => START + i / 10 - if i % 20 == 0 { 20 } else { 0 },
    });
    let ran = filter(&[], log(seconds.clone(), 1));
    assert_eq!(counts(&ran), (60_000, 2999, 0));
    // A record 20 s behind is the first of its second, so it comes 19 s after
    // the previous record.
    let advice = "; --lateness 19s is enough for all but 3\n";
    assert!(ran.diagnostics.contains(advice), "{}", ran.diagnostics);
    for (lateness, late) in [("18s", 2999), ("19s", 3), ("20s", 3)] {
        assert_eq!(sum(&filter(&["-l", lateness], log(seconds.clone(), 1)), "late"), late);
    }
}

#[test]
fn late_requests_of_a_live_log_are_reported_at_once_and_at_most_hourly() {
    let two = |from: i64| (from..from + 100).map(|t| record(t) + &record(t - 60)).collect::<String>();
    let ran = run_open(&[], &[bytes(two(TODAY - 100))], TODAY);
    assert!(ran.diagnostics.contains("requests came late"), "{}", ran.diagnostics);
    let old = run_open(&[], &[bytes(two(START))], TODAY);
    assert_eq!(old.diagnostics, "");
    let steps = [
        bytes(two(TODAY - 100)),
        Step::Idle(100),
        bytes(two(TODAY)),
        Step::Idle(3500),
        bytes(two(TODAY + 3500)),
    ];
    let hours = run_open(&["-q", "--idle-timeout", "0"], &steps, TODAY);
    assert_eq!(hours.diagnostics, "");
    let hours = run_open(&["--idle-timeout", "0"], &steps, TODAY);
    assert_eq!(hours.diagnostics.matches("requests came late").count(), 2, "{}", hours.diagnostics);
}

#[test]
fn a_log_ahead_of_the_wall_clock_is_reported_once_a_minute() {
    let steps: Vec<Step> =
        (0..100).flat_map(|k| [bytes(log([TODAY + 3600 + k], 1)), Step::Idle(1)]).collect();
    let ran = run_open(&[], &steps, TODAY);
    assert_eq!(
        ran.diagnostics.matches("ahead of this machine's clock by 1h").count(),
        2,
        "{}",
        ran.diagnostics
    );
}

/// Runs a live log of `seconds` seconds. `log_of` returns the bytes that come
/// in each second.
fn live(arguments: &[&str], seconds: i64, log_of: impl Fn(i64) -> Option<String>) -> Ran {
    let steps: Vec<Step> =
        (0..seconds).flat_map(|k| [bytes(log_of(k).unwrap_or_default()), Step::Idle(1)]).collect();
    run_open(arguments, &steps, TODAY)
}

#[test]
fn buffered_writers_cause_no_false_recovery() {
    for every in [5, 10, 30, 60, 120] {
        // 20 requests a second, written in blocks.
        let ran =
            live(&[], 600, |k| (k % every == every - 1).then(|| log(TODAY + k + 1 - every..=TODAY + k, 20)));
        let changes = changes(&ran);
        let kinds: Vec<&str> = changes.iter().map(|(_, _, what)| what.as_str()).collect();
        // A pause as long as the window is a recovery: nothing tells it from a
        // stop of traffic.
        let expected: &[&str] = if every < 120 { &["alert"] } else { &["alert", "recovered", "alert"] };
        assert_eq!(kinds, expected, "{every}: {changes:?}");
        assert_eq!(sum(&ran, "late") > 0, every > 10, "{every}");
        let grew = ran.diagnostics.matches("so the server buffers its log").count();
        assert_eq!(grew, usize::from(every > 10), "{every}: {}", ran.diagnostics);
    }
}

#[test]
fn a_log_of_start_times_with_slow_requests_loses_nothing() {
    // Apache logs the time at which a request started. Every 50th took up to
    // 100 s.
    let ran = live(&[], 300, |k| {
        let slow = if k % 5 == 0 { log([TODAY + k - k % 100], 1) } else { String::new() };
        Some(log([TODAY + k], 10) + &slow)
    });
    assert!(starts_never_go_back(&ran));
    assert!(!ran.diagnostics.contains("restarted"), "{}", ran.diagnostics);
}

#[test]
fn a_live_clock_that_jumps_and_stays_is_followed_within_a_minute_or_two() {
    // The clock of the log's machine jumps an hour ahead or ten minutes back.
    for jump in [3600, -600] {
        let ran = live(&["-t", "1000"], 400, |k| Some(log([TODAY + k + if k < 100 { 0 } else { jump }], 5)));
        let last = events(&ran).pop().expect("a summary");
        assert!(sum(&ran, "requests") > 1500, "{jump}");
        let end = second(&last, "end");
        // Records ahead of the wall clock never move the time of a live log.
        // They are counted as they come, and silence advances time.
        assert!((TODAY + 380..=TODAY + 400).contains(&end) || end <= TODAY - 180, "{jump}: {end}");
        assert_eq!(changes(&ran), [], "{jump}");
    }
}

#[test]
fn a_machine_whose_own_clock_is_a_minute_off_still_hears_silence() {
    for off in [-60, 60] {
        let mut steps: Vec<Step> = Vec::new();
        for k in 0..100 {
            steps.push(bytes(log([TODAY + off + k], 20)));
            steps.push(Step::Idle(1));
        }
        steps.push(Step::Idle(200));
        let ran = run_open(&[], &steps, TODAY);
        let kinds: Vec<String> = changes(&ran).into_iter().map(|(_, _, what)| what).collect();
        assert_eq!(kinds, ["alert", "recovered"], "{off}");
    }
}

#[test]
fn a_log_whose_lines_can_no_longer_be_read_still_recovers() {
    let mut steps: Vec<Step> = Vec::new();
    for k in 0..70 {
        steps.push(bytes(log([TODAY + k], 20)));
        steps.push(Step::Idle(1));
    }
    for _ in 0..200 {
        steps.push(bytes("nonsense\n"));
        steps.push(Step::Idle(1));
    }
    let ran = run_open(&[], &steps, TODAY);
    let kinds: Vec<String> = changes(&ran).into_iter().map(|(_, _, what)| what).collect();
    assert_eq!(kinds, ["alert", "recovered"]);
    assert!(sum(&ran, "malformed") > 150, "each window with malformed lines has its summary");
}

#[test]
fn each_window_of_a_gap_in_which_malformed_lines_came_ends_a_summary() {
    // Silence moves the current window to second 50. Then a record comes that
    // is on time and later.
    let steps = [
        bytes(record(TODAY)),
        Step::Idle(100),
        bytes("nonsense\n"),
        bytes(record(TODAY + 85)),
        bytes("nonsense\n"),
    ];
    let ran = run(&["--lateness", "40", "--interval", "1"], &steps, TODAY);
    let summary = |event: Value| {
        let [start, end] = ["start", "end"].map(|field| second(&event, field) - TODAY);
        (start, end, event["malformed"].as_u64().expect("a count"))
    };
    let summaries: Vec<_> = events(&ran).into_iter().map(summary).collect();
    assert_eq!(summaries[summaries.len() - 3..], [(13, 51, 2), (51, 85, 0), (85, 86, 0)]);
}

#[test]
fn an_alert_whose_column_comes_back_is_raised_at_the_next_second() {
    // The torn header in the middle has no latency. The record after it shows
    // that it was torn, when silence has already closed the second of the first
    // record.
    let steps = [
        bytes(format!("time,latency,status\n{TODAY},5,200\ntime,status\n")),
        Step::Idle(17),
        bytes(format!("{},0,200\n", TODAY + 30)),
    ];
    let ran = run(&["--slow-threshold", "5", "--min-count", "1"], &steps, TODAY);
    assert_eq!(changes(&ran), [(TODAY + 2, 1, "alert".to_owned())]);
}
