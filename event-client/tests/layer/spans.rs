//! Spans: events when they close, and what those inside have from them.

use event_client::layer::Rule;
use event_core::Event;

use crate::both;

fn origin(event: &Event) -> (Option<String>, Option<String>) {
    let envelope = event.envelope();
    let subject = envelope.subject.as_ref().map(|subject| subject.as_str().to_owned());
    (
        subject,
        envelope.session_id.as_ref().map(|session| session.as_str().to_owned()),
    )
}

#[test]
fn a_span_is_an_event_when_it_closes() {
    both(
        |layer| layer,
        |collected| {
            let span = tracing::info_span!(
                "checkout",
                event.category = "order",
                items = 3,
                total = tracing::field::Empty
            );
            span.in_scope(|| std::thread::sleep(std::time::Duration::from_millis(3)));
            span.record("total", 12.5);
            span.record("items", 4);
            assert_eq!(collected.events(), []);
            drop(span);
            let event = collected.assert_one("order", "checkout");
            let data: serde_json::Value = serde_json::from_str(event.payload().as_str()).unwrap();
            assert!(data["duration_ms"].as_f64().unwrap() >= 3.0, "{data}");
            assert_eq!((data["items"].as_u64(), data["total"].as_f64()), (Some(4), Some(12.5)));
        },
    );
}

#[test]
fn a_span_may_ask_before_it_ends() {
    both(
        |layer| layer,
        |collected| {
            for paid in [false, true] {
                let span = tracing::info_span!("checkout", event.name = tracing::field::Empty);
                if paid {
                    span.record("event.name", "order paid");
                }
            }
            collected.assert_one("log", "order paid");
            assert_eq!(collected.events().len(), 1);
        },
    );
}

#[test]
fn what_is_inside_has_its_origin_from_the_nearest_span() {
    both(
        |layer| layer,
        |collected| {
            let session = tracing::info_span!(
                "session",
                event.session_id = "s-1",
                event.subject = tracing::field::Empty
            );
            let _session = session.enter();
            tracing::info!(event.name = "before");
            session.record("event.subject", "customer-7");
            let other = tracing::info_span!("of no interest", value = 1);
            let _other = other.enter();
            let inner = tracing::info_span!("inner", event.name = "inner", event.session_id = "s-2");
            inner.in_scope(|| tracing::info!(event.name = "deep"));
            tracing::info!(event.name = "own", event.subject = "customer-8");
            tracing::info!(parent: None, event.name = "apart");
            drop(inner);
            let some = |text: &str| Some(text.to_owned());
            assert_eq!(origin(&collected.assert_one("log", "before")), (None, some("s-1")));
            assert_eq!(
                origin(&collected.assert_one("log", "deep")),
                (some("customer-7"), some("s-2"))
            );
            assert_eq!(
                origin(&collected.assert_one("log", "own")),
                (some("customer-8"), some("s-1"))
            );
            assert_eq!(
                origin(&collected.assert_one("log", "inner")),
                (some("customer-7"), some("s-2"))
            );
            assert_eq!(origin(&collected.assert_one("log", "apart")), (None, None));
        },
    );
}

#[test]
fn spans_are_chosen_by_rules_too() {
    both(
        |layer| layer.rule(Rule::spans("timing").targets(["shop::db"])),
        |collected| {
            tracing::info_span!(target: "shop::db", "select", table = "orders").in_scope(|| {
                tracing::info!(target: "shop::db", "no span");
            });
            tracing::info_span!(target: "shop", "other").in_scope(|| {});
            let event = collected.assert_one("timing", "select");
            assert!(event.payload().as_str().contains(r#""table":"orders""#));
            assert_eq!(collected.events().len(), 1);
        },
    );
}
