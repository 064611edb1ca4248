//! Headers, lists of columns, and the delimiter that is found: from the first
//! good line on a layout acts as one of those that are told their delimiter.

#![no_main]

use std::cell::RefCell;

use httpmon::read::columns::{self, Columns, Role, Width};
use httpmon::read::layout::{Layout, LayoutOptions, Reading};
use httpmon::read::line::Line;
use httpmon::read::record::Splitter;
use httpmon::read::timestamp::{TimeReader, Zone};
use httpmon_fuzz::{Bytes, DELIMITERS, is_safe};
use libfuzzer_sys::fuzz_target;

/// What a layout makes of a line.
fn read(layout: &mut Layout, text: &[u8]) -> String {
    let line = Line { text, end: b"\n", overlong: false };
    let (reading, columns) = layout.read(&line);
    match reading {
        Reading::Malformed(problem) => {
            is_safe(&problem.to_string());
            "malformed".to_owned()
        }
        good => format!("{good:?} {columns:?}"),
    }
}

fn check_list(text: &str) -> Option<Columns> {
    let columns = match Columns::from_list(text) {
        Ok(columns) => columns,
        Err(why) => {
            is_safe(&why);
            return None;
        }
    };
    let names: Vec<&str> = text.split(',').map(str::trim).collect();
    assert_eq!(columns.width, Width::AtLeast(names.len()));
    let roles = columns.roles();
    assert_eq!(roles[columns.time], Some(Role::Time));
    for (place, role) in roles.iter().enumerate() {
        match role {
            None => assert!(matches!(names[place], "-" | "user" | "method" | "path" | "date")),
            Some(role) => assert_eq!(
                names[place].replace("date", "time"),
                format!("{role:?}").to_lowercase(),
                "{text:?}"
            ),
        }
    }
    assert!(!columns.request.is_some() || (columns.method.is_none() && columns.path.is_none()));
    Some(columns)
}

fn check_header(splitter: &mut Splitter, line: &[u8]) {
    let times = &mut TimeReader::new(Zone::utc());
    let Ok(record) = splitter.split(line) else { return };
    let Some(columns) = Columns::from_header(&record, times) else { return };
    assert!(columns::names_columns(&record, times));
    assert_eq!(columns.width, Width::Exactly(record.width()));
    assert!(columns.roles().len() <= record.width());
    // Another spelling names the same columns, unless a field is a time now: `UTC` is a zone, `utc` is none.
    let other = line.to_ascii_uppercase();
    let record = splitter.split(&other).expect("it is closed");
    let is_time = record.fields().any(|field| times.read(field).is_some());
    assert!(is_time || Columns::from_header(&record, times) == Some(columns));
}

thread_local! {
    static SPLITTERS: RefCell<[Splitter; 4]> = RefCell::new(DELIMITERS.map(Splitter::new));
}

fuzz_target!(|data: &[u8]| {
    let bytes = &mut Bytes(data);
    let mode = bytes.next();
    let mut given = LayoutOptions { columns: None, delimiter: None, zone: Zone::utc() };
    if mode % 4 == 0 {
        if let Ok(list) = std::str::from_utf8(bytes.line()) {
            given.columns = check_list(list);
        }
    }
    let mut layout = Layout::new(&given);
    let mut told: Vec<Layout> = DELIMITERS
        .map(|delimiter| Layout::new(&LayoutOptions { delimiter: Some(delimiter), ..given.clone() }))
        .into();
    let mut is_known = false;
    while !bytes.is_empty() {
        let line = bytes.line();
        if !line.is_empty() {
            SPLITTERS.with_borrow_mut(|splitters| {
                splitters.iter_mut().for_each(|splitter| check_header(splitter, line));
            });
        }
        let is_blank = line.iter().all(|&byte| byte == b' ' || byte == b'\t');
        let found = read(&mut layout, line);
        let said: Vec<String> = told.iter_mut().map(|layout| read(layout, line)).collect();
        if is_blank {
            // Blanks may be a record whose delimiter is a tab only if it says a time.
            assert!(found.starts_with("Skipped"), "{found}");
            continue;
        }
        if found == "malformed" && !is_known {
            assert!(said.iter().all(|said| said == "malformed"), "{found}: {said:?}");
            let problem = httpmon::read::request::Malformed::UnclosedQuote;
            is_safe(layout.advice(line, &problem));
            continue;
        }
        is_known = true;
        let mut said = said.into_iter();
        told.retain(|_| said.next().as_ref() == Some(&found));
        assert!(!told.is_empty(), "{found}: {:?}", line.escape_ascii().to_string());
    }
});
