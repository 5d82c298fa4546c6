//! What becomes of a type's versions over time: compared, tried on the events that are there, inferred from them.

use axum::extract::{Request, State};
use axum::response::Response;
use event_core::query::ParameterError;
use event_core::{Code, Label};
use event_store::compare::Compared;
use event_store::trial::{Refused, Sample, Trial};
use serde::Serialize;

use super::{App, definition};
use crate::body::{self, Media};
use crate::reply::{self, Failure, Reason};
use crate::target::{Named, Parameters, TypeName, TypeVersion};

/// So many events are looked at where nobody says how many, and so many at the most.
const LAST: usize = 10_000;
const MOST: usize = 1_000_000;

/// `GET …/{version}/compatibility?with=…`: with another version, by default the active one.
pub(super) async fn compatibility(
    State(app): State<App>,
    Named(names): Named<TypeVersion>,
    parameters: Parameters,
) -> Result<Response, Failure> {
    let [with] = parameters.once(["with"])?;
    let with = with
        .map(Label::new)
        .transpose()
        .map_err(|error| ParameterError::new("with", Code::InvalidParameter, error.to_string()))?;
    let (event_type, version) = names.split();
    let compared = app.store.compare(&event_type, with.as_ref(), &version).await?;
    let compared =
        compared.ok_or_else(|| Failure::new(Reason::TypeNotFound, "a version of the two is not registered"))?;
    Ok(reply::json(&compared))
}

#[derive(Serialize)]
struct Tried {
    #[serde(flatten)]
    trial: Trial,
    #[serde(skip_serializing_if = "Option::is_none")]
    compatibility: Option<Compared>,
}

/// `POST …/schema/trial?last=…&refused=tried`: a definition, tried on the newest events.
pub(super) async fn try_out(
    State(app): State<App>,
    Named(names): Named<TypeName>,
    parameters: Parameters,
    request: Request,
) -> Result<Response, Failure> {
    let [last, refused] = parameters.once(["last", "refused"])?;
    let refused = match refused {
        None | Some("left_out") => Refused::LeftOut,
        Some("tried") => Refused::Tried,
        Some(_) => {
            let message = "this is tried or left_out";
            return Err(ParameterError::new("refused", Code::InvalidParameter, message).into());
        }
    };
    let sample = Sample {
        last: count(last)?,
        refused,
    };
    let (_, body) = body::read(request, &app.config, &[Media::Json]).await?;
    let (change, _) = definition::read(&body)?;
    let Some(schema) = change.schema else {
        return Err(definition::invalid("schema", "a trial is of a schema"));
    };
    let event_type = names.into();
    let trial = app.store.trial(&event_type, &schema, sample).await?;
    let compatibility = app.store.compare_candidate(&event_type, &schema).await?;
    Ok(reply::json(&Tried { trial, compatibility }))
}

/// `GET …/schema/inferred?last=…`: what the newest events have in common.
pub(super) async fn inferred(
    State(app): State<App>,
    Named(names): Named<TypeName>,
    parameters: Parameters,
) -> Result<Response, Failure> {
    let [last] = parameters.once(["last"])?;
    Ok(reply::json(&app.store.infer(&names.into(), count(last)?).await?))
}

fn count(text: Option<&str>) -> Result<usize, ParameterError> {
    let Some(text) = text else { return Ok(LAST) };
    let count = text.parse().ok().filter(|count| (1..=MOST).contains(count));
    let message = || format!("this is a number from 1 to {MOST}");
    count.ok_or_else(|| ParameterError::new("last", Code::InvalidParameter, message()))
}
