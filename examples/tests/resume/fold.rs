//! What the tables of quotes must hold: the events of the log, folded by hand.

use std::collections::BTreeMap;

use event_core::Timestamp;
use sea_orm::{ConnectionTrait as _, Database, QueryResult, Statement, TryGetable};
use serde_json::{Value, json};

use crate::example::fixture;

/// Reference, start, whether it is the first, newest update.
type Quote = (Option<String>, Option<i64>, Option<i64>, Option<i64>);

#[derive(Debug, Default, PartialEq)]
pub(crate) struct Tables {
    quotes: BTreeMap<String, Quote>,
    /// Of quote, product and rate: status, total, whether it is active.
    items: BTreeMap<(String, String, String), (String, String, i64)>,
    /// Of quote and number: when, and how many products.
    updates: BTreeMap<(String, i64), (i64, i64)>,
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}")).to_owned()
}

fn micros(value: &Value) -> i64 {
    value.as_str().unwrap().parse::<Timestamp>().unwrap().as_micros()
}

/// The events, in the order of their places.
pub(crate) fn fold(events: &[Value]) -> Tables {
    let mut tables = Tables::default();
    for event in events {
        match event["name"].as_str().unwrap() {
            "quote_started" => tables.start(&event["data"]),
            "quote_products_updated" => tables.update(event),
            // Nobody has said what it does: it is parked.
            _ => {}
        }
    }
    tables
}

impl Tables {
    fn start(&mut self, data: &Value) {
        let quote = self.quotes.entry(text(&data["id"])).or_default();
        quote.0 = Some(text(&data["reference"]));
        quote.1 = Some(micros(&data["timestamp"]));
        quote.2 = Some(i64::from(data["isFirstQuote"].as_bool().unwrap()));
    }

    fn update(&mut self, event: &Value) {
        let (data, number) = (&event["data"], event["sequence"].as_i64().unwrap());
        let (id, products) = (text(&data["quoteId"]), data["products"].as_array().unwrap());
        let rates = |product: &Value| product["rates"].as_array().unwrap().clone();
        let is_active = |rate: &Value| rate["status"] == "active";
        let active = products.iter().filter(|product| rates(product).iter().any(is_active));
        let active = i64::try_from(active.count()).unwrap();
        let at = micros(&event["occurred_at"]);
        self.updates.insert((id.clone(), number), (at, active));
        let quote = self.quotes.entry(id.clone()).or_default();
        if quote.3.is_some_and(|newest| newest >= number) {
            return;
        }
        quote.3 = Some(number);
        for (_, item) in self.items.iter_mut().filter(|((quote, ..), _)| *quote == id) {
            item.2 = 0;
        }
        for product in products {
            for rate in rates(product) {
                let key = (id.clone(), text(&product["id"]), text(&rate["key"]));
                let row = (
                    text(&rate["status"]),
                    rate["total"].to_string(),
                    i64::from(is_active(&rate)),
                );
                self.items.insert(key, row);
            }
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.quotes.is_empty() || self.items.is_empty() || self.updates.is_empty()
    }
}

fn cell<T: TryGetable>(row: &QueryResult, column: usize) -> T {
    row.try_get_by_index(column).unwrap()
}

/// What readers see.
pub(crate) async fn read(url: &str) -> Tables {
    let db = Database::connect(url).await.unwrap();
    let rows = async |sql: &str| {
        let statement = Statement::from_string(db.get_database_backend(), sql);
        db.query_all_raw(statement).await.unwrap()
    };
    let mut tables = Tables::default();
    for row in rows("SELECT id, reference, started_at, first, newest FROM quotes").await {
        let quote = (cell(&row, 1), cell(&row, 2), cell(&row, 3), cell(&row, 4));
        tables.quotes.insert(cell(&row, 0), quote);
    }
    for row in rows("SELECT quote, product, rate, status, total, active FROM quote_items").await {
        let item = (cell(&row, 3), cell(&row, 4), cell(&row, 5));
        tables.items.insert((cell(&row, 0), cell(&row, 1), cell(&row, 2)), item);
    }
    for row in rows("SELECT quote, number, happened_at, products FROM quote_updates").await {
        tables
            .updates
            .insert((cell(&row, 0), cell(&row, 1)), (cell(&row, 2), cell(&row, 3)));
    }
    db.close().await.unwrap();
    tables
}

/// Event number so much: of five quotes, updates now and then late, and one in 23 that nobody understands.
pub(crate) fn event(number: i64) -> Value {
    let quote = format!("quote-{}", number % 5);
    let (name, data) = if number % 23 == 22 {
        ("quote_sold", json!({"quoteId": format!("sold-{number}")}))
    } else if number % 11 == 7 {
        let mut data: Value = serde_json::from_str(&fixture("quote_started.json")).unwrap();
        (data["id"], data["reference"]) = (json!(quote), json!(format!("ref-{number}")));
        ("quote_started", data)
    } else {
        let mut data: Value = serde_json::from_str(&fixture("quote_products_updated.json")).unwrap();
        let product = data["products"][0].take();
        let products = (0..1 + number % 4).map(|place| {
            let mut product = product.clone();
            product["id"] = json!(format!("product-{}", (number + place) % 6));
            product["rates"][0]["status"] = json!(if (number + place) % 7 == 0 { "expired" } else { "active" });
            product
        });
        data["products"] = products.collect();
        data["quoteId"] = json!(quote);
        ("quote_products_updated", data)
    };
    // Every third one comes after its successor.
    let sequence = number + if number % 3 == 0 { 12 } else { 0 };
    let at = format!(
        "2020-03-{:02}T{:02}:{:02}:00Z",
        1 + number / 1_440 % 28,
        number / 60 % 24,
        number % 60
    );
    json!({"id": format!("event-{number}"), "category": "quote", "name": name, "session_id": quote, "sequence": sequence,
        "timestamp": at, "data": data})
}
