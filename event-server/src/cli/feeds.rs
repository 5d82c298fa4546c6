//! What feeds the log from elsewhere, if the settings name something.

use event_server::config::{ConfigError, Settings};
use event_server::link::Link;
use event_store::EventStore;

/// Starts it: it ends with the store.
#[cfg(feature = "kurrent")]
pub(super) fn start(settings: &Settings, store: &EventStore) -> Result<Vec<Link>, ConfigError> {
    use event_server::bridge::kurrent::Kurrent;
    let Some(url) = &settings.kurrent_url else {
        return Ok(Vec::new());
    };
    let kurrent = Kurrent::new(url.clone(), settings.kurrent_source.clone());
    let kurrent = kurrent.category(settings.kurrent_category.clone());
    let link = kurrent.link();
    tokio::spawn(kurrent.run(store.clone()));
    Ok(vec![link])
}

/// A program that was built without says so.
#[cfg(not(feature = "kurrent"))]
pub(super) fn start(settings: &Settings, _: &EventStore) -> Result<Vec<Link>, ConfigError> {
    match settings.kurrent_url {
        None => Ok(Vec::new()),
        Some(_) => Err(ConfigError {
            setting: "kurrent_url".to_owned(),
            message:
                "this program cannot read from KurrentDB: build it with `--features kurrent`, or leave this setting out"
                    .to_owned(),
        }),
    }
}
