//! A document as it was written: lists and objects that can be changed, and the text of all else.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::json::{Payload, pointer_index};
use crate::limits::Limits;

/// Deeper than that nothing is read, so that no stack is at risk.
const DEEPEST: usize = 100;

/// A value.
#[derive(Clone, Debug)]
pub(super) enum Tree {
    /// A string, a number, `true`, `false` or `null`, as it was written.
    Scalar(String),
    Array(Vec<Tree>),
    /// Members in their order.
    Object(Vec<(String, Tree)>),
}

/// Why a text is not read.
#[derive(Clone, Copy, Debug, thiserror::Error)]
pub(super) enum Unreadable {
    #[error("is not JSON")]
    NoJson,
    #[error("has a key twice")]
    RepeatedKey,
    #[error("is nested deeper than {DEEPEST}")]
    TooDeep,
}

/// The members of an object, with what stands there as text.
struct Members(Vec<(String, Box<RawValue>)>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Collect;
        impl<'de> Visitor<'de> for Collect {
            type Value = Members;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Collect)
    }
}

impl Tree {
    pub(super) fn read(text: &str) -> Result<Self, Unreadable> {
        let whole: &RawValue = serde_json::from_str(text).map_err(|_| Unreadable::NoJson)?;
        Tree::within(whole.get(), DEEPEST)
    }

    fn within(text: &str, depth: usize) -> Result<Self, Unreadable> {
        let below = || depth.checked_sub(1).ok_or(Unreadable::TooDeep);
        match text.as_bytes().first() {
            Some(b'{') => {
                let below = below()?;
                let Members(members) = serde_json::from_str(text).map_err(|_| Unreadable::NoJson)?;
                let mut keys: Vec<&str> = members.iter().map(|(key, _)| key.as_str()).collect();
                keys.sort_unstable();
                if keys.windows(2).any(|pair| pair[0] == pair[1]) {
                    return Err(Unreadable::RepeatedKey);
                }
                let read = |(key, raw): (String, Box<RawValue>)| Ok((key, Tree::within(raw.get(), below)?));
                Ok(Tree::Object(members.into_iter().map(read).collect::<Result<_, _>>()?))
            }
            Some(b'[') => {
                let below = below()?;
                let elements: Vec<&RawValue> = serde_json::from_str(text).map_err(|_| Unreadable::NoJson)?;
                let read = |raw: &&RawValue| Tree::within(raw.get(), below);
                Ok(Tree::Array(elements.iter().map(read).collect::<Result<_, _>>()?))
            }
            _ => Ok(Tree::Scalar(text.to_owned())),
        }
    }

    /// About how long it is when written.
    pub(super) fn bytes(&self) -> usize {
        match self {
            Tree::Scalar(text) => text.len(),
            Tree::Array(elements) => 2 + elements.iter().map(|element| 1 + element.bytes()).sum::<usize>(),
            Tree::Object(members) => {
                2 + members
                    .iter()
                    .map(|(key, value)| key.len() + 4 + value.bytes())
                    .sum::<usize>()
            }
        }
    }

    fn depth(&self) -> usize {
        match self {
            Tree::Scalar(_) => 0,
            Tree::Array(elements) => 1 + elements.iter().map(Tree::depth).max().unwrap_or(0),
            Tree::Object(members) => 1 + members.iter().map(|(_, value)| value.depth()).max().unwrap_or(0),
        }
    }

    fn child(&self, token: &str) -> Option<&Tree> {
        match self {
            Tree::Scalar(_) => None,
            Tree::Array(elements) => elements.get(pointer_index(token)?),
            Tree::Object(members) => members.iter().find(|(key, _)| key == token).map(|(_, value)| value),
        }
    }

    fn child_mut(&mut self, token: &str) -> Option<&mut Tree> {
        match self {
            Tree::Scalar(_) => None,
            Tree::Array(elements) => elements.get_mut(pointer_index(token)?),
            Tree::Object(members) => members.iter_mut().find(|(key, _)| key == token).map(|(_, value)| value),
        }
    }

    pub(super) fn get(&self, path: &[&str]) -> Option<&Tree> {
        path.iter().try_fold(self, |tree, token| tree.child(token))
    }

    pub(super) fn get_mut(&mut self, path: &[&str]) -> Option<&mut Tree> {
        path.iter().try_fold(self, |tree, token| tree.child_mut(token))
    }

    /// Puts a value at a place whose parent is there.
    pub(super) fn add(&mut self, path: &[&str], value: Tree) -> Result<(), String> {
        let Some((last, parents)) = path.split_last() else {
            *self = value;
            return Ok(());
        };
        if parents.len() + 1 + value.depth() > DEEPEST {
            return Err(format!(
                "this would be {}",
                Unreadable::TooDeep.to_string().trim_start_matches("is ")
            ));
        }
        let place = crate::json::Pointer::from_tokens(parents.iter().copied());
        match self.get_mut(parents) {
            None => Err(format!("there is nothing at {place}")),
            Some(Tree::Scalar(_)) => Err(format!("neither a list nor an object stands at {place}")),
            Some(Tree::Array(elements)) => {
                let at = if *last == "-" {
                    Some(elements.len())
                } else {
                    pointer_index(last)
                };
                match at.filter(|at| *at <= elements.len()) {
                    Some(at) => elements.insert(at, value),
                    None => return Err(format!("there is no place {last} in the list at {place}")),
                }
                Ok(())
            }
            Some(Tree::Object(members)) => {
                match members.iter_mut().find(|(key, _)| key == last) {
                    Some((_, known)) => *known = value,
                    None => members.push(((*last).to_owned(), value)),
                }
                Ok(())
            }
        }
    }

    /// Takes a value from its place.
    pub(super) fn remove(&mut self, path: &[&str]) -> Option<Tree> {
        let Some((last, parents)) = path.split_last() else {
            // A document without a value is none: what is left is the value that says so.
            return Some(std::mem::replace(self, Tree::Scalar("null".to_owned())));
        };
        match self.get_mut(parents)? {
            Tree::Scalar(_) => None,
            Tree::Array(elements) => {
                let at = pointer_index(last).filter(|at| *at < elements.len())?;
                Some(elements.remove(at))
            }
            Tree::Object(members) => {
                let at = members.iter().position(|(key, _)| key == last)?;
                Some(members.remove(at).1)
            }
        }
    }

    /// Whether both mean the same, however they are written: in the way of canonical payloads.
    pub(super) fn is_same(&self, other: &Tree) -> bool {
        let limits = Limits {
            key_bytes: usize::MAX,
            ..Limits::DEFAULT.with_nodes(usize::MAX).with_depth(100)
        };
        let canonical = |tree: &Tree| Payload::parse(format!("{{\"it\":{tree}}}").as_bytes(), &limits).ok();
        match (canonical(self), canonical(other)) {
            (Some(one), Some(two)) => one == two,
            // What no payload may hold is the same where it is written alike.
            _ => self.to_string() == other.to_string(),
        }
    }
}

impl fmt::Display for Tree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Tree::Scalar(text) => f.write_str(text),
            Tree::Array(elements) => {
                for (number, element) in elements.iter().enumerate() {
                    write!(f, "{}{element}", if number == 0 { "[" } else { "," })?;
                }
                f.write_str(if elements.is_empty() { "[]" } else { "]" })
            }
            Tree::Object(members) => {
                for (number, (key, value)) in members.iter().enumerate() {
                    let open = if number == 0 { "{" } else { "," };
                    write!(f, "{open}{}:{value}", crate::json::quote(key))?;
                }
                f.write_str(if members.is_empty() { "{}" } else { "}" })
            }
        }
    }
}
