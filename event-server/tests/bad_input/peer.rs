//! A collector that stays up from case to case.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::collector::{Collector, Connection, Response};

/// A collector with the settings of a case, and a connection to it.
pub(crate) struct Peer {
    pub(crate) collector: Collector,
    connection: Connection,
}

impl Peer {
    pub(crate) fn start(settings: &BTreeMap<String, String>) -> Self {
        let settings = settings.iter().map(|(name, value)| format!("--{name}={value}"));
        // Thousands of lines of requests would bury what went wrong.
        let flags: Vec<String> = settings.chain(["--log-level=warn".to_owned()]).collect();
        let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
        let collector = Collector::start_with(&flags);
        // Good events stand beside the bad ones, whatever becomes of types that nobody registered.
        assert_eq!(collector.put("/v1/types/bad%20input/neighbour/1", "{}").status, 201);
        let connection = collector.connect();
        Peer { collector, connection }
    }

    /// One request, on the same connection as the last one where that is still open.
    pub(crate) fn request(&mut self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Response {
        self.connection.send_request(method, path, headers, body);
        let response = self.connection.try_response().unwrap_or_else(|| {
            self.connection = self.collector.connect();
            self.connection.request(method, path, headers, body)
        });
        if response.header("connection") == Some("close") {
            self.connection = self.collector.connect();
        }
        response
    }

    pub(crate) fn get(&mut self, path: &str) -> Response {
        self.request("GET", path, &[], b"")
    }

    /// Looks through the quarantine for an entry of a code that was sent as these bytes.
    pub(crate) fn kept(
        &mut self,
        code: &str,
        kind: Option<(&str, &str)>,
        holds: impl Fn(&Value) -> bool,
    ) -> Option<Value> {
        let kind = kind.map(|(category, name)| format!("&category={}&name={}", encoded(category), encoded(name)));
        let list = format!("/v1/quarantine?limit=500&code={code}{}", kind.unwrap_or_default());
        let mut path = list.clone();
        loop {
            let page = self.get(&path).json();
            let entries = page["entries"].as_array().unwrap();
            if let Some(entry) = entries.iter().find(|entry| holds(entry)) {
                return Some(entry.clone());
            }
            path = format!("{list}&cursor={}", page["next"].as_str()?);
        }
    }
}

/// Text inside a path or a query.
pub(crate) fn encoded(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    text.bytes()
        .map(|byte| {
            if plain(byte) {
                char::from(byte).to_string()
            } else {
                format!("%{byte:02X}")
            }
        })
        .collect()
}
