//! `GET /losses`: what clients had to give up, for people.

use axum::extract::State;
use axum::response::Response;
use event_core::wire::Loss;

use super::super::{App, losses as reported};
use crate::auth::Visitor;
use crate::clock::now;
use crate::page::losses::{self, Losses};
use crate::page::text;
use crate::reply::{self, Failure};
use crate::target::Parameters;

const LINES: usize = 500;
/// So far back who asks nothing is shown.
const WEEK: i64 = 7 * 24 * 3_600_000_000;

pub(super) async fn list(
    State(app): State<App>,
    visitor: Visitor,
    parameters: Parameters,
) -> Result<Response, Failure> {
    let said = parameters.once(["from", "to", "source"])?;
    let week = Loss::hour_of(now().saturating_add_micros(-WEEK)).to_string();
    let [from, to, source] = match said {
        [None, None, None] => [week.as_str(), "", ""],
        said => said.map(Option::unwrap_or_default),
    };
    let filter = reported::filter([from, to, source].map(some))?;
    let mut found = app.store.latest_losses(&filter, LINES + 1).await?;
    let more = (found.len() > LINES).then(|| {
        let pairs = [("from", from), ("to", to), ("source", source)];
        let said = pairs.into_iter().filter(|(_, value)| !value.is_empty());
        let said: Vec<_> = said.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        text::query(&said)
    });
    found.truncate(LINES);
    let page = Losses {
        from: from.to_owned(),
        to: to.to_owned(),
        source: source.to_owned(),
        losses: found,
        more,
    };
    Ok(reply::page(losses::render(&page, visitor.prefix())))
}

/// What a field of a form says that is not empty.
fn some(text: &str) -> Option<&str> {
    Some(text).filter(|text| !text.is_empty())
}
