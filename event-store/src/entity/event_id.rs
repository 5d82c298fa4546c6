//! Event ids as bytes: a UUID takes 17 of them instead of 36, which the unique index shows.

use event_core::EventId;
use uuid::Uuid;

const UUID: u8 = 0;
const TEXT: u8 = 1;

/// The bytes that stand for an id, one for one.
pub(crate) fn encode(id: &EventId) -> Vec<u8> {
    let text = id.as_str();
    // Only the form that decoding writes: a UUID in capitals is another id.
    let uuid = if text.len() == 36 {
        Uuid::try_parse(text).ok()
    } else {
        None
    };
    if let Some(uuid) = uuid.filter(|uuid| uuid.as_hyphenated().encode_lower(&mut Uuid::encode_buffer()) == text) {
        let mut bytes = Vec::with_capacity(17);
        bytes.push(UUID);
        bytes.extend(uuid.as_bytes());
        return bytes;
    }
    let mut bytes = Vec::with_capacity(text.len() + 1);
    bytes.push(TEXT);
    bytes.extend(text.as_bytes());
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
        assert_eq!(encode(&EventId::new(uuid).unwrap()).len(), 17);
    }
}
