//! What client and server exchange, and nothing else.

mod loss;

pub use loss::{InvalidLossReport, Loss, LossReport};

use serde::{Deserialize, Serialize};
use serde_json::error::Category;
use serde_json::value::RawValue;

use crate::code::Code;
use crate::verdict::Verdict;

/// The answer to a batch of events: one verdict an event, in the order of the request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BatchReply {
    /// One verdict an event.
    pub results: Vec<Verdict>,
}

/// An error of a whole request, by RFC 9457 (`application/problem+json`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// A URI that ends in the machine-readable code.
    pub r#type: String,
    /// The code in words, the same for every problem of this type.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What was wrong this time, and what to do.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub detail: String,
    /// The query parameter or setting that was wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parameter: Option<String>,
    /// The byte of the body at which it was noticed, from 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offset: Option<usize>,
    /// The place in the body, as a JSON pointer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pointer: Option<String>,
}

/// A body that is no batch of events at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{code} at byte {offset}")]
pub struct MalformedBatch {
    /// [`Code::MalformedJson`], [`Code::InvalidUtf8`], or [`Code::InvalidEnvelope`] for JSON that is
    /// neither an object nor an array.
    pub code: Code,
    /// The byte at which it was noticed, from 0.
    pub offset: usize,
}

impl MalformedBatch {
    /// A body as text.
    pub(crate) fn text(body: &[u8]) -> Result<&str, Self> {
        std::str::from_utf8(body).map_err(|error| MalformedBatch {
            code: Code::InvalidUtf8,
            offset: error.valid_up_to(),
        })
    }

    /// What is wrong with a text: it is not JSON, or JSON of another shape.
    pub(crate) fn of(text: &str, error: &serde_json::Error) -> Self {
        MalformedBatch {
            code: match error.classify() {
                Category::Data => Code::InvalidEnvelope,
                _ => Code::MalformedJson,
            },
            offset: offset(text, error),
        }
    }
}

/// The events of a JSON body, each by itself: one object, or an array.
///
/// The grammar of the whole body is checked here; whatever is wrong inside one event is that
/// event's own affair.
///
/// # Errors
/// If the body is not JSON, or neither object nor array.
///
/// ```
/// use event_core::wire;
/// assert_eq!(wire::split_json(b"[{}, 7]")?, [b"{}".as_slice(), b"7"]);
/// assert_eq!(wire::split_json(b"[{},").unwrap_err().offset, 4);
/// # Ok::<(), wire::MalformedBatch>(())
/// ```
pub fn split_json(body: &[u8]) -> Result<Vec<&[u8]>, MalformedBatch> {
    let text = MalformedBatch::text(body)?;
    let malformed = |error| MalformedBatch::of(text, &error);
    match body
        .iter()
        .position(|byte| !matches!(byte, b' ' | b'\t' | b'\n' | b'\r'))
    {
        Some(at) if body[at] == b'[' => {
            let items: Vec<&RawValue> = serde_json::from_str(text).map_err(malformed)?;
            Ok(items.into_iter().map(|item| item.get().as_bytes()).collect())
        }
        start => {
            let item: &RawValue = serde_json::from_str(text).map_err(malformed)?;
            if item.get().starts_with('{') {
                Ok(vec![item.get().as_bytes()])
            } else {
                Err(MalformedBatch {
                    code: Code::InvalidEnvelope,
                    offset: start.unwrap_or_default(),
                })
            }
        }
    }
}

/// The events of an NDJSON body: its lines without their ends, empty ones left out.
pub fn split_ndjson(body: &[u8]) -> impl Iterator<Item = &[u8]> {
    let lines = body
        .split(|byte| *byte == b'\n')
        .map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    lines.filter(|line| !line.iter().all(u8::is_ascii_whitespace))
}

/// The byte that `serde_json` means by line and column.
fn offset(text: &str, error: &serde_json::Error) -> usize {
    if error.is_eof() {
        return text.len();
    }
    let lines_before = error.line().saturating_sub(1);
    let start = match lines_before {
        0 => 0,
        lines => memchr::memchr_iter(b'\n', text.as_bytes())
            .nth(lines - 1)
            .map_or(0, |at| at + 1),
    };
    (start + error.column().saturating_sub(1)).min(text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_one_object_or_an_array() {
        assert_eq!(split_json(b" {\"a\":1} ").unwrap(), [b"{\"a\":1}".as_slice()]);
        assert!(split_json(b"[]").unwrap().is_empty());
        for body in ["null", "\"x\"", "7", " true"] {
            assert_eq!(
                split_json(body.as_bytes()).unwrap_err().code,
                Code::InvalidEnvelope,
                "{body}"
            );
        }
        for body in [
            "",
            " ",
            "[",
            "[{}",
            "[{}] x",
            "{} {}",
            "[01]",
            "[{},]",
            "\u{feff}[]",
            "[NaN]",
            "{'a':1}",
        ] {
            assert_eq!(
                split_json(body.as_bytes()).unwrap_err().code,
                Code::MalformedJson,
                "{body}"
            );
        }
        assert_eq!(
            split_json(b"[\"\xff\"]").unwrap_err(),
            MalformedBatch {
                code: Code::InvalidUtf8,
                offset: 2
            }
        );
        assert_eq!(split_json(b"[\n{},\n x]").unwrap_err().offset, 7);
    }

    #[test]
    fn nesting_never_reaches_the_stack() {
        let body = format!("[{}{}]", "[".repeat(100_000), "]".repeat(100_000));
        assert_eq!(split_json(body.as_bytes()).unwrap().len(), 1);
    }

    #[test]
    fn lines_are_events() {
        let lines: Vec<_> = split_ndjson(b"{}\r\n\n  \n[1]\n").collect();
        assert_eq!(lines, [b"{}".as_slice(), b"[1]"]);
        assert_eq!(split_ndjson(b"").count(), 0);
    }
}
