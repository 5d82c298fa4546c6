//! What waits to be sent: bounded, counted, and never waited for.

use std::time::Duration;

use opentelemetry::Context;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{Span, SpanData, SpanProcessor};
use tokio::sync::mpsc;

use crate::spans::Spans;

/// Takes spans that have ended.
#[derive(Debug)]
pub(super) struct Queue {
    ended: mpsc::Sender<SpanData>,
    spans: Spans,
}

impl Queue {
    pub(super) fn new(room: usize, spans: Spans) -> (Self, mpsc::Receiver<SpanData>) {
        let (ended, receiver) = mpsc::channel(room);
        (Queue { ended, spans }, receiver)
    }
}

impl SpanProcessor for Queue {
    fn on_start(&self, _: &mut Span, _: &Context) {}

    fn on_end(&self, span: SpanData) {
        if !span.span_context.is_sampled() {
            return;
        }
        self.spans.end();
        if self.ended.try_send(span).is_err() {
            self.spans.drop_one();
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use opentelemetry::trace::{Span as _, Tracer as _, TracerProvider as _};
    use opentelemetry_sdk::trace::SdkTracerProvider;

    #[test]
    fn what_finds_no_room_is_counted_and_gone() {
        let spans = Spans::default();
        let (queue, mut ended) = Queue::new(2, spans.clone());
        let provider = SdkTracerProvider::builder().with_span_processor(queue).build();
        let tracer = provider.tracer("test");
        for _ in 0..5 {
            tracer.start("span").end();
        }
        assert_eq!(spans.outcomes(), [("sent", 0), ("dropped", 3), ("failed", 0)]);
        assert_eq!(spans.left(), 2);
        assert!(ended.try_recv().is_ok() && ended.try_recv().is_ok() && ended.try_recv().is_err());
    }
}
