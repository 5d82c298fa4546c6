//! What a body says it is.

use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;

use crate::reply::{Failure, Reason};

/// A kind of body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Media {
    /// One JSON object, or an array of them.
    Json,
    /// One JSON object a line.
    Ndjson,
    /// A table of comma-separated values.
    Csv,
    /// A file of which only its sender knows what it holds.
    Bytes,
    /// A change of a JSON document.
    JsonPatch,
    /// The fields of a form, as a browser sends them.
    Form,
    /// One CloudEvent in structured mode.
    CloudEvent,
    /// An array of CloudEvents.
    CloudEventBatch,
}

impl Media {
    /// As it stands in a header.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Media::Json => "application/json",
            Media::Ndjson => "application/x-ndjson",
            Media::Csv => "text/csv",
            Media::Bytes => "application/octet-stream",
            Media::JsonPatch => "application/json-patch+json",
            Media::Form => "application/x-www-form-urlencoded",
            Media::CloudEvent => "application/cloudevents+json",
            Media::CloudEventBatch => "application/cloudevents-batch+json",
        }
    }

    /// Which of these kinds a request's content type names.
    ///
    /// # Errors
    /// If it names another kind or none, or another charset than UTF-8. That also keeps out what a
    /// foreign page can make a browser send without asking.
    pub(super) fn of(headers: &HeaderMap, kinds: &[Media]) -> Result<Media, Failure> {
        let mut values = headers.get_all(CONTENT_TYPE).iter();
        let text = match (values.next(), values.next()) {
            (Some(value), None) => value.to_str().unwrap_or_default(),
            _ => "",
        };
        let mut parts = text.split(';').map(str::trim);
        let essence = parts.next().unwrap_or_default();
        let named = |media: &&Media| media.as_str().eq_ignore_ascii_case(essence);
        let Some(media) = kinds.iter().find(named) else {
            let names: Vec<&str> = kinds.iter().map(|media| media.as_str()).collect();
            let detail = format!("the content type of a body is {}", names.join(" or "));
            return Err(Failure::new(Reason::UnsupportedMediaType, detail));
        };
        for parameter in parts {
            let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            let value = value.trim().trim_matches('"');
            if name.trim().eq_ignore_ascii_case("charset") && !value.eq_ignore_ascii_case("utf-8") {
                return Err(Failure::new(Reason::UnsupportedCharset, "bodies are UTF-8"));
            }
        }
        Ok(*media)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;
    use axum::response::IntoResponse as _;

    fn media(text: &'static str) -> Result<Media, u16> {
        let mut headers = HeaderMap::new();
        if !text.is_empty() {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(text));
        }
        let media = Media::of(&headers, &[Media::Json, Media::Ndjson]);
        media.map_err(|failure| failure.into_response().status().as_u16())
    }

    #[test]
    fn kinds_are_told_apart() {
        for text in [
            "application/json",
            "Application/JSON; charset=UTF-8",
            "application/json;charset=\"utf-8\"",
            "application/json; x=y",
        ] {
            assert_eq!(media(text), Ok(Media::Json), "{text}");
        }
        assert_eq!(media("application/x-ndjson"), Ok(Media::Ndjson));
        for text in [
            "",
            "text/plain",
            "application/jsonx",
            "application/x-www-form-urlencoded",
            "multipart/form-data",
            "application/json; charset=utf-16",
            "application/cloudevents+json",
        ] {
            assert_eq!(media(text), Err(415), "{text}");
        }
        let mut twice = HeaderMap::new();
        twice.append(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        twice.append(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        assert!(Media::of(&twice, &[Media::Json]).is_err());
    }
}
