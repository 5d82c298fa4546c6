//! Keys: whose they are, here and in other processes, and what their holders may send.

use std::time::{Duration, Instant};

use event_core::event::Reception;
use event_core::verdict::Status;
use event_core::{Code, Event, EventId, Limits, Source, Timestamp};
use event_store::api_key::{CreatedKey, NewKey};
use event_store::{Error, EventStore, Offer, Origin, Receipt, TypeChange};
use sea_orm::{ConnectionTrait as _, Statement};

use crate::disk::Disk;
use crate::sample::{count, created, id, json, label, offer, quarantine, statuses};

/// What revoked keys have until they are of no use anywhere.
const SOON: Duration = Duration::from_secs(5);

pub(crate) fn source(text: &str) -> Source {
    Source::new(text).unwrap()
}

fn for_shop() -> NewKey {
    NewKey::new(source("shop"))
}

pub(crate) fn in_millis(millis: i64) -> Timestamp {
    let since = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap();
    Timestamp::from_micros(i64::try_from(since.as_micros()).unwrap() + millis * 1_000).unwrap()
}

/// Waits until something holds.
pub(crate) async fn soon(what: &str, holds: impl Fn() -> bool) {
    let started = Instant::now();
    while !holds() {
        assert!(started.elapsed() < SOON, "never: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

pub(crate) async fn a_key_is_known_here_at_once_and_elsewhere_soon(disk: Disk) {
    let (one, two) = (disk.open().await, disk.open().await);
    assert!(!one.has_keys() && !two.has_keys() && one.keys().await.unwrap().is_empty());
    let mut new = for_shop();
    new.note = Some(label("the till in the corner, “é”"));
    new.expires_at = Some(in_millis(3_600_000));
    let key = one.create_key(new.clone()).await.unwrap();
    assert!(one.has_keys());
    let principal = one.authenticate(key.expose()).unwrap();
    assert_eq!(
        (principal.rights.own_source(), &principal.prefix),
        (Some(&source("shop")), &key.record().prefix)
    );
    soon("the key is known elsewhere", || {
        two.has_keys() && two.authenticate(key.expose()).is_some()
    })
    .await;

    let listed = two.keys().await.unwrap();
    assert_eq!(listed, [key.record().clone()]);
    assert_eq!((&listed[0].note, listed[0].expires_at), (&new.note, new.expires_at));
    assert_eq!(listed[0].revoked_at, None);

    assert_eq!(two.revoke_key("000000000000").await.unwrap(), None);
    let revoked = two.revoke_key(&key.record().prefix).await.unwrap().unwrap();
    assert!(revoked.revoked_at >= Some(revoked.created_at));
    assert_eq!(two.authenticate(key.expose()), None);
    soon("the key is of no use elsewhere", || {
        one.authenticate(key.expose()).is_none()
    })
    .await;
    // Revoked is revoked.
    assert_eq!(one.revoke_key(&revoked.prefix).await.unwrap(), Some(revoked.clone()));
    assert_eq!(one.keys().await.unwrap(), [revoked]);
    assert!(one.has_keys() && two.has_keys());
    one.close().await.unwrap();
    two.close().await.unwrap();
    let later = disk.open().await;
    assert!(later.has_keys() && later.authenticate(key.expose()).is_none());
}

pub(crate) async fn a_key_expires(disk: Disk) {
    let store = disk.open().await;
    let mut new = for_shop();
    new.expires_at = Some(in_millis(-1));
    assert!(matches!(store.create_key(new.clone()).await, Err(Error::Config(_))));
    assert!(!store.has_keys());
    new.expires_at = Some(in_millis(1_500));
    let key = store.create_key(new).await.unwrap();
    assert!(store.authenticate(key.expose()).is_some());
    soon("the key expires", || store.authenticate(key.expose()).is_none()).await;
    assert!(store.has_keys() && in_millis(0) >= key.record().expires_at.unwrap());
    assert_eq!(store.keys().await.unwrap()[0].revoked_at, None);
}

pub(crate) async fn keys_made_at_the_same_time_are_all_known(disk: Disk) {
    let stores = [disk.open().await, disk.open().await];
    let making = (0..12).map(|number| {
        let store = stores[number % 2].clone();
        tokio::spawn(async move {
            let new = NewKey::new(source(&format!("source-{number}")));
            loop {
                match store.create_key(new.clone()).await {
                    Err(Error::Contention(_) | Error::Unavailable(_)) => {}
                    made => return made.unwrap(),
                }
            }
        })
    });
    let mut keys = Vec::new();
    for made in making.collect::<Vec<_>>() {
        keys.push(made.await.unwrap());
    }
    for store in &stores {
        soon("every key is known", || {
            let whose = |key: &CreatedKey| Some(store.authenticate(key.expose())?.rights);
            keys.iter()
                .all(|key| whose(key).as_deref() == Some(&key.record().rights))
        })
        .await;
    }
    let mut prefixes: Vec<String> = stores[0]
        .keys()
        .await
        .unwrap()
        .into_iter()
        .map(|key| key.prefix)
        .collect();
    prefixes.sort_unstable();
    prefixes.dedup();
    assert_eq!(prefixes.len(), 12);
}

pub(crate) async fn the_database_has_no_secret(disk: Disk) {
    let store = disk.open().await;
    let key = store.create_key(for_shop()).await.unwrap();
    let secret = key.expose().rsplit('_').next().unwrap();
    assert_eq!(secret.len(), 64);
    let db = disk.connect().await;
    let sql = format!("SELECT prefix, hash, source FROM {}api_keys", disk.prefix());
    let row = db
        .query_one_raw(Statement::from_string(db.get_database_backend(), sql))
        .await
        .unwrap()
        .unwrap();
    let (prefix, hash): (String, Vec<u8>) = (row.try_get_by_index(0).unwrap(), row.try_get_by_index(1).unwrap());
    assert!(key.expose().starts_with(&format!("ev_{prefix}_")) && !secret.contains(&prefix));
    let digits: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
    assert!(digits.len() == 64 && digits != secret);
    assert!(!format!("{key:?} {:?}", store.keys().await.unwrap()).contains(secret));
    // What the database has does not open anything.
    for guess in [digits.as_str(), "", &"0".repeat(64)] {
        assert_eq!(store.authenticate(&format!("ev_{prefix}_{guess}")), None);
    }
    db.close().await.unwrap();
    store.close().await.unwrap();
    if let Some(file) = disk.file() {
        let file = std::fs::read(file).unwrap();
        let holds = |bytes: &[u8]| file.windows(bytes.len()).any(|part| part == bytes);
        assert!(holds(prefix.as_bytes()) && holds(&hash) && !holds(secret.as_bytes()));
        let byte = |at| u8::from_str_radix(&secret[at..at + 2], 16).unwrap();
        assert!(!holds(&(0..64).step_by(2).map(byte).collect::<Vec<_>>()));
    }
}

pub(crate) async fn without_a_database_the_keys_known_last_are_used_on(disk: Disk) {
    let (store, other) = (disk.open().await, disk.open().await);
    let kept = store.create_key(for_shop()).await.unwrap();
    let lost = store.create_key(for_shop()).await.unwrap();
    let db = disk.connect().await;
    let rename = async |from: &str, to: &str| {
        let prefix = disk.prefix();
        let sql = format!("ALTER TABLE {prefix}{from} RENAME TO {prefix}{to}");
        db.execute_unprepared(&sql).await.unwrap();
    };
    rename("api_keys", "keys_elsewhere").await;
    // Whoever is turned away asks the database nothing, and so is turned away as fast as ever.
    let started = Instant::now();
    for number in 0..10_000 {
        let key = format!("ev_{number:012x}_{}", "0".repeat(64));
        assert_eq!(store.authenticate(&key), None);
    }
    assert!(started.elapsed() < Duration::from_secs(2), "{:?}", started.elapsed());
    assert!(store.keys().await.is_err());
    // Another change, so that there is something to read anew.
    other
        .register(&created(), &label("1"), TypeChange::default())
        .await
        .unwrap();
    tokio::time::sleep(Duration::from_millis(2_500)).await;
    assert!(store.has_keys() && store.authenticate(kept.expose()).is_some());
    rename("keys_elsewhere", "api_keys").await;
    other.revoke_key(&lost.record().prefix).await.unwrap();
    soon("the key is of no use any more", || {
        store.authenticate(lost.expose()).is_none()
    })
    .await;
    assert!(store.authenticate(kept.expose()).is_some());
}

/// An event that a program made, of this source.
fn made(event_id: &str, of: &str) -> Offer {
    let source = source(of);
    let reception = Reception {
        received_at: in_millis(0),
        source: &source,
        zone: chrono_tz::Tz::UTC,
        limits: Limits::default(),
        new_id: &|| EventId::new("made").unwrap(),
    };
    let event = Event::builder("order", "created")
        .id(event_id)
        .build(&reception)
        .unwrap();
    Offer::from(event)
}

/// Each kind of offer of one event that names a source.
fn naming(event_id: &str, of: &str) -> Vec<Offer> {
    let cloud = format!(
        r#"{{"specversion":"1.0","type":"order.created","source":"{of}","id":"{event_id}-cloud","data":{{}}}}"#
    );
    let foreign = format!(r#"{{"event_id":"{event_id}-foreign","from":"{of}"}}"#);
    vec![
        json(event_id, &format!(r#","source":"{of}""#)),
        Offer::CloudEvent(cloud.into_bytes()),
        Offer::Foreign {
            bytes: foreign.into_bytes(),
            event_type: created(),
            version: None,
        },
        made(&format!("{event_id}-made"), of),
    ]
}

async fn with_mapping(disk: &Disk) -> EventStore {
    let store = disk.open().await;
    // Its policy would keep nothing: but an event that may not be sent is no event of the type.
    let change = TypeChange {
        mapping: serde_json::from_str(r#"{"id": "/event_id", "source": "/from"}"#).unwrap(),
        policy: serde_json::from_str(r#"{"on_violation": "reject"}"#).unwrap(),
        ..TypeChange::default()
    };
    store.register(&created(), &label("1"), change).await.unwrap();
    store
}

pub(crate) async fn a_sender_of_one_source_speaks_for_no_other(disk: Disk) {
    let store = with_mapping(&disk).await;
    let (shop, bank) = (Origin::only(source("shop")), Origin::only(source("bank")));
    // The bank has events of these ids.
    let theirs = store.ingest(naming("e", "bank"), &bank).await.unwrap();
    assert_eq!(statuses(&theirs), [Status::Stored; 4]);

    let mut offers = naming("e", "bank");
    offers.push(json("e", ""));
    let verdicts = store.ingest(offers, &shop).await.unwrap();
    for verdict in &verdicts[..4] {
        assert_eq!(
            (verdict.status, verdict.code),
            (Status::Quarantined, Some(Code::NotPermitted))
        );
        assert_eq!(
            (verdict.violations.len(), verdict.violations[0].pointer.as_str()),
            (1, "/source")
        );
        assert!(!verdict.violations[0].message.contains("bank"));
    }
    // What names no source is the sender's own, and the bank's id is not in its way.
    assert_eq!((verdicts[4].status, verdicts[4].code), (Status::Stored, None));
    assert_eq!(count(&store).await, 5);
    let own = store.receipt(&id("e"), Some(&source("shop"))).await.unwrap();
    assert!(matches!(own, Receipt::Found(_)));

    let entries = quarantine(&store).await;
    assert_eq!(entries.len(), 4);
    for entry in &entries {
        assert_eq!((entry.code, &entry.source), (Code::NotPermitted, &source("shop")));
        assert_eq!(entry.event_type, Some(created()));
        assert!(entry.raw.as_deref().unwrap().contains("bank"), "{:?}", entry.raw);
    }
    let ids: Vec<_> = entries.iter().filter_map(|entry| entry.id.clone()).collect();
    assert_eq!(ids, ["e", "e-cloud", "e-foreign", "e-made"].map(id));

    // Its own name it may say; and the bank's come back as what they are.
    assert_eq!(
        statuses(&store.ingest(naming("f", "shop"), &shop).await.unwrap()),
        [Status::Stored; 4]
    );
    assert_eq!(
        statuses(&store.ingest(naming("e", "bank"), &bank).await.unwrap()),
        [Status::Duplicate; 4]
    );
}

pub(crate) async fn whatever_is_refused_is_kept_under_who_sent_it(disk: Disk) {
    let store = with_mapping(&disk).await;
    let broken = json("two words", r#","source":"bank""#);
    let origin = Origin::only(source("shop"));
    let verdict = store.ingest(vec![broken.clone()], &origin).await.unwrap().remove(0);
    assert_eq!(verdict.code, Some(Code::InvalidId));
    assert_eq!(quarantine(&store).await[0].source, source("shop"));
    // Whoever may speak for all is taken at his word.
    assert_eq!(offer(&store, broken).await.code, Some(Code::InvalidId));
    let kept: Vec<Source> = quarantine(&store).await.into_iter().map(|entry| entry.source).collect();
    assert_eq!(kept, [source("shop"), source("bank")]);
}
