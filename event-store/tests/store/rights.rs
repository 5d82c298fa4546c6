//! What the holders of keys may do: kept, handed on to the next key, and held against what they send.

use std::time::Duration;

use event_core::verdict::Status;
use event_core::{Code, EventType};
use event_store::api_key::{self, Access, Bounds, NewKey, Principal, Rate, Reach, Use};
use event_store::{Error, EventStore, Offer, Origin};
use sea_orm::ConnectionTrait as _;

use crate::disk::Disk;
use crate::keys::{in_millis, soon, source};
use crate::sample::{count, json, label, quarantine, statuses};

async fn sender(store: &EventStore, new: NewKey) -> Principal {
    let key = store.create_key(new).await.unwrap();
    store.authenticate(key.expose()).unwrap()
}

fn of(sender: &Principal) -> Origin {
    Origin::of(sender, source("unknown"))
}

fn events(from: usize, to: usize) -> Vec<Offer> {
    (from..to).map(|number| json(&format!("e-{number}"), "")).collect()
}

pub(crate) async fn rights_come_back_as_they_were(disk: Disk) {
    let (one, two) = (disk.open().await, disk.open().await);
    let mut wide = NewKey::new(source("shop"))
        .source(source("/a/till"))
        .types(["order".parse().unwrap(), "a~1b/paid by card, “é”".parse().unwrap()])
        .access(Access::ALL)
        .reading_all()
        .rate(Rate {
            per_second: 100,
            burst: u32::MAX,
        })
        .quota(1 << 53);
    wide.note = Some(label("two tills"));
    wide.expires_at = Some(in_millis(3_600_000));
    let news = [
        wide,
        NewKey::new(source("shop")),
        NewKey::any_source(),
        NewKey::any_source().access([Access::Read]),
    ];
    for new in &news {
        let key = one.create_key(new.clone()).await.unwrap();
        assert_eq!((&key.record().rights, &key.record().note), (&new.rights, &new.note));
        assert_eq!(*one.authenticate(key.expose()).unwrap().rights, new.rights);
        soon("the key is known", || two.authenticate(key.expose()).is_some()).await;
        assert_eq!(*two.authenticate(key.expose()).unwrap().rights, new.rights);
    }
    let listed = two.keys().await.unwrap();
    assert!(
        listed
            .iter()
            .map(|key| &key.rights)
            .eq(news.iter().map(|new| &new.rights))
    );
    let shown = serde_json::to_value(&listed[0]).unwrap();
    assert_eq!(shown["sources"], serde_json::json!(["shop", "/a/till"]));
    assert_eq!(shown["access"], serde_json::json!(["write", "read", "admin"]));
    assert_eq!(serde_json::to_value(&listed[2]).unwrap()["sources"], "any");

    for wrong in [
        NewKey::any_source().access([]),
        NewKey::any_source().types([]),
        NewKey::any_source().rate(Rate::new(0)),
        NewKey::any_source().quota(0),
    ] {
        assert!(matches!(one.create_key(wrong).await, Err(Error::Config(_))));
    }
    assert_eq!(one.keys().await.unwrap().len(), news.len());
}

pub(crate) async fn keys_of_before_can_do_what_they_could(disk: Disk) {
    let store = disk.open().await;
    let key = store.create_key(NewKey::new(source("shop"))).await.unwrap();
    store.close().await.unwrap();
    // The tables as they were before there were rights.
    let db = disk.connect().await;
    let run = async |sql: &str| {
        let sql = sql.replace("{p}", disk.prefix());
        db.execute_unprepared(&sql).await.unwrap();
    };
    for column in [
        "access",
        "reach",
        "sources",
        "types",
        "rate",
        "burst",
        "quota",
        "replaced_by",
    ] {
        run(&format!("ALTER TABLE {{p}}api_keys DROP COLUMN {column}")).await;
    }
    for table in [
        "key_days",
        "projections",
        "shards",
        "members",
        "parked",
        "pruned",
        "bookmarks",
        "parked_history",
        "revisions",
    ] {
        run(&format!("DROP TABLE {{p}}{table}")).await;
    }
    run("DELETE FROM {p}migrations WHERE version >= 10").await;

    let expected = NewKey::new(source("shop")).access(Access::ALL).reading_all();
    let store = disk.open().await;
    let sender = store.authenticate(key.expose()).unwrap();
    assert_eq!((sender.rights.reach, &*sender.rights), (Reach::All, &expected.rights));
    assert!(sender.rights.is_bound() && !sender.rights.is_bound_in_reading());
    assert_eq!(sender.rights.own_source(), Some(&source("shop")));
    // And as programs write them that know no rights, beside those that do.
    run("INSERT INTO {p}api_keys (prefix, hash, source, created_at) \
         SELECT '0a1b2c3d4e5f', hash, 'shop', created_at FROM {p}api_keys")
    .await;
    let listed = store.keys().await.unwrap();
    assert_eq!((listed.len(), &listed[1].rights), (2, &expected.rights));
    let next = store.rotate_key("0a1b2c3d4e5f", Duration::ZERO).await.unwrap().unwrap();
    assert_eq!(next.record().rights, expected.rights);
}

pub(crate) async fn a_rotated_key_goes_on_for_a_while(disk: Disk) {
    let (store, other) = (disk.open().await, disk.open().await);
    let mut new = NewKey::new(source("shop")).quota(7);
    new.note = Some(label("the till"));
    let old = store.create_key(new.clone()).await.unwrap();
    assert!(
        store
            .rotate_key("000000000000", Duration::ZERO)
            .await
            .unwrap()
            .is_none()
    );
    let next = store
        .rotate_key(&old.record().prefix, Duration::from_millis(1_500))
        .await
        .unwrap()
        .unwrap();
    assert_eq!((&next.record().rights, &next.record().note), (&new.rights, &new.note));
    assert_eq!(next.record().expires_at, None);
    for store in [&store, &other] {
        soon("the next key is known", || store.authenticate(next.expose()).is_some()).await;
    }
    assert!(store.authenticate(old.expose()).is_some(), "its while is not over");
    let listed = other.keys().await.unwrap();
    assert_eq!(listed[0].replaced_by.as_ref(), Some(&listed[1].prefix));
    assert!(matches!(
        store.rotate_key(&old.record().prefix, Duration::ZERO).await,
        Err(Error::KeyEnded)
    ));
    for store in [&store, &other] {
        soon("the old key ends", || store.authenticate(old.expose()).is_none()).await;
        assert!(store.authenticate(next.expose()).is_some());
    }
    // What ends earlier by itself does so; and what has ended is not replaced.
    new.expires_at = Some(in_millis(1_000));
    let short = store.create_key(new.clone()).await.unwrap();
    let hour = Duration::from_secs(3_600);
    let next = store.rotate_key(&short.record().prefix, hour).await.unwrap().unwrap();
    assert_eq!(next.record().expires_at, new.expires_at);
    assert_eq!(store.keys().await.unwrap()[2].expires_at, new.expires_at);
    soon("it ends", || store.authenticate(short.expose()).is_none()).await;
    let ended = store.rotate_key(&next.record().prefix, hour).await;
    assert!(matches!(ended, Err(Error::KeyEnded)));
    // At once is at once.
    let leaked = store.create_key(NewKey::new(source("shop"))).await.unwrap();
    store.rotate_key(&leaked.record().prefix, Duration::ZERO).await.unwrap();
    assert_eq!(store.authenticate(leaked.expose()), None);
}

pub(crate) async fn the_first_key_is_made_once(disk: Disk) {
    let (one, two) = (disk.open().await, disk.open().await);
    let (key, other) = (api_key::fresh().unwrap(), api_key::fresh().unwrap());
    for wrong in ["", "ev_1_2", &key[1..], &format!("{key} ")] {
        let refused = one.create_first_key(wrong).await.unwrap_err();
        assert!(matches!(refused, Error::Config(_)));
        assert!(wrong.is_empty() || !refused.to_string().contains(wrong));
    }
    // Two containers are told the same, and start at the same time.
    let (first, second) = tokio::join!(one.create_first_key(&key), two.create_first_key(&key));
    let made = [first.unwrap(), second.unwrap()];
    assert_eq!(made.iter().flatten().count(), 1);
    assert_eq!(one.create_first_key(&key).await.unwrap(), None);
    assert_eq!(one.create_first_key(&other).await.unwrap(), None);
    let listed = one.keys().await.unwrap();
    assert_eq!(listed.len(), 1);
    assert!(!listed[0].rights.is_bound() && Access::ALL.into_iter().all(|access| listed[0].rights.may(access)));
    for store in [&one, &two] {
        soon("the key is known", || store.authenticate(&key).is_some()).await;
        assert_eq!(store.authenticate(&other), None);
    }
    // Revoked is revoked, whatever a container is told.
    one.revoke_key(&listed[0].prefix).await.unwrap();
    assert_eq!(one.create_first_key(&key).await.unwrap(), None);
    assert_eq!(one.authenticate(&key), None);
}

pub(crate) async fn what_is_sent_is_within_the_bounds_of_the_key(disk: Disk) {
    let store = disk.open().await;
    let new = NewKey::new(source("shop")).source(source("till"));
    let sender = sender(&store, new.types(["order".parse().unwrap()])).await;
    let event = |id: &str, category: &str, more: &str| {
        Offer::Json(format!(r#"{{"id":"{id}","category":"{category}","name":"created"{more}}}"#).into_bytes())
    };
    let offers = vec![
        event("1", "order", ""),
        event("2", "order", r#","source":"till""#),
        event("3", "order", r#","source":"bank""#),
        event("4", "invoice", ""),
    ];
    let verdicts = store.ingest(offers, &of(&sender)).await.unwrap();
    let (good, bad) = (Status::Stored, Status::Quarantined);
    assert_eq!(statuses(&verdicts), [good, good, bad, bad]);
    let pointers = verdicts[2..].iter().map(|verdict| {
        assert_eq!(verdict.code, Some(Code::NotPermitted));
        verdict.violations[0].pointer.to_string()
    });
    assert_eq!(pointers.collect::<Vec<_>>(), ["/source", "/category"]);
    let stored = store.log(0, 10).await.unwrap();
    let sources: Vec<&str> = stored
        .iter()
        .map(|event| event.event.envelope().source.as_str())
        .collect();
    assert_eq!(sources, ["shop", "till"]);
    let kept = quarantine(&store).await;
    assert!(kept.iter().all(|entry| entry.source == source("shop")));
    assert_eq!(kept[1].event_type, Some(EventType::new("invoice", "created").unwrap()));
    assert!(matches!(&sender.rights.sources, Bounds::Only(sources) if sources.len() == 2));
}

pub(crate) async fn a_quota_outlives_the_process(disk: Disk) {
    let one = disk.open().await;
    let key = one.create_key(NewKey::new(source("shop")).quota(10)).await.unwrap();
    let principal = |store: &EventStore| store.authenticate(key.expose()).unwrap();
    one.ingest(events(0, 6), &of(&principal(&one))).await.unwrap();
    // All of a batch, or nothing.
    let refused = one.ingest(events(6, 11), &of(&principal(&one))).await.unwrap_err();
    let day = Duration::from_secs(86_400);
    assert!(
        matches!(refused, Error::QuotaExceeded { quota: 10, after } if after <= day),
        "{refused:?}"
    );
    assert_eq!(count(&one).await, 6);
    one.close().await.unwrap();
    let three = disk.open().await;
    assert!(
        three.admit(&principal(&three), Use::Events(5)).is_err(),
        "it was not saved at the end"
    );
    assert!(three.admit(&principal(&three), Use::Request).is_ok());
    // No other key pays for it.
    let other = sender(&three, NewKey::new(source("shop")).quota(10)).await;
    assert_eq!(three.ingest(events(6, 16), &of(&other)).await.unwrap().len(), 10);
}

pub(crate) async fn other_processes_learn_what_is_used(disk: Disk) {
    let (one, two) = (disk.open().await, disk.open().await);
    let key = one.create_key(NewKey::new(source("shop")).quota(10)).await.unwrap();
    let principal = one.authenticate(key.expose()).unwrap();
    soon("the key is known", || two.authenticate(key.expose()).is_some()).await;
    one.ingest(events(0, 4), &of(&principal)).await.unwrap();
    two.ingest(events(4, 8), &of(&principal)).await.unwrap();
    tokio::time::sleep(Duration::from_secs(7)).await;
    for store in [&one, &two] {
        assert!(matches!(
            store.ingest(events(8, 11), &of(&principal)).await,
            Err(Error::QuotaExceeded { .. })
        ));
    }
    one.ingest(events(8, 10), &of(&principal)).await.unwrap();
    assert_eq!(count(&two).await, 10);
}

pub(crate) async fn a_rate_is_told_before_anything_is_stored(disk: Disk) {
    let store = disk.open().await;
    let sender = sender(&store, NewKey::new(source("shop")).rate(Rate::new(10))).await;
    store.ingest(events(0, 10), &of(&sender)).await.unwrap();
    let refused = store.ingest(events(10, 15), &of(&sender)).await.unwrap_err();
    let half = Duration::from_millis(500);
    assert!(
        matches!(refused, Error::RateLimited { after } if after <= half),
        "{refused:?}"
    );
    assert_eq!(count(&store).await, 10);
    tokio::time::sleep(half).await;
    store.ingest(events(10, 15), &of(&sender)).await.unwrap();
    assert_eq!(count(&store).await, 15);
}
