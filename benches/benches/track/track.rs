//! Ours.

use std::time::Duration;

use event_client::{Client, Loss, TrackError};
use event_core::Event;

use crate::event::{CATEGORY, COUNT, DURATION, HOST, LONG, NAME, PATH, SESSION, SOURCE, Size, TEXT, VISIBLE};
use crate::sender::{Sender, Situation};

/// `Client::track`, with a client for each round.
pub(crate) struct Track {
    client: Client,
    size: Size,
    situation: Situation,
}

impl Track {
    pub(crate) fn new(url: &str, size: Size, situation: Situation) -> Self {
        let builder = Client::builder(url).source(SOURCE);
        let builder = builder.queue_events(situation.queue()).queue_bytes(4 << 30);
        let client = builder.build().unwrap();
        let track = Track {
            client,
            size,
            situation,
        };
        if situation == Situation::Full {
            // What the thread has taken in hand leaves room for as much again.
            while track.offer(0).is_ok() {}
            std::thread::sleep(Duration::from_millis(50));
            while track.offer(0).is_ok() {}
        }
        track
    }

    fn offer(&self, number: u64) -> Result<(), TrackError> {
        let mut event = Event::builder(CATEGORY, NAME)
            .session_id(SESSION)
            .field(HOST.0, HOST.1)
            .field(PATH.0, PATH.1)
            .field(DURATION.0, DURATION.1)
            .field(VISIBLE.0, VISIBLE.1)
            .field(COUNT, number);
        if self.size == Size::Large {
            event = event.field(TEXT, LONG);
        }
        self.client.track(event).map(|_| ())
    }
}

impl Sender for Track {
    fn send(&self, number: u64) {
        let taken = self.offer(number);
        assert!(taken.is_ok() || self.situation == Situation::Full);
    }
}

impl Drop for Track {
    fn drop(&mut self) {
        let delivered = self.client.shutdown_blocking(match self.situation {
            Situation::Up => Duration::from_secs(60),
            Situation::Down | Situation::Full => Duration::ZERO,
        });
        let stats = self.client.stats();
        assert_eq!(stats.offered, stats.accounted());
        match self.situation {
            Situation::Up => {
                delivered.unwrap();
                assert_eq!(stats.offered, stats.stored, "{stats:?}");
            }
            Situation::Down => assert_eq!(stats.dropped.of(Loss::QueueFull), 0, "{stats:?}"),
            Situation::Full => assert!(stats.dropped.of(Loss::QueueFull) > 0, "{stats:?}"),
        }
    }
}
