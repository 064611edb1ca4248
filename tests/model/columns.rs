//! SPEC section 2, "Lines and records" and "Columns": a line -> its fields ->
//! a header, a request, or neither.

use std::cell::RefCell;
use std::collections::HashMap;

use super::values::{self, Zone, trim};

/// A request as it is counted. What the log has no column for is as if empty.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) time: i64,
    pub(crate) host: String,
    pub(crate) method: &'static str,
    pub(crate) section: String,
    pub(crate) status: Option<u64>,
    pub(crate) bytes: u64,
}

/// What a line is.
#[derive(Debug)]
pub(crate) enum Reading {
    Header,
    Record(Request),
    Malformed,
}

// ---- fields ---------------------------------------------------------------

thread_local! {
    // To make one for each line would take most of the time.
    static READERS: RefCell<HashMap<(u8, Option<u8>), csv_core::Reader>> = RefCell::default();
}

/// The fields of a line, as the csv crate reads them; none if a quote is left
/// open. Only LF ends a line, so a CR inside it is a byte like any other.
fn fields(line: &[u8], delimiter: u8, escape: Option<u8>) -> Option<Vec<Vec<u8>>> {
    if line.is_empty() {
        return Some(vec![Vec::new()]);
    }
    let build = || {
        let mut builder = csv_core::ReaderBuilder::new();
        builder.delimiter(delimiter).terminator(csv_core::Terminator::Any(b'\n')).escape(escape).build()
    };
    let ended = [line, b"\n"].concat();
    let (mut text, mut ends) = (vec![0; ended.len()], vec![0; ended.len() + 1]);
    let (result, _, _, count) = READERS.with_borrow_mut(|readers| {
        let reader = readers.entry((delimiter, escape)).or_insert_with(build);
        reader.reset();
        reader.read_record(&ended, &mut text, &mut ends)
    });
    match result {
        csv_core::ReadRecordResult::Record => {}
        // The LF is in a field: a quote is still open there.
        csv_core::ReadRecordResult::InputEmpty => return None,
        other => panic!("{other:?}: there is room for all"),
    }
    let mut start = 0;
    let mut field = |end| text[std::mem::replace(&mut start, end)..end].to_vec();
    Some(ends[..count].iter().map(|&end| field(end)).collect())
}

// ---- columns --------------------------------------------------------------

const HOST: [&str; 8] = ["remotehost", "remoteaddr", "remoteip", "clientip", "cip", "ip", "client", "host"];
const USER: [&str; 4] = ["authuser", "remoteuser", "user", "username"];
const TIME: [&str; 8] = ["timestamp", "datetime", "timelocal", "timeiso8601", "time", "date", "epoch", "ts"];
const REQUEST: [&str; 2] = ["request", "requestline"];
const METHOD: [&str; 6] = ["method", "requestmethod", "httpmethod", "methodhttp", "verb", "csmethod"];
const PATH: [&str; 7] = ["path", "url", "uri", "requesturi", "urlpath", "csuristem", "target"];
const STATUS: [&str; 9] = [
    "status",
    "statuscode",
    "codestatus",
    "responsecode",
    "httpresponse",
    "httpstatus",
    "scstatus",
    "response",
    "code",
];
const BYTES: [&str; 6] = ["bytes", "bodybytessent", "bytessent", "size", "responsesize", "scbytes"];

/// How many fields a record has to have.
#[derive(Clone, Copy, Debug)]
enum Width {
    /// "Another number of fields than the header" is malformed.
    Exactly(usize),
    /// "Without a header fewer than the columns need" is.
    AtLeast(usize),
}

/// Where the time stands.
#[derive(Clone, Copy, Debug)]
enum Time {
    In(usize),
    /// "The two are joined with a blank."
    Joined {
        date: usize,
        time: usize,
    },
}

/// Which column holds what.
#[derive(Clone, Debug)]
pub(crate) struct Columns {
    width: Width,
    time: Time,
    host: Option<usize>,
    request: Option<usize>,
    method: Option<usize>,
    path: Option<usize>,
    status: Option<usize>,
    bytes: Option<usize>,
}

impl Columns {
    /// "Without a header and without `--columns`:
    /// `host,ident,user,time,request,status,bytes`, at least these seven,
    /// further ones ignored."
    pub(crate) fn seven() -> Self {
        Self::from_list("host,-,user,time,request,status,bytes")
    }

    /// `--columns`: "the roles (and `date`) or `-`; a record needs at least as
    /// many fields."
    pub(crate) fn from_list(list: &str) -> Self {
        let roles: Vec<&str> = list.split(',').map(str::trim).collect();
        let place = |role: &str| roles.iter().position(|&listed| listed == role);
        let time = match (place("date"), place("time")) {
            (Some(date), Some(time)) => Time::Joined { date, time },
            (Some(only), None) | (None, Some(only)) => Time::In(only),
            (None, None) => panic!("--columns without a time is a usage error"),
        };
        Self {
            width: Width::AtLeast(roles.len()),
            time,
            host: place("host"),
            request: place("request"),
            method: place("method"),
            path: place("path"),
            status: place("status"),
            bytes: place("bytes"),
        }
    }

    /// The columns that a header names, if the line is one.
    fn from_header(fields: &[Vec<u8>], zone: &Zone) -> Option<Self> {
        let names: Vec<Vec<u8>> = fields.iter().map(|field| plain(field)).collect();
        let is = |name: &[u8], role: &[&str]| role.iter().any(|known| known.as_bytes() == name);

        // "A line is a header if at least two of its fields are names above,
        // one of them a time's, and none of its fields is a number or a time."
        let known = names
            .iter()
            .filter(|name| {
                [&HOST[..], &USER, &TIME, &REQUEST, &METHOD, &PATH, &STATUS, &BYTES]
                    .iter()
                    .any(|role| is(name, role))
            })
            .count();
        let has_time = names.iter().any(|name| is(name, &TIME));
        let has_data =
            fields.iter().any(|field| values::is_number(field) || values::time(field, zone).is_some());
        if known < 2 || !has_time || has_data {
            return None;
        }

        // "The earlier synonym wins"; of two columns of one name the first.
        let called = |name: &str| names.iter().position(|found| found == name.as_bytes());
        let place = |role: &[&str]| role.iter().find_map(|name| called(name));

        // "If a `date` and a `time` column are there and no earlier name, the
        // two are joined with a blank; `date` alone is the time."
        let earlier = place(&["timestamp", "datetime", "timelocal", "timeiso8601"]);
        let time = match (earlier, called("date"), called("time")) {
            (None, Some(date), Some(time)) => Time::Joined { date, time },
            _ => Time::In(place(&TIME)?),
        };
        Some(Self {
            width: Width::Exactly(fields.len()),
            time,
            host: place(&HOST),
            request: place(&REQUEST),
            method: place(&METHOD),
            path: place(&PATH),
            status: place(&STATUS),
            bytes: place(&BYTES),
        })
    }

    /// The request of a record, if it is a good one. "Malformed: another
    /// number of fields; a time, status or byte count that can't be read."
    fn request(&self, fields: &[Vec<u8>], zone: &Zone) -> Option<Request> {
        let fits = match self.width {
            Width::Exactly(width) => fields.len() == width,
            Width::AtLeast(width) => fields.len() >= width,
        };
        if !fits {
            return None;
        }
        let value = |column: Option<usize>| column.map_or(&b""[..], |column| trim(&fields[column]));
        let time = match self.time {
            Time::In(column) => values::time(&fields[column], zone)?,
            Time::Joined { date, time } => {
                let joined = [value(Some(date)), value(Some(time))].join(&b' ');
                values::time(&joined, zone)?
            }
        };
        let status = values::status(value(self.status)).ok()?;
        let bytes = values::bytes(value(self.bytes)).ok()?;

        // "A request column wins over method and path; a path whose last word
        // starts with `HTTP/` is read as a request line (a method column still
        // wins; where there is none, a path that is no request line has the
        // method `other`)."
        let (method, target) = match (self.request, self.path) {
            (Some(request), _) => values::request_line(value(Some(request))),
            (None, Some(path)) => {
                let path = value(Some(path));
                let (method, target) = if values::is_request_line(path) {
                    values::request_line(path)
                } else {
                    (values::OTHER, path)
                };
                match self.method {
                    Some(column) => (values::method(value(Some(column))), target),
                    None => (method, target),
                }
            }
            (None, None) => (values::method(value(self.method)), &b""[..]),
        };
        Some(Request {
            time,
            host: values::name(value(self.host)),
            method,
            section: values::name(values::section(target)),
            status,
            bytes,
        })
    }

    // "What the columns don't have makes the fields of the summary that it
    // would have filled `null`."

    pub(crate) fn has_host(&self) -> bool {
        self.host.is_some()
    }

    pub(crate) fn has_status(&self) -> bool {
        self.status.is_some()
    }

    pub(crate) fn has_bytes(&self) -> bool {
        self.bytes.is_some()
    }

    /// "`sections` (is null) without a request or path" column.
    pub(crate) fn has_target(&self) -> bool {
        self.request.is_some() || self.path.is_some()
    }

    /// "`methods` is `null` without a request, method or path column."
    pub(crate) fn has_method(&self) -> bool {
        self.has_target() || self.method.is_some()
    }
}

/// "Compared without case, blanks, `_` and `-`."
fn plain(field: &[u8]) -> Vec<u8> {
    field.iter().filter(|byte| !b" \t_-".contains(byte)).map(u8::to_ascii_lowercase).collect()
}

// ---- reading a line -------------------------------------------------------

/// A line under one delimiter.
enum Under {
    Header { columns: Columns, width: usize },
    Record { request: Request, width: usize },
    Neither,
}

fn read_under(line: &[u8], delimiter: u8, columns: &Columns, zone: &Zone) -> Under {
    if let Some(fields) = fields(line, delimiter, None) {
        let width = fields.len();
        if let Some(columns) = Columns::from_header(&fields, zone) {
            return Under::Header { columns, width };
        }
        if let Some(request) = columns.request(&fields, zone) {
            return Under::Record { request, width };
        }
    }
    // "A line with `\"` in it that is no good record so is read once more with
    // the backslash as escape character."
    if line.windows(2).any(|pair| pair == b"\\\"")
        && let Some(fields) = fields(line, delimiter, Some(b'\\'))
        && let Some(request) = columns.request(&fields, zone)
    {
        let width = fields.len();
        return Under::Record { request, width };
    }
    Under::Neither
}

/// How one source's lines are read.
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    columns: Columns,
    columns_are_given: bool,
    delimiter: Option<u8>,
    zone: Zone,
}

impl Layout {
    pub(crate) fn new(columns: Option<Columns>, delimiter: Option<u8>, zone: Zone) -> Self {
        Self {
            columns_are_given: columns.is_some(),
            columns: columns.unwrap_or_else(Columns::seven),
            delimiter,
            zone,
        }
    }

    pub(crate) fn columns(&self) -> &Columns {
        &self.columns
    }

    /// Reads a line that is not blank.
    pub(crate) fn read(&mut self, line: &[u8]) -> Reading {
        // "The delimiter is the one of `,` tab `;` `|` under which a line is a
        // header or a good record (most fields, then this order), tried on
        // every line until one is."
        let candidates = match self.delimiter {
            Some(delimiter) => vec![delimiter],
            None => vec![b',', b'\t', b';', b'|'],
        };
        let mut best = (Under::Neither, 0, None);
        for delimiter in candidates {
            let under = read_under(line, delimiter, &self.columns, &self.zone);
            let (Under::Header { width, .. } | Under::Record { width, .. }) = under else {
                continue;
            };
            if width > best.1 {
                best = (under, width, Some(delimiter));
            }
        }
        let (under, _, delimiter) = best;
        self.delimiter = self.delimiter.or(delimiter);
        match under {
            Under::Header { columns, .. } => {
                // "Another one maps the columns anew from there. With
                // `--columns` headers are only skipped."
                if !self.columns_are_given {
                    self.columns = columns;
                }
                Reading::Header
            }
            Under::Record { request, .. } => Reading::Record(request),
            Under::Neither => Reading::Malformed,
        }
    }
}
