//! Request lines and paths: the fast way and the general way agree with the
//! model.

#[allow(dead_code, reason = "other tests use the rest")]
#[path = "model/civil.rs"]
mod civil;
mod common;
#[allow(dead_code, reason = "other tests use the rest")]
#[path = "model/values.rs"]
mod values;

use common::Random;
use httpmon::count::{METHODS, Request};
use httpmon::read::columns::Columns;
use httpmon::read::plain::PlainReader;
use httpmon::read::record::Splitter;
use httpmon::read::request::read_request;
use httpmon::read::timestamp::{TimeReader, Zone};

/// Parts of request lines, and text that looks like them.
const PARTS: [&[u8]; 46] = [
    b"GET",
    b"HEAD",
    b"POST",
    b"PUT",
    b"DELETE",
    b"CONNECT",
    b"OPTIONS",
    b"TRACE",
    b"PATCH",
    b"get",
    b"GETS",
    b" ",
    b" ",
    b" ",
    b" ",
    b" ",
    b"  ",
    b"\t",
    b"\0",
    b"\0\0",
    b"/",
    b"/",
    b"/",
    b"//",
    b"?",
    b"#",
    b"*",
    b":",
    b".",
    b"1",
    b"0",
    b"api",
    b"report",
    b"x",
    b" HTTP/1.1",
    b" HTTP/1.1",
    b" HTTP/1.0",
    b" HTTP/2",
    b" HTTP/ .1",
    b" HTTP/\t.0",
    b"HTTP/",
    b"HTTP",
    b"http://h",
    b"ftp://",
    b"\x80",
    b"\xE2\x80\xA8",
];

fn line_of_parts(random: &mut Random) -> Vec<u8> {
    let byte = |random: &mut Random| u8::try_from(random.below(256)).expect("a byte");
    let mut line = Vec::new();
    if random.one_in(2) {
        line.extend_from_slice(random.pick::<&[u8]>(&PARTS[..9]));
        if random.one_in(4) {
            line.push(byte(random));
        }
        line.extend_from_slice(b" /");
    }
    for _ in 0..random.below(9) {
        line.extend_from_slice(random.pick::<&[u8]>(&PARTS));
    }
    if random.one_in(4) {
        let changed = byte(random);
        let places: Vec<usize> = (0..line.len()).collect();
        if !places.is_empty() {
            line[*random.pick(&places)] = changed;
        }
    }
    line.retain(|byte| !matches!(byte, b'"' | b'\n' | b'|'));
    line
}

fn read(request: &Request<'_>) -> (&'static str, Vec<u8>) {
    (METHODS[request.method.index()], request.section.to_vec())
}

/// Asserts that both ways read `expected` from a record of these columns.
fn assert_read(list: &str, fields: &[&[u8]], expected: (&'static str, &[u8])) {
    let columns = Columns::from_list(list).expect("a list");
    let line = fields.join(&b'|');
    let expected = Ok((expected.0, expected.1.to_vec()));
    let shown = line.escape_ascii().to_string();
    let times = &mut TimeReader::new(Zone::utc());
    let mut splitter = Splitter::new(b'|');
    let record = splitter.split(&line).expect("no quotes");
    assert_eq!(
        read_request(&record, &columns, times).map(|(_, request)| read(&request)),
        expected,
        "{shown}"
    );
    let whole = [&line, &b"\n"[..]].concat();
    let (_, request, _) = PlainReader::new(&columns, b'|').read(&whole, times).expect("a plain line");
    assert_eq!(Ok(read(&request)), expected, "{shown}");
}

#[test]
fn a_request_line_is_its_method_and_its_target_whatever_stands_in_them() {
    let random = &mut Random::new(1);
    for _ in 0..100_000 {
        let line = line_of_parts(random);
        let (method, target) = values::request_line(&line);
        assert_read("time,request,host", &[b"1000", &line, b"h"], (method, values::section(target)));
    }
}

#[test]
fn a_path_is_a_target_or_a_request_line() {
    let random = &mut Random::new(2);
    for _ in 0..50_000 {
        let path = line_of_parts(random);
        let (method, target) = if values::is_request_line(&path) {
            values::request_line(&path)
        } else {
            (values::OTHER, &path[..])
        };
        let section = values::section(target);
        assert_read("time,path,host", &[b"1000", &path, b"h"], (method, section));
        let named = random.pick::<&[u8]>(&PARTS);
        let fields: [&[u8]; 4] = [b"1000", named, &path, b"h"];
        assert_read("time,method,path,host", &fields, (values::method(named), section));
    }
}
