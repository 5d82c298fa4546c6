//! A way to the collector that fails at random: it cuts, stalls, resets, and swallows answers.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
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
}

/// A proxy, for as long as it is held.
pub(crate) struct Proxy {
    _runtime: Runtime,
    pub(crate) url: String,
    pub(crate) deeds: Arc<Deeds>,
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
}

impl Proxy {
    /// Stands before the collector at this address, and fails with one in so many pieces of data.
    pub(crate) fn before(collector: SocketAddr, one_in: u64, stall: Duration) -> Proxy {
        let runtime = Runtime::new().unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let deeds = Arc::new(Deeds::default());
        let known = Arc::clone(&deeds);
        runtime.spawn(async move {
            loop {
                let Ok((client, _)) = listener.accept().await else {
                    continue;
                };
                let deeds = Arc::clone(&known);
                tokio::spawn(async move {
                    if let Ok(collector) = TcpStream::connect(collector).await {
                        between(client, collector, one_in, stall, &deeds).await;
                    }
                });
            }
        });
        Proxy {
            _runtime: runtime,
            url,
            deeds,
        }
    }
}

async fn between(mut client: TcpStream, mut collector: TcpStream, one_in: u64, stall: Duration, deeds: &Deeds) {
    let mut there = vec![0; 16 * 1024];
    let mut back = vec![0; 16 * 1024];
    loop {
        let (bytes, to) = tokio::select! {
            read = client.read(&mut there) => match read {
                Ok(read) if read > 0 => (&there[..read], &mut collector),
                _ => return,
            },
            read = collector.read(&mut back) => match read {
                Ok(read) if read > 0 => (&back[..read], &mut client),
                _ => return,
            },
        };
        let part = &bytes[..fastrand::usize(..=bytes.len())];
        let count = |deed: &AtomicU64| deed.fetch_add(1, Ordering::Relaxed);
        match fate(one_in, deeds) {
            Fate::Pass => {
                if to.write_all(bytes).await.is_err() {
                    return;
                }
            }
            Fate::Cut => {
                count(&deeds.cut);
                let _ = to.write_all(part).await;
                return;
            }
            Fate::Stall => {
                count(&deeds.stalled);
                tokio::time::sleep(stall).await;
                return;
            }
            Fate::Reset => {
                count(&deeds.reset);
                let _ = to.write_all(part).await;
                let _ = client.set_zero_linger();
                let _ = collector.set_zero_linger();
                return;
            }
            Fate::Swallow => {
                count(&deeds.swallowed);
                return;
            }
        }
    }
}

/// What has been done least often, so that a run of any length does everything.
fn fate(one_in: u64, deeds: &Deeds) -> Fate {
    if fastrand::u64(..one_in) > 0 {
        return Fate::Pass;
    }
    let mut fates = [
        (&deeds.cut, Fate::Cut),
        (&deeds.stalled, Fate::Stall),
        (&deeds.reset, Fate::Reset),
        (&deeds.swallowed, Fate::Swallow),
    ];
    fastrand::shuffle(&mut fates);
    let least = fates.into_iter().min_by_key(|(count, _)| count.load(Ordering::Relaxed));
    least.map_or(Fate::Pass, |(_, fate)| fate)
}
