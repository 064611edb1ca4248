//! The whole filter against the brute-force model: the same bytes.

#![no_main]

#[allow(dead_code, unused_imports, unreachable_pub)]
#[path = "../../model/mod.rs"]
mod model;

use httpmon_fuzz::{Case, Step, run};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let mut case = Case::decode(data);
    // The model looks at every second that the alert's window holds.
    case.window = case.window.min(600);
    let options = model::Options {
        threshold: Some(model::Threshold {
            limit: case.threshold.to_owned(),
            recovery: case.recovery.map(str::to_owned),
        }),
        interval: case.interval,
        window: case.window,
        lateness: case.lateness,
        idle_timeout: case.idle_timeout,
        top: case.top,
        columns: case.columns.map(str::to_owned),
        delimiter: case.delimiter,
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
