//! The example as a process: orders in every form, and every question over HTTP.

#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "support/example.rs"]
mod example;

use example::{Example, fixture};
use serde_json::{Value, json};

fn start() -> Example {
    Example::start("orders", &[])
}

fn sample() -> Value {
    serde_json::from_str(&fixture("order_created.json")).unwrap()
}

/// The sample with another id, customer and value, and a time.
fn order(id: &str, customer: &str, value: Value, time: &str) -> Value {
    let mut order = sample();
    order["event_id"] = id.into();
    order["lovevery_user_id"] = customer.into();
    order["order_value"] = value;
    order["timestamp"] = time.into();
    order
}

fn pointers(verdict: &Value) -> Vec<&str> {
    let violations = verdict["violations"].as_array().unwrap();
    violations
        .iter()
        .map(|violation| violation["pointer"].as_str().unwrap())
        .collect()
}

#[test]
fn an_order_is_stored_once() {
    let shop = start();
    let (status, verdict) = shop.post("/create", sample());
    assert_eq!((status, &verdict["id"]), (201, &sample()["event_id"]));
    let (status, verdict) = shop.post("/create", sample());
    assert_eq!((status, &verdict["status"]), (200, &json!("duplicate")));

    // The same order, its nested fields as text, one of them twice over, its items one by one.
    let mut encoded = sample();
    for field in ["billing_address", "shipping_address"] {
        encoded[field] = encoded[field].to_string().into();
    }
    encoded["shipping_address"] = encoded["shipping_address"].to_string().into();
    assert_eq!(shop.post("/create", &encoded).0, 200);
    let item = encoded["line_items"][0].to_string();
    encoded["line_items"] = json!([item]).to_string().into();
    assert_eq!(shop.post("/create", &encoded).0, 200);

    let mut other = sample();
    other["order_value"] = json!(5.5);
    let (status, verdict) = shop.post("/create", &other);
    assert_eq!((status, &verdict["code"]), (409, &json!("id_conflict")));

    let (_, list) = shop.get("/");
    assert_eq!(list["events"].as_array().unwrap().len(), 1, "{list}");
    let stored = &list["events"][0];
    assert_eq!(
        stored["occurred_at"], stored["received_at"],
        "the time of receipt counts"
    );
    assert_eq!(stored["data"]["line_items"][0]["quantity"], 2);
}

#[test]
fn what_is_wrong_with_an_order_is_told_with_its_places() {
    let shop = start();
    let mut broken = sample();
    broken["order_value"] = json!(-1);
    broken["line_items"] = json!([{"id": "a", "quantity": "2"}, {"id": "b", "quantity": "two"}]);
    broken["shipping_address"] = json!({});
    let (status, verdict) = shop.post("/create", &broken);
    assert_eq!((status, &verdict["status"]), (422, &json!("quarantined")));
    assert_eq!(
        pointers(&verdict),
        ["/line_items/1/quantity", "/order_value", "/shipping_address"]
    );
    let mut undecodable = sample();
    undecodable["billing_address"] = "{\"city\":".into();
    let (status, verdict) = shop.post("/create", &undecodable);
    assert_eq!((status, pointers(&verdict)), (422, vec!["/billing_address/city"]));
    let mut newer = sample();
    newer["event_version"] = "2.0.0".into();
    let (status, verdict) = shop.post("/create", &newer);
    assert_eq!((status, &verdict["code"]), (422, &json!("unknown_version")));
    for text in ["", "{", "7", "[]"] {
        assert_eq!(shop.post("/create", text).0, 422, "{text}");
    }
    assert_eq!(shop.get("/").1["events"], json!([]));
}

#[test]
fn the_best_customers_are_ranked_by_value_then_by_id() {
    let shop = start();
    for (id, customer, value, time) in [
        ("1", "carol", json!(0.1), "2020-09-01T00:00:00Z"),
        ("2", "carol", json!(0.2), "2020-09-04T23:59:59Z"),
        ("3", "bob", json!(0.3), "2020-09-02"),
        ("4", "alice", json!(0.3), "2020-09-02"),
        ("5", "dave", json!(100), "2020-09-05T00:00:00Z"),
        ("6", "erin", json!(0.1), "2020-09-03"),
    ] {
        let mut order = order(id, customer, value, time);
        order["buyer_accepts_marketing"] = json!(customer != "alice");
        assert_eq!(shop.post("/create", order).0, 201);
    }
    let top = |query: &str| {
        let (status, rows) = shop.get(&format!("/customers/top?{query}"));
        assert_eq!(status, 200, "{rows}");
        let row = |row: &Value| format!("{} {}", row["group"]["subject"], row["value"]).replace('"', "");
        rows.as_array().unwrap().iter().map(row).collect::<Vec<_>>()
    };
    let range = "start_date=2020-09-01&end_date=2020-09-05";
    assert_eq!(
        top(&format!("{range}&count=5")),
        ["alice 0.3", "bob 0.3", "carol 0.3", "erin 0.1"]
    );
    assert_eq!(top(&format!("{range}&count=2")), ["alice 0.3", "bob 0.3"]);
    assert_eq!(
        top(&format!("{range}&count=2&accepts_marketing=true")),
        ["bob 0.3", "carol 0.3"]
    );
    assert_eq!(top(&format!("{range}&accepts_marketing=false")), ["alice 0.3"]);
    // Midnight of another zone.
    assert_eq!(top(&format!("{range}&zone=America/New_York&count=1")), ["dave 100"]);
    for (query, parameter) in [
        ("start_date=x", "start_date"),
        ("end_date=2020-02-30", "end_date"),
        ("start_date=2020-09-05&end_date=2020-09-01", "end_date"),
        ("count=0", "count"),
        ("count=many", "count"),
        ("count=1&count=2", "count"),
        ("accepts_marketing=yes", "accepts_marketing"),
        ("zone=Nowhere", "zone"),
        ("colour=red", "colour"),
    ] {
        let (status, problem) = shop.get(&format!("/customers/top?{query}"));
        assert_eq!(
            (status, &problem["parameter"]),
            (400, &json!(parameter)),
            "{query}: {problem}"
        );
    }
}

#[test]
fn days_without_orders_are_worth_nothing() {
    let shop = start();
    for (id, value, time) in [
        ("1", json!(0.1), "2020-09-01T12:00:00Z"),
        ("2", json!(0.2), "2020-09-01T23:59:59Z"),
        ("3", json!(5), "2020-09-03"),
        ("4", json!(7), "2020-09-04"),
    ] {
        assert_eq!(shop.post("/create", order(id, "c", value, time)).0, 201);
    }
    let value = |query: &str| {
        let (status, rows) = shop.get(&format!(
            "/orders/value?start_date=2020-09-01&end_date=2020-09-04&{query}"
        ));
        assert_eq!(status, 200, "{rows}");
        let row = |row: &Value| row["value"].as_str().unwrap().to_owned();
        rows.as_array().unwrap().iter().map(row).collect::<Vec<_>>()
    };
    assert_eq!(value("mode=DAY"), ["0.3", "0", "5"]);
    assert_eq!(value("mode=TOTAL"), ["5.3"]);
    assert_eq!(value("mode=DAY&zone=Asia/Tokyo"), ["0.1", "0.2", "5"]);
    for (query, parameter) in [
        ("", "mode"),
        ("mode=WEEK", "mode"),
        ("mode=DAY&start_date=today", "start_date"),
        ("mode=DAY&start_date=1970-01-01&end_date=9999-01-01", "end_date"),
        ("mode=DAY&count=1", "count"),
    ] {
        let (status, problem) = shop.get(&format!("/orders/value?{query}"));
        assert_eq!(
            (status, &problem["parameter"]),
            (400, &json!(parameter)),
            "{query}: {problem}"
        );
    }
}

#[test]
fn sales_are_counted_by_item_where_they_were_shipped() {
    let shop = start();
    let sale = |id: &str, value: Value, province: &str, items: Value| {
        let mut order = order(id, "c", value, "2020-09-02");
        order["shipping_address"]["province"] = province.into();
        order["line_items"] = items;
        assert_eq!(shop.post("/create", order).0, 201);
    };
    sale(
        "1",
        json!(0.1),
        "Idaho",
        json!([{"id": "kit", "quantity": "2"}, {"id": "book", "quantity": "1"}]),
    );
    sale(
        "2",
        json!(0.2),
        "Idaho",
        json!([{"id": "kit", "quantity": "1"}, {"id": "kit", "quantity": "3"}]),
    );
    sale("3", json!(9), "Ohio", json!([{"id": "kit", "quantity": "1"}]));
    sale("4", json!(1), "Idaho", json!([]));
    let range = "start_date=2020-09-01&end_date=2020-09-05";
    let (_, sales) = shop.get(&format!("/sales/province?{range}&province=Idaho"));
    let expected = json!([
        {"line_item": "book", "value": "0.1", "units": 1},
        {"line_item": "kit", "value": "0.3", "units": 6},
    ]);
    assert_eq!(sales, json!({"sales": expected, "next": null}));
    // The same, page by page.
    let (_, first) = shop.get(&format!("/sales/province?{range}&province=Idaho&limit=1"));
    assert_eq!((&first["sales"][0], &first["next"]), (&expected[0], &json!("book")));
    let (_, second) = shop.get(&format!("/sales/province?{range}&province=Idaho&limit=1&cursor=book"));
    assert_eq!(
        (&second["sales"], &second["next"]),
        (&json!([expected[1]]), &Value::Null)
    );
    let (_, nothing) = shop.get(&format!("/sales/province?{range}&province=Utah"));
    assert_eq!(nothing["sales"], json!([]));
    for (query, parameter) in [
        ("start_date=2020-09-01", "province"),
        ("province=Idaho&end_date=soon", "end_date"),
        ("province=Idaho&limit=0", "limit"),
        ("province=Idaho&state=Idaho", "state"),
    ] {
        let (status, problem) = shop.get(&format!("/sales/province?{query}"));
        assert_eq!(
            (status, &problem["parameter"]),
            (400, &json!(parameter)),
            "{query}: {problem}"
        );
    }
}

#[test]
fn the_list_is_paged() {
    let shop = start();
    for id in ["1", "2", "3"] {
        assert_eq!(shop.post("/create", order(id, "c", json!(1), "2020-09-02")).0, 201);
    }
    let (_, first) = shop.get("/?limit=2");
    let next = first["next"].as_str().unwrap();
    let (_, second) = shop.get(&format!("/?limit=2&cursor={next}"));
    let ids = [
        &first["events"][0]["id"],
        &first["events"][1]["id"],
        &second["events"][0]["id"],
    ];
    assert_eq!(ids, ["1", "2", "3"]);
    assert_eq!(second.get("next"), None);
    for (query, parameter) in [
        ("limit=0", "limit"),
        ("cursor=x", "cursor"),
        ("category=order", "category"),
    ] {
        let (status, problem) = shop.get(&format!("/?{query}"));
        assert_eq!((status, &problem["parameter"]), (400, &json!(parameter)), "{query}");
    }
}
