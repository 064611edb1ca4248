//! The whole filter against the brute-force model: the same bytes.

#![no_main]

#[allow(dead_code, unused_imports, unreachable_pub)]
#[path = "../../model/mod.rs"]
mod model;

use httpmon_fuzz::{Case, Limit, Step, run};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let mut case = Case::decode(data);
    // The model looks at every second that the alert's window holds.
    case.window = case.window.min(600);
    let threshold = |(limit, recovery): Limit| model::Threshold {
        limit: limit.to_owned(),
        recovery: recovery.map(str::to_owned),
    };
    let options = model::Options {
        threshold: Some(model::Threshold {
            limit: case.threshold.to_owned(),
            recovery: case.recovery.map(str::to_owned),
        }),
        low_threshold: case.low.map(threshold),
        error_threshold: case.errors.map(threshold),
        slow_threshold: case.slow_requests.map(threshold),
        slow: case.slow.to_owned(),
        min_count: case.min_count,
        interval: case.interval,
        window: case.window,
        lateness: case.lateness,
        idle_timeout: case.idle_timeout,
        top: case.top,
        columns: case.columns.map(str::to_owned),
        delimiter: case.delimiter,
        time_format: case.time_format.map(str::to_owned),
        zone: case.zone.map(str::to_owned),
        ..model::Options::default()
    };
    let steps: Vec<model::Step> = case
        .steps
        .iter()
        .map(|step| match step {
            Step::Bytes(bytes) => model::Step::Bytes(bytes.clone()),
            Step::Idle(seconds) => model::Step::Idle(*seconds),
            Step::Wall(wall) => model::Step::Wall(*wall),
        })
        .collect();
    let expected = model::run(&options, &steps, case.wall);
    let found = run(&case, &case.steps);
    let input = || format!("{:?}, {}", case.arguments(), case.input().escape_ascii());
    for (found, expected) in found.events.iter().zip(&expected.events) {
        assert_eq!(found, expected, "{}", input());
    }
    assert_eq!(found.events.len(), expected.events.len(), "{}", input());
    assert_eq!(found.rejects, expected.rejects, "{}", input());
});
