//! Event ids as bytes: a UUID takes 17 of them instead of 36, which the unique index shows.

use event_core::EventId;
use smallvec::SmallVec;
use uuid::Uuid;

const UUID: u8 = 0;
const TEXT: u8 = 1;

/// An id as bytes. Those of a UUID need no memory of their own, of which a batch would ask for a thousand pieces.
pub(crate) type Encoded = SmallVec<[u8; 17]>;

/// The bytes that stand for an id, one for one.
pub(crate) fn encode(id: &EventId) -> Encoded {
    let text = id.as_str();
    // Only the form that decoding writes: a UUID in capitals is another id.
    let uuid = if text.len() == 36 {
        Uuid::try_parse(text).ok()
    } else {
        None
    };
    if let Some(uuid) = uuid.filter(|uuid| uuid.as_hyphenated().encode_lower(&mut Uuid::encode_buffer()) == text) {
        let mut bytes = Encoded::new();
        bytes.push(UUID);
        bytes.extend_from_slice(uuid.as_bytes());
        return bytes;
    }
    let mut bytes = Encoded::with_capacity(text.len() + 1);
    bytes.push(TEXT);
    bytes.extend_from_slice(text.as_bytes());
    bytes
}

/// The id that the bytes stand for.
pub(crate) fn decode(bytes: &[u8]) -> Option<EventId> {
    match bytes.split_first()? {
        (&UUID, rest) => EventId::new(Uuid::from_slice(rest).ok()?.as_hyphenated().to_string()).ok(),
        (&TEXT, rest) => EventId::new(std::str::from_utf8(rest).ok()?).ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_id_reads_back_and_none_is_another() {
        let uuid = "018fd2b8-9d2c-7c53-a0a5-5f1c3c1b2a10";
        for text in [
            uuid,
            &uuid.to_uppercase(),
            &uuid.replace('-', ""),
            "a",
            "dfacfc2362-6359-49d9-a445-27314e2ff7e6",
        ] {
            let id = EventId::new(text).unwrap();
            assert_eq!(decode(&encode(&id)), Some(id), "{text}");
        }
        let bytes = encode(&EventId::new(uuid).unwrap());
        assert!(bytes.len() == 17 && !bytes.spilled());
    }
}
