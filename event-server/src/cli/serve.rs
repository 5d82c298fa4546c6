//! `event-server serve`: from settings to a clean stop.

use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use event_server::config::{FirstKey, Settings};
use event_server::listener::Listener;
use event_server::{router, serve};
use event_store::EventStore;
use tokio::net::{TcpListener, TcpSocket};

use super::traces::{Sending, Traces};
use super::{Outcome, UNUSABLE_SETTINGS, fail, feeds, open};

/// How often the task that writes to the database is looked after.
const CHECK: Duration = Duration::from_secs(1);
/// So many connections wait to be accepted. Of the usual 128 a crowd takes all before one is, and whoever finds no place,
/// say one who asks after our health, is only tried again by his system a second later.
const CROWD: u32 = 1024;

pub(super) async fn run(settings: &Settings, traces: Traces) -> Outcome {
    let sending = traces.start();
    let outcome = collect(settings, &sending).await;
    // After the store is closed, whose last commits have spans.
    sending.finish().await;
    outcome
}

async fn collect(settings: &Settings, sending: &Sending) -> Outcome {
    // Each connection takes a descriptor. The usual thousand are there for programs that wait by `select`, and any may ask for
    // as many as the system grants.
    #[cfg(unix)]
    let granted = rlimit::increase_nofile_limit(u64::MAX)
        .or_else(|_| rlimit::Resource::NOFILE.get_soft())
        .unwrap_or(u64::MAX);
    #[cfg(not(unix))]
    let granted = u64::MAX;
    let store = open(settings).await?;
    if let Some(key) = &settings.first_key
        && let Err(error) = begin(&store, key).await
    {
        store.close().await?;
        return Ok(fail(&error, UNUSABLE_SETTINGS));
    }
    // Before anybody could reach it.
    if let Err(error) = settings.check_exposure(&store) {
        store.close().await?;
        return Ok(fail(&error, UNUSABLE_SETTINGS));
    }
    let feeds = match feeds::start(settings, &store) {
        Ok(links) => links,
        Err(error) => {
            store.close().await?;
            return Ok(fail(&error, UNUSABLE_SETTINGS));
        }
    };
    let socket = bind(settings.listen).map_err(|error| format!("cannot listen on {}: {error}", settings.listen))?;
    let address = socket.local_addr()?;
    let signalled = signals()?;
    if !store.has_keys() {
        tracing::warn!(
            "no keys exist: whoever reaches {address} may write and read all events, until \
             `event-server key create` has made one"
        );
    }
    let database = &settings.database_url;
    writeln!(
        io::stdout(),
        "listening on http://{address}, with the events in {database}"
    )?;

    let mut listener = Listener::from(socket)
        .header_timeout(settings.header_timeout)
        .shutdown_timeout(settings.shutdown_timeout);
    if let Some(connections) = settings.connection_limit {
        listener = listener.connections(connections);
    }
    if let Some(fewer) = listener.within(granted) {
        tracing::warn!(
            descriptors = granted,
            connections = fewer,
            "fewer connections are served than would be: the system grants no more file descriptors to this process"
        );
        listener = listener.connections(fewer);
    }
    let mut outcome = Ok(ExitCode::SUCCESS);
    let shutdown = async {
        tokio::select! {
            signal = signalled => tracing::info!(signal, "stopping"),
            () = lost(&store) => outcome = Err("the task that writes to the database has ended".into()),
        }
    };
    let mut config = settings.server();
    config.links = feeds;
    let router = sending.counted_in(router(store.clone(), config));
    serve(listener, router, shutdown).await;
    store.close().await?;
    tracing::info!("stopped");
    outcome
}

/// Listens, and lets a crowd wait.
fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() {
        TcpSocket::new_v4()
    } else {
        TcpSocket::new_v6()
    }?;
    // A program that is started anew takes the place of the one before at once; on Windows it would take that of another.
    #[cfg(not(windows))]
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(CROWD)
}

/// Makes the first key, unless there are keys.
async fn begin(store: &EventStore, key: &FirstKey) -> Result<(), event_store::Error> {
    match store.create_first_key(key.expose()).await? {
        Some(record) => tracing::info!(prefix = record.prefix, "the first key is made"),
        None if store.authenticate(key.expose()).is_none() => {
            tracing::warn!("there are keys, and the first key of the settings is none of those in use");
        }
        None => {}
    }
    Ok(())
}

/// Ends when the store can write no more: a supervisor can start us anew, a dead queue behind a
/// live socket helps nobody.
async fn lost(store: &EventStore) {
    while store.health().writer_alive {
        tokio::time::sleep(CHECK).await;
    }
}

/// Listens for the signals to stop from now on; what it gives back ends with the first of them.
#[cfg(unix)]
fn signals() -> io::Result<impl Future<Output = &'static str>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => "SIGTERM",
            _ = interrupt.recv() => "SIGINT",
        }
    })
}

/// Listens for the signal to stop from now on; what it gives back ends with it.
#[cfg(not(unix))]
fn signals() -> io::Result<impl Future<Output = &'static str>> {
    let mut signal = tokio::signal::windows::ctrl_c()?;
    Ok(async move {
        signal.recv().await;
        "Ctrl-C"
    })
}
