//! A change of a JSON document, by RFC 6902, which leaves all else as it was written.
//!
//! Numbers and strings that a patch does not touch keep their very text: an amount of more digits than
//! a float has is the same afterwards.

mod tree;

use std::fmt;

use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::json::Pointer;
use tree::Tree;

/// A list of operations that are all done, or none.
///
/// ```
/// use event_core::patch::Patch;
/// let patch = Patch::from_slice(br#"[{"op": "replace", "path": "/data/total", "value": 12.50}]"#)?;
/// let mended = patch.apply(br#"{"id": 12345678901234567890123, "data": {"total": "12,50"}}"#)?;
/// assert_eq!(mended, r#"{"id":12345678901234567890123,"data":{"total":12.50}}"#);
/// # Ok::<(), event_core::patch::PatchError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Patch {
    operations: Vec<Operation>,
}

/// Why a document cannot be changed so. What stands in the document is not repeated.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}{message}", operation.map(|number| format!("operation {number}: ")).unwrap_or_default())]
pub struct PatchError {
    /// Which operation, from 0; `None` if it is the patch or the document itself.
    pub operation: Option<usize>,
    /// What is wrong.
    pub message: String,
}

impl PatchError {
    fn of_whole(message: impl Into<String>) -> Self {
        PatchError {
            operation: None,
            message: message.into(),
        }
    }
}

/// One operation as it is written.
#[derive(Deserialize)]
struct Written {
    op: String,
    path: Pointer,
    from: Option<Pointer>,
    // `null` is a value like any other.
    #[serde(default, deserialize_with = "present")]
    value: Option<Box<RawValue>>,
}

fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Box<RawValue>>, D::Error> {
    Box::<RawValue>::deserialize(deserializer).map(Some)
}

#[derive(Clone, Debug)]
enum Change {
    Add(Tree),
    Remove,
    Replace(Tree),
    Move(Pointer),
    Copy(Pointer),
    Test(Tree),
}

#[derive(Clone, Debug)]
struct Operation {
    path: Pointer,
    change: Change,
}

impl Patch {
    /// The most operations of a patch.
    pub const MAX_OPERATIONS: usize = 100;
    /// The most bytes that a document may have once it is changed: copies of copies grow fast.
    pub const MAX_BYTES: usize = 1 << 20;

    /// Reads a patch: an array of operations.
    ///
    /// # Errors
    /// If it is none.
    pub fn from_slice(bytes: &[u8]) -> Result<Self, PatchError> {
        let whole = |error: serde_json::Error| PatchError::of_whole(format!("this is no JSON Patch: {error}"));
        let written: Vec<&RawValue> = serde_json::from_slice(bytes).map_err(whole)?;
        if written.len() > Patch::MAX_OPERATIONS {
            let message = format!("a patch has at the most {} operations", Patch::MAX_OPERATIONS);
            return Err(PatchError::of_whole(message));
        }
        let operations = written.iter().enumerate().map(|(number, raw)| {
            let at = |message: String| PatchError {
                operation: Some(number),
                message,
            };
            let written = serde_json::from_str::<Written>(raw.get()).map_err(|error| at(error.to_string()))?;
            Operation::of(written).map_err(at)
        });
        Ok(Patch {
            operations: operations.collect::<Result<_, _>>()?,
        })
    }

    /// The document after all operations, without space between its values.
    ///
    /// # Errors
    /// The first operation that cannot be done; or the document, where it is not JSON, is nested
    /// deeper than 100 or has a key twice in one object: then nothing says which of the two is meant.
    pub fn apply(&self, document: &[u8]) -> Result<String, PatchError> {
        let text = std::str::from_utf8(document).map_err(|_| PatchError::of_whole("the document is not UTF-8"))?;
        let mut tree = Tree::read(text).map_err(|error| PatchError::of_whole(format!("the document {error}")))?;
        for (number, operation) in self.operations.iter().enumerate() {
            operation.apply(&mut tree).map_err(|message| PatchError {
                operation: Some(number),
                message,
            })?;
            if tree.bytes() > Patch::MAX_BYTES {
                let message = format!("the document would have more than {} bytes", Patch::MAX_BYTES);
                return Err(PatchError {
                    operation: Some(number),
                    message,
                });
            }
        }
        Ok(tree.to_string())
    }
}

/// What is changed and where, but not to what: no value is shown.
impl fmt::Display for Patch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, Operation { path, change }) in self.operations.iter().enumerate() {
            let comma = if number == 0 { "" } else { ", " };
            match change {
                Change::Add(_) => write!(f, "{comma}add {path}")?,
                Change::Remove => write!(f, "{comma}remove {path}")?,
                Change::Replace(_) => write!(f, "{comma}replace {path}")?,
                Change::Move(from) => write!(f, "{comma}move {from} to {path}")?,
                Change::Copy(from) => write!(f, "{comma}copy {from} to {path}")?,
                Change::Test(_) => write!(f, "{comma}test {path}")?,
            }
        }
        Ok(())
    }
}

impl Operation {
    fn of(written: Written) -> Result<Self, String> {
        let Written { op, path, from, value } = written;
        let tree = || {
            let raw = value.as_ref().ok_or("this operation needs a value")?;
            Tree::read(raw.get()).map_err(|error| format!("the value {error}"))
        };
        let from = || from.clone().ok_or("this operation needs a from");
        let change = match op.as_str() {
            "add" => Change::Add(tree()?),
            "remove" => Change::Remove,
            "replace" => Change::Replace(tree()?),
            "move" => Change::Move(from()?),
            "copy" => Change::Copy(from()?),
            "test" => Change::Test(tree()?),
            _ => return Err("an operation is add, remove, replace, move, copy or test".to_owned()),
        };
        Ok(Operation { path, change })
    }

    fn apply(&self, tree: &mut Tree) -> Result<(), String> {
        let nothing = |path: &Pointer| format!("there is nothing at {path}");
        let path: Vec<&str> = self.path.tokens().collect();
        match &self.change {
            Change::Add(value) => tree.add(&path, value.clone()),
            Change::Remove => tree.remove(&path).map(drop).ok_or_else(|| nothing(&self.path)),
            Change::Replace(value) => {
                *tree.get_mut(&path).ok_or_else(|| nothing(&self.path))? = value.clone();
                Ok(())
            }
            Change::Move(from) => {
                let source: Vec<&str> = from.tokens().collect();
                if path.len() > source.len() && path.starts_with(&source) {
                    return Err("a value cannot be moved into itself".to_owned());
                }
                if tree.get(&source).is_none() {
                    return Err(nothing(from));
                }
                if source == path {
                    return Ok(());
                }
                let value = tree.remove(&source).ok_or_else(|| nothing(from))?;
                tree.add(&path, value)
            }
            Change::Copy(from) => {
                let source: Vec<&str> = from.tokens().collect();
                let value = tree.get(&source).ok_or_else(|| nothing(from))?.clone();
                tree.add(&path, value)
            }
            Change::Test(value) => match tree.get(&path) {
                Some(found) if found.is_same(value) => Ok(()),
                Some(_) => Err(format!("another value stands at {}", self.path)),
                None => Err(nothing(&self.path)),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patched(document: &str, patch: &str) -> Result<String, String> {
        let patch = Patch::from_slice(patch.as_bytes()).map_err(|error| error.to_string())?;
        patch.apply(document.as_bytes()).map_err(|error| error.to_string())
    }

    /// The examples of RFC 6902, appendix A.
    #[test]
    fn the_examples_of_the_rfc() {
        for (document, patch, expected) in [
            (
                r#"{"foo":"bar"}"#,
                r#"[{"op":"add","path":"/baz","value":"qux"}]"#,
                r#"{"foo":"bar","baz":"qux"}"#,
            ),
            (
                r#"{"foo":["bar","baz"]}"#,
                r#"[{"op":"add","path":"/foo/1","value":"qux"}]"#,
                r#"{"foo":["bar","qux","baz"]}"#,
            ),
            (
                r#"{"baz":"qux","foo":"bar"}"#,
                r#"[{"op":"remove","path":"/baz"}]"#,
                r#"{"foo":"bar"}"#,
            ),
            (
                r#"{"foo":["bar","qux","baz"]}"#,
                r#"[{"op":"remove","path":"/foo/1"}]"#,
                r#"{"foo":["bar","baz"]}"#,
            ),
            (
                r#"{"baz":"qux","foo":"bar"}"#,
                r#"[{"op":"replace","path":"/baz","value":"boo"}]"#,
                r#"{"baz":"boo","foo":"bar"}"#,
            ),
            (
                r#"{"foo":{"bar":"baz","waldo":"fred"},"qux":{"corge":"grault"}}"#,
                r#"[{"op":"move","from":"/foo/waldo","path":"/qux/thud"}]"#,
                r#"{"foo":{"bar":"baz"},"qux":{"corge":"grault","thud":"fred"}}"#,
            ),
            (
                r#"{"foo":["all","grass","cows","eat"]}"#,
                r#"[{"op":"move","from":"/foo/1","path":"/foo/3"}]"#,
                r#"{"foo":["all","cows","eat","grass"]}"#,
            ),
            (
                r#"{"baz":"qux","foo":["a",2,"c"]}"#,
                r#"[{"op":"test","path":"/baz","value":"qux"},{"op":"test","path":"/foo/1","value":2.0}]"#,
                r#"{"baz":"qux","foo":["a",2,"c"]}"#,
            ),
            (
                r#"{"foo":"bar"}"#,
                r#"[{"op":"add","path":"/child","value":{"grandchild":{}}}]"#,
                r#"{"foo":"bar","child":{"grandchild":{}}}"#,
            ),
            (
                r#"{"foo":"bar"}"#,
                r#"[{"op":"add","path":"/baz","value":"qux","xyz":123}]"#,
                r#"{"foo":"bar","baz":"qux"}"#,
            ),
            (
                r#"{"/":9,"~1":10}"#,
                r#"[{"op":"test","path":"/~01","value":10}]"#,
                r#"{"/":9,"~1":10}"#,
            ),
            (
                r#"{"foo":["bar"]}"#,
                r#"[{"op":"add","path":"/foo/-","value":["abc","def"]}]"#,
                r#"{"foo":["bar",["abc","def"]]}"#,
            ),
            // Beyond the appendix.
            (r#"{"a":1}"#, r#"[{"op":"add","path":"","value":null}]"#, "null"),
            (
                r#"{"a":1}"#,
                r#"[{"op":"replace","path":"/a","value":null}]"#,
                r#"{"a":null}"#,
            ),
            (r#"{"a":1}"#, r#"[{"op":"add","path":"/a","value":2}]"#, r#"{"a":2}"#),
            (
                r#"{"a":{"b":1}}"#,
                r#"[{"op":"copy","from":"/a","path":"/a/c"}]"#,
                r#"{"a":{"b":1,"c":{"b":1}}}"#,
            ),
            (r#" { "a" : [ 1.50 , 1e400 ] } "#, "[]", r#"{"a":[1.50,1e400]}"#),
            (
                "{\"a\":\"\\u0000\\ud800\"}",
                r#"[{"op":"replace","path":"/a","value":"\u00e9"}]"#,
                r#"{"a":"\u00e9"}"#,
            ),
            (
                r#"{"a":"\u00e9"}"#,
                r#"[{"op":"test","path":"/a","value":"é"}]"#,
                r#"{"a":"\u00e9"}"#,
            ),
        ] {
            assert_eq!(patched(document, patch).as_deref(), Ok(expected), "{patch}");
        }
    }

    #[test]
    fn what_cannot_be_done_is_said_with_its_place() {
        for (document, patch, expected) in [
            (
                r#"{"baz":"qux"}"#,
                r#"[{"op":"test","path":"/baz","value":"bar"}]"#,
                "operation 0: another value stands at /baz",
            ),
            (
                r#"{"foo":"bar"}"#,
                r#"[{"op":"add","path":"/baz/bat","value":"qux"}]"#,
                "operation 0: there is nothing at /baz",
            ),
            (
                r#"{"/":9,"~1":10}"#,
                r#"[{"op":"test","path":"/~01","value":"10"}]"#,
                "operation 0: another value stands at /~01",
            ),
            (
                r#"{"a":[1]}"#,
                r#"[{"op":"add","path":"/a/2","value":1}]"#,
                "operation 0: there is no place 2 in the list at /a",
            ),
            (
                r#"{"a":[1]}"#,
                r#"[{"op":"add","path":"/a/00","value":1}]"#,
                "operation 0: there is no place 00 in the list at /a",
            ),
            (
                r#"{"a":[1]}"#,
                r#"[{"op":"remove","path":"/a/-"}]"#,
                "operation 0: there is nothing at /a/-",
            ),
            (
                r#"{"a":1}"#,
                r#"[{"op":"test","path":"/a","value":1},{"op":"remove","path":"/b"}]"#,
                "operation 1: there is nothing at /b",
            ),
            (
                r#"{"a":{}}"#,
                r#"[{"op":"move","from":"/a","path":"/a/b"}]"#,
                "operation 0: a value cannot be moved into itself",
            ),
            (
                r#"{"a":1}"#,
                r#"[{"op":"add","path":"/b"}]"#,
                "operation 0: this operation needs a value",
            ),
            (
                r#"{"a":1}"#,
                r#"[{"op":"spoil","path":"/b"}]"#,
                "operation 0: an operation is add, remove, replace, move, copy or test",
            ),
            (r#"{"a":1,"a":2}"#, "[]", "the document has a key twice"),
            (r#"{"a":1"#, "[]", "the document is not JSON"),
            ("not JSON", "[]", "the document is not JSON"),
        ] {
            assert_eq!(patched(document, patch), Err(expected.to_owned()), "{patch}");
        }
        for patch in [
            "",
            "{}",
            "[7]",
            r#"[{"op":"add"}]"#,
            r#"[{"op":"add","path":"a","value":1}]"#,
        ] {
            assert!(Patch::from_slice(patch.as_bytes()).is_err(), "{patch}");
        }
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        assert_eq!(
            patched(&deep, "[]"),
            Err("the document is nested deeper than 100".to_owned())
        );
        // A copy of all into itself doubles it.
        let doubled = vec![r#"{"op":"copy","from":"/a","path":"/a/-"}"#; 60].join(",");
        let error = patched(r#"{"a":["0123456789"]}"#, &format!("[{doubled}]")).unwrap_err();
        assert!(error.contains("nested deeper") || error.contains("bytes"), "{error}");
    }

    #[test]
    fn a_patch_is_shown_without_its_values() {
        let patch =
            r#"[{"op":"replace","path":"/data/mail","value":"ann@example.com"},{"op":"move","from":"/a","path":"/b"}]"#;
        let shown = Patch::from_slice(patch.as_bytes()).unwrap().to_string();
        assert_eq!(shown, "replace /data/mail, move /a to /b");
    }
}
