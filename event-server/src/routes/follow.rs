//! `GET /v1/events/follow`: the log as server-sent events, what is there and then what comes.
//!
//! Each event has its position as its id, so that a client that was cut off goes on behind the last one that it has seen:
//! browsers do so by themselves, with `Last-Event-ID`.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use axum::response::sse::Event;
use event_core::query::{Page, ParameterError};
use event_core::upcaster::Target;
use event_core::{Code, Filter};
use event_store::EventStore;
use event_store::api_key::Principal;
use event_store::follow::{Batch, Follow, Follower};
use futures_util::{StreamExt as _, stream};
use tokio::sync::mpsc::{Sender, channel};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{Instant, timeout};

use super::App;
use crate::auth::{Guard, Reader, Visitor};
use crate::connections::Stopping;
use crate::reply::{self, Failure, Reason};
use crate::target::{self, Parameters};

/// So many clients follow at a time: each keeps a connection, and others have to get in, too, where one processor serves 320.
static FOLLOWERS: Semaphore = Semaphore::const_new(160);

/// In what a browser that was cut off says what it has seen.
const LAST_EVENT_ID: &str = "last-event-id";
/// What stands for the newest place of the log.
const HEAD: &str = "head";
/// The most events that are read at once, and that wait for a slow client.
const ROWS: usize = 500;
/// So often it is looked whether the client may still follow.
const LOOK: Duration = Duration::from_secs(1);
/// After so long without an event the client is told that the line is good, and where it is.
const QUIET: Duration = Duration::from_secs(15);
/// A client that takes nothing for so long is cut off.
const PATIENCE: Duration = Duration::from_secs(30);
/// So much later a client that was cut off comes again.
const AGAIN: Duration = Duration::from_secs(1);

pub(super) async fn stream(
    State(app): State<App>,
    reader: Reader,
    visitor: Visitor,
    stopping: Option<Extension<Stopping>>,
    headers: HeaderMap,
    parameters: Parameters,
) -> Result<Response, Failure> {
    let question = Question::read(&parameters, &headers)?;
    reader.check(&question.filter)?;
    let Ok(place) = FOLLOWERS.try_acquire() else {
        let detail = "as many clients follow as can at a time; try again later";
        return Err(Failure::new(Reason::Overloaded, detail));
    };
    let head = app.store.head().await?;
    let after = question.after(head)?;
    let mut follower = app
        .store
        .follow(Follow::after(after).filter(question.filter).rows(ROWS));
    // What fails at once is still answered as a problem.
    let first = follower.try_next().await?;
    let line = Line {
        store: app.store.clone(),
        guard: Arc::clone(&app.guard),
        sender: visitor.sender().cloned(),
        stopping: stopping.map(|Extension(stopping)| stopping),
        upcast: question.upcast,
        follower,
        _place: place,
    };
    let (tell, told) = channel(1);
    tokio::spawn(line.run(first, tell));
    let events = stream::unfold(told, |mut told| async move { Some((told.recv().await?, told)) });
    Ok(reply::events(events.flat_map(stream::iter).map(Ok::<_, Infallible>)))
}

/// One client, and what it is told.
struct Line {
    store: EventStore,
    guard: Arc<Guard>,
    sender: Option<Principal>,
    stopping: Option<Stopping>,
    upcast: Option<Target>,
    follower: Follower,
    _place: SemaphorePermit<'static>,
}

impl Line {
    /// Tells until the client goes away, may not follow any more, or the program is about to stop.
    async fn run(mut self, first: Option<Batch>, tell: Sender<Vec<Event>>) {
        let mut stopping = self.stopping.clone();
        let stopped = async {
            match &mut stopping {
                Some(stopping) => stopping.begun().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = stopped => {}
            () = tell.closed() => {}
            told = self.tell(first, &tell) => {
                if let Err(failure) = told {
                    let _ = timeout(PATIENCE, tell.send(vec![problem(&failure)])).await;
                }
            }
        }
    }

    /// Tells what is there, and then what comes.
    ///
    /// # Errors
    /// What there is nothing more for.
    async fn tell(&mut self, first: Option<Batch>, tell: &Sender<Vec<Event>>) -> Result<(), Failure> {
        let mut news = vec![Event::default().retry(AGAIN)];
        match first {
            Some(batch) => news.extend(self.written(batch).await?),
            None => news.push(self.place()),
        }
        let mut told = Instant::now();
        loop {
            if !news.is_empty() {
                if !matches!(timeout(PATIENCE, tell.send(news)).await, Ok(Ok(()))) {
                    return Ok(());
                }
                told = Instant::now();
            }
            news = match timeout(LOOK, self.follower.next()).await {
                Ok(batch) => self.written(batch?).await?,
                Err(_) if told.elapsed() >= QUIET => vec![self.place()],
                Err(_) => Vec::new(),
            };
            // Only now: whoever lost his key meanwhile does not get what was read for him.
            if !self.guard.knows(self.sender.as_ref()) {
                return Ok(());
            }
        }
    }

    async fn written(&self, batch: Batch) -> Result<Vec<Event>, Failure> {
        let Batch { events, position, .. } = batch;
        let last = events.last().map(|event| event.position);
        let positions: Vec<i64> = events.iter().map(|event| event.position).collect();
        let texts: Vec<_> = match &self.upcast {
            None => events.iter().map(serde_json::to_string).collect(),
            Some(target) => {
                let lifted = self.store.lift(events, target).await?;
                lifted.iter().map(serde_json::to_string).collect()
            }
        };
        let mut written = Vec::with_capacity(texts.len() + 1);
        for (position, text) in positions.into_iter().zip(texts) {
            let text = text.map_err(|error| {
                tracing::error!(%error, "an event could not be written");
                Failure::new(Reason::InternalError, "an event could not be written")
            })?;
            written.push(at(position).data(text));
        }
        if last != Some(position) {
            written.push(at(position));
        }
        Ok(written)
    }

    /// Where the client is: without data nothing is dispatched, but a browser keeps the id.
    fn place(&self) -> Event {
        at(self.follower.position())
    }
}

fn at(position: i64) -> Event {
    Event::default().id(position.to_string())
}

/// The problem document that a request would have been answered with.
fn problem(failure: &Failure) -> Event {
    Event::default().event("problem").data(failure.to_json())
}

struct Question {
    after: Option<String>,
    filter: Filter,
    upcast: Option<Target>,
}

/// What a list of events knows besides, and one without an end has no use for.
const OF_LISTS: [&str; 6] = ["order", "limit", "cursor", "from", "to", "zone"];

impl Question {
    fn read(parameters: &Parameters, headers: &HeaderMap) -> Result<Self, ParameterError> {
        let (mut after, mut rest) = (None, Vec::new());
        for (name, value) in parameters.pairs() {
            match name {
                "after" if after.is_none() => after = Some(value.to_owned()),
                "after" => return Err(target::wrong(name, "this is given twice")),
                name if OF_LISTS.contains(&name) => return Err(unknown(name)),
                _ => rest.push((name, value)),
            }
        }
        let page = Page::from_pairs(rest).map_err(|error| match error.code {
            Code::UnknownParameter => unknown(&error.parameter),
            _ => error,
        })?;
        // What it says has grown since the address was written.
        if let Some(seen) = headers.get(LAST_EVENT_ID) {
            after = Some(String::from_utf8_lossy(seen.as_bytes()).into_owned());
        }
        Ok(Question {
            after,
            filter: page.filter,
            upcast: page.upcast,
        })
    }

    fn after(&self, head: i64) -> Result<i64, ParameterError> {
        let after = match self.after.as_deref() {
            Some(HEAD) => head,
            after => target::position("after", after)?.unwrap_or_default(),
        };
        if after > head {
            // Whoever says so has seen another log, and would wait for what this one may never tell.
            let message = format!("the log has come to {head}: this position is of another one");
            return Err(target::wrong("after", message));
        }
        Ok(after)
    }
}

fn unknown(name: &str) -> ParameterError {
    let message = "unknown parameter; there are after, upcast and the filters";
    ParameterError::new(name, Code::UnknownParameter, message)
}
