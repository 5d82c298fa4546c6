//! What is counted of the events of one type while they are stored, so that nobody counts it later.

mod scale;
mod written;

use crate::event_type::EventType;
use crate::filter::{Condition, Field, Filter, Found};
use crate::json::Pointer;
use crate::name::Label;

/// Of which events, by which fields, and of which number a store keeps cells: the count, the sum
/// and the extremes for each combination of values and each minute, hour and day; and of which field it
/// keeps a [sketch](crate::aggregate::Sketch) beside each, which tells about how many different values it has.
///
/// ```
/// use event_core::metric::{Metric, MetricError};
/// use event_core::{EventType, Label, Limits, Payload};
/// let sales: Metric = serde_json::from_str(
///     r#"{"metric":"sales","category":"order","name":"created","value":"/total","scale":2,"by":["subject","/province"]}"#,
/// )?;
/// let order = EventType::new("order", "created")?;
/// let built = Metric::new(
///     Label::new("sales")?, order.clone(), Some("/total".parse()?), Some(2),
///     vec!["subject".parse()?, "/province".parse()?],
/// )?;
/// assert_eq!(sales, built);
/// assert_eq!(Metric::new(Label::new("sales")?, order, None, Some(2), vec![]), Err(MetricError::ScaleOfNothing));
///
/// let cents = Payload::parse(br#"{"total": 9.99}"#, &Limits::default())?;
/// assert_eq!(sales.check(&cents), Ok(()));
/// let mills = Payload::parse(br#"{"total": 9.999}"#, &Limits::default())?;
/// assert_eq!(sales.check(&mills).unwrap_err().keyword, "measure_out_of_range");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Metric {
    label: Label,
    event_type: EventType,
    value: Option<Pointer>,
    scale: Option<u8>,
    by: Vec<Field>,
    unique: Option<Field>,
}

/// What is wrong with a [`Metric`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MetricError {
    /// `by` names more fields than [`Metric::MAX_FIELDS`].
    #[error("by names more than 8 fields")]
    TooManyFields,
    /// `by` names a field twice.
    #[error("by names a field twice")]
    RepeatedField,
    /// `by` names category or name.
    #[error("by names category or name, which are one for all events of a metric")]
    PinnedField,
    /// `unique` names category or name.
    #[error("unique names category or name, which are one for all events of a metric")]
    PinnedUnique,
    /// `unique` names a field of `by`.
    #[error("unique names a field of by, whose values the cells tell apart as it is")]
    UniqueOfBy,
    /// A scale without a value.
    #[error("a scale without a value: name the number that it is the scale of")]
    ScaleOfNothing,
    /// A scale above [`Metric::MAX_SCALE`].
    #[error("a scale is a number of decimal places from 0 to 12")]
    ScaleTooGreat,
}

impl Metric {
    /// The most fields of `by`: every combination of their values is a cell.
    pub const MAX_FIELDS: usize = 8;
    /// The most decimal places that a scale declares.
    pub const MAX_SCALE: u8 = 12;

    /// A metric: its name, of which events, of which number of theirs, with how many decimal
    /// places, and by which fields. Without `value` the events are only counted.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn new(
        label: Label,
        event_type: EventType,
        value: Option<Pointer>,
        scale: Option<u8>,
        by: Vec<Field>,
    ) -> Result<Self, MetricError> {
        if by.len() > Metric::MAX_FIELDS {
            return Err(MetricError::TooManyFields);
        }
        if by.iter().any(is_pinned) {
            return Err(MetricError::PinnedField);
        }
        if by.iter().enumerate().any(|(at, field)| by[..at].contains(field)) {
            return Err(MetricError::RepeatedField);
        }
        if scale.is_some() && value.is_none() {
            return Err(MetricError::ScaleOfNothing);
        }
        if scale.is_some_and(|scale| scale > Metric::MAX_SCALE) {
            return Err(MetricError::ScaleTooGreat);
        }
        Ok(Metric {
            label,
            event_type,
            value,
            scale,
            by,
            unique: None,
        })
    }

    /// The same metric with a sketch of a field's different values in every cell: about three kilobytes for each
    /// group's minute, hour and day where there are many, eight bytes a value where there are few.
    ///
    /// ```
    /// use event_core::metric::{Metric, MetricError};
    /// let views: Metric = serde_json::from_str(
    ///     r#"{"metric":"views","category":"page","name":"viewed","by":["/host"],"unique":"subject"}"#,
    /// )?;
    /// assert_eq!(views.unique(), Some(&"subject".parse()?));
    /// assert!(views.covers(&event_core::Query::new("about_unique:subject".parse()?)));
    /// assert_eq!(views.with_unique("/host".parse()?), Err(MetricError::UniqueOfBy));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// If there is nothing to be counted of the field: it has one value in every cell.
    pub fn with_unique(self, field: Field) -> Result<Self, MetricError> {
        if is_pinned(&field) {
            return Err(MetricError::PinnedUnique);
        }
        if self.by.contains(&field) {
            return Err(MetricError::UniqueOfBy);
        }
        Ok(Metric {
            unique: Some(field),
            ..self
        })
    }

    /// Its own name.
    #[must_use]
    pub fn label(&self) -> &Label {
        &self.label
    }

    /// Of which events.
    #[must_use]
    pub fn event_type(&self) -> &EventType {
        &self.event_type
    }

    /// Where the measured number is; `None` if the events are only counted.
    #[must_use]
    pub fn value(&self) -> Option<&Pointer> {
        self.value.as_ref()
    }

    /// The decimal places that all measured numbers keep to, where that is declared.
    #[must_use]
    pub fn scale(&self) -> Option<u8> {
        self.scale
    }

    /// The fields that tell its cells apart.
    #[must_use]
    pub fn by(&self) -> &[Field] {
        &self.by
    }

    /// The field whose different values are told by a sketch in every cell, if there is one.
    #[must_use]
    pub fn unique(&self) -> Option<&Field> {
        self.unique.as_ref()
    }

    /// Whether the conditions of a filter on category and name hold for its events.
    #[must_use]
    pub fn admitted_by(&self, filter: &Filter) -> bool {
        let holds = |Condition { field, test }: &Condition| {
            self.pinned(field)
                .is_none_or(|text| test.holds(Some(&Found::Text(text.as_str()))))
        };
        filter.all.iter().all(holds)
    }

    /// What all of its events have at a field, where the type says it.
    pub(crate) fn pinned(&self, field: &Field) -> Option<&Label> {
        match field {
            Field::Category => Some(&self.event_type.category),
            Field::Name => Some(&self.event_type.name),
            _ => None,
        }
    }
}

fn is_pinned(field: &Field) -> bool {
    matches!(field, Field::Category | Field::Name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::filter::Test;

    #[test]
    fn a_filter_admits_a_type() {
        let metric = serde_json::from_str::<Metric>(
            r#"{"metric":"sales","category":"order","name":"created","by":["subject"]}"#,
        )
        .unwrap();
        for (field, test, admitted) in [
            (Field::Category, Test::equals("order"), true),
            (Field::Category, Test::equals("Order"), false),
            (Field::Name, Test::one_of(["paid", "created"]), true),
            (Field::Name, Test::contains("eat"), true),
            (Field::Name, Test::range(Some("d"), None), false),
            (Field::Subject, Test::equals("nobody"), true),
        ] {
            let filter = Filter::new().and(field, test);
            assert_eq!(metric.admitted_by(&filter), admitted, "{filter:?}");
        }
    }
}
