//! Load over HTTP/1.1 on kept connections, whose every answer is checked. One thread makes all of it, with bytes that
//! are prepared before, because on a small machine it takes its time from the server that it measures.

mod connection;
mod request;
mod tally;

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use tokio::sync::Notify;
use tokio::task::{JoinSet, LocalSet};
use tokio::time::sleep;

use connection::Connection;
pub use request::Prepared;
pub use tally::Tally;

/// Whom to ask, and how.
#[derive(Clone, Debug)]
pub struct Load {
    /// Where the server listens.
    pub address: SocketAddr,
    /// How many connections are kept open, each with one request at a time.
    pub connections: usize,
    /// For how long.
    pub duration: Duration,
    /// An answer that comes later than this is not worth anything to anybody.
    pub in_time: Duration,
}

impl Load {
    /// Each connection sends its next request as soon as it has an answer.
    ///
    /// # Panics
    /// If there is no runtime to be had.
    #[must_use]
    pub fn closed(&self, prepared: &Prepared) -> Tally {
        let end = Instant::now() + self.duration;
        self.run(prepared, move || (Instant::now() < end).then(Instant::now))
    }

    /// Requests become due at this rate, whatever the server does, and the time of an answer counts from then. What
    /// is due while all connections are taken waits for one, and is given up once it is too late.
    ///
    /// # Panics
    /// If there is no runtime to be had.
    #[must_use]
    pub fn open(&self, prepared: &Prepared, rate: f64) -> Tally {
        runtime().block_on(LocalSet::new().run_until(async {
            let due = Rc::new(Due::default());
            let clock = tick(Rc::clone(&due), rate, self.duration, self.in_time);
            let (tally, offered) = tokio::join!(self.serve(prepared, Rc::clone(&due)), clock);
            let mut tally = tally;
            tally.unsent += due.given_up.get();
            tally.offered = offered;
            tally
        }))
    }

    fn run(&self, prepared: &Prepared, next: impl Fn() -> Option<Instant> + 'static) -> Tally {
        runtime().block_on(LocalSet::new().run_until(async {
            let next = Rc::new(next);
            self.all(prepared, move || {
                let next = Rc::clone(&next);
                async move { next() }
            })
            .await
        }))
    }

    async fn serve(&self, prepared: &Prepared, due: Rc<Due>) -> Tally {
        self.all(prepared, move || {
            let due = Rc::clone(&due);
            async move { due.take().await }
        })
        .await
    }

    /// All connections, each with request after request until there is none.
    async fn all<F: Future<Output = Option<Instant>>>(
        &self,
        prepared: &Prepared,
        next: impl Fn() -> F + Clone + 'static,
    ) -> Tally {
        let tally = Rc::new(RefCell::new(Tally::default()));
        let started = Instant::now();
        let mut tasks = JoinSet::new();
        for _ in 0..self.connections {
            let (load, mut prepared, tally, next) = (self.clone(), prepared.clone(), Rc::clone(&tally), next.clone());
            tasks.spawn_local(async move {
                let mut connection = Connection::new(load.address);
                while let Some(due) = next().await {
                    let answer = connection.ask(prepared.fresh()).await;
                    tally.borrow_mut().count(&prepared, answer, due.elapsed(), load.in_time);
                }
            });
        }
        while tasks.join_next().await.is_some() {}
        let mut tally = tally.take();
        tally.elapsed = started.elapsed();
        tally
    }
}

/// Requests that wait for a connection.
#[derive(Default)]
struct Due {
    waiting: RefCell<VecDeque<Instant>>,
    came: Notify,
    over: Cell<bool>,
    given_up: Cell<u64>,
}

impl Due {
    async fn take(&self) -> Option<Instant> {
        loop {
            if let Some(due) = self.waiting.borrow_mut().pop_front() {
                return Some(due);
            }
            if self.over.get() {
                // Whoever waits beside us is to see it, too.
                self.came.notify_one();
                return None;
            }
            self.came.notified().await;
        }
    }
}

/// Makes requests due; answers how many there were.
async fn tick(due: Rc<Due>, rate: f64, duration: Duration, in_time: Duration) -> u64 {
    let started = Instant::now();
    let mut made = 0_u64;
    while started.elapsed() < duration {
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let wanted = (started.elapsed().as_secs_f64() * rate) as u64;
        let now = Instant::now();
        {
            let mut waiting = due.waiting.borrow_mut();
            while waiting.front().is_some_and(|due| now - *due > in_time) {
                waiting.pop_front();
                due.given_up.set(due.given_up.get() + 1);
            }
            waiting.extend((made..wanted).map(|_| now));
        }
        for _ in made..wanted {
            due.came.notify_one();
        }
        made = made.max(wanted);
        sleep(Duration::from_millis(1)).await;
    }
    due.given_up.set(due.given_up.get() + due.waiting.borrow().len() as u64);
    due.waiting.borrow_mut().clear();
    due.over.set(true);
    due.came.notify_waiters();
    due.came.notify_one();
    made
}

#[allow(clippy::expect_used)]
fn runtime() -> tokio::runtime::Runtime {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime on this thread")
}
