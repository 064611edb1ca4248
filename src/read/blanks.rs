//! A line separated by blanks -> fields: the default log of nginx and Apache
//! (`combined`), and W3C logs. Handles a virtual host before the client, and
//! user names with blanks in them.
//!
//! A field is the text between two blanks, or `"…"` or `[…]`. In quotes, a
//! backslash escapes the next byte and is dropped.

use crate::read::record::{Record, UnclosedQuote, find, is_blank};

/// How the fields before the time are split.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// Each field by itself.
    Fields,
    /// This many fields stand before a time in brackets. Surplus ones belong to
    /// the last of them, the user, because a user name can contain blanks.
    Before(usize),
    /// The same with the usual three fields. A virtual host before them is
    /// dropped.
    Usual,
    /// Each field by itself. A virtual host before the usual fields is dropped.
    UsualFields,
}

/// Splits lines at blanks. Its buffers are reused for each line.
#[derive(Debug, Default)]
pub struct BlankSplitter {
    ranges: Vec<(usize, usize)>,
    /// The fields one after the other, if one of them differs from the text in
    /// the line.
    text: Vec<u8>,
}

impl BlankSplitter {
    /// Splits `line` into fields.
    ///
    /// # Errors
    ///
    /// If the line ends inside quotes.
    pub fn split<'a>(&'a mut self, line: &'a [u8], start: Start) -> Result<Record<'a>, UnclosedQuote> {
        self.ranges.clear();
        let mut at = 0;
        if let (Start::Before(_) | Start::Usual, Some(bracket)) = (start, time_bracket(line)) {
            self.split_start(&line[..bracket], start);
            at = bracket + 1;
        }
        loop {
            let (range, end) = field(line, at)?;
            self.ranges.push(range);
            if end >= line.len() {
                break;
            }
            at = end + 1;
        }
        if start == Start::UsualFields {
            // A time in brackets starts with the day, a digit. A user name like
            // `[u]` does not.
            let is_time = |index: usize| {
                let text = self.ranges.get(index).and_then(|&(start, end)| line.get(start..end));
                matches!(text, Some([b'[', b'0'..=b'9', ..]))
            };
            if is_time(4) && !is_time(3) && !is_dash(line, self.ranges.get(1)) {
                self.ranges.remove(0);
            }
        }
        Ok(self.without_escapes(line))
    }

    /// The text of the last record, if its fields differ from the text in the
    /// line.
    pub(crate) fn unquoted(&self) -> &[u8] {
        &self.text
    }

    /// Removes the backslashes of escapes, and the quotes of a field like
    /// `"a"b`.
    fn without_escapes<'a>(&'a mut self, line: &'a [u8]) -> Record<'a> {
        let is_quoted = |&(start, end): &(usize, usize)| {
            line[..start].last() == Some(&b'"') && line[start..end].contains(&b'\\')
                || line[start..end].first() == Some(&b'"')
        };
        if !self.ranges.iter().any(is_quoted) {
            return Record::new(line, &self.ranges);
        }
        self.text.clear();
        for range in &mut self.ranges {
            let begun = self.text.len();
            let field = &line[range.0..range.1];
            let is_whole = is_quoted(range) && field.first() != Some(&b'"');
            match field {
                [b'"', quoted @ ..] if closing_quote(quoted, 0).is_some() => {
                    let rest = unescape(quoted, &mut self.text);
                    self.text.extend_from_slice(rest);
                }
                _ if is_whole => {
                    unescape(field, &mut self.text);
                }
                _ => self.text.extend_from_slice(field),
            }
            *range = (begun, self.text.len());
        }
        Record::new(&self.text, &self.ranges)
    }

    /// Splits the fields before a time in brackets.
    fn split_start(&mut self, text: &[u8], start: Start) {
        let mut at = 0;
        loop {
            // A user name can be anything: an unclosed quote is part of it.
            let (range, end) = field(text, at).unwrap_or_else(|UnclosedQuote| {
                let end = at + find_blank(&text[at..]);
                ((at, end), end)
            });
            self.ranges.push(range);
            if end >= text.len() {
                break;
            }
            at = end + 1;
        }
        let wanted = match start {
            Start::Fields | Start::UsualFields => return,
            // The ident field is `-` in practice. Where it is, the surplus
            // fields after it belong to the user name.
            Start::Before(wanted) if wanted < 2 || !is_dash(text, self.ranges.get(wanted - 2)) => return,
            Start::Before(wanted) => wanted,
            Start::Usual => {
                if has_virtual_host(text, &self.ranges) {
                    self.ranges.remove(0);
                }
                3
            }
        };
        if wanted > 0 && self.ranges.len() > wanted {
            self.ranges[wanted - 1].1 = text.len();
            self.ranges.truncate(wanted);
        }
    }
}

/// Whether the fields before the time are `vhost host ident user` rather than
/// `host ident user`. The ident field is `-` in practice: if it is the second
/// field, there is no virtual host, only a user name with blanks.
fn has_virtual_host(text: &[u8], fields: &[(usize, usize)]) -> bool {
    let is_ident = |index: usize| is_dash(text, fields.get(index));
    match fields.len() {
        0..=3 => false,
        4 => !is_ident(1),
        _ => !is_ident(1) && is_ident(2),
    }
}

/// Whether a field's value is `-`, also when written `""-` or `"\-"`.
fn is_dash(text: &[u8], field: Option<&(usize, usize)>) -> bool {
    field.is_some_and(|&(start, end)| match &text[start..end] {
        b"-" | b"\"\"-" => true,
        b"\\-" => text[..start].ends_with(b"\""),
        _ => false,
    })
}

/// The index of the blank before the time in brackets. Servers escape quotes in
/// what a client sends, so the first `] "` ends the time and begins the
/// request, whatever the user name is.
fn time_bracket(line: &[u8]) -> Option<usize> {
    let end = memchr::memmem::find(line, b"] \"")?;
    memchr::memmem::rfind(&line[..end], b" [")
}

/// Whether a line looks like the default log of nginx or Apache: a word without
/// delimiters first, later a time in brackets and a quote.
pub(crate) fn starts_like_combined(line: &[u8]) -> bool {
    let word = &line[..line.iter().position(|&byte| byte == b' ').unwrap_or(0)];
    !word.is_empty() && !word.iter().any(|byte| b",;|\t\"".contains(byte)) && time_bracket(line).is_some()
}

/// The range of the field that starts at `at`, and the index of the blank after
/// it.
fn field(line: &[u8], at: usize) -> Result<((usize, usize), usize), UnclosedQuote> {
    match line.get(at) {
        Some(b'"') => {
            let close = closing_quote(line, at + 1).ok_or(UnclosedQuote)?;
            if line.get(close + 1).is_none_or(|&byte| is_blank(byte)) {
                return Ok(((at + 1, close), close + 1));
            }
            // The text after the closing quote belongs to the field.
            let end = close + 1 + find_blank(&line[close + 1..]);
            Ok(((at, end), end))
        }
        Some(b'[') => {
            // Without a closing bracket it is a word.
            let close = at + find(&line[at..], b']');
            let close = if close < line.len() { close } else { at };
            let end = close + find_blank(&line[close..]);
            Ok(((at, end), end))
        }
        _ => {
            let end = at + find_blank(&line[at..]);
            Ok(((at, end), end))
        }
    }
}

/// Appends `quoted` up to its closing quote, without backslashes. Returns what
/// follows the closing quote.
fn unescape<'a>(quoted: &'a [u8], text: &mut Vec<u8>) -> &'a [u8] {
    let mut at = 0;
    while let Some(&byte) = quoted.get(at) {
        match byte {
            b'"' => return &quoted[at + 1..],
            b'\\' if at + 1 < quoted.len() => at += 1,
            _ => {}
        }
        text.push(quoted[at]);
        at += 1;
    }
    b""
}

/// The index of the closing quote at or after `at`.
fn closing_quote(line: &[u8], mut at: usize) -> Option<usize> {
    loop {
        at += memchr::memchr2(b'"', b'\\', line.get(at..)?)?;
        if line[at] == b'"' {
            return Some(at);
        }
        at += 2;
    }
}

fn find_blank(text: &[u8]) -> usize {
    memchr::memchr2(b' ', b'\t', text).unwrap_or(text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(line: &str, start: Start) -> Option<Vec<String>> {
        let mut splitter = BlankSplitter::default();
        let record = splitter.split(line.as_bytes(), start).ok()?;
        Some(record.fields().map(|field| String::from_utf8_lossy(field).into_owned()).collect())
    }

    #[test]
    fn a_blank_or_tab_separates_and_quotes_and_brackets_hold_together() {
        for (line, expected) in [
            ("a b\tc", &["a", "b", "c"][..]),
            ("a  b", &["a", "", "b"]),
            ("a b ", &["a", "b", ""]),
            (r#"a "b c" [d e] f"#, &["a", "b c", "[d e]", "f"]),
            (r#""a \" b" c"#, &[r#"a " b"#, "c"]),
            (r#""a\\" c"#, &[r"a\", "c"]),
            (r#""a\x22" c\x"#, &["ax22", r"c\x"]),
            (r#""a\"b"c d"#, &[r#"a"bc"#, "d"]),
            (r#""a"b c"#, &["ab", "c"]),
            ("[a b", &["[a", "b"]),
            ("[a]b c] d", &["[a]b", "c]", "d"]),
            ("[a", &["[a"]),
            (r#"a"b "c""#, &[r#"a"b"#, "c"]),
            (r#""""#, &[""]),
        ] {
            assert_eq!(fields(line, Start::Fields).expect("closed"), expected, "{line:?}");
        }
        assert_eq!(fields(r#"a "b"#, Start::Fields), None);
        assert_eq!(fields(r#"a "b\"#, Start::Fields), None);
        assert_eq!(fields(r#"a "b\""#, Start::Fields), None);
    }

    #[test]
    fn a_user_has_the_blanks_up_to_the_time() {
        for (user, start) in [("u", ""), ("u v", ""), ("u [v] w", ""), ("u [t] \\\"GET", ""), ("", "")] {
            let line = format!("{start}h - {user} [t z] \"GET / HTTP/1.1\" 200 5");
            let expected = ["h", "-", user, "[t z]", "GET / HTTP/1.1", "200", "5"];
            assert_eq!(fields(&line, Start::Usual).expect("closed"), expected, "{line}");
            let line = format!("v:80 {line}");
            assert_eq!(fields(&line, Start::Usual).expect("closed"), expected, "{line}");
        }
        let line = r#""h - u [t] "GET /" 200"#;
        assert_eq!(
            fields(line, Start::Usual).expect("closed"),
            [r#""h"#, "-", "u", "[t]", "GET /", "200"],
            "a quote left open is a letter"
        );
        let line = "a b - u v [t] \"GET /\" 200";
        assert_eq!(
            fields(line, Start::Before(4)).expect("closed"),
            ["a", "b", "-", "u v", "[t]", "GET /", "200"]
        );
    }

    #[test]
    fn a_virtual_host_stands_before_four_fields() {
        let host = |line: &str| fields(line, Start::Usual).expect("closed")[0].clone();
        assert_eq!(host("v h - u [t] \"GET /\" 200 5"), "h");
        assert_eq!(host("v h ident u [t] \"GET /\" 200 5"), "h");
        assert_eq!(host("h ident u [t] \"GET /\" 200 5"), "h");
        assert_eq!(host("h - u v [t] \"GET /\" 200 5"), "h");
        assert_eq!(host("v h - u v w [t] \"GET /\" 200 5"), "h");
        assert_eq!(host("v h - - [t] \"GET /\" 200 5"), "h");
        // An ident in quotes, escaped or not, is an ident.
        assert_eq!(host(r#"h "-" u v [t] "GET /" 200 5"#), "h");
        assert_eq!(host(r#"h "\-" u v [t] "GET /" 200 5"#), "h");
        assert_eq!(host(r#"v \- u w [t] "GET /" 200 5"#), r"\-");
    }
}
