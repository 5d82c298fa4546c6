//! A question as JSON, or as the parameters of a URL: what is written reads back as it was.

use serde::ser::SerializeMap as _;
use serde::{Serialize, Serializer};

use super::draft::INSIDE;
use super::{Bucket, Query};
use crate::filter::{Condition, Scalar, Test};

/// The JSON that [`Query::from_json`] reads; absent parts are left out.
///
/// ```
/// use event_core::query::{Measure, Unit, Bucket};
/// use event_core::filter::{Field, Test};
/// use event_core::{Filter, Query};
/// let query = Query::new(Measure::Sum("/total".parse()?))
///     .with_filter(Filter::new().and(Field::Category, Test::equals("order")))
///     .by(Field::Name)
///     .per(Bucket::utc(Unit::Day));
/// let text = serde_json::to_string(&query)?;
/// assert_eq!(
///     text,
///     r#"{"measure":"sum:/total","by":["name"],"bucket":"day","zone":"UTC","filter":{"all":[{"field":"category","equals":"order"}]}}"#
/// );
/// assert_eq!(Query::from_json(text.as_bytes())?, query);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
impl Serialize for Query {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("measure", &self.measure)?;
        if !self.by.is_empty() {
            map.serialize_entry("by", &self.by)?;
        }
        if let Some(Bucket { unit, zone }) = &self.bucket {
            map.serialize_entry("bucket", unit)?;
            map.serialize_entry("zone", zone.name())?;
        }
        if let Some(from) = &self.from {
            map.serialize_entry("from", from)?;
        }
        if let Some(to) = &self.to {
            map.serialize_entry("to", to)?;
        }
        if let Some(top) = &self.top {
            map.serialize_entry("top", top)?;
        }
        if !self.filter.is_empty() {
            map.serialize_entry("filter", &self.filter)?;
        }
        map.end()
    }
}

impl Query {
    /// The parameters, not yet encoded, that [`Query::from_pairs`] reads; `None` if only JSON can say
    /// it, which knows more filters: ranges, sets, and any kind of value.
    ///
    /// ```
    /// use event_core::filter::{Field, Test};
    /// use event_core::query::Measure;
    /// use event_core::{Filter, Query};
    /// let query = Query::new(Measure::Count).by(Field::Name).top(3);
    /// let category = Filter::new().and(Field::Category, Test::equals("order"));
    /// let pairs = query.clone().with_filter(category).to_pairs().unwrap_or_default();
    /// let pairs: Vec<String> = pairs.iter().map(|(name, value)| format!("{name}={value}")).collect();
    /// assert_eq!(pairs.join("&"), "measure=count&by=name&top=3&category=order");
    ///
    /// let dear = Filter::new().and("/price".parse()?, Test::range(Some(100), None));
    /// assert_eq!(query.with_filter(dear).to_pairs(), None);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn to_pairs(&self) -> Option<Vec<(String, String)>> {
        let mut pairs = vec![("measure".to_owned(), self.measure.to_string())];
        let mut say = |name: &str, value: String| pairs.push((name.to_owned(), value));
        for field in &self.by {
            say("by", field.to_string());
        }
        if let Some(Bucket { unit, zone }) = &self.bucket {
            say("bucket", unit.to_string());
            say("zone", zone.name().to_owned());
        }
        if let Some(from) = &self.from {
            say("from", from.to_string());
        }
        if let Some(to) = &self.to {
            say("to", to.to_string());
        }
        if let Some(top) = &self.top {
            say("top", top.to_string());
        }
        for condition in &self.filter.all {
            let Condition { field, test } = condition;
            match test {
                Test::Contains(text) => say(&format!("{INSIDE}{field}"), text.clone()),
                test => say(&field.to_string(), text(test)?.to_owned()),
            }
        }
        // Whether a text is read as this test and no other is best known to who reads it.
        let read = Query::from_pairs(pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())));
        (read.as_ref() == Ok(self)).then_some(pairs)
    }
}

/// The text of a parameter that may stand for a test.
fn text(test: &Test) -> Option<&str> {
    let scalar = match test {
        Test::Equals(scalar) => Some(scalar),
        // A text that is also the text of a number chooses both.
        Test::OneOf(scalars) => scalars.first(),
        _ => None,
    };
    match scalar {
        Some(Scalar::String(text)) => Some(text),
        _ => None,
    }
}
