//! Page views as websites send them: about 150 bytes of data, ten to a session.

use event_core::event::Reception;
use event_core::{Event, EventId, Limits, Registry, Source, Timestamp, ValidEvent};

/// The JSON texts of `count` events, the first with the number `first`.
#[must_use]
pub fn texts(first: usize, count: usize) -> Vec<Vec<u8>> {
    let names = ["pageview", "cta click", "submit", "scroll", "leave"];
    let at = Timestamp::from_micros(1_760_000_000_000_000).unwrap_or(Timestamp::MIN);
    (first..first + count)
        .map(|number| {
            let id = uuid::Uuid::now_v7();
            let (session, name) = (number / 10, names[number % names.len()]);
            let occurred_at = at.saturating_add_micros(i64::try_from(number).unwrap_or(0) * 1_000);
            format!(
                "{{\"id\": \"{id}\", \"session_id\": \"{session:032x}\", \"category\": \"page interaction\", \
                 \"name\": \"{name}\", \"occurred_at\": \"{occurred_at}\", \"data\": {{\"host\": \"www.example.com\", \
                 \"path\": \"/products/{}\", \"element\": \"chat bubble\", \"referrer\": \"https://search.example/?q={}\", \
                 \"duration\": {}.25}}}}",
                number % 1_000,
                number % 777,
                number % 60,
            )
            .into_bytes()
        })
        .collect()
}

/// Where all events of the benches come from.
///
/// # Panics
/// If that is no source, which would be a defect of this file.
#[must_use]
#[allow(clippy::expect_used)]
pub fn source() -> Source {
    Source::new("bench").expect("a source")
}

/// How they are received: every one of them has an id.
///
/// # Panics
/// For an event without one, if what it would get is no id: a defect of this file.
#[must_use]
#[allow(clippy::expect_used)]
pub fn reception(source: &Source) -> Reception<'_> {
    Reception {
        received_at: Timestamp::MAX,
        source,
        zone: chrono_tz::Tz::UTC,
        limits: Limits::default(),
        new_id: &|| EventId::new("never").expect("an id"),
    }
}

/// The same events, judged.
///
/// # Panics
/// If a text is no event, which would be a defect of this file.
#[must_use]
#[allow(clippy::expect_used)]
pub fn valid(texts: &[Vec<u8>]) -> Vec<ValidEvent> {
    let source = source();
    let reception = reception(&source);
    let registry = Registry::default();
    let event = |text: &Vec<u8>| Event::from_slice(text, &reception).expect("an event");
    texts
        .iter()
        .map(|text| registry.validate(event(text), Timestamp::MAX).expect("a valid event"))
        .collect()
}
