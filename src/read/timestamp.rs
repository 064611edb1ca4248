//! A time in a log -> epoch seconds: zones, `--time-format`, local times that
//! occur twice. Also reads the durations of options.
//!
//! The known forms of time are in `calendar`, event time is in `time::clock`.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::fmt::friendly::SpanParser;
use jiff::fmt::strtime::BrokenDownTime;
use jiff::tz::{AmbiguousOffset, TimeZone};

pub use crate::read::calendar::LAST_SECOND;
pub(crate) use crate::read::calendar::YEAR_1971;
use crate::read::calendar::{self, epoch_second};

/// The zone of times that carry no offset.
#[derive(Clone, Debug)]
pub struct Zone(TimeZone);

impl Zone {
    /// UTC.
    #[must_use]
    pub fn utc() -> Zone {
        Zone(TimeZone::UTC)
    }

    /// The zone with this IANA name, or the machine's own for `local`.
    ///
    /// # Errors
    ///
    /// A sentence if there is no such zone.
    pub fn named(name: &str) -> Result<Zone, String> {
        let zone = match name {
            "local" => TimeZone::try_system(),
            // UTC is the default; opening the zone database takes time.
            "UTC" => Ok(TimeZone::UTC),
            _ => TimeZone::get(name),
        };
        zone.map(Zone).map_err(|_| "no such time zone".to_owned())
    }

    /// Whether the zone has one offset, so that no local time occurs twice.
    fn is_fixed(&self) -> bool {
        self.0.to_fixed_offset().is_ok()
    }

    /// The second of a local time, and whether it occurs only once. If it
    /// occurs twice, takes the one nearer to `previous`. If it doesn't occur,
    /// moves it on.
    fn second_of(&self, local: DateTime, previous: Option<i64>) -> Option<(i64, bool)> {
        let ambiguous = self.0.to_ambiguous_timestamp(local);
        let AmbiguousOffset::Fold { before, after } = ambiguous.offset() else {
            return Some((ambiguous.compatible().ok()?.as_second(), true));
        };
        let earlier = before.to_timestamp(local).ok()?.as_second();
        let later = after.to_timestamp(local).ok()?.as_second();
        let is_later = previous.is_some_and(|second| (later - second).abs() < (earlier - second).abs());
        Some((if is_later { later } else { earlier }, false))
    }
}

/// Reads a duration in seconds: whole seconds (`120`), or weeks, days of 24
/// hours, hours, minutes and seconds in jiff's friendly form (`1h 30m`).
///
/// # Errors
///
/// A sentence if it is negative, has a fraction or another unit, or can't be
/// read.
pub fn read_duration(text: &str) -> Result<i64, &'static str> {
    const FORM: &str = "not a duration like 120, 90s, 2m or 1h 30m";
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return text.parse().map_err(|_| "too long");
    }
    let span = SpanParser::new().parse_span(text).map_err(|_| FORM)?;
    if span.is_negative() {
        return Err("negative");
    }
    let mut pairs = text.bytes().zip(text.bytes().skip(1));
    if pairs.any(|(a, b)| a == b'.' || (a == b',' && b.is_ascii_digit())) {
        return Err("not whole seconds");
    }
    let foreign = [span.get_milliseconds(), span.get_microseconds(), span.get_nanoseconds()];
    if foreign != [0; 3] {
        return Err("not whole seconds");
    }
    if span.get_years() != 0 || span.get_months() != 0 {
        return Err("years and months have no fixed length; use days");
    }
    let days = i64::from(span.get_weeks()) * 7 + i64::from(span.get_days());
    Ok(((days * 24 + i64::from(span.get_hours())) * 60 + span.get_minutes()) * 60 + span.get_seconds())
}

/// The value of `--time-format`, in the conversions of strptime.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimeFormat(Box<str>);

impl TimeFormat {
    /// Checks that jiff can write a time in the format and read it again.
    ///
    /// # Errors
    ///
    /// A sentence if it can't.
    pub fn new(format: &str) -> Result<TimeFormat, String> {
        // One before noon and one after: the format may use a 12-hour clock.
        const SAMPLES: [i64; 2] = [1_632_996_000, 1_633_029_307];
        let no_time = |why: &dyn std::fmt::Display| format!("not a time format: {why}");
        for second in SAMPLES {
            let time =
                Timestamp::from_second(second).map_err(|error| no_time(&error))?.to_zoned(TimeZone::UTC);
            let text = jiff::fmt::strtime::format(format, &time).map_err(|error| no_time(&error))?;
            let read = BrokenDownTime::parse(format, &text).map_err(|error| no_time(&error))?;
            if resolved(&read, &Zone::utc(), None).is_none() {
                return Err("not a time format: it needs a year, a month and a day, or %s".to_owned());
            }
        }
        Ok(TimeFormat(format.into()))
    }
}

/// The second of a time read by a format, and whether it may be cached: it may
/// not if it depends on `previous`.
fn resolved(read: &BrokenDownTime, zone: &Zone, previous: Option<i64>) -> Option<(i64, bool)> {
    match read.to_timestamp() {
        Ok(timestamp) => Some((timestamp.as_second(), true)),
        // The time has a zone by name (`%Q`).
        Err(_) if read.iana_time_zone().is_some() => {
            Some((read.to_zoned().ok()?.timestamp().as_second(), true))
        }
        Err(_) => zone.second_of(read.to_datetime().ok()?, previous),
    }
}

/// Reads the times of one log.
///
/// It caches the last time it parsed, because most lines have the same second
/// as the line before.
#[derive(Clone, Debug)]
pub struct TimeReader {
    zone: Zone,
    is_zone_fixed: bool,
    format: Option<TimeFormat>,
    last_text: Vec<u8>,
    last_second: i64,
    /// The time of the previous record.
    previous: Option<i64>,
}

impl TimeReader {
    /// A reader for times that are in `zone` unless they carry an offset.
    #[must_use]
    pub fn new(zone: Zone) -> TimeReader {
        TimeReader {
            is_zone_fixed: zone.is_fixed(),
            zone,
            format: None,
            last_text: Vec::new(),
            last_second: 0,
            previous: None,
        }
    }

    /// The same, for times written in `format` only, if it is given.
    #[must_use]
    pub fn with_format(zone: Zone, format: Option<TimeFormat>) -> TimeReader {
        TimeReader { format, ..TimeReader::new(zone) }
    }

    /// Whether `--time-format` is given.
    pub(crate) fn has_format(&self) -> bool {
        self.format.is_some()
    }

    /// Whether no local time occurs twice, so that a time's text decides its
    /// second.
    pub(crate) fn is_fixed(&self) -> bool {
        self.is_zone_fixed
    }

    /// Notes the time of a record. A local time that occurs twice is taken to
    /// be near it.
    #[inline(always)]
    pub fn passed(&mut self, second: i64) {
        self.previous = Some(second);
    }

    /// Reads `text` as a time. Returns epoch seconds, from 0 to
    /// [`LAST_SECOND`].
    ///
    /// The forms are epoch seconds (13 digits: milliseconds, 16: microseconds,
    /// 19: nanoseconds) with or without decimals, those of
    /// `calendar::local_time`, or only the given format. Returns `None` for
    /// anything else, and for a time out of range. `text` must have no
    /// surrounding blanks.
    pub fn read(&mut self, text: &[u8]) -> Option<i64> {
        if self.format.is_none() {
            if let Some(second) = text.try_into().ok().and_then(ten_digits) {
                return Some(second);
            }
            if text.first()?.is_ascii_digit()
                && !matches!(text.get(4), Some(b'-' | b'/'))
                && !matches!(text.get(2), Some(b'/'))
            {
                return epoch_second(text);
            }
        }
        if text == self.last_text && !text.is_empty() {
            return Some(self.last_second);
        }
        let (second, is_fixed) = self.calendar_second(text)?;
        if !(0..=LAST_SECOND).contains(&second) {
            return None;
        }
        if is_fixed {
            self.last_text.clear();
            self.last_text.extend_from_slice(text);
            self.last_second = second;
        }
        Some(second)
    }

    /// Whether `text` is a time in the given format or in any known form.
    pub(crate) fn is_time(&mut self, text: &[u8]) -> bool {
        self.read(text).is_some()
            || (self.format.is_some()
                && (epoch_second(text).is_some() || calendar::local_time(text).is_some()))
    }

    /// The second, and whether it is independent of the previous time.
    fn calendar_second(&self, text: &[u8]) -> Option<(i64, bool)> {
        if let Some(TimeFormat(format)) = &self.format {
            let read = BrokenDownTime::parse(format.as_bytes(), text).ok()?;
            return resolved(&read, &self.zone, self.previous);
        }
        match calendar::local_time(text)? {
            (local, None) => self.zone.second_of(local, self.previous),
            (local, Some(offset)) => Some((offset.to_timestamp(local).ok()?.as_second(), true)),
        }
    }
}

/// Reads ten digits, the length of epoch seconds since 2001.
#[inline(always)]
pub(crate) fn ten_digits(text: [u8; 10]) -> Option<i64> {
    let [head @ .., tens, ones] = text;
    let (tens, ones) = (tens ^ b'0', ones ^ b'0');
    if tens > 9 || ones > 9 {
        return None;
    }
    let eight = eight_digits(u64::from_le_bytes(head))?;
    i64::try_from(eight * 100 + u64::from(tens) * 10 + u64::from(ones)).ok()
}

/// Reads eight digits; the first one is in the lowest byte.
#[inline(always)]
fn eight_digits(word: u64) -> Option<u64> {
    let digits = word ^ 0x3030_3030_3030_3030;
    let above_nine = (digits.wrapping_add(0x7676_7676_7676_7676) | digits) & 0x8080_8080_8080_8080;
    if above_nine != 0 { None } else { Some(join_digits(digits)) }
}

/// Joins the values of eight digits into a number; the first digit is in the
/// lowest byte. Digits become pairs below 100, pairs become numbers below
/// 10,000, and so on.
#[inline(always)]
pub(crate) fn join_digits(digits: u64) -> u64 {
    let pairs = (digits * 10 + (digits >> 8)) & 0x00FF_00FF_00FF_00FF;
    let fours = (pairs * 100 + (pairs >> 16)) & 0x0000_FFFF_0000_FFFF;
    (fours * 10_000 + (fours >> 32)) & 0xFFFF_FFFF
}
