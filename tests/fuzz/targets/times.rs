//! A time that is read is in range, is the same however often and after
//! whatever it is read, agrees with jiff's own readers, and is the same again
//! after it was written in any form.

#![no_main]

use httpmon::read::timestamp::{LAST_SECOND, TimeReader, Zone, read_duration};
use httpmon::write::event::Second;
use httpmon_fuzz::{Bytes, time_text};
use libfuzzer_sys::fuzz_target;

fn by_jiff(text: &str) -> Option<i64> {
    if let Ok(time) = text.parse::<jiff::Timestamp>() {
        return Some(time.as_second());
    }
    let text = text.strip_prefix('[').unwrap_or(text);
    let text = text.strip_suffix(']').unwrap_or(text);
    let time = jiff::fmt::strtime::parse("%d/%b/%Y:%H:%M:%S %z", text).ok()?;
    time.to_timestamp().ok().map(|time| time.as_second())
}

thread_local! {
    static ZONES: [Zone; 4] = ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu"]
        .map(|name| Zone::named(name).expect("a zone"));
}

fuzz_target!(|data: &[u8]| {
    let bytes = &mut Bytes(data);
    let zone = ZONES.with(|zones| zones[usize::from(bytes.next()) % zones.len()].clone());
    let mut used = TimeReader::new(zone.clone());
    while !bytes.is_empty() {
        let text = bytes.line();
        let read = TimeReader::new(zone.clone()).read(text);
        assert_eq!(used.read(text), read);
        assert_eq!(used.read(text), read);
        if let Ok(text) = std::str::from_utf8(text) {
            if let Ok(seconds) = read_duration(text) {
                assert!(seconds >= 0, "{text:?}");
                assert_eq!(read_duration(&seconds.to_string()), Ok(seconds));
                // jiff's own form goes to about 20,000 years.
                if seconds < 600_000_000_000 {
                    assert_eq!(read_duration(&format!("{seconds}s")), Ok(seconds), "{text:?}");
                }
            }
            if let (Some(second), Some(other)) = (read, by_jiff(text)) {
                assert_eq!(second, other, "{text:?}");
            }
        }
        let Some(second) = read else { continue };
        assert!((0..=LAST_SECOND).contains(&second));
        let mut times = TimeReader::new(Zone::utc());
        assert_eq!(times.read(Second(second).to_string().as_bytes()), Some(second));
        for form in 0..10 {
            let written = time_text(second, form);
            // An offset may lead out of the years that are read.
            if (8..10).contains(&form) && !(86_400..LAST_SECOND - 86_400).contains(&second) {
                continue;
            }
            // Eight digits may be a calendar day, and are no time then, with decimals
            // or without.
            if written.bytes().take_while(u8::is_ascii_digit).count() == 8 {
                continue;
            }
            assert_eq!(times.read(written.as_bytes()), Some(second), "{written}");
        }
    }
});
