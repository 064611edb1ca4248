//! A time that is written in the format of `--time-format` is the second that
//! the model and jiff have for it, whatever was read before it.

#![no_main]

#[allow(dead_code)]
#[path = "../../model/civil.rs"]
mod civil;
#[allow(dead_code)]
#[path = "../../model/values.rs"]
mod values;

use httpmon::read::record::trim;
use httpmon::read::timestamp::{LAST_SECOND, TimeFormat, TimeReader, Zone};
use httpmon_fuzz::{Bytes, TIME_FORMATS, formatted, is_safe};
use libfuzzer_sys::fuzz_target;

const ZONES: [&str; 3] = ["UTC", "Europe/Berlin", "America/New_York"];

thread_local! {
    // To look one up takes most of the time.
    static FOUND: [Zone; 3] = ZONES.map(|name| Zone::named(name).expect("a zone"));
}

// The first byte chooses the zone and one of the formats, or else the first
// line is the format; 01 b is a time.
fuzz_target!(|data: &[u8]| {
    let bytes = &mut Bytes(data);
    let chosen = usize::from(bytes.next());
    let zone = FOUND.with(|zones| zones[chosen % 3].clone());
    let format = match TIME_FORMATS.get(chosen / 3 % 8) {
        Some(format) => *format,
        None => match std::str::from_utf8(bytes.line()) {
            Ok(format) => format,
            Err(_) => return,
        },
    };
    let read_format = match TimeFormat::new(format) {
        Ok(format) => format,
        Err(sentence) => {
            // main escapes the format itself; the sentence is jiff's.
            is_safe(&sentence);
            return;
        }
    };
    let model = values::Times::new(Some(format.to_owned()), Some(ZONES[chosen % 3]));
    let mut used = TimeReader::with_format(zone, Some(read_format));
    let mut second = 1_553_993_000;
    let mut before = None;
    while !bytes.is_empty() {
        let line = bytes.line();
        let mut text = trim(line).to_vec();
        if let [1, step, rest @ ..] = line {
            second = (second + i64::from(*step) * i64::from(*step)).min(LAST_SECOND);
            text = trim(&[formatted(second, format).as_bytes(), rest].concat()).to_vec();
        }
        let expected = model.read(&text, before);
        for _ in 0..2 {
            let found = used.read(&text);
            assert_eq!(found, expected, "{:?} by {format:?}", text.escape_ascii().to_string());
        }
        if let Some(second) = expected {
            used.passed(second);
            before = Some(second);
        }
    }
});
