//! `GET /page/live?after=…`: what is new in the log, as server-sent events.
//!
//! An answer ends as soon as it has something to tell, or after a while; the browser asks again by itself. So no
//! connection is held for longer than that, whoever stops is not waited for, and a proxy has nothing to buffer.

use std::fmt::Write as _;
use std::time::Duration;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use tokio::time::{Instant, sleep};

use super::super::App;
use crate::page::latest;
use crate::reply::{self, Failure};
use crate::target::{self, Parameters};

/// What a browser says that asks again.
const LAST_EVENT_ID: &str = "last-event-id";
/// So many events are told at once; of more, only the newest.
const MOST: i64 = 50;
/// So long an answer waits for events; less than whoever stops has to wait anyway.
const WAIT: Duration = Duration::from_secs(5);
/// So often the log is looked at.
const PAUSE: Duration = Duration::from_millis(500);
/// So many milliseconds later the browser asks again.
const AGAIN: u32 = 1_000;

pub(super) async fn tell(
    State(app): State<App>,
    headers: HeaderMap,
    parameters: Parameters,
) -> Result<Response, Failure> {
    let [after] = parameters.once(["after"])?;
    let seen = headers.get(LAST_EVENT_ID).and_then(|value| value.to_str().ok());
    let head = app.store.head().await?;
    let Some(after) = seen.or(after) else {
        return Ok(reply::live(message(head, "")));
    };
    let after = target::position("after", Some(after))?.unwrap_or_default();
    if after > head {
        // Whoever says so has seen another log.
        return Ok(reply::live(message(head, "")));
    }
    let after = after.max(head.saturating_sub(MOST));
    let end = Instant::now() + WAIT;
    loop {
        let events = app.store.log(after, usize::try_from(MOST).unwrap_or_default()).await?;
        if let Some(last) = events.last() {
            return Ok(reply::live(message(
                last.position,
                &latest::rows(&events).into_string(),
            )));
        }
        if Instant::now() >= end {
            return Ok(reply::live(message(after, "")));
        }
        sleep(PAUSE).await;
    }
}

/// One message; without rows it only says where the log is.
fn message(position: i64, rows: &str) -> String {
    let mut message = format!("retry: {AGAIN}\nid: {position}\nevent: rows\n");
    // A line end within would end the field.
    for line in rows.split(['\n', '\r']).filter(|line| !line.is_empty()) {
        let _ = writeln!(message, "data: {line}");
    }
    message.push('\n');
    message
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_within_ends_a_message() {
        let text = message(7, "<tr>a\r\nid: 9\n\nb</tr>");
        assert_eq!(
            text,
            "retry: 1000\nid: 7\nevent: rows\ndata: <tr>a\ndata: id: 9\ndata: b</tr>\n\n"
        );
        assert!(!message(7, "").contains("data"));
    }
}
