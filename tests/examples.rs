//! The worked examples of event time, in a notation of their own:
//!
//! - `t*n(e)`: n records stamped t, the first e of them with status 500,
//! - `S[a,b)=n`: a summary (`p` partial, `late=`, `future=`, `malformed=`,
//!   `!` alerting),
//! - `Z[a..b)xk`: k summaries of one interval without requests,
//! - `A@t n`: an alert; `A:name` if it is not high_traffic,
//! - `R@t n (since, duration, peak@time)`: a recovery; `R(restarted)` if time
//!   was set back.
//!
//! The model and the filter must both give the output in the table.

mod common;
#[allow(dead_code, reason = "the random logs ask for the rest")]
mod model;

use common::{Step, TODAY, record, run_until};
use serde_json::Value;

// ---- the notation -----------------------------------------------------------

/// Formats events in the notation of the examples.
fn notation(events: &[String], interval: i64) -> String {
    let mut items: Vec<String> = Vec::new();
    let mut zeros: Option<(i64, i64, bool)> = None;
    for line in events {
        let event: Value = serde_json::from_str(line).expect("JSON");
        if event["type"] == "summary" {
            let (start, end) = (second(&event, "start"), second(&event, "end"));
            let alerting = event["alerting"] == true;
            let is_plain = event["partial"] == false && event["malformed"] == 0;
            if event["requests"] == 0 && end - start == interval && is_plain {
                if let Some((_, last, alerted)) = &mut zeros
                    && *last == start
                    && *alerted == alerting
                {
                    *last = end;
                    continue;
                }
                write_zeros(&mut zeros, &mut items, interval);
                zeros = Some((start, end, alerting));
                continue;
            }
        }
        write_zeros(&mut zeros, &mut items, interval);
        items.push(match event["type"].as_str().expect("a type") {
            "summary" => summary(&event),
            "alert" => format!("A{}@{} {}", name(&event), second(&event, "time"), count(&event, "")),
            "recovery" => recovery(&event),
            other => panic!("no such type: {other}"),
        });
    }
    write_zeros(&mut zeros, &mut items, interval);
    items.join("; ")
}

fn second(event: &Value, field: &str) -> i64 {
    let text = event[field].as_str().expect("a time");
    text.parse::<jiff::Timestamp>().expect("RFC 3339").as_second()
}

fn write_zeros(zeros: &mut Option<(i64, i64, bool)>, items: &mut Vec<String>, interval: i64) {
    if let Some((start, end, alerting)) = zeros.take() {
        let mark = if alerting { " !" } else { "" };
        items.push(match (end - start) / interval {
            1 => format!("S[{start},{end})=0{mark}"),
            several => format!("Z[{start}..{end})x{several}{mark}"),
        });
    }
}

fn summary(event: &Value) -> String {
    let mut item = format!("S[{},{})={}", second(event, "start"), second(event, "end"), event["requests"]);
    if event["partial"] == true {
        item += " p";
    }
    for field in ["late", "future", "malformed"] {
        if event[field] != 0 {
            item = format!("{item} {field}={}", event[field]);
        }
    }
    if event["alerting"] == true {
        item += " !";
    }
    item
}

fn name(event: &Value) -> String {
    match event["name"].as_str().expect("a name") {
        "high_traffic" => String::new(),
        name => format!(":{name}"),
    }
}

/// The numbers of an alert or of its peak.
fn count(event: &Value, peak: &str) -> String {
    let requests = &event[format!("{peak}requests")];
    match event["name"].as_str().expect("a name") {
        "high_errors" => format!("{} of {requests}", event[format!("{peak}server_errors")]),
        "slow_requests" => format!("{} of {requests}", event[format!("{peak}slow_requests")]),
        _ => requests.to_string(),
    }
}

fn recovery(event: &Value) -> String {
    let reason = match event["reason"].as_str().expect("a reason") {
        "recovered" => String::new(),
        reason => format!("({reason})"),
    };
    let worst = if event["name"] == "low_traffic" { "lowest_" } else { "peak_" };
    format!(
        "R{}{reason}@{} {} ({}, {}, {}@{})",
        name(event),
        second(event, "time"),
        count(event, ""),
        second(event, "since"),
        event["duration_seconds"],
        count(event, worst),
        second(event, &format!("{worst}time"))
    )
}

/// Reads records in the notation of the examples: `1000 1004*3 1007*10(2)`.
fn records(notation: &str) -> Vec<u8> {
    let mut log = String::new();
    for item in notation.split_whitespace() {
        let (item, errors) = item.split_once('(').unwrap_or((item, "0)"));
        let (second, count) = item.split_once('*').unwrap_or((item, "1"));
        let errors: usize = errors.trim_end_matches(')').parse().expect("a number");
        let count: usize = count.parse().expect("a number");
        let good = record(second.parse().expect("a second"));
        log += &good.replace(",200,", ",500,").repeat(errors);
        log += &good.repeat(count - errors);
    }
    log.into_bytes()
}

// ---- the examples -----------------------------------------------------------

struct Example {
    name: &'static str,
    arguments: &'static [&'static str],
    steps: Vec<Step>,
    wall: i64,
    /// Whether the input stays open.
    is_open: bool,
    output: &'static str,
}

/// An example with an old log and default options.
fn example(name: &'static str, input: &str, output: &'static str) -> Example {
    let steps = vec![Step::Bytes(records(input))];
    Example { name, arguments: &[], steps, wall: TODAY, is_open: false, output }
}

fn with(arguments: &'static [&'static str], example: Example) -> Example {
    Example { arguments, ..example }
}

/// Each of these seconds, `times` times.
fn each(seconds: impl Iterator<Item = i64>, times: usize) -> String {
    let items: Vec<String> = seconds.map(|second| format!("{second}*{times}")).collect();
    items.join(" ")
}

#[expect(clippy::too_many_lines, reason = "the contract's table")]
fn examples() -> Vec<Example> {
    let mut examples = vec![
        example(
            "01 tumbling windows, drained at the end of input",
            "1000 1003 1009 1010 1025",
            "S[1000,1010)=3; S[1010,1020)=1; S[1020,1030)=1 p",
        ),
        example(
            "02 disorder within the lateness changes nothing",
            "1000 1012 1008 1009 1016 1011 1023",
            "S[1000,1010)=3; S[1010,1020)=3; S[1020,1030)=1 p",
        ),
        example(
            "03 exactly the lateness behind is on time, one more is late",
            "1000 1015 1010 1009 1030",
            "S[1000,1010)=1; S[1010,1020)=3 late=1; S[1020,1030)=0; S[1030,1040)=1 p",
        ),
        example(
            "04 the first record is not the earliest",
            "1003 1001 998 1014",
            "S[990,1000)=1 p; S[1000,1010)=2; S[1010,1020)=1 p",
        ),
        example(
            "05 exactly at the threshold: no alert",
            "1000*1200 1130",
            "S[1000,1010)=1200; Z[1010..1130)x12; S[1130,1140)=1 p",
        ),
        example(
            "06 one more: alert, recovery inside the gap",
            "1000*1201 1130",
            "A@1000 1201; S[1000,1010)=1201 !; Z[1010..1120)x11 !; R@1120 0 (1000, 120, 1201@1000); \
             S[1120,1130)=0; S[1130,1140)=1 p",
        ),
        example(
            "07 equality keeps the alert",
            "1000 1050*1200 1180",
            "S[1000,1010)=1; Z[1010..1050)x4; A@1050 1201; S[1050,1060)=1200 !; Z[1060..1170)x11 !; \
             R@1170 0 (1050, 120, 1201@1050); S[1170,1180)=0; S[1180,1190)=1 p",
        ),
        example(
            "08 a start is divided by the whole window",
            &each(1000..1080, 20),
            "S[1000,1010)=200; S[1010,1020)=200; S[1020,1030)=200; S[1030,1040)=200; S[1040,1050)=200; \
             S[1050,1060)=200; A@1060 1220; S[1060,1070)=200 !; S[1070,1080)=200 !",
        ),
        example(
            "09 long gap: one zero summary, exact recovery",
            "1000*1201 1004 5003",
            "A@1000 1201; S[1000,1010)=1202 !; Z[1010..1120)x11 !; R@1120 1 (1000, 120, 1202@1004); \
             S[1120,1130)=0; S[1130,5000)=0; S[5000,5010)=1 p",
        ),
        example(
            "10 alert active at the end of input: no made-up recovery",
            "1000*1500 1003",
            "A@1000 1500; S[1000,1010)=1501 p !",
        ),
        example(
            "11 one bogus future record",
            "1000 1001 4102444800 1002 1003 1012",
            "S[1000,1010)=5 future=1; S[1010,1020)=1 p",
        ),
        example(
            "12 a real gap, 10 records agree, none lost",
            "1000 1001 9000*10 9001",
            "S[1000,1010)=2; Z[1010..1130)x12; S[1130,9000)=0; S[9000,9010)=11 p",
        ),
        example(
            "13 a sparse log: every record is a suspect of the one before",
            "1000 2000 3000 4000",
            "S[1000,1010)=1; Z[1010..1130)x12; S[1130,2000)=0; S[2000,2010)=1; Z[2010..2130)x12; \
             S[2130,3000)=0; S[3000,3010)=1; Z[3010..3130)x12; S[3130,4000)=0; S[4000,4010)=1 p",
        ),
        example(
            "14 bogus record just before a real gap",
            "1000 4102444800 9000*10 9001",
            "S[1000,1010)=1; Z[1010..1130)x12; S[1130,9000)=0; S[9000,9010)=12 p future=1",
        ),
        example(
            "15 clock set back an hour: two runs",
            "5000 5001 1400*10 1401 1412",
            "S[5000,5010)=2 p; S[1400,1410)=11; S[1410,1420)=1 p",
        ),
        example(
            "16 very first record bogus",
            "4102444800 1000*10 1001",
            "S[4102444800,4102444810)=1 p; S[1000,1010)=11 p",
        ),
        example(
            "17 flapping, r = t",
            "1000*1201 1110*1190 1125*20 1300",
            "A@1000 1201; S[1000,1010)=1201 !; Z[1010..1110)x10 !; S[1110,1120)=1190 !; \
             R@1120 1190 (1000, 120, 2391@1110); A@1125 1210; S[1120,1130)=20 !; Z[1130..1230)x10 !; \
             R@1230 20 (1125, 105, 1210@1125); Z[1230..1250)x2; S[1250,1300)=0; S[1300,1310)=1 p",
        ),
        with(
            &["-r", "9.5"],
            example(
                "18 the same with r = 9.5: one alert",
                "1000*1201 1110*1190 1125*20 1300",
                "A@1000 1201; S[1000,1010)=1201 !; Z[1010..1110)x10 !; S[1110,1120)=1190 !; \
                 S[1120,1130)=20 !; Z[1130..1230)x10 !; R@1230 20 (1000, 230, 2391@1110); \
                 Z[1230..1250)x2; S[1250,1300)=0; S[1300,1310)=1 p",
            ),
        ),
        example(
            "19 scattered old records are no step back",
            "5000 5001 100 900 1800 2700 3600 300 1200 2100 3000 3900 600 1500 5002",
            "S[5000,5010)=15 p late=12",
        ),
        example(
            "20 a late record counts in the rate at its own second",
            "1000*1200 1030 1000 1040",
            "S[1000,1010)=1200; S[1010,1020)=0; A@1025 1201; S[1020,1030)=0 !; S[1030,1040)=2 late=1 !; \
             S[1040,1050)=1 p !",
        ),
        with(
            &["-w", "60", "-t", "0.5"],
            example(
                "21 w = 60, t = 0.5",
                "1000*30 1001 1100",
                "A@1001 31; S[1000,1010)=31 !; Z[1010..1060)x5 !; R@1060 1 (1001, 59, 31@1001); \
                 Z[1060..1100)x4; S[1100,1110)=1 p",
            ),
        ),
        with(
            &["-i", "7"],
            example(
                "22 i = 7 stays aligned to the epoch",
                "7 8 14 20 21",
                "S[7,14)=2; S[14,21)=2; S[21,28)=1 p",
            ),
        ),
        example(
            "26 time set back while alerting: the alert is closed, and says why",
            "5000*1201 5003 1400*10 1412",
            "A@5000 1201; R(restarted)@5003 1202 (5000, 3, 1202@5003); S[5000,5010)=1202 p; \
             S[1400,1410)=10; S[1410,1420)=1 p",
        ),
        example(
            "27 an unconfirmed request counts in the rate at the current second",
            "1000*1200 4102444800 1002 1014",
            "A@1002 1202; S[1000,1010)=1202 future=1 !; S[1010,1020)=1 p !",
        ),
        with(
            &["-t", "off", "-e", "5"],
            example(
                "28 errors; an empty window changes nothing",
                "1000*100(4) 1001(1) 1002*2(2) 1200*10 1216",
                "A:high_errors@1002 7 of 103; S[1000,1010)=103 !; Z[1010..1130)x12 !; S[1130,1200)=0 !; \
                 R:high_errors@1200 0 of 10 (1002, 198, 7 of 103@1002); S[1200,1210)=10; S[1210,1220)=1 p",
            ),
        ),
        with(
            &["--low-threshold", "0.5"],
            example(
                "29 little traffic",
                &format!("{} 1300*10 1301", each(1000..1120, 1)),
                "S[1000,1010)=10; S[1010,1020)=10; S[1020,1030)=10; S[1030,1040)=10; S[1040,1050)=10; \
                 S[1050,1060)=10; S[1060,1070)=10; S[1070,1080)=10; S[1080,1090)=10; S[1090,1100)=10; \
                 S[1100,1110)=10; S[1110,1120)=10; Z[1120..1180)x6; A:low_traffic@1180 59; \
                 Z[1180..1240)x6 !; S[1240,1300)=0 !; S[1300,1310)=11 p !",
            ),
        ),
        example(
            "30 ten old records in order are a step back however far apart",
            "5000 100 900 1700 2500 3300 3301 3302 3303 3304 3305 3306",
            "S[5000,5010)=1 p; S[100,110)=1; Z[110..230)x12; S[230,900)=0; S[900,910)=1; \
             Z[910..1030)x12; S[1030,1700)=0; S[1700,1710)=1; Z[1710..1830)x12; S[1830,2500)=0; \
             S[2500,2510)=1; Z[2510..2630)x12; S[2630,3300)=0; S[3300,3310)=7 p",
        ),
        example(
            "33 the two sides are held apart",
            "1000 2000 100",
            "S[1000,1010)=1; Z[1010..1130)x12; S[1130,2000)=0; S[2000,2010)=2 p late=1",
        ),
        example(
            "34 at the end of input, a suspect that came before a smaller one is not believed",
            "1000 90000 2000",
            "S[1000,1010)=1; Z[1010..1130)x12; S[1130,2000)=0; S[2000,2010)=2 p future=1",
        ),
    ];
    let mut malformed = records("1000 1009");
    malformed.extend_from_slice(b"nonsense\n\"open,1,2,3\n");
    examples.push(Example {
        name: "23 malformed lines are counted in the next summary written",
        arguments: &[],
        steps: vec![Step::Bytes(malformed)],
        wall: TODAY,
        is_open: false,
        output: "S[1000,1010)=2 malformed=2",
    });
    examples.extend(live_examples());
    examples
}

fn live_examples() -> Vec<Example> {
    let live =
        |name, steps, wall, is_open, output| Example { name, arguments: &[], steps, wall, is_open, output };
    let dead = |idle| vec![Step::Bytes(records("1000*1201")), Step::Idle(idle)];
    let lull = vec![Step::Bytes(records("1000*1201")), Step::Idle(200), Step::Bytes(records("1201 1215"))];
    vec![
        live(
            "24 traffic stops dead, 135 idle seconds",
            dead(135),
            1000,
            true,
            "A@1000 1201; S[1000,1010)=1201 !; Z[1010..1120)x11 !",
        ),
        live(
            "24 traffic stops dead, 136 idle seconds",
            dead(136),
            1000,
            true,
            "A@1000 1201; S[1000,1010)=1201 !; Z[1010..1120)x11 !; R@1120 0 (1000, 120, 1201@1000)",
        ),
        live(
            "25 a lull, then traffic: the same bytes as the finished file",
            lull,
            1000,
            false,
            "A@1000 1201; S[1000,1010)=1201 !; Z[1010..1120)x11 !; R@1120 0 (1000, 120, 1201@1000); \
             S[1120,1130)=0; S[1130,1200)=0; S[1200,1210)=1; S[1210,1220)=1 p",
        ),
        live(
            "31 the first record's clock is far ahead, the next is right",
            vec![Step::Bytes(records("4102444800 1600000000"))],
            1_600_000_000,
            false,
            "S[4102444800,4102444810)=1 p; S[1600000000,1600000010)=1 p",
        ),
    ]
}

// ---- the two that are held against them -------------------------------------

/// Runs a program: arguments, steps, wall clock, whether the input stays open.
type Program = fn(&[&str], &[Step], i64, bool) -> Vec<String>;

fn the_filter(arguments: &[&str], steps: &[Step], wall: i64, is_open: bool) -> Vec<String> {
    run_until(arguments, steps, wall, is_open).events
}

fn the_model(arguments: &[&str], steps: &[Step], wall: i64, is_open: bool) -> Vec<String> {
    let mut options = model::Options::default();
    let limit = |text: &str| (text != "off").then(|| model::Threshold::at(text));
    for pair in arguments.chunks(2) {
        match pair {
            ["-t", rate] => options.threshold = limit(rate),
            ["-r", rate] => {
                options.threshold.as_mut().expect("a threshold").recovery = Some((*rate).to_owned());
            }
            ["-e", percent] => options.error_threshold = limit(percent),
            ["--low-threshold", rate] => options.low_threshold = limit(rate),
            ["-w", window] => options.window = window.parse().expect("seconds"),
            ["-i", interval] => options.interval = interval.parse().expect("seconds"),
            other => panic!("an option that no example has: {other:?}"),
        }
    }
    let steps: Vec<model::Step> = steps.iter().map(common::Step::clone).map(model_step).collect();
    model::run_until(&options, &steps, wall, is_open).events
}

fn model_step(step: Step) -> model::Step {
    match step {
        Step::Bytes(bytes) => model::Step::Bytes(bytes),
        Step::Idle(seconds) => model::Step::Idle(seconds),
        Step::Wall(wall) => model::Step::Wall(wall),
    }
}

fn assert_gives_the_examples(program: Program) {
    let mut wrong: Vec<String> = Vec::new();
    for Example { name, arguments, steps, wall, is_open, output } in examples() {
        let interval = if arguments.contains(&"-i") { 7 } else { 10 };
        let found = notation(&program(arguments, &steps, wall, is_open), interval);
        // The output is the same when the input comes byte by byte.
        let bytes = steps.iter().flat_map(|step| match step {
            Step::Bytes(bytes) => bytes.iter().map(|&byte| Step::Bytes(vec![byte])).collect(),
            other => vec![other.clone()],
        });
        let again = program(arguments, &bytes.collect::<Vec<_>>(), wall, is_open);
        let again = notation(&again, interval);
        if found != output || again != output {
            wrong.push(format!("{name}\n  right:        {output}\n  found:        {found}"));
            if again != found {
                wrong.push(format!("  byte by byte: {again}"));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// Example 32: two servers of 100 requests a second each, in blocks of 100
/// lines, the second one `apart` seconds ahead.
fn assert_hears_both_of_two_servers(program: Program, apart: i64, kind: &str) {
    let start = 1_600_000_000;
    let mut steps = Vec::new();
    for second in start..start + 60 {
        steps.push(Step::Wall(second));
        steps.push(Step::Bytes(records(&format!("{second}*100 {}*100", second + apart))));
    }
    let events = program(&[], &steps, start, false);
    let events: Vec<Value> = events.iter().map(|event| serde_json::from_str(event).expect("JSON")).collect();
    let summaries: Vec<&Value> = events.iter().filter(|event| event["type"] == "summary").collect();
    let sum = |field: &str| -> u64 { summaries.iter().filter_map(|event| event[field].as_u64()).sum() };
    assert!(summaries.is_sorted_by_key(|event| event["start"].to_string()), "time went back");
    assert_eq!((sum("requests"), sum(kind)), (12_000, 6_000), "{apart} s apart");
    assert_eq!(events.iter().filter(|event| event["type"] == "alert").count(), 1, "{apart} s apart");
    assert_eq!(events.iter().filter(|event| event["type"] == "recovery").count(), 0, "{apart} s apart");
}

#[test]
fn the_model_gives_the_worked_examples() {
    assert_gives_the_examples(the_model);
    assert_hears_both_of_two_servers(the_model, -130, "late");
    assert_hears_both_of_two_servers(the_model, 40, "future");
}

#[test]
fn the_filter_gives_the_worked_examples() {
    assert_gives_the_examples(the_filter);
    assert_hears_both_of_two_servers(the_filter, -130, "late");
    assert_hears_both_of_two_servers(the_filter, 40, "future");
}
