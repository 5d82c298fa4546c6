//! A body as it comes in: counted, timed, and read to its end even where nobody wants it.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::Body;
use axum::http::HeaderMap;
use axum::http::header::EXPECT;
use bytes::Bytes;
use http_body::{Body as _, Frame, SizeHint};
use http_body_util::BodyExt as _;
use prometheus_client::metrics::counter::Counter;
use tokio::time::{Instant, Sleep};

use crate::config::ServerConfig;

/// How long the rest of an unwanted body may take, where nobody waits for its sender's place.
pub(crate) const REST: Duration = Duration::from_secs(5);

/// Why a body was not read to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Broken {
    #[error("the body is too large")]
    TooLarge,
    #[error("the body is too slow")]
    TooSlow,
}

/// How much of a body is taken, and how fast it has to come.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    pub(super) bytes: usize,
    pub(super) pace: Pace,
}

/// What has to come in time.
#[derive(Clone, Copy, Debug)]
pub(super) enum Pace {
    /// All of a body.
    Whole(Duration),
    /// The next part of it; and all in all it is waited for no longer than this and a second for each [`SLOWEST`]
    /// bytes. The time in which nobody asks for more does not count.
    Parts(Duration),
}

/// So many bytes come in a second of waiting, from whoever sends a file in parts.
const SLOWEST: u32 = 1024;

/// A body with a limit and a deadline.
///
/// Whoever drops it half read has answered early. To close the connection then would reset it, and
/// with it the answer on its way to a client that is still sending; so the rest is read and thrown
/// away, as much as once the limit.
pub(super) struct Wire {
    body: Body,
    limit: usize,
    seen: usize,
    begun: Instant,
    pace: Pace,
    /// How long was waited for parts, and since when this one is waited for.
    waited: Duration,
    waiting: Option<Instant>,
    /// How much is read of what nobody wants.
    unwanted: usize,
    /// Made when the body first makes us wait.
    sleep: Option<Pin<Box<Sleep>>>,
    rest: Rest,
    /// Where all of them are counted.
    received: Counter,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Rest {
    /// To be read and thrown away.
    Unwanted,
    /// Not to be read: all is there, too late, or waiting to be asked for.
    Left,
}

impl Wire {
    pub(super) fn new(
        body: Body,
        headers: &HeaderMap,
        bounds: Bounds,
        config: &ServerConfig,
        received: Counter,
    ) -> Self {
        Wire {
            body,
            limit: bounds.bytes,
            seen: 0,
            begun: Instant::now(),
            pace: bounds.pace,
            waited: Duration::ZERO,
            waiting: None,
            unwanted: config.body_bytes,
            sleep: None,
            // To read is to say "100 Continue": a client that asks first is not made to send.
            rest: if headers.contains_key(EXPECT) {
                Rest::Left
            } else {
                Rest::Unwanted
            },
            received,
        }
    }

    fn overdue(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let deadline = match self.pace {
            Pace::Whole(time) => self.begun + time,
            Pace::Parts(time) => {
                let since = *self.waiting.get_or_insert_with(Instant::now);
                let bytes = u32::try_from(self.seen).unwrap_or(u32::MAX);
                let allowed = time + Duration::from_secs((bytes / SLOWEST).into());
                since + time.min(allowed.saturating_sub(self.waited))
            }
        };
        let sleep = self
            .sleep
            .get_or_insert_with(|| Box::pin(tokio::time::sleep_until(deadline)));
        sleep.as_mut().poll(context)
    }
}

impl http_body::Body for Wire {
    type Data = Bytes;
    type Error = axum::BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::BoxError>>> {
        let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(context) else {
            ready!(self.overdue(context));
            self.rest = Rest::Left;
            return Poll::Ready(Some(Err(Broken::TooSlow.into())));
        };
        let Some(Ok(frame)) = frame else {
            self.rest = Rest::Left;
            return Poll::Ready(frame.map(|frame| frame.map_err(Into::into)));
        };
        if let Some(since) = self.waiting.take() {
            self.waited += since.elapsed();
            self.sleep = None;
        }
        let bytes = frame.data_ref().map_or(0, Bytes::len);
        self.seen += bytes;
        self.received.inc_by(bytes as u64);
        if self.seen > self.limit {
            return Poll::Ready(Some(Err(Broken::TooLarge.into())));
        }
        Poll::Ready(Some(Ok(frame)))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        if self.rest == Rest::Left || self.body.is_end_stream() {
            return;
        }
        discard(std::mem::take(&mut self.body), self.unwanted, REST);
    }
}

/// Reads a body that nobody wants, in the background: so much of it, and for so long.
pub(crate) fn discard(body: Body, limit: usize, rest: Duration) {
    if let Ok(runtime) = tokio::runtime::Handle::try_current() {
        runtime.spawn(tokio::time::timeout(rest, read(body, limit)));
    }
}

async fn read(mut body: Body, limit: usize) {
    let mut seen = 0;
    while let Some(Ok(frame)) = body.frame().await {
        seen += frame.data_ref().map_or(0, Bytes::len);
        if seen > limit {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wire(body: Body) -> Wire {
        let config = ServerConfig {
            body_bytes: 10,
            body_timeout: Duration::from_millis(20),
            ..ServerConfig::default()
        };
        let (bytes, pace) = (config.body_bytes, Pace::Whole(config.body_timeout));
        Wire::new(
            body,
            &HeaderMap::new(),
            Bounds { bytes, pace },
            &config,
            Counter::default(),
        )
    }

    async fn outcome(body: Body) -> Result<Bytes, Option<Broken>> {
        let read = wire(body).collect().await;
        read.map(|read| read.to_bytes())
            .map_err(|error| error.downcast_ref().copied())
    }

    #[tokio::test]
    async fn a_body_has_a_limit_and_a_deadline() {
        assert_eq!(outcome(Body::from("0123456789")).await.unwrap(), "0123456789");
        assert_eq!(outcome(Body::from("0123456789x")).await, Err(Some(Broken::TooLarge)));
        assert_eq!(outcome(Body::new(Silent)).await, Err(Some(Broken::TooSlow)));
    }

    #[tokio::test]
    async fn a_file_may_take_long_and_not_for_ever() {
        let drops = |count: usize, size: usize| {
            let parts = futures_util::stream::unfold(count, move |left| async move {
                tokio::time::sleep(Duration::from_millis(20)).await;
                let part = Ok::<_, std::io::Error>(Bytes::from(vec![b'x'; size]));
                left.checked_sub(1).map(|left| (part, left))
            });
            let (bytes, pace) = (1 << 20, Pace::Parts(Duration::from_millis(100)));
            let body = Body::from_stream(parts);
            Wire::new(
                body,
                &HeaderMap::new(),
                Bounds { bytes, pace },
                &ServerConfig::default(),
                Counter::default(),
            )
            .collect()
        };
        // Each part is in time, and all of them take longer than one may.
        assert_eq!(drops(12, 2048).await.unwrap().to_bytes().len(), 12 * 2048);
        let slow = drops(1000, 1).await.unwrap_err();
        assert_eq!(slow.downcast_ref(), Some(&Broken::TooSlow));
    }

    /// A body that never comes.
    struct Silent;

    impl http_body::Body for Silent {
        type Data = Bytes;
        type Error = axum::BoxError;

        fn poll_frame(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::BoxError>>> {
            Poll::Pending
        }
    }
}
