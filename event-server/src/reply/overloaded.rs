//! The one answer that has to be cheap, for it is given when there is no time: written once, but for the id of the request.

use std::sync::LazyLock;

use axum::http::HeaderValue;
use axum::http::header::RETRY_AFTER;
use axum::response::Response;

use super::answer::body;
use super::{Failure, OVERLOADED_SECONDS, Reason, Told, jittered};
use crate::request_id;

/// The problem without its last brace.
static PROBLEM: LazyLock<String> = LazyLock::new(|| {
    let mut text = serde_json::to_string(&Failure::overloaded().problem).unwrap_or_default();
    text.pop();
    text
});

/// What [`Failure::overloaded`] answers.
pub(crate) fn overloaded() -> Response {
    let mut text = String::with_capacity(PROBLEM.len() + 64);
    text.push_str(&PROBLEM);
    if let Some(id) = request_id::current() {
        // An id has nothing that JSON would have to escape.
        text.push_str(r#","instance":""#);
        text.push_str(id.as_str());
        text.push('"');
    }
    text.push('}');
    let (status, code) = Reason::Overloaded.parts();
    let mut response = body(status, "application/problem+json", text);
    let seconds = HeaderValue::from(jittered(OVERLOADED_SECONDS));
    response.headers_mut().insert(RETRY_AFTER, seconds);
    response.extensions_mut().insert(Told(code));
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request_id::RequestId;
    use axum::http::HeaderMap;
    use axum::response::IntoResponse as _;

    async fn parts(response: Response) -> (u16, Vec<String>, Option<&'static str>, serde_json::Value) {
        let (parts, body) = response.into_parts();
        let mut headers: Vec<String> = parts.headers.keys().map(ToString::to_string).collect();
        headers.sort();
        let body = axum::body::to_bytes(body, 10_000).await.unwrap();
        let told = parts.extensions.get().map(|Told(code)| *code);
        (
            parts.status.as_u16(),
            headers,
            told,
            serde_json::from_slice(&body).unwrap(),
        )
    }

    #[tokio::test]
    async fn it_says_what_the_failure_says() {
        let both = async || {
            (
                parts(overloaded()).await,
                parts(Failure::overloaded().into_response()).await,
            )
        };
        let (cheap, whole) = both().await;
        assert_eq!(cheap, whole);
        let (cheap, whole) = request_id::within(RequestId::of(&HeaderMap::new()), both()).await;
        assert_eq!(cheap, whole);
        assert!(cheap.3["instance"].is_string(), "{}", cheap.3);
        let seconds = |response: Response| response.headers()[RETRY_AFTER].to_str().unwrap().parse::<u64>();
        assert!((4..=7).contains(&seconds(overloaded()).unwrap()));
    }
}
