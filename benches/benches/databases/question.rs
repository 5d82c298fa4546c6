//! Questions to a store, and the SQL that an expert would write for them over its tables.

use event_benches::backend::Backend;
use event_benches::orders::FIRST;
use event_core::{Query, Timestamp};
use sea_orm::Value;

const HOUR: i64 = 3_600_000_000;
const DAY: i64 = 24 * HOUR;

/// A question in both languages.
pub(crate) struct Question {
    pub(crate) title: &'static str,
    pub(crate) query: Query,
    /// Columns: what the value is of, and the value; a sum in hundredths.
    pub(crate) sql: String,
    pub(crate) values: Vec<Value>,
    /// Whether the value is a sum.
    pub(crate) sums: bool,
}

/// The three that are asked over orders.
pub(crate) fn questions(backend: &Backend, prefix: &str) -> Vec<Question> {
    let customer = "customer-7";
    let day = |day: i64| Timestamp::from_micros(FIRST + day * DAY).unwrap();
    let query = |parameters: &[(&str, &str)], from: i64, to: i64| {
        let (from, to) = (day(from).to_string(), day(to).to_string());
        let mut pairs = vec![
            ("category", "order"),
            ("name", "created"),
            ("from", &*from),
            ("to", &*to),
        ];
        pairs.extend(parameters);
        Query::from_pairs(pairs).unwrap()
    };
    let orders = format!(
        "e.kind_id = (SELECT id FROM {prefix}kinds WHERE category = 'order' AND name = 'created') \
         AND e.occurred_at >= ? AND e.occurred_at < ?"
    );
    let with_trails = format!("{prefix}events e JOIN {prefix}trails t ON t.id = e.trail_id");
    let range = |from: i64, to: i64| -> Vec<Value> { vec![day(from).as_micros().into(), day(to).as_micros().into()] };
    let (cents, stretch) = (cents(backend), |length: i64| match backend {
        Backend::MariaDb(_) => format!("e.occurred_at DIV {length}"),
        _ => format!("e.occurred_at / {length}"),
    });
    vec![
        Question {
            title: "hours of one customer over a week",
            query: query(&[("subject", customer), ("bucket", "hour")], 7, 14),
            sql: format!(
                "SELECT {}, COUNT(*) FROM {with_trails} WHERE {orders} AND t.subject = ? GROUP BY 1 ORDER BY 1",
                stretch(HOUR)
            ),
            values: [range(7, 14), vec![customer.into()]].concat(),
            sums: false,
        },
        Question {
            title: "value by day, 35 days",
            query: query(&[("measure", "sum:/total"), ("bucket", "day")], 0, 35),
            sql: format!(
                "SELECT {}, {cents} FROM {prefix}events e WHERE {orders} GROUP BY 1 ORDER BY 1",
                stretch(DAY)
            ),
            values: range(0, 35),
            sums: true,
        },
        Question {
            title: "top five customers over a month",
            query: query(&[("measure", "sum:/total"), ("by", "subject"), ("top", "5")], 2, 32),
            sql: format!(
                "SELECT t.subject, {cents} FROM {with_trails} WHERE {orders} GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 5"
            ),
            values: range(2, 32),
            sums: true,
        },
    ]
}

/// The exact sum of the totals, in hundredths.
fn cents(backend: &Backend) -> &'static str {
    match backend {
        Backend::Sqlite(_) => "SUM(CAST(ROUND(e.data ->> '$.total' * 100) AS INTEGER))",
        Backend::Postgres(_) => "(SUM((e.data::json ->> 'total')::numeric) * 100)::bigint",
        Backend::MariaDb(_) => "CAST(SUM(CAST(JSON_VALUE(e.data, '$.total') AS DECIMAL(20, 2))) * 100 AS SIGNED)",
    }
}

/// A session in order: what a store answers, as rows.
pub(crate) fn session(prefix: &str) -> String {
    format!(
        "SELECT e.*, t.session, t.subject FROM {prefix}trails t JOIN {prefix}events e ON e.trail_id = t.id \
         WHERE t.session = ? ORDER BY e.position"
    )
}

/// A page of 100 by category and time.
pub(crate) fn page(prefix: &str) -> String {
    format!(
        "SELECT e.*, t.session, t.subject FROM {prefix}events e LEFT JOIN {prefix}trails t ON t.id = e.trail_id \
         WHERE e.kind_id = (SELECT id FROM {prefix}kinds WHERE category = 'order') AND e.occurred_at >= ? \
         ORDER BY e.occurred_at, e.position LIMIT 101"
    )
}
