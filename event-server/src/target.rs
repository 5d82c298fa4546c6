//! The target of a request, decoded and checked: names in the path, parameters behind it.

use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;
use event_core::query::ParameterError;
use event_core::upcaster::{Target, TargetError};
use event_core::{Code, EventType, Label};
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
pub(crate) struct Parameters(event_core::query::Parameters);

impl Parameters {
    pub(crate) fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.pairs()
    }

    /// The values of parameters that may be given once each.
    ///
    /// # Errors
    /// The first parameter that is none of these, or is given twice.
    pub(crate) fn once<const N: usize>(&self, known: [&str; N]) -> Result<[Option<&str>; N], ParameterError> {
        self.0.once(known)
    }
}

impl<S: Sync> FromRequestParts<S> for Parameters {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Failure> {
        let query = parts.uri.query().unwrap_or_default();
        Ok(Parameters(event_core::query::Parameters::read(query)?))
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

/// A position in the log, which a parameter gives.
///
/// # Errors
/// If its text is none.
pub(crate) fn position(name: &str, text: Option<&str>) -> Result<Option<i64>, ParameterError> {
    let read = |text: &str| {
        let digits = text.bytes().all(|byte| byte.is_ascii_digit());
        let position = text.parse().ok().filter(|_| digits);
        position.ok_or_else(|| wrong(name, "this is a position, a whole number from 0"))
    };
    text.map(read).transpose()
}

/// A parameter whose value cannot be used.
pub(crate) fn wrong(name: &str, message: impl Into<String>) -> ParameterError {
    ParameterError::new(name, Code::InvalidParameter, message)
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
