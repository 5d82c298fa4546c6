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
/// So many there are at a time.
const MOST: usize = 10_000;
/// So many there are of one key: whoever logs in again and again ends his own logins, and nobody else's.
const MOST_OF_KEY: usize = 100;

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
        logins.retain(|_, login| now < login.until);
        let own = logins.values().filter(|login| login.key == key).count();
        if own >= MOST_OF_KEY {
            end_oldest(&mut logins, key);
        } else if logins.len() >= MOST {
            let fullest = fullest(&logins);
            end_oldest(&mut logins, &fullest);
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

/// The key that has the most.
fn fullest(logins: &HashMap<blake3::Hash, Login>) -> String {
    let mut counts: HashMap<&str, usize> = HashMap::new();
    for login in logins.values() {
        *counts.entry(&login.key).or_default() += 1;
    }
    let fullest = counts.into_iter().max_by_key(|(_, count)| *count);
    fullest.map(|(key, _)| key.to_owned()).unwrap_or_default()
}

/// Ends the oldest login of a key.
fn end_oldest(logins: &mut HashMap<blake3::Hash, Login>, key: &str) {
    let own = logins.iter().filter(|(_, login)| login.key == key);
    let oldest = own.min_by_key(|(_, login)| login.until).map(|(name, _)| *name);
    if let Some(name) = oldest {
        logins.remove(&name);
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
    fn a_key_ends_its_own_logins_and_nobody_elses() {
        let (logins, begun) = (Logins::default(), Instant::now());
        let at = |second: usize| begun + Duration::from_secs(second as u64);
        let other = logins.begin("ev_other", begun).unwrap();
        let names: Vec<String> = (1..=MOST_OF_KEY + 20)
            .map(|second| logins.begin("ev_greedy", at(second)).unwrap())
            .collect();
        let (ended, kept) = names.split_at(20);
        let now = at(MOST_OF_KEY + 30);
        assert!(logins.key(&other, now).is_some());
        assert!(ended.iter().all(|name| logins.key(name, now).is_none()));
        assert!(kept.iter().all(|name| logins.key(name, now).is_some()));
        assert_eq!(logins.lock().len(), MOST_OF_KEY + 1);
    }

    #[test]
    fn where_there_are_too_many_the_key_that_has_the_most_makes_room() {
        let (logins, begun) = (Logins::default(), Instant::now());
        let only = logins.begin("ev_only", begun).unwrap();
        // Filled by hand: to begin each would take seconds.
        let login = |number: usize| {
            let (key, until) = (format!("ev_{}", number / 2), begun + LASTS + Duration::from_secs(1));
            (blake3::hash(&number.to_le_bytes()), Login { key, until })
        };
        logins.lock().extend((1..MOST).map(login));
        assert_eq!(logins.lock().len(), MOST);
        let new = logins.begin("ev_new", begun).unwrap();
        assert_eq!(logins.lock().len(), MOST);
        assert!(logins.key(&only, begun).is_some() && logins.key(&new, begun).is_some());
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
