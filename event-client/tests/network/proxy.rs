//! A way to a collector, or to several, that fails at random: it cuts, stalls, resets, is late, and swallows answers.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;

/// What it has done, for a test to be sure that something was tested.
#[derive(Debug, Default)]
pub(crate) struct Deeds {
    pub(crate) cut: AtomicU64,
    pub(crate) stalled: AtomicU64,
    pub(crate) reset: AtomicU64,
    pub(crate) swallowed: AtomicU64,
    pub(crate) late: AtomicU64,
}

/// A proxy, for as long as it is held.
pub(crate) struct Proxy {
    _runtime: Runtime,
    pub(crate) url: String,
    pub(crate) deeds: Arc<Deeds>,
    way: Arc<Way>,
}

/// Where it leads, and how it fails.
struct Way {
    collectors: Mutex<Vec<SocketAddr>>,
    /// One in so many pieces of data; 0 for none.
    one_in: AtomicU64,
    faults: Faults,
    deeds: Arc<Deeds>,
}

#[derive(Clone, Copy)]
enum Faults {
    /// All that there are; nobody waits so long for what stalls.
    All { stall: Duration },
    /// No answer arrives, but for one in so many: the request was taken, and was answered.
    Answers,
}

/// What becomes of some bytes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// They arrive.
    Pass,
    /// A part of them arrives, then the connection ends.
    Cut,
    /// Nothing happens for longer than anybody waits.
    Stall,
    /// A part of them arrives, then the connection is reset.
    Reset,
    /// They never arrive, and the connection ends.
    Swallow,
    /// They arrive after a while.
    Late,
}

impl Proxy {
    /// Stands before the collector at this address, and fails with one in so many pieces of data.
    pub(crate) fn before(collector: SocketAddr, one_in: u64, stall: Duration) -> Proxy {
        Proxy::start(collector, one_in, Faults::All { stall })
    }

    /// Stands before the collector at this address, and lets one in so many of its answers through.
    #[allow(dead_code, reason = "each test takes of it what it needs")]
    pub(crate) fn swallowing(collector: SocketAddr, one_in: u64) -> Proxy {
        Proxy::start(collector, one_in, Faults::Answers)
    }

    fn start(collector: SocketAddr, one_in: u64, faults: Faults) -> Proxy {
        let runtime = Runtime::new().unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let deeds = Arc::new(Deeds::default());
        let way = Arc::new(Way {
            collectors: Mutex::new(vec![collector]),
            one_in: one_in.into(),
            faults,
            deeds: Arc::clone(&deeds),
        });
        let known = Arc::clone(&way);
        runtime.spawn(async move {
            loop {
                let Ok((client, _)) = listener.accept().await else {
                    continue;
                };
                let way = Arc::clone(&known);
                tokio::spawn(async move {
                    if let Ok(collector) = TcpStream::connect(way.collector()).await {
                        way.between(client, collector).await;
                    }
                });
            }
        });
        Proxy {
            _runtime: runtime,
            url,
            deeds,
            way,
        }
    }

    /// From now on leads each new connection to one of these, by chance.
    #[allow(dead_code, reason = "each test takes of it what it needs")]
    pub(crate) fn lead(&self, collectors: Vec<SocketAddr>) {
        *self.way.collectors.lock().unwrap() = collectors;
    }

    /// From now on lets everything through.
    #[allow(dead_code, reason = "each test takes of it what it needs")]
    pub(crate) fn heal(&self) {
        self.way.one_in.store(0, Ordering::Relaxed);
    }
}

impl Deeds {
    /// How often anything was done.
    #[allow(dead_code, reason = "each test takes of it what it needs")]
    pub(crate) fn total(&self) -> u64 {
        let all = [&self.cut, &self.stalled, &self.reset, &self.swallowed, &self.late];
        all.iter().map(|count| count.load(Ordering::Relaxed)).sum()
    }

    fn count(&self, fate: Fate) {
        let deed = match fate {
            Fate::Pass => return,
            Fate::Cut => &self.cut,
            Fate::Stall => &self.stalled,
            Fate::Reset => &self.reset,
            Fate::Swallow => &self.swallowed,
            Fate::Late => &self.late,
        };
        deed.fetch_add(1, Ordering::Relaxed);
    }
}

impl Way {
    fn collector(&self) -> SocketAddr {
        let collectors = self.collectors.lock().unwrap();
        collectors[fastrand::usize(..collectors.len())]
    }

    async fn between(&self, mut client: TcpStream, mut collector: TcpStream) {
        let mut there = vec![0; 16 * 1024];
        let mut back = vec![0; 16 * 1024];
        let stall = match self.faults {
            Faults::All { stall } => stall,
            Faults::Answers => Duration::ZERO,
        };
        loop {
            let (bytes, to, is_answer) = tokio::select! {
                read = client.read(&mut there) => match read {
                    Ok(read) if read > 0 => (&there[..read], &mut collector, false),
                    _ => return,
                },
                read = collector.read(&mut back) => match read {
                    Ok(read) if read > 0 => (&back[..read], &mut client, true),
                    _ => return,
                },
            };
            let part = &bytes[..fastrand::usize(..=bytes.len())];
            let fate = self.fate(is_answer);
            self.deeds.count(fate);
            match fate {
                Fate::Pass => {
                    if to.write_all(bytes).await.is_err() {
                        return;
                    }
                }
                Fate::Late => {
                    tokio::time::sleep(stall.mul_f64(fastrand::f64() / 2.0)).await;
                    if to.write_all(bytes).await.is_err() {
                        return;
                    }
                }
                Fate::Cut => {
                    let _ = to.write_all(part).await;
                    return;
                }
                Fate::Stall => {
                    tokio::time::sleep(stall).await;
                    return;
                }
                Fate::Reset => {
                    let _ = to.write_all(part).await;
                    return reset(&client, &collector);
                }
                // Thousands of connections that have ended well would be remembered for a minute, and leave no ports.
                Fate::Swallow if matches!(self.faults, Faults::Answers) => return reset(&client, &collector),
                Fate::Swallow => return,
            }
        }
    }

    /// What has been done least often, so that a run of any length does everything.
    fn fate(&self, is_answer: bool) -> Fate {
        let one_in = self.one_in.load(Ordering::Relaxed);
        let is_chosen = one_in > 0 && fastrand::u64(..one_in) == 0;
        let deeds = &self.deeds;
        if let Faults::Answers = self.faults {
            let is_swallowed = is_answer && one_in > 0 && !is_chosen;
            return if is_swallowed { Fate::Swallow } else { Fate::Pass };
        }
        if !is_chosen {
            return Fate::Pass;
        }
        let mut fates = [
            (&deeds.cut, Fate::Cut),
            (&deeds.stalled, Fate::Stall),
            (&deeds.reset, Fate::Reset),
            (&deeds.swallowed, Fate::Swallow),
            (&deeds.late, Fate::Late),
        ];
        fastrand::shuffle(&mut fates);
        let least = fates.into_iter().min_by_key(|(count, _)| count.load(Ordering::Relaxed));
        least.map_or(Fate::Pass, |(_, fate)| fate)
    }
}

/// Ends both connections without a farewell.
fn reset(client: &TcpStream, collector: &TcpStream) {
    let _ = client.set_zero_linger();
    let _ = collector.set_zero_linger();
}
