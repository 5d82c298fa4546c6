//! The orders of a shop, as they come from its checkout, and what the shop asks about its sales.
//!
//! ```sh
//! cargo run --release -p event-examples --example orders
//! curl -X POST http://localhost:5000/create -H 'Content-Type: application/json' -d @fixtures/order_created.json
//! curl http://localhost:5000/
//! curl 'http://localhost:5000/customers/top?start_date=2020-09-01&end_date=2020-09-05&count=5&accepts_marketing=true'
//! curl 'http://localhost:5000/orders/value?start_date=2020-09-01&end_date=2020-09-05&mode=DAY'
//! curl 'http://localhost:5000/sales/province?start_date=2020-09-01&end_date=2020-09-05&province=Idaho'
//! ```
//!
//! What an order is, and how its document becomes an event, is declared in `orders.json`.

#![allow(clippy::print_stdout)]

use std::collections::BTreeMap;
use std::error::Error;
use std::ops::Bound::{Excluded, Unbounded};

use axum::body::Bytes;
use axum::extract::{RawQuery, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Json, Router, routing::get, routing::post};
use clap::Parser;
use event_core::aggregate::Row;
use event_core::decimal::Decimal;
use event_core::filter::Field;
use event_core::json::Node;
use event_core::policy::UnknownTypes;
use event_core::query::{Page, ParameterError, Parameters};
use event_core::verdict::Status;
use event_core::{EventType, Label, Query, Source, StoredEvent};
use event_store::{EventPage, EventStore, Offer, Options, Origin, TypeChange};
use serde_json::{Value, json};

#[derive(Parser)]
struct Cli {
    /// Where the orders are kept
    #[arg(long, default_value = "sqlite://orders.db?mode=rwc")]
    database: String,
    #[arg(long, default_value_t = 5000)]
    port: u16,
}

type Shop = (EventStore, EventType, Origin);

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let Cli { database, port } = Cli::parse();
    let options = Options::new().unknown_types(UnknownTypes::Quarantine);
    let store = EventStore::connect_with(&database, options).await?;
    let order = EventType::new("order", "created")?;
    let declared: Value = serde_json::from_str(include_str!("orders.json"))?;
    let rules = TypeChange {
        schema: Some(declared["schema"].clone()),
        mapping: Some(serde_json::from_value(declared["mapping"].clone())?),
        ..TypeChange::default()
    };
    store.register(&order, &Label::new("1.0.0")?, rules).await?;
    let checkout = Origin::new(Source::new("checkout")?);
    let router = Router::new()
        .route("/", get(list))
        .route("/create", post(create))
        .route("/customers/top", get(top_customers))
        .route("/orders/value", get(value))
        .route("/sales/province", get(sales))
        .with_state((store.clone(), order, checkout));
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await?;
    println!("listening on http://{}", listener.local_addr()?);
    let stop = async { tokio::signal::ctrl_c().await.unwrap_or_default() };
    axum::serve(listener, router).with_graceful_shutdown(stop).await?;
    Ok(store.close().await?)
}

/// The answer is the verdict, with the JSON pointer of every rule that the order breaks.
async fn create(State((store, order, checkout)): State<Shop>, document: Bytes) -> Result<Response, Failure> {
    let order = Offer::Foreign {
        bytes: document.to_vec(),
        event_type: order,
        version: None,
    };
    let verdict = store.ingest(vec![order], &checkout).await?.swap_remove(0);
    let status = match verdict.status {
        Status::Stored => StatusCode::CREATED,
        Status::Duplicate => StatusCode::OK,
        Status::Conflict => StatusCode::CONFLICT,
        _ => StatusCode::UNPROCESSABLE_ENTITY,
    };
    Ok((status, Json(verdict)).into_response())
}

async fn list(State((store, ..)): State<Shop>, RawQuery(query): RawQuery) -> Result<Json<EventPage>, Failure> {
    let asked = Parameters::read(query.as_deref().unwrap_or_default())?;
    let page = Page::from_pairs(asked.translated(&[("limit", "limit"), ("cursor", "cursor")])?)?;
    Ok(Json(store.page(&page).await?))
}

async fn top_customers(State((store, ..)): State<Shop>, RawQuery(query): RawQuery) -> Result<Json<Vec<Row>>, Failure> {
    let asked = Parameters::read(query.as_deref().unwrap_or_default())?;
    let [range @ .., count, accepts] = asked.once(["start_date", "end_date", "zone", "count", "accepts_marketing"])?;
    if accepts.is_some_and(|text| text.parse::<bool>().is_err()) {
        return Err(wrong("accepts_marketing", "this is true or false"));
    }
    let count = count.or(Some("5"));
    let query = Query::from_pairs(orders(range, [VALUE, ("top", count), (ACCEPTS, accepts)]))?;
    Ok(Json(store.answer(&query.by(Field::Subject)).await?.rows))
}

async fn value(State((store, ..)): State<Shop>, RawQuery(query): RawQuery) -> Result<Json<Vec<Row>>, Failure> {
    let asked = Parameters::read(query.as_deref().unwrap_or_default())?;
    let [range @ .., mode] = asked.once(["start_date", "end_date", "zone", "mode"])?;
    let bucket = match mode {
        Some("DAY") => Some("day"),
        Some("TOTAL") => None,
        _ => return Err(wrong("mode", "this is DAY or TOTAL")),
    };
    let query = Query::from_pairs(orders(range, [VALUE, ("bucket", bucket)]))?;
    Ok(Json(store.answer(&query).await?.rows))
}

/// How many of each item were shipped there, and what the orders are worth that it is in.
async fn sales(State((store, ..)): State<Shop>, RawQuery(query): RawQuery) -> Result<Json<Value>, Failure> {
    let asked = Parameters::read(query.as_deref().unwrap_or_default())?;
    let names = ["start_date", "end_date", "zone", "province", "limit", "cursor"];
    let [range @ .., province, limit, last] = asked.once(names)?;
    let province = province.ok_or_else(|| wrong("province", "this is missing"))?;
    let page = Page::from_pairs(orders(range, [(PROVINCE, Some(province)), ("limit", limit)]))?;
    let mut sold = BTreeMap::new();
    store.each(&page, |order| sell(order, &mut sold)).await?;
    // In the order of the items: the cursor is the last one that was given out.
    let mut items = sold.range::<str, _>((last.map_or(Unbounded, Excluded), Unbounded));
    let sold = |(item, sold): (&String, &(Decimal, i64))| json!({"line_item": item, "value": sold.0, "units": sold.1});
    let sales: Vec<Value> = items.by_ref().take(page.limit).map(sold).collect();
    let next = items.next().and(sales.last()).map(|last| &last["line_item"]);
    Ok(Json(json!({"sales": &sales, "next": next})))
}

fn sell(order: &StoredEvent, sold: &mut BTreeMap<String, (Decimal, i64)>) {
    let order = order.event.payload().root();
    let value = order.get("order_value").and_then(|value| value.as_number());
    let mut units = BTreeMap::<_, i64>::new();
    for item in order.get("line_items").iter().flat_map(Node::elements) {
        let id = item.get("id").and_then(|id| id.as_str()).unwrap_or_default();
        let quantity = item.get("quantity").and_then(|quantity| quantity.as_number()?.as_i64());
        *units.entry(id).or_default() += quantity.unwrap_or_default();
    }
    for (item, units) in units {
        let (of_orders, of_items) = sold.entry(item.into_owned()).or_default();
        *of_orders += &value.map(Decimal::from).unwrap_or_default();
        *of_items += units;
    }
}

const VALUE: Said<'static> = ("measure", Some("sum:/order_value"));
const ACCEPTS: &str = "/buyer_accepts_marketing";
const PROVINCE: &str = "/shipping_address/province";
type Said<'a> = (&'a str, Option<&'a str>);

/// What is asked of the orders of a range, in the words of the library.
fn orders<'a, const N: usize>([from, to, zone]: [Option<&'a str>; 3], more: [Said<'a>; N]) -> Vec<(&'a str, &'a str)> {
    let range = [("from", from), ("to", to), ("zone", zone)];
    let said = range.into_iter().chain(more);
    let said = said.filter_map(|(name, text)| Some((name, text?)));
    said.chain([("category", "order"), ("name", "created")]).collect()
}

/// A problem as RFC 9457 has it.
struct Failure(StatusCode, String, Option<String>);

fn wrong(parameter: &str, detail: &str) -> Failure {
    Failure(StatusCode::BAD_REQUEST, detail.to_owned(), Some(parameter.to_owned()))
}

impl From<ParameterError> for Failure {
    fn from(error: ParameterError) -> Self {
        let error = error.translated(&[("start_date", "from"), ("end_date", "to"), ("count", "top")]);
        wrong(&error.parameter, &error.message)
    }
}

impl From<event_store::Error> for Failure {
    fn from(error: event_store::Error) -> Self {
        match error {
            event_store::Error::Query(error) => ParameterError::from(error).into(),
            error => Failure(StatusCode::SERVICE_UNAVAILABLE, error.to_string(), None),
        }
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let Failure(status, detail, parameter) = self;
        let title = status.canonical_reason();
        let problem = json!({"status": status.as_u16(), "title": title, "detail": detail, "parameter": parameter});
        let kind = [(header::CONTENT_TYPE, "application/problem+json")];
        (status, kind, problem.to_string()).into_response()
    }
}
