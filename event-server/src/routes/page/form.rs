//! The fields of a form that a browser sends.

use axum::extract::Request;
use event_core::Code;
use event_core::query::{ParameterError, Parameters};

use super::super::App;
use crate::body::{self, Media};
use crate::reply::Failure;

/// Reads the fields.
///
/// # Errors
/// If the body is none that a form sends, or is not UTF-8.
pub(super) async fn read(request: Request, app: &App) -> Result<Parameters, Failure> {
    let (_, body) = body::read(request, &app.config, &[Media::Form]).await?;
    let wrong = |_| ParameterError::new("", Code::InvalidParameter, "the form is not UTF-8");
    let text = std::str::from_utf8(&body).map_err(wrong)?;
    Ok(Parameters::read(text)?)
}
