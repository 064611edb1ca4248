//! Which column holds what: from a header, from `--columns`, or as the Common
//! Log Format has them. Values are not read here.

use crate::read::record::{Record, is_blank};
use crate::read::timestamp::TimeReader;

/// The delimiters that are tried, in this order.
pub const DELIMITERS: [u8; 4] = [b',', b'\t', b';', b'|'];

/// What a column can hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The client.
    Host,
    /// Who is logged in; only helps to tell a header.
    User,
    /// The time.
    Time,
    /// The request line.
    Request,
    /// The method.
    Method,
    /// The path, or a request line.
    Path,
    /// The status.
    Status,
    /// The bytes sent.
    Bytes,
}

/// The names of header fields by role; the earlier synonym wins. They are
/// compared without case, blanks, `_` and `-`.
const NAMES: [(Role, &[&str]); 8] = [
    (Role::Host, &["remotehost", "remoteaddr", "remoteip", "clientip", "cip", "ip", "client", "host"]),
    (Role::User, &["authuser", "remoteuser", "user", "username"]),
    (Role::Time, &["timestamp", "datetime", "timelocal", "timeiso8601", "time", "date", "epoch", "ts"]),
    (Role::Request, &["request", "requestline"]),
    (Role::Method, &["method", "requestmethod", "httpmethod", "methodhttp", "verb", "csmethod"]),
    (Role::Path, &["path", "url", "uri", "requesturi", "urlpath", "csuristem", "target"]),
    (
        Role::Status,
        &[
            "status",
            "statuscode",
            "codestatus",
            "responsecode",
            "httpresponse",
            "httpstatus",
            "scstatus",
            "response",
            "code",
        ],
    ),
    (Role::Bytes, &["bytes", "bodybytessent", "bytessent", "size", "responsesize", "scbytes"]),
];

/// How many fields a record must have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Width {
    /// As many as the header.
    Exactly(usize),
    /// As many as are needed; further ones are ignored.
    AtLeast(usize),
}

impl Width {
    /// Whether a record of `fields` fields will do.
    #[must_use]
    pub fn fits(self, fields: usize) -> bool {
        match self {
            Width::Exactly(wanted) => fields == wanted,
            Width::AtLeast(wanted) => fields >= wanted,
        }
    }
}

/// The positions of the columns that are read, from 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Columns {
    /// How many fields a record must have.
    pub width: Width,
    /// The date, if it stands apart from the time.
    pub date: Option<usize>,
    /// The time.
    pub time: usize,
    /// The client.
    pub host: Option<usize>,
    /// The request line; where there is one, `method` and `path` are not read.
    pub request: Option<usize>,
    /// The method.
    pub method: Option<usize>,
    /// The path, or a request line.
    pub path: Option<usize>,
    /// The status.
    pub status: Option<usize>,
    /// The bytes sent.
    pub bytes: Option<usize>,
    /// How long it took.
    pub latency: Option<usize>,
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
    /// The columns that a list of roles names: `host,-,user,time,request,status,bytes`.
    ///
    /// # Errors
    ///
    /// A sentence if a name is unknown or comes twice, or if none is a time.
    pub fn from_list(list: &str) -> Result<Columns, String> {
        const ROLES: [&str; 9] =
            ["host", "user", "time", "date", "request", "method", "path", "status", "bytes"];
        let names: Vec<&str> = list.split(',').map(str::trim).collect();
        for (index, name) in names.iter().enumerate() {
            if *name == "-" {
                continue;
            }
            if !ROLES.contains(name) {
                return Err(format!("{name:?} is none of {} or -", ROLES.join(", ")));
            }
            if names[..index].contains(name) {
                return Err(format!("{name:?} comes twice"));
            }
        }
        let position = |role: &str| names.iter().position(|name| *name == role);
        let (date, time) = match (position("date"), position("time")) {
            (date, Some(time)) => (date, time),
            (Some(date), None) => (None, date),
            (None, None) => return Err("no column is the time".to_owned()),
        };
        let request = position("request");
        let unless_request = |role| if request.is_none() { position(role) } else { None };
        Ok(Columns {
            width: Width::AtLeast(names.len()),
            date,
            time,
            host: position("host"),
            request,
            method: unless_request("method"),
            path: unless_request("path"),
            status: position("status"),
            bytes: position("bytes"),
            latency: None,
        })
    }

    /// The columns that `record` names, if it is a header: at least two of its
    /// fields are names, one of them a time's, and none is a number or a time.
    #[must_use]
    pub fn from_header(record: &Record<'_>, times: &mut TimeReader) -> Option<Columns> {
        if !names_columns(record, times) {
            return None;
        }
        let names: Vec<String> = record.fields().map(plain_name).collect();
        let position = |name: &&str| names.iter().position(|plain| plain == name);
        let column = |role: Role| synonyms(role).iter().find_map(position);
        let time = column(Role::Time)?;
        // Where `time` won, none of the names before it is there.
        let date = if names[time] == "time" { position(&"date") } else { None };
        let request = column(Role::Request);
        let unless_request = |role| if request.is_none() { column(role) } else { None };
        Some(Columns {
            width: Width::Exactly(record.width()),
            date,
            time,
            host: column(Role::Host),
            request,
            method: unless_request(Role::Method),
            path: unless_request(Role::Path),
            status: column(Role::Status),
            bytes: column(Role::Bytes),
            latency: None,
        })
    }

    /// What each column that is read holds, in their order, from the first
    /// one on; `None` for a column that isn't read.
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

/// Whether at least two fields are names of columns and none is a number or a
/// time: a header, or one but for the time.
#[must_use]
pub fn names_columns(record: &Record<'_>, times: &mut TimeReader) -> bool {
    let mut known = 0;
    for field in record.fields() {
        if is_number(field) || times.read(field).is_some() {
            return false;
        }
        let name = plain_name(field);
        known += usize::from(NAMES.iter().any(|(_, names)| names.contains(&name.as_str())));
    }
    known >= 2
}

fn synonyms(role: Role) -> &'static [&'static str] {
    NAMES.iter().find(|(named, _)| *named == role).map_or(&[], |(_, names)| names)
}

/// A name without case, blanks, `_` and `-`, cut where it is longer than all
/// that are known.
fn plain_name(field: &[u8]) -> String {
    const LONGEST: usize = 64;
    let kept = field.iter().filter(|&&byte| !is_blank(byte) && byte != b'_' && byte != b'-');
    kept.take(LONGEST).map(|byte| char::from(byte.to_ascii_lowercase())).collect()
}

/// An optional sign, digits, and optional decimals.
fn is_number(field: &[u8]) -> bool {
    let is_digits = |text: &[u8]| !text.is_empty() && text.iter().all(u8::is_ascii_digit);
    let unsigned = field.strip_prefix(b"+").or_else(|| field.strip_prefix(b"-")).unwrap_or(field);
    match unsigned.iter().position(|&byte| byte == b'.') {
        Some(point) => is_digits(&unsigned[..point]) && is_digits(&unsigned[point + 1..]),
        None => is_digits(unsigned),
    }
}
