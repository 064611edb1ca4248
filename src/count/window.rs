//! Tumbling windows: counts the requests of each window and finishes it as a
//! summary. Decides when an empty window gets a summary of its own and when a
//! gap becomes one summary.
//!
//! The caller decides which seconds are closed.

use std::collections::VecDeque;

use crate::count::latency::Latencies;
use crate::count::tally::Tally;
use crate::count::{METHODS, Request};

/// After a window with requests, this many empty windows get a summary each.
/// The rest of the gap is one summary.
const SINGLES: u32 = 12;

/// How a request came into a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrival {
    /// The request came in time and is counted at its own second.
    OnTime,
    /// Its second was closed already.
    Late,
    /// Its time is far ahead of the log's, and nothing confirmed it.
    Future,
}

/// A finished window, or the rest of a gap without requests.
#[derive(Debug)]
pub struct Summary {
    /// The first second.
    pub start: i64,
    /// The first second after it.
    pub end: i64,
    /// Whether it starts before the run's earliest request, or the input ended
    /// (or time restarted) before its last second.
    pub partial: bool,
    /// Requests by status, ascending, without zeros.
    pub status_codes: Vec<(u16, u64)>,
    /// The counts.
    pub window: Box<Window>,
}

/// What the next summary will cover.
#[derive(Clone, Copy, Debug)]
enum Due {
    /// A window with requests.
    Requests { start: i64 },
    /// One empty window.
    Single { start: i64 },
    /// The rest of a gap, up to a window with requests, or to the end of one
    /// with malformed lines.
    Gap { start: i64, end: i64 },
    /// Nothing until another request comes.
    Nothing,
}

/// How many names each window counts separately.
#[derive(Clone, Copy, Debug)]
struct Caps {
    sections: usize,
    hosts: usize,
}

/// The tumbling windows of one run of time.
#[derive(Debug)]
pub struct Windows {
    /// Length of a window, in seconds.
    interval: i64,
    /// A request that takes longer is slow, in nanoseconds.
    slow: u64,
    caps: Caps,
    /// The unfinished windows with requests, in order of time.
    open: VecDeque<Box<Window>>,
    /// The index in `open` of the last request's window.
    last: usize,
    /// The first second that no summary covers yet; `None` before the first
    /// summary.
    covered: Option<i64>,
    /// How many empty windows were finished since the last one with requests.
    singles: u32,
    /// The starts of windows with malformed lines that no summary covers yet.
    marked: VecDeque<i64>,
    statuses: Statuses,
    /// A cleared window, for reuse of its memory.
    spare: Option<Box<Window>>,
}

impl Windows {
    /// No windows yet. They are `interval` seconds long, records may be
    /// `lateness` seconds out of order, and a request that takes longer than
    /// `slow` nanoseconds is slow.
    #[must_use]
    pub fn new(interval: i64, lateness: i64, slow: u64) -> Windows {
        // All windows that can be open at once share 200,000 hosts.
        let shares = lateness.unsigned_abs().div_ceil(interval.unsigned_abs()) + 1;
        let hosts = usize::try_from(200_000 / shares).unwrap_or(0).clamp(1_000, 100_000);
        Windows {
            interval,
            slow,
            caps: Caps { sections: hosts / 10, hosts },
            open: VecDeque::new(),
            last: 0,
            covered: None,
            singles: 0,
            marked: VecDeque::new(),
            statuses: Statuses::new(),
            spare: None,
        }
    }

    /// A request that takes longer is slow, in nanoseconds.
    #[must_use]
    #[inline(always)]
    pub fn slow(&self) -> u64 {
        self.slow
    }

    /// Counts a request in the window of `second`, which must not be finished.
    /// Returns whether it is the window's first request.
    #[inline(always)]
    pub fn count(&mut self, second: i64, request: Request<'_>, arrival: Arrival) -> bool {
        let interval = self.interval;
        let holds = |window: &Window| (0..interval).contains(&(second - window.start));
        if let Some(window) = self.open.get_mut(self.last)
            && holds(window)
        {
            return window.count(request, arrival, &mut self.statuses, self.slow);
        }
        self.count_elsewhere(second, request, arrival)
    }

    /// Does the same for another window than the last request's.
    #[inline(never)]
    fn count_elsewhere(&mut self, second: i64, request: Request<'_>, arrival: Arrival) -> bool {
        self.last = self.index_of(second);
        self.open[self.last].count(request, arrival, &mut self.statuses, self.slow)
    }

    /// Notes a malformed line in the window of `second`. If the window lies in
    /// a gap, a summary ends with it.
    pub fn mark_malformed(&mut self, second: i64) {
        let start = self.start_of(second);
        if self.marked.back() != Some(&start) {
            self.marked.push_back(start);
        }
    }

    /// The second that must be closed to finish the next summary. It may be
    /// closed already if a request has just ended a gap.
    #[must_use]
    pub fn next_due(&self) -> i64 {
        match self.due() {
            Due::Requests { start } | Due::Single { start } => start + self.interval - 1,
            Due::Gap { end, .. } => end - 1,
            Due::Nothing => i64::MAX,
        }
    }

    /// Finishes the next summary. `earliest` is the least accepted time of the
    /// run.
    pub fn finish_due(&mut self, earliest: i64) -> Option<Summary> {
        match self.due() {
            Due::Requests { start } => self.finish_first(start < earliest),
            Due::Single { start } => {
                self.singles += 1;
                Some(self.finish_empty(start, start + self.interval, false))
            }
            Due::Gap { start, end } => Some(self.finish_empty(start, end, false)),
            Due::Nothing => None,
        }
    }

    fn due(&self) -> Due {
        let first = self.open.front().map(|window| window.start);
        match (self.covered, first) {
            (None, Some(start)) => Due::Requests { start },
            (Some(covered), Some(start)) if start == covered => Due::Requests { start },
            (Some(start), _) if self.singles < SINGLES => Due::Single { start },
            (Some(start), first) => {
                let marked = self.marked.front().map(|marked| marked + self.interval);
                // The gap ends with whichever comes first.
                match first.into_iter().chain(marked).min() {
                    Some(end) => Due::Gap { start, end },
                    None => Due::Nothing,
                }
            }
            (None, None) => Due::Nothing,
        }
    }

    /// If the window of `second` lies in a gap, ends the gap's summary at the
    /// start of that window.
    pub fn split_gap(&mut self, second: i64) -> Option<Summary> {
        let start = self.start_of(second);
        let covered = self.covered.filter(|&covered| covered < start)?;
        Some(self.finish_empty(covered, start, false))
    }

    /// Finishes the open window at the end of a run; it may be empty. Every
    /// second up to `closed` is closed, and everything due was finished.
    pub fn drain(&mut self, closed: i64) -> Summary {
        let start = self.start_of(closed + 1);
        let drained = self.finish_first(true);
        debug_assert!(self.open.is_empty(), "a window ends after the last second that is closed");
        drained.unwrap_or_else(|| self.finish_empty(start, start + self.interval, true))
    }

    /// Keeps the memory of a written summary for the next window.
    pub fn recycle(&mut self, summary: Summary) {
        let mut window = summary.window;
        window.clear();
        self.spare = Some(window);
    }

    fn start_of(&self, second: i64) -> i64 {
        second - second.rem_euclid(self.interval)
    }

    /// The index in `open` of the window that holds `second`, which is created
    /// if it is missing.
    fn index_of(&mut self, second: i64) -> usize {
        let start = self.start_of(second);
        let index = self.open.partition_point(|window| window.start < start);
        if self.open.get(index).is_none_or(|window| window.start != start) {
            let window = self.new_window(start);
            self.open.insert(index, window);
        }
        index
    }

    fn new_window(&mut self, start: i64) -> Box<Window> {
        let caps = self.caps;
        let mut window = self.spare.take().unwrap_or_else(|| Box::new(Window::new(caps)));
        window.start = start;
        window
    }

    fn finish_first(&mut self, partial: bool) -> Option<Summary> {
        let window = self.open.pop_front()?;
        self.last = 0;
        self.singles = 0;
        Some(self.finish(window.start + self.interval, partial, window))
    }

    fn finish_empty(&mut self, start: i64, end: i64, partial: bool) -> Summary {
        let window = self.new_window(start);
        self.finish(end, partial, window)
    }

    fn finish(&mut self, end: i64, partial: bool, window: Box<Window>) -> Summary {
        self.covered = Some(end);
        while self.marked.front().is_some_and(|&marked| marked < end) {
            self.marked.pop_front();
        }
        let status_codes = self.statuses.list(&window.statuses);
        Summary { start: window.start, end, partial, status_codes, window }
    }
}

/// The counts of one tumbling window.
#[derive(Debug, Default)]
pub struct Window {
    start: i64,
    /// All requests, including late and future ones.
    pub requests: u64,
    /// Requests that came after their second was closed.
    pub late: u64,
    /// Requests whose time is far ahead of the log's.
    pub future: u64,
    /// Bytes sent; saturates at 2^64-1.
    pub bytes: u64,
    /// Requests by status, indexed by [`Statuses::column`].
    statuses: Vec<u64>,
    /// Requests by method, in the order of [`METHODS`].
    pub methods: [u64; METHODS.len()],
    /// Latencies.
    pub latencies: Latencies,
    /// Requests by section.
    pub sections: Tally,
    /// Requests by host.
    pub hosts: Tally,
}

impl Window {
    fn new(caps: Caps) -> Window {
        Window {
            sections: Tally::with_cap(caps.sections),
            hosts: Tally::with_cap(caps.hosts),
            ..Window::default()
        }
    }

    #[inline(always)]
    fn count(&mut self, request: Request<'_>, arrival: Arrival, statuses: &mut Statuses, slow: u64) -> bool {
        self.requests += 1;
        match arrival {
            Arrival::OnTime => {}
            Arrival::Late => self.late += 1,
            Arrival::Future => self.future += 1,
        }
        self.bytes = self.bytes.saturating_add(request.bytes);
        if let Some(status) = request.status {
            let column = statuses.column(status);
            if column >= self.statuses.len() {
                self.statuses.resize(column + 1, 0);
            }
            self.statuses[column] += 1;
        }
        self.methods[request.method.index()] += 1;
        if let Some(latency) = request.latency {
            self.latencies.count(latency, latency > slow);
        }
        let server_errors = u64::from(request.is_server_error());
        self.sections.count(request.section, server_errors, request.bytes);
        self.hosts.count(request.host, server_errors, request.bytes);
        self.requests == 1
    }

    fn clear(&mut self) {
        let Window { start, requests, late, future, bytes, statuses, methods, latencies, sections, hosts } =
            self;
        *start = 0;
        for number in [requests, late, future, bytes] {
            *number = 0;
        }
        statuses.clear();
        methods.fill(0);
        latencies.clear();
        sections.clear();
        hosts.clear();
    }
}

/// Gives each status that occurs a small index (its column), the same in every
/// window.
///
/// The table is indexed by the status itself, because a search would
/// mispredict.
#[derive(Debug)]
struct Statuses {
    /// The column of each status, or [`Statuses::NONE`].
    columns: Vec<u16>,
    /// The status of each column.
    statuses: Vec<u16>,
}

impl Statuses {
    /// Marks a status without a column.
    const NONE: u16 = u16::MAX;

    fn new() -> Statuses {
        Statuses { columns: vec![Statuses::NONE; 1000], statuses: Vec::new() }
    }

    /// The column of a status, 0 to 999.
    #[inline(always)]
    fn column(&mut self, status: u16) -> usize {
        let column = &mut self.columns[usize::from(status)];
        if *column == Statuses::NONE {
            *column = u16::try_from(self.statuses.len()).unwrap_or(Statuses::NONE);
            self.statuses.push(status);
        }
        usize::from(*column)
    }

    /// The statuses that occur with their requests, ascending.
    fn list(&self, requests: &[u64]) -> Vec<(u16, u64)> {
        let pairs = self.statuses.iter().copied().zip(requests.iter().copied());
        let mut codes: Vec<_> = pairs.filter(|&(_, requests)| requests > 0).collect();
        codes.sort_unstable();
        codes
    }
}
