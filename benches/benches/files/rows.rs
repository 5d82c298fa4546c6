//! The file: what customers did, in no order, some of it broken; the same whenever it is made.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::Path;

use event_benches::chance::{Chance, Ranks};

/// The customer who is asked about: the one with the most rows.
pub(crate) const CUSTOMER: &str = "b4f9279a0196e40632e947dd1a88e857";

const CUSTOMERS: usize = 10_000;
const WEEK_MILLIS: u64 = 7 * 24 * 60 * 60 * 1_000;
const NAMES: [&str; 4] = ["INGEST", "EXPORT", "QUERY", "DELETE"];

/// Writes so many rows, unless the file is there, and says so.
pub(crate) fn write(file: &Path, rows: usize) -> String {
    if let Ok(metadata) = file.metadata() {
        return format!("{rows} rows are there: {} MB", metadata.len() / 1_000_000);
    }
    let unfinished = file.with_extension("unfinished");
    let mut out = BufWriter::with_capacity(1 << 20, File::create(&unfinished).unwrap());
    let mut chance = Chance(20_210_301);
    let customers: Vec<String> = (0..CUSTOMERS)
        .map(|rank| match rank {
            0 => CUSTOMER.to_owned(),
            _ => format!("{:016x}{:016x}", chance.next(), chance.next()),
        })
        .collect();
    let ranks = Ranks::new(CUSTOMERS);
    for _ in 0..rows {
        let customer = customers[ranks.pick(&mut chance)].as_str();
        let name = NAMES[usize::try_from(chance.below(NAMES.len() as u64)).unwrap()];
        let (id, more) = (chance.next(), chance.next());
        let id = format!(
            "{:08x}-{:04x}-4{:03x}-a{:03x}-{:012x}",
            id >> 32,
            id >> 16 & 0xffff,
            id & 0xfff,
            more >> 52,
            more & 0xffff_ffff_ffff
        );
        let millis = chance.below(WEEK_MILLIS);
        let (day, clock) = (1 + millis / 86_400_000, millis % 86_400_000);
        let (hour, minute, second) = (clock / 3_600_000, clock / 60_000 % 60, clock / 1_000 % 60);
        let mut time = format!("2021-03-{day:02} {hour:02}:{minute:02}:{second:02}");
        // As the sample has it, without zeros at the end.
        match clock % 1_000 {
            0 => {}
            millis => time.push_str(format!(".{millis:03}").trim_end_matches('0')),
        }
        // One row in a hundred is broken, in one of four ways.
        match chance.below(400) {
            0 => writeln!(out, "\"\",{name},{id},{time}+00"),
            1 => writeln!(out, "{customer},{name},{id},\"\""),
            2 => writeln!(
                out,
                "{customer},{name},{id},2021-02-30 {hour:02}:{minute:02}:{second:02}+00"
            ),
            3 => writeln!(out, "{customer},{name},{id}"),
            _ => writeln!(out, "{customer},{name},{id},{time}+00"),
        }
        .unwrap();
    }
    out.flush().unwrap();
    let bytes = unfinished.metadata().unwrap().len();
    std::fs::rename(unfinished, file).unwrap();
    format!("{rows} rows written: {} MB", bytes / 1_000_000)
}
