//! The table of options; what was typed -> what it means.
//!
//! Help is rendered from the table; the tests hold the manual against it.

use std::ffi::{OsStr, OsString};
use std::fmt::{self, Write};
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

use crate::count::alert::{Decimal, Limit, Limits};
use crate::count::names;
use crate::read::columns::{BLANKS, ColumnList};
use crate::read::layout::LayoutOptions;
use crate::read::timestamp::{TimeFormat, Zone, read_duration};
use crate::source::Settings;
use crate::time::run;

/// An option of the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    /// `--threshold`
    Threshold,
    /// `--recovery-threshold`
    RecoveryThreshold,
    /// `--interval`
    Interval,
    /// `--window`
    Window,
    /// `--lateness`
    Lateness,
    /// `--idle-timeout`
    IdleTimeout,
    /// `--top`
    Top,
    /// `--columns`
    Columns,
    /// `--delimiter`
    Delimiter,
    /// `--time-format`
    TimeFormat,
    /// `--zone`
    Zone,
    /// `--source`
    Source,
    /// `--rejects`
    Rejects,
    /// `--quiet`
    Quiet,
    /// `--help`
    Help,
    /// `--version`
    Version,
}

/// A line of the table of options.
#[derive(Clone, Copy, Debug)]
pub struct OptionLine {
    /// Which option it is.
    pub key: Key,
    /// Its letter.
    pub short: Option<char>,
    /// Its name.
    pub long: &'static str,
    /// Another spelling, not shown in the help.
    pub alias: Option<&'static str>,
    /// What its value is called, if it takes one.
    pub value: Option<&'static str>,
    /// Its default, if it is a value that could be typed.
    pub default: Option<&'static str>,
    /// What it does, in a few words.
    pub help: &'static str,
}

const fn option(
    key: Key,
    short: Option<char>,
    long: &'static str,
    value: Option<&'static str>,
    default: Option<&'static str>,
    help: &'static str,
) -> OptionLine {
    OptionLine { key, short, long, alias: None, value, default, help }
}

const fn alias(alias: &'static str, line: OptionLine) -> OptionLine {
    OptionLine { alias: Some(alias), ..line }
}

/// The options, in the order of the help and the manual.
pub const OPTIONS: [OptionLine; 16] = [
    option(
        Key::Threshold,
        Some('t'),
        "threshold",
        Some("RATE"),
        Some("10"),
        "alert above RATE requests per second",
    ),
    option(
        Key::RecoveryThreshold,
        Some('r'),
        "recovery-threshold",
        Some("RATE"),
        None,
        "recover below RATE [the threshold]",
    ),
    alias(
        "log_interval",
        option(
            Key::Interval,
            Some('i'),
            "interval",
            Some("DURATION"),
            Some("10s"),
            "length of a summary window",
        ),
    ),
    alias(
        "log_window",
        option(Key::Window, Some('w'), "window", Some("DURATION"), Some("2m"), "length of the alert window"),
    ),
    option(
        Key::Lateness,
        Some('l'),
        "lateness",
        Some("DURATION"),
        Some("5s"),
        "how far out of order a record may be",
    ),
    option(
        Key::IdleTimeout,
        None,
        "idle-timeout",
        Some("DURATION"),
        Some("10s"),
        "silence that moves time on; 0: never",
    ),
    option(Key::Top, Some('n'), "top", Some("N"), Some("10"), "sections and hosts listed; 0: all"),
    option(Key::Columns, Some('c'), "columns", Some("LIST"), None, "what the columns hold [from the header]"),
    option(Key::Delimiter, Some('d'), "delimiter", Some("CHAR"), None, "one of , ; | tab space [detected]"),
    option(
        Key::TimeFormat,
        None,
        "time-format",
        Some("FORMAT"),
        None,
        "how times are written, as in strptime",
    ),
    option(Key::Zone, Some('z'), "zone", Some("ZONE"), Some("UTC"), "zone of times without an offset"),
    option(Key::Source, None, "source", Some("NAME"), Some("stdin"), "the source of the events"),
    option(Key::Rejects, None, "rejects", Some("FILE"), None, "append malformed lines to FILE"),
    option(Key::Quiet, Some('q'), "quiet", None, None, "no diagnostics but that of a failure"),
    option(Key::Help, Some('h'), "help", None, None, "print this help"),
    option(Key::Version, Some('V'), "version", None, None, "print the version"),
];

/// What the program is asked to do.
#[derive(Debug)]
pub enum Command {
    /// To filter.
    Run(Box<Options>),
    /// To print its help.
    Help,
    /// To print its version.
    Version,
}

/// What the command line means.
#[derive(Clone, Debug)]
pub struct Options {
    /// What every source is told.
    pub settings: Settings,
    /// The name of the source of lines that no `==>` line names one for.
    pub source: Vec<u8>,
    /// Where malformed lines go.
    pub rejects: Option<PathBuf>,
    /// Whether only a failure is to be said.
    pub is_quiet: bool,
}

/// What is wrong with the command line, in a sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsageError(String);

impl fmt::Display for UsageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What was typed: the last value of each option.
#[derive(Debug, Default)]
struct Typed {
    values: [Option<OsString>; OPTIONS.len()],
    is_quiet: bool,
}

impl Typed {
    fn value(&self, key: Key) -> Option<&OsStr> {
        self.values[key as usize].as_deref()
    }

    /// What the value of an option means, or what its default does.
    fn read<T, E: fmt::Display>(
        &self,
        key: Key,
        read: impl FnOnce(&str) -> Result<T, E>,
    ) -> Result<Option<T>, UsageError> {
        let line = &OPTIONS[key as usize];
        let Some(typed) = self.value(key).or(line.default.map(OsStr::new)) else { return Ok(None) };
        let wrong = |why: &dyn fmt::Display| {
            UsageError(format!("--{}: {why}: \"{}\"", line.long, typed.as_encoded_bytes().escape_ascii()))
        };
        let text = typed.to_str().ok_or_else(|| wrong(&"not UTF-8"))?;
        read(text).map(Some).map_err(|error| wrong(&error))
    }
}

/// Reads the command line, without the name of the program.
///
/// # Errors
///
/// A sentence for the user.
pub fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Command, UsageError> {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    let mut typed = Typed::default();
    let read = read_arguments(&arguments, &mut typed);
    // Who asks for help gets it, whatever else is on the line.
    if let Ok(Some(command)) = read {
        return Ok(command);
    }
    let mut before_operands = arguments.iter().take_while(|argument| *argument != "--");
    if let Some(command) = before_operands.find_map(|argument| asks_for(argument.to_str()?)) {
        return Ok(command);
    }
    read?;
    resolve(&typed).map(|options| Command::Run(Box::new(options)))
}

/// What an argument asks for that is `--help`, `--version`, or letters of
/// options without a value with `h` or `V` among them.
fn asks_for(argument: &str) -> Option<Command> {
    let letters = match argument {
        "--help" => "h",
        "--version" => "V",
        _ => argument.strip_prefix('-')?,
    };
    if !letters.chars().all(|letter| "hqV".contains(letter)) {
        return None;
    }
    letters.chars().find_map(|letter| match letter {
        'h' => Some(Command::Help),
        'V' => Some(Command::Version),
        _ => None,
    })
}

/// Reads what is typed; `Some` if help or version is asked for.
fn read_arguments(arguments: &[OsString], typed: &mut Typed) -> Result<Option<Command>, UsageError> {
    let wrong = |error: lexopt::Error| UsageError(names::shown(error.to_string().as_bytes()));
    let mut parser = lexopt::Parser::from_args(arguments);
    while let Some(argument) = parser.next().map_err(wrong)? {
        let line = match &argument {
            lexopt::Arg::Short(letter) => OPTIONS.iter().find(|line| line.short == Some(*letter)),
            lexopt::Arg::Long(name) => {
                OPTIONS.iter().find(|line| line.long == *name || line.alias == Some(*name))
            }
            lexopt::Arg::Value(operand) if operand == "-" => continue,
            lexopt::Arg::Value(operand) => {
                let operand = operand.as_encoded_bytes().escape_ascii();
                return Err(UsageError(format!(
                    "the log is read from standard input: httpmon < \"{operand}\""
                )));
            }
        };
        let Some(line) = line else { return Err(wrong(argument.unexpected())) };
        match line.key {
            Key::Help => return Ok(Some(Command::Help)),
            Key::Version => return Ok(Some(Command::Version)),
            Key::Quiet => typed.is_quiet = true,
            key => typed.values[key as usize] = Some(parser.value().map_err(wrong)?),
        }
    }
    Ok(None)
}

/// What was typed -> what it means.
fn resolve(typed: &Typed) -> Result<Options, UsageError> {
    const MINUTE: i64 = 60;
    const HOUR: i64 = 60 * MINUTE;
    const DAY: i64 = 24 * HOUR;
    let rate = |key| typed.read(key, str::parse::<Decimal>);
    let duration = |key, least: i64, most: i64| {
        typed.read(key, |text| match read_duration(text) {
            Ok(seconds) if seconds > most => Err("too long"),
            Ok(seconds) if seconds < least => Err("zero"),
            read => read,
        })
    };
    let missing = || UsageError("an option has lost its default".to_owned());
    let threshold = rate(Key::Threshold)?.ok_or_else(missing)?;
    let recovery = rate(Key::RecoveryThreshold)?.unwrap_or(threshold);
    if recovery > threshold {
        return Err(UsageError(format!(
            "--recovery-threshold: {} is above the threshold of {}",
            recovery.as_f64(),
            threshold.as_f64()
        )));
    }
    let run = run::Settings {
        limits: Limits {
            of: [Some(Limit { threshold, recovery }), None, None, None],
            min_count: 5,
            window: duration(Key::Window, 1, 7 * DAY)?.ok_or_else(missing)?,
        },
        interval: duration(Key::Interval, 1, 366 * DAY)?.ok_or_else(missing)?,
        lateness: duration(Key::Lateness, 0, HOUR)?.ok_or_else(missing)?,
        slow: 1_000_000_000,
    };
    let layout = LayoutOptions {
        columns: typed.read(Key::Columns, ColumnList::parse)?,
        delimiter: typed.read(Key::Delimiter, |text| match text {
            "tab" | "\t" => Ok(b'\t'),
            "space" | " " => Ok(BLANKS),
            "," | ";" | "|" => Ok(text.as_bytes()[0]),
            _ => Err("none of , ; | tab and space"),
        })?,
        time_format: typed.read(Key::TimeFormat, TimeFormat::new)?,
        zone: typed.read(Key::Zone, Zone::named)?.unwrap_or_else(Zone::utc),
    };
    let top = typed
        .read(Key::Top, |text| match text.parse() {
            Ok(top) if !text.starts_with('+') => Ok(top),
            _ => Err("not a whole number, or too large"),
        })?
        .ok_or_else(missing)?;
    let idle_timeout = duration(Key::IdleTimeout, 0, 366 * DAY)?.ok_or_else(missing)?;
    let name = typed.value(Key::Source).map_or_else(|| OsString::from("stdin"), OsStr::to_owned);
    Ok(Options {
        settings: Settings { layout, run, top, idle_timeout },
        source: name.into_vec(),
        rejects: typed.value(Key::Rejects).map(PathBuf::from),
        is_quiet: typed.is_quiet,
    })
}

/// The usage in one line.
#[must_use]
pub fn usage() -> &'static str {
    "usage: tail -F access.csv | httpmon [OPTION]... | jq   (httpmon --help tells more)\n"
}

/// The name and version, with a newline.
#[must_use]
pub fn version() -> String {
    format!("httpmon {}\n", env!("CARGO_PKG_VERSION"))
}

/// The help: at most 79 columns and 24 lines.
#[must_use]
pub fn help() -> String {
    let mut help = String::from(
        "Reads a CSV HTTP access log and writes summaries, alerts and recoveries.\n\
         usage: tail -F access.csv | httpmon [OPTION]... | jq\n\n",
    );
    for line in &OPTIONS {
        let short = line.short.map_or_else(|| "   ".to_owned(), |letter| format!("-{letter},"));
        let long = match line.value {
            Some(value) => format!("--{} {value}", line.long),
            None => format!("--{}", line.long),
        };
        let default = line.default.map_or_else(String::new, |default| format!(" [{default}]"));
        let _ = writeln!(help, "  {short} {long:<26} {}{default}", line.help);
    }
    help += "\n\
             RATE is a decimal number; DURATION is like 120, 90s, 2m, 1h 30m or 1d.\n\
             Exit status: 0 read to the end; 1 no line could be read as a record;\n\
             2 usage error, or reading or writing failed.\n";
    help
}
