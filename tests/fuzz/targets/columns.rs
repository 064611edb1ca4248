//! Headers, lists of columns, and the delimiter that is found: every line is
//! told exactly once, whatever is held back, and a layout that is told the
//! delimiter of a header reads the same.

#![no_main]

use httpmon::read::columns::{ColumnList, Columns, LayoutOptions, Role, Width};
use httpmon::read::layout::{Layout, Reading};
use httpmon::read::line::Lines;
use httpmon::read::timestamp::Zone;
use httpmon_fuzz::{Bytes, is_safe};
use libfuzzer_sys::fuzz_target;

fn check_list(text: &str) -> Option<ColumnList> {
    let list = match ColumnList::parse(text) {
        Ok(list) => list,
        Err(why) => {
            is_safe(&why);
            return None;
        }
    };
    if let ColumnList::Positions(columns) = &list {
        check_positions(columns, text);
    }
    Some(list)
}

fn check_positions(columns: &Columns, text: &str) {
    let names: Vec<&str> = text.split(',').map(str::trim).collect();
    assert_eq!(columns.width, Width::AtLeast(names.len()));
    let roles = columns.roles();
    assert_eq!(roles[columns.time], Some(Role::Time));
    for (place, role) in roles.iter().enumerate() {
        match role {
            None => assert!(
                matches!(names[place], "-" | "user" | "path" | "date") || names[place].starts_with("latency")
            ),
            Some(role) => assert_eq!(
                names[place].replace("date", "time"),
                format!("{role:?}").to_lowercase(),
                "{text:?}"
            ),
        }
    }
    assert!(columns.request.is_none() || columns.path.is_none());
}

/// What a layout makes of lines: each one's kind, and the numbers and texts of
/// those that are malformed.
fn read_all(options: &LayoutOptions, text: &[u8]) -> (Vec<String>, Vec<(u64, Vec<u8>)>) {
    let mut layout = Layout::new(options);
    let mut lines = Lines::new(text, 0);
    let (mut kinds, mut malformed) = (Vec::new(), Vec::new());
    for is_end in [false, true] {
        if is_end {
            layout.end();
        }
        while let Some(reading) = layout.next(&mut lines) {
            if matches!(reading, Reading::Held) {
                continue;
            }
            if let Reading::Malformed(line) = &reading {
                is_safe(&line.problem.to_string());
                malformed.push((line.number, line.text.to_vec()));
            }
            kinds.push(match &reading {
                Reading::Malformed(_) => "malformed".to_owned(),
                good => format!("{good:?}"),
            });
        }
    }
    (kinds, malformed)
}

fuzz_target!(|data: &[u8]| {
    let bytes = &mut Bytes(data);
    let mode = bytes.next();
    let mut options = LayoutOptions { columns: None, delimiter: None, zone: Zone::utc(), time_format: None };
    if mode % 4 == 0 {
        if let Ok(list) = std::str::from_utf8(bytes.line()) {
            options.columns = check_list(list);
        }
    }
    options.delimiter = [None, None, Some(b','), Some(b' '), Some(b'\t')][usize::from(mode / 4) % 5];
    let text = bytes.rest();
    let (kinds, malformed) = read_all(&options, text);
    assert_eq!(kinds.len(), Lines::new(text, 0).count(), "every line is told once");
    let all: Vec<_> = Lines::new(text, 0).map(|line| line.text.to_vec()).collect();
    let mut numbers: Vec<u64> = malformed.iter().map(|(number, _)| *number).collect();
    for (number, text) in &malformed {
        assert_eq!(*text, all[usize::try_from(number - 1).expect("small")], "line {number}");
    }
    numbers.sort_unstable();
    numbers.dedup();
    assert_eq!(numbers.len(), malformed.len(), "no line is told twice");
});
