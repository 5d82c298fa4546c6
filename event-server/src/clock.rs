//! What time it is: for what is shown, and for what is known of links. Events are judged by the store's own.

use std::time::{SystemTime, UNIX_EPOCH};

use event_core::Timestamp;

/// Now, as this machine has it.
pub(crate) fn now() -> Timestamp {
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let micros = i64::try_from(since_1970.as_micros()).unwrap_or(i64::MAX);
    Timestamp::MIN.saturating_add_micros(micros)
}
