//! JSON inside strings, and numbers inside strings, where a mapping declares them.

use serde_json::Value;

use crate::code::Code;
use crate::json::{Document, Kind, Number, Pointer, pointer_index};
use crate::limits::Limits;
use crate::refusal::Refusal;

/// So often JSON may be wrapped into strings.
const MAX_LAYERS: usize = 4;

/// The value at a place, which was parsed once, with the mapping.
pub(super) fn find<'v>(document: &'v Value, place: &Pointer) -> Option<&'v Value> {
    place.tokens().try_fold(document, |value, token| match value {
        Value::Object(members) => members.get(token),
        Value::Array(elements) => elements.get(pointer_index(token)?),
        _ => None,
    })
}

/// Every value at a place, where `*` stands for all members or elements.
fn each<E>(
    value: &mut Value,
    tokens: &[&str],
    at: &mut Vec<String>,
    act: &mut impl FnMut(&mut Value, &[String]) -> Result<(), E>,
) -> Result<(), E> {
    let Some((token, rest)) = tokens.split_first() else {
        return act(value, at);
    };
    let mut step = |key: String, child: &mut Value| {
        at.push(key);
        let result = each(child, rest, at, act);
        at.pop();
        result
    };
    match value {
        Value::Object(members) if *token == "*" => {
            members.iter_mut().try_for_each(|(key, child)| step(key.clone(), child))
        }
        Value::Array(elements) if *token == "*" => elements
            .iter_mut()
            .enumerate()
            .try_for_each(|(at, child)| step(at.to_string(), child)),
        Value::Object(members) => members
            .get_mut(*token)
            .map_or(Ok(()), |child| step((*token).to_owned(), child)),
        Value::Array(elements) => {
            let child = pointer_index(token).and_then(|index| elements.get_mut(index));
            child.map_or(Ok(()), |child| step((*token).to_owned(), child))
        }
        _ => Ok(()),
    }
}

/// Replaces strings that hold a JSON object or array by what they hold.
pub(super) fn strings(document: &mut Value, place: &Pointer, limits: &Limits) -> Result<(), Refusal> {
    let tokens: Vec<&str> = place.tokens().collect();
    each(document, &tokens, &mut Vec::new(), &mut |value, at| {
        for _ in 0..MAX_LAYERS {
            let Value::String(text) = value else { return Ok(()) };
            let decoded = Document::parse(text.as_bytes(), limits).map_err(|error| {
                let code = if error.code == Code::MalformedJson {
                    Code::MappingFailed
                } else {
                    error.code
                };
                let pointer = format!("{}{}", Pointer::from_tokens(at.iter().cloned()), error.pointer);
                Refusal::new(code, pointer, "this string was declared to hold JSON")
            })?;
            let decoded = match decoded.root().kind() {
                Kind::Object | Kind::Array | Kind::String => decoded.root().to_value(),
                _ => break,
            };
            *value = decoded;
        }
        if value.is_string() {
            let pointer = Pointer::from_tokens(at.iter().cloned()).to_string();
            return Err(Refusal::new(
                Code::MappingFailed,
                pointer,
                "this string holds no JSON object or array",
            ));
        }
        Ok(())
    })
}

/// Replaces strings that are JSON numbers by those numbers.
pub(super) fn numbers(document: &mut Value, place: &Pointer) {
    let tokens: Vec<&str> = place.tokens().collect();
    let done: Result<(), std::convert::Infallible> = each(document, &tokens, &mut Vec::new(), &mut |value, _| {
        let literal = value
            .as_str()
            .filter(|text| Document::parse(text.as_bytes(), &Limits::DEFAULT).is_ok());
        let literal = literal.filter(|text| text.starts_with(|c: char| c == '-' || c.is_ascii_digit()));
        match literal
            .filter(|text| !text.ends_with(char::is_whitespace))
            .and_then(Number::from_literal)
        {
            Some(Number::Int(int)) => *value = Value::from(int),
            Some(Number::Float(float)) => *value = Value::from(float),
            None => {}
        }
        Ok(())
    });
    let Ok(()) = done;
}
