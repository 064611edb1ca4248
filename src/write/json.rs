//! A JSON serializer for the types in events. Its output is that of
//! `serde_json`.
//!
//! It exists for speed: `serde_json` checks each byte of each key for
//! characters to escape. The keys of a struct are field names and never need
//! escaping, so this serializer copies them. On a log with few requests per
//! window this saves a tenth of the program's instructions (callgrind, before
//! later changes). `serde_json` still writes numbers, and text that must be
//! escaped.

use std::fmt::Display;

use serde::Serialize;
use serde::ser::{Impossible, SerializeMap, SerializeSeq, SerializeStruct, Serializer};
use serde_json::{Error, Result};

use crate::bits::{below, matches};

/// Appends `value` to `out`.
pub(crate) fn append(out: &mut Vec<u8>, value: &impl Serialize) -> Result<()> {
    value.serialize(Json(out))
}

struct Json<'o>(&'o mut Vec<u8>);

/// The inside of an array or object: writes the commas between its parts.
struct Parts<'o> {
    out: &'o mut Vec<u8>,
    is_first: bool,
    end: &'static [u8],
}

impl<'o> Parts<'o> {
    fn new(Json(out): Json<'o>, start: u8, end: &'static [u8]) -> Parts<'o> {
        out.push(start);
        Parts { out, is_first: true, end }
    }

    #[inline]
    fn separate(&mut self) {
        if !self.is_first {
            self.out.push(b',');
        }
        self.is_first = false;
    }

    fn close(self) {
        self.out.extend_from_slice(self.end);
    }
}

/// Whether `text` needs no escaping in JSON.
fn is_plain(text: &[u8]) -> bool {
    let odd = |word: u64| below(word, b' ') | matches(word, b'"') | matches(word, b'\\');
    match text.last_chunk::<8>() {
        Some(last) => {
            let words = text.chunks_exact(8).map(|bytes| bytes.try_into().map_or(0, u64::from_le_bytes));
            words.chain([u64::from_le_bytes(*last)]).all(|word| odd(word) == 0)
        }
        None => text.iter().all(|byte| !matches!(byte, ..b' ' | b'"' | b'\\')),
    }
}

fn append_text(out: &mut Vec<u8>, text: &str) -> Result<()> {
    if !is_plain(text.as_bytes()) {
        return serde_json::to_writer(out, text);
    }
    out.reserve(text.len() + 2);
    out.push(b'"');
    out.extend_from_slice(text.as_bytes());
    out.push(b'"');
    Ok(())
}

/// Methods that leave the value to `serde_json`.
macro_rules! by_serde_json {
    ($($method:ident: $type:ty),*) => {
        $(fn $method(self, value: $type) -> Result<()> {
            serde_json::to_writer(self.0, &value)
        })*
    };
}

/// Methods for types that no event contains.
macro_rules! unsupported {
    ($($method:ident($($type:ty),*) -> $result:ty;)*) => {
        $(fn $method(self, $(_: $type),*) -> Result<$result> {
            Err(serde::ser::Error::custom("no event has this"))
        })*
    };
}

impl<'o> Serializer for Json<'o> {
    type Ok = ();
    type Error = Error;
    type SerializeSeq = Parts<'o>;
    type SerializeMap = Parts<'o>;
    type SerializeStruct = Parts<'o>;
    type SerializeTuple = Impossible<(), Error>;
    type SerializeTupleStruct = Impossible<(), Error>;
    type SerializeTupleVariant = Impossible<(), Error>;
    type SerializeStructVariant = Impossible<(), Error>;

    by_serde_json!(serialize_bool: bool, serialize_char: char, serialize_f32: f32, serialize_f64: f64);
    by_serde_json!(serialize_i8: i8, serialize_i16: i16, serialize_i32: i32, serialize_i64: i64);
    by_serde_json!(serialize_u8: u8, serialize_u16: u16, serialize_u32: u32, serialize_u64: u64);

    fn serialize_str(self, text: &str) -> Result<()> {
        append_text(self.0, text)
    }

    fn collect_str<T: Display + ?Sized>(self, value: &T) -> Result<()> {
        serde_json::Serializer::new(self.0).collect_str(value)
    }

    fn serialize_none(self) -> Result<()> {
        self.0.extend_from_slice(b"null");
        Ok(())
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<()> {
        value.serialize(self)
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Parts<'o>> {
        Ok(Parts::new(self, b'[', b"]"))
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Parts<'o>> {
        Ok(Parts::new(self, b'{', b"}"))
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Parts<'o>> {
        Ok(Parts::new(self, b'{', b"}"))
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> Result<()> {
        value.serialize(self)
    }

    unsupported! {
        serialize_bytes(&[u8]) -> ();
        serialize_unit() -> ();
        serialize_unit_struct(&'static str) -> ();
        serialize_unit_variant(&'static str, u32, &'static str) -> ();
        serialize_tuple(usize) -> Self::SerializeTuple;
        serialize_tuple_struct(&'static str, usize) -> Self::SerializeTupleStruct;
        serialize_tuple_variant(&'static str, u32, &'static str, usize) -> Self::SerializeTupleVariant;
        serialize_struct_variant(&'static str, u32, &'static str, usize) -> Self::SerializeStructVariant;
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Result<()> {
        Err(serde::ser::Error::custom("no event has this"))
    }
}

impl SerializeSeq for Parts<'_> {
    type Ok = ();
    type Error = Error;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
        self.separate();
        value.serialize(Json(self.out))
    }

    fn end(self) -> Result<()> {
        self.close();
        Ok(())
    }
}

impl SerializeMap for Parts<'_> {
    type Ok = ();
    type Error = Error;

    /// A key is text, or a number, which gets quotes. No event has other keys.
    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<()> {
        self.separate();
        let start = self.out.len();
        key.serialize(Json(self.out))?;
        if self.out.get(start) != Some(&b'"') {
            self.out.insert(start, b'"');
            self.out.push(b'"');
        }
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
        self.out.push(b':');
        value.serialize(Json(self.out))
    }

    fn end(self) -> Result<()> {
        self.close();
        Ok(())
    }
}

impl SerializeStruct for Parts<'_> {
    type Ok = ();
    type Error = Error;

    /// Inlined, so that the key's length is a constant and copying it takes a
    /// few words.
    #[inline(always)]
    fn serialize_field<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) -> Result<()> {
        const LONGEST: usize = 32;
        let mut quoted = [b'"'; LONGEST];
        quoted[0] = b',';
        let start = usize::from(std::mem::take(&mut self.is_first));
        match quoted.get_mut(2..key.len() + 2) {
            Some(room) if key.len() + 4 <= LONGEST => {
                room.copy_from_slice(key.as_bytes());
                quoted[key.len() + 3] = b':';
                self.out.extend_from_slice(&quoted[start..key.len() + 4]);
            }
            _ => return Err(serde::ser::Error::custom("no event has so long a field")),
        }
        value.serialize(Json(self.out))
    }

    fn end(self) -> Result<()> {
        self.close();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[derive(Serialize)]
    struct Inner {
        text: &'static str,
        some: Option<f64>,
        none: Option<u64>,
    }

    #[derive(Serialize)]
    #[serde(tag = "type", rename_all = "lowercase")]
    enum Outer {
        Whole {
            list: Vec<Inner>,
            empty: Vec<Inner>,
            counts: BTreeMap<u16, u64>,
            names: BTreeMap<String, i64>,
            is: bool,
            #[serde(flatten)]
            more: Option<Inner>,
        },
    }

    #[test]
    fn it_is_what_serde_json_writes() {
        let texts =
            ["", "a", "/é\u{FFFD}", "12345678", "a\"b", "\\", "1234567\n8", "12345678\u{1}", "\u{7F}/"];
        let inner = |text| Inner { text, some: Some(0.1), none: None };
        let value = Outer::Whole {
            list: texts.map(inner).into(),
            empty: Vec::new(),
            counts: BTreeMap::from([(200, u64::MAX), (404, 0)]),
            names: texts.map(|text| (text.to_owned(), i64::MIN)).into(),
            is: true,
            more: Some(Inner { text: "more", some: Some(1e300), none: Some(3) }),
        };
        let mut written = Vec::new();
        append(&mut written, &value).expect("events are written");
        assert_eq!(String::from_utf8(written).expect("UTF-8"), serde_json::to_string(&value).expect("JSON"));
    }
}
