//! JSON text → its tokens, by the grammar of RFC 8259: what every reader of it is made of.

use super::number::Number;
use super::tape::hex;
use crate::code::Code;

/// The bytes that end a run of plain characters in a string.
const STOPS: [bool; 256] = {
    let mut stops = [false; 256];
    let mut control = 0;
    while control < 0x20 {
        stops[control] = true;
        control += 1;
    }
    stops[b'"' as usize] = true;
    stops[b'\\' as usize] = true;
    stops
};

/// One in every byte.
const ONES: u64 = 0x0101_0101_0101_0101;
/// The high bit of every byte.
const HIGHS: u64 = 0x8080_8080_8080_8080;

/// Which of eight bytes end a run of plain characters: the lowest high bit that is set is that of the first. Those
/// above it may be wrong, as what is subtracted borrows upwards.
const fn stops(word: u64) -> u64 {
    let quote = word ^ (ONES * b'"' as u64);
    let backslash = word ^ (ONES * b'\\' as u64);
    let control = word.wrapping_sub(ONES * 0x20) & !word;
    let zeros = (quote.wrapping_sub(ONES) & !quote) | (backslash.wrapping_sub(ONES) & !backslash);
    (zeros | control) & HIGHS
}

/// Where a token stands.
#[derive(Clone, Copy)]
pub(crate) struct Span {
    pub(crate) start: usize,
    pub(crate) end: usize,
}

/// A string as it stands, without its quotes.
#[derive(Clone, Copy)]
pub(crate) struct Quoted {
    pub(crate) span: Span,
    /// Whether it holds a backslash escape.
    pub(crate) escaped: bool,
}

/// A text, and how far it has been read. After an error it stands where that was noticed.
pub(crate) struct Scanner<'a> {
    pub(crate) text: &'a str,
    bytes: &'a [u8],
    pub(crate) at: usize,
}

impl<'a> Scanner<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Scanner {
            text,
            bytes: text.as_bytes(),
            at: 0,
        }
    }

    /// The next byte; at the end a zero, which no token begins with.
    #[inline]
    pub(crate) fn peek(&self) -> u8 {
        self.bytes.get(self.at).copied().unwrap_or(0)
    }

    /// The characters of a span that was read.
    #[inline]
    pub(crate) fn slice(&self, span: Span) -> &'a str {
        &self.text[span.start..span.end]
    }

    pub(crate) fn is_at_end(&self) -> bool {
        self.at >= self.bytes.len()
    }

    #[inline]
    pub(crate) fn skip_space(&mut self) {
        while let b' ' | b'\t' | b'\n' | b'\r' = self.peek() {
            self.at += 1;
        }
    }

    /// `true`, `false` or `null`.
    #[inline]
    pub(crate) fn word(&mut self, word: &str) -> Result<Span, Code> {
        if !self.bytes[self.at..].starts_with(word.as_bytes()) {
            return Err(Code::MalformedJson);
        }
        let start = self.at;
        self.at += word.len();
        Ok(Span { start, end: self.at })
    }

    #[inline]
    fn digits(&mut self) -> Result<(), Code> {
        let start = self.at;
        while self.peek().is_ascii_digit() {
            self.at += 1;
        }
        if self.at == start {
            Err(Code::MalformedJson)
        } else {
            Ok(())
        }
    }

    /// A number that something holds.
    #[inline]
    pub(crate) fn number(&mut self) -> Result<Span, Code> {
        let start = self.at;
        let (mut fraction, mut exponent) = (false, false);
        if self.peek() == b'-' {
            self.at += 1;
        }
        if self.peek() == b'0' {
            self.at += 1;
        } else {
            self.digits()?;
        }
        if self.peek() == b'.' {
            self.at += 1;
            fraction = true;
            self.digits()?;
        }
        if let b'e' | b'E' = self.peek() {
            self.at += 1;
            exponent = true;
            if let b'+' | b'-' = self.peek() {
                self.at += 1;
            }
            self.digits()?;
        }
        let span = Span { start, end: self.at };
        // Short integers fit i64, and what is not too long and has no exponent fits f64.
        let short = !exponent && self.at - start <= if fraction { 300 } else { 18 };
        if !short && Number::of_literal(self.slice(span)).is_none() {
            self.at = start;
            return Err(Code::NumberOutOfRange);
        }
        Ok(span)
    }

    /// The end of the plain characters from here on.
    #[inline]
    fn plain(&self) -> usize {
        let mut at = self.at;
        while let Some(word) = self.bytes[at..].first_chunk() {
            let stops = stops(u64::from_le_bytes(*word));
            if stops != 0 {
                return at + stops.trailing_zeros() as usize / 8;
            }
            at += word.len();
        }
        let rest = &self.bytes[at..];
        let plain = rest.iter().position(|byte| STOPS[usize::from(*byte)]);
        at + plain.unwrap_or(rest.len())
    }

    /// A string, from its first quote on.
    #[inline]
    pub(crate) fn string(&mut self) -> Result<Quoted, Code> {
        let start = self.at + 1;
        let mut escaped = false;
        self.at = start;
        loop {
            self.at = self.plain();
            match self.peek() {
                b'"' => break,
                b'\\' => {
                    escaped = true;
                    self.escape()?;
                }
                _ => return Err(Code::MalformedJson),
            }
        }
        let span = Span { start, end: self.at };
        self.at += 1;
        Ok(Quoted { span, escaped })
    }

    fn escape(&mut self) -> Result<(), Code> {
        match self.bytes.get(self.at + 1) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => self.at += 2,
            Some(b'u') => match self.unit(self.at)? {
                0 => return Err(Code::NulCharacter),
                0xdc00..=0xdfff => return Err(Code::InvalidUnicode),
                0xd800..=0xdbff => {
                    let paired = self.bytes.get(self.at + 6..self.at + 8) == Some(b"\\u".as_slice())
                        && matches!(self.unit(self.at + 6)?, 0xdc00..=0xdfff);
                    if !paired {
                        return Err(Code::InvalidUnicode);
                    }
                    self.at += 12;
                }
                _ => self.at += 6,
            },
            _ => return Err(Code::MalformedJson),
        }
        Ok(())
    }

    /// The code unit of the `\uXXXX` that starts at `at`.
    fn unit(&self, at: usize) -> Result<u32, Code> {
        match self.bytes.get(at + 2..at + 6) {
            Some(digits) if digits.iter().all(u8::is_ascii_hexdigit) => Ok(hex(&self.text[at + 2..])),
            _ => Err(Code::MalformedJson),
        }
    }

    /// After a part of a container: true when another follows, false at the end, which is not read yet.
    #[inline]
    pub(crate) fn more(&mut self, end: u8) -> Result<bool, Code> {
        self.skip_space();
        match self.peek() {
            b',' => {
                self.at += 1;
                self.skip_space();
                Ok(true)
            }
            byte if byte == end => Ok(false),
            _ => Err(Code::MalformedJson),
        }
    }

    /// What stands between a key and its value.
    #[inline]
    pub(crate) fn colon(&mut self) -> Result<(), Code> {
        self.skip_space();
        if self.peek() != b':' {
            return Err(Code::MalformedJson);
        }
        self.at += 1;
        self.skip_space();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn eight_bytes_at_once_stop_where_one_by_one_does(text in "[ -~\"\\\\\\x00-\\x20\u{7f}-\u{10ffff}]{0,40}") {
            let one_by_one = text.bytes().position(|byte| STOPS[usize::from(byte)]);
            prop_assert_eq!(Scanner::new(&text).plain(), one_by_one.unwrap_or(text.len()));
        }
    }
}
