//! What a client of a test has sent.

use std::fmt;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use event_core::verdict::Status;
use event_core::wire::LossReport;
use event_core::{Code, Event, Filter};

use super::collector::Collector;
use super::script::Mishap;
use crate::shared::Shared;
use crate::stats::Stats;
use crate::transport::Key;

/// How long events may be on their way: far longer than they are.
const PATIENCE: Duration = Duration::from_secs(10);
/// Between two looks at them.
const LOOK: Duration = Duration::from_millis(1);

/// The collector of a test: what it has been sent, and what it is to do. Cheap to clone; it does not
/// keep the client alive.
///
/// ```
/// let (client, collected) = event_client::test::client();
/// for value in 1..=3 {
///     client.track(event_core::Event::builder("order", "created").field("value", value))?;
/// }
/// assert_eq!(collected.events()[2].payload().as_str(), r#"{"value":3}"#);
/// # Ok::<(), event_client::TrackError>(())
/// ```
#[derive(Clone)]
pub struct Collected {
    pub(super) collector: Arc<Collector>,
    shared: Weak<Shared>,
}

impl Collected {
    pub(super) fn new(collector: Arc<Collector>, shared: Weak<Shared>) -> Self {
        Collected { collector, shared }
    }

    /// The events that are stored, in the order of their arrival; all that was tracked before is among
    /// them, unless the collector is down or refuses it.
    ///
    /// # Panics
    /// If they do not arrive, as when the collector is made to fail for ever.
    #[must_use]
    #[track_caller]
    pub fn events(&self) -> Vec<Event> {
        self.settle();
        self.collector.ledger().events.clone()
    }

    /// The [`Collected::events`], or what became of those that were tracked, where they do not all arrive in this
    /// time.
    ///
    /// # Errors
    /// The counts of the client, of which some wait still.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// let (client, collected) = event_client::test::client();
    /// collected.answer_when(503, |_| true);
    /// client.track(event_core::Event::builder("order", "created"))?;
    /// assert_eq!(collected.arrived(Duration::from_millis(1)).unwrap_err().waiting(), 1);
    /// # Ok::<(), event_client::TrackError>(())
    /// ```
    pub fn arrived(&self, at_most: Duration) -> Result<Vec<Event>, Box<Stats>> {
        self.settled(at_most)?;
        Ok(self.collector.ledger().events.clone())
    }

    /// The events that are stored by now. Nothing is waited for: more may be on their way.
    ///
    /// ```
    /// let (client, collected) = event_client::test::client();
    /// collected.answer_when(503, |_| true);
    /// client.track(event_core::Event::builder("order", "created"))?;
    /// assert!(collected.so_far().is_empty());
    /// # Ok::<(), event_client::TrackError>(())
    /// ```
    #[must_use]
    pub fn so_far(&self) -> Vec<Event> {
        self.collector.ledger().events.clone()
    }

    /// Those of the [`Collected::events`] that a filter chooses.
    ///
    /// # Panics
    /// As [`Collected::events`].
    ///
    /// ```
    /// use event_core::Filter;
    /// use event_core::filter::{Field, Test};
    ///
    /// let (client, collected) = event_client::test::client();
    /// for value in 1..=3 {
    ///     client.track(event_core::Event::builder("order", "created").field("value", value))?;
    /// }
    /// let large = Filter::new().and("/value".parse()?, Test::range(Some(2), None));
    /// assert_eq!(collected.chosen(&large).len(), 2);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    #[track_caller]
    pub fn chosen(&self, filter: &Filter) -> Vec<Event> {
        let mut events = self.events();
        events.retain(|event| filter.matches(event));
        events
    }

    /// The reports of losses, each once. They come by [`ClientBuilder::report_every`] and at the end.
    ///
    /// [`ClientBuilder::report_every`]: crate::ClientBuilder::report_every
    #[must_use]
    pub fn losses(&self) -> Vec<LossReport> {
        self.collector.ledger().losses.clone()
    }

    /// How many reports of losses came, those among them that came again.
    #[must_use]
    pub fn loss_reports(&self) -> usize {
        self.collector.ledger().reports
    }

    /// How many events came in each request, whatever it was answered.
    #[must_use]
    pub fn requests(&self) -> Vec<usize> {
        self.collector.ledger().requests.clone()
    }

    /// Forgets the events, the requests and the reports so far. The ids stay known.
    ///
    /// # Panics
    /// As [`Collected::events`].
    #[track_caller]
    pub fn clear(&self) {
        self.settle();
        let mut ledger = self.collector.ledger();
        ledger.events.clear();
        ledger.requests.clear();
        ledger.losses.clear();
        ledger.reports = 0;
    }

    /// Is not heard of from now on.
    pub fn go_down(&self) {
        self.collector.ledger().script.down = true;
    }

    /// Is there again; the client is told of it, which in life it is not.
    pub fn come_up(&self) {
        self.collector.ledger().script.down = false;
        self.hurry();
    }

    /// Answers this status to the next request with events, and does not take them. Called twice, it is
    /// the next two.
    pub fn answer_next(&self, status: u16) {
        self.mishap(Mishap::Status(status));
    }

    /// Takes the events of the next request, and the answer is lost on its way.
    pub fn lose_next_answer(&self) {
        self.mishap(Mishap::AnswerLost);
    }

    /// Takes the events of the next request, and leaves out a verdict.
    pub fn cut_next_answer(&self) {
        self.mishap(Mishap::VerdictMissing);
    }

    /// Takes the next report of losses, and the answer is lost on its way.
    pub fn lose_next_report(&self) {
        self.collector.ledger().script.lost_reports += 1;
    }

    /// Answers this status to every request that holds such an event, and takes nothing of it.
    pub fn answer_when(&self, status: u16, event: impl Fn(&Event) -> bool + Send + 'static) {
        self.collector.ledger().script.statuses.push((status, Box::new(event)));
    }

    /// Gives this verdict on every such event, instead of storing it.
    pub fn refuse(&self, status: Status, code: Code, event: impl Fn(&Event) -> bool + Send + 'static) {
        let mut ledger = self.collector.ledger();
        ledger.script.refusals.push((status, code, Box::new(event)));
    }

    /// Takes no other key than this one from now on.
    pub fn require_key(&self, key: impl Into<String>) {
        self.collector.ledger().script.key = Key::new(key.into());
    }

    /// Forgets all that was to go wrong.
    pub fn behave(&self) {
        self.collector.ledger().script = super::script::Script::default();
        self.hurry();
    }

    fn mishap(&self, mishap: Mishap) {
        self.collector.ledger().script.mishaps.push_back(mishap);
    }

    fn hurry(&self) {
        if let Some(shared) = self.shared.upgrade() {
            shared.lock().hurry = true;
            shared.wake.notify_one();
        }
    }

    #[track_caller]
    fn settle(&self) {
        let settled = self.settled(PATIENCE);
        assert!(settled.is_ok(), "events that were tracked do not arrive: {settled:?}");
    }

    /// Waits until all that was tracked has left the client; a client that is no more has nothing.
    fn settled(&self, at_most: Duration) -> Result<(), Box<Stats>> {
        let Some(shared) = self.shared.upgrade() else {
            return Ok(());
        };
        let until = {
            let mut state = shared.lock();
            state.wanted = state.taken_in;
            state.hurry = true;
            state.wanted
        };
        shared.wake.notify_one();
        let deadline = Instant::now() + at_most;
        loop {
            let (gone, stats) = {
                let state = shared.lock();
                (state.gone, state.stats())
            };
            if gone >= until || self.collector.ledger().script.down {
                return Ok(());
            }
            if Instant::now() >= deadline {
                return Err(Box::new(stats));
            }
            std::thread::sleep(LOOK);
        }
    }
}

impl fmt::Debug for Collected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ledger = self.collector.ledger();
        let mut collected = f.debug_struct("Collected");
        collected
            .field("events", &ledger.events)
            .field("requests", &ledger.requests);
        collected.field("losses", &ledger.losses).finish_non_exhaustive()
    }
}
