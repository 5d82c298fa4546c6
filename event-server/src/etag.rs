//! What the bytes of an answer are known by, so that whoever has them is not sent them again.

use axum::http::HeaderMap;
use axum::http::header::IF_NONE_MATCH;

/// A strong entity tag (RFC 9110): other bytes have another one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ETag(String);

impl ETag {
    pub(crate) fn of(bytes: &[u8]) -> Self {
        // Half of the hash is still more than anybody will ever find twice.
        let digits = blake3::hash(bytes).to_hex();
        ETag(format!("\"{}\"", &digits[..32]))
    }

    /// With its quotes.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether a request is answered only for those who have something else: its `If-None-Match`
    /// names this tag, a weak one of the same text, or any at all by `*`.
    pub(crate) fn is_known(&self, headers: &HeaderMap) -> bool {
        let mut values = headers.get_all(IF_NONE_MATCH).iter();
        values.any(|value| self.is_among(value.as_bytes().trim_ascii()))
    }

    fn is_among(&self, mut list: &[u8]) -> bool {
        if list == b"*" {
            return true;
        }
        // A tag may hold commas: what is no list of tags ends it, and names nothing further.
        while let Some(at) = list.iter().position(|byte| !b", \t".contains(byte)) {
            let tag = list[at..].strip_prefix(b"W/").unwrap_or(&list[at..]);
            let Some(inside) = tag.strip_prefix(b"\"") else {
                return false;
            };
            let Some(length) = inside.iter().position(|byte| *byte == b'"') else {
                return false;
            };
            if tag[..length + 2] == *self.0.as_bytes() {
                return true;
            }
            list = &inside[length + 1..];
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    fn known(values: &[&str]) -> bool {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(IF_NONE_MATCH, HeaderValue::from_str(value).unwrap());
        }
        ETag("\"abc\"".to_owned()).is_known(&headers)
    }

    #[test]
    fn other_bytes_have_another_tag() {
        let tag = ETag::of(b"[]");
        assert_eq!(tag, ETag::of(b"[]"));
        assert_ne!(tag, ETag::of(b"[ ]"));
        assert_eq!(tag.as_str().len(), 34);
        assert!(tag.as_str().starts_with('"') && tag.as_str().ends_with('"'));
    }

    #[test]
    fn a_tag_is_found_in_every_list_that_names_it() {
        for list in [
            r#""abc""#,
            r#"W/"abc""#,
            r#" "x" , "abc""#,
            r#""x","abc","y""#,
            r#",,"x",	W/"abc","#,
            r#""a,b", "abc""#,
            "*",
            " * ",
        ] {
            assert!(known(&[list]), "{list}");
        }
        assert!(known(&[r#""x""#, r#""abc""#]));
        for list in [
            "",
            "abc",
            r#""ABC""#,
            r#""abc"#,
            r#"abc", "abc"#,
            r#"w/"abc""#,
            r#""x, "abc""#,
            r#""x" nonsense "abc""#,
            r#""abcd""#,
            r#"* , "x""#,
        ] {
            assert!(!known(&[list]), "{list}");
        }
        assert!(!known(&[]));
    }
}
