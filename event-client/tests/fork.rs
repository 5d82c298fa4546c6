//! Processes that are forked while the client is at work: nothing is doubled, nothing is lost, and
//! nobody hangs.
//!
//! The collector is one for parent and children, over TCP, as a child has no other way to it.

#![cfg(unix)]
#![allow(unsafe_code)]
#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use event_client::{Client, Compression};
use event_core::Event;

/// Forks must not fall into other tests' threads.
static ALONE: Mutex<()> = Mutex::new(());

fn alone() -> MutexGuard<'static, ()> {
    ALONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// How often each event came, by its name; the ids tell whether it is the same one.
type Arrived = Arc<Mutex<BTreeMap<String, Vec<String>>>>;

/// Stores what it is sent, and answers that it did.
fn collector() -> (String, Arrived) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let arrived = Arrived::default();
    let theirs = Arc::clone(&arrived);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let arrived = Arc::clone(&theirs);
            std::thread::spawn(move || serve(stream, &arrived));
        }
    });
    (url, arrived)
}

fn serve(stream: TcpStream, arrived: &Arrived) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut stream = stream;
    loop {
        let mut length = 0;
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line).unwrap_or(0) == 0 {
                return;
            }
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
            if line == "\r\n" {
                break;
            }
        }
        let mut body = vec![0; length];
        if reader.read_exact(&mut body).is_err() {
            return;
        }
        let mut verdicts = Vec::new();
        for line in body.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            let event: serde_json::Value = serde_json::from_slice(line).unwrap();
            let text = |name: &str| event[name].as_str().unwrap().to_owned();
            arrived
                .lock()
                .unwrap()
                .entry(text("name"))
                .or_default()
                .push(text("id"));
            verdicts.push(r#"{"status":"stored"}"#);
        }
        let answer = format!("{{\"results\":[{}]}}", verdicts.join(","));
        let head = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
            answer.len()
        );
        if stream.write_all((head + &answer).as_bytes()).is_err() {
            return;
        }
    }
}

fn client(url: &str) -> Client {
    let client = Client::builder(url).source("test").compression(Compression::None);
    client
        .linger(Duration::from_millis(1))
        .queue_events(1_000_000)
        .build()
        .unwrap()
}

/// Does it in a child, and answers the child's number. The child ends without what Rust does at the end
/// of a process, as that belongs to the parent; 1 if it panics.
fn fork(act: impl FnOnce() -> bool) -> libc::pid_t {
    // SAFETY: the child calls nothing but the client and the allocator, which is made for it (glibc's
    // handlers), and ends by `_exit`.
    let child = unsafe { libc::fork() };
    assert!(child >= 0, "fork");
    if child == 0 {
        let good = std::panic::catch_unwind(std::panic::AssertUnwindSafe(act)).unwrap_or(false);
        // SAFETY: it does not return.
        unsafe { libc::_exit(i32::from(!good)) };
    }
    child
}

/// Waits for the child, but not for ever: a child that hangs is ended, and fails.
fn reap(child: libc::pid_t) {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        let mut status = 0;
        // SAFETY: the status is a place of our own, and the child is one.
        let reaped = unsafe { libc::waitpid(child, &raw mut status, libc::WNOHANG) };
        if reaped == child {
            assert!(
                libc::WIFEXITED(status) && libc::WEXITSTATUS(status) == 0,
                "the child failed: {status}"
            );
            return;
        }
        if Instant::now() > deadline {
            // SAFETY: the child is ours, and has not been waited for.
            unsafe { libc::kill(child, libc::SIGKILL) };
            panic!("the child hangs");
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

const LONG: Duration = Duration::from_secs(20);

fn track(client: &Client, name: impl Into<String>) -> bool {
    client.track(Event::builder("fork", name)).is_ok()
}

fn once(arrived: &Arrived, names: impl IntoIterator<Item = String>) {
    let arrived = arrived.lock().unwrap();
    for name in names {
        let ids = arrived.get(&name).map_or(0, Vec::len);
        assert_eq!(ids, 1, "{name} came {ids} times");
    }
}

#[test]
fn parent_and_child_track_before_and_after() {
    let _alone = alone();
    let (url, arrived) = collector();
    // With a thread that has worked, one that has not begun, and none at all.
    for before in [0, 1, 100] {
        let client = client(&url);
        for at in 0..before {
            assert!(track(&client, format!("{before} before {at}")));
        }
        let child = fork(|| {
            let fresh = client.stats().offered == 0;
            let tracked = (0..50).all(|at| track(&client, format!("{before} child {at}")));
            let flushed = client.flush_blocking(LONG).is_ok();
            let sent = client
                .send_blocking([Event::builder("fork", format!("{before} child sends"))])
                .is_ok();
            let stats = client.stats();
            fresh && tracked && flushed && sent && stats.stored == 51 && client.shutdown_blocking(LONG).is_ok()
        });
        for at in 0..50 {
            assert!(track(&client, format!("{before} parent {at}")));
        }
        reap(child);
        client.shutdown_blocking(LONG).unwrap();
        let stats = client.stats();
        assert_eq!((stats.offered, stats.stored), (before + 50, before + 50));
        let both = (0..50).flat_map(|at| ["parent", "child"].map(|who| format!("{before} {who} {at}")));
        once(
            &arrived,
            both.chain((0..before).map(|at| format!("{before} before {at}"))),
        );
    }
    let arrived = arrived.lock().unwrap();
    let mut ids: Vec<&String> = arrived.values().flatten().collect();
    let all = ids.len();
    ids.sort();
    ids.dedup();
    assert_eq!(
        (ids.len(), all),
        (101 + 3 * 101, 101 + 3 * 101),
        "ids are not used twice"
    );
}

#[test]
fn a_child_of_a_child_has_its_own_part_too() {
    let _alone = alone();
    let (url, arrived) = collector();
    let client = client(&url);
    assert!(track(&client, "first"));
    let child = fork(|| {
        let second = track(&client, "second");
        let grandchild = fork(|| track(&client, "third") && client.shutdown_blocking(LONG).is_ok());
        reap(grandchild);
        second && client.shutdown_blocking(LONG).is_ok()
    });
    reap(child);
    client.shutdown_blocking(LONG).unwrap();
    once(&arrived, ["first", "second", "third"].map(str::to_owned));
}

#[test]
fn a_child_that_only_drops_its_client_ends() {
    let _alone = alone();
    let (url, arrived) = collector();
    let client = client(&url);
    assert!(track(&client, "first"));
    let mut theirs = Some(client.clone());
    reap(fork(|| {
        drop(theirs.take());
        true
    }));
    client.shutdown_blocking(LONG).unwrap();
    once(&arrived, ["first".to_owned()]);
}

#[test]
fn a_child_is_asked_whether_it_has_used_its_client() {
    let _alone = alone();
    let (url, arrived) = collector();
    let client = client(&url);
    assert!(track(&client, "first") && !client.is_inherited());
    reap(fork(|| {
        let before = client.is_inherited() && client.clone().is_inherited();
        let used = track(&client, "second") && !client.is_inherited() && !client.clone().is_inherited();
        before && used && client.shutdown_blocking(LONG).is_ok() && !client.is_inherited()
    }));
    assert!(!client.is_inherited());
    client.shutdown_blocking(LONG).unwrap();
    once(&arrived, ["first", "second"].map(str::to_owned));
}

/// The lock is held, and the network is in use, at the moment of most of these forks.
#[test]
fn forks_while_other_threads_track_busily() {
    const FORKS: usize = 200;
    let _alone = alone();
    let (url, arrived) = collector();
    let client = client(&url);
    let stop = Arc::new(AtomicBool::new(false));
    let busy: Vec<_> = (0..3)
        .map(|thread| {
            let (client, stop) = (client.clone(), Arc::clone(&stop));
            std::thread::spawn(move || {
                let mut tracked = 0;
                while !stop.load(Ordering::Relaxed) && tracked < 200_000 {
                    if !track(&client, format!("busy {thread}")) {
                        // On a busy machine the queue may be full: that is told, too.
                        std::thread::sleep(Duration::from_millis(5));
                        continue;
                    }
                    tracked += 1;
                    if tracked % 100 == 0 {
                        let _ = client.stats();
                        std::thread::sleep(Duration::from_micros(200));
                    }
                }
                tracked
            })
        })
        .collect();
    for at in 0..FORKS {
        reap(fork(|| {
            track(&client, format!("child {at}")) && client.shutdown_blocking(LONG).is_ok()
        }));
    }
    stop.store(true, Ordering::Relaxed);
    let tracked: Vec<usize> = busy.into_iter().map(|thread| thread.join().unwrap()).collect();
    client.shutdown_blocking(LONG).unwrap();
    once(&arrived, (0..FORKS).map(|at| format!("child {at}")));
    let arrived = arrived.lock().unwrap();
    let taken: usize = tracked.iter().sum();
    for (thread, tracked) in tracked.into_iter().enumerate() {
        assert_eq!(arrived[&format!("busy {thread}")].len(), tracked);
    }
    assert_eq!(client.stats().stored, taken as u64);
}
