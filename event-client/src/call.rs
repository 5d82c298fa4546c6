//! What a collector does besides taking events and answering questions: one constructor for each of its routes.

use std::fmt::Write as _;
use std::path::PathBuf;

use bytes::Bytes;
use event_core::{EventType, Label, Source, Subject};
use serde::Serialize;

use crate::error::{QueryError, Refused};
use crate::question::Question;
use crate::transport::{Key, Method, Request};

/// A request to a collector, for [`Client::call`](crate::Client::call).
///
/// What each is answered with is told in the documentation of the collector.
///
/// ```
/// use event_client::{Call, Client};
/// use serde_json::{Value, json};
///
/// # let collector = event_server::test::Collector::start()?;
/// # let url = collector.url();
/// let client = Client::builder(url).source("shop").build()?;
/// let replayed: Value = client.call_blocking(&Call::replay(&json!({"filter": {}, "dry_run": true})))?;
/// assert_eq!(replayed["entries"], 0);
/// let listed: Value = client.call_blocking(&Call::quarantine().with("code", "schema_violation"))?;
/// assert_eq!(listed["entries"], json!([]));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Call {
    method: Method,
    path: String,
    content_type: Option<&'static str>,
    /// What is wrong with it is told when it is called.
    body: Result<Bytes, String>,
    /// A file that is the body.
    file: Option<PathBuf>,
}

impl Call {
    /// All versions of all types: `{"types": […]}`.
    pub fn types() -> Self {
        Call::to(Method::Get, &["types"])
    }

    /// Registers a version of a type, by a definition: `{"schema": …, "mapping": …, "policy": …, "state": …}`, each
    /// optional.
    pub fn register(event_type: &EventType, version: &Label, definition: &impl Serialize) -> Self {
        Call::to(Method::Put, &of_version(event_type, version)).json(definition)
    }

    /// What a version is to another one; `with` says which, else it is the active one.
    pub fn compatibility(event_type: &EventType, version: &Label) -> Self {
        let [types, category, name, version] = of_version(event_type, version);
        Call::to(Method::Get, &[types, category, name, version, "compatibility"])
    }

    /// What a definition, `{"schema": …}`, would say to the events that are there; `last` says to how many,
    /// `refused=tried` also to those that were refused.
    pub fn trial(event_type: &EventType, definition: &impl Serialize) -> Self {
        Call::to(Method::Post, &of_type(event_type, "trial")).json(definition)
    }

    /// A first schema that the newest events of a type keep to; `last` says how many.
    pub fn inferred(event_type: &EventType) -> Self {
        Call::to(Method::Get, &of_type(event_type, "inferred"))
    }

    /// A page of the quarantine: `{"entries": […], "next": …}`; `code`, `source`, `category`, `name`, `from`, `to`,
    /// `state`, `limit` and `cursor` say which.
    pub fn quarantine() -> Self {
        Call::to(Method::Get, &["quarantine"])
    }

    /// One entry of the quarantine, with the spots that are wrong and all that was done to it.
    pub fn entry(number: i64) -> Self {
        Call::to(Method::Get, &["quarantine", &number.to_string()])
    }

    /// Mends the document of an entry by a JSON Patch (RFC 6902); with `dry_run=true` it is only tried.
    pub fn edit(number: i64, patch: &impl Serialize) -> Self {
        let call = Call::to(Method::Patch, &["quarantine", &number.to_string()]);
        call.with_body("application/json-patch+json", patch)
    }

    /// Replays entries: `{"ids": […]}` or `{"filter": {…}}`, with `dry_run`, `limit` and `after`.
    pub fn replay(work: &impl Serialize) -> Self {
        Call::to(Method::Post, &["quarantine", "replay"]).json(work)
    }

    /// Discards entries, in the same words; with a `note`, if there is something to say.
    pub fn discard(work: &impl Serialize) -> Self {
        Call::to(Method::Post, &["quarantine", "discard"]).json(work)
    }

    /// Erases all that names a subject; with `dry_run=true` it is only told what would go. With a key it is refused.
    pub fn erase(subject: &Subject) -> Self {
        Call::to(Method::Delete, &["subjects", subject.as_str()])
    }

    /// The receipts of all erasures: `{"erasures": […]}`.
    pub fn erasures() -> Self {
        Call::to(Method::Get, &["erasures"])
    }

    /// Events in the order of the log, for [`Client::export`](crate::Client::export): as `format=ndjson`, `csv` or
    /// `arrow`, behind the position `after`, and only those of `from`, `to` and the filters.
    ///
    /// ```
    /// use event_client::{Call, Client};
    /// use event_core::Event;
    ///
    /// # let collector = event_server::test::Collector::start()?;
    /// # let url = collector.url();
    /// let client = Client::builder(url).source("shop").build()?;
    /// client.send_blocking([Event::builder("order", "created").id("o-1")])?;
    /// let mut export = client.export_blocking(&Call::export().with("format", "csv"))?;
    /// assert_eq!(export.position(), 1);
    /// let mut csv = Vec::new();
    /// while let Some(bytes) = export.next_blocking()? {
    ///     csv.extend_from_slice(&bytes);
    /// }
    /// assert!(csv.starts_with(b"position,id,category,name"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn export() -> Self {
        Call::to(Method::Get, &["export"])
    }

    /// Imports a file of comma-separated values, plain or compressed with gzip or zstd: it is sent as it is read, and
    /// answered with a report. Parameters say what the columns are, see the documentation of the collector. The `source`
    /// is the client's, if none is said.
    ///
    /// ```
    /// use event_client::{Call, Client};
    /// use serde_json::Value;
    ///
    /// # let collector = event_server::test::Collector::start()?;
    /// # let url = collector.url();
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("usage.csv");
    /// # std::fs::write(&path, "customer,timestamp\nc-1,2021-03-01\n")?;
    /// let client = Client::builder(url).source("meter").build()?;
    /// let call = Call::import_csv(&path).with("category", "usage").with("name", "measured");
    /// let report: Value = client.call_blocking(&call.with("map", "customer=subject"))?;
    /// assert_eq!(report["pass"]["stored"], 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn import_csv(file: impl Into<PathBuf>) -> Self {
        Call::to(Method::Post, &["import"]).with_file("text/csv", file.into())
    }

    /// The same for a file with a JSON object a line.
    pub fn import_ndjson(file: impl Into<PathBuf>) -> Self {
        Call::to(Method::Post, &["import"]).with_file("application/x-ndjson", file.into())
    }

    /// The same with one more parameter.
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.path.push(if self.path.contains('?') { '&' } else { '?' });
        encode(name, &mut self.path);
        self.path.push('=');
        encode(value, &mut self.path);
        self
    }

    pub(crate) fn question<Q: Question>(question: &Q) -> Self {
        let call = Call {
            method: Method::Post,
            path: Q::PATH.to_owned(),
            content_type: None,
            body: Ok(Bytes::new()),
            file: None,
        };
        call.json(question)
    }

    fn to(method: Method, segments: &[&str]) -> Self {
        let mut path = "/v1".to_owned();
        for segment in segments {
            path.push('/');
            encode(segment, &mut path);
        }
        Call {
            method,
            path,
            content_type: None,
            body: Ok(Bytes::new()),
            file: None,
        }
    }

    fn with_file(self, content_type: &'static str, file: PathBuf) -> Self {
        Call {
            content_type: Some(content_type),
            file: Some(file),
            ..self
        }
    }

    /// The same; rows of a file that name no source are of this one, unless the call says otherwise.
    pub(crate) fn of_source(self, source: &Source) -> Self {
        let said = self.path.contains("?source=") || self.path.contains("&source=");
        match self.file.is_some() && !said {
            true => self.with("source", source.as_str()),
            false => self,
        }
    }

    /// Whether it takes as long as a file does.
    pub(crate) const fn is_long(&self) -> bool {
        self.file.is_some()
    }

    fn json(self, body: &impl Serialize) -> Self {
        self.with_body("application/json", body)
    }

    fn with_body(mut self, content_type: &'static str, body: &impl Serialize) -> Self {
        self.content_type = Some(content_type);
        self.body = match serde_json::to_vec(body) {
            Ok(body) => Ok(body.into()),
            Err(error) => Err(error.to_string()),
        };
        self
    }

    /// # Errors
    /// If what it says could not be written down.
    pub(crate) fn request(self, key: Option<Key>) -> Result<Request, QueryError> {
        let unwritten = |message| {
            QueryError::Refused(Box::new(Refused {
                message,
                ..Refused::default()
            }))
        };
        let body = self.body.map_err(unwritten)?;
        let request = Request::new(self.method, self.path, key);
        Ok(match (self.content_type, self.file) {
            (Some(content_type), Some(file)) => request.with_file(content_type, file),
            (Some(content_type), None) => request.with(content_type, body),
            (None, _) => request,
        })
    }
}

fn of_version<'a>(event_type: &'a EventType, version: &'a Label) -> [&'a str; 4] {
    let (category, name) = (event_type.category.as_str(), event_type.name.as_str());
    ["types", category, name, version.as_str()]
}

fn of_type<'a>(event_type: &'a EventType, what: &'a str) -> [&'a str; 5] {
    let (category, name) = (event_type.category.as_str(), event_type.name.as_str());
    ["types", category, name, "schema", what]
}

/// Appends a text to a URL, so that nothing in it means anything there.
fn encode(text: &str, to: &mut String) {
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => to.push(char::from(byte)),
            // A String takes whatever is written.
            _ => drop(write!(to, "%{byte:02X}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stay_names() {
        let event_type = EventType::new("page interaction", "a/b?c").unwrap();
        let call = Call::compatibility(&event_type, &Label::new("1#ü").unwrap()).with("with", "a&b=c +");
        let request = call.request(None).unwrap();
        assert_eq!(
            request.path,
            "/v1/types/page%20interaction/a%2Fb%3Fc/1%23%C3%BC/compatibility?with=a%26b%3Dc%20%2B"
        );
        assert_eq!(
            Call::export().with("a", "1").with("a", "2").request(None).unwrap().path,
            "/v1/export?a=1&a=2"
        );
    }

    #[test]
    fn what_cannot_be_written_is_told_by_the_call() {
        let unwritable = std::collections::HashMap::from([(vec![1], 1)]);
        let refused = Call::replay(&unwritable).request(None).map(drop);
        assert!(matches!(refused, Err(QueryError::Refused(refused)) if refused.status.is_none()));
    }
}
