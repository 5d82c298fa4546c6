//! THE ONE DOOR: whatever is offered, by whomever, enters here and leaves as a verdict.

use std::sync::Arc;

use event_core::{ValidEvent, Verdict};
use sea_orm::ConnectionTrait;

use crate::checkpoint::Mark;
use crate::error::{Cause, Error};
use crate::inner::now;
use crate::judge::{Judge, Judged, Offer, Origin, definition, storage};
use crate::judging;
use crate::original::Kept;
use crate::outbox;
use crate::queue::{Entry, Place};
use crate::shadow;
use crate::store::EventStore;

/// Judging so many events takes long enough to be kept off the runtime's threads.
const LONG: usize = 32;

impl EventStore {
    /// Judges what is offered, stores what is good, keeps what is not, and answers only after the
    /// commit: one verdict an offer, in order. One bad event never sinks the others.
    ///
    /// May be cancelled at any await: then all of the offers are stored, or none.
    ///
    /// # Errors
    /// [`Error::Unknown`] where the commit failed or did not answer in time: offer the same events
    /// again, and their ids will tell. With any other error nothing was stored: [`Error::Overloaded`] where too much waits
    /// already ([`Options::queue_time`](crate::Options::queue_time)), or one of the turns in which
    /// many are judged takes more than [`Options::request_timeout`](crate::Options::request_timeout) to come; [`Error::RateLimited`] and
    /// [`Error::QuotaExceeded`] are for the holder of a key who sends too much.
    pub async fn ingest(&self, offers: Vec<Offer>, origin: &Origin) -> Result<Vec<Verdict>, Error> {
        if offers.is_empty() {
            return Ok(Vec::new());
        }
        let registry = self.registry();
        for offer in &offers {
            if let Offer::Foreign {
                event_type, version, ..
            } = offer
                && definition(&registry, event_type, version.as_ref()).is_none()
            {
                return Err(Error::TypeNotFound);
            }
        }
        let events = offers.len();
        // Before they are judged, which is a good part of all that they cost.
        let place = self
            .inner()
            .queue
            .reserve(events, offers.iter().map(Offer::bytes).sum())?;
        let mut spent = origin.sender().map(|sender| self.take(sender, events)).transpose()?;
        let judge = Judge {
            registry,
            origin: origin.clone(),
            limits: self.inner().options.limits,
            received_at: now(),
            id: None,
        };
        let judged = if offers.len() < LONG {
            judge.all(offers)
        } else {
            let inner = self.inner();
            judging::in_turns(&inner.judging, inner.options.request_timeout, judge, offers).await?
        };
        // Nothing is waited for between here and the queue: whoever goes away from now on may have been stored.
        if let Some(spent) = &mut spent {
            spent.may_be_stored();
        }
        let outcome = self.keep(judged, place).await;
        if let Some(spent) = spent {
            spent.settle(&outcome);
        }
        outcome
    }

    /// Whether [`EventStore::ingest`] takes something now, as far as one can know: whoever has yet to receive
    /// what is offered may say no before.
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.inner().queue.has_room() || self.inner().queue.is_closed()
    }

    /// Stores events that [`EventStore::registry`] has found valid, in one transaction.
    ///
    /// # Errors
    /// As [`EventStore::ingest`]; [`Error::BatchTooLarge`] for more events than the queue may hold
    /// (100,000 unless [`Options::queue_events`](crate::Options::queue_events) says otherwise).
    pub async fn append(&self, events: Vec<ValidEvent>) -> Result<Vec<Verdict>, Error> {
        if events.is_empty() {
            return Ok(Vec::new());
        }
        let (received_at, registry) = (now(), self.registry());
        let entry = |event| Entry::Event {
            storage: storage(&registry, &event),
            opinions: shadow::opinions(&registry, &event),
            event: Box::new(event),
            kept: Kept::Made,
            received_at,
        };
        let entries = events.into_iter().map(entry).collect();
        self.store(Arc::new(entries), None, None).await
    }

    /// Stores valid events in a transaction of the application's own, beside its rows: all of them
    /// are there once it commits, none if it does not. Their places in the log, and the answer to
    /// whether one was there before, come right after the commit, from whichever process has a
    /// store open on these tables; so a transaction may take its time and holds up nobody (but on SQLite,
    /// which has one writer at a time, whoever it is). An event
    /// that its type, changed meanwhile, allows no longer is then kept in the quarantine.
    ///
    /// `db` is a transaction on the database that this store is in.
    ///
    /// # Errors
    /// If the database refuses; the transaction is then to be rolled back.
    pub async fn append_in(&self, db: &impl ConnectionTrait, events: Vec<ValidEvent>) -> Result<(), Error> {
        if events.is_empty() {
            return Ok(());
        }
        outbox::hand_in(self.inner(), db, &events).await?;
        outbox::watch(self.inner());
        Ok(())
    }

    async fn keep(&self, judged: Vec<Judged>, place: Place) -> Result<Vec<Verdict>, Error> {
        let mut verdicts: Vec<Option<Verdict>> = Vec::with_capacity(judged.len());
        let mut entries = Vec::with_capacity(judged.len());
        for one in judged {
            match one {
                Judged::Keep(entry) => {
                    entries.push(entry);
                    verdicts.push(None);
                }
                Judged::Drop(verdict) => {
                    self.inner().counts.told([&verdict]);
                    verdicts.push(Some(verdict));
                }
            }
        }
        let mut kept = if entries.is_empty() {
            Vec::new()
        } else {
            self.store(Arc::new(entries), None, Some(place)).await?
        }
        .into_iter();
        let all = verdicts.into_iter().map(|verdict| verdict.or_else(|| kept.next()));
        all.collect::<Option<_>>()
            .ok_or_else(|| Error::corrupt("fewer verdicts than events"))
    }

    /// Stores what an import has judged, and in the same transaction how far it has come: one verdict an
    /// entry, in order.
    #[cfg(feature = "import")]
    pub(crate) async fn ingest_marked(&self, entries: Arc<Vec<Entry>>, mark: Arc<Mark>) -> Result<Vec<Verdict>, Error> {
        self.store(entries, Some(mark), None).await
    }

    async fn store(
        &self,
        entries: Arc<Vec<Entry>>,
        mark: Option<Arc<Mark>>,
        place: Option<Place>,
    ) -> Result<Vec<Verdict>, Error> {
        let inner = self.inner();
        // A large batch may take longer than a small one.
        let patience = inner.options.request_timeout
            + std::time::Duration::from_micros(200) * u32::try_from(entries.len()).unwrap_or(u32::MAX);
        let (answer, turn) = inner.queue.offer(entries, mark, place)?;
        match tokio::time::timeout(patience, answer).await {
            Ok(Ok(verdicts)) => verdicts,
            Ok(Err(_)) => Err(Error::Unknown(Cause::new("the writer went away"))),
            Err(_) if turn.withdraw() => Err(Error::Unavailable(Cause::new("the database was not free in time"))),
            Err(_) => Err(Error::Unknown(Cause::new("no answer in time"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::pin::pin;
    use std::task::Poll;

    use event_core::Source;

    use super::*;
    use crate::api_key::NewKey;

    #[tokio::test(flavor = "multi_thread")]
    async fn who_goes_away_has_spent_only_what_may_be_stored() {
        const QUOTA: usize = 100;
        let store = EventStore::connect("sqlite::memory:").await.unwrap();
        let source = Source::new("shop").unwrap();
        let key = NewKey::new(source.clone()).quota(QUOTA as u64);
        let key = store.create_key(key).await.unwrap();
        let origin = Origin::of(&store.authenticate(key.expose()).unwrap(), source);
        let offers = |events| {
            let offer = br#"{"category": "order", "name": "created"}"#.to_vec();
            vec![Offer::Json(offer); events]
        };
        let go_away = async |events| {
            let mut caller = pin!(store.ingest(offers(events), &origin));
            let waits = poll_fn(|context| Poll::Ready(caller.as_mut().poll(context).is_pending()));
            assert!(waits.await);
        };
        let judging = &store.inner().judging;
        let turns = u32::try_from(judging.available_permits()).unwrap();
        let held = judging.acquire_many(turns).await.unwrap();
        go_away(LONG).await;
        drop(held);
        // Nothing of them was in the queue, and so all is left; of the next one something is.
        let writing = store.inner().dialect.begin(&store.inner().writer).await.unwrap();
        go_away(1).await;
        writing.rollback().await.unwrap();
        let more = store.ingest(offers(QUOTA), &origin).await;
        assert!(matches!(more, Err(Error::QuotaExceeded { .. })), "{more:?}");
        assert_eq!(store.ingest(offers(QUOTA - 1), &origin).await.unwrap().len(), QUOTA - 1);
    }
}
