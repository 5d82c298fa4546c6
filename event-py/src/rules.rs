//! A schema twice over: for JSON text, and for Python values where they are.

use event_core::schema::SchemaError;
use event_core::{Limits, Schema};
use jsonschema::Validator;
use jsonschema::json::{Pyo3, inspect};
use pyo3::prelude::*;

use crate::names::Names;
use crate::walk::{Node, Walk};

/// What judges the data of an event.
pub(crate) struct Rules {
    /// What has the last word.
    pub(crate) schema: Schema,
    in_place: Validator<Pyo3>,
    /// The names that its outline knows.
    names: Names,
    /// Whether it may tell 1.0 from 1, as draft 4 does: canonical JSON has only the one.
    tells_floats: bool,
}

impl Rules {
    pub(crate) fn of(schema: Schema) -> Result<Self, SchemaError> {
        let names = Python::attach(|py| Names::of(py, schema.outline().flatten()));
        Ok(Rules {
            names,
            in_place: schema.validator()?,
            tells_floats: schema.source().to_string().contains("draft-04"),
            schema,
        })
    }

    /// Whether data is plain and keeps to the schema; "no" is no more than a reason to look closer.
    pub(crate) fn allow(&self, data: Node<'_>, walk: &mut Walk) -> bool {
        match self.schema.outline() {
            Some(outline) => walk.takes(data, outline, &self.names, 0),
            None => self.judge(data, walk) == Some(true),
        }
    }

    /// Whether data that is plain keeps to the schema; nothing where that has to be looked at more closely.
    pub(crate) fn verdict(&self, data: Node<'_>) -> Option<bool> {
        let walk = || Walk::new(&Limits::DEFAULT);
        if self.schema.outline().is_some() && self.allow(data, &mut walk()) {
            return Some(true);
        }
        self.judge(data, &mut walk())
    }

    /// What the schema says to data that is plain.
    fn judge(&self, data: Node<'_>, walk: &mut Walk) -> Option<bool> {
        let plain = walk.takes(data, None, &self.names, 0) && !(walk.whole_floats && self.tells_floats);
        plain
            .then(|| inspect(data, false, || self.in_place.is_valid(data)).ok())
            .flatten()
    }
}
