//! SPEC section 2: what each line of a source is (a header, a request, or
//! neither), and what it decides about held lines.

use super::Totals;
use super::columns::{Columns, Given, Heading, Request, is_data};
use super::fields::{BLANKS, Fields, as_csv, before_and_from_time, fields, with_user};
use super::values::{Times, trim};

/// "It changes when three malformed lines in a row are good records under one
/// other delimiter."
const ENOUGH_TO_CHANGE: usize = 3;

/// "The one of `,` tab `;` `|`."
const DELIMITERS: [u8; 4] = [b',', b'\t', b';', b'|'];

/// What a line turned out to be.
#[derive(Debug)]
pub(crate) enum LineOutcome {
    Skipped,
    /// Contains the bytes for `--rejects`.
    Malformed(Vec<u8>),
    Record(Request),
}

/// The current columns, and how they became known.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Known {
    /// The usual seven, assumed.
    Usual(Columns),
    /// From a header or from `--columns` by position.
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

/// A header that may be torn: its columns have read no record yet, but those
/// before it had.
#[derive(Debug)]
struct Doubted {
    reject: Vec<u8>,
    before: Known,
    delimiter_was_said: bool,
}

/// A malformed line that is a record under other delimiters.
#[derive(Debug)]
struct Misread {
    line: Vec<u8>,
    reject: Vec<u8>,
    /// These delimiters, with the number of fields under each.
    good_under: Vec<(u8, usize)>,
}

/// The first line of a source that is not skipped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum First {
    Awaited,
    /// It was malformed, which puts the assumed columns in doubt.
    Malformed,
    Passed,
}

/// The layout of one source.
#[derive(Debug)]
pub(crate) struct Layout {
    given: Given,
    times: Times,
    known: Known,
    /// Whether a record was read by these columns.
    has_read: bool,
    doubted: Option<Doubted>,
    delimiter: Option<u8>,
    /// "A header or `--delimiter` has said it."
    delimiter_is_said: bool,
    /// Malformed lines in a row that are records under another delimiter.
    misread: Vec<Misread>,
    first: First,
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
            first: First::Awaited,
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
        self.pass_first(First::Passed);
        self.release(&mut outcomes);
        outcomes.push(LineOutcome::Malformed(reject));
        outcomes
    }

    /// Ends the input: no later line can decide anything.
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
            match Columns::heading(&names, &self.given, &self.times, true, false) {
                _ if matches!(self.given, Given::Position(_)) => outcomes.push(LineOutcome::Skipped),
                Heading::None => outcomes.push(LineOutcome::Skipped),
                heading => {
                    self.pass_first(First::Passed);
                    // A header that comes back is skipped and ends no row.
                    if !matches!(&heading, Heading::Header(columns) if self.is_known(columns)) {
                        self.release(outcomes);
                    }
                    self.take_heading(heading, self.delimiter_is_said, reject, outcomes);
                }
            }
            return;
        }

        // "The delimiter is the one under which a line is a header or a good
        // record (most fields, then this order), tried on every line until one
        // is; blanks are tried last." But what stands before the request of a
        // default log no client can choose.
        let candidates = self.delimiter.map_or(DELIMITERS.to_vec(), |delimiter| vec![delimiter]);
        let mut found = None;
        if self.delimiter.is_none() && matches!(self.known, Known::Usual(_)) && starts_like_combined(line) {
            found = self.good_record(line, BLANKS).map(|_| BLANKS);
        }
        if found.is_none() {
            found = self.most_fields(line, &candidates);
        }
        if found.is_none() && self.delimiter.is_none() {
            found = self.most_fields(line, &[BLANKS]);
        }

        // "And the first line after it that either can read can be read by
        // those and not by the new ones: then it was a torn header, counts as
        // malformed instead of skipped, and the old columns stay."
        if found.is_none()
            && let (Some(doubted), Some(delimiter)) = (&self.doubted, self.delimiter)
            && self.request(line, delimiter, &doubted.before, false).is_some()
            && let Some(doubted) = self.doubted.take()
        {
            self.totals.torn_headers += 1;
            outcomes.push(LineOutcome::Malformed(doubted.reject));
            self.known = doubted.before;
            self.has_read = true;
            self.delimiter_is_said = doubted.delimiter_was_said;
            self.read_line(line, reject, outcomes);
            return;
        }
        if let Some(delimiter) = found {
            self.pass_first(First::Passed);
            self.release(outcomes);
            if let Some((request, _)) = self.request(line, delimiter, &self.known, self.is_in_doubt()) {
                self.delimiter = Some(delimiter);
                self.take_record(request, line, delimiter, outcomes);
            } else if let Some(heading) = self.heading(line, delimiter) {
                let delimiter_was_said = self.delimiter_is_said;
                if matches!(heading, Heading::Header(_)) {
                    self.delimiter = Some(delimiter);
                    self.delimiter_is_said = true;
                }
                self.take_heading(heading, delimiter_was_said, reject, outcomes);
            }
            return;
        }

        // "Skipped: lines that start with `#` and are no good record."
        if line.starts_with(b"#") {
            outcomes.push(LineOutcome::Skipped);
            return;
        }
        let is_first = self.first == First::Awaited;
        if matches!(self.given, Given::Position(_)) {
            // "With `--columns` by position, a source's first line is skipped
            // if none of its fields is a number or a time."
            if is_first && self.is_first_line_without_data(line) {
                self.pass_first(First::Passed);
                outcomes.push(LineOutcome::Skipped);
                return;
            }
        } else if self.is_of_names(line, is_first) {
            self.pass_first(First::Passed);
            self.release(outcomes);
            self.take_heading(Heading::WithoutTime, self.delimiter_is_said, reject, outcomes);
            return;
        }
        self.pass_first(First::Malformed);
        self.take_malformed(line, reject, outcomes);
    }

    fn pass_first(&mut self, first: First) {
        if self.first == First::Awaited {
            self.first = first;
        }
    }

    /// The delimiters that a line can have; blanks last.
    fn possible(&self) -> Vec<u8> {
        self.delimiter.map_or([&DELIMITERS[..], &[BLANKS]].concat(), |delimiter| vec![delimiter])
    }

    /// Whether a source's first line is a header only people understand: under
    /// its most frequent delimiter, no field is a number or a time. The start
    /// of another kind of file is not.
    fn is_first_line_without_data(&self, line: &[u8]) -> bool {
        let count = |delimiter: &u8| line.split(|byte| byte == delimiter).count();
        let possible = self.possible();
        let most = possible.iter().rev().max_by_key(|delimiter| count(delimiter)).expect("there is one");
        let has_data = |fields: Fields| fields.iter().any(|field| is_data(field, &self.times));
        !is_no_log(line) && fields(line, *most).is_some_and(|fields| !has_data(fields))
    }

    /// Whether a line "looks like a header without a time" under a delimiter
    /// that it can have.
    fn is_of_names(&self, line: &[u8], is_first: bool) -> bool {
        self.possible().into_iter().any(|delimiter| {
            // Separated by blanks, any text looks like names.
            let is_first = is_first && delimiter != BLANKS;
            let split = fields(line, delimiter).or_else(|| {
                // Half of a header: its quotes may be the problem.
                let unquoted: Vec<u8> = line.iter().copied().filter(|&byte| byte != b'"').collect();
                if is_first { fields(&unquoted, delimiter) } else { None }
            });
            let heading =
                |fields: Vec<_>| Columns::heading(&fields, &self.given, &self.times, false, is_first);
            // A torn one may have a time.
            split.is_some_and(|fields| !matches!(heading(fields), Heading::None))
        })
    }

    /// The delimiter under which the line is a header or a record and has most
    /// fields. The first one of several.
    fn most_fields(&self, line: &[u8], delimiters: &[u8]) -> Option<u8> {
        let mut best = None;
        for &delimiter in delimiters {
            let width_of_heading = || {
                self.heading(line, delimiter)?;
                Some(fields(line, delimiter)?.len())
            };
            if let Some(width) = self.good_record(line, delimiter).or_else(width_of_heading)
                && best.is_none_or(|(most, _)| width > most)
            {
                best = Some((width, delimiter));
            }
        }
        best.map(|(_, delimiter)| delimiter)
    }

    /// The number of fields, if the line is a record.
    fn good_record(&self, line: &[u8], delimiter: u8) -> Option<usize> {
        self.request(line, delimiter, &self.known, self.is_in_doubt()).map(|(_, width)| width)
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

    /// Whether the columns have read no record yet, and come from a header, or
    /// are assumed although the first line couldn't be read. Then a record
    /// whose time is in 1970 is malformed if another column has a later time.
    fn is_in_doubt(&self) -> bool {
        let can_be_others = match &self.known {
            Known::Usual(_) => self.first == First::Malformed,
            Known::Named(_) => !matches!(self.given, Given::Position(_)),
            Known::Nothing(_) => false,
        };
        !self.has_read && can_be_others
    }

    /// Reads a line under a delimiter and columns, as a request and its number
    /// of fields.
    fn request(
        &self,
        line: &[u8],
        delimiter: u8,
        known: &Known,
        is_in_doubt: bool,
    ) -> Option<(Request, usize)> {
        if matches!(known, Known::Nothing(_)) {
            return None;
        }
        let is_usual = matches!(known, Known::Usual(_));
        let read = |fields: Option<Fields>| {
            let (fields, columns) = (fields?, known.columns());
            let request = columns.request(&fields, &self.times, self.time_before)?;
            let has_another =
                || columns.has_another_time(&fields, &request, &self.times, self.time_before, is_usual);
            let is_another = is_in_doubt && has_another();
            (!is_another).then_some((request, fields.len()))
        };
        if delimiter == BLANKS {
            if is_usual {
                let (with_user, by_themselves) = self.usual_in_blanks(line);
                return read(with_user.or_else(|| fields(line, BLANKS))).or_else(|| read(by_themselves));
            }
            // "A user name with blanks in it: all up to ` [`", also where the
            // positions are given; the ident `-` before it says that it is one.
            if let Given::Position(_) = self.given
                && let Some(fields_of_user) = known.columns().by_position_in_blanks(line)
            {
                return read(Some(fields_of_user)).or_else(|| read(fields(line, BLANKS)));
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
    /// -> the fields if the user is all up to the time, and each by itself
    ///
    /// `host - john smith [` would be both: the ident `-` in the second place
    /// says that it is no virtual host.
    fn usual_in_blanks(&self, line: &[u8]) -> (Option<Fields>, Option<Fields>) {
        let is_ident =
            |fields: &[Vec<u8>], index: usize| fields.get(index).is_some_and(|field| field == b"-");
        let is_time_in_brackets = |fields: &[Vec<u8>], index: usize| {
            fields.get(index).is_some_and(|field| {
                field.starts_with(b"[") && field.ends_with(b"]") && self.times.read(field, None).is_some()
            })
        };
        let with_user = before_and_from_time(line).map(|(mut words, rest)| {
            if !is_ident(&words, 1) && (words.len() == 4 || (words.len() > 4 && is_ident(&words, 2))) {
                words.remove(0);
            }
            with_user(words, 3, rest)
        });
        let by_themselves = fields(line, BLANKS).map(|mut fields| {
            if is_time_in_brackets(&fields, 4) && !is_time_in_brackets(&fields, 3) && !is_ident(&fields, 1) {
                fields.remove(0);
            }
            fields
        });
        (with_user, by_themselves)
    }

    // ---- headers ------------------------------------------------------------

    fn is_known(&self, columns: &Columns) -> bool {
        matches!(&self.known, Known::Named(known) if known == columns)
    }

    fn take_heading(
        &mut self,
        heading: Heading,
        delimiter_was_said: bool,
        reject: Vec<u8>,
        outcomes: &mut Vec<LineOutcome>,
    ) {
        if matches!(self.given, Given::Position(_)) {
            outcomes.push(LineOutcome::Skipped);
            return;
        }
        let columns = match heading {
            Heading::Header(columns) => columns,
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
                    // Keep the columns, for what is `null`.
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
        if self.is_known(&columns) {
            outcomes.push(LineOutcome::Skipped);
            return;
        }
        let before = std::mem::replace(&mut self.known, Known::Named(columns));
        if let Some(doubted) = &mut self.doubted {
            // No record was read by the header before this one, so nothing
            // shows that it was torn. The columns before both are kept for
            // comparison.
            outcomes.push(LineOutcome::Skipped);
            doubted.reject = reject;
        } else if self.has_read {
            self.doubted = Some(Doubted { reject, before, delimiter_was_said });
            self.has_read = false;
        } else {
            outcomes.push(LineOutcome::Skipped);
        }
    }

    // ---- records ------------------------------------------------------------

    fn take_record(&mut self, request: Request, line: &[u8], delimiter: u8, outcomes: &mut Vec<LineOutcome>) {
        if self.doubted.take().is_some() {
            self.totals.new_headers += 1;
            outcomes.push(LineOutcome::Skipped);
        }
        self.count_oddities(line, delimiter, &request);
        self.has_read = true;
        self.time_before = Some(request.time);
        outcomes.push(LineOutcome::Record(request));
    }

    /// Counts what generators of random logs must produce.
    fn count_oddities(&mut self, line: &[u8], delimiter: u8, request: &Request) {
        if delimiter == BLANKS && matches!(self.known, Known::Usual(_)) {
            let count = |fields: Option<Fields>| fields.map_or(0, |fields| fields.len());
            let (written, read) = (count(fields(line, BLANKS)), count(self.usual_in_blanks(line).0));
            self.totals.virtual_hosts += u64::from(read > 0 && written == read + 1);
            self.totals.users_with_blanks += u64::from(read > 0 && written > read + 1);
        }
        let before = self.time_before.take();
        if before.is_some()
            && let Some((alone, _)) = self.request(line, delimiter, &self.known, self.is_in_doubt())
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
        // Lines that can't belong to such a row are malformed.
        while !self.misread.is_empty() && self.common_delimiter().is_none() {
            let Misread { reject, .. } = self.misread.remove(0);
            outcomes.push(LineOutcome::Malformed(reject));
        }
        if self.misread.len() == ENOUGH_TO_CHANGE {
            let delimiter = self.common_delimiter().expect("there is one");
            self.delimiter = Some(delimiter);
            self.totals.changed_delimiters += 1;
            for Misread { line, reject, .. } in std::mem::take(&mut self.misread) {
                match self.request(&line, delimiter, &self.known, self.is_in_doubt()) {
                    Some((request, _)) => self.take_record(request, &line, delimiter, outcomes),
                    None => outcomes.push(LineOutcome::Malformed(reject)),
                }
            }
        }
    }

    /// The delimiter under which all lines of the row are records and the first
    /// has most fields. The first one of several.
    fn common_delimiter(&self) -> Option<u8> {
        let mut best: Option<(usize, u8)> = None;
        for &(delimiter, width) in &self.misread.first()?.good_under {
            let is_good = |misread: &Misread| misread.good_under.iter().any(|(good, _)| *good == delimiter);
            if self.misread.iter().all(is_good) && best.is_none_or(|(most, _)| width > most) {
                best = Some((width, delimiter));
            }
        }
        best.map(|(_, delimiter)| delimiter)
    }

    /// Ends the row: its lines are malformed.
    fn release(&mut self, outcomes: &mut Vec<LineOutcome>) {
        for Misread { reject, .. } in self.misread.drain(..) {
            outcomes.push(LineOutcome::Malformed(reject));
        }
    }
}

/// "Its names separated by tabs if there are any, else by blanks."
fn names_of_fields_line(line: &[u8]) -> Option<Fields> {
    let rest = line.strip_prefix(b"#Fields:").or_else(|| line.strip_prefix(b"#fields:"));
    let is_word = |rest: &&[u8]| rest.starts_with(b" ") || rest.starts_with(b"\t");
    let rest = trim(rest.or_else(|| line.strip_prefix(b"#fields").filter(is_word))?);
    let separator = if rest.contains(&b'\t') { b'\t' } else { b' ' };
    let names: Vec<Vec<u8>> =
        rest.split(|&byte| byte == separator).filter(|name| !name.is_empty()).map(<[u8]>::to_vec).collect();
    (!names.is_empty()).then_some(names)
}

/// Whether a line starts with a word without delimiters, and contains a time in
/// brackets followed by a quote.
fn starts_like_combined(line: &[u8]) -> bool {
    let word = line.split(|&byte| byte == b' ').next().unwrap_or_default();
    let is_word = !word.is_empty() && word.len() < line.len();
    let end = line.windows(3).position(|three| three == b"] \"").unwrap_or(0);
    is_word
        && !word.iter().any(|byte| b",;|\t\"".contains(byte))
        && line[..end].windows(2).any(|two| two == b" [")
}

/// "Compressed data (gzip, zstd, xz, bzip2), UTF-16, a log of JSON objects or
/// lines that end in CR alone."
fn is_no_log(line: &[u8]) -> bool {
    let is_compressed =
        [&b"\x1F\x8B"[..], b"\x28\xB5\x2F\xFD", b"\xFD7zXZ\0"].iter().any(|magic| line.starts_with(magic))
            || (line.starts_with(b"BZh") && line.get(4..10) == Some(b"1AY&SY"));
    let start = &line[..line.len().min(200)];
    let nuls = start.split(|&byte| byte == 0).count() - 1;
    let is_utf16 = line.starts_with(b"\xFF\xFE")
        || line.starts_with(b"\xFE\xFF")
        || (start.len() >= 8 && nuls * 5 > start.len() * 2);
    let is_json = line.starts_with(b"{") && line.windows(2).any(|two| two == b"\":");
    is_compressed || is_utf16 || is_json || line.contains(&b'\r')
}
