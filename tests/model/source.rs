//! SPEC section 6: each source has its own columns, delimiter, event clock,
//! windows, alert and events. What it does with time is in `time.rs`, what it
//! counts and writes in `windows.rs` and `event.rs`.

use std::collections::BTreeMap;

use super::Settings;
use super::columns::{Columns, Layout, Reading, Request};

/// How a request came to be counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Accepted,
    Late,
    Future,
}

/// A request in the window that it is counted in.
#[derive(Clone, Debug)]
pub(crate) struct Counted {
    pub(crate) request: Request,
    pub(crate) kind: Kind,
    /// Its section came when there were too many: it goes to `sections_other`.
    pub(crate) section_is_capped: bool,
    /// Its host came when there were too many: it goes to `hosts_other`.
    pub(crate) host_is_capped: bool,
}

/// Which side a suspect is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Forward,
    Backward,
}

/// An alert that has not recovered.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Alert {
    pub(crate) since: i64,
    pub(crate) peak: u64,
    pub(crate) peak_time: i64,
}

/// One run of time: everything that a step back forgets.
#[derive(Debug, Default)]
pub(crate) struct Run {
    /// A record has been accepted.
    pub(crate) started: bool,
    /// `S`, the greatest accepted time.
    pub(crate) stream_time: i64,
    /// `E`, the event clock.
    pub(crate) clock: i64,
    /// The least accepted time.
    pub(crate) least: i64,
    /// The last second that has been closed.
    pub(crate) closed: i64,
    /// The suspects, in order of arrival, all on one side.
    pub(crate) held: Vec<(Side, Request)>,

    /// The known requests of the rate: how many at each second.
    pub(crate) seconds: BTreeMap<i64, u64>,
    pub(crate) alert: Option<Alert>,

    /// The requests of each open window that has some, by its start.
    pub(crate) windows: BTreeMap<i64, Vec<Counted>>,
    /// How often each section, each host stands in them, capped ones aside.
    pub(crate) known_sections: BTreeMap<String, u64>,
    pub(crate) known_hosts: BTreeMap<String, u64>,
    /// A window with requests has been written.
    pub(crate) window_written: bool,
    /// Empty windows written singly since the last one with requests.
    pub(crate) empty_written: u32,
    /// The rest of a gap, closed and not yet written: start and end.
    pub(crate) gap: Option<(i64, i64)>,
}

/// One source.
#[derive(Debug)]
pub(crate) struct Source {
    pub(crate) name: String,
    pub(crate) settings: Settings,
    layout: Layout,
    pub(crate) run: Run,
    /// Since the previous summary.
    pub(crate) malformed: u64,
    /// Since the previous summary.
    pub(crate) skipped: u64,

    /// Seconds of silence since its last line.
    pub(crate) idle: i64,
    /// `E` at its last line; none if nothing had been accepted.
    pub(crate) clock_at_last_line: Option<i64>,
    /// The wall clock at its last line.
    pub(crate) wall_at_last_line: i64,

    /// Written and not yet taken over.
    pub(crate) events: Vec<String>,
    /// Counted late and not yet taken over.
    pub(crate) late: u64,
}

impl Source {
    pub(crate) fn new(name: String, settings: Settings) -> Self {
        let layout = Layout::new(settings.columns.clone(), settings.delimiter, settings.zone.clone());
        Self {
            name,
            settings,
            layout,
            run: Run::default(),
            malformed: 0,
            skipped: 0,
            idle: 0,
            clock_at_last_line: None,
            wall_at_last_line: 0,
            events: Vec::new(),
            late: 0,
        }
    }

    /// Reads a line that is not blank.
    pub(crate) fn read_line(&mut self, line: &[u8]) -> Reading {
        self.layout.read(line)
    }

    pub(crate) fn columns(&self) -> &Columns {
        self.layout.columns()
    }
}
