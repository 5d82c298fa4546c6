//! A client, in a process of its own: this program anew, told by a variable whom to be. It offers event after event until it
//! is told to come to its end, or is killed.

use std::io::BufRead as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use event_client::{Client, ClientBuilder, SpoolOptions};
use serde_json::Value;

use crate::journal::{Counts, Journal, Line, Told};
use crate::plan::{ASKING, Fate, IN_MEMORY, Planned, planned, source};

/// By which a process knows that it is one: number, URL and folder.
const CLIENT: &str = "EVENT_SOAK_CLIENT";
/// So long, and so often, it is waited until everything that waits has left.
const FLUSH: Duration = Duration::from_secs(30);
const FLUSHES: u32 = 30;

/// Starts the client of this number.
pub(crate) fn start(test: &str, number: usize, url: &str, folder: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env(CLIENT, format!("{number} {url} {}", folder.display()))
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

/// Does the work of a client, if this process is one.
pub(crate) fn is_one() -> bool {
    let Ok(told) = std::env::var(CLIENT) else { return false };
    let words: Vec<&str> = told.splitn(3, ' ').collect();
    let number = words[0].parse().unwrap();
    let (url, folder) = (words[1], PathBuf::from(words[2]));
    let from = Told::read(&folder, number).offered.last().map_or(0, |last| last + 1);
    let journal = Journal::open(&folder, number);
    let orders = listen();
    if number == ASKING {
        ask(number, builder(url, number), &journal, from, &orders);
    } else {
        track(
            number,
            tracking(url, number, &folder, &journal),
            &journal,
            from,
            &orders,
        );
    }
    true
}

/// What it was told to do.
#[derive(Clone, Default)]
struct Orders {
    /// To offer no more.
    stop: Arc<AtomicBool>,
    /// To shut down.
    end: Arc<AtomicBool>,
}

/// Hears a line for each order. Where nobody is left who could give one, it is the end of this process.
fn listen() -> Orders {
    let orders = Orders::default();
    let heard = orders.clone();
    std::thread::spawn(move || {
        let mut lines = std::io::stdin().lock().lines();
        for order in [heard.stop, heard.end] {
            if !matches!(lines.next(), Some(Ok(_))) {
                std::process::exit(1);
            }
            order.store(true, Ordering::Release);
        }
    });
    orders
}

fn builder(url: &str, number: usize) -> ClientBuilder {
    Client::builder(url)
        .source(source(number))
        .batch_events(20 + 10 * number)
        .linger(Duration::from_millis(20))
        .request_timeout(Duration::from_secs(2))
        .backoff(Duration::from_millis(5), Duration::from_millis(200))
        .report_every(Duration::from_millis(500))
}

fn tracking(url: &str, number: usize, folder: &Path, journal: &Journal) -> ClientBuilder {
    let journal = journal.clone();
    let builder = builder(url, number).on_unstored(move |unstored| {
        let event: Value = serde_json::from_str(unstored.event).unwrap();
        let key = Planned::key_of(&event).unwrap().to_owned();
        journal.write(&Line::Unstored(key, unstored.verdict.status));
    });
    if number == IN_MEMORY {
        return builder.queue_events(50);
    }
    // Small files, so that many of them begin and end.
    let spool = SpoolOptions::new(folder.join(format!("spool-{number}"))).segment_bytes(64 * 1024);
    builder.spool(spool.bytes(1 << 30))
}

/// Offers without waiting for anything.
fn track(client: usize, builder: ClientBuilder, journal: &Journal, from: u64, orders: &Orders) {
    let sender = builder.build().unwrap();
    for number in from.. {
        if orders.stop.load(Ordering::Acquire) {
            break;
        }
        let planned = planned(client, number);
        journal.write(&Line::Offered(number));
        match sender.track(planned.event(client)) {
            Ok(_) => journal.write(&Line::Taken(number)),
            Err(error) => journal.write(&Line::Lost(number, error.loss().as_str().to_owned())),
        }
        std::thread::sleep(Duration::from_micros(fastrand::u64(..20_000)));
    }
    end(&sender, journal, orders);
}

/// Offers a few events and waits for their verdicts, until each has one.
fn ask(client: usize, builder: ClientBuilder, journal: &Journal, from: u64, orders: &Orders) {
    let sender = builder.send_timeout(Duration::from_secs(3)).build().unwrap();
    let mut number = from;
    while !orders.stop.load(Ordering::Acquire) {
        let batch = (number..number + fastrand::u64(1..20)).collect::<Vec<u64>>();
        number += batch.len() as u64;
        batch.iter().for_each(|number| journal.write(&Line::Offered(*number)));
        let mut open = batch;
        while !open.is_empty() {
            let events = open.iter().map(|number| planned(client, *number).event(client));
            let verdicts = match sender.send_blocking(events) {
                Ok(verdicts) => verdicts.into_iter().map(Some).collect(),
                Err(error) => error.verdicts,
            };
            assert_eq!(verdicts.len(), open.len());
            let mut left = Vec::new();
            for (number, verdict) in open.iter().zip(verdicts) {
                let is_event = planned(client, *number).fate != Fate::Nothing;
                match verdict {
                    Some(verdict) if is_event => {
                        journal.write(&Line::Judged(*number, verdict.status, verdict.position));
                    }
                    // What it does not take it judges itself.
                    Some(_) => journal.write(&Line::Lost(*number, "invalid".to_owned())),
                    None => {
                        journal.write(&Line::Lost(*number, "unconfirmed".to_owned()));
                        left.push(*number);
                    }
                }
            }
            open = left;
        }
        std::thread::sleep(Duration::from_millis(fastrand::u64(..200)));
    }
    end(&sender, journal, orders);
}

fn end(sender: &Client, journal: &Journal, orders: &Orders) {
    // Attempts, not time: the machine may be at something else.
    let is_flushed = (0..FLUSHES).any(|_| sender.flush_blocking(FLUSH).is_ok());
    assert!(is_flushed, "{:?}", sender.stats());
    journal.write(&Line::Flushed);
    // It goes on telling what it has lost: at its very end it would do so only as long as that takes no time.
    while !orders.end.load(Ordering::Acquire) {
        std::thread::sleep(Duration::from_millis(10));
    }
    let ended = sender.shutdown_blocking(FLUSH);
    journal.write(&Line::Ended(Counts::from(sender.stats())));
    ended.unwrap();
}
