//! Callers that share a transaction.

use std::time::Duration;

use event_core::verdict::Status;
use event_core::{Event, Source};
use event_store::{Error, EventStore, Origin, TypeChange};
use sea_orm::{ConnectionTrait as _, TransactionTrait as _};

use crate::disk::Disk;
use crate::sample::{count, created, ingest, json, label, offer, origin, statuses};

/// What makes the database refuse every event whose data has the word in it.
fn refusing(disk: &Disk) -> Vec<String> {
    let statements = match disk.name() {
        "sqlite" => vec![
            "CREATE TRIGGER {p}poison BEFORE INSERT ON {p}events WHEN NEW.data LIKE '%poison%' \
             BEGIN SELECT RAISE(ABORT, 'poison'); END",
        ],
        "mysql" => vec![
            "CREATE TRIGGER {p}poison BEFORE INSERT ON {p}events FOR EACH ROW \
             IF NEW.data LIKE '%poison%' THEN SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'poison'; END IF",
        ],
        _ => vec![
            "CREATE FUNCTION {p}poison() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
             IF NEW.data LIKE '%poison%' THEN RAISE EXCEPTION 'poison'; END IF; RETURN NEW; END $$",
            "CREATE TRIGGER {p}poison BEFORE INSERT ON {p}events FOR EACH ROW EXECUTE FUNCTION {p}poison()",
        ],
    };
    let named = |statement: &str| statement.replace("{p}", disk.prefix());
    statements.into_iter().map(named).collect()
}

pub(crate) async fn who_brings_what_the_database_refuses_pays_for_it_alone(disk: Disk) {
    let store = disk.open().await;
    let db = disk.connect().await;
    for statement in refusing(&disk) {
        db.execute_unprepared(&statement).await.unwrap();
    }
    // While another one has the log the first waits for it, and the others behind the first: they go together.
    let held = db.begin().await.unwrap();
    let hold = format!("UPDATE {}log SET head = head WHERE id = 1", disk.prefix());
    held.execute_unprepared(&hold).await.unwrap();
    let mut callers = Vec::new();
    for (name, data) in [("first", 1), ("good", 2), ("bad", 3), ("better", 4)] {
        let data = if name == "bad" {
            "\"poison\"".to_owned()
        } else {
            data.to_string()
        };
        let offers = vec![json(name, &format!(r#","data":{{"n":{data}}}"#))];
        let store = store.clone();
        callers.push(tokio::spawn(async move { store.ingest(offers, &origin()).await }));
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    held.rollback().await.unwrap();
    let mut told = Vec::new();
    for caller in callers {
        told.push(caller.await.unwrap());
    }
    assert!(matches!(told.remove(2), Err(Error::Statement(_))), "{told:?}");
    for verdicts in told {
        assert_eq!(statuses(&verdicts.unwrap()), [Status::Stored]);
    }
    assert_eq!(count(&store).await, 3);
    assert_eq!(offer(&store, json("later", "")).await.status, Status::Stored);
}

/// The events of a store, in the order of the log.
async fn log(store: &EventStore) -> Vec<Event> {
    let log = store.log(0, 1_000).await.unwrap();
    log.into_iter().map(|stored| stored.event).collect()
}

pub(crate) async fn neighbours_in_a_batch_keep_what_is_their_own(disk: Disk) {
    let store = disk.open().await;
    // Each differs from the one before by its category, its name, its version or its source alone, or not at all.
    let own = [
        ("order", "created", "1", "shop"),
        ("order", "created", "1", "shop"),
        ("order", "created", "2", "shop"),
        ("order", "created", "2", "till"),
        ("order", "paid", "2", "till"),
        ("page", "paid", "2", "till"),
        ("page", "paid", "1", "till"),
        ("page", "paid", "1", "shop"),
    ];
    let offers: Vec<_> = (0..3 * own.len())
        .map(|number| {
            let (category, name, version, source) = own[number % own.len()];
            json(
                &format!("e-{number}"),
                &format!(r#","category":"{category}","name":"{name}","version":"{version}","source":"{source}""#),
            )
        })
        .collect();
    let verdicts = ingest(&store, offers.clone()).await;
    assert!(statuses(&verdicts).iter().all(|status| *status == Status::Stored));
    for (event, own) in log(&store).await.iter().zip(own.iter().cycle()) {
        let it = event.envelope();
        let found = (
            it.event_type.category.as_str(),
            it.event_type.name.as_str(),
            it.version.as_ref().map_or("", |version| version.as_str()),
            it.source.as_str(),
        );
        assert_eq!(found, *own);
    }
    let again = ingest(&store, offers).await;
    assert!(statuses(&again).iter().all(|status| *status == Status::Duplicate));
}

pub(crate) async fn neighbours_that_are_refused_by_now_are_known_by_their_sources(disk: Disk) {
    let store = disk.open().await;
    let change = |schema: &str| TypeChange {
        schema: Some(serde_json::from_str(schema).unwrap()),
        ..TypeChange::default()
    };
    store.register(&created(), &label("1"), change("{}")).await.unwrap();
    // One id of two sources, each with data of its own; and what a third has never sent.
    let of = |source: &str, id: &str| json(id, &format!(r#","source":"{source}","data":{{"of":"{source}"}}"#));
    let batch = || {
        vec![
            of("shop", "1"),
            of("shop", "2"),
            of("till", "1"),
            of("till", "2"),
            of("shop", "3"),
        ]
    };
    let first = ingest(&store, batch()).await;
    let stricter = change(r#"{"required": ["n"]}"#);
    store.register(&created(), &label("2"), stricter).await.unwrap();
    let again = store
        .ingest(
            [batch(), vec![of("other", "1")]].concat(),
            &Origin::new(Source::new("shop").unwrap()),
        )
        .await
        .unwrap();
    for (first, again) in first.iter().zip(&again) {
        assert_eq!((again.status, again.position), (Status::Duplicate, first.position));
    }
    assert_eq!(again[5].status, Status::Quarantined);
}
