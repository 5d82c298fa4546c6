//! Who has logged in with a browser: a random name in a cookie, which stands for a key.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::http::HeaderMap;
use axum::http::header::COOKIE;
use event_store::{Error, api_key};

use super::site::Way;

/// The name of the cookie.
const NAME: &str = "event_login";
/// So long a login lasts.
const LASTS: Duration = Duration::from_secs(12 * 60 * 60);
/// So many there are at a time: the one that would end first makes room for another.
const MOST: usize = 10_000;

/// All logins of this program. They end with it.
#[derive(Default)]
pub(super) struct Logins(Mutex<HashMap<blake3::Hash, Login>>);

/// What a login stands for. Not to be shown, and so not `Debug`.
struct Login {
    /// The whole key, so that the store is asked again each time: whoever has a key that was revoked is logged out.
    key: String,
    until: Instant,
}

impl Logins {
    /// Begins one for a key that is good, and gives its name: 256 random bits, of which only the hash is kept.
    ///
    /// # Errors
    /// If the system gives no random numbers.
    pub(super) fn begin(&self, key: &str, now: Instant) -> Result<String, Error> {
        // A fresh key is as random as a name has to be; nobody ever hears of the key.
        let name = blake3::hash(api_key::fresh()?.as_bytes()).to_hex().to_string();
        let mut logins = self.lock();
        if logins.len() >= MOST {
            logins.retain(|_, login| now < login.until);
        }
        if logins.len() >= MOST {
            let first = logins
                .iter()
                .min_by_key(|(_, login)| login.until)
                .map(|(name, _)| *name);
            if let Some(name) = first {
                logins.remove(&name);
            }
        }
        let login = Login {
            key: key.to_owned(),
            until: now + LASTS,
        };
        logins.insert(blake3::hash(name.as_bytes()), login);
        Ok(name)
    }

    /// The key that a name stands for.
    pub(super) fn key(&self, name: &str, now: Instant) -> Option<String> {
        let logins = self.lock();
        let login = logins.get(&blake3::hash(name.as_bytes()))?;
        (now < login.until).then(|| login.key.clone())
    }

    /// Ends one.
    pub(super) fn end(&self, name: &str) {
        self.lock().remove(&blake3::hash(name.as_bytes()));
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<blake3::Hash, Login>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The name that came with a request.
pub(super) fn name(headers: &HeaderMap) -> Option<&str> {
    let values = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = values.flat_map(|value| value.split(';'));
    pairs.find_map(|pair| pair.trim().strip_prefix(NAME)?.strip_prefix('='))
}

/// What has a browser keep a name; scripts never see it, no page of others makes it send it, and it goes on no way that is
/// less safe than the one on which it came.
pub(super) fn kept(name: &str, way: Way) -> String {
    let seconds = LASTS.as_secs();
    let cookie = format!("{NAME}={name}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict");
    match way {
        Way::Tls => format!("{cookie}; Secure"),
        Way::Plain => cookie,
    }
}

/// What has a browser forget it.
pub(super) fn forgotten() -> String {
    format!("{NAME}=; Path=/; Max-Age=0; HttpOnly; SameSite=Strict")
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    #[test]
    fn a_login_stands_for_its_key_until_it_ends() {
        let (logins, now) = (Logins::default(), Instant::now());
        let name = logins.begin("ev_1_2", now).unwrap();
        assert_eq!(name.len(), 64);
        assert_eq!(logins.key(&name, now).as_deref(), Some("ev_1_2"));
        assert_eq!(logins.key("ev_1_2", now), None);
        assert_eq!(logins.key(&name, now + LASTS), None);
        let other = logins.begin("ev_1_2", now).unwrap();
        assert_ne!(name, other);
        logins.end(&name);
        assert_eq!(logins.key(&name, now), None);
        assert!(logins.key(&other, now).is_some());
    }

    #[test]
    fn the_cookie_is_found_among_others() {
        for (value, expected) in [
            ("event_login=abc", Some("abc")),
            ("a=b; event_login=abc; c=d", Some("abc")),
            ("xevent_login=abc", None),
            ("event_login2=abc", None),
            ("event_login", None),
            ("", None),
        ] {
            let headers = HeaderMap::from_iter([(COOKIE, HeaderValue::from_static(value))]);
            assert_eq!(name(&headers), expected, "{value}");
        }
        assert!(kept("abc", Way::Tls).ends_with("; Secure") && !kept("abc", Way::Plain).contains("Secure"));
        assert!(kept("abc", Way::Plain).starts_with("event_login=abc; ") && forgotten().contains("Max-Age=0"));
    }
}
