//! Events that wait in memory: bounded in number and in bytes, first in, first out.

use std::collections::VecDeque;

use crate::lines::Lines;

/// How much may wait, and how much goes into one request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    pub(crate) queue_events: usize,
    pub(crate) queue_bytes: usize,
    pub(crate) batch_events: usize,
    pub(crate) batch_bytes: usize,
}

/// The queue holds as much as it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Full;

/// Bytes of an event, more than most have.
const USUAL: usize = 512;
/// Buffers that are kept for reuse; each is as large as a request.
const SPARE: usize = 2;
/// Buffers that are asked for at once: to ask the system for memory takes several times as long as to track an
/// event, and so it befalls one event in thousands.
const AHEAD: usize = 4;

/// Events in batches, so that to add one is to copy it behind the one before.
#[derive(Debug)]
pub(crate) struct Queue {
    bounds: Bounds,
    /// Every batch but the last is as full as it may be.
    batches: VecDeque<Lines>,
    spare: Vec<Lines>,
    events: usize,
    bytes: usize,
}

impl Queue {
    pub(crate) fn new(bounds: Bounds) -> Self {
        Queue {
            bounds,
            batches: VecDeque::new(),
            spare: Vec::new(),
            events: 0,
            bytes: 0,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.events
    }

    /// Whether a request could be filled.
    pub(crate) fn has_batch(&self) -> bool {
        self.batches.len() > 1 || self.events >= self.bounds.batch_events || self.bytes >= self.bounds.batch_bytes
    }

    /// Adds an event behind the others.
    ///
    /// # Errors
    /// If the queue is full; it never waits.
    pub(crate) fn push(&mut self, event: &[u8]) -> Result<(), Full> {
        let size = event.len() + 1;
        if self.events >= self.bounds.queue_events || self.bytes + size > self.bounds.queue_bytes {
            return Err(Full);
        }
        self.events += 1;
        self.bytes += size;
        match self.batches.back_mut() {
            Some(last) if fits(last, size, &self.bounds) => last.push(event),
            _ => {
                let mut next = self.buffer();
                next.push(event);
                self.batches.push_back(next);
            }
        }
        Ok(())
    }

    /// An empty buffer with room for all that will come: growing later would copy it.
    fn buffer(&mut self) -> Lines {
        if let Some(spare) = self.spare.pop() {
            return spare;
        }
        let all = self.bounds.batch_bytes.min(self.bounds.queue_bytes);
        let bytes = all.min(self.bounds.batch_events.saturating_mul(USUAL));
        let events = self.bounds.batch_events.min(self.bounds.queue_events);
        let new = || Lines::with_capacity(bytes, events);
        // The first is enough for those who track little, and all together are never larger than the queue.
        if !self.batches.is_empty() {
            let ahead = AHEAD.min(self.bounds.queue_bytes / bytes);
            self.spare.resize_with(ahead - 1, new);
        }
        new()
    }

    /// The oldest events, as many as a request may have.
    pub(crate) fn take(&mut self) -> Option<Lines> {
        let batch = self.batches.pop_front()?;
        self.events -= batch.len();
        self.bytes -= batch.bytes().len();
        Some(batch)
    }

    /// Puts events that were taken back to the front, whatever the bounds: they were in already.
    #[cfg(feature = "spool")]
    pub(crate) fn put_back(&mut self, batch: Lines) {
        self.events += batch.len();
        self.bytes += batch.bytes().len();
        self.batches.push_front(batch);
    }

    /// Takes back a buffer that is of no use any more.
    pub(crate) fn reuse(&mut self, mut batch: Lines) {
        if self.spare.len() < SPARE {
            batch.clear();
            self.spare.push(batch);
        }
    }
}

fn fits(batch: &Lines, size: usize, bounds: &Bounds) -> bool {
    batch.len() < bounds.batch_events && batch.bytes().len() + size <= bounds.batch_bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const BOUNDS: Bounds = Bounds {
        queue_events: 10,
        queue_bytes: 100,
        batch_events: 4,
        batch_bytes: 30,
    };

    #[test]
    fn a_full_queue_is_an_answer() {
        let mut queue = Queue::new(BOUNDS);
        for _ in 0..10 {
            assert_eq!(queue.push(b"123"), Ok(()));
        }
        assert_eq!(queue.push(b"123"), Err(Full));
        assert_eq!(queue.take().unwrap().len(), 4);
        assert_eq!(queue.push(&[b'x'; 76]), Err(Full));
        assert_eq!(queue.push(&[b'x'; 75]), Ok(()));
        assert_eq!(queue.len(), 7);
    }

    #[test]
    fn an_event_larger_than_a_batch_goes_alone() {
        let mut queue = Queue::new(BOUNDS);
        queue.push(b"1").unwrap();
        queue.push(&[b'x'; 50]).unwrap();
        assert!(queue.has_batch());
        queue.push(b"2").unwrap();
        let sizes: Vec<usize> = std::iter::from_fn(|| queue.take()).map(|batch| batch.len()).collect();
        assert_eq!(sizes, [1, 1, 1]);
        assert!(!queue.has_batch());
    }

    proptest! {
        #[test]
        fn first_in_first_out(steps in prop::collection::vec(prop::option::of("[a-z]{0,12}"), 0..200)) {
            let mut queue = Queue::new(BOUNDS);
            let mut model = VecDeque::new();
            for step in steps {
                match step {
                    Some(event) => {
                        if queue.push(event.as_bytes()).is_ok() {
                            model.push_back(event);
                        } else {
                            let bytes: usize = model.iter().map(|event| event.len() + 1).sum();
                            prop_assert!(model.len() >= 10 || bytes + event.len() + 1 > 100);
                        }
                    }
                    None => if let Some(batch) = queue.take() {
                        prop_assert!(batch.len() <= 4 && (batch.len() == 1 || batch.bytes().len() <= 30));
                        for event in batch.iter() {
                            let expected = model.pop_front();
                            prop_assert_eq!(Some(event), expected.as_ref().map(String::as_bytes));
                        }
                        queue.reuse(batch);
                    }
                }
                prop_assert_eq!(queue.len(), model.len());
            }
        }
    }
}
