//! SPEC section 2, "Columns": which column holds what, from the names in a
//! header or in `--columns`; and a record's fields -> a request.

use super::fields::{before_and_from_time, with_user};
use super::values::{self, Times, trim};

/// A request. A missing column has the value of an empty field.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) time: i64,
    pub(crate) host: String,
    pub(crate) method: &'static str,
    pub(crate) section: String,
    pub(crate) status: Option<u64>,
    pub(crate) bytes: u64,
    /// In nanoseconds; `None` if the request has none.
    pub(crate) latency: Option<u64>,
}

// ---- the table of names -----------------------------------------------------

// The names in the contract, and further ones in the manual.

const HOST: &[&str] = &[
    "remotehost",
    "remoteaddr",
    "remoteip",
    "clientip",
    "cip",
    "idorigh",
    "sourceip",
    "srcip",
    "ipaddress",
    "requestip",
    "clienthost",
    "clientaddr",
    "clientaddress",
    "sourceaddress",
    "remoteaddress",
    "ip",
    "client",
    "host",
];
const USER: &[&str] = &["authuser", "remoteuser", "user", "username", "csusername", "clientusername"];
const TIME: &[&str] = &[
    "timestamp",
    "datetime",
    "timelocal",
    "timeiso8601",
    "timegenerated",
    "timemicros",
    "time",
    "date",
    "epoch",
    "ts",
    "msec",
    "requestdatetime",
    "edgestarttimestamp",
    "startutc",
    "startlocal",
    "requesttimeepoch",
    "requesttimestamp",
    "eventtime",
];
const REQUEST: &[&str] = &["request", "requestline"];
const METHOD: &[&str] = &[
    "method",
    "requestmethod",
    "httpmethod",
    "methodhttp",
    "verb",
    "csmethod",
    "clientrequestmethod",
    "requestverb",
];
const PATH: &[&str] = &[
    "path",
    "url",
    "uri",
    "requesturi",
    "requesturl",
    "urlpath",
    "csuristem",
    "csuri",
    "desturl",
    "endpoint",
    "target",
    "requestpath",
    "clientrequesturi",
    "clientrequestpath",
    "urloriginal",
    "resourcepath",
];
const STATUS: &[&str] = &[
    "status",
    "statuscode",
    "codestatus",
    "responsecode",
    "httpresponse",
    "httpstatus",
    "scstatus",
    "response",
    "code",
    "elbstatuscode",
    "edgeresponsestatus",
    "downstreamstatus",
    "httpstatuscode",
    "originstatus",
];
const BYTES: &[&str] = &[
    "bytes",
    "bodybytessent",
    "bytessent",
    "size",
    "responsesize",
    "responsebodylen",
    "scbytes",
    "sentbytes",
    "responsebytes",
    "edgeresponsebytes",
    "downstreamcontentsize",
    "byteswritten",
    "responselength",
];
/// 1971-01-01T00:00:00Z.
const YEAR_1971: i64 = 31_536_000;

/// A unit, in nanoseconds.
const LATENCY: &[(&str, u64)] = &[
    ("requesttime", SECOND),
    ("timetaken", MILLISECOND),
    ("timetakenmicros", MICROSECOND),
    ("totaltime", MILLISECOND),
    ("eventduration", 1),
    ("duration", SECOND),
    ("durations", SECOND),
    ("durationms", MILLISECOND),
    ("durationus", MICROSECOND),
    ("durationns", 1),
    ("requestduration", SECOND),
    ("elapsed", MILLISECOND),
    ("elapsedtime", MILLISECOND),
    ("responselatency", MILLISECOND),
    ("responsetime", SECOND),
    ("responsetimems", MILLISECOND),
    ("latency", SECOND),
    ("latencys", SECOND),
    ("latencyms", MILLISECOND),
    ("latencyus", MICROSECOND),
    ("latencyns", 1),
    ("requesttimems", MILLISECOND),
    ("targetprocessingtime", SECOND),
    ("backendprocessingtime", SECOND),
    ("upstreamresponsetime", SECOND),
    ("originresponsedurationms", MILLISECOND),
];
/// "Each with the unit that its system writes": `time-taken` is in seconds
/// beside the first names, `duration` in nanoseconds beside the others.
const BESIDE_SECONDS: &[&str] = &["xedgelocation", "timetofirstbyte", "httpstatuscode", "httpstatus"];
const BESIDE_NANOSECONDS: &[&str] = &["downstreamstatus", "startutc", "originduration"];

pub(crate) const SECOND: u64 = 1_000_000_000;
pub(crate) const MILLISECOND: u64 = 1_000_000;
pub(crate) const MICROSECOND: u64 = 1_000;

/// "Names are compared without case, blanks, `_`, `-`, `.`, a leading `@` and
/// a trailing `[UTC]`."
fn plain(name: &[u8]) -> String {
    let name = trim(name);
    let name = name.strip_prefix(b"@").unwrap_or(name);
    let cut = name.len().saturating_sub(5);
    let name = if name[cut..].eq_ignore_ascii_case(b"[UTC]") { &name[..cut] } else { name };
    let kept: Vec<u8> = name.iter().filter(|byte| !b" \t_-.".contains(byte)).copied().collect();
    String::from_utf8_lossy(&kept).to_ascii_lowercase()
}

fn is_known(plain: &str) -> bool {
    [HOST, USER, TIME, REQUEST, METHOD, PATH, STATUS, BYTES].iter().any(|names| names.contains(&plain))
        || LATENCY.iter().any(|(name, _)| *name == plain)
}

/// "A dotted name that is not known as a whole by what follows its last dot."
fn table_name(name: &[u8]) -> String {
    let whole = plain(name);
    match name.iter().rposition(|&byte| byte == b'.') {
        Some(dot) if !is_known(&whole) => plain(&name[dot + 1..]),
        _ => whole,
    }
}

// ---- what `--columns` says --------------------------------------------------

/// `--columns LIST`.
#[derive(Clone, Debug)]
pub(crate) enum Given {
    Nothing,
    /// "By position."
    Position(Columns),
    /// "By the header's names": pairs of role and name.
    Names(Vec<(String, String)>),
}

impl Given {
    pub(crate) fn read(list: Option<&str>) -> Self {
        let Some(list) = list else { return Self::Nothing };
        if !list.contains('=') {
            return Self::Position(Columns::from_list(list));
        }
        let pair = |item: &str| {
            let (role, name) = item.split_once('=').expect("role=NAME");
            (role.trim().to_owned(), name.trim().to_owned())
        };
        Self::Names(list.split(',').map(pair).collect())
    }

    fn names(&self) -> &[(String, String)] {
        match self {
            Self::Names(names) => names,
            _ => &[],
        }
    }
}

/// The column that the user means by a name: exactly that name, else the same
/// normalised name, else the same part after the last dot.
fn column_called(fields: &[Vec<u8>], name: &str) -> Option<usize> {
    let name = name.as_bytes();
    let after_dot = |field: &[u8]| field.rsplitn(2, |&byte| byte == b'.').next().map(plain);
    let written = fields.iter().position(|field| trim(field) == name);
    let same = || fields.iter().position(|field| plain(field) == plain(name));
    let last = || fields.iter().position(|field| after_dot(field) == Some(plain(name)));
    written.or_else(same).or_else(last)
}

// ---- columns ----------------------------------------------------------------

/// How many fields a record must have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Width {
    /// "Another number of fields than the header" is malformed.
    Exactly(usize),
    /// "Without a header fewer than the columns need" is.
    AtLeast(usize),
}

/// Where the time is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Time {
    In(usize),
    /// "The two are joined with a blank."
    Joined {
        date: usize,
        time: usize,
    },
}

/// Which column holds what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Columns {
    width: Width,
    time: Time,
    host: Option<usize>,
    request: Option<usize>,
    method: Option<usize>,
    path: Option<usize>,
    status: Option<usize>,
    bytes: Option<usize>,
    /// The position, and the unit in nanoseconds.
    latency: Option<(usize, u64)>,
}

/// What a line of names is.
#[derive(Debug)]
pub(crate) enum Heading {
    Header(Columns),
    /// A header without one of the names that `--columns` gives.
    LacksGiven,
    /// "A line that looks like a header without a time."
    WithoutTime,
    None,
}

impl Columns {
    /// "Without a header and without `--columns`:
    /// `host,ident,user,time,request,status,bytes`, at least these seven,
    /// further ones ignored."
    pub(crate) fn usual() -> Self {
        Self::from_list("host,-,user,time,request,status,bytes")
    }

    /// No columns at all: everything is `null`.
    pub(crate) fn none() -> Self {
        Self::from_list("time")
    }

    /// `--columns` by position: "the roles (and `date`) or `-`; a record needs
    /// at least as many fields."
    fn from_list(list: &str) -> Self {
        let roles: Vec<&str> = list.split(',').map(str::trim).collect();
        let index = |role: &str| roles.iter().position(|&listed| listed == role);
        let time = match (index("date"), index("time")) {
            (Some(date), Some(time)) => Time::Joined { date, time },
            (Some(only), None) | (None, Some(only)) => Time::In(only),
            (None, None) => panic!("--columns without a time is a usage error"),
        };
        let units = [
            ("latency", SECOND),
            ("latency_ms", MILLISECOND),
            ("latency_us", MICROSECOND),
            ("latency_ns", 1),
        ];
        Self {
            width: Width::AtLeast(roles.len()),
            time,
            host: index("host"),
            request: index("request"),
            method: index("method"),
            path: index("path").filter(|_| index("request").is_none()),
            status: index("status"),
            bytes: index("bytes"),
            latency: units.into_iter().find_map(|(role, unit)| Some((index(role)?, unit))),
        }
    }

    /// What a line of these fields is as a header. `is_by_word` says that it is
    /// a `#Fields` line, `is_first` that it is the first line of its source.
    pub(crate) fn heading(
        fields: &[Vec<u8>],
        given: &Given,
        times: &Times,
        is_by_word: bool,
        is_first: bool,
    ) -> Heading {
        // "None of its fields is a number (…) or a time."
        let has_data = fields.iter().any(|field| is_data(field, times));
        if has_data && !is_by_word {
            return Heading::None;
        }
        let names: Vec<String> = fields.iter().map(|field| table_name(field)).collect();
        let known = names.iter().filter(|name| is_known(name)).count();

        // "If at least two of its fields are names above, one of them a
        // time's." What `--columns` names is a name, too.
        let given_columns = given.names().iter().map(|(_, name)| column_called(fields, name));
        let lacks = given_columns.clone().any(|column| column.is_none());
        let further = given_columns.flatten().filter(|&column| !is_known(&names[column])).count();
        let columns = Self::from_names(fields, &names, given);
        let is_enough = if is_by_word { columns.is_some() } else { known + further >= 2 };
        if is_enough {
            // "With `--columns` by names, a header without one of them is an
            // error."
            match columns {
                _ if lacks => return Heading::LacksGiven,
                Some(columns) => return Heading::Header(columns),
                None => {}
            }
        }

        // "No field is a number, a time or a request line, and at least two
        // are names above, or it is a source's first line and all of at least
        // three look like names."
        let has_request = fields.iter().any(|field| values::is_request_line(field));
        let look_like_names = fields.len() >= 3 && fields.iter().all(|field| looks_like_a_name(field));
        let is_of_names = known >= 2 || (is_first && look_like_names);
        if is_of_names && (is_by_word || !has_request) {
            return Heading::WithoutTime;
        }
        Heading::None
    }

    /// The columns of a header, if it has a time.
    fn from_names(fields: &[Vec<u8>], names: &[String], given: &Given) -> Option<Self> {
        // "The header's names (of `--columns`) go before what the header's own
        // names say."
        let given_index = |role: &str| {
            let (_, name) = given.names().iter().find(|(known, _)| known == role)?;
            column_called(fields, name)
        };
        // "The earlier synonym wins"; of two columns of one name the first.
        let called = |name: &str| names.iter().position(|found| found == name);
        let index = |role: &str, synonyms: &[&str]| {
            given_index(role).or_else(|| synonyms.iter().find_map(|name| called(name)))
        };

        // "If a `date` and a `time` column are there and no earlier name, the
        // two are joined with a blank; `date` alone is the time."
        let date = given_index("date").or_else(|| called("date"));
        let earlier = TIME.iter().take_while(|&&name| name != "time").find_map(|name| called(name));
        let time = match (given_index("date"), given_index("time")) {
            (Some(date), Some(time)) => Time::Joined { date, time },
            (None, Some(time)) => Time::In(time),
            (Some(date), None) => match called("time") {
                Some(time) if time != date => Time::Joined { date, time },
                _ => Time::In(date),
            },
            (None, None) => match (earlier, date, called("time")) {
                (None, Some(date), Some(time)) => Time::Joined { date, time },
                _ => Time::In(TIME.iter().find_map(|name| called(name))?),
            },
        };
        let given_latency = [
            ("latency", SECOND),
            ("latency_ms", MILLISECOND),
            ("latency_us", MICROSECOND),
            ("latency_ns", 1),
        ]
        .into_iter()
        .find_map(|(role, unit)| Some((given_index(role)?, unit)));
        let latency = given_latency.or_else(|| {
            let has_one_of = |others: &[&str]| others.iter().any(|name| called(name).is_some());
            let unit_of = |name, unit| match name {
                "timetaken" if has_one_of(BESIDE_SECONDS) => SECOND,
                "duration" if has_one_of(BESIDE_NANOSECONDS) => 1,
                _ => unit,
            };
            LATENCY.iter().find_map(|&(name, unit)| Some((called(name)?, unit_of(name, unit))))
        });
        let request = index("request", REQUEST);
        Some(Self {
            width: Width::Exactly(names.len()),
            time,
            host: index("host", HOST),
            request,
            method: index("method", METHOD),
            path: index("path", PATH).filter(|_| request.is_none()),
            status: index("status", STATUS),
            bytes: index("bytes", BYTES),
            latency,
        })
    }

    /// The request of a record, if it is a good one. "Malformed: another
    /// number of fields; a time, status or byte count that can't be read."
    /// `before` is the time read before it.
    pub(crate) fn request(&self, fields: &[Vec<u8>], times: &Times, before: Option<i64>) -> Option<Request> {
        let fits = match self.width {
            Width::Exactly(width) => fields.len() == width,
            Width::AtLeast(width) => fields.len() >= width,
        };
        if !fits {
            return None;
        }
        let value = |column: Option<usize>| column.map_or(&b""[..], |column| trim(&fields[column]));
        let time = match self.time {
            Time::In(column) => times.read(&fields[column], before)?,
            // "A `date` that is a whole time is the time."
            Time::Joined { date, time } => times.read(&fields[date], before).or_else(|| {
                let joined = [value(Some(date)), value(Some(time))].join(&b' ');
                times.read(&joined, before)
            })?,
        };
        let status = values::status(value(self.status)).ok()?;
        let bytes = values::bytes(value(self.bytes)).ok()?;
        let latency = self.latency.and_then(|(column, unit)| values::latency(value(Some(column)), unit));
        let (method, target) = self.method_and_target(&value);
        Some(Request {
            time,
            host: values::host(value(self.host)),
            method,
            section: values::name(values::section(target)),
            status,
            bytes,
            latency,
        })
    }

    /// Whether a record is of 1970 and another column has a later time. Columns
    /// that a header gives a role are not looked at.
    pub(crate) fn has_another_time(
        &self,
        fields: &[Vec<u8>],
        request: &Request,
        times: &Times,
        before: Option<i64>,
        is_usual: bool,
    ) -> bool {
        let (time, date) = match self.time {
            Time::In(time) => (time, None),
            Time::Joined { date, time } => (time, Some(date)),
        };
        let latency = self.latency.map(|(column, _)| column);
        let read = [date, self.host, self.request, self.method, self.path, self.status, self.bytes, latency];
        let is_other = |index: usize| index != time && (is_usual || !read.contains(&Some(index)));
        let is_later = |field: &[u8]| times.read(field, before).is_some_and(|time| time >= YEAR_1971);
        let mut others = fields.iter().enumerate().filter(|(index, _)| is_other(*index));
        request.time < YEAR_1971 && others.any(|(_, field)| is_later(field))
    }

    /// Splits a line separated by blanks that has a time in brackets. The user
    /// name may contain blanks if the ident before it is `-`.
    pub(crate) fn by_position_in_blanks(&self, line: &[u8]) -> Option<Vec<Vec<u8>>> {
        let Time::In(time) = self.time else { return None };
        let (words, rest) = before_and_from_time(line)?;
        let has_user = time >= 2 && words.get(time - 2).is_some_and(|ident| ident == b"-");
        let count = if has_user { time } else { words.len() };
        Some(with_user(words, count, rest))
    }

    fn method_and_target<'a>(&self, value: &impl Fn(Option<usize>) -> &'a [u8]) -> (&'static str, &'a [u8]) {
        let method = self.method.map(|column| values::method(value(Some(column))));
        match (self.request, self.path) {
            // "A request column wins over method and path; with a method
            // column, a request that is no request line is read as a path."
            (Some(request), _) => {
                let request = value(Some(request));
                match method {
                    Some(method) if !values::is_request_line(request) && !values::has_method(request) => {
                        (method, request)
                    }
                    _ => values::request_line(request),
                }
            }
            // "A path whose last word starts with `HTTP/` is read as a request
            // line (a method column still wins; where there is none, a path
            // that is no request line has the method `other`)."
            (None, Some(path)) => {
                let path = value(Some(path));
                let (own_method, target) = if values::is_request_line(path) {
                    values::request_line(path)
                } else {
                    (values::OTHER, path)
                };
                (method.unwrap_or(own_method), target)
            }
            (None, None) => (method.unwrap_or(values::OTHER), b""),
        }
    }

    // "What else the columns don't have makes the fields of the summary that
    // it would have filled `null`."

    pub(crate) fn has_host(&self) -> bool {
        self.host.is_some()
    }

    pub(crate) fn has_status(&self) -> bool {
        self.status.is_some()
    }

    pub(crate) fn has_bytes(&self) -> bool {
        self.bytes.is_some()
    }

    pub(crate) fn has_latency(&self) -> bool {
        self.latency.is_some()
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

/// "A number or a time".
pub(crate) fn is_data(field: &[u8], times: &Times) -> bool {
    values::is_number(field) || times.is_time(field)
}

/// Whether a field could be a name: a letter, `_`, `@` or `$` first, then
/// these, digits, blanks and a few signs.
fn looks_like_a_name(field: &[u8]) -> bool {
    let field = trim(field);
    let is_letter = |byte: u8| byte.is_ascii_alphabetic() || byte >= 0x80;
    let begins = field.first().is_some_and(|&byte| is_letter(byte) || b"_@$".contains(&byte));
    let is_part = |byte: u8| is_letter(byte) || byte.is_ascii_digit() || b" _-.@()[]&:#$%".contains(&byte);
    begins && field.len() <= 64 && field.iter().all(|&byte| is_part(byte))
}
