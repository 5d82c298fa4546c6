//! Sessions and pages: many small readings, of which the slow ones count, too.

use std::time::{Duration, Instant};

use event_benches::backend::Backend;
use event_benches::orders::{FIRST, Orders};
use event_core::query::Page;
use event_core::{SessionId, Timestamp};
use event_store::EventStore;
use sea_orm::{ConnectionTrait as _, DatabaseConnection, Value};
use tokio::runtime::Runtime;

use crate::question;
use event_benches::table::{READINGS, Table};

/// Readings of each kind in a round.
const READINGS_A_ROUND: usize = 100;

/// What is read.
#[derive(Clone, Copy)]
enum What {
    Session,
    Page,
}

/// Who reads it, and from where.
pub(crate) struct Reader<'a> {
    pub(crate) runtime: &'a Runtime,
    pub(crate) backend: &'a Backend,
    pub(crate) store: &'a EventStore,
    pub(crate) db: &'a DatabaseConnection,
    pub(crate) prefix: &'a str,
    pub(crate) rows: usize,
    /// Microseconds between two events.
    pub(crate) step: i64,
}

impl Reader<'_> {
    pub(crate) fn measure(&self, rounds: usize) -> Table {
        let mut random = 0x9e37_79b9_7f4a_7c15_u64;
        let mut lines = Vec::new();
        for (title, what) in [
            ("a session in order", What::Session),
            ("a page of 100 by category and time", What::Page),
        ] {
            let [mut by_hand, mut by_store] = [Vec::new(), Vec::new()];
            // One round to warm up.
            for round in 0..=rounds {
                let mut numbers = Vec::new();
                for _ in 0..READINGS_A_ROUND {
                    random = random
                        .wrapping_mul(6_364_136_223_846_793_005)
                        .wrapping_add(1_442_695_040_888_963_407);
                    numbers.push(usize::try_from(random >> 33).unwrap() % self.rows);
                }
                let counts: Vec<usize> = numbers
                    .iter()
                    .map(|number| self.expert(what, *number, &mut by_hand))
                    .collect();
                for (number, count) in numbers.iter().zip(counts) {
                    assert_eq!(self.store(what, *number, &mut by_store), count, "{title}");
                }
                if round == 0 {
                    by_hand.clear();
                    by_store.clear();
                }
            }
            let hundredth = |times: &mut Vec<Duration>, hundredth: usize| {
                times.sort_unstable();
                times[(times.len() * hundredth / 100).min(times.len() - 1)].as_secs_f64() * 1_000.0
            };
            let peer = hundredth(&mut by_hand, 50);
            for (name, times) in [("expert", &mut by_hand), ("store", &mut by_store)] {
                let (p50, p99) = (hundredth(times, 50), hundredth(times, 99));
                let numbers = vec![format!("{p50:.2}"), format!("{p99:.2}"), format!("{:.2}", peer / p50)];
                lines.push((format!("{title}: {name}"), numbers));
            }
        }
        let title = format!("{}, {} rows: sessions and pages", self.backend.name(), self.rows);
        Table {
            title,
            columns: READINGS,
            lines,
        }
    }

    fn expert(&self, what: What, number: usize, times: &mut Vec<Duration>) -> usize {
        let (sql, value): (String, Value) = match what {
            What::Session => (question::session(self.prefix), Orders::session(number).into()),
            What::Page => (question::page(self.prefix), self.at(number).as_micros().into()),
        };
        let started = Instant::now();
        let statement = self.backend.statement(&sql, vec![value]);
        let rows = self.runtime.block_on(self.db.query_all_raw(statement)).unwrap();
        times.push(started.elapsed());
        rows.len().min(100)
    }

    fn store(&self, what: What, number: usize, times: &mut Vec<Duration>) -> usize {
        let started = Instant::now();
        let count = match what {
            What::Session => {
                let session = SessionId::new(Orders::session(number)).unwrap();
                let session = self.runtime.block_on(self.store.session(&session)).unwrap();
                session.map_or(0, |session| session.events.len())
            }
            What::Page => {
                let from = self.at(number).to_string();
                let page = Page::from_pairs([("category", "order"), ("from", &*from), ("limit", "100")]).unwrap();
                self.runtime.block_on(self.store.page(&page)).unwrap().events.len()
            }
        };
        times.push(started.elapsed());
        count
    }

    /// When the event with this number was.
    fn at(&self, number: usize) -> Timestamp {
        Timestamp::from_micros(FIRST + i64::try_from(number).unwrap() * self.step).unwrap()
    }
}
