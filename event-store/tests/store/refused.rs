//! The quarantine: what is refused is kept as it came, once, and can be found.

use event_core::{Code, EventType, Source};
use event_store::quarantine::QuarantineFilter;
use event_store::{EventStore, Offer, Origin, QuarantineEntry, QuarantinePage};

use crate::disk::Disk;
use crate::sample::{count, created, id, ingest, json, label, quarantine};

fn raw(bytes: &[u8]) -> Offer {
    Offer::Json(bytes.to_vec())
}

async fn page(store: &EventStore, filter: QuarantineFilter) -> Vec<QuarantineEntry> {
    let page = QuarantinePage {
        filter,
        ..QuarantinePage::default()
    };
    store.quarantine(&page).await.unwrap().entries
}

pub(crate) async fn what_is_refused_is_kept_as_it_came(disk: Disk) {
    let store = disk.open().await;
    let sent: [&[u8]; 6] = [
        b"not JSON",
        b"",
        b"\xff\x00\xfe",
        br#"{"id":"1","category":"order","name":"created","version":"2","source":"till","session_id":"s","subject":"c","x":"\u0000"}"#,
        br#" { "id" : "a b" , "category" : "order" , "name" : "created" } "#,
        br#"{"id":"2","category":"order"}"#,
    ];
    ingest(&store, sent.iter().map(|bytes| raw(bytes)).collect()).await;
    assert_eq!(count(&store).await, 0);
    store.close().await.unwrap();

    let store = disk.open().await;
    let entries = quarantine(&store).await;
    let codes: Vec<Code> = entries.iter().map(|entry| entry.code).collect();
    let expected = [
        Code::MalformedJson,
        Code::MalformedJson,
        Code::InvalidUtf8,
        Code::NulCharacter,
        Code::InvalidId,
        Code::InvalidType,
    ];
    assert_eq!(codes, expected);
    for (entry, sent) in entries.iter().zip(sent) {
        assert_eq!(
            entry.raw.as_ref().map(String::as_bytes),
            std::str::from_utf8(sent).ok().map(str::as_bytes)
        );
        assert_eq!(
            (entry.raw_bytes, entry.sha256.as_ref()),
            (i64::try_from(sent.len()).unwrap(), None)
        );
        assert!(!entry.violations.is_empty());
    }
    assert_eq!(entries[2].raw_hex.as_deref(), Some("ff00fe"));
    // What it says of itself, as far as that can be read.
    let claims = &entries[3];
    assert_eq!((claims.id.clone(), claims.source.as_str()), (Some(id("1")), "till"));
    assert_eq!(
        (claims.event_type.clone(), claims.version.clone()),
        (Some(created()), Some(label("2")))
    );
    assert_eq!(claims.session_id.as_ref().map(|session| session.as_str()), Some("s"));
    assert_eq!(claims.subject.as_ref().map(|subject| subject.as_str()), Some("c"));
    assert_eq!(
        (entries[5].id.clone(), entries[5].source.as_str()),
        (Some(id("2")), "shop")
    );
}

pub(crate) async fn the_same_refusal_again_only_counts_up(disk: Disk) {
    let store = disk.open().await;
    ingest(&store, vec![raw(b"x"), raw(b"y"), raw(b"x")]).await;
    let first = quarantine(&store).await;
    ingest(&store, vec![raw(b"x")]).await;
    let till = Origin::new(Source::new("till").unwrap());
    store.ingest(vec![raw(b"x")], &till).await.unwrap();
    let entries = quarantine(&store).await;
    let told: Vec<_> = entries
        .iter()
        .map(|entry| (entry.raw.clone().unwrap(), entry.source.to_string(), entry.occurrences))
        .collect();
    let expected = [("x", "shop", 3), ("y", "shop", 1), ("x", "till", 1)];
    assert_eq!(
        told,
        expected.map(|(raw, source, times)| (raw.to_owned(), source.to_owned(), times))
    );
    assert_eq!(entries[0].received_at, first[0].received_at);
    assert!(entries[0].last_received_at >= first[0].last_received_at);
}

pub(crate) async fn entries_are_listed_by_reason_source_and_type_and_counted(disk: Disk) {
    let store = disk.open().await;
    let till = Source::new("till").unwrap();
    let mut batch: Vec<Offer> = (0..7).map(|number| json(&format!("bad {number}"), "")).collect();
    batch.extend((0..3).map(|number| raw(format!("broken {number}").as_bytes())));
    batch.push(json("bad id", r#","category":"order","name":"paid""#));
    ingest(&store, batch).await;
    store
        .ingest(vec![json("bad 0", ""), raw(b"broken 0")], &Origin::new(till.clone()))
        .await
        .unwrap();

    let by_code = QuarantineFilter {
        code: Some(Code::InvalidId),
        ..QuarantineFilter::default()
    };
    assert_eq!(page(&store, by_code).await.len(), 9);
    let by_source = QuarantineFilter {
        source: Some(till.clone()),
        ..QuarantineFilter::default()
    };
    assert_eq!(page(&store, by_source.clone()).await.len(), 2);
    let both = QuarantineFilter {
        code: Some(Code::MalformedJson),
        ..by_source
    };
    assert_eq!(page(&store, both).await.len(), 1);
    let paid = Some(EventType::new("order", "paid").unwrap());
    let by_type = QuarantineFilter {
        event_type: paid.clone(),
        ..QuarantineFilter::default()
    };
    assert_eq!(page(&store, by_type).await.len(), 1);
    let nothing = QuarantineFilter {
        code: Some(Code::TooDeep),
        ..QuarantineFilter::default()
    };
    assert!(page(&store, nothing).await.is_empty());

    // Page by page.
    let mut seen = Vec::new();
    let mut asked = QuarantinePage {
        limit: 4,
        ..QuarantinePage::default()
    };
    loop {
        let found = store.quarantine(&asked).await.unwrap();
        assert!(found.entries.len() <= 4);
        seen.extend(found.entries);
        asked.after = found.next;
        if asked.after.is_none() {
            break;
        }
    }
    assert_eq!(seen, quarantine(&store).await);
    assert_eq!(seen.len(), 13);

    let counts = store.quarantine_counts().await.unwrap();
    let told: Vec<_> = counts
        .iter()
        .map(|count| (count.code, count.event_type.clone(), count.entries))
        .collect();
    let expected = [
        (Code::InvalidId, Some(created()), 8),
        (Code::MalformedJson, None, 4),
        (Code::InvalidId, paid, 1),
    ];
    assert_eq!(told, expected);
    assert_eq!(counts.iter().map(|count| count.occurrences).sum::<i64>(), 13);
}

pub(crate) async fn too_much_is_kept_in_part_with_its_digest(disk: Disk) {
    let store = disk.open().await;
    let large = format!(
        r#"{{"id":"1","category":"order","name":"created","data":{{"pad":"{}"}}}}"#,
        "x".repeat(300_000)
    );
    let deep = format!(r#"{{"id":"2","data":{}{}}}"#, "[".repeat(50_000), "]".repeat(50_000));
    ingest(&store, vec![raw(large.as_bytes()), raw(deep.as_bytes())]).await;
    for (entry, sent) in quarantine(&store).await.iter().zip([&large, &deep]) {
        assert_eq!(entry.raw.as_deref(), Some(&sent[..4_096]));
        assert_eq!(entry.raw_bytes, i64::try_from(sent.len()).unwrap());
        assert_eq!(entry.sha256.as_ref().map(String::len), Some(64));
    }
    // Two that differ only behind what is kept are two.
    let other = large.replace("x\"", "y\"");
    ingest(&store, vec![raw(other.as_bytes())]).await;
    let entries = quarantine(&store).await;
    assert_eq!(entries.len(), 3);
    assert_ne!(entries[0].sha256, entries[2].sha256);
}
