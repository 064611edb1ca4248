//! The known column names of access logs, with the systems that write or export
//! them. Maps the names of a header to roles and to latency units.

use crate::read::record::{Record, is_blank, trim};
use crate::read::value::Unit;

/// What a column can hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The client.
    Host,
    /// The user. Only helps to recognise a header.
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
    /// Bytes sent.
    Bytes,
}

/// The latency column and its unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Latency {
    /// The position of the column, counted from 0.
    pub column: usize,
    /// The unit of values that carry none.
    pub unit: Unit,
}

/// The known names by role, in the form of [`normalize`]. If a header has several,
/// the earlier one wins.
///
/// | who | where it says so |
/// |---|---|
/// | Apache, nginx | mod_log_config; ngx_http_log_module, ngx_http_core_module (variables) |
/// | W3C, IIS | W3C Extended Log File Format; Microsoft, HTTP_LOG_FIELD_ constants |
/// | CloudFront | Amazon CloudFront Developer Guide, Standard logging reference; Athena's DDL for it |
/// | ALB, S3 | ALB User Guide, access log entries; S3 User Guide, Server access log format; Athena's DDL |
/// | API Gateway | API Gateway Developer Guide, Variables for access logging (`$context`) |
/// | Azure | Azure Monitor, tables AppServiceHTTPLogs, AGWAccessLogs; Front Door, access log |
/// | Google | Cloud Logging, HttpRequest; Cloud Storage, usage logs (`time_micros`, `c_ip`) |
/// | Cloudflare | Logpush, dataset HTTP requests |
/// | Alibaba | Log Service, ALB Layer 7 access logs |
/// | ECS, Kibana | Elastic Common Schema; CSV reports have its names |
/// | Datadog | Standard attributes |
/// | Zeek | base/protocols/http, record HTTP::Info |
/// | grok | Logstash patterns, COMMONAPACHELOG (`clientip`, `verb`, `response`) |
/// | JMeter | User's Manual, Listeners: CSV Log format |
/// | Squid | squid.conf, logformat; native log (`elapsed`, `code/status`) |
/// | Traefik, Caddy, HAProxy | access logs; `log` directive; Configuration Manual, HTTP log format |
const NAMES: [(Role, &[&str]); 8] = [
    (
        Role::Host,
        &[
            "remotehost",
            "remoteaddr",
            "remoteip", // GCP: httpRequest.remoteIp; S3: remoteip
            "clientip", // grok; Azure; Cloudflare: ClientIP; ECS: client.ip
            "cip",      // W3C: c-ip
            "idorigh",  // Zeek: id.orig_h
            "sourceip", // ECS: source.ip; API Gateway: identity.sourceIp
            "srcip",
            "ipaddress",
            "requestip",  // CloudFront in Athena
            "clienthost", // Traefik
            "clientaddr",
            "clientaddress", // OpenTelemetry: client.address
            "sourceaddress", // ECS
            "remoteaddress",
            "ip", // Datadog: network.client.ip
            "client",
            "host", // the server's in Zeek, Azure, Datadog
        ],
    ),
    (Role::User, &["authuser", "remoteuser", "user", "username", "csusername", "clientusername"]),
    (
        Role::Time,
        &[
            "timestamp", // ECS: @timestamp; JMeter: timeStamp; GCP
            "datetime",
            "timelocal",     // nginx
            "timeiso8601",   // nginx
            "timegenerated", // Azure
            "timemicros",    // GCS
            "time",          // ALB; W3C
            "date",          // W3C; Datadog
            "epoch",
            "ts", // Zeek, Caddy
            "msec",
            "requestdatetime",    // S3
            "edgestarttimestamp", // Cloudflare
            "startutc",           // Traefik
            "startlocal",         // Traefik
            "requesttimeepoch",   // API Gateway, ms
            "requesttimestamp",
            "eventtime",
        ],
    ),
    (Role::Request, &["request", "requestline"]),
    (
        Role::Method,
        &[
            "method",        // Zeek, Squid; ECS: http.request.method; Datadog: http.method
            "requestmethod", // nginx; GCP; Traefik
            "httpmethod",    // Azure, API Gateway
            "methodhttp",
            "verb",                // grok
            "csmethod",            // W3C
            "clientrequestmethod", // Cloudflare
            "requestverb",         // ALB in Athena
        ],
    ),
    (
        Role::Path,
        &[
            "path",       // ECS: url.path; API Gateway
            "url",        // JMeter; Datadog: http.url
            "uri",        // Zeek
            "requesturi", // nginx; S3: request_uri; Azure: requestUri
            "requesturl", // GCP; ALB in Athena
            "urlpath",
            "csuristem", // W3C
            "csuri",     // GCS
            "desturl",
            "endpoint",
            "target",
            "requestpath",       // Traefik
            "clientrequesturi",  // Cloudflare
            "clientrequestpath", // Cloudflare
            "urloriginal",       // ECS
            "resourcepath",      // API Gateway
        ],
    ),
    (
        Role::Status,
        &[
            "status",     // nginx; GCP; Caddy
            "statuscode", // Zeek; ECS: http.response.status_code; Datadog
            "codestatus",
            "responsecode", // JMeter
            "httpresponse",
            "httpstatus",         // S3; Azure: HttpStatus
            "scstatus",           // W3C
            "response",           // grok
            "code",               // Squid
            "elbstatuscode",      // ALB
            "edgeresponsestatus", // Cloudflare
            "downstreamstatus",   // Traefik
            "httpstatuscode",     // Azure Front Door
            "originstatus",       // Traefik
        ],
    ),
    (
        Role::Bytes,
        &[
            "bytes",                 // grok, JMeter; ECS: http.response.bytes
            "bodybytessent",         // nginx
            "bytessent",             // nginx; S3
            "size",                  // Caddy
            "responsesize",          // GCP
            "responsebodylen",       // Zeek
            "scbytes",               // W3C
            "sentbytes",             // ALB; Azure
            "responsebytes",         // Azure Front Door
            "edgeresponsebytes",     // Cloudflare
            "downstreamcontentsize", // Traefik
            "byteswritten",          // Datadog: network.bytes_written
            "responselength",        // API Gateway
        ],
    ),
];

/// The known names of latency, each with the unit that its system writes. The
/// time of the whole request comes before that of a part.
const LATENCIES: &[(&str, Unit)] = &[
    ("requesttime", Unit::Seconds),    // nginx $request_time, with three decimals
    ("timetaken", Unit::Milliseconds), // W3C, IIS, Azure App Service; see `unit_of`
    ("timetakenmicros", Unit::Microseconds), // GCS
    ("totaltime", Unit::Milliseconds), // S3
    ("eventduration", Unit::Nanoseconds), // ECS
    ("duration", Unit::Seconds),       // Caddy; see `unit_of`
    ("durations", Unit::Seconds),      // `duration_s`
    ("durationms", Unit::Milliseconds),
    ("durationus", Unit::Microseconds),
    ("durationns", Unit::Nanoseconds),
    ("requestduration", Unit::Seconds), // OpenTelemetry: http.server.request.duration
    ("elapsed", Unit::Milliseconds),    // JMeter, Squid
    ("elapsedtime", Unit::Milliseconds), // Software AG's Integration Server
    ("responselatency", Unit::Milliseconds), // API Gateway
    ("responsetime", Unit::Seconds),    // Cloud Foundry's gorouter
    ("responsetimems", Unit::Milliseconds),
    ("latency", Unit::Seconds), // GCP: httpRequest.latency, `0.053s`
    ("latencys", Unit::Seconds),
    ("latencyms", Unit::Milliseconds),
    ("latencyus", Unit::Microseconds),
    ("latencyns", Unit::Nanoseconds),
    ("requesttimems", Unit::Milliseconds),
    ("targetprocessingtime", Unit::Seconds),          // ALB
    ("backendprocessingtime", Unit::Seconds),         // ELB
    ("upstreamresponsetime", Unit::Seconds),          // nginx
    ("originresponsedurationms", Unit::Milliseconds), // Cloudflare
];

/// If a header has one of these names, its `time-taken` is in seconds:
/// CloudFront, Azure Front Door and Application Gateway.
const WRITES_SECONDS: [&str; 4] = ["xedgelocation", "timetofirstbyte", "httpstatuscode", "httpstatus"];
/// If a header has one of these names, its `Duration` is in nanoseconds:
/// Traefik.
const WRITES_NANOSECONDS: [&str; 3] = ["downstreamstatus", "startutc", "originduration"];

/// Normalises a name: removes case, blanks, `_`, `-`, `.`, a leading `@` and a
/// trailing `[UTC]`. Cuts it at 64 characters, more than any known name has.
pub(crate) fn normalize(name: &[u8]) -> String {
    const LONGEST: usize = 64;
    const UTC: &[u8] = b"[UTC]";
    let mut name = trim(name);
    if let Some((head, tail)) = name.split_at_checked(name.len().saturating_sub(UTC.len()))
        && tail.eq_ignore_ascii_case(UTC)
    {
        name = head;
    }
    let name = name.strip_prefix(b"@").unwrap_or(name);
    let kept = name.iter().filter(|&&byte| !is_blank(byte) && !matches!(byte, b'_' | b'-' | b'.'));
    kept.take(LONGEST).map(|byte| char::from(byte.to_ascii_lowercase())).collect()
}

/// The part after the last dot of a name, normalised.
fn last_part(name: &[u8]) -> Option<String> {
    let dot = name.iter().rposition(|&byte| byte == b'.')?;
    Some(normalize(&name[dot + 1..]))
}

fn is_known(name: &str) -> bool {
    NAMES.iter().any(|(_, names)| names.contains(&name)) || LATENCIES.iter().any(|(known, _)| *known == name)
}

/// The names in a header, normalised.
#[derive(Debug)]
pub(crate) struct Names {
    names: Vec<String>,
}

impl Names {
    /// Reads the names in `record`. A dotted name that is not known as a whole
    /// stands for the part after its last dot.
    pub(crate) fn of(record: &Record<'_>) -> Names {
        let name = |field: &[u8]| {
            let whole = normalize(field);
            if is_known(&whole) { whole } else { last_part(field).unwrap_or(whole) }
        };
        Names { names: record.fields().map(name).collect() }
    }

    /// How many of the names are known.
    pub(crate) fn known(&self) -> usize {
        self.names.iter().filter(|name| is_known(name)).count()
    }

    /// Whether the name of this column is known.
    pub(crate) fn knows(&self, column: usize) -> bool {
        self.names.get(column).is_some_and(|name| is_known(name))
    }

    /// The first column with this name.
    pub(crate) fn position(&self, name: &str) -> Option<usize> {
        self.names.iter().position(|found| found == name)
    }

    /// The column of this role.
    pub(crate) fn column(&self, role: Role) -> Option<usize> {
        let (_, synonyms) = NAMES.iter().find(|(named, _)| *named == role)?;
        synonyms.iter().find_map(|name| self.position(name))
    }

    /// The latency column.
    pub(crate) fn latency(&self) -> Option<Latency> {
        LATENCIES.iter().find_map(|&(name, unit)| {
            let column = self.position(name)?;
            Some(Latency { column, unit: self.unit_of(name, unit) })
        })
    }

    /// The unit of a name that several systems use; other names show which
    /// system it is.
    fn unit_of(&self, name: &str, usual: Unit) -> Unit {
        let has_one_of = |others: &[&str]| others.iter().any(|other| self.position(other).is_some());
        match name {
            "timetaken" if has_one_of(&WRITES_SECONDS) => Unit::Seconds,
            "duration" if has_one_of(&WRITES_NANOSECONDS) => Unit::Nanoseconds,
            _ => usual,
        }
    }
}

/// The column that the user means by `name`: the one with exactly that name,
/// else the one with the same normalised name, else the one with the same part
/// after the last dot.
pub(crate) fn column_called(record: &Record<'_>, name: &str) -> Option<usize> {
    let wanted = normalize(name.as_bytes());
    let find = |is: &dyn Fn(&[u8]) -> bool| record.fields().position(is);
    find(&|field| field == name.as_bytes())
        .or_else(|| find(&|field| normalize(field) == wanted))
        .or_else(|| find(&|field| last_part(field).as_ref() == Some(&wanted)))
}

/// Whether a field could be the name of a column.
pub(crate) fn looks_like_name(field: &[u8]) -> bool {
    const LONGEST: usize = 64;
    let is_first =
        |byte: u8| byte.is_ascii_alphabetic() || byte >= 0x80 || matches!(byte, b'@' | b'_' | b'$');
    let is_part =
        |byte: u8| byte.is_ascii_alphanumeric() || byte >= 0x80 || b" _-.@()[]&:#$%".contains(&byte);
    let Some(&first) = field.first() else { return false };
    field.len() <= LONGEST && is_first(first) && field.iter().all(|&byte| is_part(byte))
}
