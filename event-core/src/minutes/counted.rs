//! What was counted: to be asked, or written away.

use std::io::{self, Read, Write};

use super::clock::MINUTE;
use super::counter::NOBODY;
use super::question::{Cut, Unanswerable};
use super::run::Run;
use super::subjects::Texts;
use crate::aggregate::{GroupKey, Summary, Tally};
use crate::filter::Found;
use crate::query::Query;
use crate::timestamp::Timestamp;

/// How often each subject has events in each minute.
#[derive(Clone, Debug, Default)]
pub struct Minutes {
    pub(super) subjects: Texts,
    pub(super) runs: Vec<Run>,
}

/// A subject that a question is about.
struct Asked {
    number: u64,
    group: GroupKey,
}

impl Minutes {
    /// How many subjects there are.
    #[must_use]
    pub fn subjects(&self) -> usize {
        self.subjects.len()
    }

    /// Adds what a tally's question is about. `cut` says what was counted.
    ///
    /// # Errors
    /// If the question cannot be answered from this; nothing was added then.
    pub fn add_to(&self, tally: &mut Tally, cut: &Cut) -> Result<(), Unanswerable> {
        cut.check_tally(tally)?;
        let query = tally.query().clone();
        let asked = self.asked(&query);
        let mut summary = Summary::default();
        for run in &self.runs {
            let mut pairs = run.iter();
            for Asked { number, group } in &asked {
                pairs.leave_out(number << 32);
                while let Some((pair, times)) = pairs.next_below((number + 1) << 32) {
                    let minute = (pair & u64::from(u32::MAX)).cast_signed();
                    let minute = Timestamp::MIN.saturating_add_micros(minute * MINUTE);
                    // The events of a minute that the cut goes through lie behind it.
                    let at = cut.from.map_or(minute, |from| minute.max(from));
                    if query.covers(at) {
                        summary.clone_from(&Summary::default());
                        summary.add_events(times);
                        tally.add_cell(at, group.clone(), &summary);
                    }
                }
            }
        }
        Ok(())
    }

    /// The subjects that a question is about, in the order of their numbers.
    fn asked(&self, query: &Query) -> Vec<Asked> {
        let asked = |number: u64| {
            let text = match number {
                NOBODY => None,
                // Subjects are texts: they came in as such.
                number => {
                    std::str::from_utf8(self.subjects.get(usize::try_from(number - 1).unwrap_or(usize::MAX))).ok()
                }
            };
            let found = || text.map(Found::Text);
            query.filter.holds_for(|_, _| found()).then(|| {
                let mut key = String::new();
                query.by.iter().for_each(|_| GroupKey::push_found(&mut key, found()));
                let group = GroupKey::from_scratch(&key);
                Asked { number, group }
            })
        };
        (NOBODY..=self.subjects.len() as u64).filter_map(asked).collect()
    }

    /// Writes all of it, for [`Minutes::read_from`].
    ///
    /// # Errors
    /// Those of `out`.
    pub fn write_to(&self, mut out: impl Write) -> io::Result<()> {
        let number = |out: &mut dyn Write, number: usize| out.write_all(&(number as u64).to_le_bytes());
        number(&mut out, self.subjects.bytes.len())?;
        out.write_all(&self.subjects.bytes)?;
        number(&mut out, self.subjects.ends.len())?;
        for end in &self.subjects.ends {
            number(&mut out, *end)?;
        }
        number(&mut out, self.runs.len())?;
        for run in &self.runs {
            number(&mut out, run.bytes.len())?;
            out.write_all(&run.bytes)?;
        }
        Ok(())
    }

    /// Reads what was written.
    ///
    /// # Errors
    /// Those of `input`, and where it ends too early.
    pub fn read_from(mut input: impl Read) -> io::Result<Self> {
        let subjects = bytes(&mut input)?;
        let mut texts = Texts {
            bytes: subjects,
            ends: Vec::new(),
        };
        for _ in 0..number(&mut input)? {
            texts
                .ends
                .push(usize::try_from(number(&mut input)?).unwrap_or(usize::MAX));
        }
        let mut runs = Vec::new();
        for _ in 0..number(&mut input)? {
            let bytes = bytes(&mut input)?;
            let entries = Vec::new();
            runs.push(Run { bytes, entries });
        }
        Ok(Minutes { subjects: texts, runs })
    }
}

fn number(input: &mut impl Read) -> io::Result<u64> {
    let mut bytes = [0; 8];
    input.read_exact(&mut bytes)?;
    Ok(u64::from_le_bytes(bytes))
}

fn bytes(input: &mut impl Read) -> io::Result<Vec<u8>> {
    let length = number(input)?;
    let mut bytes = Vec::new();
    // What is not there is not made room for.
    if input.take(length).read_to_end(&mut bytes)? as u64 == length {
        return Ok(bytes);
    }
    Err(io::ErrorKind::UnexpectedEof.into())
}
