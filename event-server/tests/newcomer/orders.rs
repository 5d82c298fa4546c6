use serde_json::{Value, json};

use crate::collector::Collector;

const ORDER: &str = include_str!("../../../fixtures/order_created.json");
const TYPE: &str = "/v1/types/order/created/1.0.0";

fn registered() -> Collector {
    let collector = Collector::start();
    let definition = json!({
        "schema": {
            "required": ["order_value", "shipping_address", "line_items"],
            "properties": {
                "order_value": {"type": "number", "minimum": 0},
                "shipping_address": {"required": ["province"], "properties": {"province": {"type": "string"}}},
                "line_items": {"type": "array", "items": {"properties": {"quantity": {"type": "integer"}}}},
            },
        },
        "mapping": {
            "id": "/event_id",
            "subject": "/lovevery_user_id",
            "decode": ["/billing_address", "/shipping_address", "/line_items"],
            "numbers": ["/line_items/*/quantity"],
        },
    });
    assert_eq!(collector.put(TYPE, definition.to_string()).status, 201);
    collector
}

fn send(collector: &Collector, document: &Value) -> Value {
    let answer = collector.post(&format!("{TYPE}/events"), document.to_string());
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()["results"][0].clone()
}

fn order() -> Value {
    serde_json::from_str(ORDER).unwrap()
}

#[test]
fn a_foreign_document_goes_in_and_its_exact_value_comes_out() {
    let collector = registered();
    let verdict = send(&collector, &order());
    assert_eq!(
        (&verdict["status"], &verdict["id"]),
        (&json!("stored"), &order()["event_id"])
    );
    assert_eq!(verdict["flags"], json!(["no_timestamp"]));

    // The same order again, its nested fields as text this time, one of them twice over.
    let mut encoded = order();
    for field in ["billing_address", "shipping_address", "line_items"] {
        encoded[field] = Value::String(encoded[field].to_string());
    }
    encoded["line_items"] = Value::String(encoded["line_items"].to_string());
    assert_eq!(send(&collector, &encoded)["status"], "duplicate");

    let mut other = order();
    other["order_value"] = json!(6);
    assert_eq!(send(&collector, &other)["status"], "conflict");

    for (id, value, province) in [("o-2", json!(0.1), "Idaho"), ("o-3", json!(0.2), "Idaho")] {
        let mut order = order();
        order["event_id"] = json!(id);
        order["order_value"] = value;
        order["shipping_address"]["province"] = json!(province);
        assert_eq!(send(&collector, &order)["status"], "stored");
    }
    let mut broken = order();
    broken["event_id"] = json!("o-4");
    broken["order_value"] = json!(-1);
    broken["line_items"] = json!([{"quantity": "2x"}]);
    let verdict = send(&collector, &broken);
    assert_eq!(verdict["status"], "quarantined");
    let places: Vec<_> = verdict["violations"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| &it["pointer"])
        .collect();
    assert_eq!(places, ["/line_items/0/quantity", "/order_value"]);

    let by = "measure=sum:/order_value&bucket=day&by=/shipping_address/province&category=order";
    let answer = collector.get(&format!("/v1/query?{by}")).json();
    let found: Vec<_> = answer["rows"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| (row["group"]["/shipping_address/province"].clone(), row["value"].clone()))
        .collect();
    assert_eq!(found, [(json!("Idaho"), json!("0.3")), (json!("Maryland"), json!("5"))]);
    let units = collector
        .get("/v1/query?measure=sum:/line_items/0/quantity&name=created")
        .json();
    assert_eq!(units["rows"][0]["value"], "6");
}

#[test]
fn documents_of_a_type_without_mapping_are_turned_away() {
    let collector = Collector::start();
    let answer = collector.post(&format!("{TYPE}/events"), ORDER);
    assert_eq!(
        (answer.status, answer.problem().as_deref()),
        (404, Some("type_not_found"))
    );
}
