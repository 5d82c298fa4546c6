//! A request that is prepared: all but the ids, sessions and times of its events.

use std::io::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};

use uuid::Uuid;

/// One event in so many is bad, from the first such number on.
const BAD: usize = 64;
/// What the id of an event stands behind, its session, and its time.
const ID: &[u8] = b"{\"id\": \"";
const SESSION: &[u8] = b"\"session_id\": \"";
const TIME: &[u8] = b"\"occurred_at\": \"";
/// Times are of this day, a millisecond from event to event, as they come from those to whom something happens now.
const DAY: &str = "2025-10-09T";
const DAY_MILLIS: u64 = 24 * 60 * 60 * 1_000;
/// So many events are of one session.
const OF_SESSION: u64 = 10;

/// How many events have been sent, by all connections.
static SENT: AtomicU64 = AtomicU64::new(0);

/// The bytes of a request of some events, each with an id that is new whenever it is sent.
#[derive(Clone, Debug)]
pub struct Prepared {
    variants: Vec<Variant>,
    turn: usize,
    /// How many events a request has.
    pub events: usize,
    /// What the status of an answer is where all is well.
    pub status: u16,
    /// What stands in such an answer once for each event that is good.
    pub marker: Option<&'static [u8]>,
}

#[derive(Clone, Debug)]
struct Variant {
    bytes: Vec<u8>,
    /// Where ids, sessions and times stand.
    places: Vec<[usize; 3]>,
    good: usize,
}

impl Prepared {
    /// Requests of this many events to a path, of which one in 64 is bad.
    #[must_use]
    pub fn new(path: &str, events: usize) -> Self {
        let variants = if events < BAD { BAD.div_ceil(events) } else { 1 };
        Prepared {
            variants: (0..variants)
                .map(|number| Variant::new(path, number * events, events))
                .collect(),
            turn: 0,
            events,
            status: 200,
            marker: Some(b"\"stored\""),
        }
    }

    /// The same, for a server that says only by its status that all is well.
    #[must_use]
    pub fn told_by(self, status: u16) -> Self {
        Prepared {
            status,
            marker: None,
            ..self
        }
    }

    /// The bytes of the next request, with ids and times that nobody had.
    pub(super) fn fresh(&mut self) -> &[u8] {
        self.turn = (self.turn + 1) % self.variants.len();
        let variant = &mut self.variants[self.turn];
        let first = SENT.fetch_add(self.events as u64, Ordering::Relaxed);
        for (number, [id, session, time]) in (first..).zip(&variant.places) {
            Uuid::now_v7().hyphenated().encode_lower(&mut variant.bytes[*id..]);
            let _ = write!(&mut variant.bytes[*session..], "{:032x}", number / OF_SESSION);
            let millis = number % DAY_MILLIS;
            let (seconds, millis) = (millis / 1_000, millis % 1_000);
            let (hour, minute, second) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
            let _ = write!(
                &mut variant.bytes[*time..],
                "{DAY}{hour:02}:{minute:02}:{second:02}.{millis:03}Z"
            );
        }
        &variant.bytes
    }

    /// How many events of the request that was sent last are good.
    pub(super) fn good(&self) -> usize {
        self.variants[self.turn].good
    }
}

impl Variant {
    fn new(path: &str, first: usize, events: usize) -> Self {
        let texts = crate::events::texts(first, events).into_iter().zip(first..);
        let texts: Vec<String> = texts
            .map(|(text, number)| {
                let text = String::from_utf8_lossy(&text).into_owned();
                // The schema asks for a path.
                if number % BAD == BAD - 1 {
                    text.replace("\"path\"", "\"part\"")
                } else {
                    text
                }
            })
            .collect();
        let texts: Vec<String> = texts.into_iter().map(with_room_for_time).collect();
        let good = texts.iter().filter(|text| text.contains("\"path\"")).count();
        let body = match &texts[..] {
            [one] => one.clone(),
            many => format!("[{}]", many.join(",")),
        };
        let bytes = format!(
            "POST {path} HTTP/1.1\r\nhost: collector\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        )
        .into_bytes();
        let behind = |mark: &'static [u8]| {
            let found = memchr::memmem::find_iter(&bytes, mark).map(|place| place + mark.len());
            found.collect::<Vec<_>>()
        };
        let (ids, sessions, times) = (behind(ID), behind(SESSION), behind(TIME));
        let places = ids.into_iter().zip(sessions).zip(times);
        let places = places.map(|((id, session), time)| [id, session, time]).collect();
        Variant { bytes, places, good }
    }
}

/// The same event with a time of the length that all of them get.
fn with_room_for_time(text: String) -> String {
    let mark = String::from_utf8_lossy(TIME);
    let Some((before, rest)) = text.split_once(&*mark) else {
        return text;
    };
    let behind = rest.split_once('"').map_or("", |(_, behind)| behind);
    format!("{before}{mark}{DAY}00:00:00.000Z\"{behind}")
}
