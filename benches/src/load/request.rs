//! A request that is prepared: all but the ids of its events.

use uuid::Uuid;

/// One event in so many is bad, from the first such number on.
const BAD: usize = 64;
/// What the id of an event stands behind.
const ID: &[u8] = b"{\"id\": \"";

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
    /// Where ids stand.
    ids: Vec<usize>,
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

    /// The bytes of the next request, with ids that nobody had.
    pub(super) fn fresh(&mut self) -> &[u8] {
        self.turn = (self.turn + 1) % self.variants.len();
        let variant = &mut self.variants[self.turn];
        for place in &variant.ids {
            Uuid::now_v7().hyphenated().encode_lower(&mut variant.bytes[*place..]);
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
        let ids = memchr::memmem::find_iter(&bytes, ID)
            .map(|place| place + ID.len())
            .collect();
        Variant { bytes, ids, good }
    }
}
