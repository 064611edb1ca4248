//! `httpmon`: argv -> cli -> input, monitor -> exit status.
//!
//! Only this file exits and uses standard input and output.

use std::fs::OpenOptions;
use std::io::{self, IsTerminal, Write};
use std::os::fd::AsFd;
use std::process::ExitCode;

use httpmon::cli::{self, Command, Options};
use httpmon::monitor::{Failure, Monitor, Outcome, Outputs};
use httpmon::options;
use httpmon::read::input::{self, Incoming, Input};
use httpmon::time::Moment;
use httpmon::write::output::Output;
use httpmon::write::rejects::Rejects;

const UNREADABLE: u8 = 1;
const FAILED: u8 = 2;

fn main() -> ExitCode {
    match cli::parse(std::env::args_os().skip(1)) {
        Ok(Command::Help) => print(&options::help()),
        Ok(Command::Version) => print(&options::version()),
        Ok(Command::Run(options)) => run(*options),
        Err(error) => fail(format_args!("{error} (see httpmon --help)")),
    }
}

fn run(options: Options) -> ExitCode {
    if io::stdin().is_terminal() {
        let _ = io::stderr().write_all(options::usage().as_bytes());
        return ExitCode::from(FAILED);
    }
    let (mut input, mut monitor) = match open(options) {
        Ok(opened) => opened,
        Err(sentence) => return fail(sentence),
    };
    let (end, now) = loop {
        let (incoming, now) = input.wait(monitor.hears_silence());
        let done = match incoming {
            Incoming::Bytes(piece) => monitor.read(piece, now),
            Incoming::Empty => monitor.listen(now),
            Incoming::End => break (End::Input, now),
            Incoming::Signal(signal) => break (End::Signal(signal), now),
            Incoming::Failed(error) => break (End::ReadError(error), now),
        };
        if let Err(failure) = done {
            return give_up(failure, &mut monitor, now);
        }
    };
    let outcome = match monitor.end(now) {
        Ok(outcome) => outcome,
        Err(failure) => return give_up(failure, &mut monitor, now),
    };
    match (end, outcome) {
        (End::Signal(signal), _) => match input::die_of(signal) {
            Ok(status) => status,
            Err(error) => fail(format_args!("signal {signal}: {error}")),
        },
        (End::ReadError(error), _) => {
            monitor.fail(format_args!("standard input: {error}"));
            ExitCode::from(FAILED)
        }
        (End::Input, Outcome::Readable) => ExitCode::SUCCESS,
        (End::Input, Outcome::Unreadable) => ExitCode::from(UNREADABLE),
    }
}

/// Why reading ended.
enum End {
    Input,
    Signal(i32),
    ReadError(io::Error),
}

fn open(options: Options) -> Result<(Input, Monitor<'static>), String> {
    let rejects = match &options.rejects {
        None => None,
        Some(path) => {
            let file = OpenOptions::new().append(true).create(true).open(path);
            let file = file.and_then(|file| Ok((file.metadata()?, file)));
            let (metadata, file) = file.map_err(|error| {
                let path = path.as_os_str().as_encoded_bytes().escape_ascii();
                format!("--rejects: {error}: \"{path}\"")
            })?;
            let length = if metadata.is_file() { metadata.len() } else { 0 };
            let room = options.rejects_max.map(|most| most.saturating_sub(length));
            Some(Rejects { out: Box::new(Output::from(file)), room })
        }
    };
    let input = io::stdin().as_fd().try_clone_to_owned().and_then(|stdin| Input::new(stdin.into()));
    let input = input.map_err(|error| format!("standard input: {error}"))?;
    let events = Output::of(io::stdout()).map_err(|error| format!("standard output: {error}"))?;
    let outputs = Outputs {
        events: Box::new(events),
        diagnostics: Box::new(io::stderr()),
        rejects,
        is_quiet: options.is_quiet,
    };
    Ok((input, Monitor::new(options.settings, &options.source, outputs)))
}

/// The exit status after an output failed. A closed pipe is success: the reader
/// has enough.
fn give_up(failure: Failure, monitor: &mut Monitor<'_>, now: Moment) -> ExitCode {
    match failure {
        Failure::Events(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Failure::Events(error) => {
            monitor.fail(format_args!("standard output: {error}"));
            ExitCode::from(FAILED)
        }
        Failure::Rejects(error) => {
            // Still write the events of what was read.
            let _ = monitor.end(now);
            monitor.fail(format_args!("--rejects: {error}"));
            ExitCode::from(FAILED)
        }
    }
}

fn print(text: &str) -> ExitCode {
    match Output::of(io::stdout()).and_then(|mut output| output.write_all(text.as_bytes())) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => fail(format_args!("standard output: {error}")),
    }
}

fn fail(sentence: impl std::fmt::Display) -> ExitCode {
    let _ = io::stderr().write_all(format!("httpmon: {sentence}\n").as_bytes());
    ExitCode::from(FAILED)
}
