//! A metric as JSON.

use serde::ser::SerializeMap as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::Metric;
use crate::event_type::EventType;
use crate::filter::{Field, object};
use crate::json::Pointer;
use crate::name::Label;

/// The JSON that is read; absent parts are left out.
impl Serialize for Metric {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("metric", &self.label)?;
        map.serialize_entry("category", &self.event_type.category)?;
        map.serialize_entry("name", &self.event_type.name)?;
        if let Some(value) = &self.value {
            map.serialize_entry("value", value)?;
        }
        if let Some(scale) = &self.scale {
            map.serialize_entry("scale", scale)?;
        }
        if !self.by.is_empty() {
            map.serialize_entry("by", &self.by)?;
        }
        if let Some(unique) = &self.unique {
            map.serialize_entry("unique", unique)?;
        }
        map.end()
    }
}

/// A metric as it is written, before it is checked.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    metric: Label,
    category: Label,
    name: Label,
    value: Option<Pointer>,
    scale: Option<u8>,
    #[serde(default)]
    by: Vec<Field>,
    unique: Option<Field>,
}

impl<'de> Deserialize<'de> for Metric {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Written {
            metric,
            category,
            name,
            value,
            scale,
            by,
            unique,
        } = object::read(deserializer)?;
        let metric = Metric::new(metric, EventType { category, name }, value, scale, by);
        let metric = metric.and_then(|metric| match unique {
            Some(field) => metric.with_unique(field),
            None => Ok(metric),
        });
        metric.map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn metric(rest: &str) -> Result<Metric, String> {
        let text = format!(r#"{{"metric":"sales","category":"order","name":"created"{rest}}}"#);
        serde_json::from_str(&text).map_err(|error| error.to_string())
    }

    #[test]
    fn what_is_no_metric() {
        for (rest, wrong) in [
            (r#","by":["/1","/2","/3","/4","/5","/6","/7","/8","/9"]"#, "more than 8"),
            (r#","by":["/a","subject","data./a"]"#, "twice"),
            (r#","by":["subject","category"]"#, "category or name"),
            (r#","by":["name"]"#, "category or name"),
            (r#","unique":"name""#, "one for all events"),
            (r#","by":["/a"],"unique":"data./a""#, "field of by"),
            (r#","unique":"who""#, "a field is"),
            (r#","scale":2"#, "without a value"),
            (r#","value":"/n","scale":13"#, "from 0 to 12"),
            (r#","value":"n""#, "JSON pointer"),
            (r#","colour":"red""#, "unknown field"),
            (r#","name":"x""#, "duplicate field"),
        ] {
            let error = metric(rest).unwrap_err();
            assert!(error.contains(wrong), "{rest}: {error}");
        }
        assert!(serde_json::from_str::<Metric>(r#"["sales","order","created"]"#).is_err());
        let least = metric("").unwrap();
        assert_eq!((least.value(), least.scale(), least.by()), (None, None, &[][..]));
        assert_eq!(
            serde_json::to_string(&least).unwrap(),
            r#"{"metric":"sales","category":"order","name":"created"}"#
        );
    }

    proptest! {
        #[test]
        fn it_reads_back(metric in crate::arbitrary::metric()) {
            let text = serde_json::to_string(&metric).unwrap();
            prop_assert_eq!(serde_json::from_str::<Metric>(&text).unwrap(), metric.clone());
            let value: serde_json::Value = serde_json::from_str(&text).unwrap();
            prop_assert_eq!(serde_json::from_value::<Metric>(value).unwrap(), metric);
        }
    }
}
