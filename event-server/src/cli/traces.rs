//! Traces, if they are asked for: what a program that cannot send them says, and what does nothing if nobody asked.

#[cfg(feature = "otlp")]
use std::time::Duration;

use axum::Router;
use event_server::config::{ConfigError, Settings};
#[cfg(feature = "otlp")]
use event_server::otlp;

use super::log::Traced;

/// How long the last spans may take, once all else is done.
#[cfg(feature = "otlp")]
const PATIENCE: Duration = Duration::from_secs(3);

/// Where spans are to go.
pub(super) struct Traces {
    #[cfg(feature = "otlp")]
    to: Option<otlp::Traces>,
}

/// Spans go out.
pub(super) struct Sending {
    #[cfg(feature = "otlp")]
    to: Option<otlp::Sending>,
}

#[cfg(feature = "otlp")]
impl Traces {
    pub(super) fn asked(settings: &Settings) -> Result<Self, ConfigError> {
        let traces = settings
            .otlp_endpoint
            .as_ref()
            .map(|endpoint| otlp::Traces::new(endpoint, &settings.otlp_service));
        let to = traces.transpose().map_err(|error| unusable(error.to_string()))?;
        Ok(Traces { to })
    }

    pub(super) fn layer(&self) -> Option<Traced> {
        self.to.as_ref().map(|traces| Box::new(traces.layer()) as Traced)
    }

    pub(super) fn start(self) -> Sending {
        Sending {
            to: self.to.map(otlp::Traces::start),
        }
    }
}

#[cfg(feature = "otlp")]
impl Sending {
    pub(super) fn counted_in(&self, router: Router) -> Router {
        match &self.to {
            Some(sending) => sending.counted_in(router),
            None => router,
        }
    }

    pub(super) async fn finish(self) {
        if let Some(sending) = self.to {
            sending.finish(PATIENCE).await;
        }
    }
}

/// What a program without traces makes of them.
#[cfg(not(feature = "otlp"))]
impl Traces {
    pub(super) fn asked(settings: &Settings) -> Result<Self, ConfigError> {
        match settings.otlp_endpoint {
            None => Ok(Traces {}),
            Some(_) => Err(unusable(
                "this program cannot send traces: build it with `--features otlp`, or leave this setting out"
                    .to_owned(),
            )),
        }
    }

    pub(super) fn layer(&self) -> Option<Traced> {
        None
    }

    pub(super) fn start(self) -> Sending {
        Sending {}
    }
}

#[cfg(not(feature = "otlp"))]
impl Sending {
    pub(super) fn counted_in(&self, router: Router) -> Router {
        router
    }

    pub(super) async fn finish(self) {}
}

fn unusable(message: String) -> ConfigError {
    ConfigError {
        setting: "otlp_endpoint".to_owned(),
        message,
    }
}
