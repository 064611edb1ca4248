//! Wherever the reader of plain lines has an answer, it is that of the general
//! way, whatever the columns.

#![no_main]

use std::cell::RefCell;

use httpmon::read::blanks::{BlankSplitter, Start};
use httpmon::read::columns::{Columns, Width};
use httpmon::read::plain::PlainReader;
use httpmon::read::record::Splitter;
use httpmon::read::request::read_request;
use httpmon::read::timestamp::{TimeReader, Zone};
use httpmon_fuzz::{Bytes, DELIMITERS};
use libfuzzer_sys::fuzz_target;

const ROLES: [&str; 12] = [
    "time",
    "host",
    "request",
    "status",
    "bytes",
    "method",
    "path",
    "user",
    "-",
    "date",
    "latency",
    "latency_ms",
];

/// Some columns with a time among them.
fn columns(bytes: &mut Bytes<'_>) -> Columns {
    let mut roles: Vec<&str> = Vec::new();
    for _ in 0..bytes.next() % 12 {
        let role = bytes.pick(&ROLES);
        // `date` makes the plain reader leave everything to the other way,
        // unless the time comes next.
        let is_second_latency =
            role.starts_with("latency") && roles.iter().any(|role| role.starts_with("latency"));
        if role == "-"
            || (role == "date" && bytes.next() > 250)
            || (role != "date" && !roles.contains(&role) && !is_second_latency)
        {
            roles.push(role);
        }
        if role == "date" && bytes.next() % 2 == 0 && !roles.contains(&"time") {
            roles.push("time");
        }
    }
    if !roles.contains(&"time") {
        roles.insert(usize::from(bytes.next()) % (roles.len() + 1), "time");
    }
    let mut columns = Columns::from_list(&roles.join(",")).unwrap_or_default();
    let width = bytes.next();
    if width % 2 == 0 {
        columns.width = Width::Exactly(roles.len() + usize::from(width / 2 % 4));
    }
    columns
}

thread_local! {
    static SPLITTERS: RefCell<[Splitter; 4]> = RefCell::new(DELIMITERS.map(Splitter::new));
}

fuzz_target!(|data: &[u8]| {
    let bytes = &mut Bytes(data);
    let columns = if bytes.next() % 4 == 0 { Columns::default() } else { columns(bytes) };
    let place = usize::from(bytes.next()) % 5;
    let delimiter = if place == 4 { b' ' } else { DELIMITERS[place] };
    let has_virtual_hosts = bytes.next() % 2 == 0;
    let mut reader = PlainReader::new(&columns, delimiter);
    if has_virtual_hosts {
        reader = reader.with_virtual_hosts();
    }
    let mut times = TimeReader::new(Zone::utc());
    let mut text = bytes.rest();
    while let Some(newline) = text.iter().position(|&byte| byte == b'\n') {
        let (whole, next) = text.split_at(newline + 1);
        if let Some((second, request, rest)) = reader.read(text, &mut times) {
            assert_eq!(rest, next, "one line is read");
            let line = &whole[..newline];
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            if place == 4 {
                let is_usual = columns == Columns::default();
                let starts = match columns.date {
                    _ if is_usual && has_virtual_hosts => vec![Start::Usual],
                    // A header or --columns has said them.
                    _ if is_usual => vec![Start::Before(3), Start::Fields],
                    None => vec![Start::Before(columns.time), Start::Fields],
                    Some(_) => vec![Start::Fields],
                };
                for start in starts {
                    let mut splitter = BlankSplitter::default();
                    let record = splitter.split(line, start).expect("it is closed");
                    let general = read_request(&record, &columns, &mut TimeReader::new(Zone::utc()));
                    let shown = line.escape_ascii().to_string();
                    // What is no good record so is read with each field by itself.
                    let other = if start == Start::Usual { Start::UsualFields } else { Start::Fields };
                    let mut splitter = BlankSplitter::default();
                    let record = splitter.split(line, other).expect("it is closed");
                    let general =
                        general.or_else(|_| read_request(&record, &columns, &mut TimeReader::new(Zone::utc())));
                    assert_eq!(Ok((second, request)), general, "{shown:?} with {start:?}");
                }
                text = next;
                continue;
            }
            SPLITTERS.with_borrow_mut(|splitters| {
                let record = splitters[place].split(line).expect("it is closed");
                let general = read_request(&record, &columns, &mut TimeReader::new(Zone::utc()));
                let shown = line.escape_ascii().to_string();
                assert_eq!(Ok((second, request)), general, "{shown:?} with {columns:?}");
            });
        }
        text = next;
    }
    assert_eq!(reader.read(text, &mut times), None, "no newline, no line");
});
