//! Versions over time: a candidate tried on the events that are here, two versions compared, a first schema inferred.

use event_core::compatibility::Class;
use event_core::{EventType, Source};
use event_store::shadow::Shadow;
use event_store::trial::{Refused, Sample};
use event_store::{Error, EventStore, Offer, Origin, Registered, TypeChange};
use serde_json::{Value, json as value};

use crate::disk::Disk;
use crate::sample::{count, created, id, ingest, json, label, quarantine};

fn of(schema: Value) -> TypeChange {
    TypeChange {
        schema: Some(schema),
        ..TypeChange::default()
    }
}

async fn register(store: &EventStore, version: &str, schema: Value) {
    store.register(&created(), &label(version), of(schema)).await.unwrap();
}

fn numbered(numbers: std::ops::Range<usize>, data: impl Fn(usize) -> Value) -> Vec<Offer> {
    let one = |number| json(&format!("e-{number}"), &format!(r#","data":{}"#, data(number)));
    numbers.map(one).collect()
}

pub(crate) async fn a_candidate_is_tried_on_the_newest_events(disk: Disk) {
    let store = disk.open().await;
    // Beside others, so that they are far apart.
    let other = |number| {
        json(
            &format!("o-{number}"),
            r#","category":"page","name":"view","data":{"n":"x"}"#,
        )
    };
    ingest(&store, numbered(0..500, |n| value!({"n": n, "items": [{"price": 1}]}))).await;
    ingest(&store, (0..3_000).map(other).collect()).await;
    let till = Origin::new(Source::new("till").unwrap());
    let bad = numbered(
        500..512,
        |n| value!({"n": format!("secret {n}"), "items": [{"price": 1}, {"price": "1"}]}),
    );
    store.ingest(bad, &till).await.unwrap();
    ingest(&store, numbered(512..520, |n| value!({"n": n}))).await;

    let number = value!({"type": "integer"});
    let candidate = value!({
        "properties": {"n": number, "items": {"items": {"properties": {"price": number}}}}, "required": ["n"],
    });
    let before = store.types().await.unwrap();
    let trial = store.trial(&created(), &candidate, Sample::default()).await.unwrap();
    assert_eq!((trial.judged, trial.would_fail, trial.all), (520, 12, true));
    let by_source: Vec<_> = trial
        .by_source
        .iter()
        .map(|it| (it.source.as_str(), it.judged, it.would_fail))
        .collect();
    assert_eq!(by_source, [("till", 12, 12), ("shop", 508, 0)]);
    let by_violation: Vec<_> = trial
        .by_violation
        .iter()
        .map(|it| (it.keyword.as_str(), it.pointer.as_str(), it.events))
        .collect();
    assert_eq!(by_violation, [("type", "/items/*/price", 12), ("type", "/n", 12)]);
    assert_eq!(trial.samples.len(), 5);
    assert_eq!(trial.samples[0].id, id("e-511"));
    assert!(!serde_json::to_string(&trial).unwrap().contains("secret"));
    assert_eq!(trial.refused, None);
    // Nothing is registered by it.
    assert_eq!((store.types().await.unwrap(), count(&store).await), (before, 3_520));

    let last = |last| Sample {
        last,
        ..Sample::default()
    };
    let some = store.trial(&created(), &candidate, last(15)).await.unwrap();
    assert_eq!((some.judged, some.would_fail, some.all), (15, 7, false));
    let none = EventType::new("order", "never").unwrap();
    let none = store.trial(&none, &candidate, last(15)).await.unwrap();
    assert_eq!((none.judged, none.all), (0, true));
    let refused = store.trial(&created(), &value!({"type": "strin"}), last(1)).await;
    assert!(matches!(refused, Err(Error::Schema(_))));
}

pub(crate) async fn refused_events_are_tried_too(disk: Disk) {
    let store = disk.open().await;
    register(
        &store,
        "1",
        value!({"properties": {"n": {"type": "integer"}}, "required": ["n"]}),
    )
    .await;
    let mut offers = numbered(0..4, |n| value!({"n": format!("{n}")}));
    offers.push(json("e-5", r#","data":{}"#));
    offers.push(json("bad id", r#","data":{"n":"1"}"#));
    offers.push(Offer::Json(b"{".to_vec()));
    ingest(&store, offers).await;
    assert_eq!(quarantine(&store).await.len(), 7);
    let sample = Sample {
        refused: Refused::Tried,
        ..Sample::default()
    };
    let wider = value!({"properties": {"n": {"type": ["integer", "string"]}}, "required": ["n"]});
    let tried = store.trial(&created(), &wider, sample).await.unwrap().refused.unwrap();
    // An id that is none is not mended by a schema.
    assert_eq!((tried.judged, tried.would_pass, tried.unreadable), (5, 4, 0));
}

pub(crate) async fn two_versions_are_compared(disk: Disk) {
    let store = disk.open().await;
    let with = |kinds: Value| value!({"properties": {"n": {"type": kinds}}});
    let change = of(with(value!("integer")));
    assert_eq!(
        store.compare_change(&created(), &label("1"), &change).await.unwrap(),
        None
    );
    register(&store, "1", with(value!("integer"))).await;
    assert_eq!(
        store.compare_change(&created(), &label("1"), &change).await.unwrap(),
        None
    );
    let wider = of(with(value!("number")));
    let compared = store
        .compare_change(&created(), &label("2"), &wider)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (compared.with, compared.compatibility.class),
        (label("1"), Class::Backward)
    );
    // The same version, changed.
    let compared = store
        .compare_change(&created(), &label("1"), &wider)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (compared.with, compared.compatibility.class),
        (label("1"), Class::Backward)
    );
    register(&store, "2", with(value!("number"))).await;
    register(&store, "3", with(value!("string"))).await;
    let class = async |old: Option<&str>, new: &str| {
        let old = old.map(label);
        let compared = store.compare(&created(), old.as_ref(), &label(new)).await.unwrap();
        compared.map(|compared| (compared.with, compared.compatibility.class))
    };
    assert_eq!(class(Some("1"), "2").await, Some((label("1"), Class::Backward)));
    assert_eq!(class(Some("2"), "1").await, Some((label("2"), Class::Forward)));
    assert_eq!(class(None, "1").await, Some((label("3"), Class::None)));
    assert_eq!(class(None, "3").await, Some((label("3"), Class::Full)));
    assert_eq!(class(Some("9"), "1").await, None);
    // A version without a schema allows any data.
    store
        .register(&created(), &label("4"), TypeChange::default())
        .await
        .unwrap();
    assert_eq!(class(Some("3"), "4").await, Some((label("3"), Class::Backward)));
}

pub(crate) async fn a_first_schema_is_inferred(disk: Disk) {
    let store = disk.open().await;
    ingest(&store, numbered(0..10, |n| value!({"old": n}))).await;
    ingest(
        &store,
        numbered(10..3_000, |n| value!({"n": n, "at": "2021-01-01T09:15:27Z"})),
    )
    .await;
    let inferred = store.infer(&created(), 2_990).await.unwrap();
    assert_eq!(inferred.observed, 2_990);
    assert_eq!(inferred.schema["required"], value!(["at", "n"]));
    assert_eq!(
        inferred.schema["properties"]["at"],
        value!({"type": "string", "format": "date-time"})
    );
    let all = store.infer(&created(), 100_000).await.unwrap();
    assert_eq!((all.observed, all.schema.get("required")), (3_000, None));
    let trial = store.trial(&created(), &all.schema, Sample::default()).await.unwrap();
    assert_eq!((trial.judged, trial.would_fail), (3_000, 0));
}

pub(crate) async fn a_shadow_counts_and_changes_nothing(disk: Disk) {
    let store = disk.open().await;
    let number = value!({"properties": {"n": {"type": "number"}}});
    let strict = value!({"properties": {"n": {"type": "integer"}}, "required": ["n"]});
    register(&store, "1", number.clone()).await;
    let (one, two) = (label("1"), label("2"));
    let made = store
        .register_shadow(&created(), &two, of(strict.clone()))
        .await
        .unwrap();
    assert_eq!(made, Registered::Created);
    let again = store
        .register_shadow(&created(), &two, of(strict.clone()))
        .await
        .unwrap();
    assert_eq!(again, Registered::Unchanged);
    // Whoever stores it: another process counts on.
    let other = disk.open().await;
    ingest(&store, numbered(0..10, |n| value!({"n": n}))).await;
    ingest(&other, numbered(10..20, |n| value!({"n": n as f64 + 0.5}))).await;
    // Neither what is refused nor what comes again counts.
    ingest(&store, numbered(15..20, |n| value!({"n": n as f64 + 0.5}))).await;
    ingest(&store, numbered(20..22, |_| value!({"n": "x"}))).await;
    let verdicts = ingest(
        &store,
        vec![json("e-22", ""), json("e-23", r#","version":"2","data":{"n":1}"#)],
    )
    .await;
    assert_eq!(verdicts[0].status, event_core::verdict::Status::Stored);
    let (active, shadow) = versions(&store).await;
    assert_eq!(active, one);
    assert_eq!((shadow.judged, shadow.would_fail), (21, 11));
    assert_eq!((shadow.by_keyword["type"], shadow.by_keyword["required"]), (10, 1));
    assert_eq!((shadow.samples.len(), &shadow.samples[9].id), (10, &id("e-22")));
    assert_eq!(count(&store).await, 22);
    let stored = store.log(0, 100).await.unwrap();
    assert_eq!(stored[0].event.envelope().version, Some(one.clone()));

    // Other rules are counted anew; a policy alone changes no count, and the shadow stays one.
    store.register(&created(), &two, of(number)).await.unwrap();
    assert_eq!(versions(&store).await.1.judged, 0);
    assert_eq!(
        store.register(&created(), &two, of(strict)).await.unwrap(),
        Registered::Changed
    );
    // As the active one it judges alone, although another was registered in between.
    register(&store, "3", value!({})).await;
    store.activate(&created(), &two, TypeChange::default()).await.unwrap();
    for store in [&store, &disk.open().await] {
        let types = store.types().await.unwrap();
        let active: Vec<_> = types
            .iter()
            .filter(|it| it.active)
            .map(|it| it.version.as_str())
            .collect();
        assert_eq!(active, ["2"]);
        assert!(types.iter().all(|it| it.shadow.is_none()));
        assert_eq!(store.registry().active(&created()), Some(&two));
    }
    let refused = ingest(&store, vec![json("e-30", "")]).await;
    assert_eq!(refused[0].code, Some(event_core::Code::SchemaViolation));
}

async fn versions(store: &EventStore) -> (event_core::Label, Shadow) {
    let types = store.types().await.unwrap();
    let active = types.iter().find(|it| it.active).unwrap().version.clone();
    (active, types.into_iter().find_map(|it| it.shadow).unwrap())
}
