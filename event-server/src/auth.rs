//! Who asks: anybody, until keys exist; from then on, whoever has one, for what it is for.
//!
//! A key comes in the header `Authorization: Bearer …`, and once in the form of `/login`, from where on a cookie stands
//! for it. Of one that stands in the URL a browser's history, a proxy and a log would know.
#![allow(clippy::result_large_err, reason = "`ValidateRequest` asks for answers as they are")]

mod failures;
mod table;
mod gate;
mod reader;
mod visitor;
mod site;
mod logins;

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::Request;
use axum::http::header::{ACCEPT, AUTHORIZATION};
use axum::http::{HeaderMap, HeaderValue, Method};
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use event_core::Source;
use event_store::api_key::{Access, Bounds, Principal, Use};
use event_store::{EventStore, Origin};
use tower_http::validate_request::ValidateRequestHeaderLayer;

use crate::config::ServerConfig;
use crate::peer::Peer;
use crate::reply::{self, Failure, Reason};

use failures::Failures;
pub(crate) use gate::{Gate, advice};
use logins::Logins;
pub(crate) use reader::Reader;
use site::{Site, Way};
#[cfg(test)]
pub(crate) use table::{Need, Scope, TABLE};
pub(crate) use visitor::Visitor;

/// So many keys that are none an address may show a minute to log in.
const TRIES: u32 = 5;

/// What it takes to tell who asks.
pub(crate) struct Guard {
    store: EventStore,
    failures: Failures,
    logins: Logins,
    /// Keys shown to log in that were none.
    tries: Failures,
    /// By which names it may be asked while there are no keys.
    hosts: Vec<String>,
}

impl Guard {
    pub(crate) fn new(store: EventStore, config: &ServerConfig) -> Self {
        Guard {
            store,
            failures: Failures::new(config.failures),
            logins: Logins::default(),
            tries: Failures::new(config.failures.min(TRIES)),
            hosts: config.hosts.clone(),
        }
    }

    /// Logs a browser in by a key: the cookie that stands for it from now on, or `None` if the key is not good.
    ///
    /// # Errors
    /// If there were too many keys from there that are not good, or the system gives no random numbers.
    pub(crate) fn log_in(&self, key: &str, headers: &HeaderMap, peer: Option<Peer>) -> Result<Option<String>, Failure> {
        if self.store.authenticate(key).is_none() {
            // People do it, and not fast.
            if let Some(Err(after)) = peer.map(|peer| self.tries.count(peer.machine())) {
                return Err(too_many(after));
            }
            return self.counted(peer).map(|()| None);
        }
        let name = self.logins.begin(key, Instant::now())?;
        Ok(Some(logins::kept(&name, Way::of(headers))))
    }

    /// Logs a browser out: the cookie that has it forget the one it has.
    pub(crate) fn log_out(&self, headers: &HeaderMap) -> String {
        if let Some(name) = logins::name(headers) {
            self.logins.end(name);
        }
        logins::forgotten()
    }

    /// Whether whoever was let in, with a key or because there were none, would be still.
    pub(crate) fn knows(&self, sender: Option<&Principal>) -> bool {
        sender.map_or_else(|| !self.store.has_keys(), |sender| self.store.is_good(sender))
    }

    /// Who has logged in; nobody where a header says who asks.
    fn logged_in(&self, headers: &HeaderMap) -> Option<Principal> {
        if headers.contains_key(AUTHORIZATION) {
            return None;
        }
        let key = self.logins.key(logins::name(headers)?, Instant::now())?;
        self.store.authenticate(&key)
    }

    /// Whose a key is that came elsewhere than in the header, as other people's clients send theirs with events; nobody's
    /// while there are no keys.
    ///
    /// # Errors
    /// If there are keys, and this is none of them that may write.
    pub(crate) fn by_key(&self, key: Option<&str>, peer: Option<Peer>) -> Result<Option<Principal>, Failure> {
        if !self.store.has_keys() {
            return Ok(None);
        }
        let Some(sender) = key.and_then(|key| self.store.authenticate(key)) else {
            let detail = "this needs a key, as the client calls it: a write key or an API key";
            return Err(self.turned_away(Failure::new(Reason::Unauthenticated, detail), peer));
        };
        if !sender.rights.may(Access::Write) {
            let advice = advice("--source SOURCE", &[Access::Write]);
            let detail = format!("this needs a key with the access write: {advice}");
            return Err(Failure::new(Reason::NotPermitted, detail));
        }
        self.store.admit(&sender, Use::Events(0))?;
        Ok(Some(sender))
    }

    /// Whether a body may be read that has the key in it: not from where too many came whose keys were none.
    ///
    /// # Errors
    /// If that is so.
    pub(crate) fn may_try(&self, peer: Option<Peer>) -> Result<(), Failure> {
        match peer.map(|peer| self.failures.look(peer.machine())) {
            Some(Err(after)) if self.store.has_keys() => Err(too_many(after)),
            _ => Ok(()),
        }
    }

    /// That a request asks by a name that nobody else can have lead here, where no key is asked for.
    ///
    /// # Errors
    /// If it does not.
    fn check_host(&self, headers: &HeaderMap) -> Result<(), Failure> {
        if self.store.has_keys() || site::is_near(headers, &self.hosts) {
            return Ok(());
        }
        let detail = "there are no keys, so this collector is asked by its address or by localhost only: a page of somebody else \
                      could have another name lead here. Make a key by `event-server key create`, or name the collector in the \
                      setting `hosts` (--hosts NAME)";
        Err(Failure::new(Reason::NotPermitted, detail))
    }

    /// That the key of a request is good, or that there are no keys.
    fn check(&self, request: &mut Request) -> Result<(), Response> {
        if self.store.has_keys() {
            let logged_in = self.logged_in(request.headers());
            // A browser sends its cookie for whoever asks it to; a key it sends for nobody.
            if logged_in.is_some() && !request.method().is_safe() && Site::of(request.headers()) != Site::Own {
                return Err(cross_site().into_response());
            }
            match logged_in.map_or_else(|| principal(&self.store, request.headers()), Ok) {
                Ok(principal) => request.extensions_mut().insert(principal),
                Err(_) if is_for_people(request) => return Err(reply::elsewhere(&login(request))),
                Err(failure) => return Err(self.turned_away(failure, peer(request)).into_response()),
            };
        } else if let Err(failure) = self.check_host(request.headers()) {
            return Err(failure.into_response());
        }
        // Nobody behind this has a use for it.
        request.headers_mut().remove(AUTHORIZATION);
        Ok(())
    }

    /// Whether whoever sends this may read whatever there is: as long as there are no keys, everybody.
    pub(crate) fn may_read(&self, headers: &HeaderMap) -> bool {
        if !self.store.has_keys() {
            return self.check_host(headers).is_ok();
        }
        let reader = self.logged_in(headers).or_else(|| principal(&self.store, headers).ok());
        reader.is_some_and(|reader| reader.rights.may(Access::Read) && !reader.rights.is_bound_in_reading())
    }

    /// What whoever has no good key is told, wherever he comes from.
    fn turned_away(&self, failure: Failure, peer: Option<Peer>) -> Failure {
        self.counted(peer).err().unwrap_or(failure)
    }

    /// Counts one who has no good key.
    fn counted(&self, peer: Option<Peer>) -> Result<(), Failure> {
        match peer.map(|peer| self.failures.count(peer.machine())) {
            Some(Err(after)) => Err(too_many(after)),
            _ => Ok(()),
        }
    }
}

fn too_many(after: Duration) -> Failure {
    let detail = "there were too many requests without a good key from this address";
    Failure::new(Reason::RateLimited, detail).retried_after(after)
}

/// Lets requests pass whose key is good, or all if there are no keys. What comes in the body is not read before.
pub(crate) fn check(guard: Arc<Guard>) -> ValidateRequestHeaderLayer<impl Check> {
    ValidateRequestHeaderLayer::custom(move |request: &mut Request| guard.check(request))
}

/// Lets requests pass whose key comes elsewhere: while there are no keys, only those that ask by a name that is ours.
pub(crate) fn check_host(guard: Arc<Guard>) -> ValidateRequestHeaderLayer<impl Check> {
    ValidateRequestHeaderLayer::custom(move |request: &mut Request| {
        let checked = guard.check_host(request.headers());
        checked.map_err(|failure| failure.into_response())
    })
}

/// What is done with a request before it is let pass.
pub(crate) trait Check: FnMut(&mut Request) -> Result<(), Response> + Clone + Send + Sync + 'static {}

impl<F: FnMut(&mut Request) -> Result<(), Response> + Clone + Send + Sync + 'static> Check for F {}

/// That no page of others has made a browser send a request, as far as it tells.
///
/// # Errors
/// If one has.
pub(crate) fn check_site(headers: &HeaderMap) -> Result<(), Failure> {
    match Site::of(headers) {
        Site::Foreign => Err(cross_site()),
        Site::Own | Site::Unsaid => Ok(()),
    }
}

fn cross_site() -> Failure {
    let detail = "this is not asked for by a page of this collector: open its own page and try there. A proxy before it leaves the \
                  header Host as it came; a program sends a key in the header Authorization";
    Failure::new(Reason::CrossSite, detail)
}

/// Whether a browser wants to show somebody a page, of itself or after a form was sent.
pub(crate) fn is_for_people(request: &Request) -> bool {
    let (headers, path) = (request.headers(), request.uri().path());
    let mut accepted = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    [Method::GET, Method::POST].contains(request.method())
        && !headers.contains_key(AUTHORIZATION)
        && !path.starts_with("/v1/")
        && path != "/metrics"
        && accepted.any(|value| value.contains("text/html"))
}

/// How many steps up the first page is.
pub(crate) fn depth(request: &Request) -> usize {
    request.uri().path().matches('/').count().saturating_sub(1)
}

/// The way from a page to the one where people log in. It is told from here, for the router may be nested anywhere.
fn login(request: &Request) -> String {
    format!("{}login", "../".repeat(depth(request)))
}

/// Where a request came from, if the listener has said so.
pub(crate) fn peer(request: &Request) -> Option<Peer> {
    request.extensions().get().copied()
}

/// Whose key came with a request that was let pass; nobody's while there are no keys.
pub(crate) fn sender(request: &Request) -> Option<&Principal> {
    request.extensions().get()
}

/// For whom the events of a request speak: the sources of its key, or any that they name.
pub(crate) fn origin(request: &Request, config: &ServerConfig) -> Origin {
    origin_of(sender(request), config)
}

/// For whom events speak that came with somebody's key.
pub(crate) fn origin_of(sender: Option<&Principal>, config: &ServerConfig) -> Origin {
    let source = config.source.clone();
    let mut origin = match sender {
        Some(sender) => Origin::of(sender, source),
        None => Origin::new(source),
    };
    origin.zone = config.zone;
    origin
}

/// The sources that somebody speaks for; `None` for any.
pub(crate) fn own_sources(sender: &Principal) -> Option<&[Source]> {
    match &sender.rights.sources {
        Bounds::Any => None,
        Bounds::Only(sources) => Some(sources),
    }
}

/// The name of the user in `Basic` authentication, which clients of Segment set to their key.
///
/// # Errors
/// If there are several headers that say who asks.
pub(crate) fn basic_user(headers: &HeaderMap) -> Result<Option<String>, Failure> {
    let value = one(headers)?.and_then(|value| value.to_str().ok());
    let (scheme, token) = value.and_then(|value| value.split_once(' ')).unwrap_or_default();
    let bytes = BASE64.decode(token.trim_matches(' ')).ok();
    let text = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
    let text = text.filter(|_| scheme.eq_ignore_ascii_case("basic"));
    Ok(text.and_then(|text| text.split_once(':').map(|(user, _)| user.to_owned())))
}

fn principal(store: &EventStore, headers: &HeaderMap) -> Result<Principal, Failure> {
    // Whatever is wrong, the answer is the same: it tells nobody how close a guess was.
    let refused = || {
        let detail = "this needs a key: send the header Authorization with Bearer, a space and the key";
        Failure::new(Reason::Unauthenticated, detail)
    };
    let key = bearer(headers)?.ok_or_else(refused)?;
    store.authenticate(key).ok_or_else(refused)
}

/// What stands behind `Bearer`; `None` where nothing does.
fn bearer(headers: &HeaderMap) -> Result<Option<&str>, Failure> {
    Ok(one(headers)?.and_then(token))
}

/// The header that says who asks.
fn one(headers: &HeaderMap) -> Result<Option<&HeaderValue>, Failure> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let value = values.next();
    if values.next().is_some() {
        // One of them may have been looked at by a proxy, and who knows which.
        let detail = "there are several headers Authorization: send one";
        return Err(Failure::new(Reason::AmbiguousAuth, detail));
    }
    Ok(value)
}

fn token(value: &HeaderValue) -> Option<&str> {
    let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
    Some(token.trim_matches(' ')).filter(|_| scheme.eq_ignore_ascii_case("bearer"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(values: &[&[u8]]) -> HeaderMap {
        let value = |value: &&[u8]| (AUTHORIZATION, HeaderValue::from_bytes(value).unwrap());
        values.iter().map(value).collect()
    }

    #[test]
    fn a_token_stands_behind_its_scheme() {
        for (value, expected) in [
            (&b"Bearer ev_1_2"[..], Some("ev_1_2")),
            (b"bearer ev_1_2", Some("ev_1_2")),
            (b"BEARER  ev_1_2 ", Some("ev_1_2")),
            (b"Bearer ", Some("")),
            (b"Bearer a b", Some("a b")),
            (b"Bearer a, Bearer b", Some("a, Bearer b")),
            (b"Bearer", None),
            (b"Bearerev_1_2", None),
            (b"Bearer\tev_1_2", None),
            (b" Bearer ev_1_2", None),
            (b"Basic ev_1_2", None),
            (b"ev_1_2", None),
            (b"", None),
            (b"Bearer \xff", None),
        ] {
            let headers = headers(&[value]);
            assert_eq!(bearer(&headers).unwrap(), expected, "{}", value.escape_ascii());
        }
        assert_eq!(bearer(&HeaderMap::new()).unwrap(), None);
    }

    #[test]
    fn a_user_stands_in_front_of_the_colon() {
        for (value, expected) in [
            (&b"Basic ZXZfMV8yOg=="[..], Some("ev_1_2")),
            (b"basic ZXZfMV8yOng=", Some("ev_1_2")),
            (b"Basic Og==", Some("")),
            (b"Basic ZXZfMV8y", None),
            (b"Basic ev_1_2:", None),
            (b"Basic /zo=", None),
            (b"Bearer ZXZfMV8yOg==", None),
            (b"Basic", None),
        ] {
            let user = basic_user(&headers(&[value])).unwrap();
            assert_eq!(user.as_deref(), expected, "{}", value.escape_ascii());
        }
        assert_eq!(
            basic_user(&headers(&[b"Basic Og==", b"Basic Og=="]))
                .unwrap_err()
                .into_response()
                .status(),
            400
        );
    }

    #[test]
    fn two_headers_are_one_too_many() {
        let two: [&[&[u8]]; 3] = [
            &[b"Bearer a", b"Bearer a"],
            &[b"Basic a", b"Bearer a"],
            &[b"", b"Bearer a", b"Bearer b"],
        ];
        for values in two {
            assert_eq!(bearer(&headers(values)).unwrap_err().into_response().status(), 400);
        }
    }

    #[tokio::test]
    async fn every_way_to_have_no_key_gets_one_answer() {
        let store = EventStore::connect("sqlite::memory:").await.unwrap();
        let mut answers = Vec::new();
        for values in [&[][..], &[&b"Basic a"[..]], &[b"Bearer a"], &[b"Bearer \xff"]] {
            let response = principal(&store, &headers(values)).unwrap_err().into_response();
            assert_eq!(response.status(), 401);
            assert_eq!(response.headers()["www-authenticate"], "Bearer");
            let body = axum::body::to_bytes(response.into_body(), 10_000).await.unwrap();
            answers.push(body);
        }
        answers.dedup();
        assert_eq!(answers.len(), 1);
    }
}
