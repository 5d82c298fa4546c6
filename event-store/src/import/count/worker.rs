//! One thread's part of a file, row by row.

use std::collections::BTreeMap;

use event_core::minutes::{Counter, Minutes, PlainLines};
use event_core::{Code, Refusal};

use super::super::failure::Failure;
use super::super::lifter::Lifter;
use super::super::options::LastRecord;
use super::counted::Rejected;
use super::look::Look;
use super::spill::Spill;

/// The rows that a counter puts in order at once, where there is the memory for it.
const ROOM: usize = 1 << 17;

pub(super) struct Worker<'a> {
    look: &'a Look,
    spill: &'a Spill,
    lifter: Lifter,
    counter: Counter,
    /// The bytes that it may hold.
    share: usize,
    rows: u64,
    pub(super) codes: BTreeMap<Code, u64>,
    pub(super) rejected: Vec<Rejected>,
}

impl<'a> Worker<'a> {
    pub(super) fn new(look: &'a Look, spill: &'a Spill, share: usize) -> Self {
        // A row takes its place twice, while rows are put in order.
        let room = (share / 4 / size_of::<[u64; 2]>()).clamp(64, ROOM);
        Worker {
            look,
            spill,
            lifter: look.lifter(),
            counter: Counter::new(room),
            share,
            rows: 0,
            codes: BTreeMap::new(),
            rejected: Vec::new(),
        }
    }

    /// What happens to a last record without line end.
    pub(super) fn last_record(&self) -> LastRecord {
        self.look.options.last_record
    }

    pub(super) fn rows(&self) -> u64 {
        self.rows
    }

    pub(super) fn refused(&self) -> u64 {
        self.codes.values().sum()
    }

    /// Counts a row if that can be told at a glance; false if it needs a closer look.
    #[inline]
    pub(super) fn glance(&mut self, record: &[u8]) -> bool {
        let plain = self.look.plain.as_ref();
        let counted = plain.is_some_and(|plain| plain.count(record, &self.look.cut, &mut self.counter));
        self.rows += u64::from(counted);
        counted
    }

    /// Counts a row, or says why it is none.
    pub(super) fn closely(&mut self, record: &[u8], line: u64, offset: u64) {
        self.rows += 1;
        // Of all but the first of them nobody is told more than how many they are.
        if self.rejected.len() >= self.look.rejected
            && let Some(code) = self.look.fault(&mut self.lifter, record)
        {
            *self.codes.entry(code).or_default() += 1;
            return;
        }
        match self.look.closely(&mut self.lifter, record) {
            Ok(Some((subject, at))) => self.counter.add(subject.as_ref(), at),
            Ok(None) => {}
            Err(refusal) => self.refuse(&refusal, line, offset),
        }
    }

    /// The lines of a text, of which many can be counted at once.
    pub(super) fn lines<'b>(&self, text: &'b [u8], at: usize) -> Option<PlainLines<'b>>
    where
        'a: 'b,
    {
        let plain = self.look.plain.as_ref()?;
        Some(PlainLines::new(plain, text, at))
    }

    /// Counts lines before `end` as long as that can be told at a glance; how many they are.
    pub(super) fn glance_on(&mut self, lines: &mut PlainLines<'_>, end: usize) -> u64 {
        let counted = lines.count(end, &self.look.cut, &mut self.counter);
        self.rows += counted;
        counted
    }

    pub(super) fn record(&mut self, record: &[u8], line: u64, offset: u64) {
        if !self.glance(record) {
            self.closely(record, line, offset);
        }
    }

    fn refuse(&mut self, refusal: &Refusal, line: u64, offset: u64) {
        *self.codes.entry(refusal.code).or_default() += 1;
        if self.rejected.len() < self.look.rejected {
            let first = refusal.violations.first();
            self.rejected.push(Rejected {
                line,
                column: first.and_then(|first| self.look.places.column(refusal.code, &first.pointer)),
                offset,
                code: refusal.code,
                message: first.map_or(String::new(), |first| first.message.clone()),
            });
        }
    }

    /// Makes room where it holds more than its share.
    pub(super) fn relieve(&mut self) -> Result<(), Failure> {
        // To count together what is the same may take as much again, for a moment.
        if self.counter.held() <= self.share / 2 {
            return Ok(());
        }
        self.counter.compact();
        if self.counter.held() > self.share * 3 / 8 && !self.spill.take(|| self.counter.take())? {
            // Nowhere to: what is held is what there is, and is let grow before it is looked at again.
            self.share = self.share.max(self.counter.held() * 4);
        }
        Ok(())
    }

    pub(super) fn finish(mut self) -> Minutes {
        self.counter.take()
    }
}
