//! The target of a request, decoded and checked: names in the path, parameters behind it.

use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;
use event_core::query::ParameterError;
use event_core::upcaster::{Target, TargetError};
use event_core::{Code, EventType, Label};
use percent_encoding::percent_decode_str;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::reply::{Failure, Reason};

/// Names in the path, by the grammar of their types.
pub(crate) struct Named<T>(pub(crate) T);

/// `{category}/{name}/{version}`.
#[derive(Clone, Deserialize)]
pub(crate) struct TypeVersion {
    category: Label,
    name: Label,
    version: Label,
}

/// `{category}/{name}`.
#[derive(Clone, Deserialize)]
pub(crate) struct TypeName {
    category: Label,
    name: Label,
}

impl From<TypeName> for EventType {
    fn from(TypeName { category, name }: TypeName) -> Self {
        EventType { category, name }
    }
}

impl TypeVersion {
    pub(crate) fn split(self) -> (EventType, Label) {
        let TypeVersion {
            category,
            name,
            version,
        } = self;
        (EventType { category, name }, version)
    }
}

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Named<T> {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        match Path::from_request_parts(parts, state).await {
            Ok(Path(names)) => Ok(Named(names)),
            Err(_) => Err(Failure::new(
                Reason::InvalidPath,
                "a name in the path is not UTF-8, or breaks its grammar: ids have 1 to 128 bytes of printable ASCII, \
                 category, name, version and metric 1 to 100 characters without control characters",
            )),
        }
    }
}

/// The parameters, decoded, in their order.
pub(crate) struct Parameters(Vec<(String, String)>);

impl Parameters {
    fn read(query: &str) -> Result<Self, ParameterError> {
        let pairs = query.split('&').filter(|pair| !pair.is_empty());
        let decoded = pairs.map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let wrong = || ParameterError::new(name, Code::InvalidParameter, "this is not UTF-8");
            Ok((decode(name).ok_or_else(wrong)?, decode(value).ok_or_else(wrong)?))
        });
        decoded.collect::<Result<_, _>>().map(Parameters)
    }

    pub(crate) fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The values of parameters that may be given once each.
    ///
    /// # Errors
    /// The first parameter that is none of these, or is given twice.
    pub(crate) fn once<const N: usize>(&self, known: [&str; N]) -> Result<[Option<&str>; N], ParameterError> {
        let mut values = [None; N];
        for (name, value) in self.pairs() {
            let Some(at) = known.iter().position(|known| *known == name) else {
                let there = if N == 0 {
                    "there are none".to_owned()
                } else {
                    format!("there are {}", known.join(", "))
                };
                return Err(ParameterError::new(
                    name,
                    Code::UnknownParameter,
                    format!("unknown parameter; {there}"),
                ));
            };
            if values[at].replace(value).is_some() {
                return Err(ParameterError::new(name, Code::InvalidParameter, "this is given twice"));
            }
        }
        Ok(values)
    }
}

fn decode(text: &str) -> Option<String> {
    let spaced = text.replace('+', " ");
    percent_decode_str(&spaced).decode_utf8().ok().map(String::from)
}

impl<S: Sync> FromRequestParts<S> for Parameters {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Failure> {
        Ok(Parameters::read(parts.uri.query().unwrap_or_default())?)
    }
}

/// The version as which events are to be shown.
///
/// # Errors
/// If the text of the parameter names none.
pub(crate) fn upcast(text: Option<&str>) -> Result<Option<Target>, ParameterError> {
    let read = text.map(str::parse).transpose();
    read.map_err(|error: TargetError| ParameterError::new("upcast", Code::InvalidParameter, error.to_string()))
}

/// That there are no parameters.
pub(crate) struct NoParameters;

impl<S: Sync> FromRequestParts<S> for NoParameters {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        Parameters::from_request_parts(parts, state).await?.once([])?;
        Ok(NoParameters)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_decoded_once() {
        let parameters = Parameters::read("data./a%20b=x%26y+z&&limit=2&flag").unwrap();
        let pairs: Vec<_> = parameters.pairs().collect();
        assert_eq!(pairs, [("data./a b", "x&y z"), ("limit", "2"), ("flag", "")]);
        let error = Parameters::read("a=%ff").err().unwrap();
        assert_eq!((error.parameter.as_str(), error.code), ("a", Code::InvalidParameter));
    }

    #[test]
    fn what_is_unknown_or_given_twice_is_named() {
        let parameters = Parameters::read("a=1&b=2").unwrap();
        assert_eq!(parameters.once(["b", "a", "c"]).unwrap(), [Some("2"), Some("1"), None]);
        let error = parameters.once(["a"]).unwrap_err();
        assert_eq!((error.parameter.as_str(), error.code), ("b", Code::UnknownParameter));
        let error = Parameters::read("a=1&a=1").unwrap().once(["a"]).unwrap_err();
        assert_eq!(error.code, Code::InvalidParameter);
        assert!(Parameters::read("").unwrap().once([]).is_ok());
    }
}
