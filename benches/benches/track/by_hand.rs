//! What one writes who has no client: a JSON text into a bounded channel.

use std::sync::Mutex;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;

use serde_json::{Value, json};

use crate::event::{CATEGORY, COUNT, DURATION, HOST, ID, LONG, NAME, PATH, SESSION, SOURCE, Size, TEXT, TIME, VISIBLE};
use crate::sender::{Sender, Situation};

/// `serde_json::to_vec` and `try_send`.
pub(crate) struct ByHand {
    channel: Option<SyncSender<Vec<u8>>>,
    /// Who receives and throws away, or else the end that nobody reads from.
    receiver: Result<Option<JoinHandle<()>>, Mutex<Receiver<Vec<u8>>>>,
    size: Size,
    situation: Situation,
}

impl ByHand {
    pub(crate) fn new(size: Size, situation: Situation) -> Self {
        let (channel, receiver) = sync_channel::<Vec<u8>>(situation.queue());
        let receiver = match situation {
            Situation::Up => Ok(Some(std::thread::spawn(move || receiver.iter().for_each(drop)))),
            Situation::Down | Situation::Full => Err(Mutex::new(receiver)),
        };
        if situation == Situation::Full {
            while channel.try_send(Vec::new()).is_ok() {}
        }
        ByHand {
            channel: Some(channel),
            receiver,
            size,
            situation,
        }
    }
}

impl Sender for ByHand {
    fn send(&self, number: u64) {
        let mut data = json!({
            HOST.0: HOST.1,
            PATH.0: PATH.1,
            DURATION.0: DURATION.1,
            VISIBLE.0: VISIBLE.1,
            COUNT: number,
        });
        if self.size == Size::Large {
            data[TEXT] = Value::from(LONG);
        }
        let event = json!({
            "category": CATEGORY, "name": NAME, "id": ID, "session_id": SESSION, "source": SOURCE,
            "sequence": number, "occurred_at": TIME, "data": data,
        });
        let Some(channel) = &self.channel else { return };
        let taken = channel.try_send(serde_json::to_vec(&event).unwrap_or_default());
        assert!(match taken {
            Ok(()) => self.situation != Situation::Full,
            Err(TrySendError::Full(_)) => self.situation == Situation::Full,
            Err(TrySendError::Disconnected(_)) => false,
        });
    }
}

impl Drop for ByHand {
    fn drop(&mut self) {
        drop(self.channel.take());
        if let Ok(thread) = &mut self.receiver {
            thread.take().unwrap().join().unwrap();
        }
    }
}
