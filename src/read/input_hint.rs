//! Hints: guesses what the input is if nothing in it can be read. Recognises
//! gzip, zstd, xz and bzip2 data, UTF-16, JSON, lines that end in CR, and a W3C
//! log without its header. `line_messages` has the texts.

use crate::read::columns::Width;
use crate::read::record::is_blank;
use crate::read::request::Malformed;

/// What the first malformed line shows about the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hint {
    /// The input is compressed.
    Compressed(Compression),
    /// The input is UTF-16.
    Utf16,
    /// The lines are JSON objects.
    Json,
    /// The lines end in CR alone.
    LoneCr,
    /// The line tells a spreadsheet its delimiter (`sep=;`).
    SpreadsheetLine,
    /// A value that contains the delimiter is not quoted.
    UnquotedDelimiter,
    /// Advise `--columns` by position.
    Columns,
    /// Advise `--columns time=NAME`.
    TimeName,
    /// Advise to start with the log's header, which names the columns.
    Header,
    /// Show the known forms of time, and `--time-format`.
    Times,
    /// The same, and say that the time is expected in the fourth column.
    TimesInFourth,
    /// The time doesn't match `--time-format`.
    TimeFormat,
}

impl Hint {
    /// Whether the input is no log of lines and fields.
    #[must_use]
    pub fn is_foreign(self) -> bool {
        matches!(self, Hint::Compressed(_) | Hint::Utf16 | Hint::Json | Hint::LoneCr)
    }
}

/// The compression of an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {
    /// gzip
    Gzip,
    /// Zstandard
    Zstd,
    /// xz
    Xz,
    /// bzip2
    Bzip2,
}

/// How `--columns` was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    /// Not at all.
    Nothing,
    /// By names in the header.
    Names,
    /// By their positions.
    Positions,
}

/// Recognises data that is no log of lines and fields, by its start.
pub(crate) fn foreign_format(text: &[u8]) -> Option<Hint> {
    const SIGNATURES: [(&[u8], Compression); 4] = [
        (b"\x1F\x8B", Compression::Gzip),
        (b"\x28\xB5\x2F\xFD", Compression::Zstd),
        (b"\xFD7zXZ\0", Compression::Xz),
        (b"BZh", Compression::Bzip2),
    ];
    for (signature, compression) in SIGNATURES {
        let is_bzip2 = || text.get(4..10) == Some(b"1AY&SY");
        if text.starts_with(signature) && (compression != Compression::Bzip2 || is_bzip2()) {
            return Some(Hint::Compressed(compression));
        }
    }
    if is_utf16(text) {
        return Some(Hint::Utf16);
    }
    if text.first() == Some(&b'{') && memchr::memmem::find(text, b"\":").is_some() {
        return Some(Hint::Json);
    }
    None
}

/// A byte order mark, or many NUL bytes among the first 200 bytes.
fn is_utf16(text: &[u8]) -> bool {
    const LOOKED_AT: usize = 200;
    let start = &text[..text.len().min(LOOKED_AT)];
    let nuls = memchr::memchr_iter(0, start).count();
    text.starts_with(b"\xFF\xFE")
        || text.starts_with(b"\xFE\xFF")
        || (start.len() >= 8 && nuls * 5 > start.len() * 2)
}

/// Whether a line starts with a date, a time and a blank, as in W3C logs. These
/// name their columns in a header at the start of the file only.
fn starts_with_date_and_time(text: &[u8]) -> bool {
    text.first_chunk::<20>().is_some_and(|start| {
        start.iter().zip(b"0000-00-00 00:00:00 ").all(|(byte, form)| match form {
            b'0' => byte.is_ascii_digit(),
            b' ' => is_blank(*byte),
            _ => byte == form,
        })
    })
}

/// The hint for a malformed line. `is_assumed` says that the columns are only
/// assumed to be the usual seven.
pub(crate) fn hint(
    text: &[u8],
    problem: &Malformed,
    asked: Asked,
    is_assumed: bool,
    has_time_format: bool,
) -> Option<Hint> {
    if let Some(foreign) = foreign_format(text) {
        return Some(foreign);
    }
    if text.contains(&b'\r') {
        return Some(Hint::LoneCr);
    }
    if text.get(..4).is_some_and(|start| start.eq_ignore_ascii_case(b"sep=")) {
        return Some(Hint::SpreadsheetLine);
    }
    match problem {
        Malformed::Time(_) | Malformed::Fields { .. } | Malformed::Status(_) | Malformed::Bytes(_)
            if is_assumed && !has_time_format && starts_with_date_and_time(text) =>
        {
            Some(Hint::Header)
        }
        Malformed::NoTime(_) if asked == Asked::Nothing => Some(Hint::TimeName),
        Malformed::UnknownColumns if asked == Asked::Names => Some(Hint::Header),
        Malformed::UnknownColumns => Some(Hint::TimeName),
        Malformed::Fields { found, wanted } => match wanted {
            Width::Exactly(wanted) if found > wanted => Some(Hint::UnquotedDelimiter),
            _ if is_assumed => Some(Hint::Columns),
            _ => None,
        },
        Malformed::Status(_) | Malformed::Bytes(_) if is_assumed => Some(Hint::Columns),
        Malformed::Time(_) if has_time_format => Some(Hint::TimeFormat),
        Malformed::Time(_) if is_assumed => Some(Hint::TimesInFourth),
        Malformed::Time(_) => Some(Hint::Times),
        _ => None,
    }
}
