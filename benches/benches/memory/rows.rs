//! What customers ordered: as columns, as events, and as a file for the peers. The same in every run.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::Path;

use event_benches::chance::{Chance, Ranks};
use event_benches::events;
use event_benches::orders::FIRST;
use event_core::{Event, Timestamp};

const CUSTOMERS: usize = 10_000;
/// The events lie in so many microseconds, in no order: 36 days.
const SPAN: u64 = 36 * 86_400_000_000;
const PROVINCES: [&str; 8] = [
    "Idaho", "Ohio", "Utah", "Zürich", "Bern", "Hessen", "Sachsen", "Maryland",
];

/// Columns of orders.
pub(crate) struct Rows {
    pub(crate) at: Vec<Timestamp>,
    pub(crate) subject: Vec<String>,
    pub(crate) province: Vec<String>,
    /// In hundredths.
    pub(crate) total: Vec<i64>,
}

impl Rows {
    /// So many.
    pub(crate) fn new(count: usize) -> Self {
        let (mut chance, ranks) = (Chance(20_251_006), Ranks::new(CUSTOMERS));
        let mut rows = Rows {
            at: Vec::with_capacity(count),
            subject: Vec::with_capacity(count),
            province: Vec::with_capacity(count),
            total: Vec::with_capacity(count),
        };
        for _ in 0..count {
            let micros = FIRST + i64::try_from(chance.below(SPAN)).unwrap();
            rows.at.push(Timestamp::from_micros(micros).unwrap());
            rows.subject.push(format!("customer-{}", ranks.pick(&mut chance)));
            let province = chance.below(PROVINCES.len() as u64);
            rows.province
                .push(PROVINCES[usize::try_from(province).unwrap()].to_owned());
            rows.total.push(i64::try_from(chance.below(100_000)).unwrap());
        }
        rows
    }

    pub(crate) fn len(&self) -> usize {
        self.at.len()
    }

    /// The same as events that were parsed.
    pub(crate) fn events(&self) -> Vec<Event> {
        let source = events::source();
        let reception = events::reception(&source);
        let event = |place: usize| {
            let text = format!(
                "{{\"id\": \"{place:032x}\", \"subject\": \"{}\", \"category\": \"order\", \"name\": \"created\", \
                 \"occurred_at\": \"{}\", \"data\": {{\"host\": \"www.example.com\", \"path\": \"/products/{}\", \
                 \"province\": \"{}\", \"total\": {}}}}}",
                self.subject[place],
                self.at[place],
                place % 1_000,
                self.province[place],
                hundredths(self.total[place]),
            );
            Event::from_slice(text.as_bytes(), &reception).unwrap()
        };
        (0..self.len()).map(event).collect()
    }

    /// Writes them for the peers.
    pub(crate) fn write(&self, file: &Path) -> std::io::Result<()> {
        let mut out = BufWriter::with_capacity(1 << 20, File::create(file)?);
        writeln!(out, "occurred_at,subject,province,total")?;
        for place in 0..self.len() {
            let (at, total) = (self.at[place].as_micros(), hundredths(self.total[place]));
            writeln!(out, "{at},{},{},{total}", self.subject[place], self.province[place])?;
        }
        out.flush()
    }
}

fn hundredths(number: i64) -> String {
    format!("{}.{:02}", number / 100, number % 100)
}
