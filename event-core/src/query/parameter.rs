//! What is wrong with one parameter of a question.

use super::QueryError;
use crate::code::Code;

/// One parameter of a question is wrong, and which.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{parameter}: {message}")]
pub struct ParameterError {
    /// The name of the parameter, or of the member of the JSON object; empty for the whole.
    pub parameter: String,
    /// What is wrong, for programs.
    pub code: Code,
    /// What is wrong, for people.
    pub message: String,
}

impl ParameterError {
    /// An error of one parameter.
    pub fn new(parameter: impl Into<String>, code: Code, message: impl Into<String>) -> Self {
        ParameterError {
            parameter: parameter.into(),
            code,
            message: message.into(),
        }
    }

    /// The same error by the name that the parameter came under, see
    /// [`Parameters::translated`](super::Parameters::translated). One that is unknown has no other name.
    #[must_use]
    pub fn translated(mut self, names: &[(&str, &str)]) -> Self {
        let known = self.code != Code::UnknownParameter;
        if let Some((outside, _)) = names.iter().find(|(_, inside)| known && *inside == self.parameter) {
            self.parameter = (*outside).to_owned();
        }
        self
    }

    pub(crate) fn unknown(parameter: &str, known: &str) -> Self {
        ParameterError::new(
            parameter,
            Code::UnknownParameter,
            format!("unknown parameter; there are {known}"),
        )
    }
}

impl From<QueryError> for ParameterError {
    fn from(error: QueryError) -> Self {
        let parameter = match error {
            QueryError::InvalidRange | QueryError::RangeTooLarge => "to",
            QueryError::InvalidLimit => "top",
            QueryError::RepeatedField | QueryError::TooManyFields => "by",
            QueryError::TooManyConditions => "filter",
            QueryError::InvalidSteps => "steps",
            QueryError::InvalidPeriods => "periods",
        };
        ParameterError::new(parameter, error.code(), error.to_string())
    }
}
