//! Keys: what is asked of a new one, what it is made of, and whose it is.
//!
//! A key reads `ev_PREFIX_SECRET`. The prefix is what it is known by, the secret 256 random bits, of
//! which only the SHA-256 is stored. See [`EventStore::create_key`](crate::EventStore::create_key).

mod new_key;

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use event_core::Timestamp;
use sea_orm::{ConnectionTrait, DatabaseConnection};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

pub use crate::entity::api_key::KeyRecord;
pub use crate::rights::{Access, AccessError, Bounds, PatternError, Rate, Reach, Rights, TypePattern, Use};
pub use new_key::NewKey;

use crate::dialect::Dialect;
use crate::entity::api_key::KeyRow;
use crate::entity::quarantine::hex;
use crate::error::Error;
use crate::position;
use crate::tables::Tables;

/// What every key starts with, so that whoever finds one knows what it is.
const START: &str = "ev_";
const PREFIX_BYTES: usize = 6;
const SECRET_BYTES: usize = 32;

/// A key that was just made. This is the only time that the whole of it can be seen.
#[derive(Clone)]
pub struct CreatedKey {
    key: String,
    record: KeyRecord,
}

impl CreatedKey {
    pub(crate) fn new(secret: &Secret, record: KeyRecord) -> Self {
        CreatedKey {
            key: format!("{START}{}_{}", record.prefix, secret.0),
            record,
        }
    }

    /// The whole key, to hand to whoever is to send events.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.key
    }

    /// What may be shown of it.
    #[must_use]
    pub fn record(&self) -> &KeyRecord {
        &self.record
    }
}

impl fmt::Debug for CreatedKey {
    /// Without its secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CreatedKey")
            .field("record", &self.record)
            .finish_non_exhaustive()
    }
}

/// Whoever a key was made for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Principal {
    /// What the key is known by.
    pub prefix: String,
    /// What may be done with it.
    pub rights: Arc<Rights>,
}

/// The part of a key that nobody else knows. Not to be shown, and so not `Debug`.
pub(crate) struct Secret(String);

impl Secret {
    pub(crate) fn new() -> Result<Self, Error> {
        Ok(Secret(random::<SECRET_BYTES>()?))
    }

    pub(crate) fn digest(&self) -> Vec<u8> {
        digest(&self.0)
    }
}

/// A new key that no store knows yet: see [`EventStore::create_first_key`](crate::EventStore::create_first_key).
///
/// # Errors
/// If the system gives no random numbers.
pub fn fresh() -> Result<String, Error> {
    let Secret(secret) = Secret::new()?;
    Ok(format!("{START}{}_{secret}", random::<PREFIX_BYTES>()?))
}

/// Prefix and secret of a whole key that somebody else has made.
pub(crate) fn whole(key: &str) -> Option<(String, Secret)> {
    let (prefix, secret) = split(key)?;
    Some((prefix.to_owned(), Secret(secret.to_owned())))
}

/// A prefix that none of these keys has.
pub(crate) fn new_prefix(taken: &[KeyRow]) -> Result<String, Error> {
    loop {
        let prefix = random::<PREFIX_BYTES>()?;
        if taken.iter().all(|row| row.record.prefix != prefix) {
            return Ok(prefix);
        }
    }
}

fn random<const N: usize>() -> Result<String, Error> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)
        .map_err(|error| Error::Config(format!("the system gives no random numbers: {error}")))?;
    Ok(hex(&bytes))
}

/// A secret of so many random bits cannot be guessed from its digest, so that a salt and a slow
/// function, which passwords need, would only cost time.
fn digest(secret: &str) -> Vec<u8> {
    Sha256::digest(secret.as_bytes()).to_vec()
}

/// Prefix and secret of what has the form of a key.
fn split(key: &str) -> Option<(&str, &str)> {
    let (prefix, secret) = key.strip_prefix(START)?.split_once('_')?;
    let digits = |text: &str, bytes: usize| {
        text.len() == 2 * bytes && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    };
    (digits(prefix, PREFIX_BYTES) && digits(secret, SECRET_BYTES)).then_some((prefix, secret))
}

/// All keys after a change of what is registered, declared or allowed; the changes are counted in
/// the database, for all processes.
pub(crate) struct KeyRing {
    change: i64,
    keys: HashMap<String, Known>,
}

/// A key, ready to be recognised.
struct Known {
    row: KeyRow,
    rights: Arc<Rights>,
}

impl From<KeyRow> for Known {
    fn from(row: KeyRow) -> Self {
        let rights = Arc::new(row.record.rights.clone());
        Known { row, rights }
    }
}

impl KeyRing {
    /// The keys as they are now.
    pub(crate) async fn current(dialect: Dialect, db: &DatabaseConnection, tables: &Tables) -> Result<Self, Error> {
        let snapshot = dialect.snapshot(db).await?;
        let change = position::log(dialect, &snapshot, tables).await?.changes;
        let ring = KeyRing::load(change, dialect, &snapshot, tables).await?;
        snapshot.rollback().await?;
        Ok(ring)
    }

    /// The keys as a transaction sees them that has seen this change.
    pub(crate) async fn load(
        change: i64,
        dialect: Dialect,
        db: &impl ConnectionTrait,
        tables: &Tables,
    ) -> Result<Self, Error> {
        let rows = KeyRow::all(dialect, db, tables).await?;
        Ok(KeyRing {
            change,
            keys: rows
                .into_iter()
                .map(|row| (row.record.prefix.clone(), row.into()))
                .collect(),
        })
    }

    pub(crate) fn change(&self) -> i64 {
        self.change
    }

    /// Whether there are no keys, nor ever were.
    pub(crate) fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Whether the events of any key are counted by the day.
    pub(crate) fn has_quotas(&self) -> bool {
        self.keys.values().any(|known| known.rights.quota.is_some())
    }

    /// Whose key this is, unless it is nobody's, or of no use any more.
    pub(crate) fn authenticate(&self, key: &str, now: Timestamp) -> Option<Principal> {
        let (prefix, secret) = split(key)?;
        let offered = digest(secret);
        let Known { row, rights } = self.keys.get(prefix)?;
        let same = bool::from(offered.as_slice().ct_eq(&row.hash));
        (same && row.record.is_good(now)).then(|| Principal {
            prefix: row.record.prefix.clone(),
            rights: Arc::clone(rights),
        })
    }

    /// Whether a key can be used that is known by its prefix.
    pub(crate) fn is_good(&self, prefix: &str, now: Timestamp) -> bool {
        self.keys.get(prefix).is_some_and(|known| known.row.record.is_good(now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(seconds: i64) -> Timestamp {
        Timestamp::from_micros(seconds * 1_000_000).unwrap()
    }

    fn ring(expires_at: Option<Timestamp>, revoked_at: Option<Timestamp>) -> (KeyRing, CreatedKey) {
        let secret = Secret::new().unwrap();
        let record = KeyRecord {
            prefix: new_prefix(&[]).unwrap(),
            rights: NewKey::new("shop".parse().unwrap()).rights,
            note: None,
            created_at: time(0),
            expires_at,
            revoked_at,
            replaced_by: None,
        };
        let row = KeyRow {
            record: record.clone(),
            hash: secret.digest(),
        };
        let keys = HashMap::from([(record.prefix.clone(), row.into())]);
        (KeyRing { change: 1, keys }, CreatedKey::new(&secret, record))
    }

    #[test]
    fn a_key_is_its_holders_until_it_ends() {
        let (ring, key) = ring(Some(time(100)), None);
        let found = ring.authenticate(key.expose(), time(99)).unwrap();
        assert_eq!(
            (&found.prefix, &*found.rights),
            (&key.record().prefix, &key.record().rights)
        );
        assert_eq!(ring.authenticate(key.expose(), time(100)), None);
        let (ring, key) = self::ring(None, Some(time(50)));
        // Whatever this machine's clock says of the time when it was revoked.
        assert_eq!(ring.authenticate(key.expose(), time(49)), None);
    }

    #[test]
    fn whatever_is_not_the_key_is_nobodys() {
        let (ring, key) = ring(None, None);
        let (other_ring, other) = self::ring(None, None);
        let key = key.expose();
        assert!(ring.authenticate(key, time(1)).is_some());
        assert_eq!(ring.authenticate(other.expose(), time(1)), None);
        let flip = |at: usize| {
            let with = if key.as_bytes()[at] == b'0' { "1" } else { "0" };
            format!("{}{with}{}", &key[..at], &key[at + 1..])
        };
        for at in START.len()..key.len() {
            if key.as_bytes()[at] != b'_' {
                assert_eq!(ring.authenticate(&flip(at), time(1)), None, "{at}");
            }
        }
        let (mine, theirs) = (split(key).unwrap(), split(other.expose()).unwrap());
        for text in [
            String::new(),
            "ev_".to_owned(),
            "ev__".to_owned(),
            key.to_uppercase(),
            format!("{key} "),
            format!("{key}0"),
            key[..key.len() - 1].to_owned(),
            key.replacen("ev_", "EV_", 1),
            format!("ev_{}_{}", mine.0, theirs.1),
            format!("ev_{}_", mine.0),
            format!("ev_é{}_{}", &mine.0[2..], mine.1),
        ] {
            assert_eq!(ring.authenticate(&text, time(1)), None, "{text}");
        }
        assert!(other_ring.authenticate(other.expose(), time(1)).is_some());
    }

    #[test]
    fn what_is_shown_of_a_key_holds_no_secret() {
        let (_, key) = ring(None, None);
        let (prefix, secret) = split(key.expose()).unwrap();
        let shown = format!("{key:?} {:?}", key.record());
        assert!(shown.contains(prefix) && !shown.contains(secret), "{shown}");
        assert_ne!(hex(&digest(secret)), secret);
        // The example of FIPS 180-2: what is stored today is recognised by whatever comes later.
        assert!(hex(&digest("abc")).starts_with("ba7816bf8f01cfea"));
    }
}
