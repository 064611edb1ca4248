//! A line separated by blanks has the fields that the model finds, whatever the
//! start of the line is read as.

#![no_main]

#[allow(dead_code)]
#[path = "../../model/civil.rs"]
mod civil;
#[allow(dead_code)]
#[path = "../../model/fields.rs"]
mod fields;
#[allow(dead_code)]
#[path = "../../model/values.rs"]
mod values;

use fields::{BLANKS, Fields, before_and_from_time, with_user};
use httpmon::read::blanks::{BlankSplitter, Start};
use httpmon::read::record::trim;
use httpmon_fuzz::Bytes;
use libfuzzer_sys::fuzz_target;

/// The fields by the model, and which of them is a user with blanks in the name;
/// none if a quote is left open.
fn expected(line: &[u8], start: Start) -> Option<(Fields, Option<usize>)> {
    let is_dash = |words: &Fields, index: usize| words.get(index).is_some_and(|word| word == b"-");
    // A time in brackets and a quote: the user ends there.
    let has_time = line
        .windows(3)
        .position(|three| three == b"] \"")
        .is_some_and(|end| line[..end].windows(2).any(|two| two == b" ["));
    if !has_time || matches!(start, Start::Fields | Start::UsualFields) {
        return Some((fields::fields(line, BLANKS)?, None));
    }
    let (mut words, rest) = before_and_from_time(line)?;
    let count = match start {
        Start::Before(count) if count < 2 || !is_dash(&words, count - 2) => words.len(),
        Start::Before(count) => count,
        _ => {
            if !is_dash(&words, 1) && (words.len() == 4 || (words.len() > 4 && is_dash(&words, 2))) {
                words.remove(0);
            }
            3
        }
    };
    let user = (words.len() > count).then(|| count - 1);
    Some((with_user(words, count, rest), user))
}

fuzz_target!(|data: &[u8]| {
    let bytes = &mut Bytes(data);
    let start = match bytes.next() % 8 {
        0 | 1 => Start::Fields,
        2..=5 => Start::Usual,
        count => Start::Before(usize::from(count) - 3),
    };
    let mut splitter = BlankSplitter::default();
    while !bytes.is_empty() {
        let line = bytes.line();
        if line.is_empty() {
            continue;
        }
        let mut found = splitter.split(line, start).ok().map(|record| {
            let fields: Fields = record.fields().map(<[u8]>::to_vec).collect();
            assert_eq!(fields.len(), record.width());
            fields
        });
        let expected = expected(line, start).map(|(fields, user)| {
            let fields: Fields = fields.iter().map(|field| trim(field).to_vec()).collect();
            // What the user is called says nothing: quotes in it may stay or go.
            if let (Some(user), Some(found)) = (user, &mut found) {
                found[user].clone_from(&fields[user]);
            }
            fields
        });
        assert_eq!(found, expected, "{:?} with {start:?}", line.escape_ascii().to_string());
    }
});
