//! The ceiling: finished rows into the store's own tables by the fastest way that a database has.

mod sqlite;
mod postgres;
mod mariadb;

use crate::rows::Batch;
use event_benches::backend::Backend;

/// Somebody who writes rows by hand.
pub(crate) enum Peer {
    Sqlite(sqlite::Peer),
    Postgres(Box<postgres::Peer>),
    MariaDb(Box<mariadb::Peer>),
}

impl Peer {
    /// The store makes the tables, the peer fills them.
    pub(crate) async fn open(backend: &Backend, prefix: &str) -> Self {
        backend.store(prefix).await.close().await.unwrap();
        match backend {
            Backend::Sqlite(folder) => {
                Peer::Sqlite(sqlite::Peer::open(&folder.path().join(format!("{prefix}.db")), prefix))
            }
            Backend::Postgres(_) => Peer::Postgres(Box::new(
                postgres::Peer::open(&backend.connection(prefix).await, prefix).await,
            )),
            Backend::MariaDb(_) => Peer::MariaDb(Box::new(
                mariadb::Peer::open(&backend.connection(prefix).await, prefix).await,
            )),
        }
    }

    /// One transaction.
    pub(crate) async fn append(&mut self, batch: &Batch) {
        match self {
            Peer::Sqlite(peer) => peer.append(batch),
            Peer::Postgres(peer) => peer.append(batch).await,
            Peer::MariaDb(peer) => peer.append(batch).await,
        }
    }
}
