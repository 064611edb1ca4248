//! The layout of one source: its delimiter and columns. Decides what each line
//! is: blank, comment, header, record or malformed. Finds the delimiter,
//! follows header changes and torn headers.
//!
//! Event time is not known here.
//!
//! Some lines are decided only by later ones: a header may be torn, and
//! malformed lines may be records under another delimiter. Such lines are held
//! back, and returned before the line that decides them.

use std::collections::VecDeque;

use crate::count::Request;
use crate::read::classify::{Basis, LineKind, LineReader, State};
use crate::read::columns::{ColumnList, Columns, LayoutOptions};
use crate::read::delimited::Good;
use crate::read::input_hint::Hint;
use crate::read::line::{Line, Lines};
use crate::read::plain::PlainReader;
use crate::read::record::is_blank;
use crate::read::request::{Malformed, MalformedLine};
use crate::read::timestamp::{TimeReader, YEAR_1971};
use crate::read::undecided::{Decided, HeldLine, Row, TimeOf1970};
use crate::read::w3c::fields_directive;

/// What a line is. `'t` is the lifetime of the input's text.
#[derive(Debug)]
pub enum Reading<'a, 't> {
    /// The line is held back until a later line decides what it is.
    Held,
    /// A blank line, a comment or a header.
    Skipped,
    /// A request and its time in epoch seconds.
    Record(i64, Request<'a>),
    /// A line that should have been a record.
    Malformed(MalformedLine<'t>),
}

/// What to do with a line.
enum Act {
    Skip,
    Return(usize, Good),
    Reject(Malformed),
    /// The line is held back.
    Hold,
    /// The line has decided held lines. Return these, then judge it again.
    Retry,
}

/// The delimiter and the columns of one source, as far as they are known.
#[derive(Debug)]
pub struct Layout {
    state: State,
    reader: LineReader,
    /// The fast reader; `None` until the delimiter and the columns are known.
    plain: Option<PlainReader>,
    /// Whether only blank lines and comments have come so far.
    is_at_start: bool,
    /// A header that changed the columns, and the state before it. It is held
    /// back until the next line shows whether it was torn.
    new_header: Option<(HeldLine, State)>,
    row: Row,
    decided: VecDeque<Decided>,
    /// The text of the held line that was returned last.
    held_text: Vec<u8>,
    /// Whether no line is held back or waits to be returned.
    is_settled: bool,
    time_of_1970: TimeOf1970,
    changes: u64,
}

impl Layout {
    /// The layout of a source that has read nothing.
    #[must_use]
    pub fn new(options: &LayoutOptions) -> Layout {
        let (columns, basis, called) = match &options.columns {
            None => (Columns::default(), Basis::Assumed, Vec::new()),
            Some(ColumnList::Positions(columns)) => (columns.clone(), Basis::Given, Vec::new()),
            Some(ColumnList::Names(called)) => (Columns::default(), Basis::Unknown, called.clone()),
        };
        let times = TimeReader::with_format(options.zone.clone(), options.time_format.clone());
        let reader = LineReader::new(called, times);
        let delimiter = options.delimiter.and_then(|delimiter| reader.index_of(delimiter));
        let mut layout = Layout {
            state: State {
                columns,
                basis,
                delimiter,
                is_said: delimiter.is_some(),
                has_records: false,
                is_doubtful: false,
            },
            reader,
            plain: None,
            is_at_start: true,
            new_header: None,
            row: Row::default(),
            decided: VecDeque::new(),
            held_text: Vec::new(),
            is_settled: true,
            time_of_1970: TimeOf1970::default(),
            changes: 0,
        };
        layout.set_plain();
        layout
    }

    /// The current columns.
    #[must_use]
    pub fn columns(&self) -> &Columns {
        &self.state.columns
    }

    /// A counter that grows whenever the columns may have changed.
    #[must_use]
    #[inline(always)]
    pub fn changes(&self) -> u64 {
        self.changes
    }

    /// The number of the line with the first time in 1970. Returned once.
    pub fn take_time_of_1970(&mut self) -> Option<u64> {
        self.time_of_1970.take()
    }

    /// Passes the requests of plain lines to `take`, until it returns `false`
    /// or a line is not plain.
    #[inline(always)]
    pub fn read_plain<'t>(&mut self, lines: &mut Lines<'t>, mut take: impl FnMut(i64, Request<'t>) -> bool) {
        let Some(plain) = self.plain.as_mut().filter(|_| self.is_settled) else { return };
        let mut goes_on = true;
        while goes_on && lines.starts_clean() {
            let read = plain.read_for(lines.rest(), &mut self.reader.times, |second, request, rest| {
                lines.passed(rest);
                if second < YEAR_1971 {
                    self.time_of_1970.note(lines.number());
                }
                goes_on = take(second, request);
            });
            if read.is_none() {
                return;
            }
        }
    }

    /// Notes that no line follows. The lines that are held back are decided,
    /// and [`Layout::next`] returns them.
    pub fn end(&mut self) {
        self.row.reject(&mut self.decided);
        if self.new_header.take().is_some() {
            self.decided.push_back(Decided::Skipped);
        }
        self.is_settled = self.decided.is_empty();
    }

    /// Guesses what the input is from its first malformed line.
    #[must_use]
    pub fn hint(&self, text: &[u8], problem: &Malformed) -> Option<Hint> {
        self.reader.hint(text, problem, self.state.basis)
    }

    /// Reads the next of `lines`, or returns a line that was held back before
    /// them; `None` at the end. A header changes the columns.
    pub fn next<'a, 't: 'a>(&'a mut self, lines: &mut Lines<'t>) -> Option<Reading<'a, 't>> {
        let mut plain = None;
        self.read_plain(lines, |second, request| {
            plain = Some(Reading::Record(second, request));
            false
        });
        plain.or_else(|| self.next_slow(lines))
    }

    /// Like [`Layout::next`], but without the fast reader: reads any line.
    #[inline(never)]
    pub(crate) fn next_slow<'a, 't: 'a>(&'a mut self, lines: &mut Lines<'t>) -> Option<Reading<'a, 't>> {
        loop {
            if let Some(decided) = self.decided.pop_front() {
                return Some(self.return_held(decided));
            }
            self.is_settled = self.new_header.is_none() && self.row.is_empty();
            let mut ahead = lines.clone();
            let line = ahead.next()?;
            let number = ahead.number();
            let act = self.judge(&line, number);
            if matches!(act, Act::Hold | Act::Retry) {
                self.is_settled = false;
                if matches!(act, Act::Hold) {
                    *lines = ahead;
                    return Some(Reading::Held);
                }
                continue;
            }
            *lines = ahead;
            return Some(match act {
                Act::Return(index, good) => {
                    self.reader.times.passed(good.second);
                    Reading::Record(good.second, self.reader.request(index, &good, line.text))
                }
                Act::Reject(problem) => {
                    let end = if line.overlong { b"" } else { line.end };
                    Reading::Malformed(MalformedLine { number, text: line.text.into(), end, problem })
                }
                _ => Reading::Skipped,
            });
        }
    }

    /// Returns a line that was held back.
    fn return_held<'t>(&mut self, decided: Decided) -> Reading<'_, 't> {
        let malformed = |line: HeldLine, problem| {
            let HeldLine { number, text, end } = line;
            Reading::Malformed(MalformedLine { number, text: text.into(), end, problem })
        };
        match decided {
            Decided::Skipped => Reading::Skipped,
            Decided::Malformed(line, problem) => malformed(line, problem),
            Decided::Record(line) => {
                let index = self.state.delimiter.unwrap_or_default();
                match self.reader.read(&line.text, &self.state) {
                    Err(problem) => malformed(line, problem),
                    Ok(good) => {
                        self.state.has_records = true;
                        self.reader.times.passed(good.second);
                        if good.second < YEAR_1971 {
                            self.time_of_1970.note(line.number);
                        }
                        self.held_text = line.text;
                        Reading::Record(good.second, self.reader.request(index, &good, &self.held_text))
                    }
                }
            }
        }
    }

    /// Decides what to do with a line.
    fn judge(&mut self, line: &Line<'_>, number: u64) -> Act {
        let text = line.text;
        let is_blank = || text.iter().all(|&byte| is_blank(byte));
        let simple = match text.first() {
            _ if line.overlong => Some(Act::Reject(Malformed::TooLong)),
            None => Some(Act::Skip),
            Some(b' ' | b'\t') if is_blank() => Some(Act::Skip),
            _ => None,
        };
        // Skipped lines don't end a row: tail writes blank lines between files.
        match simple {
            Some(Act::Skip) => return Act::Skip,
            Some(act) => {
                self.is_at_start = false;
                return if self.row.reject(&mut self.decided) { Act::Retry } else { act };
            }
            None => {}
        }
        let held = || HeldLine { number, text: text.to_vec(), end: line.end };
        let kind = self.reader.classify(text, &self.state, self.is_at_start);
        let can_be_new = matches!(kind, LineKind::Good(..) | LineKind::Header(..));
        if !can_be_new && self.was_torn(text) {
            return Act::Retry;
        }
        if let LineKind::Bad(problem) = kind {
            self.state.is_doubtful |= self.is_at_start;
            self.is_at_start = false;
            let others = self.reader.other_delimiters(text, &self.state);
            if others == 0 {
                return if self.row.reject(&mut self.decided) { Act::Retry } else { Act::Reject(problem) };
            }
            self.row.push(held(), problem, others, &mut self.decided);
            self.check_row();
            return Act::Hold;
        }
        let is_skipped = match &kind {
            LineKind::Comment | LineKind::FirstLine => true,
            LineKind::Header(None, columns) => self.is_known(None, columns),
            _ => false,
        };
        if !is_skipped && self.row.reject(&mut self.decided) {
            return Act::Retry;
        }
        self.is_at_start &= matches!(kind, LineKind::Comment);
        match kind {
            LineKind::Good(index, good) => self.take_record(index, good, number),
            LineKind::Header(index, columns) => self.take_header(index, *columns, held),
            LineKind::Comment | LineKind::FirstLine => Act::Skip,
            LineKind::UnusableHeader(problem) | LineKind::Bad(problem) => {
                // If a header lacks a name of `--columns`, columns that have
                // read records stay.
                let has_read = self.state.has_records || self.new_header.is_some();
                let lacks_name = matches!(problem, Malformed::NoColumn(_)) && !has_read;
                if self.state.basis == Basis::Assumed || lacks_name {
                    self.state.basis = Basis::Unknown;
                    self.state.has_records = false;
                    self.set_plain();
                }
                Act::Reject(problem)
            }
        }
    }

    fn take_record(&mut self, index: usize, good: Good, number: u64) -> Act {
        if self.new_header.take().is_some() {
            // The new columns can read the line, so the header was not torn.
            self.decided.push_back(Decided::Skipped);
            return Act::Retry;
        }
        // In a zone with clock changes, the fast reader starts afresh: it has
        // not seen the time of this line.
        if !self.state.has_records || !self.reader.times.is_fixed() {
            self.state.has_records = true;
            self.state.delimiter = Some(index);
            self.set_plain();
        }
        if good.second < YEAR_1971 {
            self.time_of_1970.note(number);
        }
        Act::Return(index, good)
    }

    /// Whether a header repeats the current columns and delimiter.
    fn is_known(&self, index: Option<usize>, columns: &Columns) -> bool {
        let is_same = self.state.basis == Basis::Header && self.state.columns == *columns;
        is_same && (index.is_none() || self.state.delimiter == index)
    }

    fn take_header(
        &mut self,
        index: Option<usize>,
        columns: Columns,
        held: impl FnOnce() -> HeldLine,
    ) -> Act {
        if self.state.basis == Basis::Given {
            if !self.state.is_said && index.is_some() {
                self.state.delimiter = index;
                self.state.is_said = true;
                self.set_plain();
            }
            return Act::Skip;
        }
        if self.is_known(index, &columns) {
            self.state.is_said |= index.is_some();
            return Act::Skip;
        }
        let held_header = self.new_header.take();
        let new = State {
            columns,
            basis: Basis::Header,
            delimiter: index.or(self.state.delimiter),
            is_said: index.is_some() || self.state.is_said,
            has_records: false,
            is_doubtful: false,
        };
        let old = std::mem::replace(&mut self.state, new);
        self.set_plain();
        // If a header is still held, no record was read by its columns: it is
        // skipped, and the columns before it are the old ones.
        let (old, has_another) = held_header.map_or((old, false), |(_, before)| (before, true));
        if has_another {
            self.decided.push_back(Decided::Skipped);
        }
        if old.has_records {
            self.new_header = Some((held(), old));
            return Act::Hold;
        }
        Act::Skip
    }

    /// Whether the last header was torn: the new columns can't read `text`, but
    /// the columns before them can. If so, restores these.
    fn was_torn(&mut self, text: &[u8]) -> bool {
        let Some((_, old)) = &self.new_header else { return false };
        if fields_directive(text).is_some() || self.reader.read(text, old).is_err() {
            return false;
        }
        if let Some((line, old)) = self.new_header.take() {
            self.decided.push_back(Decided::Malformed(line, Malformed::TornHeader));
            self.state = old;
            self.set_plain();
        }
        true
    }

    /// Changes the delimiter if the row is long enough.
    fn check_row(&mut self) {
        let Some((common, first)) = self.row.complete() else { return };
        if let Some(index) = self.reader.best_of(common, first, &self.state) {
            self.state.delimiter = Some(index);
            self.set_plain();
        }
        if self.new_header.take().is_some() {
            // The new columns can read these lines, so the header was not torn.
            self.decided.push_back(Decided::Skipped);
        }
        self.row.accept(&mut self.decided);
    }

    /// Replaces the fast reader after a change of state. There is none until a
    /// first record was read in the general way.
    fn set_plain(&mut self) {
        self.changes += 1;
        self.plain = self.reader.plain(&self.state);
    }
}
