//! The names that schemas know, as Python has them: one that is written in a program's source is one and the same string
//! each time, so that there is no need to read it.

use event_core::Limits;
use event_core::schema::Outline;
use pyo3::prelude::*;
use pyo3::types::PyString;

/// By object, then by place: what [`Outline::names`] are.
#[derive(Default)]
pub(crate) struct Names(Vec<Vec<Option<Name>>>);

/// A name that events may have.
pub(crate) struct Name {
    text: Py<PyString>,
    /// So many bytes it has.
    bytes: usize,
}

impl Names {
    /// Those of an outline.
    pub(crate) fn of(py: Python<'_>, outline: Option<&Outline>) -> Self {
        let name = |name: &str| {
            let good = is_plain(name, Limits::DEFAULT.key_bytes);
            good.then(|| Name {
                text: PyString::intern(py, name).unbind(),
                bytes: name.len(),
            })
        };
        let names = outline.map(Outline::names).unwrap_or_default();
        Names(
            names
                .into_iter()
                .map(|names| names.into_iter().map(name).collect())
                .collect(),
        )
    }

    /// Those of an object.
    pub(crate) fn get(&self, object: Option<usize>) -> &[Option<Name>] {
        object.and_then(|object| self.0.get(object)).map_or(&[], Vec::as_slice)
    }
}

/// Whether a key is one that JSON and the limits allow.
pub(crate) fn is_plain(key: &str, most_bytes: usize) -> bool {
    (1..=most_bytes).contains(&key.len()) && !key.as_bytes().contains(&0)
}

/// Which of these names a key is, if it is the very same string, and how many bytes it has. Strings never change.
pub(crate) fn find(names: &[Option<Name>], key: &Bound<'_, PyAny>) -> Option<(usize, usize)> {
    let is_it = |name: &Option<Name>| name.as_ref().is_some_and(|name| name.text.as_ptr() == key.as_ptr());
    let place = names.iter().position(is_it)?;
    Some((place, names[place].as_ref()?.bytes))
}
