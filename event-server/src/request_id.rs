//! The id of a request: in its answer, in the log, and in the problem that it is told.

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use bytes::Bytes;
use serde::{Serialize, Serializer};
use uuid::Uuid;
use uuid::fmt::Simple;

/// The header in which a proxy names a request, and in which it is named in the answer.
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Longer ones are somebody else's idea of an id.
const MOST_BYTES: usize = 64;

tokio::task_local! {
    static CURRENT: RequestId;
}

/// An id that is fit for headers, logs and JSON as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RequestId(Bytes);

impl Serialize for RequestId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl RequestId {
    /// The id that came with a request if it can be taken, or else a new one.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let mut given = headers.get_all(REQUEST_ID).iter();
        match (given.next().and_then(|value| value.to_str().ok()), given.next()) {
            (Some(text), None) if is_sane(text) => RequestId(Bytes::copy_from_slice(text.as_bytes())),
            _ => {
                let mut text = [0; Simple::LENGTH];
                Uuid::now_v7().simple().encode_lower(&mut text);
                RequestId(Bytes::copy_from_slice(&text))
            }
        }
    }

    pub(crate) fn as_str(&self) -> &str {
        // It is never anything else.
        std::str::from_utf8(&self.0).unwrap_or("-")
    }

    /// For a header of the answer.
    pub(crate) fn to_header(&self) -> HeaderValue {
        // Letters, digits and four signs are always fit for one.
        HeaderValue::from_maybe_shared(self.0.clone()).unwrap_or(HeaderValue::from_static("-"))
    }
}

/// Whether an id is one, and no way to write something else into a log.
fn is_sane(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte);
    (1..=MOST_BYTES).contains(&text.len()) && text.bytes().all(plain)
}

/// Answers a request under its id.
pub(crate) fn within<T>(id: RequestId, answer: impl Future<Output = T>) -> impl Future<Output = T> {
    CURRENT.scope(id, answer)
}

/// The id of the request that is answered here and now; none outside of requests.
pub(crate) fn current() -> Option<RequestId> {
    CURRENT.try_with(Clone::clone).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(values: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(REQUEST_ID, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        RequestId::of(&headers).as_str().to_owned()
    }

    #[test]
    fn a_sane_id_is_taken_and_any_other_is_replaced() {
        for text in ["1", "7f8c-02.a:b_C", &"x".repeat(64)] {
            assert_eq!(id(&[text]), text);
        }
        for values in [
            &[][..],
            &[""],
            &["a b"],
            &["é"],
            &["a\"b"],
            &["{}"],
            &[&"x".repeat(65)],
            &["a", "b"],
        ] {
            let made = id(values);
            assert_eq!(made.len(), 32, "{values:?}");
            assert!(is_sane(&made));
        }
        assert_ne!(id(&[]), id(&[]));
    }

    #[tokio::test]
    async fn an_id_is_known_while_its_request_is_answered() {
        assert_eq!(current(), None);
        let wanted = RequestId(Bytes::from_static(b"r-1"));
        assert_eq!(within(wanted.clone(), async { current() }).await, Some(wanted));
    }
}
