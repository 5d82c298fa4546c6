//! The accept loop: deadlines that the framework's own has not, a cap on connections, a clean stop.

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::available_parallelism;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::response::{IntoResponse as _, Response};
use http_body::Body as _;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tower::ServiceExt as _;

use crate::body;
use crate::connections::{Connections, Open, Stopping};
pub use crate::peer::Peer;
use crate::reply::{self, Failure};

/// A socket to serve on, and the patience with which it is served.
///
/// ```no_run
/// # async fn listen() -> std::io::Result<()> {
/// use std::time::Duration;
/// use event_server::listener::Listener;
/// let socket = tokio::net::TcpListener::bind("127.0.0.1:8000").await?;
/// let listener = Listener::from(socket).connections(100).header_timeout(Duration::from_secs(3));
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Listener {
    socket: TcpListener,
    connections: usize,
    header_timeout: Duration,
    shutdown_timeout: Duration,
    linger: Duration,
}

impl From<TcpListener> for Listener {
    fn from(socket: TcpListener) -> Self {
        Listener {
            socket,
            connections: connections_for(available_parallelism().map_or(1, NonZeroUsize::get)),
            header_timeout: Duration::from_secs(10),
            shutdown_timeout: Duration::from_secs(8),
            linger: Duration::from_secs(1),
        }
    }
}

impl Listener {
    /// How many connections are served at a time; by default 320 for each processor that this process may use, and 1,024 at
    /// the most. 128 more are asked what they want: questions after health are answered, and all others told to come again.
    /// The rest wait to be accepted. Each takes a file descriptor.
    #[must_use]
    pub fn connections(self, connections: usize) -> Self {
        Listener {
            connections: connections.min(Semaphore::MAX_PERMITS - SPARE),
            ..self
        }
    }

    /// How many connections can be served with so many file descriptors, some of which the program itself needs, where they are
    /// fewer than would be served: beyond them nobody could be told anything, nor asked after health. One is always served, also
    /// where there are fewer than the 193 that it takes with those who are told to come again.
    ///
    /// ```
    /// # async fn listen() -> std::io::Result<()> {
    /// use event_server::listener::Listener;
    /// let socket = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    /// let listener = Listener::from(socket).connections(1_000);
    /// assert_eq!(listener.within(20_000), None);
    /// assert_eq!(listener.within(1_024), Some(832));
    /// assert_eq!(listener.within(64), Some(1));
    /// # Ok(())
    /// # }
    /// # tokio::runtime::Runtime::new().unwrap().block_on(listen()).unwrap();
    /// ```
    #[must_use]
    pub fn within(&self, descriptors: u64) -> Option<usize> {
        let most = usize::try_from(descriptors).unwrap_or(usize::MAX);
        let most = most.saturating_sub(SPARE + OWN).max(1);
        (most < self.connections).then_some(most)
    }

    /// How long a connection may take to send a request's headers, or wait for its next request;
    /// 10 s by default.
    #[must_use]
    pub fn header_timeout(self, header_timeout: Duration) -> Self {
        Listener { header_timeout, ..self }
    }

    /// How long running requests may take to finish once the end has come; 8 s by default, which is
    /// less than what most supervisors wait before they kill.
    #[must_use]
    pub fn shutdown_timeout(self, shutdown_timeout: Duration) -> Self {
        Listener {
            shutdown_timeout,
            ..self
        }
    }

    /// How long idle connections are kept when the end has come, so that a request that is already on
    /// its way gets an answer and not a cut line; 1 s by default.
    #[must_use]
    pub fn linger(self, linger: Duration) -> Self {
        Listener { linger, ..self }
    }
}

/// How many connections are served at a time where nobody says how many. It is a matter of what a processor's cache holds:
/// three hundred that send as fast as they are answered get more out of one processor together than a thousand do. How it is
/// with many processors was not measured, and each connection may bring a body: more has to be asked for.
fn connections_for(processors: usize) -> usize {
    (320 * processors).min(1024)
}

/// So many bytes of a body are read from a client that is turned away, so that it hears of it.
const UNWANTED: usize = 5 * 1024 * 1024;
/// So many connections beyond those that are served are told so at a time. With the time that each of them waits for
/// its answer this bounds what all of it costs, however many come.
const SPARE: usize = 128;
/// So many file descriptors are for what is no connection: the database's, the log's.
const OWN: usize = 64;
/// How long one of them may take to say what it wants, waits for its answer, and may send on behind it. Whoever waited to be
/// accepted has said so before, and who says nothing must not keep others from asking after our health.
const SOON: Duration = Duration::from_millis(200);
/// How long to wait when the system is out of something, say of file descriptors.
const BREATHER: Duration = Duration::from_millis(100);

/// Serves a router until `shutdown` is there: then no connection is accepted any more, requests
/// that run are finished, and others on the same connections get 503 `shutting_down`.
///
/// The store stays open: close it afterwards.
pub async fn serve(listener: impl Into<Listener>, router: Router, shutdown: impl Future<Output = ()>) {
    let Listener {
        socket,
        connections,
        header_timeout,
        shutdown_timeout,
        linger,
    } = listener.into();
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(header_timeout)
        .max_headers(100)
        .max_buf_size(64 * 1024)
        .keep_alive(true);
    let (stop, stopping) = watch::channel(false);
    let mut brief = http.clone();
    brief.header_read_timeout(header_timeout.min(SOON)).keep_alive(false);
    let (slots, places) = (
        Arc::new(Semaphore::new(connections)),
        Arc::new(Semaphore::new(connections + SPARE)),
    );
    let connections = Connections::default();
    let mut tasks = JoinSet::new();
    let mut shutdown = pin!(shutdown);
    loop {
        tokio::select! {
            biased;
            () = &mut shutdown => break,
            Some(_) = tasks.join_next() => {}
            accepted = accept(&socket, &places) => match accepted {
                Ok((stream, address, place)) => {
                    let (stream, place) = ((stream, Peer(address.ip())), (place, connections.open()));
                    match Arc::clone(&slots).try_acquire_owned() {
                        Ok(slot) => {
                            let place = (slot, place);
                            tasks.spawn(converse(stream, place, http.clone(), router.clone(), stopping.clone(), linger));
                        }
                        Err(_) => {
                            tasks.spawn(turn_away(stream, place, brief.clone(), router.clone(), stopping.clone()));
                        }
                    }
                }
                Err(error) => {
                    tracing::warn!(%error, "no connection could be accepted");
                    sleep(BREATHER).await;
                }
            },
        }
    }
    drop(socket);
    stop.send_replace(true);
    let finish = async { while tasks.join_next().await.is_some() {} };
    if timeout(shutdown_timeout, finish).await.is_err() {
        tracing::warn!(
            connections = tasks.len(),
            "connections were cut: their requests did not finish in time"
        );
        tasks.shutdown().await;
    }
}

/// A place among all connections, served or not.
type Place = (OwnedSemaphorePermit, Open);

async fn accept(
    socket: &TcpListener,
    places: &Arc<Semaphore>,
) -> io::Result<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
    let place = Arc::clone(places).acquire_owned().await.map_err(io::Error::other)?;
    loop {
        match socket.accept().await {
            Ok((stream, address)) => return Ok((stream, address, place)),
            // The client went away while it waited: that says nothing about the next one.
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset
                ) => {}
            Err(error) => return Err(error),
        }
    }
}

/// One connection, from its first request to its last.
async fn converse(
    (stream, peer): (TcpStream, Peer),
    place: (OwnedSemaphorePermit, Place),
    http: http1::Builder,
    router: Router,
    mut stopping: watch::Receiver<bool>,
    linger: Duration,
) {
    // Without it the last packet of an answer may wait 40 ms. If it cannot be had, so be it.
    let _ = stream.set_nodelay(true);
    let stopped = stopping.clone();
    let begun = AtomicBool::new(false);
    let connections = place.1.1.among();
    let service = service_fn(|mut request: hyper::Request<Incoming>| {
        begun.store(true, Ordering::Relaxed);
        request.extensions_mut().insert(peer);
        request.extensions_mut().insert(connections.clone());
        request.extensions_mut().insert(Stopping::from(stopped.clone()));
        answer(request.map(Body::new), router.clone(), stopped.clone())
    });
    let mut connection = pin!(http.serve_connection(TokioIo::new(stream), service));
    let end = async {
        if stopping.wait_for(|stopping| *stopping).await.is_ok() {
            sleep(linger).await;
        }
    };
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        // Nobody waits for an answer to half a request.
        () = end => if begun.load(Ordering::Relaxed) {
            connection.as_mut().graceful_shutdown();
            connection.await
        } else {
            Ok(())
        },
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection broke");
    }
    drop(place);
}

/// A connection beyond those that are served: one request, and for most of them the answer that there are too many.
async fn turn_away(
    (stream, peer): (TcpStream, Peer),
    place: Place,
    http: http1::Builder,
    router: Router,
    stopping: watch::Receiver<bool>,
) {
    let _ = stream.set_nodelay(true);
    let connections = place.1.among();
    let service = service_fn(|mut request: hyper::Request<Incoming>| {
        request.extensions_mut().insert(peer);
        request.extensions_mut().insert(connections.clone());
        let request = request.map(Body::new);
        // Which come without a body.
        if request.uri().path().starts_with("/health/") && request.body().is_end_stream() {
            return answer(request, router.clone(), stopping.clone());
        }
        connections.turn_away();
        Box::pin(async move {
            sleep(SOON).await;
            body::discard(request.into_body(), UNWANTED, SOON);
            Ok(Failure::crowded().into_response())
        })
    });
    // Soon over, whatever it sends: nobody has to end it.
    if let Err(error) = http.serve_connection(TokioIo::new(stream), service).await {
        tracing::debug!(%error, "a connection that was turned away broke");
    }
    drop(place);
}

/// A boxed answer.
type Answer = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

fn answer(request: Request, router: Router, stopping: watch::Receiver<bool>) -> Answer {
    Box::pin(async move {
        if *stopping.borrow() {
            body::discard(request.into_body(), UNWANTED, body::REST);
            return Ok(Failure::shutting_down().into_response());
        }
        let mut response = router.oneshot(request).await?;
        if *stopping.borrow() {
            reply::close(&mut response);
        }
        Ok(response)
    })
}

#[cfg(test)]
mod tests {
    use super::connections_for;

    #[test]
    fn more_processors_serve_more_connections_up_to_a_bound() {
        assert_eq!([1, 2, 3, 4, 64].map(connections_for), [320, 640, 960, 1024, 1024]);
    }
}
