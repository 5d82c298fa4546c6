//! A database that may grow no further, as a full disk lets it.

use std::time::Duration;

use event_core::verdict::Status;
use event_core::{Query, query::Measure};
use event_store::{Error, EventStore, Options};
use sea_orm::{ConnectOptions, ConnectionTrait, Database, DatabaseConnection};

use crate::disk::Disk;
use crate::sample::{json, offer, origin};

async fn connect(disk: &Disk, pages: &'static str) -> DatabaseConnection {
    let mut options = ConnectOptions::new(disk.url());
    options
        .max_connections(1)
        .sqlx_logging(false)
        .map_sqlx_sqlite_opts(move |sqlite| {
            sqlite
                .pragma("journal_mode", "WAL")
                .pragma("synchronous", "FULL")
                .pragma("max_page_count", pages)
        });
    Database::connect(options).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_is_told_as_such_and_is_over_once_there_is_room() {
    let disk = Disk::sqlite();
    let store = EventStore::from_connection(connect(&disk, "150").await, Options::new())
        .await
        .unwrap();
    let data = format!(r#","data":{{"text":"{}"}}"#, "x".repeat(3_000));
    let mut stored = 0;
    let full = loop {
        match store
            .ingest(vec![json(&format!("id-{stored}"), &data)], &origin())
            .await
        {
            Ok(_) => stored += 1,
            Err(error) => break error,
        }
        assert!(stored < 1_000, "it was never full");
    };
    assert!(matches!(full, Error::Full(_)), "{full:?}");
    // It stays full, and says so again: no connection is left in the middle of a transaction.
    for _ in 0..3 {
        let again = store.ingest(vec![json("more", &data)], &origin()).await.unwrap_err();
        assert!(matches!(again, Error::Full(_)), "{again:?}");
    }
    // What was answered as stored is there, and nothing else.
    let count = store.answer(&Query::new(Measure::Count)).await.unwrap();
    assert_eq!(count.rows[0].value, Some(stored.into()));

    let room = connect(&disk, "10000").await;
    room.execute_unprepared("DELETE FROM event_events WHERE position <= 10")
        .await
        .unwrap();
    room.close().await.unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(offer(&store, json("more", &data)).await.status, Status::Stored);
    store.close().await.unwrap();
}

/// A server says that its disk is full; a trigger says it in its stead.
async fn told_by_a_server(disk: Disk, full: &[&str], room: &[&str]) {
    let store = disk.open().await;
    let db = disk.connect().await;
    let run = async |statements: &[&str]| {
        for statement in statements {
            let statement = statement.replace("{p}", disk.prefix());
            db.execute_unprepared(&statement).await.unwrap();
        }
    };
    assert_eq!(offer(&store, json("before", "")).await.status, Status::Stored);
    run(full).await;
    for _ in 0..3 {
        let told = store.ingest(vec![json("more", "")], &origin()).await.unwrap_err();
        assert!(matches!(told, Error::Full(_)), "{told:?}");
    }
    run(room).await;
    assert_eq!(offer(&store, json("before", "")).await.status, Status::Duplicate);
    assert_eq!(offer(&store, json("more", "")).await.status, Status::Stored);
    assert_eq!(store.log(0, 10).await.unwrap().len(), 2);
}

mod postgres {
    #[tokio::test(flavor = "multi_thread")]
    async fn a_servers_full_disk_is_told_as_such() {
        let full = [
            "CREATE FUNCTION {p}full() RETURNS trigger LANGUAGE plpgsql AS \
             $$ BEGIN RAISE EXCEPTION 'no space left' USING ERRCODE = '53100'; END $$",
            "CREATE TRIGGER {p}full BEFORE INSERT ON {p}events FOR EACH ROW EXECUTE FUNCTION {p}full()",
        ];
        let room = ["DROP TRIGGER {p}full ON {p}events"];
        super::told_by_a_server(super::Disk::postgres(), &full, &room).await;
    }
}

mod mysql {
    #[tokio::test(flavor = "multi_thread")]
    async fn a_servers_full_disk_is_told_as_such() {
        let full = ["CREATE TRIGGER {p}full BEFORE INSERT ON {p}events FOR EACH ROW \
                     SIGNAL SQLSTATE 'HY000' SET MYSQL_ERRNO = 1021, MESSAGE_TEXT = 'no space left'"];
        let room = ["DROP TRIGGER {p}full"];
        super::told_by_a_server(super::Disk::mysql(), &full, &room).await;
    }
}
