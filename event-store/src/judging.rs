//! Judging of many events, on other threads than the runtime's, in turns.

use std::sync::Arc;
use std::time::{Duration, Instant};
use std::vec::IntoIter;

use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::timeout;

use crate::error::Error;
use crate::judge::{Judge, Judged, Offer};

/// So long at a time; then others have their turn. Most batches are done by then.
const LONGEST: Duration = Duration::from_millis(10);

/// A batch, and how far it is judged.
struct Batch {
    judge: Judge,
    offers: IntoIter<Offer>,
    judged: Vec<Judged>,
}

impl Batch {
    fn begin(judge: Judge, offers: Vec<Offer>) -> Self {
        let judged = Vec::with_capacity(offers.len());
        let offers = offers.into_iter();
        Batch { judge, offers, judged }
    }

    /// Judges for as long as a turn lasts, and at least one of them.
    fn go_on(&mut self) {
        let begun = Instant::now();
        for offer in self.offers.by_ref() {
            self.judged.push(self.judge.one(offer));
            if begun.elapsed() >= LONGEST {
                return;
            }
        }
    }
}

/// A task that ends with whoever waits for it.
struct Waiting<T>(JoinHandle<T>);

impl<T> Drop for Waiting<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Judges a batch on other threads, whenever it is its turn: with as many at a time as there are turns. More would be done no
/// sooner, but the writer would be one among dozens who want a processor, and all that they make would wait for it.
///
/// # Errors
/// [`Error::Overloaded`] where a turn takes longer to come than is waited for.
pub(crate) async fn in_turns(
    turns: &Arc<Semaphore>,
    patience: Duration,
    judge: Judge,
    offers: Vec<Offer>,
) -> Result<Vec<Judged>, Error> {
    let failed = |error| Error::corrupt(format!("judging failed: {error}"));
    // Where a runtime of one thread stands still, nobody would take up the turn that it is given.
    if Handle::current().runtime_flavor() != RuntimeFlavor::MultiThread {
        return spawn_blocking(move || judge.all(offers)).await.map_err(failed);
    }
    let mut batch = Batch::begin(judge, offers);
    loop {
        let gone_on = if let Ok(turn) = Arc::clone(turns).try_acquire_owned() {
            in_turn(turn, batch).await
        } else {
            // Turns are given in the order of those who wait, also to one that nobody polls: a caller that looks after something
            // else meanwhile would keep all others from theirs. So it is not he who waits.
            let turns = Arc::clone(turns);
            let mut waiting = Waiting(tokio::spawn(async move {
                let turn = timeout(patience, turns.acquire_owned()).await;
                let turn = turn.map_err(|_| Error::Overloaded)?.map_err(|_| Error::Closed)?;
                Ok::<_, Error>(in_turn(turn, batch).await)
            }));
            (&mut waiting.0).await.map_err(failed)??
        };
        batch = gone_on.map_err(failed)?;
        if batch.offers.len() == 0 {
            return Ok(batch.judged);
        }
    }
}

/// Goes on with a batch. The turn is taken until that is done, even if nobody waits for it any more.
fn in_turn(turn: OwnedSemaphorePermit, mut batch: Batch) -> JoinHandle<Batch> {
    spawn_blocking(move || {
        let _turn = turn;
        batch.go_on();
        batch
    })
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::pin::{Pin, pin};
    use std::task::Poll;

    use event_core::{Limits, Registry, Source, Timestamp};

    use super::*;
    use crate::judge::Origin;

    const LONG: Duration = Duration::from_secs(600);

    async fn judged(turns: &Arc<Semaphore>, patience: Duration, events: usize) -> Result<usize, Error> {
        let judge = Judge {
            registry: Arc::new(Registry::default()),
            origin: Origin::new(Source::new("shop").unwrap()),
            limits: Limits::default(),
            received_at: Timestamp::MIN,
            id: None,
        };
        let offer = Offer::Json(br#"{"category": "order", "name": "created"}"#.to_vec());
        let judged = in_turns(turns, patience, judge, vec![offer; events]).await;
        judged.map(|judged| judged.len())
    }

    /// Polls it, this once.
    async fn waits(mut caller: Pin<&mut impl Future>) -> bool {
        poll_fn(|context| Poll::Ready(caller.as_mut().poll(context).is_pending())).await
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_caller_that_is_not_polled_keeps_no_turn() {
        let turns = Arc::new(Semaphore::new(1));
        let held = Arc::clone(&turns).acquire_owned().await.unwrap();
        let mut first = pin!(judged(&turns, LONG, 40));
        assert!(waits(first.as_mut()).await);
        drop(held);
        let second = timeout(Duration::from_secs(60), judged(&turns, LONG, 41)).await;
        assert_eq!(second.expect("it has its turn").unwrap(), 41);
        assert_eq!(first.await.unwrap(), 40);
        assert_eq!(turns.available_permits(), 1);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_batch_that_takes_long_lets_others_have_their_turn() {
        let turns = Arc::new(Semaphore::new(1));
        let mut long = pin!(judged(&turns, LONG, 50_000));
        assert!(waits(long.as_mut()).await);
        let short = judged(&turns, LONG, 32);
        tokio::select! {
            biased;
            _ = &mut long => panic!("the long one was done first"),
            short = short => assert_eq!(short.unwrap(), 32),
        }
        assert_eq!(long.await.unwrap(), 50_000);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_turn_is_not_waited_for_for_ever() {
        let turns = Arc::new(Semaphore::new(0));
        let refused = judged(&turns, Duration::from_millis(20), 40).await;
        assert!(matches!(refused, Err(Error::Overloaded)), "{refused:?}");
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn who_goes_away_waits_for_no_turn() {
        let turns = Arc::new(Semaphore::new(0));
        {
            let mut gone = pin!(judged(&turns, LONG, 40));
            assert!(waits(gone.as_mut()).await);
            assert_eq!(Arc::strong_count(&turns), 2);
        }
        let ends = async {
            while Arc::strong_count(&turns) > 1 {
                tokio::task::yield_now().await;
            }
        };
        timeout(Duration::from_secs(60), ends).await.expect("nobody waits");
    }

    #[tokio::test]
    async fn a_runtime_of_one_thread_takes_no_turn() {
        let turns = Arc::new(Semaphore::new(0));
        assert_eq!(judged(&turns, LONG, 40).await.unwrap(), 40);
    }
}
