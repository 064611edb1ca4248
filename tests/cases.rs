//! Runs the cases in `tests/cases`. Each is a directory:
//!
//! - `args`: the arguments, one per line; none without this file,
//! - `input`: standard input; or `from`: the name of a log in `tests/data`,
//! - `expected`, `stderr`, `status`: the expected output and exit status,
//! - `rejects`: the expected content of that file, if the case writes one.
//!
//! `HTTPMON_BLESS=1 cargo test --test cases` stores what the program writes
//! now. Check the difference before you commit it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const HTTPMON: &str = env!("CARGO_BIN_EXE_httpmon");

fn tests() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests")
}

fn lines_of(path: &Path) -> Vec<String> {
    fs::read_to_string(path).unwrap_or_default().lines().map(str::to_owned).collect()
}

/// What a case wrote: file names with their bytes.
type Written = Vec<(&'static str, Vec<u8>)>;

/// Runs the program for a case, in a directory of its own.
fn run(case: &Path) -> Written {
    let name = case.file_name().expect("a name");
    let place = Path::new(env!("CARGO_TARGET_TMPDIR")).join("cases").join(name);
    match fs::remove_dir_all(&place) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => panic!("{}: {error}", place.display()),
        _ => fs::create_dir_all(&place).expect("a directory for the case"),
    }
    let from = lines_of(&case.join("from"));
    let input = from.first().map_or(case.join("input"), |log| tests().join("data").join(log));
    let stdin = fs::File::open(&input).unwrap_or_else(|error| panic!("{}: {error}", input.display()));
    let output = Command::new(HTTPMON)
        .args(lines_of(&case.join("args")))
        .current_dir(&place)
        .stdin(Stdio::from(stdin))
        .output()
        .expect("the program runs");
    let status = output.status.code().expect("no case ends by a signal");
    let mut given = vec![
        ("expected", output.stdout),
        ("stderr", output.stderr),
        ("status", format!("{status}\n").into_bytes()),
    ];
    if let Ok(rejects) = fs::read(place.join("rejects")) {
        given.push(("rejects", rejects));
    }
    given
}

/// The first difference of two texts, for the error message.
fn difference(expected: &[u8], given: &[u8]) -> String {
    let (expected, given) = (String::from_utf8_lossy(expected), String::from_utf8_lossy(given));
    let (mut expected, mut given) = (expected.split('\n'), given.split('\n'));
    let mut line = 1;
    loop {
        match (expected.next(), given.next()) {
            (None, None) => return "they differ in bytes that aren't UTF-8".to_owned(),
            (one, other) if one == other => line += 1,
            (one, other) => {
                let [one, other] = [one, other].map(|text| text.unwrap_or("(the end)"));
                return format!("line {line}\n  expected: {one}\n  given:    {other}");
            }
        }
    }
}

#[test]
fn every_case_gives_what_is_written_down() {
    let bless = std::env::var_os("HTTPMON_BLESS").is_some();
    let mut cases: Vec<PathBuf> = fs::read_dir(tests().join("cases"))
        .expect("the directory of cases")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    cases.sort();
    assert!(!cases.is_empty());
    let mut problems = Vec::new();
    for case in &cases {
        let name = case.file_name().expect("a name").to_string_lossy();
        let given = run(case);
        for file in ["expected", "stderr", "status", "rejects"] {
            let path = case.join(file);
            let now = given.iter().find(|(name, _)| *name == file).map(|(_, bytes)| bytes);
            if let (true, Some(now)) = (bless, now) {
                fs::write(&path, now).expect("the case can be written");
            }
            match (fs::read(&path).ok(), now) {
                (None, None) => {}
                (Some(expected), Some(now)) if expected == *now => {}
                (Some(expected), Some(now)) => {
                    problems.push(format!("{name}: {file}: {}", difference(&expected, now)));
                }
                (None, Some(_)) => problems.push(format!("{name}: {file}: not written down")),
                (Some(_), None) => problems.push(format!("{name}: {file}: nothing was written")),
            }
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[test]
fn every_log_of_the_tests_is_the_input_of_a_case_or_part_of_one() {
    let cases = fs::read_dir(tests().join("cases")).expect("the directory of cases");
    let used: Vec<String> =
        cases.flat_map(|case| lines_of(&case.expect("an entry").path().join("from"))).collect();
    for log in fs::read_dir(tests().join("data")).expect("the directory of logs") {
        let log = log.expect("an entry").file_name().to_string_lossy().into_owned();
        // These two are read by one case.
        if log != "web1.csv" && log != "web2.csv" {
            assert!(used.contains(&log), "no case reads {log}");
        }
    }
}
