//! A record is a request just as the brute-force model has it.

#![no_main]

#[allow(dead_code)]
#[path = "../../model/civil.rs"]
mod civil;
#[allow(dead_code)]
#[path = "../../model/values.rs"]
mod values;

use std::cell::Cell;

use httpmon::count::METHODS;
use httpmon::count::client_names::{MAX_NAME, shown};
use httpmon::read::columns::Columns;
use httpmon::read::record::{Splitter, trim};
use httpmon::read::request::read_request;
use httpmon::read::timestamp::{TimeReader, Zone};
use httpmon_fuzz::{Bytes, is_safe};
use libfuzzer_sys::fuzz_target;

/// What the model makes of one field after the other.
fn expected(fields: &[&[u8]], columns: &Columns) -> Option<(i64, Vec<u8>, &'static str, Vec<u8>, u64, u64)> {
    let field = |column: Option<usize>| column.map(|column| trim(fields[column]));
    let times = values::Times::new(None, None);
    let time = fields[columns.time];
    let second = match columns.date.map(|date| trim(fields[date])) {
        None => times.read(time, None)?,
        // A date may be a whole time.
        Some(date) => {
            times.read(date, None).or_else(|| times.read(&[date, trim(time)].join(&b' '), None))?
        }
    };
    let status = values::status(field(columns.status).unwrap_or_default()).ok()?;
    let bytes = values::bytes(field(columns.bytes).unwrap_or_default()).ok()?;
    let (method, target) = match (field(columns.request), field(columns.method), field(columns.path)) {
        (Some(line), _, _) => values::request_line(line),
        (None, method, path) => {
            let path = path.unwrap_or_default();
            let (in_path, target) = match values::is_request_line(path) {
                true => values::request_line(path),
                false => (values::OTHER, path),
            };
            (method.map_or(in_path, values::method), target)
        }
    };
    let host = field(columns.host).unwrap_or_default();
    let is_none = [&b""[..], b"-", b"null", b"NULL", b"nil", b"None", b"NaN"].contains(&host);
    let host = if is_none { b"-".to_vec() } else { host.to_vec() };
    let section = values::section(target).to_vec();
    Some((second, host, method, section, status.map_or(1000, |status| status), bytes))
}

const DELIMITER: u8 = b'|';

thread_local! {
    static SPLITTER: Cell<Option<Splitter>> = const { Cell::new(None) };
}

fuzz_target!(|data: &[u8]| {
    let bytes = &mut Bytes(data);
    let columns = match bytes.pick(&[
        "",
        "time,method,path,status,bytes,host",
        "time,path,host",
        "date,time,request",
        "status,time,method",
    ]) {
        "" => Columns::default(),
        list => Columns::from_list(list).expect("a list"),
    };
    while !bytes.is_empty() {
        let line = bytes.line();
        if line.is_empty() || line.contains(&b'"') {
            continue;
        }
        let fields: Vec<&[u8]> = line.split(|&byte| byte == DELIMITER).collect();
        let mut splitter = SPLITTER.take().unwrap_or_else(|| Splitter::new(DELIMITER));
        let record = splitter.split(line).expect("no quotes");
        let read = read_request(&record, &columns, &mut TimeReader::new(Zone::utc()));
        if let Err(problem) = &read {
            is_safe(&problem.to_string());
        }
        if !columns.width.fits(fields.len()) {
            assert!(read.is_err());
            continue;
        }
        let found = read.ok().map(|(second, request)| {
            for name in [request.host, request.section] {
                let name = &name[..name.len().min(MAX_NAME)];
                assert_eq!(shown(name), values::name(name));
                is_safe(&shown(name));
            }
            let status = request.status.map_or(1000, u64::from);
            let method = METHODS[request.method.index()];
            (second, request.host.to_vec(), method, request.section.to_vec(), status, request.bytes)
        });
        assert_eq!(found, expected(&fields, &columns), "{:?}", line.escape_ascii().to_string());
        SPLITTER.set(Some(splitter));
    }
});
