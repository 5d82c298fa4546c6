//! JSON that a tool of ours wrote, as values: this crate depends on no other, and such texts are well formed.

use std::collections::BTreeMap;

/// A value.
#[derive(Debug, Default, PartialEq)]
pub(crate) enum Json {
    #[default]
    Null,
    Bool(bool),
    /// As it is written: numbers are names here.
    Number(String),
    Text(String),
    List(Vec<Json>),
    Map(BTreeMap<String, Json>),
}

/// What is not there is nothing.
static NOTHING: Json = Json::Null;

impl Json {
    /// Reads a text.
    ///
    /// # Errors
    ///
    /// With the byte at which it is not what was expected.
    pub(crate) fn read(text: &str) -> Result<Self, String> {
        let mut reader = Reader { text, at: 0 };
        let value = reader.value()?;
        reader.space();
        match reader.at == text.len() {
            true => Ok(value),
            false => Err(reader.wrong()),
        }
    }

    /// The value of a name; nothing where there is none.
    pub(crate) fn get(&self, name: &str) -> &Json {
        match self {
            Json::Map(members) => members.get(name).unwrap_or(&NOTHING),
            _ => &NOTHING,
        }
    }

    /// The values of a list; none of anything else.
    pub(crate) fn list(&self) -> &[Json] {
        match self {
            Json::List(values) => values,
            _ => &[],
        }
    }

    /// The members of a map; none of anything else.
    pub(crate) fn members(&self) -> impl Iterator<Item = (&str, &Json)> {
        let map = match self {
            Json::Map(members) => Some(members),
            _ => None,
        };
        map.into_iter().flatten().map(|(name, value)| (name.as_str(), value))
    }

    /// The name and the value of a map that has one: how a choice is written.
    pub(crate) fn choice(&self) -> (&str, &Json) {
        match self {
            Json::Text(name) => (name, &NOTHING),
            _ => self.members().next().unwrap_or(("", &NOTHING)),
        }
    }

    /// A text or a number; nothing for anything else.
    pub(crate) fn text(&self) -> &str {
        match self {
            Json::Text(text) | Json::Number(text) => text,
            _ => "",
        }
    }

    pub(crate) fn is_true(&self) -> bool {
        *self == Json::Bool(true)
    }

    pub(crate) fn is_null(&self) -> bool {
        *self == Json::Null
    }
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl Reader<'_> {
    fn wrong(&self) -> String {
        format!("this is not JSON at byte {}", self.at)
    }

    fn peek(&self) -> u8 {
        self.text.as_bytes().get(self.at).copied().unwrap_or_default()
    }

    fn space(&mut self) {
        while let b' ' | b'\n' | b'\r' | b'\t' = self.peek() {
            self.at += 1;
        }
    }

    /// The next character that is no space, if it is this one.
    fn takes(&mut self, byte: u8) -> bool {
        self.space();
        let takes = self.peek() == byte;
        self.at += usize::from(takes);
        takes
    }

    fn value(&mut self) -> Result<Json, String> {
        self.space();
        match self.peek() {
            b'{' => self.map(),
            b'[' => self.items(),
            b'"' => self.string().map(Json::Text),
            _ => self.word(),
        }
    }

    fn word(&mut self) -> Result<Json, String> {
        let rest = &self.text[self.at..];
        let ends = |letter: char| !letter.is_ascii_alphanumeric() && !matches!(letter, '+' | '-' | '.');
        let word = &rest[..rest.find(ends).unwrap_or(rest.len())];
        let value = match word {
            "null" => Json::Null,
            "true" => Json::Bool(true),
            "false" => Json::Bool(false),
            _ if word.starts_with(|first: char| first == '-' || first.is_ascii_digit()) => {
                Json::Number(word.to_owned())
            }
            _ => return Err(self.wrong()),
        };
        self.at += word.len();
        Ok(value)
    }

    fn items(&mut self) -> Result<Json, String> {
        self.at += 1;
        let mut values = Vec::new();
        if self.takes(b']') {
            return Ok(Json::List(values));
        }
        loop {
            values.push(self.value()?);
            if self.takes(b']') {
                return Ok(Json::List(values));
            }
            if !self.takes(b',') {
                return Err(self.wrong());
            }
        }
    }

    fn map(&mut self) -> Result<Json, String> {
        self.at += 1;
        let mut members = BTreeMap::new();
        if self.takes(b'}') {
            return Ok(Json::Map(members));
        }
        loop {
            self.space();
            let name = self.string()?;
            if !self.takes(b':') {
                return Err(self.wrong());
            }
            members.insert(name, self.value()?);
            if self.takes(b'}') {
                return Ok(Json::Map(members));
            }
            if !self.takes(b',') {
                return Err(self.wrong());
            }
        }
    }

    fn string(&mut self) -> Result<String, String> {
        if !self.takes(b'"') {
            return Err(self.wrong());
        }
        let mut string = String::new();
        loop {
            let rest = &self.text[self.at..];
            let end = rest.find(['"', '\\']).ok_or_else(|| self.wrong())?;
            string.push_str(&rest[..end]);
            self.at += end + 1;
            if rest[end..].starts_with('"') {
                return Ok(string);
            }
            string.push(self.escaped()?);
        }
    }

    /// What stands behind a backslash. Half of a character, which Rust cannot hold, becomes a question mark.
    fn escaped(&mut self) -> Result<char, String> {
        let letter = self.peek();
        self.at += 1;
        Ok(match letter {
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'"' | b'\\' | b'/' => char::from(letter),
            b'u' => {
                let digits = self.text.get(self.at..self.at + 4).ok_or_else(|| self.wrong())?;
                let unit = u32::from_str_radix(digits, 16).map_err(|_| self.wrong())?;
                self.at += 4;
                char::from_u32(unit).unwrap_or('\u{fffd}')
            }
            _ => return Err(self.wrong()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Json;

    #[test]
    fn what_tools_write_is_read() {
        let json =
            Json::read(" {\"a\": [1, -2.5e3, \"x\\n\\u00e9\\\"\"], \"b\": {\"only\": true}, \"c\": null} ").unwrap();
        let texts: Vec<_> = json.get("a").list().iter().map(Json::text).collect();
        assert_eq!(texts, ["1", "-2.5e3", "x\né\""]);
        let (name, value) = json.get("b").choice();
        assert_eq!((name, value.is_true()), ("only", true));
        assert!(json.get("c").is_null() && json.get("nowhere").get("either").is_null());
        assert_eq!(Json::read("\"plain\"").unwrap().choice().0, "plain");
        assert_eq!(
            Json::read("[]").unwrap().list().len() + Json::read("{}").unwrap().members().count(),
            0
        );
    }

    #[test]
    fn what_is_cut_off_is_an_error() {
        for text in [
            "", "{", "[1", "{\"a\"", "{\"a\":", "\"a", "\"\\u00", "[1 2]", "nul", "1 1",
        ] {
            assert!(Json::read(text).is_err(), "{text}");
        }
    }
}
