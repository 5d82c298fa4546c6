//! A collector in this process, and a place where none is.

use std::net::{SocketAddr, TcpListener};

use event_server::{ServerConfig, router, serve};
use event_store::EventStore;
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::sender::Situation;

/// The router of event-server over a SQLite file of its own.
pub(crate) struct Collector {
    address: SocketAddr,
    store: EventStore,
    stop: oneshot::Sender<()>,
    serving: JoinHandle<()>,
    _folder: TempDir,
}

impl Collector {
    pub(crate) fn start(runtime: &Runtime) -> Self {
        let folder = tempfile::tempdir_in(std::env::current_dir().unwrap()).unwrap();
        let url = format!("sqlite://{}/track.db?mode=rwc", folder.path().display());
        let (stop, stopped) = oneshot::channel::<()>();
        runtime.block_on(async {
            let store = EventStore::connect(&url).await.unwrap();
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = listener.local_addr().unwrap();
            let router = router(store.clone(), ServerConfig::default());
            let serving = tokio::spawn(serve(listener, router, async {
                let _ = stopped.await;
            }));
            Collector {
                address,
                store,
                stop,
                serving,
                _folder: folder,
            }
        })
    }

    /// Where a client is to send events in this situation.
    pub(crate) fn url(&self, situation: Situation) -> String {
        match situation {
            Situation::Up => format!("http://{}", self.address),
            Situation::Down | Situation::Full => format!("http://{}", closed()),
        }
    }

    pub(crate) fn stop(self, runtime: &Runtime) {
        let _ = self.stop.send(());
        runtime.block_on(async {
            self.serving.await.unwrap();
            self.store.close().await.unwrap();
        });
    }
}

/// An address of this machine where nobody listens.
pub(crate) fn closed() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}
