//! Arguments -> settings.
//!
//! Help is rendered from the table of options. The tests compare the manual
//! with it.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

use crate::count::alert::{Decimal, Kind, Limit, Limits};
use crate::count::client_names;
use crate::options::{self, Key, OPTIONS, OptionLine};
use crate::read::columns::LayoutOptions;
use crate::read::columns::{BLANKS, ColumnList};
use crate::read::timestamp::{TimeFormat, Zone, read_duration};
use crate::source::Settings;
use crate::time;
use crate::time::late_stats::MOST_LATENESS;

/// The greatest size that a file can have, in whole gigabytes.
const MOST_BYTES: u64 = 8_589_934_591 << 30;

/// What to do.
#[derive(Debug)]
pub enum Command {
    /// Filter standard input.
    Run(Box<Options>),
    /// Print the help.
    Help,
    /// Print the version.
    Version,
}

/// What the command line means.
#[derive(Clone, Debug)]
pub struct Options {
    /// The settings of every source.
    pub settings: Settings,
    /// The source of lines before the first `==>` line.
    pub source: Vec<u8>,
    /// Where malformed lines go.
    pub rejects: Option<PathBuf>,
    /// How many bytes that file may have; none is no limit.
    pub rejects_max: Option<u64>,
    /// Whether to report failures only.
    pub is_quiet: bool,
}

/// What is wrong with the command line, as a sentence.
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

    /// The meaning of an option's value, or of its default.
    fn read<T, E: fmt::Display>(
        &self,
        key: Key,
        read: impl FnOnce(&str) -> Result<T, E>,
    ) -> Result<Option<T>, UsageError> {
        let Some(typed) = self.value(key).or(OPTIONS[key as usize].default.map(OsStr::new)) else {
            return Ok(None);
        };
        let text = typed.to_str().ok_or_else(|| self.wrong(key, "not UTF-8"))?;
        read(text).map(Some).map_err(|why| self.wrong(key, why))
    }

    /// What is wrong with an option's value.
    fn wrong(&self, key: Key, why: impl fmt::Display) -> UsageError {
        let typed = self.value(key).unwrap_or_default().as_encoded_bytes().escape_ascii();
        UsageError(format!("--{}: {why}: \"{typed}\"", OPTIONS[key as usize].long))
    }
}

impl Typed {
    /// The threshold of an alert and its recovery: `10`, `10:8` or `off`.
    fn limit(&self, key: Key, kind: Kind) -> Result<Option<Limit>, UsageError> {
        let is_percent = matches!(kind, Kind::HighErrors | Kind::SlowRequests);
        let (value, alone, with_recovery) = match kind {
            Kind::HighTraffic => ("RATE", "10", "10:8"),
            Kind::LowTraffic => ("RATE", "2", "2:5"),
            Kind::HighErrors | Kind::SlowRequests => ("PERCENT", "5", "5:2"),
        };
        let decimal = |text: &str| match text.parse::<Decimal>() {
            Ok(percent) if is_percent && percent.as_f64() >= 100.0 => Err("not below 100"),
            read => read,
        };
        let separate = match kind {
            Kind::HighTraffic => self.read(Key::RecoveryThreshold, decimal)?,
            _ => None,
        };
        let typed = self.read(key, |text| {
            if text == "off" {
                return Ok(None);
            }
            let (threshold, recovery) = text.split_once(':').map_or((text, None), |(a, b)| (a, Some(b)));
            let read = decimal(threshold).and_then(|of| Ok((of, recovery.map(decimal).transpose()?)));
            read.map(Some).map_err(|why| format!("{why}; use a value like {alone}, {with_recovery} or off"))
        })?;
        let Some((threshold, recovery)) = typed.flatten() else { return Ok(None) };
        let recovery = separate.or(recovery).unwrap_or(threshold);
        let (is_wrong, side) = match kind {
            Kind::LowTraffic => (recovery < threshold, "below"),
            _ => (recovery > threshold, "above"),
        };
        if !is_wrong {
            return Ok(Some(Limit { threshold, recovery }));
        }
        Err(if separate.is_some() {
            let threshold = threshold.as_f64();
            self.wrong(Key::RecoveryThreshold, format_args!("must not be {side} --threshold {threshold}"))
        } else {
            self.wrong(
                key,
                format_args!("RECOVERY must not be {side} {value}; use a value like {with_recovery}"),
            )
        })
    }

    /// A whole number from `least` to `most`.
    fn number(&self, key: Key, least: u64, most: u64) -> Result<Option<u64>, UsageError> {
        self.read(key, |text| {
            if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
                return Err(format!("must be a whole number, at least {least}"));
            }
            match text.parse() {
                Ok(number) if number < least => Err(format!("must be at least {least}")),
                Ok(number) if number <= most => Ok(number),
                _ => Err(format!("must be at most {most}")),
            }
        })
    }

    /// A number of bytes, also in units of 1024, its square or its cube.
    fn size(&self, key: Key) -> Result<Option<u64>, UsageError> {
        self.read(key, |text| {
            let (digits, unit) = match text.as_bytes().last() {
                Some(b'K' | b'k') => (&text[..text.len() - 1], 1 << 10),
                Some(b'M' | b'm') => (&text[..text.len() - 1], 1 << 20),
                Some(b'G' | b'g') => (&text[..text.len() - 1], 1 << 30),
                _ => (text, 1),
            };
            if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
                return Err("not a size in bytes like 4096, 500K, 10M or 1G");
            }
            match digits.parse().ok().and_then(|number: u64| number.checked_mul(unit)) {
                Some(0) => Err("must be at least 1"),
                Some(bytes) if bytes <= MOST_BYTES => Ok(bytes),
                _ => Err("must be at most 8589934591G"),
            }
        })
    }

    /// A duration from `least` seconds to `days` days.
    fn duration(&self, key: Key, least: i64, (days, most): (i64, &str)) -> Result<Option<i64>, UsageError> {
        self.seconds(key, least, days * 24 * 3600, most)
    }

    fn lateness(&self) -> Result<Option<i64>, UsageError> {
        self.seconds(Key::Lateness, 0, MOST_LATENESS, "1h")
    }

    fn seconds(&self, key: Key, least: i64, most: i64, shown: &str) -> Result<Option<i64>, UsageError> {
        self.read(key, |text| match read_duration(text) {
            Ok(seconds) if (least..=most).contains(&seconds) => Ok(seconds),
            Err(why) if !text.starts_with('-') => Err(why.to_owned()),
            _ => Err(format!("must be from {least}s to {shown}")),
        })
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
    // Help and version come first, even if another argument is wrong.
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

/// The command of `--help`, `--version`, or of a group of letters like `-qh`.
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

/// Reads the arguments. `Some` if one of them is for help or version.
fn read_arguments(arguments: &[OsString], typed: &mut Typed) -> Result<Option<Command>, UsageError> {
    let wrong = |error: lexopt::Error| UsageError(client_names::shown(error.to_string().as_bytes()));
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
        let Some(line) = line else {
            let nearest = match &argument {
                lexopt::Arg::Long(name) => options::nearest(name),
                _ => None,
            };
            let UsageError(mut text) = wrong(argument.unexpected());
            if let Some(name) = nearest {
                text += &["; did you mean --", name, "?"].concat();
            }
            return Err(UsageError(text));
        };
        match line.key {
            Key::Help => return Ok(Some(Command::Help)),
            Key::Version => return Ok(Some(Command::Version)),
            Key::Quiet => typed.is_quiet = true,
            key => {
                let value = parser.value().map_err(|_| needs_a_value(line))?;
                if key == Key::Threshold && value.as_encoded_bytes().contains(&b':') {
                    // The last of -r and -t RATE:RECOVERY wins.
                    typed.values[Key::RecoveryThreshold as usize] = None;
                }
                typed.values[key as usize] = Some(value);
            }
        }
    }
    Ok(None)
}

fn needs_a_value(line: &OptionLine) -> UsageError {
    let value = line.value.unwrap_or_default();
    UsageError(format!("--{}: needs a value: --{} {value}", line.long, line.long))
}

/// What was typed -> what it means.
fn resolve(typed: &Typed) -> Result<Options, UsageError> {
    let missing = || UsageError("an option has no default in the table".to_owned());
    let layout = LayoutOptions {
        columns: typed.read(Key::Columns, ColumnList::parse)?,
        delimiter: typed.read(Key::Delimiter, |text| match text {
            "tab" | "\t" => Ok(b'\t'),
            "space" | " " => Ok(BLANKS),
            "," | ";" | "|" => Ok(text.as_bytes()[0]),
            _ => Err("must be one of , ; | tab space"),
        })?,
        time_format: typed.read(Key::TimeFormat, |text| {
            TimeFormat::new(text).map_err(|why| format!("{why}; use one like %Y-%m-%d %H:%M:%S"))
        })?,
        zone: typed
            .read(Key::Zone, |text| {
                Zone::named(text).map_err(|why| format!("{why}; use UTC, local or a name like Europe/Berlin"))
            })?
            .unwrap_or_else(Zone::utc),
    };
    let run = time::Settings {
        limits: Limits {
            of: [
                typed.limit(Key::Threshold, Kind::HighTraffic)?,
                typed.limit(Key::LowThreshold, Kind::LowTraffic)?,
                typed.limit(Key::ErrorThreshold, Kind::HighErrors)?,
                typed.limit(Key::SlowThreshold, Kind::SlowRequests)?,
            ],
            min_count: typed.number(Key::MinCount, 1, 1_000_000_000)?.ok_or_else(missing)?,
            window: typed.duration(Key::Window, 1, (7, "7d"))?.ok_or_else(missing)?,
        },
        interval: typed.duration(Key::Interval, 1, (366, "366d"))?.ok_or_else(missing)?,
        lateness: typed.lateness()?.ok_or_else(missing)?,
        idle_timeout: typed.duration(Key::IdleTimeout, 0, (366, "366d"))?.ok_or_else(missing)?,
        slow: typed
            .read(Key::Slow, |text| {
                text.parse::<Decimal>().map_err(|why| format!("{why}; use seconds like 1 or 0.5"))
            })?
            .ok_or_else(missing)?
            .as_nanoseconds(),
    };
    if typed.value(Key::RejectsMax).is_some() && typed.value(Key::Rejects).is_none() {
        return Err(UsageError("--rejects-max: needs --rejects FILE".to_owned()));
    }
    let top = typed.number(Key::Top, 0, u64::MAX)?.ok_or_else(missing)?;
    let name = typed.value(Key::Source).map_or_else(|| OsString::from("stdin"), OsStr::to_owned);
    Ok(Options {
        settings: Settings { layout, run, top: usize::try_from(top).unwrap_or(usize::MAX) },
        source: name.into_vec(),
        rejects: typed.value(Key::Rejects).map(PathBuf::from),
        rejects_max: typed.size(Key::RejectsMax)?,
        is_quiet: typed.is_quiet,
    })
}
