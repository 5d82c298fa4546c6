//! Events that ask by their fields.

use std::fmt;

use crate::both;

#[test]
fn the_fields_keep_their_types() {
    both(
        |layer| layer,
        |collected| {
            tracing::info!(
                event.category = "order",
                event.name = "created",
                signed = -7,
                unsigned = i64::MAX as u64,
                larger = u64::MAX,
                largest = u128::MAX,
                float = 12.5,
                whole = 2.0,
                nan = f64::NAN,
                infinite = f64::INFINITY,
                yes = true,
                text = "a \"b\"",
                debug = ?Some(1),
                display = %"plain",
                absent = tracing::field::Empty,
                none = None::<u64>,
                some = Some(3),
                http.method = "GET",
                "order created"
            );
            let event = collected.assert_one("order", "created");
            let expected = serde_json::json!({
                "signed": -7, "unsigned": i64::MAX, "larger": u64::MAX.to_string(), "largest": u128::MAX.to_string(), "float": 12.5, "whole": 2, "yes": true, "text": "a \"b\"",
                "debug": "Some(1)", "display": "plain", "some": 3, "http.method": "GET",
            });
            let data: serde_json::Value = serde_json::from_str(event.payload().as_str()).unwrap();
            assert_eq!(data, expected);
        },
    );
}

#[test]
fn reserved_fields_are_about_the_event() {
    both(
        |layer| layer,
        |collected| {
            tracing::info!(
                event.category = "order",
                event.name = "created",
                event.version = "2",
                event.subject = 7,
                event.session_id = %"s-1",
                event.id = "o-1",
                event.other = "data",
            );
            let event = collected.assert_one("order", "created");
            let envelope = event.envelope();
            assert_eq!(envelope.version.as_ref().unwrap().as_str(), "2");
            assert_eq!(envelope.subject.as_ref().unwrap().as_str(), "7");
            assert_eq!(envelope.session_id.as_ref().unwrap().as_str(), "s-1");
            assert_eq!((envelope.sequence, envelope.id.as_str()), (Some(0), "o-1"));
            assert_eq!(event.payload().as_str(), r#"{"event.other":"data"}"#);
        },
    );
}

#[test]
fn what_is_not_said_of_the_type_has_a_default() {
    both(
        |layer| layer.category("shop"),
        |collected| {
            tracing::info!(event.name = "created");
            tracing::info!(event.category = "order");
            tracing::info!(name: "order paid", { event.category = "order" }, "paid");
            collected.assert_one("shop", "created");
            collected.assert_one("order", "layer::asking");
            collected.assert_one("order", "order paid");
        },
    );
}

#[test]
fn a_message_is_data_if_it_is_wanted() {
    both(
        |layer| layer.with_message(),
        |collected| {
            tracing::info!(event.name = "created", "order {}", 7);
            assert_eq!(
                collected.assert_one("log", "created").payload().as_str(),
                r#"{"message":"order 7"}"#
            );
        },
    );
}

#[test]
fn what_does_not_ask_is_no_event() {
    both(
        |layer| layer,
        |collected| {
            tracing::error!(value = 1, "order created");
            tracing::error!(event.subject = "customer-7", event.id = "o-1", "order created");
            tracing::error!(event.name = tracing::field::Empty, "asks, and says nothing");
            let span = tracing::error_span!("request", event.session_id = "s-1");
            drop(span.enter());
            drop(span);
            assert_eq!(collected.events(), []);
        },
    );
}

struct Trap(fn(&mut fmt::Formatter<'_>) -> fmt::Result);

impl fmt::Debug for Trap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (self.0)(f)
    }
}

#[test]
fn a_value_that_cannot_be_written_is_left_out() {
    both(
        |layer| layer,
        |collected| {
            let (panics, fails) = (Trap(|_| panic!("a value's own")), Trap(|_| Err(fmt::Error)));
            tracing::info!(event.name = "created", ?panics, ?fails, value = 1);
            assert_eq!(
                collected.assert_one("log", "created").payload().as_str(),
                r#"{"value":1}"#
            );
        },
    );
}

#[test]
fn a_value_that_speaks_of_itself_is_heard_once() {
    both(
        |layer| layer,
        |collected| {
            let speaks = Trap(|f| {
                tracing::info!(event.name = "written", again = ?Trap(|f| f.write_str("again")));
                f.write_str("spoken")
            });
            tracing::info!(event.name = "created", ?speaks);
            assert_eq!(
                collected.assert_one("log", "created").payload().as_str(),
                r#"{"speaks":"spoken"}"#
            );
            collected.assert_none("log", "written");
        },
    );
}
