//! Guesses what an input is if nothing in it could be read.

use crate::read::columns::Width;
use crate::read::record::is_blank;
use crate::read::request::Malformed;

/// What the first line that couldn't be read says about the input, and so
/// about what to type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hint {
    /// It is compressed.
    Compressed(Compression),
    /// It is UTF-16.
    Utf16,
    /// Its lines are JSON objects.
    Json,
    /// Its lines end in CR alone.
    LoneCr,
    /// The line is one that tells a spreadsheet its delimiter.
    SpreadsheetLine,
    /// A value with the delimiter in it isn't quoted.
    UnquotedDelimiter,
    /// `--columns` says what each column holds.
    Columns,
    /// `--columns time=NAME` says which column is the time.
    TimeName,
    /// The header has to be read first: nothing else says which column is which.
    Header,
    /// How a time can be written.
    Times,
    /// The same, and that it is looked for in the fourth column.
    TimesInFourth,
    /// The `--time-format` that was given is another.
    TimeFormat,
}

impl Hint {
    /// Whether the input is another kind of file.
    #[must_use]
    pub fn is_foreign(self) -> bool {
        matches!(self, Hint::Compressed(_) | Hint::Utf16 | Hint::Json | Hint::LoneCr)
    }
}

/// How an input is compressed.
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

/// How the columns were given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    /// They weren't.
    Nothing,
    /// By the names in the header.
    Names,
    /// By their positions.
    Positions,
}

/// What the start of an input is, if it is no text of lines of fields.
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

/// A byte order mark, or a NUL beside nearly each byte.
fn is_utf16(text: &[u8]) -> bool {
    const LOOKED_AT: usize = 200;
    let start = &text[..text.len().min(LOOKED_AT)];
    let nuls = memchr::memchr_iter(0, start).count();
    text.starts_with(b"\xFF\xFE")
        || text.starts_with(b"\xFE\xFF")
        || (start.len() >= 8 && nuls * 5 > start.len() * 2)
}

/// Whether a line starts with a date and a blank, like those of W3C logs, whose
/// header comes once and names the columns.
fn starts_with_date(text: &[u8]) -> bool {
    text.first_chunk::<11>().is_some_and(|start| {
        start.iter().zip(b"0000-00-00 ").all(|(byte, form)| match form {
            b'0' => byte.is_ascii_digit(),
            b' ' => is_blank(*byte),
            _ => byte == form,
        })
    })
}

/// What a line most likely is that can't be read for this problem; `is_assumed`
/// if the columns are only assumed to be the usual seven.
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
            if is_assumed && starts_with_date(text) =>
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
