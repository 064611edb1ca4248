//! The `#Fields:` header of W3C logs, which IIS, CloudFront and Zeek write:
//! `#Fields: date time cs-method ...`
//! (<https://www.w3.org/TR/WD-logfile.html>).

use crate::read::column_names::{Names, column_called};
use crate::read::columns::{Columns, Header, Role};
use crate::read::delimited::list;
use crate::read::record::{Record, is_blank, trim};
use crate::read::request::Malformed;

/// The names after `#Fields:` or `#fields` at the start of a line.
pub(crate) fn fields_directive(text: &[u8]) -> Option<&[u8]> {
    let rest = match text.strip_prefix(b"#Fields:").or_else(|| text.strip_prefix(b"#fields:")) {
        Some(rest) => rest,
        None => text.strip_prefix(b"#fields").filter(|rest| rest.first().copied().is_some_and(is_blank))?,
    };
    Some(trim(rest)).filter(|rest| !rest.is_empty())
}

/// Reads the names after `#Fields:`. They are separated by tabs if there are
/// any, else by blanks. `called` is what `--columns` says.
///
/// Returns the columns or why the header can't be used; `None` if the line is a
/// comment that only starts like a header.
pub(crate) fn read_fields(
    names: &[u8],
    called: &[(String, String)],
) -> Option<Result<Box<Columns>, Malformed>> {
    let separator = if names.contains(&b'\t') { b'\t' } else { b' ' };
    let mut ranges = Vec::new();
    let mut start = 0;
    for name in names.split(|&byte| byte == separator) {
        if !name.is_empty() {
            ranges.push((start, start + name.len()));
        }
        start += name.len() + 1;
    }
    let record = Record::new(names, &ranges);
    let known = Names::of(&record);
    let has_time = known.column(Role::Time).is_some()
        || called.iter().any(|(role, name)| {
            matches!(role.as_str(), "time" | "date") && column_called(&record, name).is_some()
        });
    match Header::of_fields(&record, called) {
        Header::Columns(columns) => Some(Ok(columns)),
        Header::Lacks(name) if has_time => Some(Err(Malformed::NoColumn(name))),
        _ if known.known() < 2 => None,
        Header::Lacks(_) | Header::NoTime => Some(Err(Malformed::NoTime(list(&record)))),
    }
}
