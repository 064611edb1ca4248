//! Bounded memory: names above the cap, sources above the limit, byte sums
//! above 2^64-1. Whatever a client sends, totals stay right.

mod common;
#[allow(dead_code, reason = "other tests use the rest")]
mod model;

use common::{Step, TODAY, filter, run};
use serde_json::Value;

fn line(second: i64, host: u64, section: u64) -> String {
    format!("h{host},-,-,{second},GET /s{section}/x HTTP/1.1,503,7\n")
}

fn agrees_with_the_model(log: &str) -> Vec<Value> {
    let options = model::Options { top: 3, ..model::Options::default() };
    let expected = model::run(&options, &[model::Step::Bytes(log.as_bytes().to_vec())], TODAY);
    let found = run(&["--top", "3"], &[Step::Bytes(log.as_bytes().to_vec())], TODAY);
    assert_eq!(found.events, expected.events);
    found.events.iter().map(|event| serde_json::from_str(event).expect("JSON")).collect()
}

#[test]
fn ten_thousand_sections_are_counted_singly_and_the_rest_together() {
    let mut log = String::new();
    for section in 0..12_000 {
        log += &line(1000 + i64::try_from(section / 2000).expect("small"), 1, section);
    }
    log += &line(1002, 1, 9_999).repeat(3);
    log += &line(1003, 1, 11_999).repeat(3);
    let event = &agrees_with_the_model(&log)[1];
    assert_eq!(event["requests"], 12_006);
    assert_eq!(event["sections"][0]["section"], "/s9999");
    let other = &event["sections_other"];
    assert_eq!((&other["distinct"], &other["requests"]), (&9_997.into(), &12_000.into()));
    assert_eq!((&other["server_errors"], &other["capped"]), (&12_000.into(), &true.into()));
}

/// One window of a busy site, 20,000 requests: about half of them for `/shop`,
/// one in 100 for `/login`, one in 1,000 for `/admin`. A client also requests
/// `new` different paths, mixed in or before the others.
fn busy_window(new: u64, is_first: bool) -> Value {
    const USUAL: u64 = 20_000;
    let asked = |path: u64| format!("198.51.100.66,-,-,1000,GET /new{path}/ HTTP/1.1,404,7\n");
    let mut log = String::new();
    if is_first {
        log.extend((0..new).map(asked));
    }
    let mut path = 0;
    for request in 0..USUAL {
        let section = match request {
            _ if request % 1_000 == 500 => "admin",
            _ if request % 100 == 50 => "login",
            _ if request % 2 == 0 => "shop",
            _ => "api",
        };
        let second = 1000 + request / 2_000;
        let host = request % 50;
        log += &[
            "10.0.0.",
            &host.to_string(),
            ",-,-,",
            &second.to_string(),
            ",GET /",
            section,
            "/x HTTP/1.1,200,7\n",
        ]
        .concat();
        while !is_first && path < new * (request + 1) / USUAL {
            log += &asked(path);
            path += 1;
        }
    }
    let events = filter(&["--threshold", "2100", "--window", "10s"], &log).events;
    let events: Vec<Value> = events.iter().map(|event| serde_json::from_str(event).expect("JSON")).collect();
    assert_eq!(events.iter().filter(|event| event["type"] == "alert").count(), usize::from(new > 1_000));
    let summary = events.into_iter().find(|event| event["type"] == "summary").expect("a summary");
    assert_eq!(summary["requests"], USUAL + new, "nothing is lost");
    assert_eq!(summary["sections_other"]["capped"], new > 9_996);
    summary
}

fn requests_of(summary: &Value, section: &str) -> Option<u64> {
    let mut sections = summary["sections"].as_array().expect("sections").iter();
    sections.find(|listed| listed["section"] == section)?["requests"].as_u64()
}

#[test]
fn new_paths_among_the_requests_do_not_push_a_busy_section_out() {
    for new in [0, 9_000, 20_000, 100_000] {
        let summary = busy_window(new, false);
        for (section, requests) in [("/shop", 9_780), ("/api", 10_000), ("/login", 200), ("/admin", 20)] {
            assert_eq!(requests_of(&summary, section), Some(requests), "{section} beside {new} new paths");
        }
    }
}

#[test]
fn ten_thousand_new_paths_before_its_first_request_hide_a_section_and_say_so() {
    for (new, is_listed) in [(9_996, true), (10_000, false)] {
        let summary = busy_window(new, true);
        assert_eq!(requests_of(&summary, "/shop").is_some(), is_listed, "after {new} new paths");
    }
}

#[test]
fn windows_have_separate_shares_of_names() {
    let mut log = String::new();
    // Two windows are open, full of different names.
    for section in 0..10_000 {
        log += &line(1000 + i64::try_from(section / 1000).expect("small"), 1, section);
    }
    for section in 20_000..30_001 {
        log += &line(1011, 1, section);
    }
    let events = agrees_with_the_model(&log);
    let summaries: Vec<&Value> = events.iter().filter(|event| event["type"] == "summary").collect();
    let capped: Vec<&Value> = summaries.iter().map(|event| &event["sections_other"]["capped"]).collect();
    assert_eq!(capped, [false, true]);
    assert_eq!(summaries[1]["sections_other"]["distinct"], 10_000 - 3);
    assert_eq!(summaries[1]["sections_other"]["requests"], 10_001 - 3);
}

#[test]
fn more_open_windows_make_each_share_smaller() {
    // 3,601 windows can be open: each has 1,000 hosts and 100 sections.
    let mut log = String::new();
    for name in 0..1_010 {
        log += &line(1000 + i64::try_from(name % 2).expect("small"), name / 2, name / 2);
        log += &line(1000, name, name);
    }
    let options =
        model::Options { threshold: None, top: 2, interval: 1, lateness: 3_600, ..model::Options::default() };
    let expected = model::run(&options, &[model::Step::Bytes(log.clone().into_bytes())], TODAY);
    let found =
        run(&["-n", "2", "-i", "1", "-l", "1h", "-t", "off"], &[Step::Bytes(log.into_bytes())], TODAY);
    assert_eq!(found.events, expected.events);
    let first: Value = serde_json::from_str(&found.events[0]).expect("JSON");
    assert_eq!(first["sections_other"]["distinct"], 98);
    assert_eq!(first["hosts_other"]["distinct"], 998);
}

#[test]
fn a_hundred_thousand_hosts_are_counted_singly_and_the_rest_together() {
    let log: String = (0..100_500).map(|host| line(1000, host, 1)).collect();
    let ran = filter(&["--top", "1"], log);
    let event: Value = serde_json::from_str(&ran.events[1]).expect("JSON");
    assert_eq!(event["hosts"][0]["host"], "h0");
    let other = &event["hosts_other"];
    assert_eq!((&other["distinct"], &other["requests"]), (&99_999.into(), &100_499.into()));
    assert_eq!((&other["bytes"], &other["capped"]), (&703_493.into(), &true.into()));
}

#[test]
fn sums_of_bytes_stop_at_the_greatest_number() {
    let log = "h,-,-,1000,GET /a HTTP/1.1,200,9223372036854775807\n".repeat(3);
    let event: Value = serde_json::from_str(&filter(&[], log).events[0]).expect("JSON");
    for bytes in [&event["bytes"], &event["sections"][0]["bytes"], &event["hosts"][0]["bytes"]] {
        assert_eq!(bytes, &Value::from(u64::MAX));
    }
}

#[test]
fn lines_of_more_than_a_thousand_sources_go_to_one_with_one_warning() {
    let name = |source: i32| format!("==> {source}.csv <==\n");
    let log: String = (0..1_005).map(|source| name(source) + &line(1000, 1, 1) + "\n").collect();
    let ran = filter(&[], &log);
    assert_eq!(
        ran.diagnostics,
        "httpmon: line 3001: more than 1000 sources; further ones are counted as (other)\n"
    );
    assert_eq!(ran.events.len(), 1_001);
    let other: Value = serde_json::from_str(&ran.events[1_000]).expect("JSON");
    assert_eq!((&other["source"], &other["requests"]), (&"(other)".into(), &5.into()));
}
