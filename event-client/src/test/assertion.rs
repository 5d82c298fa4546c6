//! What a test says of the events; if it is wrong, it is told what there is instead.

use std::fmt::Write as _;

use event_core::Event;

use super::collected::Collected;

/// Events that a message shows; the others it counts.
const SHOWN: usize = 20;

impl Collected {
    /// The one event of this type.
    ///
    /// # Panics
    /// If there is none, or there are more; the message shows what there is.
    ///
    /// ```should_panic
    /// let (_client, collected) = event_client::test::client();
    /// collected.assert_one("order", "created");
    /// ```
    #[track_caller]
    pub fn assert_one(&self, category: &str, name: &str) -> Event {
        let mut found = self.assert_count(category, name, 1);
        found.remove(0)
    }

    /// That there is no event of this type.
    ///
    /// # Panics
    /// If there is one; the message shows what there is.
    #[track_caller]
    pub fn assert_none(&self, category: &str, name: &str) {
        self.assert_count(category, name, 0);
    }

    /// All events of this type, of which there are so many.
    ///
    /// # Panics
    /// If there are fewer or more; the message shows what there is.
    #[track_caller]
    pub fn assert_count(&self, category: &str, name: &str, count: usize) -> Vec<Event> {
        let events = self.events();
        let found: Vec<Event> = events
            .iter()
            .filter(|event| is(event, category, name))
            .cloned()
            .collect();
        assert!(
            found.len() == count,
            "expected {count} of {category}/{name}, found {}; collected:{}",
            found.len(),
            shown(&events)
        );
        found
    }
}

fn is(event: &Event, category: &str, name: &str) -> bool {
    let event_type = &event.envelope().event_type;
    event_type.category.as_str() == category && event_type.name.as_str() == name
}

fn shown(events: &[Event]) -> String {
    if events.is_empty() {
        return " nothing".to_owned();
    }
    let mut text = String::new();
    for event in events.iter().take(SHOWN) {
        let event_type = &event.envelope().event_type;
        // Writing to a string cannot fail.
        let _ = write!(
            text,
            "\n  {}/{} {}",
            event_type.category,
            event_type.name,
            event.payload().as_str()
        );
    }
    if events.len() > SHOWN {
        let _ = write!(text, "\n  and {} more", events.len() - SHOWN);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(of: impl FnOnce() + std::panic::UnwindSafe) -> String {
        *std::panic::catch_unwind(of).unwrap_err().downcast::<String>().unwrap()
    }

    #[test]
    fn a_wrong_assertion_shows_what_there_is() {
        let (client, collected) = crate::test::client();
        let theirs = std::panic::AssertUnwindSafe(collected.clone());
        let text = message(move || drop(theirs.assert_one("order", "created")));
        assert_eq!(text, "expected 1 of order/created, found 0; collected: nothing");
        for value in 0..25 {
            client
                .track(Event::builder("order", "paid").field("value", value))
                .unwrap();
        }
        let theirs = std::panic::AssertUnwindSafe(collected);
        let text = message(move || theirs.assert_none("order", "paid"));
        assert!(text.starts_with("expected 0 of order/paid, found 25; collected:\n  order/paid {\"value\":0}\n"));
        assert!(text.ends_with("\n  order/paid {\"value\":19}\n  and 5 more"), "{text}");
    }
}
