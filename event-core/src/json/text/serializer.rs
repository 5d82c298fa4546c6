//! What serde hands over, part by part, as text.

use std::fmt::{Display, Write as _};

use serde::ser::{self, Error as _, Serialize};

use super::{Text, TextError};
use crate::code::Code;
use crate::json::{integer, quote_into, short_decimal};
use crate::limits::Limits;

/// Objects with more keys than this are sorted to find one that comes twice.
const FEW: usize = 16;

/// Text in the making, and how large it has become.
pub(super) struct Writer<'a> {
    out: String,
    limits: &'a Limits,
    depth: usize,
    deepest: usize,
    nodes: usize,
    key_bytes: usize,
    /// Whether the last string holds an escape.
    escaped: bool,
    /// Where the keys of the objects that are open stand, those of the innermost one last.
    keys: Vec<(usize, usize)>,
}

type Done = Result<(), TextError>;

impl<'a> Writer<'a> {
    pub(super) fn new(limits: &'a Limits) -> Self {
        Writer {
            out: String::with_capacity(512),
            limits,
            depth: 0,
            deepest: 0,
            nodes: 0,
            key_bytes: 0,
            escaped: false,
            keys: Vec::new(),
        }
    }

    pub(super) fn finish(self) -> Text {
        Text {
            text: self.out,
            depth: self.deepest,
            nodes: self.nodes,
            key_bytes: self.key_bytes,
        }
    }

    /// Counts one value more.
    #[inline]
    fn node(&mut self) -> Done {
        self.nodes += 1;
        if self.nodes > self.limits.nodes {
            return Err(TextError::new(Code::TooManyNodes, "the data has too many values"));
        }
        Ok(())
    }

    #[inline]
    fn literal(&mut self, text: &str) -> Done {
        self.node()?;
        self.out.push_str(text);
        Ok(())
    }

    #[inline]
    fn string(&mut self, text: &str) -> Done {
        // U+0000 needs an escape, as other characters do.
        self.escaped = quote_into(&mut self.out, text);
        if self.escaped && memchr::memchr(0, text.as_bytes()).is_some() {
            let message = "a string holds U+0000, which not every database can store";
            return Err(TextError::new(Code::NulCharacter, message));
        }
        Ok(())
    }

    #[inline]
    fn integer(&mut self, value: impl TryInto<i64>) -> Done {
        let Ok(value) = value.try_into() else {
            return Err(TextError::new(
                Code::NumberOutOfRange,
                "a number is beyond 64-bit integers",
            ));
        };
        self.node()?;
        integer(value, &mut self.out);
        Ok(())
    }

    fn float(&mut self, float: f64, text: impl Display) -> Done {
        if !float.is_finite() {
            return Err(TextError::new(Code::NonFiniteNumber, "JSON has no NaN and no infinity"));
        }
        self.node()?;
        // Writing to a string cannot fail.
        let _ = write!(self.out, "{text}");
        Ok(())
    }

    #[inline]
    fn open(&mut self, bracket: char) -> Result<(), TextError> {
        self.node()?;
        self.depth += 1;
        self.deepest = self.deepest.max(self.depth);
        if self.depth > self.limits.depth {
            return Err(TextError::new(Code::TooDeep, "the data is nested too deep"));
        }
        self.out.push(bracket);
        Ok(())
    }

    /// Opens a container that stands by itself as a member of an object, as the variants of an enum do.
    fn variant(&mut self, name: &str, bracket: char) -> Done {
        self.open('{')?;
        self.string(name)?;
        self.out.push(':');
        self.open(bracket)
    }

    fn key_at(&self, (start, end): (usize, usize)) -> String {
        serde_json::from_str(&self.out[start..end]).unwrap_or_default()
    }

    /// Notes the key that has just been written.
    #[inline]
    fn key(&mut self, start: usize, base: usize) -> Done {
        let span = (start, self.out.len());
        let written = self.out.as_bytes();
        let text = &written[start..];
        if text.first() != Some(&b'"') {
            return Err(TextError::new(Code::InvalidKey, "the keys of an object are strings"));
        }
        let mut bytes = text.len() - 2;
        if self.escaped {
            bytes = self.key_at(span).len();
        }
        self.key_bytes = self.key_bytes.max(bytes);
        if bytes == 0 || bytes > self.limits.key_bytes {
            return Err(TextError::new(Code::InvalidKey, "a key is empty or too long").below(&self.key_at(span)));
        }
        let others = &self.keys[base..];
        if others.len() < FEW && others.iter().any(|(from, to)| written[*from..*to] == *text) {
            return Err(self.twice(span));
        }
        self.keys.push(span);
        Ok(())
    }

    fn twice(&self, span: (usize, usize)) -> TextError {
        TextError::new(Code::DuplicateKey, "an object holds this key twice").below(&self.key_at(span))
    }

    /// Forgets the keys of the innermost object, of which none may come twice.
    #[inline]
    fn close_keys(&mut self, base: usize) -> Done {
        if self.keys.len() - base > FEW {
            let mut texts: Vec<_> = self.keys[base..].to_vec();
            texts.sort_unstable_by_key(|(start, end)| &self.out[*start..*end]);
            let twice = texts
                .windows(2)
                .find(|two| self.out[two[0].0..two[0].1] == self.out[two[1].0..two[1].1]);
            if let Some(two) = twice {
                return Err(self.twice(two[0]));
            }
        }
        self.keys.truncate(base);
        Ok(())
    }
}

impl ser::Error for TextError {
    fn custom<T: Display>(message: T) -> Self {
        TextError::new(Code::MalformedJson, message.to_string())
    }
}

/// A container whose parts come one by one.
pub(super) struct Container<'w, 'a> {
    writer: &'w mut Writer<'a>,
    count: usize,
    /// Where its own keys begin.
    base: usize,
    end: &'static str,
    /// How many levels end with it.
    levels: usize,
}

impl<'w, 'a> Container<'w, 'a> {
    #[inline]
    fn new(writer: &'w mut Writer<'a>, end: &'static str) -> Self {
        let base = writer.keys.len();
        Container {
            writer,
            count: 0,
            base,
            end,
            levels: end.len(),
        }
    }

    #[inline]
    fn comma(&mut self) {
        if self.count > 0 {
            self.writer.out.push(',');
        }
        self.count += 1;
    }

    #[inline]
    fn push<T: Serialize + ?Sized>(&mut self, value: &T) -> Done {
        self.comma();
        value
            .serialize(&mut *self.writer)
            .map_err(|error| error.below(&(self.count - 1).to_string()))
    }

    #[inline]
    fn member<T: Serialize + ?Sized>(&mut self, value: &T) -> Done {
        self.writer.out.push(':');
        value.serialize(&mut *self.writer).map_err(|error| {
            let span = self.writer.keys.get(self.base + self.count - 1);
            error.below(&span.map(|span| self.writer.key_at(*span)).unwrap_or_default())
        })
    }

    fn named<T: Serialize + ?Sized>(&mut self, key: &str, value: &T) -> Done {
        self.comma();
        let start = self.writer.out.len();
        self.writer.string(key)?;
        self.writer.key(start, self.base)?;
        self.member(value)
    }

    #[inline]
    fn close(self) -> Done {
        self.writer.close_keys(self.base)?;
        self.writer.out.push_str(self.end);
        self.writer.depth -= self.levels;
        Ok(())
    }
}

macro_rules! integers {
    ($($name:ident: $source:ty),+) => {
        $(#[inline]
        fn $name(self, value: $source) -> Done {
            self.integer(value)
        })+
    };
}

impl<'w, 'a> ser::Serializer for &'w mut Writer<'a> {
    type Ok = ();
    type Error = TextError;
    type SerializeSeq = Container<'w, 'a>;
    type SerializeTuple = Container<'w, 'a>;
    type SerializeTupleStruct = Container<'w, 'a>;
    type SerializeTupleVariant = Container<'w, 'a>;
    type SerializeMap = Container<'w, 'a>;
    type SerializeStruct = Container<'w, 'a>;
    type SerializeStructVariant = Container<'w, 'a>;

    integers!(
        serialize_i8: i8, serialize_i16: i16, serialize_i32: i32, serialize_i128: i128,
        serialize_u8: u8, serialize_u16: u16, serialize_u32: u32, serialize_u64: u64, serialize_u128: u128
    );

    #[inline]
    fn serialize_i64(self, value: i64) -> Done {
        self.integer(value)
    }

    fn serialize_bool(self, value: bool) -> Done {
        self.literal(if value { "true" } else { "false" })
    }

    fn serialize_f32(self, value: f32) -> Done {
        // As `f64` it would be written with digits that nobody meant.
        self.float(value.into(), format_args!("{value:?}"))
    }

    fn serialize_f64(self, value: f64) -> Done {
        if short_decimal(value, &mut self.out) {
            return self.node();
        }
        match serde_json::Number::from_f64(value) {
            Some(number) => self.float(value, number),
            None => self.float(value, value),
        }
    }

    fn serialize_char(self, value: char) -> Done {
        self.serialize_str(value.encode_utf8(&mut [0; 4]))
    }

    #[inline]
    fn serialize_str(self, value: &str) -> Done {
        self.node()?;
        self.string(value)
    }

    fn serialize_bytes(self, _: &[u8]) -> Done {
        Err(TextError::custom("JSON has no bytes: send text, say base64"))
    }

    fn serialize_none(self) -> Done {
        self.literal("null")
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Done {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Done {
        self.literal("null")
    }

    fn serialize_unit_struct(self, _: &'static str) -> Done {
        self.literal("null")
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Done {
        self.serialize_str(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> Done {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Done {
        self.open('{')?;
        let mut container = Container::new(self, "}");
        container.named(variant, value)?;
        container.close()
    }

    #[inline]
    fn serialize_seq(self, _: Option<usize>) -> Result<Container<'w, 'a>, TextError> {
        self.open('[')?;
        Ok(Container::new(self, "]"))
    }

    fn serialize_tuple(self, _: usize) -> Result<Container<'w, 'a>, TextError> {
        self.serialize_seq(None)
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Container<'w, 'a>, TextError> {
        self.serialize_seq(None)
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Container<'w, 'a>, TextError> {
        self.variant(variant, '[')?;
        Ok(Container::new(self, "]}"))
    }

    #[inline]
    fn serialize_map(self, _: Option<usize>) -> Result<Container<'w, 'a>, TextError> {
        self.open('{')?;
        Ok(Container::new(self, "}"))
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Container<'w, 'a>, TextError> {
        self.serialize_map(None)
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Container<'w, 'a>, TextError> {
        self.variant(variant, '{')?;
        Ok(Container::new(self, "}}"))
    }
}

macro_rules! elements {
    ($($role:ident::$push:ident),+) => {
        $(impl ser::$role for Container<'_, '_> {
            type Ok = ();
            type Error = TextError;

            fn $push<T: Serialize + ?Sized>(&mut self, value: &T) -> Done {
                self.push(value)
            }

            fn end(self) -> Done {
                self.close()
            }
        })+
    };
}

elements!(
    SerializeSeq::serialize_element,
    SerializeTuple::serialize_element,
    SerializeTupleStruct::serialize_field,
    SerializeTupleVariant::serialize_field
);

macro_rules! members {
    ($($role:ident),+) => {
        $(impl ser::$role for Container<'_, '_> {
            type Ok = ();
            type Error = TextError;

            fn serialize_field<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) -> Done {
                self.named(key, value)
            }

            fn end(self) -> Done {
                self.close()
            }
        })+
    };
}

members!(SerializeStruct, SerializeStructVariant);

impl ser::SerializeMap for Container<'_, '_> {
    type Ok = ();
    type Error = TextError;

    #[inline]
    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Done {
        self.comma();
        let (start, nodes) = (self.writer.out.len(), self.writer.nodes);
        // One value too many is for the value to tell.
        self.writer.nodes = 0;
        key.serialize(&mut *self.writer)?;
        self.writer.nodes = nodes;
        self.writer.key(start, self.base)
    }

    #[inline]
    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Done {
        self.member(value)
    }

    fn end(self) -> Done {
        self.close()
    }
}
