//! What is in the way of a proof, in words.

use serde_json::Value;

/// Something that the wide schema asks for and the narrow one is not proved to ensure.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Gap {
    pub(super) pointer: String,
    pub(super) keyword: String,
    /// What is asked for, to stand behind "that".
    pub(super) claim: String,
}

impl Gap {
    pub(super) fn new(pointer: &str, keyword: &str, claim: &str) -> Self {
        Gap {
            pointer: pointer.to_owned(),
            keyword: keyword.to_owned(),
            claim: claim.to_owned(),
        }
    }
}

/// A value in a few letters.
pub(super) fn short(value: &Value) -> String {
    const LETTERS: usize = 40;
    let text = value.to_string();
    match text.char_indices().nth(LETTERS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

/// One of these, in a few letters.
pub(super) fn listed(value: &Value) -> String {
    match value {
        Value::Array(values) if values.len() <= 10 => {
            let each: Vec<_> = values.iter().map(short).collect();
            each.join(" or ")
        }
        Value::Array(values) => format!("one of {}", values.len()),
        one => short(one),
    }
}

/// What a keyword asks for.
pub(super) fn claim(keyword: &str, value: &Value) -> String {
    let value = short(value);
    match keyword {
        "minimum" => format!("it is at least {value}"),
        "maximum" => format!("it is at most {value}"),
        "exclusiveMinimum" => format!("it is more than {value}"),
        "exclusiveMaximum" => format!("it is less than {value}"),
        "multipleOf" => format!("it is a multiple of {value}"),
        "minLength" => format!("it has at least {value} characters"),
        "maxLength" => format!("it has at most {value} characters"),
        "minItems" => format!("there are at least {value} elements"),
        "maxItems" => format!("there are at most {value} elements"),
        "minProperties" => format!("there are at least {value} properties"),
        "maxProperties" => format!("there are at most {value} properties"),
        "pattern" => format!("it matches {value}"),
        "format" => format!("its format is {value}"),
        "uniqueItems" => "no element stands twice".to_owned(),
        keyword => format!("{keyword} holds"),
    }
}
