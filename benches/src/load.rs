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
        runtime().block_on(LocalSet::new().run_until(async {
            let connections = self.connect().await;
            let end = Instant::now() + self.duration;
            let next = move || async move { (Instant::now() < end).then(Instant::now) };
            self.all(connections, prepared, next).await
        }))
    }

    /// Requests become due at this rate, whatever the server does, and the time of an answer counts from then. What
    /// is due while all connections wait for answers is not sent, and counts as not served: a queue in here would make all
    /// that comes out of it late, however fast the server is with those that it takes.
    ///
    /// # Panics
    /// If there is no runtime to be had.
    #[must_use]
    pub fn open(&self, prepared: &Prepared, rate: f64) -> Tally {
        runtime().block_on(LocalSet::new().run_until(async {
            // Whoever has nothing to send yet has no connection either.
            let connections = (0..self.connections).map(|_| Connection::new(self.address)).collect();
            let due = Rc::new(Due::default());
            let clock = tick(Rc::clone(&due), rate, self.duration);
            let next = {
                let due = Rc::clone(&due);
                move || {
                    let due = Rc::clone(&due);
                    async move { due.take().await }
                }
            };
            let (mut tally, offered) = tokio::join!(self.all(connections, prepared, next), clock);
            tally.unsent += due.unsent.get();
            tally.offered = offered;
            tally
        }))
    }

    /// All connections, open: what it takes to open a thousand of them at once says nothing about a request.
    async fn connect(&self) -> Vec<Connection> {
        let mut opened = JoinSet::new();
        for _ in 0..self.connections {
            let mut connection = Connection::new(self.address);
            opened.spawn_local(async move {
                connection.open().await;
                connection
            });
        }
        opened.join_all().await
    }

    /// All connections, each with request after request until there is none.
    async fn all<F: Future<Output = Option<Instant>>>(
        &self,
        connections: Vec<Connection>,
        prepared: &Prepared,
        next: impl Fn() -> F + Clone + 'static,
    ) -> Tally {
        let tally = Rc::new(RefCell::new(Tally::default()));
        let started = Instant::now();
        let mut tasks = JoinSet::new();
        for mut connection in connections {
            let (load, mut prepared, tally, next) = (self.clone(), prepared.clone(), Rc::clone(&tally), next.clone());
            tasks.spawn_local(async move {
                while let Some(due) = next().await {
                    let answer = connection.ask(prepared.fresh()).await;
                    tally.borrow_mut().count(&prepared, answer, due.elapsed(), load.in_time);
                }
            });
        }
        while tasks.join_next().await.is_some() {}
        let mut tally = tally.take();
        // Until the last answer that was of use: how long others waited in vain behind the end is no time of work.
        let worked = tally.last.map_or(Duration::ZERO, |last| last - started);
        tally.elapsed = worked.max(self.duration);
        tally
    }
}

/// Requests on their way to connections that have nothing to do.
#[derive(Default)]
struct Due {
    waiting: RefCell<VecDeque<Instant>>,
    came: Notify,
    /// Connections that have nothing to do.
    idle: Cell<usize>,
    over: Cell<bool>,
    unsent: Cell<u64>,
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
            self.idle.set(self.idle.get() + 1);
            self.came.notified().await;
            self.idle.set(self.idle.get() - 1);
        }
    }

    /// So many requests are due now.
    fn add(&self, requests: u64) {
        let mut waiting = self.waiting.borrow_mut();
        let free = self.idle.get().saturating_sub(waiting.len());
        let sent = usize::try_from(requests).unwrap_or(usize::MAX).min(free);
        waiting.extend(std::iter::repeat_n(Instant::now(), sent));
        self.unsent.set(self.unsent.get() + requests - sent as u64);
        for _ in 0..sent {
            self.came.notify_one();
        }
    }
}

/// Makes requests due; answers how many there were.
async fn tick(due: Rc<Due>, rate: f64, duration: Duration) -> u64 {
    let started = Instant::now();
    let mut made = 0_u64;
    while started.elapsed() < duration {
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let wanted = (started.elapsed().as_secs_f64() * rate) as u64;
        due.add(wanted.saturating_sub(made));
        made = made.max(wanted);
        sleep(Duration::from_millis(1)).await;
    }
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
