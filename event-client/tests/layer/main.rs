//! Which spans and events become application events, and what they say then.

#![allow(clippy::unwrap_used, clippy::panic)]

mod asking;
mod rules;
mod spans;
mod safety;

use event_client::layer::EventLayer;
use event_client::test::{Collected, builder};
use event_client::{Client, ClientBuilder};
use tracing_subscriber::layer::SubscriberExt as _;

/// What is collected while this is done with the layer in place, filtered or not.
fn both(layer: impl Fn(EventLayer) -> EventLayer, act: impl Fn(&Collected)) {
    let (client, collected) = builder().collecting().unwrap();
    let filtered = tracing_subscriber::registry().with(layer(EventLayer::new(client)).filtered());
    tracing::subscriber::with_default(filtered, || act(&collected));
    let (client, collected) = builder().collecting().unwrap();
    let plain = tracing_subscriber::registry().with(layer(EventLayer::new(client)));
    tracing::subscriber::with_default(plain, || act(&collected));
}

/// The layer in place on this thread, with the client that it is for.
fn with<T>(settings: ClientBuilder, act: impl FnOnce(&Client, &Collected) -> T) -> T {
    let (client, collected) = settings.collecting().unwrap();
    let subscriber = tracing_subscriber::registry().with(EventLayer::new(client.clone()).filtered());
    tracing::subscriber::with_default(subscriber, || act(&client, &collected))
}
