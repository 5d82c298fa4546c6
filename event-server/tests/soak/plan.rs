//! What each client offers: event after event, the same in every run, so that whoever knows its number knows the event.

use event_core::event::EventBuilder;
use event_core::{Event, EventType, Label, Timestamp};
use event_store::{EventStore, Options, TypeChange};
use serde_json::{Value, json};

use crate::collector::Place;

/// Clients with a spool, which are killed.
pub(crate) const SPOOLED: usize = 6;
/// One whose events wait in memory, of which there is little: it may lose some, and says so.
pub(crate) const IN_MEMORY: usize = 6;
/// One that waits for the verdict on each event.
pub(crate) const ASKING: usize = 7;
pub(crate) const CLIENTS: usize = 8;

/// What becomes of an event, if it arrives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It is a row.
    Row,
    /// Its id was taken before by another event, unless that one was lost.
    Conflict,
    /// It breaks its schema, and is kept in the quarantine.
    Quarantined,
    /// It breaks its schema, and is not kept.
    Rejected,
    /// It is no event: its client does not take it.
    Nothing,
}

/// An event of a client.
#[derive(Clone, Debug)]
pub(crate) struct Planned {
    pub(crate) id: String,
    /// Different for whatever has another content.
    pub(crate) key: String,
    pub(crate) fate: Fate,
    /// Nobody offers it but this client, and this client once.
    pub(crate) is_sole: bool,
    pub(crate) data: Value,
    name: (&'static str, &'static str),
    subject: u64,
    at: u64,
}

/// Two clients each speak for one application.
pub(crate) fn source(client: usize) -> String {
    format!("shop-{}", client / 2)
}

pub(crate) fn planned(client: usize, number: u64) -> Planned {
    let own = format!("{client}-{number}");
    let sound = Planned {
        id: own.clone(),
        data: json!({"key": own, "total": number % 100, "province": format!("p-{}", number % 3)}),
        key: own,
        fate: Fate::Row,
        is_sole: true,
        name: ("order", "created"),
        subject: number % 50,
        at: number,
    };
    match number % 16 {
        3 => {
            let data = json!({"key": sound.key, "total": "much"});
            Planned {
                fate: Fate::Quarantined,
                data,
                ..sound
            }
        }
        5 => {
            let (id, key) = (format!("both-{number}"), format!("{}-{number}", source(client)));
            let data = json!({"key": key, "total": 1, "province": "p-0"});
            Planned {
                id,
                key,
                data,
                is_sole: false,
                ..sound
            }
        }
        7 => {
            let data = json!({"key": sound.key, "weight": "much"});
            Planned {
                fate: Fate::Rejected,
                data,
                name: ("parcel", "sent"),
                ..sound
            }
        }
        10 => Planned {
            is_sole: false,
            ..sound
        },
        // The same event once more.
        11 => planned(client, number - 1),
        12 => Planned {
            is_sole: false,
            ..sound
        },
        // Another event of the same id.
        13 => Planned {
            id: format!("{client}-{}", number - 1),
            fate: Fate::Conflict,
            is_sole: false,
            ..sound
        },
        15 => Planned {
            fate: Fate::Nothing,
            name: ("", "created"),
            ..sound
        },
        _ => sound,
    }
}

impl Planned {
    pub(crate) fn event(&self, client: usize) -> EventBuilder {
        let at = i64::try_from(1_700_000_000 + self.at).unwrap() * 1_000_000;
        let (category, name) = self.name;
        Event::builder(category, name)
            .id(&self.id)
            .source(source(client))
            .subject(format!("s-{}", self.subject))
            .occurred_at(Timestamp::from_micros(at).unwrap())
            .data(self.data.clone())
    }

    /// Its key, or that of the event that it was read from.
    pub(crate) fn key_of(event: &Value) -> Option<&str> {
        event["data"]["key"].as_str()
    }
}

/// The types, their rules, and what is counted.
pub(crate) async fn prepare(place: &Place) {
    let store = EventStore::connect_with(place.url(), Options::new().prefix(place.prefix()))
        .await
        .unwrap();
    let version = Label::new("1").unwrap();
    let register = async |category: &str, name: &str, change: TypeChange| {
        let of = EventType::new(category, name).unwrap();
        store.register(&of, &version, change).await.unwrap();
    };
    let order = TypeChange {
        schema: Some(json!({"properties": {"total": {"type": "integer"}}})),
        ..TypeChange::default()
    };
    register("order", "created", order).await;
    let parcel = TypeChange {
        schema: Some(json!({"properties": {"weight": {"type": "integer"}}})),
        policy: Some(serde_json::from_value(json!({"on_violation": "reject"})).unwrap()),
        ..TypeChange::default()
    };
    register("parcel", "sent", parcel).await;
    let sales =
        json!({"metric": "sales", "category": "order", "name": "created", "by": ["/province"], "unique": "subject"});
    store.declare(serde_json::from_value(sales).unwrap()).await.unwrap();
    store.close().await.unwrap();
}
