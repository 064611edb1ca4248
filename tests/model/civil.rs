//! Dates of the proleptic Gregorian calendar, and epoch seconds. Counts years
//! and months one by one.

const DAY: i64 = 86_400;

fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

fn days_in_year(year: i64) -> i64 {
    if is_leap(year) { 366 } else { 365 }
}

/// The number of days of a month, from 1 to 12.
pub(crate) fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// The first second of a day, in epoch seconds.
pub(crate) fn start_of_day(year: i64, month: i64, day: i64) -> i64 {
    let mut days = day - 1;
    for earlier in 1..month {
        days += days_in_month(year, earlier);
    }
    for earlier in 1970..year {
        days += days_in_year(earlier);
    }
    for later in year..1970 {
        days -= days_in_year(later);
    }
    days * DAY
}

/// RFC 3339 in UTC with `Z` and whole seconds.
pub(crate) fn rfc3339(seconds: i64) -> String {
    let mut days = seconds.div_euclid(DAY);
    let of_day = seconds.rem_euclid(DAY);
    let mut year = 1970;
    while days < 0 {
        year -= 1;
        days += days_in_year(year);
    }
    while days >= days_in_year(year) {
        days -= days_in_year(year);
        year += 1;
    }
    let mut month = 1;
    while days >= days_in_month(year, month) {
        days -= days_in_month(year, month);
        month += 1;
    }
    format!(
        "{year:04}-{month:02}-{:02}T{:02}:{:02}:{:02}Z",
        days + 1,
        of_day / 3_600,
        of_day / 60 % 60,
        of_day % 60
    )
}
