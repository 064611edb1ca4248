//! The table of options, and what is rendered from it: help and usage.

use std::fmt::Write;

/// An option of the command line, in the order of [`OPTIONS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is named after its option")]
pub enum Key {
    Columns,
    Delimiter,
    TimeFormat,
    Zone,
    Source,
    Interval,
    Window,
    Lateness,
    IdleTimeout,
    Threshold,
    RecoveryThreshold,
    LowThreshold,
    ErrorThreshold,
    SlowThreshold,
    Slow,
    MinCount,
    Top,
    Rejects,
    RejectsMax,
    Quiet,
    Help,
    Version,
}

/// A line of the table of options.
#[derive(Clone, Copy, Debug)]
pub struct OptionLine {
    /// The option.
    pub key: Key,
    /// Its letter.
    pub short: Option<char>,
    /// Its name.
    pub long: &'static str,
    /// Another spelling, not shown in the help.
    pub alias: Option<&'static str>,
    /// The name of its value, if it takes one.
    pub value: Option<&'static str>,
    /// Its default, if that is a value that can be typed.
    pub default: Option<&'static str>,
    /// What it does, in a few words.
    pub help: &'static str,
}

/// A line of the table. A blank letter, or an empty value or default, is none.
const fn option(
    key: Key,
    short: char,
    long: &'static str,
    value: &'static str,
    default: &'static str,
    help: &'static str,
) -> OptionLine {
    OptionLine {
        key,
        short: if short == ' ' { None } else { Some(short) },
        long,
        alias: None,
        value: some(value),
        default: some(default),
        help,
    }
}

const fn some(text: &'static str) -> Option<&'static str> {
    if text.is_empty() { None } else { Some(text) }
}

const fn alias(alias: &'static str, line: OptionLine) -> OptionLine {
    OptionLine { alias: Some(alias), ..line }
}

/// The options, in the order of the help and the manual.
pub const OPTIONS: [OptionLine; 22] = [
    option(Key::Columns, 'c', "columns", "LIST", "", "meaning of the columns [from the header]"),
    option(Key::Delimiter, 'd', "delimiter", "CHAR", "", "one of , ; | tab space [detected]"),
    option(Key::TimeFormat, ' ', "time-format", "FORMAT", "", "format of the times, as in strptime"),
    option(Key::Zone, 'z', "zone", "ZONE", "UTC", "zone of times without an offset"),
    option(Key::Source, ' ', "source", "NAME", "stdin", "source name in the events"),
    alias(
        "log_interval",
        option(Key::Interval, 'i', "interval", "DURATION", "10s", "length of a summary window"),
    ),
    alias("log_window", option(Key::Window, 'w', "window", "DURATION", "2m", "length of the alert window")),
    option(Key::Lateness, 'l', "lateness", "DURATION", "5s", "how far out of order records may be"),
    option(Key::IdleTimeout, ' ', "idle-timeout", "DURATION", "10s", "advance time after this much silence"),
    option(Key::Threshold, 't', "threshold", "RATE", "10", "high_traffic above RATE requests/s"),
    option(
        Key::RecoveryThreshold,
        'r',
        "recovery-threshold",
        "RATE",
        "",
        "recover below RATE [the threshold]",
    ),
    option(Key::LowThreshold, ' ', "low-threshold", "RATE", "off", "low_traffic below RATE requests/s"),
    option(
        Key::ErrorThreshold,
        'e',
        "error-threshold",
        "PERCENT",
        "off",
        "high_errors above PERCENT errors (5xx)",
    ),
    option(
        Key::SlowThreshold,
        ' ',
        "slow-threshold",
        "PERCENT",
        "off",
        "slow_requests above PERCENT slow requests",
    ),
    option(Key::Slow, ' ', "slow", "SECONDS", "1", "longer requests are slow"),
    option(Key::MinCount, ' ', "min-count", "N", "5", "minimum errors or slow requests to alert"),
    option(Key::Top, 'n', "top", "N", "10", "sections and hosts listed; 0 = all"),
    option(Key::Rejects, ' ', "rejects", "FILE", "", "append malformed lines to FILE"),
    option(Key::RejectsMax, ' ', "rejects-max", "SIZE", "", "limit FILE to a size like 500K, 10M or 1G"),
    option(Key::Quiet, 'q', "quiet", "", "", "report failures only"),
    option(Key::Help, 'h', "help", "", "", "print this help"),
    option(Key::Version, 'V', "version", "", "", "print the version"),
];

/// The heading above the first option of a group.
fn group(key: Key) -> Option<&'static str> {
    match key {
        Key::Columns => Some("Input"),
        Key::Interval => Some("Time"),
        Key::Threshold => Some("Alerts (RATE[:RECOVERY], PERCENT[:RECOVERY], or off)"),
        Key::Top => Some("Output"),
        _ => None,
    }
}

/// The usage in one line.
#[must_use]
pub fn usage() -> &'static str {
    "usage: tail -n +1 -F access.csv | httpmon [OPTION]... | jq   (more: httpmon --help)\n"
}

/// The name and version, with a newline.
#[must_use]
pub fn version() -> String {
    format!("httpmon {}\n", env!("CARGO_PKG_VERSION"))
}

/// The help: at most 79 columns and 40 lines.
#[must_use]
pub fn help() -> String {
    let mut help = String::from(
        "Reads an HTTP access log, CSV or the default format of nginx and Apache.\n\
         Writes summaries, alerts and recoveries, one JSON object per line.\n\
         usage: tail -n +1 -F access.csv | httpmon [OPTION]... | jq\n",
    );
    for line in &OPTIONS {
        if let Some(group) = group(line.key) {
            let _ = writeln!(help, "{group}:");
        }
        let short = line.short.map_or_else(|| "   ".to_owned(), |letter| format!("-{letter},"));
        let long = match line.value {
            Some(value) => format!("--{} {value}", line.long),
            None => format!("--{}", line.long),
        };
        let default = line.default.map_or_else(String::new, |default| format!(" [{default}]"));
        let _ = writeln!(help, "  {short} {long:<25} {}{default}", line.help);
    }
    help += "\n\
             DURATION is like 120, 90s, 2m, 1h 30m or 1d. Example:\n\
             \x20 httpmon -e 5:2 -t off < /var/log/nginx/access.log | httpmon-pretty\n\
             Exit status: 0 end of input; 1 no line could be read as a record;\n\
             2 usage error, or reading or writing failed.\n\
             See also: httpmon-pretty, -follow, -append, -notify, -store, -web, -plot.\n";
    help
}

/// The option whose name is nearest to `typed`, if one is near enough.
#[must_use]
pub fn nearest(typed: &str) -> Option<&'static str> {
    let names = OPTIONS.iter().map(|line| (distance(typed, line.long), line.long));
    let (distance, name) = names.min_by_key(|&(distance, _)| distance)?;
    (distance <= 1 + typed.len().min(name.len()) / 5).then_some(name)
}

/// The number of letters to insert, remove or change.
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, y) in b.bytes().enumerate() {
            let changed = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = changed.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_the_order_of_its_keys() {
        for (index, line) in OPTIONS.iter().enumerate() {
            assert_eq!(line.key as usize, index, "--{}", line.long);
        }
    }

    #[test]
    fn a_typo_finds_its_option_and_nonsense_finds_none() {
        for (typed, expected) in [
            ("treshold", Some("threshold")),
            ("thresholds", Some("threshold")),
            ("colums", Some("columns")),
            ("error-treshhold", Some("error-threshold")),
            ("intervall", Some("interval")),
            ("zon", Some("zone")),
            ("colour", None),
            ("x", None),
        ] {
            assert_eq!(nearest(typed), expected, "{typed}");
        }
    }
}
