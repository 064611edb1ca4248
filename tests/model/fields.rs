//! SPEC section 2: a line -> its fields, separated by a delimiter or by blanks.

use std::cell::RefCell;
use std::collections::HashMap;

use super::values::is_blank;

/// `--delimiter space`.
pub(crate) const BLANKS: u8 = b' ';

/// The fields of a line.
pub(crate) type Fields = Vec<Vec<u8>>;

thread_local! {
    // Making a reader for each line would take most of the time.
    static READERS: RefCell<HashMap<(u8, Option<u8>), csv_core::Reader>> = RefCell::default();
}

/// The fields of a line; `None` if a quote is left open.
pub(crate) fn fields(line: &[u8], delimiter: u8) -> Option<Fields> {
    if delimiter == BLANKS { in_blanks(line) } else { as_csv(line, delimiter, None) }
}

/// The fields of a line as the csv crate reads them. Only LF ends a line, so
/// a CR inside it is a byte like any other.
pub(crate) fn as_csv(line: &[u8], delimiter: u8, escape: Option<u8>) -> Option<Fields> {
    if line.is_empty() {
        return Some(vec![Vec::new()]);
    }
    let build = || {
        let mut builder = csv_core::ReaderBuilder::new();
        builder.delimiter(delimiter).terminator(csv_core::Terminator::Any(b'\n')).escape(escape).build()
    };
    let ended = [line, b"\n"].concat();
    let (mut text, mut ends) = (vec![0; ended.len()], vec![0; ended.len() + 1]);
    let (result, _, _, count) = READERS.with_borrow_mut(|readers| {
        let reader = readers.entry((delimiter, escape)).or_insert_with(build);
        reader.reset();
        reader.read_record(&ended, &mut text, &mut ends)
    });
    match result {
        csv_core::ReadRecordResult::Record => {}
        // The LF became part of a field: a quote is still open.
        csv_core::ReadRecordResult::InputEmpty => return None,
        other => panic!("{other:?}: there is room for all"),
    }
    let mut start = 0;
    let mut field = |end| text[std::mem::replace(&mut start, end)..end].to_vec();
    Some(ends[..count].iter().map(|&end| field(end)).collect())
}

/// "One blank or tab separates two fields."
fn in_blanks(line: &[u8]) -> Option<Fields> {
    let mut fields = Vec::new();
    let mut rest = line;
    loop {
        let (field, after) = first_in_blanks(rest)?;
        fields.push(field);
        match after.split_first() {
            Some((_, further)) => rest = further,
            None => return Some(fields),
        }
    }
}

/// The first field, and the rest of the line from its delimiter on.
fn first_in_blanks(text: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let mut field = Vec::new();
    let mut rest = text;
    if let Some(quoted) = text.strip_prefix(b"\"") {
        // "`"…"` is one field, in which a backslash always escapes."
        rest = quoted;
        loop {
            let (&byte, after) = rest.split_first()?;
            rest = after;
            match byte {
                b'"' => break,
                b'\\' => {
                    let (&escaped, after) = rest.split_first()?;
                    field.push(escaped);
                    rest = after;
                }
                byte => field.push(byte),
            }
        }
    } else if text.starts_with(b"[")
        && let Some(end) = text.iter().position(|&byte| byte == b']')
    {
        // "`[…]` is one field."
        let (bracketed, after) = text.split_at(end + 1);
        field.extend_from_slice(bracketed);
        rest = after;
    }
    // "What follows a closing quote up to the delimiter belongs to the field."
    let length = rest.iter().position(|&byte| is_blank(byte)).unwrap_or(rest.len());
    let (unquoted, after) = rest.split_at(length);
    field.extend_from_slice(unquoted);
    Some((field, after))
}

/// The fields before a time in brackets, and the fields from it on. The bracket
/// is the last one before the first quote that follows a `]`: this quote begins
/// the request. A user name can be anything, so an unclosed quote before the
/// bracket is part of it.
pub(crate) fn before_and_from_time(line: &[u8]) -> Option<(Fields, Fields)> {
    let end = line.windows(3).position(|three| three == b"] \"")?;
    let bracket = line[..end].windows(2).rposition(|two| two == b" [")?;
    let mut words = Vec::new();
    let mut text = &line[..bracket];
    loop {
        let blank = text.iter().position(|&byte| is_blank(byte)).unwrap_or(text.len());
        let as_word = || (text[..blank].to_vec(), &text[blank..]);
        let (word, after) = first_in_blanks(text).unwrap_or_else(as_word);
        words.push(word);
        match after.split_first() {
            Some((_, rest)) => text = rest,
            None => return Some((words, in_blanks(&line[bracket + 1..])?)),
        }
    }
}

/// "A user name with blanks in it: all up to ` [`": the last of so many fields.
pub(crate) fn with_user(mut words: Fields, count: usize, rest: Fields) -> Fields {
    if words.len() > count {
        let user = words.split_off(count - 1).join(&b' ');
        words.push(user);
    }
    words.extend(rest);
    words
}
