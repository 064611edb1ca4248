//! Which column holds what: from a header, from `--columns` (by position or by
//! name), or as in the Common Log Format. Values are not read here.

pub use crate::read::column_names::{Latency, Role};
use crate::read::column_names::{Names, column_called};
use crate::read::record::Record;
use crate::read::timestamp::{TimeFormat, TimeReader, Zone};
use crate::read::value::Unit;

/// The delimiters to try, in order of preference. [`BLANKS`] is tried last.
pub const DELIMITERS: [u8; 4] = [b',', b'\t', b';', b'|'];
/// The delimiter of logs separated by blanks.
pub const BLANKS: u8 = b' ';

/// Options about the layout of every source.
#[derive(Clone, Debug)]
pub struct LayoutOptions {
    /// `--columns`; `None` = the header names the columns.
    pub columns: Option<ColumnList>,
    /// `--delimiter`; `None` = it is detected.
    pub delimiter: Option<u8>,
    /// The zone of times that carry no offset.
    pub zone: Zone,
    /// `--time-format`; `None` = any known form of time.
    pub time_format: Option<TimeFormat>,
}

/// How many fields a record must have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Width {
    /// As many as the header has.
    Exactly(usize),
    /// At least as many as the columns need; further fields are ignored.
    AtLeast(usize),
}

impl Width {
    /// Whether a record may have this many fields.
    #[must_use]
    pub fn fits(self, fields: usize) -> bool {
        match self {
            Width::Exactly(wanted) => fields == wanted,
            Width::AtLeast(wanted) => fields >= wanted,
        }
    }
}

/// The positions of the columns that are read, counted from 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Columns {
    /// How many fields a record must have.
    pub width: Width,
    /// The date, if it has a column of its own.
    pub date: Option<usize>,
    /// The time.
    pub time: usize,
    /// The client.
    pub host: Option<usize>,
    /// The request line. If it is there, `path` is not read.
    pub request: Option<usize>,
    /// The method. Together with `request`, the latter may hold only a path.
    pub method: Option<usize>,
    /// The path, or a request line.
    pub path: Option<usize>,
    /// The status.
    pub status: Option<usize>,
    /// The bytes sent.
    pub bytes: Option<usize>,
    /// The latency and its unit.
    pub latency: Option<Latency>,
}

impl Default for Columns {
    /// `host,ident,user,time,request,status,bytes`.
    fn default() -> Columns {
        Columns {
            width: Width::AtLeast(7),
            date: None,
            time: 3,
            host: Some(0),
            request: Some(4),
            method: None,
            path: None,
            status: Some(5),
            bytes: Some(6),
            latency: None,
        }
    }
}

impl Columns {
    /// Reads a list of roles by position:
    /// `host,-,user,time,request,status,bytes`.
    ///
    /// # Errors
    ///
    /// A sentence if a role is unknown or repeated, or if none is the time.
    pub fn from_list(list: &str) -> Result<Columns, String> {
        let roles: Vec<&str> = list.split(',').map(str::trim).collect();
        check_roles(roles.iter().copied().filter(|role| *role != "-"))?;
        let position = |role: &str| roles.iter().position(|found| *found == role);
        let (date, time) = match (position("date"), position("time")) {
            (date, Some(time)) => (date, time),
            (Some(date), None) => (None, date),
            (None, None) => return Err("no column is the time".to_owned()),
        };
        let latency = LATENCY_ROLES
            .iter()
            .find_map(|&(role, unit)| position(role).map(|column| Latency { column, unit }));
        let request = position("request");
        Ok(Columns {
            width: Width::AtLeast(roles.len()),
            date,
            time,
            host: position("host"),
            request,
            method: position("method"),
            path: if request.is_none() { position("path") } else { None },
            status: position("status"),
            bytes: position("bytes"),
            latency,
        })
    }

    /// The role of each column, up to the last one that is read. `None` marks a
    /// column that is not read. The date and the latency are left out.
    #[must_use]
    pub fn roles(&self) -> Vec<Option<Role>> {
        let positions = [
            (Role::Host, self.host),
            (Role::Time, Some(self.time)),
            (Role::Request, self.request),
            (Role::Method, self.method),
            (Role::Path, self.path),
            (Role::Status, self.status),
            (Role::Bytes, self.bytes),
        ];
        let last = positions.iter().filter_map(|&(_, position)| position).max();
        let mut roles = vec![None; last.map_or(0, |last| last + 1)];
        for (role, position) in positions {
            if let Some(position) = position {
                roles[position] = Some(role);
            }
        }
        roles
    }

    /// Whether the log has sections: a request line or a path.
    #[must_use]
    pub fn has_sections(&self) -> bool {
        self.request.is_some() || self.path.is_some()
    }

    /// Whether the log has methods: a request line, a path or a method.
    #[must_use]
    pub fn has_methods(&self) -> bool {
        self.has_sections() || self.method.is_some()
    }
}

/// The roles that `--columns` takes, besides latency.
const ROLES: [&str; 9] = ["host", "user", "time", "date", "request", "method", "path", "status", "bytes"];
/// The latency roles of `--columns`, with their units.
const LATENCY_ROLES: [(&str, Unit); 4] = [
    ("latency", Unit::Seconds),
    ("latency_ms", Unit::Milliseconds),
    ("latency_us", Unit::Microseconds),
    ("latency_ns", Unit::Nanoseconds),
];

/// Returns a sentence if a role is unknown or repeated.
fn check_roles<'a>(roles: impl Iterator<Item = &'a str>) -> Result<(), String> {
    let mut seen: Vec<&str> = Vec::new();
    for role in roles {
        let is_latency = LATENCY_ROLES.iter().any(|(name, _)| *name == role);
        if !is_latency && !ROLES.contains(&role) {
            let all = ROLES.iter().chain(LATENCY_ROLES.iter().map(|(name, _)| name));
            let all: Vec<&str> = all.copied().collect();
            return Err(format!("\"{}\" is not one of {} or -", role.escape_default(), all.join(", ")));
        }
        let name = if is_latency { "latency" } else { role };
        if seen.contains(&name) {
            return Err(format!("\"{name}\" is given twice"));
        }
        seen.push(name);
    }
    Ok(())
}

/// The value of `--columns`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ColumnList {
    /// The roles by position.
    Positions(Columns),
    /// Pairs of a role and a name in the header.
    Names(Vec<(String, String)>),
}

impl ColumnList {
    /// Reads `host,-,user,time,request,status,bytes` or
    /// `time=@timestamp,status=elb_status_code`.
    ///
    /// # Errors
    ///
    /// A sentence if a role is unknown or repeated, or if no position is the
    /// time.
    pub fn parse(list: &str) -> Result<ColumnList, String> {
        if !list.contains('=') {
            return Columns::from_list(list).map(ColumnList::Positions);
        }
        let mut pairs = Vec::new();
        for item in list.split(',') {
            let Some((role, name)) = item.split_once('=') else {
                return Err(format!("\"{}\" is not like time=NAME", item.trim().escape_default()));
            };
            let name = name.trim();
            if name.is_empty() {
                return Err(format!("\"{}\" has no name", item.trim().escape_default()));
            }
            pairs.push((role.trim().to_owned(), name.to_owned()));
        }
        check_roles(pairs.iter().map(|(role, _)| role.as_str()))?;
        Ok(ColumnList::Names(pairs))
    }
}

/// What a line of names is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Header {
    /// A header that can be used.
    Columns(Box<Columns>),
    /// A header without this name, which `--columns` asks for.
    Lacks(Box<str>),
    /// A header without a time column.
    NoTime,
}

impl Header {
    /// Reads `record` as a header: at least two fields are known names, one of
    /// them a time's, and no field is a number or a time. The names of
    /// `--columns` (`called`) take precedence. `None` if it is no header.
    #[must_use]
    pub fn of(record: &Record<'_>, called: &[(String, String)], times: &mut TimeReader) -> Option<Header> {
        if has_data(record, times) {
            return None;
        }
        let names = Names::of(record);
        let given = |role: &str| {
            called.iter().find(|(named, _)| named == role).and_then(|(_, name)| column_called(record, name))
        };
        let mut known = names.known();
        for (_, name) in called {
            let column = column_called(record, name);
            known += usize::from(column.is_some_and(|column| !names.knows(column)));
        }
        if known < 2 {
            return None;
        }
        Some(Header::read(record, &names, called, &given))
    }

    /// Reads the names after `#Fields:` as a header.
    #[must_use]
    pub fn of_fields(record: &Record<'_>, called: &[(String, String)]) -> Header {
        let names = Names::of(record);
        let given = |role: &str| {
            called.iter().find(|(named, _)| named == role).and_then(|(_, name)| column_called(record, name))
        };
        Header::read(record, &names, called, &given)
    }

    fn read(
        record: &Record<'_>,
        names: &Names,
        called: &[(String, String)],
        given: &dyn Fn(&str) -> Option<usize>,
    ) -> Header {
        if let Some((_, name)) = called.iter().find(|(_, name)| column_called(record, name).is_none()) {
            return Header::Lacks(name.as_str().into());
        }
        let column = |role: Role, name: &str| given(name).or_else(|| names.column(role));
        // `date` is joined with `time` only if no earlier synonym is there.
        let (date, time) = match (given("date"), given("time")) {
            (date, Some(time)) => (date, time),
            (Some(date), None) => match names.position("time") {
                Some(time) if time != date => (Some(date), time),
                _ => (None, date),
            },
            (None, None) => match names.column(Role::Time) {
                Some(time) if names.position("time") == Some(time) => (names.position("date"), time),
                Some(time) => (None, time),
                None => return Header::NoTime,
            },
        };
        let latency = LATENCY_ROLES
            .iter()
            .find_map(|&(role, unit)| given(role).map(|column| Latency { column, unit }))
            .or_else(|| names.latency());
        let request = column(Role::Request, "request");
        Header::Columns(Box::new(Columns {
            width: Width::Exactly(record.width()),
            date,
            time,
            host: column(Role::Host, "host"),
            request,
            method: column(Role::Method, "method"),
            path: if request.is_none() { column(Role::Path, "path") } else { None },
            status: column(Role::Status, "status"),
            bytes: column(Role::Bytes, "bytes"),
            latency,
        }))
    }
}

/// Whether any field is a number or a time, so that the record is no header.
pub(crate) fn has_data(record: &Record<'_>, times: &mut TimeReader) -> bool {
    record.fields().any(|field| is_number(field) || times.is_time(field))
}

/// Whether a field is an optional sign, digits, and optional decimals.
fn is_number(field: &[u8]) -> bool {
    let is_digits = |text: &[u8]| !text.is_empty() && text.iter().all(u8::is_ascii_digit);
    let unsigned = field.strip_prefix(b"+").or_else(|| field.strip_prefix(b"-")).unwrap_or(field);
    match unsigned.iter().position(|&byte| byte == b'.') {
        Some(point) => is_digits(&unsigned[..point]) && is_digits(&unsigned[point + 1..]),
        None => is_digits(unsigned),
    }
}
