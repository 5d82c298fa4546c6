//! What the holder of a key may read: a question has to say that it asks for no more.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use event_core::filter::{Field, Scalar, Test};
use event_core::{EventType, Filter, Source};
use event_store::api_key::{Bounds, Principal, Rights};

use crate::reply::{Failure, Reason};

/// Who reads: with bounds, or without.
#[derive(Clone, Debug)]
pub(crate) struct Reader(Option<Arc<Rights>>);

impl<S: Sync> FromRequestParts<S> for Reader {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let rights = parts.extensions.get().map(|sender: &Principal| &sender.rights);
        Ok(Reader(rights.filter(|rights| rights.is_bound_in_reading()).cloned()))
    }
}

impl Reader {
    /// That a question asks only for what is within the bounds.
    ///
    /// # Errors
    /// If it does not say so.
    pub(crate) fn check(&self, filter: &Filter) -> Result<(), Failure> {
        let sources = || chosen(filter, &Field::Source);
        let types = || Some((chosen(filter, &Field::Category)?, chosen(filter, &Field::Name)));
        self.check_names(sources, types)
    }

    /// The same of a list that is asked for by source and type.
    ///
    /// # Errors
    /// If it asks for more.
    pub(crate) fn check_list(&self, source: Option<&Source>, event_type: Option<&EventType>) -> Result<(), Failure> {
        let one = |text: &str| BTreeSet::from([text.to_owned()]);
        let sources = || Some(one(source?.as_str()));
        let types = || {
            let EventType { category, name } = event_type?;
            Some((one(category.as_str()), Some(one(name.as_str()))))
        };
        self.check_names(sources, types)
    }

    fn check_names(
        &self,
        sources: impl FnOnce() -> Option<Names>,
        types: impl FnOnce() -> Option<(Names, Option<Names>)>,
    ) -> Result<(), Failure> {
        let Some(rights) = &self.0 else { return Ok(()) };
        if let Bounds::Only(own) = &rights.sources {
            let within = |name: &String| own.iter().any(|source| source.as_str() == name);
            if !sources().is_some_and(|names| names.iter().all(within)) {
                return Err(beyond("source", own));
            }
        }
        if let Bounds::Only(own) = &rights.types {
            let covered = |category: &str, name: Option<&str>| own.iter().any(|it| it.covers(category, name));
            let within = |(categories, names): (Names, Option<Names>)| {
                categories.iter().all(|category| {
                    let each = |names: &Names| names.iter().all(|name| covered(category, Some(name)));
                    covered(category, None) || names.as_ref().is_some_and(each)
                })
            };
            if !types().is_some_and(within) {
                return Err(beyond("category", own));
            }
        }
        Ok(())
    }

    /// The same of what is asked for by its source, and looked at by its type when it is there.
    ///
    /// # Errors
    /// If it may be of another source.
    pub(crate) fn check_source(&self, source: Option<&Source>) -> Result<(), Failure> {
        match &self.0 {
            Some(rights) => match &rights.sources {
                Bounds::Only(own) if !source.is_some_and(|source| own.contains(source)) => Err(beyond("source", own)),
                _ => Ok(()),
            },
            None => Ok(()),
        }
    }

    /// Whether events of this type are within the bounds; `None` for what has none, or nobody knows.
    pub(crate) fn sees_type(&self, event_type: Option<&EventType>) -> bool {
        self.0.as_ref().is_none_or(|rights| {
            rights.types == Bounds::Any || event_type.is_some_and(|event_type| rights.has_type(event_type))
        })
    }

    /// Whether one thing, of this source and this type, is within the bounds.
    pub(crate) fn sees(&self, source: &Source, event_type: Option<&EventType>) -> bool {
        self.0.as_ref().is_none_or(|rights| rights.has_source(source)) && self.sees_type(event_type)
    }
}

/// Names that a field can have.
type Names = BTreeSet<String>;

/// The names that the events of a question can have at a field; `None` for any.
fn chosen(filter: &Filter, field: &Field) -> Option<Names> {
    let tests = filter.all.iter().filter(|condition| condition.field == *field);
    let names = tests.filter_map(|condition| match &condition.test {
        Test::Equals(scalar) => Some(texts(std::slice::from_ref(scalar))),
        Test::OneOf(scalars) => Some(texts(scalars)),
        Test::Range { .. } | Test::Contains(_) => None,
    });
    // All conditions hold at once.
    names.reduce(|one, other| one.intersection(&other).cloned().collect())
}

/// What is no text is equal to no name.
fn texts(scalars: &[Scalar]) -> Names {
    let text = |scalar: &Scalar| match scalar {
        Scalar::String(text) => Some(text.clone()),
        _ => None,
    };
    scalars.iter().filter_map(text).collect()
}

fn beyond<T: ToString>(parameter: &str, own: &[T]) -> Failure {
    let own: Vec<String> = own.iter().map(ToString::to_string).collect();
    let (own, what) = (own.join(", "), if parameter == "source" { "of" } else { "of the type" });
    let how = match parameter {
        "source" => "say so by source=…",
        _ => "say so by category=… and, where a name stands there, name=…",
    };
    let detail = format!("the key of this request reads what is {what} {own}: {how}, or by a filter");
    Failure::new(Reason::NotPermitted, detail).about(parameter)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reader(sources: &[&str], types: &[&str]) -> Reader {
        let mut rights = Rights::new([]);
        if !sources.is_empty() {
            rights.sources = Bounds::Only(sources.iter().map(|name| name.parse().unwrap()).collect());
        }
        if !types.is_empty() {
            rights.types = Bounds::Only(types.iter().map(|name| name.parse().unwrap()).collect());
        }
        Reader(rights.is_bound_in_reading().then(|| Arc::new(rights)))
    }

    fn filter(conditions: &str) -> Filter {
        serde_json::from_str(&format!(r#"{{"all": [{conditions}]}}"#)).unwrap()
    }

    #[test]
    fn a_question_says_that_it_stays_within_its_sources() {
        let shop = reader(&["shop", "till"], &[]);
        for within in [
            r#"{"field": "source", "equals": "shop"}"#,
            r#"{"field": "source", "in": ["shop", "till"]}"#,
            r#"{"field": "source", "in": ["shop", "bank"]}, {"field": "source", "in": ["shop", "gym"]}"#,
            r#"{"field": "source", "contains": "o"}, {"field": "source", "equals": "till"}"#,
            r#"{"field": "source", "in": []}"#,
        ] {
            assert!(shop.check(&filter(within)).is_ok(), "{within}");
        }
        for beyond in [
            "",
            r#"{"field": "source", "equals": "bank"}"#,
            r#"{"field": "source", "in": ["shop", "bank"]}"#,
            r#"{"field": "source", "contains": "shop"}"#,
            r#"{"field": "source", "from": "shop", "to": "shop0"}"#,
            r#"{"field": "/source", "equals": "shop"}"#,
            r#"{"field": "name", "equals": "shop"}"#,
        ] {
            assert!(shop.check(&filter(beyond)).is_err(), "{beyond}");
            assert!(reader(&[], &[]).check(&filter(beyond)).is_ok());
        }
    }

    #[test]
    fn a_question_says_that_it_stays_within_its_types() {
        let orders = reader(&[], &["order", "invoice/paid"]);
        for within in [
            r#"{"field": "category", "equals": "order"}"#,
            r#"{"field": "category", "equals": "invoice"}, {"field": "name", "equals": "paid"}"#,
            r#"{"field": "category", "in": ["order", "invoice"]}, {"field": "name", "in": ["paid"]}"#,
        ] {
            assert!(orders.check(&filter(within)).is_ok(), "{within}");
        }
        for beyond in [
            "",
            r#"{"field": "name", "equals": "paid"}"#,
            r#"{"field": "category", "equals": "invoice"}"#,
            r#"{"field": "category", "in": ["order", "invoice"]}, {"field": "name", "in": ["paid", "sent"]}"#,
        ] {
            assert!(orders.check(&filter(beyond)).is_err(), "{beyond}");
        }
    }

    #[test]
    fn both_bounds_hold_at_once() {
        let both = reader(&["shop"], &["order"]);
        let (shop, bank) = ("shop".parse().unwrap(), "bank".parse().unwrap());
        let (order, invoice) = (
            EventType::new("order", "paid").unwrap(),
            EventType::new("invoice", "paid").unwrap(),
        );
        assert!(both.check_list(Some(&shop), Some(&order)).is_ok() && both.sees(&shop, Some(&order)));
        for (source, event_type) in [
            (None, Some(&order)),
            (Some(&shop), None),
            (Some(&bank), Some(&order)),
            (Some(&shop), Some(&invoice)),
        ] {
            assert!(both.check_list(source, event_type).is_err());
            assert!(source.is_none_or(|source| !both.sees(source, event_type)));
        }
    }
}
