//! Events as lines of JSON: each is read by the rules for events and counted.

use event_core::event::Reception;
use event_core::flag::Flag;
use event_core::name::NameError;
use event_core::{Code, Event, EventId, Limits, Refusal, Source, Timestamp};

use crate::making::Making;
use crate::threads;
use crate::wrong::Wrong;

/// The source of events that name none.
pub(crate) const SOURCE: &str = "python";
/// How much is read at once for each core. No event is larger than a part of it.
const BLOCK: usize = 2 * 1024 * 1024;

/// Counts events that are given as JSON, one after the other.
pub(crate) struct Reader {
    source: Source,
    id: EventId,
    about_time: bool,
}

impl Reader {
    pub(crate) fn new(about_time: bool) -> Result<Self, Refusal> {
        let made = || -> Result<(Source, EventId), NameError> { Ok((Source::new(SOURCE)?, EventId::new(SOURCE)?)) };
        let (source, id) = made().map_err(|error| Refusal::new(Code::InvalidEnvelope, "/source", error.to_string()))?;
        Ok(Reader { source, id, about_time })
    }

    /// Counts an event.
    pub(crate) fn add<M: Making>(&self, tally: &mut M, json: &[u8]) -> Result<(), Refusal> {
        let reception = Reception {
            received_at: Timestamp::MIN,
            source: &self.source,
            zone: chrono_tz::Tz::UTC,
            limits: Limits::DEFAULT,
            // No answer depends on ids.
            new_id: &|| self.id.clone(),
        };
        let event = Event::from_slice(json, &reception)?;
        if self.about_time && event.flags().contains(Flag::NoTimestamp) {
            let message = "the question is about time, and the event has none";
            return Err(Refusal::new(Code::InvalidTimestamp, "/occurred_at", message));
        }
        tally.add(&event);
        Ok(())
    }
}

/// Lines as they come, counted on all cores, a block at a time.
pub(crate) struct Lines<'a, M: Making> {
    question: &'a M::Question,
    reader: Reader,
    tallies: Vec<M>,
    /// The begin of a line that has not ended yet.
    begun: Vec<u8>,
    /// Lines so far.
    lines: u64,
}

impl<'a, M: Making> Lines<'a, M> {
    pub(crate) fn new(question: &'a M::Question) -> Result<Self, Wrong> {
        let reader = Reader::new(M::is_about_time(question));
        Ok(Lines {
            question,
            reader: reader.map_err(|refusal| Wrong::Event("the question".to_owned(), refusal))?,
            tallies: threads::tallies(question)?,
            begun: Vec::new(),
            lines: 0,
        })
    }

    /// How many bytes are worth reading at once.
    pub(crate) fn block(&self) -> usize {
        BLOCK * self.tallies.len()
    }

    /// Counts the lines that end in the next part of the text.
    pub(crate) fn add(&mut self, mut text: &[u8]) -> Result<(), Wrong> {
        if !self.begun.is_empty() {
            let Some(end) = text.iter().position(|byte| *byte == b'\n') else {
                return self.keep(text);
            };
            self.keep(&text[..=end])?;
            let line = std::mem::take(&mut self.begun);
            self.fold(&line)?;
            text = &text[end + 1..];
        }
        let whole = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        for block in blocks(&text[..whole], self.block()) {
            self.fold(block)?;
        }
        self.keep(&text[whole..])
    }

    /// Counts the last line, which may end with the text.
    pub(crate) fn finish(mut self) -> Result<M, Wrong> {
        let line = std::mem::take(&mut self.begun);
        self.fold(&line)?;
        Ok(threads::merged(self.question, self.tallies)?)
    }

    fn keep(&mut self, begin: &[u8]) -> Result<(), Wrong> {
        if self.begun.len() + begin.len() > BLOCK {
            let message = format!("the line has more than {BLOCK} bytes");
            let refusal = Refusal::new(Code::EventTooLarge, "", message);
            return Err(Wrong::Event(format!("line {}", self.lines + 1), refusal));
        }
        self.begun.extend_from_slice(begin);
        Ok(())
    }

    /// Counts whole lines.
    fn fold(&mut self, text: &[u8]) -> Result<(), Wrong> {
        let share = text.len().div_ceil(self.tallies.len()).max(BLOCK / 32);
        let parts: Vec<&[u8]> = blocks(text, share).collect();
        let (reader, first) = (&self.reader, self.lines);
        threads::each(&mut self.tallies, parts.into_iter(), |tally, part| {
            let lines = part.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
            for (number, line) in lines.enumerate().filter(|(_, line)| !line.is_empty()) {
                reader.add(tally, line).map_err(|refusal| {
                    let before = offset(text, part);
                    let number = first + newlines(&text[..before]) + number as u64 + 1;
                    Wrong::Event(format!("line {number}"), refusal)
                })?;
            }
            Ok::<(), Wrong>(())
        })?;
        self.lines += newlines(text);
        Ok(())
    }
}

/// Where a part of a text begins.
fn offset(text: &[u8], part: &[u8]) -> usize {
    part.as_ptr() as usize - text.as_ptr() as usize
}

fn newlines(text: &[u8]) -> u64 {
    text.iter().filter(|byte| **byte == b'\n').count() as u64
}

/// A text in parts of whole lines, each about so long or as long as a line.
fn blocks(mut text: &[u8], length: usize) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        if text.is_empty() {
            return None;
        }
        let ahead = length.min(text.len());
        let end = text[ahead..].iter().position(|byte| *byte == b'\n');
        let (block, rest) = text.split_at(end.map_or(text.len(), |end| ahead + end + 1));
        text = rest;
        Some(block)
    })
}
