//! `/login`, `/logout`: a browser shows a key once, and has a cookie from then on.

use axum::extract::{Request, State};
use axum::http::HeaderMap;
use axum::response::Response;
use event_core::Code;
use event_core::query::ParameterError;

use super::super::App;
use super::form;
use crate::auth;
use crate::page::login::{self, Welcome};
use crate::reply::{self, Failure};
use crate::target::{NoParameters, Parameters};

pub(super) async fn ask(State(app): State<App>, parameters: Parameters) -> Result<Response, Failure> {
    let [again] = parameters.once(["again"])?;
    let welcome = match again {
        _ if !app.store.has_keys() => Welcome::Open,
        None | Some("false") => Welcome::First,
        Some("true") => Welcome::Again,
        Some(_) => {
            let message = "this is true or false";
            return Err(ParameterError::new("again", Code::InvalidParameter, message).into());
        }
    };
    Ok(reply::page(login::render(welcome)))
}

pub(super) async fn begin(State(app): State<App>, _: NoParameters, request: Request) -> Result<Response, Failure> {
    auth::check_site(request.headers())?;
    let (peer, headers) = (auth::peer(&request), request.headers().clone());
    let form = form::read(request, &app).await?;
    let [key] = form.once(["key"])?;
    if !app.store.has_keys() {
        return Ok(reply::elsewhere("./"));
    }
    let tried = app.guard.log_in(key.unwrap_or_default().trim(), &headers, peer);
    app.meter.login(match &tried {
        Ok(Some(_)) => "good",
        Ok(None) => "none",
        Err(_) => "too_many",
    });
    Ok(match tried? {
        Some(cookie) => reply::elsewhere_with("./", &cookie),
        None => reply::elsewhere("login?again=true"),
    })
}

pub(super) async fn end(State(app): State<App>, _: NoParameters, headers: HeaderMap) -> Result<Response, Failure> {
    auth::check_site(&headers)?;
    Ok(reply::elsewhere_with("login", &app.guard.log_out(&headers)))
}
