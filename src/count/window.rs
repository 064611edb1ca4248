//! Tumbling windows: what is counted of the requests of each, and when which
//! one is written. When a second is closed is decided elsewhere.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::collections::VecDeque;

use crate::count::names::{NameId, Names, WindowKey};
use crate::count::{METHODS, Request};
use crate::read::columns::Columns;
use crate::write::event::{self, Event, Methods, Second, StatusClasses, StatusCodes};
use crate::write::ndjson::Events;

/// Exactly counted sections over all open windows.
pub const MAX_SECTIONS: usize = 10_000;
/// Exactly counted hosts over all open windows.
pub const MAX_HOSTS: usize = 100_000;
/// Empty windows in a row that get a summary each.
const SINGLES: u32 = 12;

/// How a request came to be counted in a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrival {
    /// By its own time.
    OnTime,
    /// After its second was closed.
    Late,
    /// With a time ahead of everything else.
    Future,
}

/// Lines that are no requests, since the previous summary.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OtherLines {
    /// Malformed lines.
    pub malformed: u64,
    /// Blank lines, headers and `==>` lines.
    pub skipped: u64,
}

/// What a summary needs that isn't counted in its window, and where it goes.
#[derive(Debug)]
pub struct Outlet<'a, 'w> {
    /// The name of the source.
    pub source: &'a str,
    /// The columns as they are now: what they lack is `null`.
    pub columns: &'a Columns,
    /// Reset by each summary.
    pub other_lines: &'a mut OtherLines,
    /// Takes the events.
    pub events: &'a mut Events<'w>,
}

/// What the next summary is of.
#[derive(Clone, Copy, Debug)]
enum Due {
    /// A window with requests.
    Requests { start: i64 },
    /// An empty window on its own.
    Single { start: i64 },
    /// The rest of a gap, up to a window with requests.
    Gap { start: i64, end: i64 },
    /// Nothing before a further request comes.
    Nothing,
}

/// The tumbling windows of one run of time.
#[derive(Debug)]
pub struct Summaries {
    /// Length of a window in seconds.
    interval: i64,
    /// Names listed; 0 means all.
    top: usize,
    /// The windows with requests that aren't written yet, in order of time.
    open: VecDeque<Window>,
    /// The window that the last request was counted in.
    last: usize,
    /// The first second that no summary covers; `None` before the first one.
    covered: Option<i64>,
    /// Empty windows written since the last one with requests.
    singles: u32,
    statuses: Statuses,
    sections: Names,
    hosts: Names,
    /// The key of the window that was opened last.
    key: WindowKey,
    /// A window that was written, for the next one to use its memory.
    spare: Option<Window>,
}

impl Summaries {
    /// No windows yet; they will be `interval` seconds long and list the `top`
    /// names (0: all).
    #[must_use]
    pub fn new(interval: i64, top: usize) -> Summaries {
        Summaries {
            interval,
            top,
            open: VecDeque::new(),
            last: 0,
            covered: None,
            singles: 0,
            statuses: Statuses::new(),
            sections: Names::new(MAX_SECTIONS),
            hosts: Names::new(MAX_HOSTS),
            key: WindowKey::default(),
            spare: None,
        }
    }

    /// Counts a request in the window of `second`, which must be open; says
    /// whether it is the first one there.
    #[inline(always)]
    pub fn count(&mut self, second: i64, request: &Request<'_>, arrival: Arrival) -> bool {
        let interval = self.interval;
        let holds = |window: &Window| (0..interval).contains(&(second - window.start));
        if !self.open.get(self.last).is_some_and(holds) {
            self.last = self.window_of(second);
        }
        self.open[self.last].count(request, arrival, &mut self.statuses, &mut self.sections, &mut self.hosts)
    }

    /// The second with which the next summary can be written; it may be closed
    /// already if a gap has just come to an end.
    #[must_use]
    pub fn next_due(&self) -> i64 {
        match self.due() {
            Due::Requests { start } | Due::Single { start } => start + self.interval - 1,
            Due::Gap { end, .. } => end - 1,
            Due::Nothing => i64::MAX,
        }
    }

    /// Writes the summary that is due.
    ///
    /// `earliest` is the least accepted time of the run, `alerting` whether an
    /// alert is active after the window's last second.
    pub fn write_due(&mut self, earliest: i64, alerting: bool, outlet: &mut Outlet<'_, '_>) {
        match self.due() {
            Due::Requests { start } => self.write_first(start < earliest, alerting, outlet),
            Due::Single { start } => {
                self.singles += 1;
                self.write_empty(start, start + self.interval, false, alerting, outlet);
            }
            Due::Gap { start, end } => self.write_empty(start, end, false, alerting, outlet),
            Due::Nothing => {}
        }
    }

    fn due(&self) -> Due {
        let first = self.open.front().map(|window| window.start);
        match (self.covered, first) {
            (None, Some(start)) => Due::Requests { start },
            (Some(covered), Some(start)) if start == covered => Due::Requests { start },
            (Some(start), _) if self.singles < SINGLES => Due::Single { start },
            (Some(start), Some(end)) => Due::Gap { start, end },
            (_, None) => Due::Nothing,
        }
    }

    /// Ends the summary of a gap at the start of the window of `second`, for
    /// an alert or recovery there.
    pub fn split_gap(&mut self, second: i64, alerting: bool, outlet: &mut Outlet<'_, '_>) {
        let start = self.start_of(second);
        if let Some(covered) = self.covered.filter(|&covered| covered < start) {
            self.write_empty(covered, start, false, alerting, outlet);
        }
    }

    /// Writes what is open after every second up to `closed` was closed and
    /// every summary that is due was written.
    pub fn drain(&mut self, closed: i64, alerting: bool, outlet: &mut Outlet<'_, '_>) {
        self.split_gap(closed + 1, alerting, outlet);
        if !self.open.is_empty() {
            self.write_first(true, alerting, outlet);
        } else if *outlet.other_lines != OtherLines::default() {
            let start = self.start_of(closed + 1);
            self.write_empty(start, start + self.interval, true, alerting, outlet);
        }
        debug_assert!(self.open.is_empty(), "a window ends after the last second that is closed");
    }

    fn start_of(&self, second: i64) -> i64 {
        second - second.rem_euclid(self.interval)
    }

    /// The place among the open windows of the one that holds `second`.
    fn window_of(&mut self, second: i64) -> usize {
        let start = self.start_of(second);
        let place = self.open.partition_point(|window| window.start < start);
        if self.open.get(place).is_none_or(|window| window.start != start) {
            let mut window = self.spare.take().unwrap_or_default();
            self.key = self.key.next();
            window.start = start;
            window.key = self.key;
            self.open.insert(place, window);
        }
        place
    }

    fn write_empty(
        &mut self,
        start: i64,
        end: i64,
        partial: bool,
        alerting: bool,
        outlet: &mut Outlet<'_, '_>,
    ) {
        let mut window = self.spare.take().unwrap_or_default();
        window.start = start;
        self.write(window, end, partial, alerting, outlet);
    }

    fn write_first(&mut self, partial: bool, alerting: bool, outlet: &mut Outlet<'_, '_>) {
        let Some(window) = self.open.pop_front() else { return };
        self.last = 0;
        self.singles = 0;
        let end = window.start + self.interval;
        self.write(window, end, partial, alerting, outlet);
    }

    fn write(
        &mut self,
        mut window: Window,
        end: i64,
        partial: bool,
        alerting: bool,
        outlet: &mut Outlet<'_, '_>,
    ) {
        self.covered = Some(end);
        let lines = std::mem::take(outlet.other_lines);
        let has = Has { status: outlet.columns.status.is_some(), bytes: outlet.columns.bytes.is_some() };
        let duration_seconds = end - window.start;
        let codes = self.statuses.list(&window.statuses);
        let bytes = window.bytes;
        let (sections, sections_other) = has_any(outlet.columns.has_sections(), || {
            window.sections.list(self.top, &self.sections, has, |section, numbers| event::Section {
                section,
                requests: numbers.requests,
                server_errors: has.server_errors(numbers),
                bytes: has.bytes(numbers),
            })
        });
        let (hosts, hosts_other) = has_any(outlet.columns.host.is_some(), || {
            window.hosts.list(self.top, &self.hosts, has, |host, numbers| event::Host {
                host,
                requests: numbers.requests,
                server_errors: has.server_errors(numbers),
                bytes: has.bytes(numbers),
            })
        });
        outlet.events.write(&Event::Summary(event::Summary {
            source: outlet.source,
            start: Second(window.start),
            end: Second(end),
            duration_seconds,
            partial,
            requests: window.requests,
            requests_per_second: window.requests as f64 / duration_seconds as f64,
            late: window.late,
            future: window.future,
            bytes: has.bytes.then_some(bytes),
            status: has.status.then(|| classes(window.requests, &codes)),
            status_codes: has.status.then_some(StatusCodes(&codes)),
            methods: outlet
                .columns
                .has_methods()
                .then_some(Methods { names: &METHODS, requests: &window.methods }),
            sections,
            sections_other,
            hosts,
            hosts_other,
            alerting,
            malformed: lines.malformed,
            skipped: lines.skipped,
        }));
        window.clear(&mut self.sections, &mut self.hosts);
        self.spare = Some(window);
    }
}

/// A list and what it leaves out, or twice nothing.
fn has_any<T>(
    has: bool,
    list: impl FnOnce() -> (Vec<T>, event::Other),
) -> (Option<Vec<T>>, Option<event::Other>) {
    has.then(list).unzip()
}

/// Requests by class of status; those without a status are `other`.
fn classes(requests: u64, codes: &[(u16, u64)]) -> StatusClasses {
    let mut classes = StatusClasses { other: requests, ..StatusClasses::default() };
    for &(code, count) in codes {
        let class = match code / 100 {
            1 => &mut classes.informational,
            2 => &mut classes.successful,
            3 => &mut classes.redirection,
            4 => &mut classes.client_error,
            5 => &mut classes.server_error,
            _ => continue,
        };
        *class += count;
        classes.other -= count;
    }
    classes
}

/// Which numbers the log has a column for.
#[derive(Clone, Copy, Debug)]
struct Has {
    status: bool,
    bytes: bool,
}

impl Has {
    fn server_errors(self, numbers: &Numbers) -> Option<u64> {
        self.status.then_some(numbers.server_errors)
    }

    fn bytes(self, numbers: &Numbers) -> Option<u64> {
        self.bytes.then_some(numbers.bytes)
    }
}

/// What is counted of the requests of one tumbling window.
#[derive(Debug, Default)]
struct Window {
    start: i64,
    key: WindowKey,
    requests: u64,
    late: u64,
    future: u64,
    bytes: u64,
    /// Requests by the column of their status.
    statuses: Vec<u64>,
    methods: [u64; METHODS.len()],
    sections: Tally,
    hosts: Tally,
}

impl Window {
    #[inline(always)]
    fn count(
        &mut self,
        request: &Request<'_>,
        arrival: Arrival,
        statuses: &mut Statuses,
        sections: &mut Names,
        hosts: &mut Names,
    ) -> bool {
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
        let numbers = Numbers {
            requests: 1,
            server_errors: u64::from(matches!(request.status, Some(500..=599))),
            bytes: request.bytes,
        };
        self.sections.count(request.section, &numbers, self.key, sections);
        self.hosts.count(request.host, &numbers, self.key, hosts);
        self.requests == 1
    }

    fn clear(&mut self, sections: &mut Names, hosts: &mut Names) {
        self.sections.clear(self.key, sections);
        self.hosts.clear(self.key, hosts);
        self.requests = 0;
        self.late = 0;
        self.future = 0;
        self.bytes = 0;
        self.statuses.clear();
        self.methods = Default::default();
    }
}

/// The statuses that have occurred, each with a column in every window.
///
/// Which one comes next can't be foretold, so none is looked for.
#[derive(Debug)]
struct Statuses {
    /// By status; [`Statuses::NONE`] if it hasn't occurred.
    columns: Vec<u16>,
    /// By column.
    statuses: Vec<u16>,
}

impl Statuses {
    /// What no column is.
    const NONE: u16 = u16::MAX;

    fn new() -> Statuses {
        Statuses { columns: vec![Statuses::NONE; 1000], statuses: Vec::new() }
    }

    /// The column of a status from 0 to 999.
    #[inline(always)]
    fn column(&mut self, status: u16) -> usize {
        let column = &mut self.columns[usize::from(status)];
        if *column == Statuses::NONE {
            *column = u16::try_from(self.statuses.len()).unwrap_or(Statuses::NONE);
            self.statuses.push(status);
        }
        usize::from(*column)
    }

    /// The statuses of a window and their requests, ascending.
    fn list(&self, requests: &[u64]) -> Vec<(u16, u64)> {
        let pairs = self.statuses.iter().copied().zip(requests.iter().copied());
        let mut codes: Vec<_> = pairs.filter(|&(_, requests)| requests > 0).collect();
        codes.sort_unstable();
        codes
    }
}

/// What is counted of a section or a host.
#[derive(Clone, Copy, Debug, Default)]
struct Numbers {
    requests: u64,
    server_errors: u64,
    bytes: u64,
}

impl Numbers {
    fn add(&mut self, more: &Numbers) {
        self.requests += more.requests;
        self.server_errors += more.server_errors;
        self.bytes = self.bytes.saturating_add(more.bytes);
    }
}

/// The numbers of the names that occur in one window.
#[derive(Debug, Default)]
struct Tally {
    names: Vec<(NameId, Numbers)>,
    /// The numbers of names that couldn't be counted one by one.
    capped: Numbers,
}

impl Tally {
    #[inline(always)]
    fn count(&mut self, raw: &[u8], numbers: &Numbers, window: WindowKey, names: &mut Names) {
        let free = u32::try_from(self.names.len()).unwrap_or(u32::MAX);
        let counted = match names.seat(raw, window, free) {
            Some((id, place)) => {
                if place == free {
                    self.names.push((id, Numbers::default()));
                }
                &mut self.names[place as usize].1
            }
            None => &mut self.capped,
        };
        counted.add(numbers);
    }

    /// The `top` names (0: all) by requests, then by name, and the rest.
    fn list<'n, T>(
        &mut self,
        top: usize,
        names: &'n Names,
        has: Has,
        item: impl Fn(Cow<'n, str>, &Numbers) -> T,
    ) -> (Vec<T>, event::Other) {
        let order = |a: &(NameId, Numbers), b: &(NameId, Numbers)| {
            b.1.requests.cmp(&a.1.requests).then_with(|| names.compare(a.0, b.0))
        };
        let listed = if top == 0 { self.names.len() } else { top.min(self.names.len()) };
        sort_first(&mut self.names, listed, order);
        let (listed, rest) = self.names.split_at(listed);
        let mut other = self.capped;
        for (_, numbers) in rest {
            other.add(numbers);
        }
        let other = event::Other {
            distinct: rest.len() as u64,
            requests: other.requests,
            server_errors: has.server_errors(&other),
            bytes: has.bytes(&other),
            capped: self.capped.requests > 0,
        };
        let listed = listed.iter().map(|(id, numbers)| item(names.shown(*id), numbers));
        (listed.collect(), other)
    }

    fn clear(&mut self, window: WindowKey, names: &mut Names) {
        for (id, _) in self.names.drain(..) {
            names.release(id, window);
        }
        self.capped = Numbers::default();
    }
}

/// Brings the first `count` of `items`, by `order`, to the front, sorted.
fn sort_first<T>(items: &mut [T], count: usize, order: impl Fn(&T, &T) -> Ordering) {
    /// So few are sooner kept sorted while the others are looked at: of many
    /// names with as many requests each, 5 % of the whole program's time.
    const FEW: usize = 16;
    let are_many = count > FEW;
    if are_many && count < items.len() {
        items.select_nth_unstable_by(count, &order);
    }
    let (first, rest) = items.split_at_mut(count);
    first.sort_unstable_by(&order);
    if are_many {
        return;
    }
    for item in rest {
        let Some(last) = first.last_mut() else { return };
        if order(item, last).is_lt() {
            std::mem::swap(item, last);
            let mut place = count - 1;
            while place != 0 && order(&first[place], &first[place - 1]).is_lt() {
                first.swap(place, place - 1);
                place -= 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_are_the_first_however_many_are_wanted() {
        for length in 0..50_usize {
            let items: Vec<(usize, usize)> =
                (0..length).map(|place| (place * 37 % 7, place * 29 % 53)).collect();
            let mut sorted = items.clone();
            sorted.sort_unstable();
            for count in 0..=length {
                let mut found = items.clone();
                sort_first(&mut found, count, Ord::cmp);
                assert_eq!(found[..count], sorted[..count], "{count} of {length}");
                found.sort_unstable();
                assert_eq!(found, sorted, "none is lost");
            }
        }
    }
}
