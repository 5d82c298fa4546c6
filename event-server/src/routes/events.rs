//! `/v1/events`: events in, pages of events and receipts out.

use axum::extract::{Request, State};
use axum::response::Response;
use event_core::query::{Page, ParameterError};
use event_core::{Code, EventId, Source, StoredEvent};
use event_store::{Offer, Receipt};
use serde::Serialize;

use super::{App, collect};
use crate::auth::{self, Reader};
use crate::body::Media;
use crate::reply::{self, Failure, Reason};
use crate::target::{self, Named, NoParameters, Parameters};

const KINDS: [Media; 4] = [Media::Json, Media::Ndjson, Media::CloudEvent, Media::CloudEventBatch];

/// `POST /v1/events`: one verdict an event, in their order.
pub(super) async fn collect(State(app): State<App>, _: NoParameters, request: Request) -> Result<Response, Failure> {
    let origin = auth::origin(&request, &app.config);
    let (media, body) = collect::read(&app, request, &KINDS).await?;
    // No other kind than these four was read.
    let offer = match media {
        Media::CloudEvent | Media::CloudEventBatch => Offer::CloudEvent,
        _ => Offer::Json,
    };
    let items = collect::split(media, &body, &app.config)?;
    let offers = items.into_iter().map(|item| offer(item.to_vec())).collect();
    drop(body);
    Ok(reply::json(&collect::ingest(&app, offers, &origin).await?))
}

#[derive(Serialize)]
struct Events {
    events: Vec<StoredEvent>,
    next: Option<String>,
}

/// `GET /v1/events`: a page, in the order of time.
pub(super) async fn list(State(app): State<App>, reader: Reader, parameters: Parameters) -> Result<Response, Failure> {
    let page = Page::from_pairs(parameters.pairs())?;
    reader.check(&page.filter)?;
    let found = app.store.page(&page).await?;
    Ok(reply::json(&Events {
        events: found.events,
        next: found.next,
    }))
}

/// An event that was counted, and is not kept itself.
#[derive(Serialize)]
struct Counted {
    id: EventId,
    counted: bool,
    position: i64,
}

/// `GET /v1/events/{id}`: the event as it is stored, so that a sender can be sure of it.
pub(super) async fn receipt(
    State(app): State<App>,
    Named(id): Named<EventId>,
    reader: Reader,
    parameters: Parameters,
) -> Result<Response, Failure> {
    let [source, upcast] = parameters.once(["source", "upcast"])?;
    let upcast = target::upcast(upcast)?;
    let source = source
        .map(Source::new)
        .transpose()
        .map_err(|error| ParameterError::new("source", Code::InvalidParameter, error.to_string()))?;
    reader.check_source(source.as_ref())?;
    let missing = || Failure::new(Reason::EventNotFound, "no event with this id is stored");
    match app.store.receipt(&id, source.as_ref()).await? {
        Receipt::Found(event) if !reader.sees_type(Some(&event.event.envelope().event_type)) => Err(missing()),
        // Nobody knows any more what it was.
        Receipt::Counted { .. } if !reader.sees_type(None) => Err(missing()),
        Receipt::Found(event) => Ok(match upcast {
            None => reply::json(&event),
            Some(target) => reply::json(&app.store.lift(vec![*event], &target).await?.first()),
        }),
        Receipt::Counted { position } => Ok(reply::json(&Counted {
            id,
            counted: true,
            position,
        })),
        Receipt::Missing => Err(missing()),
        Receipt::Ambiguous(sources) => {
            let sources: Vec<&str> = sources.iter().map(Source::as_str).collect();
            let detail = format!(
                "events of several sources have this id: ask with ?source={}",
                sources.join(" or ")
            );
            Err(Failure::new(Reason::AmbiguousId, detail))
        }
    }
}
