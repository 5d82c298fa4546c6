//! One event in a file: `length | checksum | index | time | event`, little-endian, and a line feed at the end.
//!
//! The line feed makes lines of the records as they are read, and it tells a record that was written to its end from one
//! whose writing was cut short: an event is JSON on one line, so no other byte of it is one.

use event_core::Timestamp;

/// Bytes of a header.
pub(crate) const HEADER: usize = 24;

/// Bytes of the smallest record: a header and the line feed.
pub(crate) const SMALLEST: usize = HEADER + 1;

/// What stands before an event.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Header {
    /// Bytes behind the header, the line feed included.
    length: u32,
    checksum: u32,
    /// The place of the record among all that were ever written.
    pub(crate) index: u64,
    time: i64,
}

impl Header {
    /// What stands there, true or not.
    pub(crate) fn read(bytes: &[u8]) -> Option<Header> {
        let (length, rest) = bytes.split_first_chunk()?;
        let (checksum, rest) = rest.split_first_chunk()?;
        let (index, rest) = rest.split_first_chunk()?;
        let (time, _) = rest.split_first_chunk()?;
        Some(Header {
            length: u32::from_le_bytes(*length),
            checksum: u32::from_le_bytes(*checksum),
            index: u64::from_le_bytes(*index),
            time: i64::from_le_bytes(*time),
        })
    }

    /// Bytes of the whole record, if it can be one.
    pub(crate) fn size(&self) -> Option<usize> {
        let length = usize::try_from(self.length).ok().filter(|length| *length > 0)?;
        length.checked_add(HEADER)
    }

    /// When the event was taken, if the whole record is as it was written.
    pub(crate) fn verify(&self, record: &[u8]) -> Option<Timestamp> {
        let whole = checksum(record)? == self.checksum && record.last() == Some(&b'\n');
        Timestamp::from_micros(self.time).ok().filter(|_| whole)
    }
}

/// Bytes of the record of an event of so many bytes.
pub(crate) fn size(event: usize) -> u64 {
    (SMALLEST as u64).saturating_add(event as u64)
}

/// Writes a record into an empty buffer; `None` if no length can say how large the event is.
pub(crate) fn encode(buffer: &mut Vec<u8>, index: u64, time: Timestamp, event: &[u8]) -> Option<()> {
    let length = u32::try_from(event.len()).ok()?.checked_add(1)?;
    buffer.clear();
    buffer.extend_from_slice(&length.to_le_bytes());
    buffer.extend_from_slice(&[0; 4]);
    buffer.extend_from_slice(&index.to_le_bytes());
    buffer.extend_from_slice(&time.as_micros().to_le_bytes());
    buffer.extend_from_slice(event);
    buffer.push(b'\n');
    let checksum = checksum(buffer)?;
    buffer.get_mut(4..8)?.copy_from_slice(&checksum.to_le_bytes());
    Some(())
}

/// Of everything but itself.
fn checksum(record: &[u8]) -> Option<u32> {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(record.get(..4)?);
    hasher.update(record.get(8..)?);
    Some(hasher.finalize())
}

/// How many records that are damaged, but were written to their end, stand at the end of a file, where no later record
/// tells. `tail` begins behind the last good record.
///
/// What is left of a record whose writing was cut short is none. One damaged record is counted exactly wherever the
/// damage is; of many at once, one for what is left as soon as a length cannot be believed.
pub(crate) fn complete(mut tail: &[u8]) -> u64 {
    let mut count = 0;
    while tail.len() >= SMALLEST {
        let size = Header::read(tail)
            .and_then(|header| header.size())
            .unwrap_or(usize::MAX);
        if size != tail.len() && (size > tail.len() || tail[size - 1] != b'\n') {
            return count + u64::from(tail.last() == Some(&b'\n'));
        }
        count += 1;
        tail = &tail[size..];
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(index: u64, event: &[u8]) -> Vec<u8> {
        let mut buffer = Vec::new();
        encode(&mut buffer, index, Timestamp::MIN, event).unwrap();
        buffer
    }

    #[test]
    fn a_record_reads_back_and_every_flipped_bit_of_it_shows() {
        let record = record(7, b"{\"a\":1}");
        assert_eq!(record.len() as u64, size(7));
        let header = Header::read(&record).unwrap();
        assert_eq!((header.index, header.size()), (7, Some(record.len())));
        assert_eq!(header.verify(&record), Some(Timestamp::MIN));
        for bit in 0..record.len() * 8 {
            let mut flipped = record.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            let header = Header::read(&flipped).unwrap();
            assert_eq!(header.verify(&flipped), None, "bit {bit}");
        }
    }

    #[test]
    fn a_record_that_was_cut_short_is_none() {
        let record = record(7, b"{\"a\":1}");
        for length in 0..record.len() {
            assert_eq!(complete(&record[..length]), 0, "{length} bytes");
        }
        assert_eq!(complete(&record), 1);
        assert_eq!(complete(&[0; 4096]), 0);
    }

    #[test]
    fn a_damaged_record_counts_once_wherever_the_damage_is() {
        let (first, second) = (record(7, b"{\"a\":1}"), record(8, b"{}"));
        for bit in 0..first.len() * 8 {
            let mut flipped = first.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(complete(&flipped), 1, "bit {bit}");
            // With a torn one behind it.
            flipped.extend_from_slice(&second[..20]);
            if bit / 8 >= 4 && bit / 8 != first.len() - 1 {
                assert_eq!(complete(&flipped), 1, "bit {bit} and a torn record");
            }
        }
    }
}
