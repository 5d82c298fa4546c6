//! A real collector inside a test of an application: with its routes, its socket and a database.

use std::fmt;
use std::future::Future;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::mpsc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use event_core::StoredEvent;
use event_store::{EventStore, Options, QuarantineEntry, QuarantinePage};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::runtime::{Builder as RuntimeBuilder, Handle};
use tokio::sync::oneshot;
use tokio::time::timeout;

use crate::config::ServerConfig;
use crate::listener::{Listener, serve};
use crate::routes::router;

/// How many events or entries are read at a time.
const PAGE: usize = 1_000;
/// How long the database may take to close. A connection that a test has used is given back by the
/// test's own runtime, which cannot do so while its only thread waits for us.
const CLOSING: Duration = Duration::from_secs(1);

/// A collector in this process, on a free port of this machine, over a SQLite file in a folder of its
/// own. Dropped, it stops, and the folder goes away.
///
/// It runs on threads of its own, so a test may be asynchronous or not.
///
/// ```
/// use std::io::{Read as _, Write as _};
/// use event_server::test::Collector;
///
/// let collector = Collector::start()?;
/// // What the application does with `collector.url()`, here by hand.
/// let event = r#"{"id": "1", "category": "page interaction", "name": "pageview"}"#;
/// let mut stream = std::net::TcpStream::connect(collector.address())?;
/// write!(stream, "POST /v1/events HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n")?;
/// write!(stream, "connection: close\r\ncontent-length: {}\r\n\r\n{event}", event.len())?;
/// let mut response = String::new();
/// stream.read_to_string(&mut response)?;
///
/// let events = collector.events()?;
/// assert_eq!(events.len(), 1);
/// assert_eq!(events[0].event.envelope().event_type.name.as_str(), "pageview");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Collector {
    builder: Builder,
    folder: TempDir,
    store: EventStore,
    address: SocketAddr,
    url: String,
    running: Option<Running>,
}

/// What a [`Collector`] is made of.
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct Builder {
    config: ServerConfig,
    options: Options,
}

/// The collector could not do what a test asked of it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CollectorError {
    /// The system gave no folder, thread or port, or the collector's thread has panicked.
    #[error("the collector does not run")]
    System(#[from] io::Error),
    /// The store failed, or is closed because the collector is stopped.
    #[error("the collector's store failed")]
    Store(#[from] event_store::Error),
}

/// The thread on which everything is, and how to end it.
struct Running {
    stop: oneshot::Sender<()>,
    runtime: Handle,
    thread: JoinHandle<Result<(), event_store::Error>>,
}

/// What is known once it listens.
struct Ready {
    store: EventStore,
    address: SocketAddr,
    runtime: Handle,
}

impl Builder {
    /// With these settings of the routes.
    pub fn config(self, config: ServerConfig) -> Self {
        Builder { config, ..self }
    }

    /// With these options of the store.
    pub fn options(self, options: Options) -> Self {
        Builder { options, ..self }
    }

    /// Starts it; from then on it listens.
    ///
    /// # Errors
    /// If there is no folder, thread or port for it, or the store does not open.
    pub fn start(self) -> Result<Collector, CollectorError> {
        let folder = tempfile::tempdir()?;
        let any_port = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let (ready, running) = self.launch(&folder, any_port)?;
        Ok(Collector {
            builder: self,
            folder,
            store: ready.store,
            address: ready.address,
            url: format!("http://{}", ready.address),
            running: Some(running),
        })
    }

    fn launch(&self, folder: &TempDir, address: SocketAddr) -> Result<(Ready, Running), CollectorError> {
        let database = format!("sqlite://{}?mode=rwc", folder.path().join("events.db").display());
        let Builder { config, options } = self.clone();
        let (tell, told) = mpsc::channel();
        let (stop, stopping) = oneshot::channel();
        // The runtime is made and ends there: in an asynchronous test it could not end here.
        let job = move || {
            let runtime = match RuntimeBuilder::new_multi_thread()
                .worker_threads(2)
                .enable_all()
                .build()
            {
                Ok(runtime) => runtime,
                Err(error) => {
                    let _ = tell.send(Err(error.into()));
                    return Ok(());
                }
            };
            runtime.block_on(async {
                let (socket, ready) = match open(&database, options, address).await {
                    Ok(opened) => opened,
                    Err(error) => {
                        let _ = tell.send(Err(error));
                        return Ok(());
                    }
                };
                let store = ready.store.clone();
                let _ = tell.send(Ok(ready));
                // A client that keeps its connection does not keep the test.
                let listener = Listener::from(socket).linger(Duration::ZERO);
                let end = async { stopping.await.unwrap_or_default() };
                serve(listener, router(store.clone(), config), end).await;
                // What was answered is stored, closed or not.
                timeout(CLOSING, store.close()).await.unwrap_or(Ok(()))
            })
        };
        let thread = thread::Builder::new().name("event-collector".to_owned()).spawn(job)?;
        let ready = told.recv().unwrap_or_else(|_| Err(panicked()))?;
        let runtime = ready.runtime.clone();
        Ok((ready, Running { stop, runtime, thread }))
    }
}

async fn open(database: &str, options: Options, address: SocketAddr) -> Result<(TcpListener, Ready), CollectorError> {
    let socket = TcpListener::bind(address).await?;
    let store = EventStore::connect_with(database, options).await?;
    let ready = Ready {
        store,
        address: socket.local_addr()?,
        runtime: Handle::current(),
    };
    Ok((socket, ready))
}

fn panicked() -> CollectorError {
    io::Error::other("the collector's thread has panicked").into()
}

impl Running {
    fn end(self) -> Result<(), CollectorError> {
        let Running { stop, thread, .. } = self;
        drop(stop);
        thread.join().map_err(|_| panicked())?.map_err(CollectorError::from)
    }
}

impl Collector {
    /// One with the default settings.
    ///
    /// # Errors
    /// As [`Builder::start`].
    pub fn start() -> Result<Self, CollectorError> {
        Collector::builder().start()
    }

    /// One with other settings.
    ///
    /// ```
    /// use event_server::ServerConfig;
    /// use event_server::test::Collector;
    /// let mut config = ServerConfig::default();
    /// config.batch_events = 10;
    /// let collector = Collector::builder().config(config).start()?;
    /// # Ok::<(), event_server::test::CollectorError>(())
    /// ```
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// `http://127.0.0.1:PORT`, the same for as long as there is this collector.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Where it listens, unless it is stopped.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its store, to register types, ask or look; closed while it is stopped, and another one after
    /// that.
    ///
    /// What is asked of it in a runtime of the test's own gives its connection back there, once that
    /// runtime goes on. One of a single thread, as `#[tokio::test]` has, does not while the test blocks
    /// it: there, or where there is no runtime at all, ask by [`Collector::block_on`].
    #[must_use]
    pub fn store(&self) -> &EventStore {
        &self.store
    }

    /// All events that are stored, in the order in which they were. Waits for them on this thread.
    ///
    /// # Errors
    /// If the collector is stopped, or the store fails.
    pub fn events(&self) -> Result<Vec<StoredEvent>, CollectorError> {
        let store = self.store.clone();
        self.block_on(async move {
            let mut events: Vec<StoredEvent> = Vec::new();
            loop {
                let after = events.last().map_or(0, |last| last.position);
                let more = store.log(after, PAGE).await?;
                if more.is_empty() {
                    return Ok(events);
                }
                events.extend(more);
            }
        })
    }

    /// All events that were refused and kept, in the order in which they came. Waits for them on this
    /// thread.
    ///
    /// # Errors
    /// If the collector is stopped, or the store fails.
    pub fn quarantine(&self) -> Result<Vec<QuarantineEntry>, CollectorError> {
        let store = self.store.clone();
        self.block_on(async move {
            let mut entries = Vec::new();
            let mut page = QuarantinePage {
                limit: PAGE,
                ..QuarantinePage::default()
            };
            loop {
                let found = store.quarantine(&page).await?;
                entries.extend(found.entries);
                page.after = found.next;
                if page.after.is_none() {
                    return Ok(entries);
                }
            }
        })
    }

    /// Has something done on the collector's runtime, and waits for it on this thread, which may have
    /// a runtime or not.
    ///
    /// ```
    /// use event_core::Query;
    /// use event_core::query::Measure;
    /// use event_server::test::Collector;
    /// let collector = Collector::start()?;
    /// let store = collector.store().clone();
    /// let answer = collector.block_on(async move { store.answer(&Query::new(Measure::Count)).await })?;
    /// assert_eq!(answer.rows.len(), 1);
    /// # Ok::<(), event_server::test::CollectorError>(())
    /// ```
    ///
    /// # Errors
    /// If the collector is stopped, or that of the work.
    pub fn block_on<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, event_store::Error>> + Send + 'static,
    ) -> Result<T, CollectorError> {
        let Some(running) = &self.running else {
            return Err(event_store::Error::Closed.into());
        };
        let (tell, told) = mpsc::channel();
        running.runtime.spawn(async move { tell.send(work.await) });
        Ok(told.recv().map_err(|_| panicked())??)
    }

    /// Stops it as the program stops: requests that run are finished, what was taken is stored. From
    /// then on nobody listens at its address.
    ///
    /// # Errors
    /// If the database could not be closed.
    pub fn stop(&mut self) -> Result<(), CollectorError> {
        self.running.take().map_or(Ok(()), Running::end)
    }

    /// Starts it again, if it is stopped, at the same address and with the same events.
    ///
    /// ```
    /// use event_server::test::Collector;
    /// let mut collector = Collector::start()?;
    /// collector.stop()?;
    /// // Here the application has to bear that nobody listens.
    /// assert!(std::net::TcpStream::connect(collector.address()).is_err());
    /// collector.start_again()?;
    /// assert!(std::net::TcpStream::connect(collector.address()).is_ok());
    /// # Ok::<(), event_server::test::CollectorError>(())
    /// ```
    ///
    /// # Errors
    /// As [`Builder::start`]; also if another program has taken the port meanwhile.
    pub fn start_again(&mut self) -> Result<(), CollectorError> {
        if self.running.is_none() {
            let (ready, running) = self.builder.launch(&self.folder, self.address)?;
            self.store = ready.store;
            self.running = Some(running);
        }
        Ok(())
    }

    /// Stops it, and starts it again.
    ///
    /// # Errors
    /// As [`Collector::stop`] and [`Collector::start_again`].
    pub fn restart(&mut self) -> Result<(), CollectorError> {
        self.stop()?;
        self.start_again()
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        // A test that fails has said why; what ends afterwards has nobody to tell.
        let _ = self.stop();
    }
}

impl fmt::Debug for Collector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let running = self.running.is_some();
        let mut shown = f.debug_struct("Collector");
        shown.field("url", &self.url).field("running", &running);
        shown.finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn its_folder_goes_with_it() {
        let mut collector = Collector::start().unwrap();
        let folder = collector.folder.path().to_owned();
        assert!(folder.join("events.db").exists());
        collector.stop().unwrap();
        assert!(folder.exists(), "what is stopped may start again");
        assert!(format!("{collector:?}").contains("running: false"));
        drop(collector);
        assert!(!folder.exists());
    }
}
