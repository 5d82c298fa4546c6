//! Who asks: anybody, until keys exist; from then on, whoever has one.
//!
//! A key comes in the header `Authorization: Bearer …` and nowhere else. Of one that stands in the URL
//! a browser's history, a proxy and a log would know.

use axum::extract::{Request, State};
use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, HeaderValue};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use event_store::api_key::Principal;
use event_store::{EventStore, Origin};

use crate::config::ServerConfig;
use crate::reply::{Failure, Reason};

/// Lets a request pass if its key is good, or if there are no keys at all. What comes in the body is
/// not read before.
pub(crate) async fn check(State(store): State<EventStore>, mut request: Request, next: Next) -> Response {
    if store.has_keys() {
        match principal(&store, request.headers()) {
            Ok(principal) => request.extensions_mut().insert(principal),
            Err(failure) => return failure.into_response(),
        };
    }
    // Nobody behind this has a use for it.
    request.headers_mut().remove(AUTHORIZATION);
    next.run(request).await
}

/// Whose key came with a request that was let pass; nobody's while there are no keys.
pub(crate) fn sender(request: &Request) -> Option<&Principal> {
    request.extensions().get()
}

/// For whom the events of a request speak: the source of its key, or any that they name.
pub(crate) fn origin(request: &Request, config: &ServerConfig) -> Origin {
    let mut origin = match sender(request) {
        Some(Principal { source, .. }) => Origin::only(source.clone()),
        None => Origin::new(config.source.clone()),
    };
    origin.zone = config.zone;
    origin
}

fn principal(store: &EventStore, headers: &HeaderMap) -> Result<Principal, Failure> {
    // Whatever is wrong, the answer is the same: it tells nobody how close a guess was.
    let refused = || {
        let detail = "this needs a key: send the header Authorization with Bearer, a space and the key";
        Failure::new(Reason::Unauthenticated, detail)
    };
    let key = bearer(headers)?.ok_or_else(refused)?;
    store.authenticate(key).ok_or_else(refused)
}

/// What stands behind `Bearer`; `None` where nothing does.
fn bearer(headers: &HeaderMap) -> Result<Option<&str>, Failure> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let value = values.next();
    if values.next().is_some() {
        // One of them may have been looked at by a proxy, and who knows which.
        let detail = "there are several headers Authorization: send one";
        return Err(Failure::new(Reason::AmbiguousAuth, detail));
    }
    Ok(value.and_then(token))
}

fn token(value: &HeaderValue) -> Option<&str> {
    let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
    Some(token.trim_matches(' ')).filter(|_| scheme.eq_ignore_ascii_case("bearer"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(values: &[&[u8]]) -> HeaderMap {
        let value = |value: &&[u8]| (AUTHORIZATION, HeaderValue::from_bytes(value).unwrap());
        values.iter().map(value).collect()
    }

    #[test]
    fn a_token_stands_behind_its_scheme() {
        for (value, expected) in [
            (&b"Bearer ev_1_2"[..], Some("ev_1_2")),
            (b"bearer ev_1_2", Some("ev_1_2")),
            (b"BEARER  ev_1_2 ", Some("ev_1_2")),
            (b"Bearer ", Some("")),
            (b"Bearer a b", Some("a b")),
            (b"Bearer a, Bearer b", Some("a, Bearer b")),
            (b"Bearer", None),
            (b"Bearerev_1_2", None),
            (b"Bearer\tev_1_2", None),
            (b" Bearer ev_1_2", None),
            (b"Basic ev_1_2", None),
            (b"ev_1_2", None),
            (b"", None),
            (b"Bearer \xff", None),
        ] {
            let headers = headers(&[value]);
            assert_eq!(bearer(&headers).unwrap(), expected, "{}", value.escape_ascii());
        }
        assert_eq!(bearer(&HeaderMap::new()).unwrap(), None);
    }

    #[test]
    fn two_headers_are_one_too_many() {
        let two: [&[&[u8]]; 3] = [
            &[b"Bearer a", b"Bearer a"],
            &[b"Basic a", b"Bearer a"],
            &[b"", b"Bearer a", b"Bearer b"],
        ];
        for values in two {
            assert_eq!(bearer(&headers(values)).unwrap_err().into_response().status(), 400);
        }
    }

    #[tokio::test]
    async fn every_way_to_have_no_key_gets_one_answer() {
        let store = EventStore::connect("sqlite::memory:").await.unwrap();
        let mut answers = Vec::new();
        for values in [&[][..], &[&b"Basic a"[..]], &[b"Bearer a"], &[b"Bearer \xff"]] {
            let response = principal(&store, &headers(values)).unwrap_err().into_response();
            assert_eq!(response.status(), 401);
            assert_eq!(response.headers()["www-authenticate"], "Bearer");
            let body = axum::body::to_bytes(response.into_body(), 10_000).await.unwrap();
            answers.push(body);
        }
        answers.dedup();
        assert_eq!(answers.len(), 1);
    }
}
