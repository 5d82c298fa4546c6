//! A body of many events → offers → verdicts.

use axum::extract::Request;
use event_core::foreign::{Batch, outline};
use event_core::wire::{self, BatchReply};
use event_store::api_key::Principal;
use event_store::{Error, Offer, Origin};
use futures_util::TryFutureExt as _;
use tokio::time::sleep;

use super::App;
use crate::auth;
use crate::body::{self, Media};
use crate::config::ServerConfig;
use crate::peer::Peer;
use crate::reply::{self, Failure, Reason};

/// The events of a body, each by itself.
///
/// # Errors
/// If the body is no batch of events, or one of too many.
pub(super) fn split<'a>(media: Media, body: &'a [u8], config: &ServerConfig) -> Result<Vec<&'a [u8]>, Failure> {
    let items = match media {
        Media::Ndjson => wire::split_ndjson(body).take(config.batch_events + 1).collect(),
        Media::CloudEvent | Media::CloudEventBatch => {
            let items = wire::split_json(body)?;
            let array = body.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'[');
            if array != (media == Media::CloudEventBatch) {
                let detail = "one CloudEvent is an object, a batch of them an array, each with its own content type";
                return Err(Failure::new(Reason::InvalidEnvelope, detail));
            }
            items
        }
        _ => wire::split_json(body)?,
    };
    bounded(items.len(), config)?;
    Ok(items)
}

fn bounded(events: usize, config: &ServerConfig) -> Result<(), Failure> {
    if events > config.batch_events {
        let detail = format!("a request holds at the most {} events", config.batch_events);
        return Err(Failure::new(Reason::BatchTooLarge, detail));
    }
    Ok(())
}

/// Who sends what other people's clients send; told before the events are looked at, which costs more than to send them.
///
/// # Errors
/// If the key is of no use, or there are too many events.
pub(super) fn sender(
    app: &App,
    key: Option<String>,
    body: &[u8],
    peer: Option<Peer>,
) -> Result<Option<Principal>, Failure> {
    let outline = outline(body)?;
    let sender = app.guard.by_key(key.or(outline.key).as_deref(), peer)?;
    bounded(outline.messages, &app.config)?;
    Ok(sender)
}

/// Has the events of other people's clients judged and stored.
///
/// # Errors
/// If that could not be done.
pub(super) async fn foreign(app: &App, batch: Batch, sender: Option<&Principal>) -> Result<BatchReply, Failure> {
    let offers = batch.events.into_iter().map(Offer::ByClockOfSender).collect();
    ingest(app, offers, &auth::origin_of(sender, &app.config)).await
}

/// Reads a body of events. Whoever finds no room any more when it has come is spared the work of having it taken apart.
///
/// # Errors
/// If there is no room, or the body is none that is read here.
pub(super) fn read(
    app: &App,
    request: Request,
    kinds: &[Media],
) -> impl Future<Output = Result<(Media, Vec<u8>), Failure>> + Send {
    let read = body::read(request, &app.config, kinds);
    read.and_then(async move |(media, bytes)| {
        if app.store.has_room() {
            return Ok((media, bytes));
        }
        drop(bytes);
        Err(turned_away(app).await)
    })
}

/// That too much waits, told after a moment.
async fn turned_away(app: &App) -> Failure {
    app.meter.shed("read");
    app.shedding.say();
    sleep(reply::RELUCTANCE).await;
    Failure::overloaded()
}

/// Has offers judged and stored.
///
/// # Errors
/// If that could not be done; nothing is known to be stored then.
pub(super) async fn ingest(app: &App, offers: Vec<Offer>, origin: &Origin) -> Result<BatchReply, Failure> {
    match app.store.ingest(offers, origin).await {
        Ok(results) => Ok(BatchReply { results }),
        Err(Error::Overloaded) => Err(turned_away(app).await),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::response::IntoResponse as _;

    fn split(media: Media, body: &str) -> Result<usize, u16> {
        let config = ServerConfig {
            batch_events: 3,
            ..ServerConfig::default()
        };
        let items = super::split(media, body.as_bytes(), &config);
        items
            .map(|items| items.len())
            .map_err(|failure| failure.into_response().status().as_u16())
    }

    #[test]
    fn every_kind_of_body_is_taken_apart() {
        assert_eq!(split(Media::Json, "{}"), Ok(1));
        assert_eq!(split(Media::Json, "[{},7]"), Ok(2));
        assert_eq!(split(Media::Ndjson, "{}\n\nnonsense\n{}"), Ok(3));
        assert_eq!(split(Media::Ndjson, ""), Ok(0));
        assert_eq!(split(Media::CloudEvent, " {}"), Ok(1));
        assert_eq!(split(Media::CloudEventBatch, "[]"), Ok(0));
        assert_eq!(split(Media::CloudEvent, "[{}]"), Err(400));
        assert_eq!(split(Media::CloudEventBatch, "{}"), Err(400));
        assert_eq!(split(Media::Json, "{}{}"), Err(400));
    }

    #[test]
    fn a_batch_has_a_limit() {
        assert_eq!(split(Media::Json, "[1,2,3]"), Ok(3));
        assert_eq!(split(Media::Json, "[1,2,3,4]"), Err(413));
        assert_eq!(split(Media::Ndjson, "1\n2\n3\n4"), Err(413));
    }
}
