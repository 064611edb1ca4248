//! The filter in process, with injected time.

use std::cell::RefCell;
use std::ffi::OsString;
use std::io::{self, Write};
use std::rc::Rc;
use std::time::Duration;

use httpmon::cli;
use httpmon::monitor::{Monitor, Outcome, Outputs};
use httpmon::source::Moment;
use httpmon::write::rejects::Rejects;

/// One step of an input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// A piece of the input.
    Bytes(Vec<u8>),
    /// This many seconds of silence.
    Idle(i64),
    /// Sets the wall clock.
    Wall(i64),
}

/// The output of the filter.
#[derive(Clone, Debug)]
pub struct Ran {
    pub events: Vec<String>,
    pub diagnostics: String,
    /// The diagnostics of a first time in 1970, kept apart: most tests use
    /// small numbers as times.
    pub of_1970: Vec<String>,
    pub rejects: Vec<u8>,
    pub outcome: Outcome,
}

#[derive(Clone, Default)]
struct Sink(Rc<RefCell<Vec<u8>>>);

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Runs the filter in process over `steps`. The wall clock starts at `wall`,
/// advances during idle steps, and can be set. With `is_open` the input doesn't
/// end.
pub fn run_until(
    arguments: impl IntoIterator<Item = impl Into<OsString>>,
    steps: &[Step],
    mut wall: i64,
    is_open: bool,
) -> Ran {
    let options = match cli::parse(arguments.into_iter().map(Into::into)) {
        Ok(cli::Command::Run(options)) => options,
        other => panic!("not a command to run: {other:?}"),
    };
    let (events, diagnostics, rejects) = (Sink::default(), Sink::default(), Sink::default());
    let outputs = Outputs {
        events: Box::new(events.clone()),
        diagnostics: Box::new(diagnostics.clone()),
        rejects: Some(Rejects { out: Box::new(rejects.clone()), room: options.rejects_max }),
        is_quiet: options.is_quiet,
    };
    let mut monitor = Monitor::new(options.settings, &options.source, outputs);
    let mut listened = Duration::ZERO;
    for step in steps {
        match step {
            Step::Bytes(piece) => monitor.read(piece, Moment { wall, listened }).expect("a sink takes all"),
            Step::Wall(set) => wall = *set,
            Step::Idle(seconds) => {
                for _ in 0..*seconds {
                    wall += 1;
                    listened += Duration::from_secs(1);
                    monitor.listen(Moment { wall, listened }).expect("a sink takes all");
                }
            }
        }
    }
    let outcome = if is_open {
        Outcome::Readable
    } else {
        monitor.end(Moment { wall, listened }).expect("a sink takes all")
    };
    drop(monitor);
    let text = |sink: Sink| String::from_utf8(sink.0.take()).expect("UTF-8");
    let events = text(events);
    assert!(events.is_empty() || events.ends_with('\n'), "an event is cut: {events:?}");
    let (of_1970, diagnostics): (Vec<String>, Vec<String>) = text(diagnostics)
        .split_inclusive('\n')
        .map(str::to_owned)
        .partition(|line| line.contains(" in 1970: "));
    Ran {
        events: events.lines().map(str::to_owned).collect(),
        diagnostics: diagnostics.concat(),
        of_1970,
        rejects: rejects.0.take(),
        outcome,
    }
}
