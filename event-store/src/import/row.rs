//! A record of CSV → its fields, by RFC 4180.

/// A record whose quotes cannot be understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Broken {
    #[error("text stands behind a closing quote")]
    BehindQuote,
    #[error("a quote is not closed")]
    Open,
}

/// The fields of one record; made once, and read into again and again.
#[derive(Debug, Default)]
pub(super) struct Fields {
    text: String,
    ends: Vec<usize>,
}

impl Fields {
    /// Reads the fields of a record. What there is of them in a broken one stays readable.
    pub(super) fn read(&mut self, record: &str, delimiter: u8) -> Result<(), Broken> {
        self.text.clear();
        self.ends.clear();
        let mut rest = record;
        let mut outcome = Ok(());
        loop {
            if let Some(quoted) = rest.strip_prefix('"') {
                rest = quoted;
                loop {
                    let Some(quote) = memchr::memchr(b'"', rest.as_bytes()) else {
                        self.text.push_str(rest);
                        self.ends.push(self.text.len());
                        return Err(Broken::Open);
                    };
                    self.text.push_str(&rest[..quote]);
                    rest = &rest[quote + 1..];
                    let Some(escaped) = rest.strip_prefix('"') else { break };
                    self.text.push('"');
                    rest = escaped;
                }
                if rest.as_bytes().first().is_some_and(|byte| *byte != delimiter) {
                    outcome = Err(Broken::BehindQuote);
                }
            }
            let end = memchr::memchr(delimiter, rest.as_bytes());
            self.text.push_str(&rest[..end.unwrap_or(rest.len())]);
            self.ends.push(self.text.len());
            match end {
                Some(end) => rest = &rest[end + 1..],
                None => return outcome,
            }
        }
    }

    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    /// The text of a field; empty where there is none.
    pub(super) fn get(&self, number: usize) -> &str {
        let start = number.checked_sub(1).and_then(|before| self.ends.get(before)).copied();
        let range = start.unwrap_or(0)..self.ends.get(number).copied().unwrap_or(0);
        self.text.get(range).unwrap_or_default()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &str> {
        (0..self.len()).map(|number| self.get(number))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_what_their_quotes_say() {
        let mut fields = Fields::default();
        for (record, expected) in [
            ("", &[""][..]),
            (",", &["", ""]),
            ("a,b", &["a", "b"]),
            ("\"a\"\"b\n,c\",,\"\"", &["a\"b\n,c", "", ""]),
            ("a\"b\"c, \"d\" ", &["a\"b\"c", " \"d\" "]),
            ("é,\"ü\"", &["é", "ü"]),
        ] {
            assert_eq!(fields.read(record, b','), Ok(()), "{record}");
            assert_eq!(fields.iter().collect::<Vec<_>>(), expected, "{record}");
        }
        assert_eq!(fields.read("\"a\"b,c", b','), Err(Broken::BehindQuote));
        assert_eq!(fields.len(), 2);
        assert_eq!(fields.read("x,\"a,c", b','), Err(Broken::Open));
        assert_eq!(fields.get(1), "a,c");
        assert_eq!(fields.get(7), "");
    }
}
