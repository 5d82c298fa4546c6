//! Application events out of `tracing`: chosen spans and events are tracked by a client, too.
//!
//! A span or an event asks for it by its fields:
//!
//! ```
//! use event_client::layer::EventLayer;
//! use tracing_subscriber::layer::SubscriberExt as _;
//!
//! let (client, collected) = event_client::test::client();
//! let subscriber = tracing_subscriber::registry().with(EventLayer::new(client).filtered());
//! // In an application: `subscriber.init()`, once.
//! tracing::subscriber::with_default(subscriber, || {
//!     let request = tracing::info_span!("request", event.session_id = "s-1", event.subject = "customer-7");
//!     let _entered = request.enter();
//!     tracing::info!(event.category = "order", event.name = "created", value = 12.5, "order created");
//!     tracing::info!("not of interest to anybody but the log");
//! });
//!
//! let event = collected.assert_one("order", "created");
//! assert_eq!(event.payload().as_str(), r#"{"value":12.5}"#);
//! assert_eq!(event.envelope().session_id.as_ref().unwrap().as_str(), "s-1");
//! assert_eq!(event.envelope().subject.as_ref().unwrap().as_str(), "customer-7");
//! assert_eq!(collected.events().len(), 1);
//! ```
//!
//! These fields are about the event itself; all others are its data, with their types:
//!
//! | field | |
//! |---|---|
//! | `event.category`, `event.name` | ask for it, either alone or both |
//! | `event.version` | of its type |
//! | `event.subject`, `event.session_id` | are taken from the nearest span around that has them, too |
//! | `event.id` | where it is known what makes the event itself |
//!
//! Where only the name is given, the category is that of [`EventLayer::category`]; where only the category
//! is given, the name is the span's, an event's `name:`, or else the event's target. Numbers that are not
//! finite are left out, and so are messages, unless [`EventLayer::with_message`] wants them. A span becomes
//! an event when it closes, with the time since it was made as `duration_ms`.
//!
//! What does not ask can be chosen by a [`Rule`]. What the client itself says, and what other crates say on
//! its thread, never becomes an event. The layer neither waits nor fails: what cannot be tracked is counted
//! in [`Client::stats`].
//!
//! Behind `target:` or `name:` the macros of `tracing` want fields with a dot in braces:
//! `info!(target: "shop", { event.name = "created" }, "order created")`.
//!
//! A filter over the whole subscriber, such as an `EnvFilter` that is added by `with`, hides spans and
//! events from this layer too; filter the layer of the log instead: `fmt::layer().with_filter(…)`.

mod rule;
mod fields;
mod wanted;

pub use rule::Rule;
pub use wanted::Wanted;

use std::borrow::Cow;
use std::cell::Cell;
use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use event_core::event::EventBuilder;
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Filtered;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::{LookupSpan, Scope};

use crate::client::Client;
use crate::fork;
use fields::{Fields, Message, Origin};
use wanted::Choice;

thread_local! {
    /// Whether this thread is inside of the layer: to record a value runs the application's code, which may
    /// use `tracing` as well.
    static BUSY: Cell<bool> = const { Cell::new(false) };
}

/// Makes application events of chosen spans and events. See the [module](self).
#[derive(Clone)]
#[must_use]
pub struct EventLayer {
    client: Client,
    category: Cow<'static, str>,
    message: Message,
    wanted: Wanted,
}

/// What is kept of a span that matters, until it closes.
struct Kept {
    since: Instant,
    fields: Fields,
}

impl EventLayer {
    /// A layer for those spans and events that ask for it.
    pub fn new(client: Client) -> Self {
        EventLayer {
            client,
            category: Cow::Borrowed("log"),
            message: Message::LeftOut,
            wanted: Wanted { rules: Vec::new() },
        }
    }

    /// The category of those that name only themselves (`log`).
    pub fn category(mut self, category: impl Into<Cow<'static, str>>) -> Self {
        self.category = category.into();
        self
    }

    /// Keeps messages, as the field `message`.
    pub fn with_message(mut self) -> Self {
        self.message = Message::Kept;
        self
    }

    /// Chooses spans or events that do not ask; the first rule that fits is the one that counts.
    ///
    /// ```
    /// use event_client::layer::{EventLayer, Rule};
    /// use tracing::level_filters::LevelFilter;
    /// use tracing_subscriber::layer::SubscriberExt as _;
    ///
    /// let (client, collected) = event_client::test::client();
    /// let layer = EventLayer::new(client).rule(Rule::events("log").levels(LevelFilter::WARN).with_message());
    /// tracing::subscriber::with_default(tracing_subscriber::registry().with(layer.filtered()), || {
    ///     tracing::warn!(name: "stock is low", left = 3, "only {} left", 3);
    ///     tracing::info!("all is well");
    /// });
    /// let event = collected.assert_one("log", "stock is low");
    /// assert_eq!(event.payload().as_str(), r#"{"left":3,"message":"only 3 left"}"#);
    /// ```
    pub fn rule(mut self, rule: Rule) -> Self {
        self.wanted.rules.push(Arc::new(rule));
        self
    }

    /// The layer behind a filter of its own: where nothing else wants them either, spans and events that
    /// mean nothing to it are not even made. This is the way to use it.
    pub fn filtered<S>(self) -> Filtered<Self, Wanted, S>
    where
        S: Subscriber + for<'span> LookupSpan<'span>,
    {
        let wanted = self.wanted.clone();
        self.with_filter(wanted)
    }

    /// The application event of what was recorded, unless it did not ask in the end.
    fn event(&self, choice: Choice<'_>, metadata: &Metadata<'_>, mut fields: Fields) -> Option<EventBuilder> {
        let (rule, message) = match choice {
            Choice::Asks if fields.ask() => (None, self.message),
            Choice::Asks => return None,
            Choice::By(rule) if rule.message => (Some(rule), Message::Kept),
            Choice::By(rule) => (Some(rule), self.message),
        };
        let (category, name) = (fields.category.take(), fields.name.take());
        let category = category
            .as_deref()
            .or(rule.map(Rule::category))
            .unwrap_or(&self.category);
        let name = name.or_else(|| rule.and_then(|rule| rule.name(metadata)));
        let name = name.as_deref().unwrap_or_else(|| own_name(metadata));
        Some(fields.event(category, name, message))
    }

    fn track(&self, event: Option<EventBuilder>) {
        if let Some(event) = event {
            // What cannot be tracked is counted by the client, and said by it.
            let _ = self.client.track(event);
        }
    }
}

/// The name that a place in the code has by itself.
fn own_name<'a>(metadata: &Metadata<'a>) -> &'a str {
    // Events without a `name:` are called `event src/file.rs:12`, which is different tomorrow.
    let nameless = metadata.is_event() && metadata.name().starts_with("event ");
    if nameless { metadata.target() } else { metadata.name() }
}

/// Does it unless this thread does already, or works for a client.
fn alone(act: impl FnOnce()) {
    struct Done;
    impl Drop for Done {
        fn drop(&mut self) {
            BUSY.set(false);
        }
    }
    if fork::is_our_thread() || BUSY.replace(true) {
        return;
    }
    let _done = Done;
    act();
}

/// What is said by the spans around, the nearest first, and not by the event itself.
fn inherit<S: for<'span> LookupSpan<'span>>(origin: &mut Origin, spans: Option<Scope<'_, S>>) {
    for span in spans.into_iter().flatten() {
        if let Some(kept) = span.extensions().get::<Kept>()
            && origin.inherit(&kept.fields.origin)
        {
            return;
        }
    }
}

impl<S> Layer<S> for EventLayer
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        if !self.wanted.knows(attributes.metadata()) {
            return;
        }
        alone(|| {
            let mut fields = Fields::default();
            attributes.record(&mut fields);
            if let Some(span) = context.span(id) {
                let since = Instant::now();
                span.extensions_mut().replace(Kept { since, fields });
            }
        });
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        alone(|| {
            // Not under the lock of the span: to record a value may run anything.
            let mut later = Fields::default();
            values.record(&mut later);
            if let Some(kept) = span.extensions_mut().get_mut::<Kept>() {
                kept.fields.merge(later);
            }
        });
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let metadata = event.metadata();
        let Some(choice) = self.wanted.choice(metadata) else {
            return;
        };
        alone(|| {
            let mut fields = Fields::default();
            event.record(&mut fields);
            inherit(&mut fields.origin, context.event_scope(event));
            self.track(self.event(choice, metadata, fields));
        });
    }

    fn on_close(&self, id: Id, context: Context<'_, S>) {
        let Some(span) = context.span(&id) else { return };
        let Some(choice) = self.wanted.choice(span.metadata()) else {
            return;
        };
        alone(|| {
            let kept = span.extensions_mut().remove::<Kept>();
            let Some(Kept { since, mut fields }) = kept else { return };
            inherit(&mut fields.origin, span.parent().map(|parent| parent.scope()));
            fields.set("duration_ms", (since.elapsed().as_secs_f64() * 1000.0).into());
            self.track(self.event(choice, span.metadata(), fields));
        });
    }
}

impl fmt::Debug for EventLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut layer = f.debug_struct("EventLayer");
        layer.field("client", &self.client).field("category", &self.category);
        layer
            .field("message", &self.message)
            .field("wanted", &self.wanted)
            .finish()
    }
}
