//! SPEC section 2: how one source's lines are read. A line -> a header, a
//! request, or neither; and what it says of the lines before it.

use super::Totals;
use super::columns::{Columns, Given, Heading, Request, is_data};
use super::fields::{BLANKS, as_csv, fields, with_user_up_to_bracket};
use super::values::Times;

/// "It changes when three malformed lines in a row are good records under one
/// other delimiter."
const ENOUGH_TO_CHANGE: usize = 3;

/// "The one of `,` tab `;` `|`."
const DELIMITERS: [u8; 4] = [b',', b'\t', b';', b'|'];

/// What has been found out of a line.
#[derive(Debug)]
pub(crate) enum LineOutcome {
    Skipped,
    /// With what `--rejects` gets.
    Malformed(Vec<u8>),
    Record(Request),
}

/// The columns as they are.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Known {
    /// The usual seven, assumed.
    Usual(Columns),
    /// A header's, or those of `--columns` by position.
    Named(Columns),
    /// "Until a header or an option says what the time is, records are
    /// malformed."
    Nothing(Columns),
}

impl Known {
    fn columns(&self) -> &Columns {
        let (Self::Usual(columns) | Self::Named(columns) | Self::Nothing(columns)) = self;
        columns
    }
}

/// A header of which no record has been read yet, though some were by the
/// columns before it.
#[derive(Debug)]
struct Doubted {
    reject: Vec<u8>,
    before: Known,
}

/// A malformed line that is a good record under other delimiters.
#[derive(Debug)]
struct Misread {
    line: Vec<u8>,
    reject: Vec<u8>,
    /// With how many fields it then has.
    good_under: Vec<(u8, usize)>,
}

/// How one source's lines are read.
#[derive(Debug)]
pub(crate) struct Layout {
    given: Given,
    times: Times,
    known: Known,
    /// A record has been read by these columns.
    has_read: bool,
    doubted: Option<Doubted>,
    delimiter: Option<u8>,
    /// "A header or `--delimiter` has said it."
    delimiter_is_said: bool,
    /// Malformed lines in a row that could be read by another delimiter.
    misread: Vec<Misread>,
    /// No line has come but skipped ones.
    is_first: bool,
    /// "The time read before" in this source.
    time_before: Option<i64>,
    pub(crate) totals: Totals,
}

impl Layout {
    pub(crate) fn new(given: Given, delimiter: Option<u8>, times: Times) -> Self {
        let known = match &given {
            Given::Nothing => Known::Usual(Columns::usual()),
            Given::Position(columns) => Known::Named(columns.clone()),
            Given::Names(_) => Known::Nothing(Columns::none()),
        };
        Self {
            given,
            times,
            known,
            has_read: false,
            doubted: None,
            delimiter,
            delimiter_is_said: delimiter.is_some(),
            misread: Vec::new(),
            is_first: true,
            time_before: None,
            totals: Totals::default(),
        }
    }

    pub(crate) fn columns(&self) -> &Columns {
        self.known.columns()
    }

    /// Reads a line that is not blank.
    pub(crate) fn read(&mut self, line: &[u8], reject: Vec<u8>) -> Vec<LineOutcome> {
        let mut outcomes = Vec::new();
        self.read_line(line, reject, &mut outcomes);
        outcomes
    }

    /// A line too long: "malformed before anything else is asked of it".
    pub(crate) fn overlong(&mut self, reject: Vec<u8>) -> Vec<LineOutcome> {
        let mut outcomes = Vec::new();
        self.is_first = false;
        self.release(&mut outcomes);
        outcomes.push(LineOutcome::Malformed(reject));
        outcomes
    }

    /// The input has ended: nothing more can speak for or against a line.
    pub(crate) fn end(&mut self) -> Vec<LineOutcome> {
        let mut outcomes = Vec::new();
        self.release(&mut outcomes);
        if self.doubted.take().is_some() {
            outcomes.push(LineOutcome::Skipped);
        }
        outcomes
    }

    fn read_line(&mut self, line: &[u8], reject: Vec<u8>, outcomes: &mut Vec<LineOutcome>) {
        // "`#Fields:` or `#fields` at the start of a line makes the rest of it
        // a header."
        if let Some(names) = names_of_fields_line(line) {
            let heading = Columns::heading(&names, &self.given, &self.times, true, false);
            match heading {
                _ if matches!(self.given, Given::Position(_)) => outcomes.push(LineOutcome::Skipped),
                Heading::None => outcomes.push(LineOutcome::Skipped),
                heading => self.take_heading(heading, reject, outcomes),
            }
            return;
        }

        // "The delimiter is the one under which a line is a header or a good
        // record (most fields, then this order), tried on every line until one
        // is; blanks are tried last."
        let candidates = self.delimiter.map_or(DELIMITERS.to_vec(), |delimiter| vec![delimiter]);
        let mut found = self.most_fields(line, &candidates, Self::is_header_or_record);
        if found.is_none() && self.delimiter.is_none() {
            found = self.most_fields(line, &[BLANKS], Self::is_header_or_record);
        }
        if let Some(delimiter) = found {
            self.is_first = false;
            self.delimiter = Some(delimiter);
            if let Some(heading) = self.heading(line, delimiter) {
                self.delimiter_is_said = true;
                self.release(outcomes);
                self.take_heading(heading, reject, outcomes);
            } else {
                self.release(outcomes);
                self.take_record(line, delimiter, outcomes);
            }
            return;
        }

        // "Skipped: lines that start with `#` and are no good record."
        if line.starts_with(b"#") {
            outcomes.push(LineOutcome::Skipped);
            return;
        }
        let is_first = std::mem::take(&mut self.is_first);
        let split = |_: &Self, line: &[u8], delimiter| Some(fields(line, delimiter)?.len());
        // To tell a first line from a record, blanks count as well.
        let all = [&DELIMITERS[..], &[BLANKS]].concat();
        let is_any = self.delimiter.is_none() && matches!(self.given, Given::Position(_));
        if let Some(delimiter) = self.most_fields(line, if is_any { &all } else { &candidates }, split) {
            let fields = fields(line, delimiter).expect("split before");
            match &self.given {
                // "With `--columns` by position, a source's first line is
                // skipped if none of its fields is a number or a time."
                Given::Position(_) => {
                    if is_first && !fields.iter().any(|field| is_data(field, &self.times)) {
                        outcomes.push(LineOutcome::Skipped);
                        return;
                    }
                }
                given => {
                    let heading = Columns::heading(&fields, given, &self.times, false, is_first);
                    if matches!(heading, Heading::WithoutTime) {
                        self.release(outcomes);
                        self.take_heading(heading, reject, outcomes);
                        return;
                    }
                }
            }
        }
        self.take_malformed(line, reject, outcomes);
    }

    /// The delimiter under which the line is what is asked for and has most
    /// fields, of several the first.
    fn most_fields(
        &self,
        line: &[u8],
        delimiters: &[u8],
        width: impl Fn(&Self, &[u8], u8) -> Option<usize>,
    ) -> Option<u8> {
        let mut best = None;
        for &delimiter in delimiters {
            if let Some(width) = width(self, line, delimiter)
                && best.is_none_or(|(most, _)| width > most)
            {
                best = Some((width, delimiter));
            }
        }
        best.map(|(_, delimiter)| delimiter)
    }

    /// How many fields the line has, if it is a header or a good record.
    fn is_header_or_record(&self, line: &[u8], delimiter: u8) -> Option<usize> {
        if self.heading(line, delimiter).is_some() {
            return Some(fields(line, delimiter)?.len());
        }
        self.good_record(line, delimiter)
    }

    /// How many fields the line has, if it is a good record.
    fn good_record(&self, line: &[u8], delimiter: u8) -> Option<usize> {
        let before = self.doubted.as_ref().map(|doubted| &doubted.before);
        let (_, width) = self.request(line, delimiter, &self.known).or_else(|| {
            // A line that only the columns before a doubted header can read.
            self.request(line, delimiter, before?)
        })?;
        Some(width)
    }

    /// What the line is as a header.
    fn heading(&self, line: &[u8], delimiter: u8) -> Option<Heading> {
        // "A line that starts with `#` is a header only by `#Fields`."
        if line.starts_with(b"#") {
            return None;
        }
        let fields = fields(line, delimiter)?;
        // "With `--columns` by position headers are only skipped", and are what
        // they are without the option.
        match Columns::heading(&fields, &self.given, &self.times, false, false) {
            heading @ (Heading::Header(_) | Heading::LacksGiven) => Some(heading),
            Heading::WithoutTime | Heading::None => None,
        }
    }

    /// The request of a line under a delimiter and some columns, and its number
    /// of fields.
    fn request(&self, line: &[u8], delimiter: u8, known: &Known) -> Option<(Request, usize)> {
        if matches!(known, Known::Nothing(_)) {
            return None;
        }
        let read = |fields: Option<Vec<Vec<u8>>>| {
            let fields = fields?;
            let request = known.columns().request(&fields, &self.times, self.time_before)?;
            Some((request, fields.len()))
        };
        if delimiter == BLANKS {
            if matches!(known, Known::Usual(_)) {
                return read(self.usual_in_blanks(line).0).or_else(|| read(fields(line, BLANKS)));
            }
            // "A user name with blanks in it: all up to ` [`", also where the
            // positions are given; the ident `-` before it says that it is one.
            if let Given::Position(_) = self.given
                && let Some(fields) = known.columns().with_user_before_time(line)
            {
                return read(Some(fields));
            }
            return read(fields(line, BLANKS));
        }
        read(as_csv(line, delimiter, None)).or_else(|| {
            // "A line with `\"` in it that is no good record so is read once
            // more with the backslash as escape character."
            let has_escape = line.windows(2).any(|pair| pair == b"\\\"");
            read(if has_escape { as_csv(line, delimiter, Some(b'\\')) } else { None })
        })
    }

    /// "If the fifth field and not the fourth is a time in brackets, a virtual
    /// host stands before them. A user name with blanks in it: all up to ` [`."
    ///
    /// `host - john smith [` would be both: the ident `-` in the second place
    /// says that it is no virtual host.
    fn usual_in_blanks(&self, line: &[u8]) -> (Option<Vec<Vec<u8>>>, bool) {
        let is_ident =
            |fields: &[Vec<u8>], index: usize| fields.get(index).is_some_and(|field| field == b"-");
        let is_time_in_brackets = |fields: &[Vec<u8>], index: usize| {
            fields.get(index).is_some_and(|field| {
                field.starts_with(b"[") && field.ends_with(b"]") && self.times.read(field, None).is_some()
            })
        };
        if let Some(mut fields) = fields(line, BLANKS) {
            if is_time_in_brackets(&fields, 3) {
                return (Some(fields), false);
            }
            if is_time_in_brackets(&fields, 4) && !is_ident(&fields, 1) {
                fields.remove(0);
                return (Some(fields), true);
            }
            if !is_ident(&fields, 1) && is_ident(&fields, 2) {
                let first = line.iter().position(|byte| b" \t".contains(byte)).unwrap_or(line.len());
                return (with_user_up_to_bracket(&line[(first + 1).min(line.len())..]), true);
            }
        }
        (with_user_up_to_bracket(line), false)
    }

    // ---- headers ------------------------------------------------------------

    fn take_heading(&mut self, heading: Heading, reject: Vec<u8>, outcomes: &mut Vec<LineOutcome>) {
        if matches!(self.given, Given::Position(_)) {
            outcomes.push(LineOutcome::Skipped);
            return;
        }
        let columns = match heading {
            Heading::Header(columns) => Known::Named(columns),
            // "A header without one of them is an error that names it, and the
            // lines are malformed." Where records have been read by the columns
            // before it, those stay: no line can speak for such a header.
            Heading::LacksGiven => {
                if !self.has_read && self.doubted.is_none() {
                    self.known = Known::Nothing(Columns::none());
                }
                outcomes.push(LineOutcome::Malformed(reject));
                return;
            }
            // "It is malformed and ends the assumption of the usual seven
            // columns."
            Heading::WithoutTime => {
                if let Known::Usual(last) = &self.known {
                    self.totals.headers_without_time += 1;
                    // What is null stays as it was.
                    self.known = Known::Nothing(last.clone());
                    self.has_read = false;
                }
                outcomes.push(LineOutcome::Malformed(reject));
                return;
            }
            Heading::None => return,
        };
        // "A header that comes back is skipped; another one maps the columns
        // anew from there, unless at least one record was read by the columns
        // before it", which is seen later.
        if columns == self.known {
            outcomes.push(LineOutcome::Skipped);
            return;
        }
        let before = std::mem::replace(&mut self.known, columns);
        if let Some(doubted) = &mut self.doubted {
            // A further header, and nothing was read by the one before: that
            // is one, for all that is known. The columns before both stay what
            // the new one is held against.
            outcomes.push(LineOutcome::Skipped);
            doubted.reject = reject;
        } else if self.has_read {
            self.doubted = Some(Doubted { reject, before });
            self.has_read = false;
        } else {
            outcomes.push(LineOutcome::Skipped);
        }
    }

    // ---- records ------------------------------------------------------------

    fn take_record(&mut self, line: &[u8], delimiter: u8, outcomes: &mut Vec<LineOutcome>) {
        let mut read = self.request(line, delimiter, &self.known);
        // "And the first line after it that either can read can be read by
        // those and not by the new ones: then it was a torn header, counts as
        // malformed instead of skipped, and the old columns stay."
        if let Some(doubted) = self.doubted.take() {
            if read.is_some() {
                self.totals.new_headers += 1;
                outcomes.push(LineOutcome::Skipped);
            } else {
                self.totals.torn_headers += 1;
                outcomes.push(LineOutcome::Malformed(doubted.reject));
                self.known = doubted.before;
                read = self.request(line, delimiter, &self.known);
            }
        }
        let (request, _) = read.expect("it was found to be a good record");
        self.count_oddities(line, delimiter, &request);
        self.has_read = true;
        self.time_before = Some(request.time);
        outcomes.push(LineOutcome::Record(request));
    }

    /// For whoever makes random logs.
    fn count_oddities(&mut self, line: &[u8], delimiter: u8, request: &Request) {
        if delimiter == BLANKS && matches!(self.known, Known::Usual(_)) {
            let (form, has_virtual_host) = self.usual_in_blanks(line);
            let is_read = |fields: &Vec<Vec<u8>>| {
                self.columns().request(fields, &self.times, self.time_before).is_some()
            };
            let is_so = form.as_ref().is_some_and(is_read);
            self.totals.virtual_hosts += u64::from(is_so && has_virtual_host);
            self.totals.users_with_blanks += u64::from(!is_so);
        }
        let before = self.time_before.take();
        if before.is_some()
            && let Some((alone, _)) = self.request(line, delimiter, &self.known)
        {
            self.totals.later_of_two += u64::from(alone.time != request.time);
        }
        self.time_before = before;
    }

    // ---- malformed lines ----------------------------------------------------

    fn take_malformed(&mut self, line: &[u8], reject: Vec<u8>, outcomes: &mut Vec<LineOutcome>) {
        // "Unless a header or `--delimiter` has said it, it changes when three
        // malformed lines in a row are good records under one other delimiter:
        // those three are then read so."
        let mut good_under = Vec::new();
        if let Some(delimiter) = self.delimiter
            && !self.delimiter_is_said
        {
            for other in DELIMITERS.into_iter().chain([BLANKS]).filter(|&other| other != delimiter) {
                good_under.extend(self.good_record(line, other).map(|width| (other, width)));
            }
        }
        self.misread.push(Misread { line: line.to_vec(), reject, good_under });
        // What can't be among such three is malformed for good.
        while !self.misread.is_empty() && self.common_delimiter().is_none() {
            let Misread { reject, .. } = self.misread.remove(0);
            outcomes.push(LineOutcome::Malformed(reject));
        }
        if self.misread.len() == ENOUGH_TO_CHANGE {
            let delimiter = self.common_delimiter().expect("there is one");
            self.delimiter = Some(delimiter);
            self.totals.changed_delimiters += 1;
            for Misread { line, .. } in std::mem::take(&mut self.misread) {
                self.take_record(&line, delimiter, outcomes);
            }
        }
    }

    /// The delimiter under which all of the misread lines are good records
    /// (most fields, then the usual order).
    fn common_delimiter(&self) -> Option<u8> {
        let mut best: Option<(usize, u8)> = None;
        for delimiter in DELIMITERS.into_iter().chain([BLANKS]) {
            let widths = self.misread.iter().map(|misread| {
                misread.good_under.iter().find(|(good, _)| *good == delimiter).map(|(_, width)| *width)
            });
            if let Some(width) = widths.sum::<Option<usize>>()
                && best.is_none_or(|(most, _)| width > most)
            {
                best = Some((width, delimiter));
            }
        }
        best.map(|(_, delimiter)| delimiter)
    }

    /// The row has ended: these lines are malformed.
    fn release(&mut self, outcomes: &mut Vec<LineOutcome>) {
        for Misread { reject, .. } in self.misread.drain(..) {
            outcomes.push(LineOutcome::Malformed(reject));
        }
    }
}

/// "Its names separated by tabs if there are any, else by blanks."
fn names_of_fields_line(line: &[u8]) -> Option<Vec<Vec<u8>>> {
    let rest = line.strip_prefix(b"#Fields:").or_else(|| line.strip_prefix(b"#fields"))?;
    let separator = if rest.contains(&b'\t') { b'\t' } else { b' ' };
    let names = rest.split(|&byte| byte == separator);
    Some(names.filter(|name| !name.is_empty()).map(<[u8]>::to_vec).collect())
}
