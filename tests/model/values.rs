//! SPEC section 2, "Values": the bytes of a field -> what they mean. Blanks
//! (spaces and tabs) around a value don't count.

use super::civil;

/// The methods that have a name of their own, in the order of summaries.
pub(crate) const METHODS: [&str; 9] =
    ["GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"];

/// Any other method.
pub(crate) const OTHER: &str = "other";

/// The error of a value that can't be read.
#[derive(Debug)]
pub(crate) struct Unreadable;

pub(crate) fn is_blank(byte: u8) -> bool {
    byte == b' ' || byte == b'\t'
}

/// The value without surrounding blanks.
pub(crate) fn trim(value: &[u8]) -> &[u8] {
    let mut value = value;
    while let Some((&first, rest)) = value.split_first()
        && is_blank(first)
    {
        value = rest;
    }
    while let Some((&last, rest)) = value.split_last()
        && is_blank(last)
    {
        value = rest;
    }
    value
}

fn all_digits(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().all(u8::is_ascii_digit)
}

// ---- names ----------------------------------------------------------------

/// "Shown with U+FFFD for what isn't UTF-8, as `String::from_utf8_lossy` does,
/// and for each control character (C0, DEL, C1, U+2028, U+2029)."
pub(crate) fn show(name: &[u8]) -> String {
    String::from_utf8_lossy(name)
        .chars()
        .map(|char| match char {
            '\0'..='\x1F' | '\x7F'..='\u{9F}' | '\u{2028}' | '\u{2029}' => '\u{FFFD}',
            _ => char,
        })
        .collect()
}

/// "`-`, `null`, `NULL`, `nil`, `None`, `NaN` and nothing are the same: empty."
fn is_empty(value: &[u8]) -> bool {
    matches!(value, b"" | b"-" | b"null" | b"NULL" | b"nil" | b"None" | b"NaN")
}

/// "An empty host is `-`."
pub(crate) fn host(value: &[u8]) -> String {
    let value = trim(value);
    name(if is_empty(value) { b"-" } else { value })
}

/// "Names (sections, hosts) are cut at 128 bytes, then shown."
pub(crate) fn name(value: &[u8]) -> String {
    show(&value[..value.len().min(128)])
}

// ---- status and bytes -----------------------------------------------------

/// Reads digits, which may be followed by a dot and zeros: `200`, `200.0`. No
/// sign.
fn integer(value: &[u8], most: u64) -> Result<u64, Unreadable> {
    let (digits, zeros) = match value.iter().position(|&byte| byte == b'.') {
        Some(dot) => (&value[..dot], &value[dot + 1..]),
        None => (value, &b"0"[..]),
    };
    if !all_digits(digits) || zeros.is_empty() || zeros.iter().any(|&byte| byte != b'0') {
        return Err(Unreadable);
    }
    let mut number: u64 = 0;
    for digit in digits {
        number = number
            .checked_mul(10)
            .and_then(|tens| tens.checked_add(u64::from(digit - b'0')))
            .filter(|&number| number <= most)
            .ok_or(Unreadable)?;
    }
    Ok(number)
}

/// "An integer 0 to 999, also written `200.0`, `-1` (empty) or with a word and
/// a slash before it, `TCP_MISS/200`; empty or `-`: in no `status_codes`"
/// (none).
pub(crate) fn status(value: &[u8]) -> Result<Option<u64>, Unreadable> {
    let value = trim(value);
    if is_empty(value) || value == b"-1" {
        return Ok(None);
    }
    match value.iter().position(|&byte| byte == b'/') {
        Some(slash) if is_word(&value[..slash]) => integer(&value[slash + 1..], 999).map(Some),
        _ => integer(value, 999).map(Some),
    }
}

/// A word without blanks that is no number.
fn is_word(text: &[u8]) -> bool {
    !text.is_empty() && !text.iter().any(|&byte| is_blank(byte)) && integer(text, u64::MAX).is_err()
}

/// "An integer from 0 to 2^63-1, also `80251.0`; empty or `-`: 0."
pub(crate) fn bytes(value: &[u8]) -> Result<u64, Unreadable> {
    let value = trim(value);
    if is_empty(value) {
        return Ok(0);
    }
    integer(value, (1 << 63) - 1)
}

/// "A decimal number from 0 to 2^63-1 ns, in its column's unit or with one of
/// its own (`0.053s`, `31ms`); empty, or anything else: the request has none."
/// -> "whole nanoseconds, rounded down"
pub(crate) fn latency(value: &[u8], unit: u64) -> Option<u64> {
    let value = trim(value);
    let own: [(&[u8], u64); 5] = [
        (b"ns", 1),
        (b"us", 1_000),
        ("\u{b5}s".as_bytes(), 1_000),
        (b"ms", 1_000_000),
        (b"s", 1_000_000_000),
    ];
    let with_own = own.iter().find_map(|(name, unit)| Some((value.strip_suffix(*name)?, *unit)));
    let (number, unit) = with_own.unwrap_or((value, unit));
    let (whole, decimals) = match number.iter().position(|&byte| byte == b'.') {
        Some(dot) => (&number[..dot], &number[dot + 1..]),
        None => (number, &b"0"[..]),
    };
    if !all_digits(whole) || !all_digits(decimals) {
        return None;
    }
    // Up to 18 decimals are read. Those beyond the ninth are less than a
    // nanosecond even if the unit is the second.
    let digit = |byte: u8| u128::from(byte - b'0');
    let mut sum: u128 = 0;
    for &byte in whole {
        sum = sum.checked_mul(10)?.checked_add(digit(byte) * u128::from(unit))?;
    }
    let mut part: u128 = 0;
    let mut tenth: u128 = 1;
    for &byte in decimals.iter().take(18) {
        part = part * 10 + digit(byte);
        tenth *= 10;
    }
    sum += part * u128::from(unit) / tenth;
    u64::try_from(sum).ok().filter(|&sum| sum < 1 << 63)
}

// ---- request --------------------------------------------------------------

/// One of [`METHODS`], or `other`.
pub(crate) fn method(value: &[u8]) -> &'static str {
    let value = trim(value);
    METHODS.into_iter().find(|method| method.as_bytes() == value).unwrap_or(OTHER)
}

/// Splits a text at its last blank, into what is before it and the last word.
fn last_word(text: &[u8]) -> (&[u8], &[u8]) {
    match text.iter().rposition(|&byte| is_blank(byte)) {
        Some(blank) => text.split_at(blank + 1),
        None => (b"", text),
    }
}

/// "A path whose last word starts with `HTTP/` is read as a request line."
pub(crate) fn is_request_line(path: &[u8]) -> bool {
    last_word(trim(path)).1.starts_with(b"HTTP/")
}

/// `GET /x`: HTTP 0.9 has no version.
pub(crate) fn has_method(value: &[u8]) -> bool {
    let value = trim(value);
    value.iter().any(|&byte| is_blank(byte)) && request_line(value).0 != OTHER
}

/// "The method up to the first blank; a last word that starts with `HTTP/` is
/// the version; the target is what stands between, blanks included."
/// -> method and target
pub(crate) fn request_line(value: &[u8]) -> (&'static str, &[u8]) {
    let value = trim(value);
    let blank = value.iter().position(|&byte| is_blank(byte));
    let (first, rest) = value.split_at(blank.unwrap_or(value.len()));
    let rest = trim(rest);
    let (before, last) = last_word(rest);
    let target = if last.starts_with(b"HTTP/") { trim(before) } else { rest };
    (method(first), target)
}

/// "Of the target's path without query and fragment, what stands before the
/// second `/`."
pub(crate) fn section(target: &[u8]) -> &[u8] {
    let target = trim(target);
    let end = target.iter().position(|&byte| byte == b'?' || byte == b'#');
    let target = &target[..end.unwrap_or(target.len())];
    // "`http://host/pages/create` is `/pages`."
    let path = match after_scheme(target) {
        Some(rest) => {
            let slash = rest.iter().position(|&byte| byte == b'/');
            &rest[slash.unwrap_or(rest.len())..]
        }
        None => target,
    };
    // "`*` is `*`; what has no path starting with `/` is `-`."
    if path == b"*" {
        return b"*";
    }
    if !path.starts_with(b"/") {
        return b"-";
    }
    // "`/report` is `/report`, `/` and `//x` are `/`."
    match path[1..].iter().position(|&byte| byte == b'/') {
        Some(second) => &path[..=second],
        None => path,
    }
}

/// The path of an absolute URI, after `scheme://` and the authority. RFC 3986,
/// 3.1: `scheme = ALPHA *( ALPHA / DIGIT / "+" / "-" / "." )`
fn after_scheme(target: &[u8]) -> Option<&[u8]> {
    let colon = target.iter().position(|&byte| byte == b':')?;
    let scheme = &target[..colon];
    let is_scheme = scheme.first().is_some_and(u8::is_ascii_alphabetic)
        && scheme.iter().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(byte));
    if !is_scheme {
        return None;
    }
    target[colon..].strip_prefix(b"://")
}

// ---- numbers, for headers -------------------------------------------------

/// "A number (optional sign, digits, optional decimals)."
pub(crate) fn is_number(value: &[u8]) -> bool {
    let value = trim(value);
    let value = match value.first() {
        Some(b'+' | b'-') => &value[1..],
        _ => value,
    };
    match value.iter().position(|&byte| byte == b'.') {
        Some(dot) => all_digits(&value[..dot]) && all_digits(&value[dot + 1..]),
        None => all_digits(value),
    }
}

// ---- time -----------------------------------------------------------------

/// The zone of times that carry no offset.
#[derive(Clone, Debug)]
pub(crate) enum Zone {
    Utc,
    Named(jiff::tz::TimeZone),
}

impl Zone {
    /// Converts a local time to epoch seconds.
    fn seconds(&self, local: Written, before: Option<i64>) -> Option<i64> {
        match self {
            Self::Utc => Some(local.seconds()),
            Self::Named(zone) => {
                let ambiguous = zone.to_ambiguous_timestamp(local.to_jiff()?);
                // "One that doesn't occur is moved on (jiff: compatible)."
                if !matches!(ambiguous.offset(), jiff::tz::AmbiguousOffset::Fold { .. }) {
                    return Some(ambiguous.compatible().ok()?.as_second());
                }
                // "A local time that occurs twice is the one nearer to the time
                // read before it in this source (the earlier one if there is
                // none)."
                let earlier = ambiguous.earlier().ok()?.as_second();
                let later = ambiguous.later().ok()?.as_second();
                match before {
                    Some(before) if before.abs_diff(later) < before.abs_diff(earlier) => Some(later),
                    _ => Some(earlier),
                }
            }
        }
    }
}

/// How times are written.
#[derive(Clone, Debug)]
pub(crate) struct Times {
    /// `--time-format`.
    format: Option<String>,
    zone: Zone,
}

/// 9000-01-01T00:00:00Z, as a constant because counting up to it takes long.
const END_OF_8999: i64 = 221_845_392_000;

impl Times {
    pub(crate) fn new(format: Option<String>, zone: Option<&str>) -> Self {
        let zone = zone.map_or(Zone::Utc, |name| Zone::Named(jiff::tz::TimeZone::get(name).expect("a zone")));
        Self { format, zone }
    }

    /// Converts a time to epoch seconds. `before` is the time read before it.
    pub(crate) fn read(&self, value: &[u8], before: Option<i64>) -> Option<i64> {
        let value = trim(value);
        let seconds = match &self.format {
            // "Then only so."
            Some(format) => self.by_format(format, value, before)?,
            None => epoch(value)
                .or_else(|| date_and_time(value, &self.zone, before))
                .or_else(|| common_log_time(value, &self.zone, before))
                .or_else(|| kibana_time(value, &self.zone, before))?,
        };
        // "Years 1970 to 8999."
        (0..END_OF_8999).contains(&seconds).then_some(seconds)
    }

    /// Whether a value is a time, even in another form than that of
    /// `--time-format`.
    pub(crate) fn is_time(&self, value: &[u8]) -> bool {
        let in_any_form = || Self { format: None, zone: Zone::Utc }.read(value, None).is_some();
        self.read(value, None).is_some() || (self.format.is_some() && in_any_form())
    }

    /// "In the conversions of strptime that jiff has."
    fn by_format(&self, format: &str, value: &[u8], before: Option<i64>) -> Option<i64> {
        let parsed = jiff::fmt::strtime::parse(format, value).ok()?;
        if parsed.timestamp().is_some() || parsed.offset().is_some() {
            return Some(parsed.to_timestamp().ok()?.as_second());
        }
        if parsed.iana_time_zone().is_some() {
            return Some(parsed.to_zoned().ok()?.timestamp().as_second());
        }
        let local = parsed.to_datetime().ok()?;
        let written = Written {
            year: local.year().into(),
            month: local.month().into(),
            day: local.day().into(),
            hour: local.hour().into(),
            minute: local.minute().into(),
            second: local.second().into(),
        };
        self.zone.seconds(written, before)
    }
}

/// "Epoch seconds, integer or decimal (13 digits: ms, 16: us, 19: ns; 8 digits
/// that are a calendar day of 1970 to 8999, `20210930`: malformed)."
fn epoch(value: &[u8]) -> Option<i64> {
    let (digits, decimals) = match value.iter().position(|&byte| byte == b'.') {
        Some(dot) => (&value[..dot], &value[dot + 1..]),
        None => (value, &b"0"[..]),
    };
    if !all_digits(digits) || !all_digits(decimals) {
        return None;
    }
    let mut number: i128 = 0;
    for digit in digits {
        number = number.checked_mul(10)?.checked_add(i128::from(digit - b'0'))?;
    }
    // "Fractions round down."
    let seconds = match digits.len() {
        13 => number / 1_000,
        16 => number / 1_000_000,
        19 => number / 1_000_000_000,
        8 if is_calendar_day(number) => return None,
        _ => number,
    };
    i64::try_from(seconds).ok()
}

fn is_calendar_day(digits: i128) -> bool {
    let digits = i64::try_from(digits).expect("8 digits");
    let (year, month, day) = (digits / 10_000, digits / 100 % 100, digits % 100);
    (1970..=8999).contains(&year)
        && (1..=12).contains(&month)
        && (1..=civil::days_in_month(year, month)).contains(&day)
}

/// Reads a text from the left.
struct Scan<'a>(&'a [u8]);

impl Scan<'_> {
    /// Exactly this many digits.
    fn digits(&mut self, count: usize) -> Option<i64> {
        if self.0.len() < count || !all_digits(&self.0[..count]) {
            return None;
        }
        let (digits, rest) = self.0.split_at(count);
        self.0 = rest;
        Some(digits.iter().fold(0, |number, digit| number * 10 + i64::from(digit - b'0')))
    }

    /// One byte, which must be one of these.
    fn one_of(&mut self, bytes: &[u8]) -> Option<u8> {
        let (&first, rest) = self.0.split_first()?;
        if !bytes.contains(&first) {
            return None;
        }
        self.0 = rest;
        Some(first)
    }

    /// This word.
    fn word(&mut self, word: &[u8]) -> Option<()> {
        self.0 = self.0.strip_prefix(word)?;
        Some(())
    }
}

/// A date and a time of day as written.
#[derive(Clone, Copy)]
struct Written {
    year: i64,
    month: i64,
    day: i64,
    hour: i64,
    minute: i64,
    second: i64,
}

impl Written {
    /// Checks the day and the time of day. "Second 60 is 59."
    fn checked(self) -> Option<Self> {
        let exists = (1..=12).contains(&self.month)
            && (1..=civil::days_in_month(self.year, self.month)).contains(&self.day)
            && self.hour <= 23
            && self.minute <= 59
            && self.second <= 60;
        exists.then_some(Self { second: self.second.min(59), ..self })
    }

    /// The epoch second, if the time is in UTC.
    fn seconds(self) -> i64 {
        civil::start_of_day(self.year, self.month, self.day)
            + self.hour * 3_600
            + self.minute * 60
            + self.second
    }

    fn to_jiff(self) -> Option<jiff::civil::DateTime> {
        let small = |number: i64| i8::try_from(number).ok();
        jiff::civil::DateTime::new(
            i16::try_from(self.year).ok()?,
            small(self.month)?,
            small(self.day)?,
            small(self.hour)?,
            small(self.minute)?,
            small(self.second)?,
            0,
        )
        .ok()
    }

    /// The time with the offset in seconds that follows it, if any.
    fn at(self, offset: Option<i64>, zone: &Zone, before: Option<i64>) -> Option<i64> {
        let written = self.checked()?;
        match offset {
            Some(offset) => Some(written.seconds() - offset),
            None => zone.seconds(written, before),
        }
    }
}

const MONTHS: [&[u8]; 12] =
    [b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec"];

fn month_by_name(scan: &mut Scan) -> Option<i64> {
    (1..).zip(MONTHS).find_map(|(number, name)| scan.word(name).map(|()| number))
}

/// "A fraction after `.` or `,`", if there is one.
fn fraction(scan: &mut Scan) -> Option<()> {
    if scan.one_of(b".,").is_some() {
        scan.digits(1)?;
        while scan.digits(1).is_some() {}
    }
    Some(())
}

/// "RFC 3339 or `YYYY-MM-DD HH:MM:SS` (blank or `T`; also `/` in the date, no
/// seconds, a fraction after `.` or `,`) with or without offset." `t` is
/// allowed as in RFC 3339.
fn date_and_time(value: &[u8], zone: &Zone, before: Option<i64>) -> Option<i64> {
    let mut scan = Scan(value);
    let year = scan.digits(4)?;
    let separator = scan.one_of(b"-/")?;
    let month = scan.digits(2)?;
    scan.one_of(&[separator])?;
    let day = scan.digits(2)?;
    scan.one_of(b" \tTt")?;
    let hour = scan.digits(2)?;
    scan.one_of(b":")?;
    let minute = scan.digits(2)?;
    let mut second = 0;
    if scan.one_of(b":").is_some() {
        second = scan.digits(2)?;
        fraction(&mut scan)?;
    }
    let offset = offset(scan)?;
    Written { year, month, day, hour, minute, second }.at(offset.seconds, zone, before)
}

/// "`07/Feb/2019:21:11:00 +0000` with or without fraction, offset, `[` and
/// `]`."
fn common_log_time(value: &[u8], zone: &Zone, before: Option<i64>) -> Option<i64> {
    let value = value.strip_prefix(b"[").unwrap_or(value);
    let value = value.strip_suffix(b"]").unwrap_or(value);
    let mut scan = Scan(value);
    let day = scan.digits(2)?;
    scan.one_of(b"/")?;
    let month = month_by_name(&mut scan)?;
    scan.one_of(b"/")?;
    let year = scan.digits(4)?;
    scan.one_of(b":")?;
    let hour = scan.digits(2)?;
    scan.one_of(b":")?;
    let minute = scan.digits(2)?;
    scan.one_of(b":")?;
    let second = scan.digits(2)?;
    fraction(&mut scan)?;
    let offset = offset(scan)?;
    Written { year, month, day, hour, minute, second }.at(offset.seconds, zone, before)
}

/// "`Sep 30, 2021 @ 10:00:00.000` (Kibana)", its day without a leading zero.
fn kibana_time(value: &[u8], zone: &Zone, before: Option<i64>) -> Option<i64> {
    let mut scan = Scan(value);
    let month = month_by_name(&mut scan)?;
    scan.one_of(b" ")?;
    let day = scan.digits(2).or_else(|| scan.digits(1))?;
    scan.word(b", ")?;
    let year = scan.digits(4)?;
    scan.word(b" @ ")?;
    let hour = scan.digits(2)?;
    scan.one_of(b":")?;
    let minute = scan.digits(2)?;
    scan.one_of(b":")?;
    let second = scan.digits(2)?;
    fraction(&mut scan)?;
    if !scan.0.is_empty() {
        return None;
    }
    Written { year, month, day, hour, minute, second }.at(None, zone, before)
}

/// The offset after the time of day.
struct Offset {
    /// Seconds east of Greenwich; `None` if there is no offset.
    seconds: Option<i64>,
}

/// "Offset (`Z`, `UTC`, `GMT`, `+hh`, `+hhmm`, `+hh:mm`, with or without a blank
/// before it)", up to the end of the value. `z` is allowed as in RFC 3339.
fn offset(mut scan: Scan) -> Option<Offset> {
    if scan.0.is_empty() {
        return Some(Offset { seconds: None });
    }
    let _blank = scan.one_of(b" \t");
    let seconds = if matches!(scan.0, b"Z" | b"z" | b"UTC" | b"GMT") {
        0
    } else {
        let sign = if scan.one_of(b"+-")? == b'-' { -1 } else { 1 };
        let hours = scan.digits(2)?;
        let mut minutes = 0;
        if !scan.0.is_empty() {
            let _colon = scan.one_of(b":");
            minutes = scan.digits(2)?;
        }
        if !scan.0.is_empty() || hours > 23 || minutes > 59 {
            return None;
        }
        sign * (hours * 3_600 + minutes * 60)
    };
    Some(Offset { seconds: Some(seconds) })
}
