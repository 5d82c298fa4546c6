//! What a `POST` of a key says: `{"sources": ["shop"], "access": ["write"], "types": …, "reach": …, "rate": …,
//! "quota": …, "expires_at": …, "note": …}`, of which the first is needed. What is shown of a key can be sent again.

use event_store::api_key::{Bounds, NewKey, Rate};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::definition;
use crate::reply::{Failure, Reason};

const WHOLE: &str = "a key has sources, and if need be access, types, reach, rate, quota, expires_at and note";

/// Reads what is asked for. What makes no sense together is for the store to say.
///
/// # Errors
/// What is wrong with the JSON, or which member.
pub(super) fn read(body: &[u8]) -> Result<NewKey, Failure> {
    let (mut new, mut sources) = (NewKey::any_source(), None);
    for (name, value) in definition::members(body, WHOLE)? {
        match name.as_str() {
            "sources" => sources = Some(bounds(&name, value)?),
            "access" => new = new.access(member::<Vec<_>>(&name, value)?),
            "types" => new.rights.types = bounds(&name, value)?,
            "reach" => new.rights.reach = member(&name, value)?,
            "rate" => new.rights.rate = rate(&name, value)?,
            "quota" => new.rights.quota = member(&name, value)?,
            "expires_at" => new.expires_at = member(&name, value)?,
            "note" => new.note = member(&name, value)?,
            _ => return Err(invalid(&name, WHOLE)),
        }
    }
    // Not any of them by mistake.
    let missing = || {
        invalid(
            "sources",
            "this is a list of sources, or \"any\", and cannot be left out",
        )
    };
    match sources.ok_or_else(missing)? {
        Bounds::Any => {}
        Bounds::Only(sources) if sources.is_empty() => return Err(missing()),
        Bounds::Only(sources) => new = sources.into_iter().fold(new, NewKey::source),
    }
    Ok(new)
}

fn bounds<T: DeserializeOwned>(name: &str, value: Value) -> Result<Bounds<T>, Failure> {
    match value {
        Value::String(any) if any == "any" => Ok(Bounds::Any),
        value => member(name, value).map(Bounds::Only),
    }
}

/// A number of events a second, or with it how many at once.
fn rate(name: &str, value: Value) -> Result<Option<Rate>, Failure> {
    match value {
        value @ Value::Number(_) => member(name, value).map(|events| Some(Rate::new(events))),
        value => member(name, value),
    }
}

fn member<T: DeserializeOwned>(name: &str, value: Value) -> Result<T, Failure> {
    serde_json::from_value(value).map_err(|error| invalid(name, &error.to_string()))
}

fn invalid(name: &str, detail: &str) -> Failure {
    Failure::new(Reason::InvalidKey, detail).at(format!("/{}", name.replace('~', "~0").replace('/', "~1")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::response::IntoResponse as _;
    use event_store::api_key::{Access, Reach};

    #[test]
    fn what_is_left_out_is_the_least() {
        let least = read(br#"{"sources": ["shop"]}"#).unwrap();
        assert_eq!(least, NewKey::new("shop".parse().unwrap()));
        let all = read(
            br#"{"sources": "any", "access": ["read", "admin"], "types": ["order", "a/b"], "reach": "all",
                 "rate": {"per_second": 7, "burst": 9}, "quota": 12, "note": "all", "expires_at": null}"#,
        );
        let all = all.unwrap();
        assert_eq!(all.rights.sources, Bounds::Any);
        assert_eq!((all.rights.types.named().len(), all.rights.reach), (2, Reach::All));
        assert!(all.rights.may(Access::Admin) && !all.rights.may(Access::Write));
        assert_eq!(
            (all.rights.rate, all.rights.quota),
            (
                Some(Rate {
                    per_second: 7,
                    burst: 9
                }),
                Some(12)
            )
        );
        assert_eq!(
            read(br#"{"sources": "any", "rate": 5}"#).unwrap().rights.rate,
            Some(Rate::new(5))
        );
    }

    #[test]
    fn what_is_wrong_is_told_with_its_place() {
        for (body, status) in [
            ("", 400),
            ("{}", 422),
            (r#"{"sources": []}"#, 422),
            (r#"{"sources": "shop"}"#, 422),
            (r#"{"sources": ["two words"]}"#, 422),
            (r#"{"sources": "any", "sources": ["shop"]}"#, 400),
            (r#"{"sources": "any", "access": "write"}"#, 422),
            (r#"{"sources": "any", "access": ["all"]}"#, 422),
            (r#"{"sources": "any", "types": ["a/b/c"]}"#, 422),
            (r#"{"sources": "any", "rate": -1}"#, 422),
            (r#"{"sources": "any", "rate": {"burst": 1}}"#, 422),
            (r#"{"sources": "any", "quota": 1.5}"#, 422),
            (r#"{"sources": "any", "expires": "2027-01-01T00:00:00Z"}"#, 422),
        ] {
            let refused = read(body.as_bytes()).unwrap_err();
            assert_eq!(refused.into_response().status(), status, "{body}");
        }
    }
}
