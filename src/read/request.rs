//! A record -> a request: time, host, method, section, status, bytes, latency.
//! Splits request lines and takes the section from the path.
//!
//! A client can send anything as a request, and it still was served. So only a
//! time, a status or a byte count that can't be read makes a record malformed.

use std::borrow::Cow;

use crate::bits::{LOWEST, below, matches};
use crate::count::{Method, Request};
use crate::read::columns::{Columns, Width};
use crate::read::record::{Record, is_blank, trim};
use crate::read::timestamp::TimeReader;
pub(crate) use crate::read::value::{read_bytes, read_status};
use crate::read::value::{read_host, read_latency};

/// Why a line is malformed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Malformed {
    /// It ends inside quotes.
    UnclosedQuote,
    /// It has the wrong number of fields.
    Fields {
        /// How many fields it has.
        found: usize,
        /// How many fields it should have.
        wanted: Width,
    },
    /// This text is not a time from 1970 to 8999.
    Time(Box<[u8]>),
    /// This text is not a status.
    Status(Box<[u8]>),
    /// This text is not a byte count.
    Bytes(Box<[u8]>),
    /// The line is longer than `MAX_LINE`.
    TooLong,
    /// A header without a time column; its names.
    NoTime(Box<[u8]>),
    /// A header without this name, which `--columns` asks for.
    NoColumn(Box<str>),
    /// Nothing says yet which column is the time.
    UnknownColumns,
    /// A torn header: the next line is a record of the columns before it.
    TornHeader,
}

/// A malformed line.
#[derive(Debug)]
pub struct MalformedLine<'t> {
    /// The number of the line in the input, counted from 1.
    pub number: u64,
    /// The line without filler; cut if it is too long.
    pub text: Cow<'t, [u8]>,
    /// The end of the line; empty if the line was cut.
    pub end: &'static [u8],
    /// What is wrong with it.
    pub problem: Malformed,
}

/// Reads `record` as a request. Returns its time in epoch seconds and the
/// request.
///
/// # Errors
///
/// The first problem that makes the record malformed.
pub fn read_request<'a>(
    record: &Record<'a>,
    columns: &Columns,
    times: &mut TimeReader,
) -> Result<(i64, Request<'a>), Malformed> {
    if !columns.width.fits(record.width()) {
        return Err(Malformed::Fields { found: record.width(), wanted: columns.width });
    }
    let second = read_second(record, columns, times)?;
    let field = |column: Option<usize>| column.map_or(&b""[..], |column| record.field(column));
    let status = field(columns.status);
    let status = read_status(status).ok_or_else(|| Malformed::Status(status.into()))?;
    let bytes = field(columns.bytes);
    let bytes = read_bytes(bytes).ok_or_else(|| Malformed::Bytes(bytes.into()))?;
    let text = |column: Option<usize>| column.map(|column| record.field(column));
    let (method, section) = match (text(columns.request), text(columns.method)) {
        // grok's names: `verb` is the method, and `request` is the path.
        (Some(path), Some(method)) if !starts_like_request_line(path) && !is_request_line(path) => {
            method_and_section_of_path(Some(method), Some(path))
        }
        (Some(line), _) => method_and_section(line),
        (None, method) => method_and_section_of_path(method, text(columns.path)),
    };
    let latency =
        columns.latency.and_then(|latency| read_latency(record.field(latency.column), latency.unit));
    Ok((second, Request { host: read_host(field(columns.host)), method, section, status, bytes, latency }))
}

/// Reads the time of `record`. A `date` that is a whole time is the time,
/// whatever the `time` column holds: some logs have a duration there.
fn read_second(record: &Record<'_>, columns: &Columns, times: &mut TimeReader) -> Result<i64, Malformed> {
    let time = record.field(columns.time);
    let Some(date) = columns.date else {
        return times.read(time).ok_or_else(|| Malformed::Time(time.into()));
    };
    let date = record.field(date);
    if let Some(second) = times.read(date) {
        return Ok(second);
    }
    let text = [date, time].join(&b' ');
    times.read(trim(&text)).ok_or_else(|| Malformed::Time(trim(&text).into()))
}

/// The method and section of a log without a request column. If the path is a
/// request line, it is read as one; a method column still wins.
pub(crate) fn method_and_section_of_path<'a>(
    method: Option<&[u8]>,
    path: Option<&'a [u8]>,
) -> (Method, &'a [u8]) {
    let path = path.unwrap_or_default();
    let (in_path, target) =
        if is_request_line(path) { split_request_line(path) } else { (Method::OTHER, path) };
    (method.map_or(in_path, Method::named), section(target))
}

/// Whether the last word is an HTTP version.
pub(crate) fn is_request_line(path: &[u8]) -> bool {
    last_word(path).starts_with(b"HTTP/")
}

/// Whether the first word is a known method and another word follows.
fn starts_like_request_line(text: &[u8]) -> bool {
    let blank = text.iter().position(|&byte| is_blank(byte));
    blank.is_some_and(|blank| Method::named(&text[..blank]) != Method::OTHER)
}

fn last_word(text: &[u8]) -> &[u8] {
    let start = text.iter().rposition(|&byte| is_blank(byte)).map_or(0, |blank| blank + 1);
    &text[start..]
}

/// The method and section of a request line, which may have blanks around it.
#[inline(always)]
pub(crate) fn method_and_section(line: &[u8]) -> (Method, &[u8]) {
    plain_method_and_section(line).unwrap_or_else(|| {
        let (method, target) = split_request_line(trim(line));
        (method, section(target))
    })
}

/// The fast way for nearly every request line: a known method, one space, and a
/// path whose first segment is printable. `None` leaves the line to the general
/// way.
#[inline(always)]
pub(crate) fn plain_method_and_section(line: &[u8]) -> Option<(Method, &[u8])> {
    const SLASH_TO_QUERY: u64 = LOWEST * (b'/' ^ b'?') as u64;
    let word = u64::from_le_bytes(*line.first_chunk()?);
    let length = matches(word, b' ').trailing_zeros() / 8;
    // Clear the bytes after the space.
    let method = Method::of_word(word & u64::MAX >> 56_u32.checked_sub(8 * length)?)?;
    let target = line.get(length as usize + 1..)?;
    let [b'/', path @ ..] = target else { return None };
    let mut rest = path;
    loop {
        let (chunk, next) = rest.split_first_chunk()?;
        let word = u64::from_le_bytes(*chunk);
        // `/` and `?` differ in one bit, which is cleared to find both. Bytes
        // below `$` are `#`, blanks, controls, and a few that are rare.
        let found = matches(word & !SLASH_TO_QUERY, b'/') | below(word, b'$');
        if found == 0 {
            rest = next;
            continue;
        }
        let index = found.trailing_zeros() / 8;
        let end = path.len() - rest.len() + index as usize;
        let byte = (word >> (8 * index)).to_le_bytes()[0];
        let is_end = matches!(byte, b'/' | b'?' | b'#')
            || matches!(&path[end..], [b' ', b'H', b'T', b'T', b'P', b'/', b'0'..=b'9', b'.', b'0' | b'1']);
        return if is_end { Some((method, target.get(..end + 1)?)) } else { None };
    }
}

/// Splits a request line into method and target. The method ends at the first
/// blank; a last word that starts with `HTTP/` is the version.
fn split_request_line(line: &[u8]) -> (Method, &[u8]) {
    let (method, rest) = split_method(line);
    (method, trim(without_version(rest)))
}

fn split_method(line: &[u8]) -> (Method, &[u8]) {
    match line.iter().position(|&byte| is_blank(byte)) {
        Some(blank) => (Method::named(&line[..blank]), &line[blank + 1..]),
        None => (Method::named(line), b""),
    }
}

fn without_version(rest: &[u8]) -> &[u8] {
    let version = last_word(rest);
    if version.starts_with(b"HTTP/") { &rest[..rest.len() - version.len()] } else { rest }
}

/// The section of a target: its path, without query and fragment, up to the
/// second `/`. `*` is `*`; a target without a path that starts with `/` is `-`.
fn section(target: &[u8]) -> &[u8] {
    if let [b'/', rest @ ..] = target {
        let end = rest.iter().position(|&byte| matches!(byte, b'/' | b'?' | b'#'));
        return end.map_or(target, |end| &target[..=end]);
    }
    section_of_other(target)
}

fn section_of_other(target: &[u8]) -> &[u8] {
    let path = target.split(|&byte| matches!(byte, b'?' | b'#')).next().unwrap_or(target);
    if path == b"*" {
        return path;
    }
    match without_authority(path) {
        Some(path @ [b'/', ..]) => section(path),
        _ => b"-",
    }
}

/// The path of an absolute URI, after scheme and authority (RFC 3986, 3.1 and
/// 3.2).
fn without_authority(uri: &[u8]) -> Option<&[u8]> {
    let colon = uri.iter().position(|&byte| byte == b':')?;
    let (scheme, rest) = uri.split_at(colon);
    let rest = rest.strip_prefix(b"://")?;
    let named = scheme.first().is_some_and(u8::is_ascii_alphabetic)
        && scheme.iter().all(|&byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'));
    let slash = rest.iter().position(|&byte| byte == b'/')?;
    named.then(|| &rest[slash..])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::count::METHODS;

    #[test]
    fn a_section_is_the_first_segment_of_the_path() {
        for (target, expected) in [
            ("/api/user?x=/y", "/api"),
            ("/report", "/report"),
            ("/report?x", "/report"),
            ("/report#x/y", "/report"),
            ("/", "/"),
            ("/?x=/y", "/"),
            ("//x", "/"),
            ("/a b/c", "/a b"),
            ("http://host/pages/create", "/pages"),
            ("HTTPS://h:1/x", "/x"),
            ("http:///x/y", "/x"),
            ("http://host", "-"),
            ("http://host?x=/y", "-"),
            ("1http://host/x", "-"),
            ("://host/x", "-"),
            ("host:443", "-"),
            ("*", "*"),
            ("", "-"),
            ("-", "-"),
            ("report", "-"),
        ] {
            assert_eq!(section(target.as_bytes()), expected.as_bytes(), "{target:?}");
        }
    }

    #[test]
    fn every_known_method_is_read_at_once() {
        for (index, name) in METHODS[..9].iter().enumerate() {
            let line = format!("{name} /a/b HTTP/1.1");
            let (method, section) = plain_method_and_section(line.as_bytes()).expect("a plain line");
            assert_eq!((method.index(), section), (index, &b"/a"[..]));
        }
        assert_eq!(plain_method_and_section(b"\0GET /a/b HTTP/1.1"), None);
    }

    #[test]
    fn a_request_line_is_method_target_and_version() {
        for (line, method, target) in [
            ("GET /x HTTP/1.1", "GET", "/x"),
            ("GET /x", "GET", "/x"),
            ("GET /a b HTTP/1.1", "GET", "/a b"),
            ("GET /a HTTP/1.1 b", "GET", "/a HTTP/1.1 b"),
            ("GET  /x  HTTP/2", "GET", "/x"),
            ("GET\t/x\tHTTP/2", "GET", "/x"),
            ("PROPFIND /dav/x HTTP/1.1", "other", "/dav/x"),
            ("get /x HTTP/1.1", "other", "/x"),
            ("GET", "GET", ""),
            ("GET HTTP/1.1", "GET", ""),
            ("HTTP/1.1", "other", ""),
            ("", "other", ""),
            ("-", "other", ""),
        ] {
            let (found, rest) = split_request_line(line.as_bytes());
            assert_eq!((METHODS[found.index()], rest), (method, target.as_bytes()), "{line:?}");
        }
    }
}
