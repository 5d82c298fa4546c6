//! Events as they go over the wire: lines of JSON, one behind the other.

/// Events in their order, each a line of JSON with its line end: the body of a request as it is.
#[derive(Clone, Debug, Default)]
pub(crate) struct Lines {
    bytes: Vec<u8>,
    /// Where each line ends, its line end included.
    ends: Vec<u32>,
}

impl Lines {
    pub(crate) fn with_capacity(bytes: usize, events: usize) -> Self {
        Lines {
            bytes: Vec::with_capacity(bytes),
            ends: Vec::with_capacity(events),
        }
    }

    /// Lines that are there already, and where each of them ends.
    #[cfg(feature = "spool")]
    pub(crate) fn of(bytes: Vec<u8>, ends: &[usize]) -> Self {
        let ends = ends.iter().map(|end| u32::try_from(*end).unwrap_or(u32::MAX));
        Lines {
            bytes,
            ends: ends.collect(),
        }
    }

    /// Adds an event; the caller keeps the whole far below 4 GiB.
    pub(crate) fn push(&mut self, event: &[u8]) {
        self.bytes.extend_from_slice(event);
        self.bytes.push(b'\n');
        self.ends.push(u32::try_from(self.bytes.len()).unwrap_or(u32::MAX));
    }

    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The events, without their line ends.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &[u8]> {
        let starts = std::iter::once(0).chain(self.ends.iter().map(|end| *end as usize));
        starts
            .zip(&self.ends)
            .map(|(start, end)| &self.bytes[start..*end as usize - 1])
    }

    /// The first half, and the rest.
    pub(crate) fn halves(&self) -> (Lines, Lines) {
        let (mut first, mut second) = (Lines::default(), Lines::default());
        let middle = self.len().div_ceil(2);
        for (at, event) in self.iter().enumerate() {
            if at < middle { &mut first } else { &mut second }.push(event);
        }
        (first, second)
    }

    /// Room for new events, in the memory of old ones.
    pub(crate) fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(events: &[&str]) -> Lines {
        let mut lines = Lines::default();
        for event in events {
            lines.push(event.as_bytes());
        }
        lines
    }

    #[test]
    fn lines_are_the_body() {
        let lines = lines(&["{}", "", "[1]"]);
        assert_eq!(lines.bytes(), b"{}\n\n[1]\n");
        assert_eq!(lines.iter().collect::<Vec<_>>(), [b"{}".as_slice(), b"", b"[1]"]);
    }

    #[test]
    fn halves_lose_nothing() {
        for events in 0..9 {
            let all: Vec<String> = (0..events).map(|at| at.to_string()).collect();
            let all: Vec<&str> = all.iter().map(String::as_str).collect();
            let (first, second) = lines(&all).halves();
            let both: Vec<&[u8]> = first.iter().chain(second.iter()).collect();
            assert_eq!(both, all.iter().map(|event| event.as_bytes()).collect::<Vec<_>>());
            assert!(first.len() - second.len() <= 1);
        }
    }
}
