//! How times, names and long texts are shown.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// What a URL may hold stays as it is, but for the dot: two of them alone would lead up.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'~');

/// `2026-01-01 09:15:27` of `2026-01-01T09:15:27.243860Z`.
pub(super) fn to_the_second(time: &str) -> String {
    cut(time, 19)
}

/// `2026-01-01 09:15` of the same.
pub(crate) fn to_the_minute(time: &str) -> String {
    cut(time, 16)
}

/// `09:15` of the same.
pub(crate) fn clock(time: &str) -> String {
    to_the_minute(time).chars().skip(11).collect()
}

fn cut(time: &str, characters: usize) -> String {
    time.chars()
        .take(characters)
        .map(|character| if character == 'T' { ' ' } else { character })
        .collect()
}

/// Fit for a path or a parameter.
pub(super) fn encoded(text: &str) -> String {
    utf8_percent_encode(text, ENCODED).to_string()
}

/// What stands behind the question mark of a URL.
pub(crate) fn query(pairs: &[(String, String)]) -> String {
    let pair = |(name, value): &(String, String)| format!("{}={}", encoded(name), encoded(value));
    pairs.iter().map(pair).collect::<Vec<_>>().join("&")
}

/// The start of a text, and whether there is more.
pub(super) fn shortened(text: &str, characters: usize) -> String {
    match text.char_indices().nth(characters) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// JSON in which no mark turns round what stands beside it: those that change the direction of writing are shown as they may be
/// written, too (Unicode, UAX #9).
fn legible(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    for character in json.chars() {
        match character {
            '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
                text.push_str(&format!("\\u{:04x}", u32::from(character)));
            }
            _ => text.push(character),
        }
    }
    text
}

/// The start of JSON, in a line.
pub(super) fn in_a_line(json: &str, characters: usize) -> String {
    legible(&shortened(json, characters))
}

/// JSON by lines, as people read it; what is no JSON as it is.
pub(super) fn indented(text: &str) -> String {
    let value: Option<serde_json::Value> = serde_json::from_str(text).ok();
    let lines = value.and_then(|value| serde_json::to_string_pretty(&value).ok());
    legible(&lines.unwrap_or_else(|| text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_are_cut_at_a_character() {
        assert_eq!(shortened("ééé", 2), "éé…");
        assert_eq!(shortened("éé", 2), "éé");
        assert_eq!(to_the_second("2026-01-01T09:15:27.243860Z"), "2026-01-01 09:15:27");
        assert_eq!(to_the_minute("2026-01-01T09:15:27.243860Z"), "2026-01-01 09:15");
        assert_eq!(clock("2026-01-01T09:15:27.243860Z"), "09:15");
    }

    #[test]
    fn what_stands_in_a_url_is_encoded() {
        let pairs = [("by", "/a&b"), ("name", "é x-1_..")].map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(query(&pairs), "by=%2Fa%26b&name=%C3%A9%20x-1_%2E%2E");
    }

    #[test]
    fn json_is_shown_by_lines() {
        assert_eq!(indented(r#"{"a":1}"#), "{\n  \"a\": 1\n}");
        assert_eq!(indented("{a"), "{a");
    }

    #[test]
    fn no_mark_turns_its_neighbours_round() {
        assert_eq!(legible("{\"é\":\"\u{202e}abc\u{2069}\"}"), r#"{"é":"\u202eabc\u2069"}"#);
        assert_eq!(indented("[\"\u{200f}\"]"), "[\n  \"\\u200f\"\n]");
    }
}
