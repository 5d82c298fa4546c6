//! The tables of quotes: what each event does to them, in whatever order updates come.

use event_core::filter::{Field, Test};
use event_core::{Filter, StoredEvent, Timestamp};
use event_store::project::{Failure, Projection, Rows};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Number;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Started {
    id: String,
    reference: String,
    timestamp: String,
    is_first_quote: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Updated {
    quote_id: String,
    products: Vec<Product>,
}

#[derive(Deserialize)]
struct Product {
    id: String,
    name: String,
    rates: Vec<Rate>,
}

#[derive(Deserialize)]
struct Rate {
    key: String,
    status: String,
    total: Number,
}

/// What has become of each quote.
pub(crate) struct Quotes;

impl Projection for Quotes {
    fn name(&self) -> &str {
        "quotes"
    }

    fn filter(&self) -> Filter {
        Filter::new().and(Field::Category, Test::equals("quote"))
    }

    fn tables(&self) -> &[&str] {
        &["quotes", "quote_items", "quote_updates"]
    }

    /// What is of one quote is applied in its order, wherever the quote's id stands.
    fn key(&self, event: &StoredEvent) -> String {
        let data = event.event.payload().root();
        let id = data
            .get("quoteId")
            .or_else(|| data.get("id"))
            .and_then(|id| Some(id.as_str()?.into_owned()));
        id.unwrap_or_default()
    }

    async fn create(&self, rows: &Rows<'_>) -> Result<(), Failure> {
        for table in include_str!("tables.sql").split(';') {
            rows.define(table).await?;
        }
        Ok(())
    }

    async fn apply(&self, stored: &StoredEvent, rows: &Rows<'_>) -> Result<(), Failure> {
        match stored.event.envelope().event_type.name.as_str() {
            "quote_started" => start(read(stored)?, rows).await,
            "quote_products_updated" => update(read(stored)?, stored, rows).await,
            other => Err(Failure::lasting(format!(
                "nobody has said what {other} does to a quote"
            ))),
        }
    }
}

fn read<T: DeserializeOwned>(stored: &StoredEvent) -> Result<T, Failure> {
    serde_json::from_value(stored.event.payload().root().to_value()).map_err(Failure::lasting)
}

async fn start(quote: Started, rows: &Rows<'_>) -> Result<(), Failure> {
    let at: Timestamp = quote.timestamp.parse().map_err(Failure::lasting)?;
    let row = [
        ("id", quote.id.into()),
        ("reference", quote.reference.into()),
        ("started_at", at.as_micros().into()),
        ("first", i64::from(quote.is_first_quote).into()),
    ];
    rows.put("quotes", 1, row).await
}

/// The order of updates is that of their stream, or else that of the log.
async fn update(update: Updated, stored: &StoredEvent, rows: &Rows<'_>) -> Result<(), Failure> {
    let Updated {
        quote_id: quote,
        products,
    } = update;
    let envelope = stored.event.envelope();
    let number = envelope.sequence.unwrap_or(stored.position);
    let is_active = |rate: &Rate| rate.status == "active";
    let active = products
        .iter()
        .filter(|product| product.rates.iter().any(is_active))
        .count();
    let row = [
        ("quote", quote.as_str().into()),
        ("number", number.into()),
        ("happened_at", envelope.occurred_at.as_micros().into()),
        ("products", i64::try_from(active)?.into()),
    ];
    rows.put("quote_updates", 2, row).await?;
    let known = rows
        .query("SELECT newest FROM {quotes} WHERE id = ?", [quote.as_str().into()])
        .await?;
    let newest: Option<i64> = known.first().map_or(Ok(None), |row| row.try_get_by_index(0))?;
    if newest.is_some_and(|newest| newest >= number) {
        return Ok(());
    }
    rows.put("quotes", 1, [("id", quote.as_str().into()), ("newest", number.into())])
        .await?;
    rows.execute(
        "UPDATE {quote_items} SET active = 0 WHERE quote = ?",
        [quote.as_str().into()],
    )
    .await?;
    for product in &products {
        for rate in &product.rates {
            let row = [
                ("quote", quote.as_str().into()),
                ("product", product.id.as_str().into()),
                ("rate", rate.key.as_str().into()),
                ("name", product.name.as_str().into()),
                ("status", rate.status.as_str().into()),
                ("total", rate.total.to_string().into()),
                ("active", i64::from(is_active(rate)).into()),
            ];
            rows.put("quote_items", 3, row).await?;
        }
    }
    Ok(())
}
