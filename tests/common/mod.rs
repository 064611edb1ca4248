//! Helpers shared by the tests: the filter in process with injected time, and
//! the program itself.

#![allow(dead_code, unreachable_pub, unused_imports, reason = "each test program uses a part of it")]

mod in_process;
mod random;

use std::io::Write;
use std::process::{Command, Stdio};

pub use in_process::{Ran, Step, run_until};
pub use random::Random;

/// A wall clock long after the times of every old log.
pub const TODAY: i64 = 1_795_000_000;

/// Runs the filter in process to the end of its input.
pub fn run(arguments: &[&str], steps: &[Step], wall: i64) -> Ran {
    run_until(arguments, steps, wall, false)
}

/// Runs the filter in process over an input that stays open.
pub fn run_open(arguments: &[&str], steps: &[Step], wall: i64) -> Ran {
    run_until(arguments, steps, wall, true)
}

/// Runs the filter in process over one piece of input.
pub fn filter(arguments: &[&str], input: impl AsRef<[u8]>) -> Ran {
    run(arguments, &[Step::Bytes(input.as_ref().to_vec())], TODAY)
}

/// A record of the seven-column log.
pub fn record(second: i64) -> String {
    format!("\"10.0.0.1\",\"-\",\"apache\",{second},\"GET /api/user HTTP/1.0\",200,1234\n")
}

/// The path of the program.
pub const HTTPMON: &str = env!("CARGO_BIN_EXE_httpmon");

/// The program with pipes for its standard streams.
pub fn program(arguments: &[&str]) -> Command {
    let mut command = Command::new(HTTPMON);
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// The output and the exit status of the program.
pub struct Finished {
    pub stdout: String,
    pub stderr: String,
    pub status: Option<i32>,
}

/// `stderr` without the diagnostics of a first time in 1970.
pub fn without_1970(stderr: &str) -> String {
    stderr.split_inclusive('\n').filter(|line| !line.contains("the time is in 1970")).collect()
}

/// Runs the program over `input`.
pub fn run_program(arguments: &[&str], input: &[u8]) -> Finished {
    let mut child = program(arguments).spawn().expect("the program starts");
    let mut stdin = child.stdin.take().expect("a pipe");
    let input = input.to_vec();
    let writer = std::thread::spawn(move || {
        // The program may end without reading everything.
        let _ = stdin.write_all(&input);
    });
    let output = child.wait_with_output().expect("the program ends");
    writer.join().expect("the writer ends");
    Finished {
        stdout: String::from_utf8(output.stdout).expect("UTF-8"),
        stderr: without_1970(&String::from_utf8(output.stderr).expect("UTF-8")),
        status: output.status.code(),
    }
}
