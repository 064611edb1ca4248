//! Random logs: how a log is written, that is its delimiter, columns and times.

use crate::common::Random;

/// Values for `--time-format`.
pub(crate) const TIME_FORMATS: &[&str] = &[
    "%d.%m.%Y %H:%M:%S",
    "%Y%m%d%H%M%S",
    "%s",
    "%m/%d/%Y, %I:%M:%S %p",
    "%Y-%m-%dT%H:%M:%S%z",
    "%b %d %Y %H-%M-%S",
];

/// Writes a time in one of the forms of real servers. A form without an offset
/// is in `zone`.
fn time_text(second: i64, form: i64, zone: &jiff::tz::TimeZone) -> String {
    let time = jiff::Timestamp::from_second(second).expect("in range");
    let utc = time.to_zoned(jiff::tz::TimeZone::UTC);
    let local = time.to_zoned(zone.clone());
    match form {
        1 => format!("{second}.999"),
        // The number of digits says the unit, so these forms need times of ten
        // digits.
        2 if is_ten_digits(second) => format!("{second}123"),
        3 => utc.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        4 => utc.strftime("%Y-%m-%d %H:%M:%S.25 UTC").to_string(),
        5 => utc.strftime("[%d/%b/%Y:%H:%M:%S +0000]").to_string(),
        6 => local.strftime("%d/%b/%Y:%H:%M:%S").to_string(),
        7 => (time + jiff::SignedDuration::from_mins(90)).strftime("%Y-%m-%dT%H:%M:%S+01:30").to_string(),
        8 => local.strftime("%Y/%m/%d %H:%M:%S,75").to_string(),
        9 => utc.strftime("%Y-%m-%d %H:%M:%S GMT").to_string(),
        10 => local.strftime("%b %-d, %Y @ %H:%M:%S.125").to_string(),
        11 if is_ten_digits(second) => format!("{second}123456"),
        12 if is_ten_digits(second) => format!("{second}123456789"),
        13 => local.strftime("%Y-%m-%d %H:%M:%S").to_string(),
        14 => (time - jiff::SignedDuration::from_hours(5)).strftime("%Y-%m-%d %H:%M:%S -0500").to_string(),
        15 => utc.strftime("%d/%b/%Y:%H:%M:%S.5 Z").to_string(),
        _ => second.to_string(),
    }
}

fn is_ten_digits(second: i64) -> bool {
    second > 1_000_000_000 && second < 9_000_000_000
}

/// The number of forms.
const TIMES: i64 = 16;

/// A header, and the role of each column.
type Layout = (&'static [&'static str], &'static [&'static str]);

const LAYOUTS: &[Layout] = &[
    (
        &["remotehost", "rfc931", "authuser", "date", "request", "status", "bytes"],
        &["host", "-", "user", "time", "request", "status", "bytes"],
    ),
    (&["Time-Stamp", "client_ip", "Verb", "URL", "code"], &["time", "host", "method", "path", "status"]),
    (&["ts", "path", "size"], &["time", "path", "bytes"]),
    (&["date", "time", "status", "x"], &["date", "clock", "status", "-"]),
    (&["Date", "host", "Time"], &["time", "host", "-"]),
    (&["host", "time"], &["host", "time"]),
    (&["epoch", "method", "status"], &["time", "method", "status"]),
    (&["time", "uri", "request", "host", "size"], &["time", "path", "request", "host", "bytes"]),
    (
        &["@timestamp", "clientip", "verb", "request", "response", "bytes"],
        &["time", "host", "method", "path", "status", "bytes"],
    ),
    (
        &["remote_addr", "time_iso8601", "request", "status", "request_time"],
        &["host", "time", "request", "status", "latency"],
    ),
    (
        &["Time Generated [UTC]", "http.request.method", "http.response.status_code", "latency"],
        &["time", "method", "status", "latency"],
    ),
    (&["latency", "status", "time"], &["latency", "status", "time"]),
    (&["time", "Remote-Addr", "code", "request_time"], &["time", "host", "status", "latency"]),
    (
        &["request_time", "path", "method", "datetime", "bytes_sent"],
        &["latency", "path", "method", "time", "bytes"],
    ),
    (
        &["date", "time", "c-ip", "cs-method", "cs-uri-stem", "sc-status", "sc-bytes"],
        &["date", "clock", "host", "method", "path", "status", "bytes"],
    ),
];

/// How the header is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Heading {
    None,
    /// As a record of names.
    Names,
    /// As `#Fields`, its names separated by blanks (W3C) or tabs (Zeek).
    Fields(char),
}

/// How one log is written.
#[derive(Clone, Debug)]
pub(crate) struct Form {
    /// A blank stands for the default format of nginx and Apache.
    pub(crate) delimiter: char,
    /// The role of each column.
    columns: Vec<&'static str>,
    heading: Heading,
    names: Vec<String>,
    time: i64,
    zone: jiff::tz::TimeZone,
    time_format: Option<&'static str>,
    /// The usual seven columns, after a virtual host.
    has_virtual_host: bool,
    /// Hundreds of different sections and hosts.
    pub(crate) is_crowded: bool,
    end: &'static str,
}

impl Form {
    pub(crate) fn random(random: &mut Random, zone: Option<&str>, time_format: Option<&'static str>) -> Form {
        let is_plain = random.one_in(3);
        let is_blank = !is_plain && random.one_in(3);
        let layout =
            if is_plain || (is_blank && random.one_in(2)) { &LAYOUTS[0] } else { random.pick(LAYOUTS) };
        let (names, columns) = layout;
        let is_usual = std::ptr::eq(layout, &raw const LAYOUTS[0]);
        let heading = match random.below(4) {
            0 | 1 if is_usual => Heading::None,
            2 => Heading::Fields(if random.one_in(2) { ' ' } else { '\t' }),
            _ if is_blank && is_usual => Heading::None,
            _ => Heading::Names,
        };
        let time = match (is_plain, is_blank) {
            (true, _) => 0,
            (_, true) if random.one_in(2) => 5,
            // A form without an offset.
            _ if zone.is_some() && random.one_in(2) => 13,
            _ => random.below(TIMES),
        };
        // Some headers have their names in upper case.
        let respelled = random.one_in(6);
        let spell = |name: &&str| if respelled { name.to_uppercase() } else { (*name).to_owned() };
        let in_zone = zone.filter(|_| random.one_in(2));
        Form {
            delimiter: match (is_plain, is_blank) {
                (true, _) => ',',
                (_, true) => ' ',
                _ => *random.pick(&[',', '\t', ';', '|']),
            },
            columns: columns.to_vec(),
            heading,
            names: names.iter().map(spell).collect(),
            time,
            zone: in_zone
                .map_or(jiff::tz::TimeZone::UTC, |zone| jiff::tz::TimeZone::get(zone).expect("a zone")),
            time_format,
            has_virtual_host: is_blank && is_usual && random.one_in(3),
            is_crowded: random.one_in(8),
            end: if random.one_in(4) { "\r\n" } else { "\n" },
        }
    }

    /// The same columns under another delimiter.
    pub(crate) fn under_another_delimiter(&self, random: &mut Random) -> Form {
        let others: Vec<char> =
            [',', '\t', ';', '|', ' '].into_iter().filter(|&other| other != self.delimiter).collect();
        Form { delimiter: *random.pick(&others), has_virtual_host: false, ..self.clone() }
    }

    /// A value of `--columns` for this form. May change the names in the form.
    pub(crate) fn columns_option(&mut self, random: &mut Random, by_names: bool) -> String {
        let has_two = self.columns.contains(&"clock");
        let unit = *random.pick(&["latency", "latency_ms", "latency_us", "latency_ns"]);
        let as_role = |role: &&'static str| match *role {
            "clock" => "time",
            "latency" => unit,
            "-" | "user" if by_names => "-",
            role => role,
        };
        let roles: Vec<&str> = self.columns.iter().map(as_role).collect();
        if !by_names {
            return roles.join(",");
        }
        // Give some roles names that are unknown, or names that mean another
        // role.
        let mut items = Vec::new();
        for (index, role) in roles.iter().enumerate() {
            let is_asked = random.one_in(2) || *role == "time" || (has_two && *role == "date");
            if *role == "-" || !is_asked {
                continue;
            }
            let name = match random.below(4) {
                0 => self.names[index].clone(),
                1 => format!("x.{role} {index}"),
                _ => format!("x-{index}"),
            };
            items.push(format!("{role}={name}"));
            self.names[index] = name;
        }
        if self.heading == Heading::None {
            self.heading = Heading::Names;
        }
        items.join(",")
    }

    /// The header line, or nothing.
    pub(crate) fn header(&self) -> Vec<u8> {
        let names = |separator: char| {
            let names: Vec<String> = self.names.iter().map(|name| quoted_name(name, separator)).collect();
            names.join(&separator.to_string())
        };
        let bare = |separator: char| {
            let names: Vec<String> = self.names.iter().map(|name| name.replace(' ', "_")).collect();
            names.join(&separator.to_string())
        };
        match self.heading {
            Heading::None => Vec::new(),
            Heading::Names => format!("{}{}", names(self.delimiter), self.end).into_bytes(),
            Heading::Fields(' ') => format!("#Fields: {}{}", bare(' '), self.end).into_bytes(),
            Heading::Fields(tab) => format!("#fields{tab}{}{}", bare(tab), self.end).into_bytes(),
        }
    }

    /// One record, as a line.
    pub(crate) fn line(&self, random: &mut Random, second: i64) -> Vec<u8> {
        let mut fields: Vec<String> = Vec::new();
        if self.has_virtual_host {
            fields.push("www.example:80".to_owned());
        }
        for role in &self.columns {
            let mut value = self.value(random, role, second);
            if random.one_in(60) {
                value.push('"');
            }
            fields.push(match self.delimiter {
                ' ' => quoted_for_blanks(role, &value),
                delimiter => quoted(random, &value, delimiter),
            });
        }
        if self.columns.len() == 7 && random.one_in(4) && self.heading == Heading::None {
            // Add a referer and an agent.
            fields.extend(["\"-\"".to_owned(), "\"curl/8, [x] (y; z)\"".to_owned()]);
        }
        let mut line = fields.join(&self.delimiter.to_string()).into_bytes();
        if random.one_in(200) && !line.is_empty() {
            // Put a byte that isn't UTF-8 somewhere.
            let at = usize::try_from(random.below(i64::try_from(line.len()).expect("small"))).expect("small");
            line[at] = 0xFF;
        }
        line.extend_from_slice(self.end.as_bytes());
        line
    }

    fn value(&self, random: &mut Random, role: &str, second: i64) -> String {
        let odd = random.one_in(12);
        match role {
            "host" if odd => (*random.pick(&[
                "",
                "host\u{7}",
                "h\u{e9}",
                "\u{fffd}",
                " 10.0.0.9 ",
                "==> x <==",
                "NULL",
                "None",
                "[::1]",
            ]))
            .into(),
            "host" if self.is_crowded => format!("10.0.1.{}", random.below(900)),
            "host" => format!("10.0.0.{}", random.below(5)),
            "time" => match self.time_format {
                Some(format) => {
                    let time = jiff::Timestamp::from_second(second).expect("in range");
                    time.to_zoned(self.zone.clone()).strftime(format).to_string()
                }
                None => time_text(second, self.time, &self.zone),
            },
            "date" => time_text(second, 13, &self.zone)[..10].to_owned(),
            "clock" => time_text(second, 13, &self.zone)[11..19].to_owned(),
            "request" if odd => (*random.pick(REQUESTS)).into(),
            "request" if self.is_crowded => format!("GET /s{}/x HTTP/1.1", random.below(900)),
            "request" => format!(
                "{} /{} HTTP/1.{}",
                random.pick(&["GET", "POST", "HEAD"]),
                random.pick(&["api/user", "api/help?x=/y", "report", "", "pages/create"]),
                random.below(2)
            ),
            "method" => (*random.pick(&["GET", "POST", "PATCH", "get", "", "BREW", "NaN"])).into(),
            "path" if odd => {
                (*random.pick(&["GET /x/y HTTP/1.1", "-", "", "/x HTTP/1.1", "*", "x", "GET /x", "null"]))
                    .into()
            }
            "path" if self.is_crowded => format!("/s{}", random.below(900)),
            "path" => format!("/{}", random.pick(&["api/user", "report?x=1", "", "a/b/c"])),
            "status" if odd => (*random.pick(STATUSES)).into(),
            "status" if random.one_in(20) => random.below(1_000).to_string(),
            "status" => (*random.pick(&["200", "200", "200", "304", "404", "500", "503"])).into(),
            "bytes" if odd => {
                (*random.pick(&["", "-", "80251.0", "9223372036854775807", "0", "nil", "NaN"])).into()
            }
            "bytes" => random.below(5_000).to_string(),
            "latency" if odd => (*random.pick(LATENCIES)).into(),
            "latency" => format!("{}.{:03}", random.below(3), random.below(1_000)),
            "user" if odd => (*random.pick(&["john smith", "a b c", "", "x\"y", "[u]", "-"])).into(),
            "user" => "apache".into(),
            _ => "-".into(),
        }
    }
}

const REQUESTS: &[&str] = &[
    "",
    "-",
    "GET",
    "\x16\x03\x01",
    "PROPFIND /dav/x HTTP/1.1",
    "GET http://h/pages/create HTTP/1.0",
    "OPTIONS * HTTP/1.1",
    "GET /a b/c HTTP/1.1",
    "get /x HTTP/1.1",
    "GET  /x#/y HTTP/2",
    "CONNECT h:443 HTTP/1.1",
    "GET /\u{e9}\u{2028}/x HTTP/1.1",
    "GET //x HTTP/1.1",
    "HTTP/1.1",
    "GET /x?a=/b",
    "/no/method",
    "GET /q;r|s,t/u HTTP/1.1",
    "GET /x [1] HTTP/1.1",
];

const STATUSES: &[&str] = &[
    "",
    "-",
    "200.0",
    "0",
    "999",
    "600",
    " 404 ",
    "000",
    "-1",
    "TCP_MISS/200",
    "NONE/503",
    "null",
    "500.00",
];

const LATENCIES: &[&str] = &[
    "",
    "-",
    "0",
    "0.053s",
    "31ms",
    "17us",
    "999999999ns",
    "1.0000000019",
    "-1",
    "fast",
    "9223372036.854775807",
    "9223372036.854775808",
    "0.0000000005",
    "12.5",
    "1e3",
    "1.2.3",
];

/// A name in a header, quoted if it contains the delimiter.
fn quoted_name(name: &str, delimiter: char) -> String {
    if name.contains(delimiter) { format!("\"{name}\"") } else { name.to_owned() }
}

fn quoted(random: &mut Random, value: &str, delimiter: char) -> String {
    if value.contains([delimiter, '"']) {
        let escaped = if random.one_in(2) { "\"\"" } else { "\\\"" };
        return format!("\"{}\"", value.replace('"', escaped));
    }
    match random.below(6) {
        0 | 1 => format!("\"{value}\""),
        2 if !value.is_empty() => {
            let (cut, _) = value.char_indices().nth(value.chars().count() / 2).expect("a character");
            format!("\"{}\"{}", &value[..cut], &value[cut..])
        }
        _ => value.to_owned(),
    }
}

/// Writes a value as nginx and Apache do: bare, the request in quotes, a user
/// name unchanged.
fn quoted_for_blanks(role: &str, value: &str) -> String {
    let in_quotes = || format!("\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\""));
    match role {
        "user" => value.to_owned(),
        "time" if value.starts_with('[') => value.to_owned(),
        "time" if value.as_bytes().get(2) == Some(&b'/') && !value.contains(',') => format!("[{value}]"),
        "request" | "path" => in_quotes(),
        _ if value.contains([' ', '\t', '"']) || value.is_empty() => in_quotes(),
        _ => value.to_owned(),
    }
}
