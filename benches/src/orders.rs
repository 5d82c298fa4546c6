//! Orders and page views of customers as a shop sends them: about 150 bytes of data, the sessions
//! of many customers at once, ten events to each, and one event in 67 a second time.

use uuid::Uuid;

/// Where the events lie in time: the first, in microseconds since 1970 (2025-10-06T00:00:00Z, a Monday).
pub const FIRST: i64 = 1_759_708_800_000_000;
/// Sessions that are open at once, and how many events each has.
const OPEN: usize = 50;
const LONG: usize = 10;
/// One event in so many is one that was there so many events before.
const AGAIN: usize = 67;
const BEFORE: usize = 600;

/// A stream of events.
pub struct Orders {
    /// How many customers there are.
    pub customers: usize,
    /// Microseconds from one event to the next.
    pub step: i64,
    number: usize,
    ids: Vec<Uuid>,
}

impl Orders {
    /// A stream that starts anew.
    #[must_use]
    pub fn new(customers: usize, step: i64) -> Self {
        let (number, ids) = (0, Vec::new());
        Orders {
            customers,
            step,
            number,
            ids,
        }
    }

    /// The session of an event with this number.
    #[must_use]
    pub fn session(number: usize) -> String {
        format!("{:032x}", number / (OPEN * LONG) * OPEN + number % OPEN)
    }

    /// The JSON texts of the next events.
    pub fn texts(&mut self, count: usize) -> Vec<Vec<u8>> {
        (0..count).map(|_| self.next().into_bytes()).collect()
    }

    fn next(&mut self) -> String {
        let own = self.number;
        self.number += 1;
        self.ids.push(Uuid::now_v7());
        // No event is sent a third time: `BEFORE` is no multiple of `AGAIN`.
        match own.checked_sub(BEFORE) {
            Some(earlier) if own.is_multiple_of(AGAIN) => self.text(earlier),
            _ => self.text(own),
        }
    }

    fn text(&self, number: usize) -> String {
        let (id, session) = (self.ids[number], Self::session(number));
        let slot = number / (OPEN * LONG) * OPEN + number % OPEN;
        let customer = slot.wrapping_mul(2_654_435_761) % self.customers;
        let micros = FIRST + i64::try_from(number).unwrap_or(0) * self.step;
        let (category, name) = match (number + number / OPEN) % 5 {
            0 => ("page interaction", "pageview"),
            _ => ("order", "created"),
        };
        let at = event_core::Timestamp::from_micros(micros).unwrap_or(event_core::Timestamp::MIN);
        format!(
            "{{\"id\": \"{id}\", \"session_id\": \"{session}\", \"subject\": \"customer-{customer}\", \
             \"category\": \"{category}\", \"name\": \"{name}\", \"occurred_at\": \"{at}\", \"data\": {{\
             \"host\": \"www.example.com\", \"path\": \"/products/{}\", \"province\": \"{}\", \
             \"referrer\": \"https://search.example/?q={}\", \"total\": {}.{:02}}}}}",
            number % 1_000,
            ["Idaho", "Ohio", "Zürich"][number % 3],
            number % 777,
            number % 90,
            number % 100,
        )
    }
}
