//! The worked examples of event time, one by one, in a notation of their own:
//! `t*n` are n records stamped t; `S[a,b)=n` is a summary (`p` partial, `!`
//! alerting); `Z[a..b)xk` are k summaries of one interval without requests;
//! `A@t n` an alert; `R@t n (since, duration, peak@time)` a recovery.

mod common;

use common::{Step, TODAY, record, run, run_open};
use serde_json::Value;

/// Writes events in the notation of the examples.
fn notation(events: &[String], interval: i64) -> String {
    let second = |event: &Value, field: &str| -> i64 {
        let text = event[field].as_str().expect("a time");
        text.parse::<jiff::Timestamp>().expect("RFC 3339").as_second()
    };
    let mut items: Vec<String> = Vec::new();
    let mut zeros: Option<(i64, i64, bool)> = None;
    let write_zeros = |zeros: &mut Option<(i64, i64, bool)>, items: &mut Vec<String>| {
        if let Some((start, end, alerting)) = zeros.take() {
            let count = (end - start) / interval;
            let mark = if alerting { " !" } else { "" };
            items.push(match count {
                1 => format!("S[{start},{end})=0{mark}"),
                _ => format!("Z[{start}..{end})x{count}{mark}"),
            });
        }
    };
    for line in events {
        let event: Value = serde_json::from_str(line).expect("JSON");
        let requests = &event["requests"];
        match event["type"].as_str().expect("a type") {
            "summary" => {
                let (start, end) = (second(&event, "start"), second(&event, "end"));
                let alerting = event["alerting"] == true;
                let is_zero = requests == 0 && end - start == interval && event["partial"] == false;
                if is_zero {
                    if let Some((_, last, alerted)) = &mut zeros {
                        if *last == start && *alerted == alerting {
                            *last = end;
                            continue;
                        }
                    }
                    write_zeros(&mut zeros, &mut items);
                    zeros = Some((start, end, alerting));
                    continue;
                }
                write_zeros(&mut zeros, &mut items);
                let mut item = format!("S[{start},{end})={requests}");
                for field in ["late", "future", "malformed"] {
                    if event[field] != 0 {
                        item = format!("{item} {field}={}", event[field]);
                    }
                }
                if event["partial"] == true {
                    item += " p";
                }
                if alerting {
                    item += " !";
                }
                items.push(item);
            }
            "alert" => {
                write_zeros(&mut zeros, &mut items);
                items.push(format!("A@{} {requests}", second(&event, "time")));
            }
            "recovery" => {
                write_zeros(&mut zeros, &mut items);
                items.push(format!(
                    "R@{} {requests} ({}, {}, {}@{})",
                    second(&event, "time"),
                    second(&event, "since"),
                    event["duration_seconds"],
                    event["peak_requests"],
                    second(&event, "peak_time")
                ));
            }
            other => panic!("no such type: {other}"),
        }
    }
    write_zeros(&mut zeros, &mut items);
    items.join("; ")
}

/// Records in the notation of the examples: `1000 1004*3`.
fn records(notation: &str) -> Vec<u8> {
    let mut log = String::new();
    for item in notation.split_whitespace() {
        let (second, count) = item.split_once('*').unwrap_or((item, "1"));
        log += &record(second.parse().expect("a second")).repeat(count.parse().expect("a number"));
    }
    log.into_bytes()
}

fn example(arguments: &[&str], input: &str, output: &str) {
    let interval = if arguments.contains(&"-i") { 7 } else { 10 };
    let whole = [Step::Bytes(records(input))];
    assert_eq!(notation(&run(arguments, &whole, TODAY).events, interval), output);
    // Any split of the input into reads gives the same.
    let bytes = records(input);
    let single = bytes.chunks(1).map(|byte| Step::Bytes(byte.to_vec())).collect::<Vec<_>>();
    assert_eq!(notation(&run(arguments, &single, TODAY).events, interval), output);
}

macro_rules! examples {
    ($($name:ident: $arguments:expr, $input:expr => $output:expr;)*) => {
        $(#[test] fn $name() { example(&$arguments, $input, $output); })*
    };
}

examples! {
    example_01_tumbling_windows_are_drained_at_the_end_of_input:
        [], "1000 1003 1009 1010 1025"
        => "S[1000,1010)=3; S[1010,1020)=1; S[1020,1030)=1 p";
    example_02_disorder_within_the_lateness_changes_nothing:
        [], "1000 1012 1008 1009 1016 1011 1023"
        => "S[1000,1010)=3; S[1010,1020)=3; S[1020,1030)=1 p";
    example_03_exactly_the_lateness_behind_is_on_time_and_one_more_is_late:
        [], "1000 1015 1010 1009 1030"
        => "S[1000,1010)=1; S[1010,1020)=3 late=1; S[1020,1030)=0; S[1030,1040)=1 p";
    example_04_the_first_record_is_not_the_earliest:
        [], "1003 1001 998 1014"
        => "S[990,1000)=1 p; S[1000,1010)=2; S[1010,1020)=1 p";
    example_05_exactly_at_the_threshold_is_no_alert:
        [], "1000*1200 1130"
        => "S[1000,1010)=1200; Z[1010..1130)x12; S[1130,1140)=1 p";
    example_06_one_more_is_an_alert_and_its_recovery_is_inside_the_gap:
        [], "1000*1201 1130"
        => "A@1000 1201; S[1000,1010)=1201 !; Z[1010..1120)x11 !; R@1120 0 (1000, 120, 1201@1000); \
            S[1120,1130)=0; S[1130,1140)=1 p";
    example_07_equality_keeps_the_alert:
        [], "1000 1050*1200 1180"
        => "S[1000,1010)=1; Z[1010..1050)x4; A@1050 1201; S[1050,1060)=1200 !; Z[1060..1170)x11 !; \
            R@1170 0 (1050, 120, 1201@1050); S[1170,1180)=0; S[1180,1190)=1 p";
    example_09_a_long_gap_is_one_summary_and_the_recovery_is_exact:
        [], "1000*1201 1004 5003"
        => "A@1000 1201; S[1000,1010)=1202 !; Z[1010..1120)x11 !; R@1120 1 (1000, 120, 1202@1004); \
            S[1120,1130)=0; S[1130,5000)=0; S[5000,5010)=1 p";
    example_10_an_alert_at_the_end_of_input_gets_no_made_up_recovery:
        [], "1000*1500 1003"
        => "A@1000 1500; S[1000,1010)=1501 p !";
    example_11_one_bogus_future_record_does_not_move_time:
        [], "1000 1001 4102444800 1002 1003 1012"
        => "S[1000,1010)=5 future=1; S[1010,1020)=1 p";
    example_12_a_real_gap_loses_nothing:
        [], "1000 1001 9000*10 9001"
        => "S[1000,1010)=2; Z[1010..1130)x12; S[1130,9000)=0; S[9000,9010)=11 p";
    example_13_in_a_sparse_log_every_record_is_a_suspect_of_the_one_before:
        [], "1000 2000 3000 4000"
        => "S[1000,1010)=1; Z[1010..1130)x12; S[1130,2000)=0; S[2000,2010)=1; Z[2010..2130)x12; \
            S[2130,3000)=0; S[3000,3010)=1; Z[3010..3130)x12; S[3130,4000)=0; S[4000,4010)=1 p";
    example_14_a_bogus_record_just_before_a_real_gap:
        [], "1000 4102444800 9000*10 9001"
        => "S[1000,1010)=1; Z[1010..1130)x12; S[1130,9000)=0; S[9000,9010)=12 future=1 p";
    example_15_a_clock_set_back_an_hour_makes_two_runs:
        [], "5000 5001 1400*10 1401 1412"
        => "S[5000,5010)=2 p; S[1400,1410)=11; S[1410,1420)=1 p";
    example_16_the_very_first_record_is_bogus:
        [], "4102444800 1000*10 1001"
        => "S[4102444800,4102444810)=1 p; S[1000,1010)=11 p";
    example_17_flapping_without_hysteresis:
        [], "1000*1201 1110*1190 1125*20 1300"
        => "A@1000 1201; S[1000,1010)=1201 !; Z[1010..1110)x10 !; S[1110,1120)=1190 !; \
            R@1120 1190 (1000, 120, 2391@1110); A@1125 1210; S[1120,1130)=20 !; Z[1130..1230)x10 !; \
            R@1230 20 (1125, 105, 1210@1125); Z[1230..1250)x2; S[1250,1300)=0; S[1300,1310)=1 p";
    example_18_the_same_with_hysteresis_is_one_alert:
        ["-r", "9.5"], "1000*1201 1110*1190 1125*20 1300"
        => "A@1000 1201; S[1000,1010)=1201 !; Z[1010..1110)x10 !; S[1110,1120)=1190 !; S[1120,1130)=20 !; \
            Z[1130..1230)x10 !; R@1230 20 (1000, 230, 2391@1110); Z[1230..1250)x2; S[1250,1300)=0; \
            S[1300,1310)=1 p";
    example_19_scattered_old_records_are_no_step_back:
        [], "5000 5001 100 900 1800 2700 3600 300 1200 2100 3000 3900 600 1500 5002"
        => "S[5000,5010)=15 late=12 p";
    example_20_a_late_record_counts_in_the_rate_at_its_own_second:
        [], "1000*1200 1030 1000 1040"
        => "S[1000,1010)=1200; S[1010,1020)=0; A@1025 1201; S[1020,1030)=0 !; S[1030,1040)=2 late=1 !; \
            S[1040,1050)=1 p !";
    example_21_a_window_of_60_seconds_and_half_a_request_per_second:
        ["-w", "60", "-t", "0.5"], "1000*30 1001 1100"
        => "A@1001 31; S[1000,1010)=31 !; Z[1010..1060)x5 !; R@1060 1 (1001, 59, 31@1001); \
            Z[1060..1100)x4; S[1100,1110)=1 p";
    example_22_windows_stay_aligned_to_the_epoch:
        ["-i", "7"], "7 8 14 20 21"
        => "S[7,14)=2; S[14,21)=2; S[21,28)=1 p";
}

#[test]
fn example_08_a_start_is_divided_by_the_whole_window() {
    let input: Vec<String> = (1000..1080).map(|second| format!("{second}*20")).collect();
    example(
        &[],
        &input.join(" "),
        "S[1000,1010)=200; S[1010,1020)=200; S[1020,1030)=200; S[1030,1040)=200; S[1040,1050)=200; \
         S[1050,1060)=200; A@1060 1220; S[1060,1070)=200 !; S[1070,1080)=200 !",
    );
}

#[test]
fn example_23_malformed_lines_are_counted_in_the_next_summary() {
    let mut log = records("1000 1009");
    log.extend_from_slice(b"nonsense\n\"open,1,2,3\n");
    let ran = run(&[], &[Step::Bytes(log)], TODAY);
    assert_eq!(notation(&ran.events, 10), "S[1000,1010)=2 malformed=2");
}

#[test]
fn example_24_traffic_stops_dead_and_the_recovery_comes_out_while_the_pipe_is_open() {
    let live = |idle| {
        let ran = run_open(&[], &[Step::Bytes(records("1000*1201")), Step::Idle(idle)], 1000);
        notation(&ran.events, 10)
    };
    let before = "A@1000 1201; S[1000,1010)=1201 !; Z[1010..1120)x11 !";
    assert_eq!(live(135), before);
    assert_eq!(live(136), format!("{before}; R@1120 0 (1000, 120, 1201@1000)"));
}

#[test]
fn example_25_a_lull_and_then_traffic_gives_the_bytes_of_the_finished_file() {
    let steps = [Step::Bytes(records("1000*1201")), Step::Idle(200), Step::Bytes(records("1201 1215"))];
    let live = run(&[], &steps, 1000);
    assert_eq!(
        notation(&live.events, 10),
        "A@1000 1201; S[1000,1010)=1201 !; Z[1010..1120)x11 !; R@1120 0 (1000, 120, 1201@1000); \
         S[1120,1130)=0; S[1130,1200)=0; S[1200,1210)=1; S[1210,1220)=1 p"
    );
    let finished = run(&[], &[Step::Bytes(records("1000*1201 1201 1215"))], TODAY);
    assert_eq!(live.events, finished.events);
}
