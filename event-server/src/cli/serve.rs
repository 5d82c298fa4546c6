//! `event-server serve`: from settings to a clean stop.

use std::error::Error;
use std::io::{self, Write as _};
use std::process::ExitCode;
use std::time::Duration;

use event_server::config::{Flags, Settings};
use event_server::listener::Listener;
use event_server::{router, serve};
use event_store::EventStore;
use tokio::net::TcpListener;

use super::{FAILED, UNUSABLE_SETTINGS, fail, log};

/// How often the task that writes to the database is looked after.
const CHECK: Duration = Duration::from_secs(1);

pub(super) fn run(flags: &Flags) -> ExitCode {
    let settings = match Settings::read(flags) {
        Ok(settings) => settings,
        Err(error) => return fail(&error, UNUSABLE_SETTINGS),
    };
    log::start(settings.log_level, settings.log_format);
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&error, FAILED),
    };
    match runtime.block_on(collect(&settings)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&with_causes(&*error), FAILED),
    }
}

async fn collect(settings: &Settings) -> Result<(), Box<dyn Error>> {
    let socket = TcpListener::bind(settings.listen)
        .await
        .map_err(|error| format!("cannot listen on {}: {error}", settings.listen))?;
    let store = EventStore::connect_with(&settings.database_url, settings.store()).await?;
    let address = socket.local_addr()?;
    let signalled = signals()?;
    writeln!(io::stdout(), "listening on http://{address}")?;
    tracing::warn!("no keys exist: whoever reaches {address} may write and read all events");

    let listener = Listener::from(socket)
        .connections(settings.connection_limit)
        .header_timeout(settings.header_timeout)
        .shutdown_timeout(settings.shutdown_timeout);
    let mut outcome: Result<(), Box<dyn Error>> = Ok(());
    let shutdown = async {
        tokio::select! {
            signal = signalled => tracing::info!(signal, "stopping"),
            () = lost(&store) => outcome = Err("the task that writes to the database has ended".into()),
        }
    };
    serve(listener, router(store.clone(), settings.server()), shutdown).await;
    store.close().await?;
    tracing::info!("stopped");
    outcome
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

/// An error and what it came from, in one line.
fn with_causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
