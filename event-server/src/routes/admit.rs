//! What holds for every route.

use axum::extract::Request;
use axum::response::{IntoResponse as _, Response};

use super::around::{Around, Inner};
use super::{App, IMPORT, page, shed};
use crate::body::{self, Content};
use crate::reply::{self, Failure, Reason};

/// So many bytes of headers are taken; the connection's buffer itself is not so exact.
const HEADER_BYTES: usize = 64 * 1024;

/// Lets those requests through that keep to the bounds of all, as long as there is room.
#[derive(Clone)]
pub(super) struct Admit;

impl Around for Admit {
    async fn around(app: App, request: Request, inner: impl Inner) -> Response {
        if !shed::is_let_in(&app, &request) {
            // In a box, as what follows is: neither makes the future larger for all others.
            return Box::pin(shed::turn_away(&app, request)).await;
        }
        let request = match bounded(request, &app) {
            Ok(request) => request,
            Err(failure) => return failure.into_response(),
        };
        let people = page::People::of(&request);
        let response = reply::caught(|| inner.answer(request)).await;
        if people.see(&response) {
            return Box::pin(people.shown(response)).await;
        }
        response
    }
}

fn bounded(request: Request, app: &App) -> Result<Request, Failure> {
    let content = if request.uri().path() == IMPORT {
        Content::File
    } else {
        Content::Whole
    };
    let request = body::bound(request, content, &app.config, app.meter.received())?;
    let header_bytes: usize = request
        .headers()
        .iter()
        .map(|(name, value)| name.as_str().len() + value.len() + 4)
        .sum();
    if header_bytes > HEADER_BYTES {
        let detail = format!("headers have at the most {HEADER_BYTES} bytes");
        return Err(Failure::new(Reason::HeadersTooLarge, detail));
    }
    if request.uri().path().contains("%00") {
        return Err(Failure::new(Reason::InvalidPath, "the path holds U+0000"));
    }
    Ok(request)
}
