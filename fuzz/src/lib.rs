//! What must hold of every parser, whatever bytes it is given: it does not panic, and what it takes it takes for what it is.
//!
//! `cargo xtask fuzz` searches for bytes for which it does not; a test of event-core goes through the corpus, and through
//! changes of it by chance, with the stable toolchain.

mod event;
mod file;
mod foreign;
mod patch;
mod question;
mod schema;
mod text;
mod upcast;

use event_core::event::Reception;
use event_core::{EventId, Limits, Source, Timestamp};

/// What is done with bytes.
pub type Target = fn(&[u8]);

/// Every target, under the name that its folder in the corpus has.
pub const TARGETS: [(&str, Target); 12] = [
    ("event", event::event),
    ("payload", event::payload),
    ("batch", event::batch),
    ("mapping", foreign::mapping),
    ("clients", foreign::clients),
    ("parameters", question::parameters),
    ("question", question::json),
    ("schema", schema::schema),
    ("patch", patch::patch),
    ("upcast", upcast::upcast),
    ("text", text::text),
    ("file", file::file),
];

/// Runs the target of a name.
///
/// # Panics
/// If what must hold does not, or there is no such target.
pub fn run(name: &str, bytes: &[u8]) {
    let found = TARGETS.iter().find(|(known, _)| *known == name);
    let (_, target) = found.unwrap_or_else(|| panic!("there is no target {name}"));
    target(bytes);
}

/// Gives what takes a reception one: small limits, so that they are met.
fn received<T>(take: impl FnOnce(&Reception<'_>) -> T) -> T {
    let source = Source::new("fuzz").expect("a source");
    let reception = Reception {
        received_at: Timestamp::from_micros(1_600_000_000_000_000).expect("a time"),
        source: &source,
        zone: chrono_tz::Tz::Europe__Berlin,
        limits: limits(),
        new_id: &|| EventId::new("made-here").expect("an id"),
    };
    take(&reception)
}

fn limits() -> Limits {
    Limits::default().with_event_bytes(4_096).with_depth(12).with_nodes(200)
}

/// Two texts, one behind the other: the first line, and the rest.
fn halves(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = bytes.iter().position(|byte| *byte == b'\n')?;
    Some((&bytes[..end], &bytes[end + 1..]))
}
