//! Makes keys, lists and revokes them, and knows whose they are.

use sea_orm::{ConnectionTrait as _, Value};

use crate::api_key::{self, CreatedKey, KeyRecord, KeyRing, NewKey, Principal, Secret};
use crate::dialect::Transaction;
use crate::entity::api_key::KeyRow;
use crate::error::{Cause, Error};
use crate::inner::{Inner, detached, now};
use crate::position;
use crate::store::EventStore;

impl EventStore {
    /// Makes a key. What is answered is the only copy of it: the database has a digest.
    ///
    /// ```
    /// use event_core::Source;
    /// use event_store::EventStore;
    /// use event_store::api_key::NewKey;
    ///
    /// # tokio::runtime::Runtime::new()?.block_on(async {
    /// let store = EventStore::connect("sqlite::memory:").await?;
    /// assert!(!store.has_keys());
    /// let key = store.create_key(NewKey::new(Source::new("shop")?)).await?;
    /// assert_eq!(store.authenticate(key.expose()).ok_or("nobody's")?.source.as_str(), "shop");
    ///
    /// store.revoke_key(&key.record().prefix).await?;
    /// assert_eq!(store.authenticate(key.expose()), None);
    /// assert!(store.has_keys());
    /// # Ok::<(), Box<dyn std::error::Error>>(()) })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Config`] for one that would have expired already; otherwise if the database fails.
    /// After [`Error::Unknown`] there may be a key that nobody has: [`EventStore::keys`] tells.
    pub async fn create_key(&self, new: NewKey) -> Result<CreatedKey, Error> {
        if new.expires_at.is_some_and(|end| end <= now()) {
            let message = "the time when the key expires is in the past";
            return Err(Error::Config(message.to_owned()));
        }
        let inner = self.inner().clone();
        let patience = inner.options.request_timeout;
        let work = detached(async move { create(&inner, new).await });
        let answer = tokio::time::timeout(patience, work).await;
        answer.unwrap_or_else(|_| Err(Error::Unknown(Cause::new("no answer in time"))))
    }

    /// Every key there ever was, in the order in which they were made.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn keys(&self) -> Result<Vec<KeyRecord>, Error> {
        let inner = self.inner().clone();
        let rows = detached(async move { KeyRow::all(inner.dialect, &inner.reader, &inner.tables).await }).await?;
        Ok(rows.into_iter().map(|row| row.record).collect())
    }

    /// Revokes the key of a prefix: it is of no use any more, here from now on and in other
    /// processes within five seconds. `None` if no key has this prefix; one that was revoked before
    /// stays as it is.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn revoke_key(&self, prefix: &str) -> Result<Option<KeyRecord>, Error> {
        let (inner, prefix) = (self.inner().clone(), prefix.to_owned());
        let patience = inner.options.request_timeout;
        let work = detached(async move { revoke(&inner, &prefix).await });
        let answer = tokio::time::timeout(patience, work).await;
        answer.unwrap_or_else(|_| Err(Error::Unknown(Cause::new("no answer in time"))))
    }

    /// Whose key this is; `None` if it is nobody's, was revoked or has expired.
    ///
    /// Asks nobody: what other processes have made and revoked is read anew every second, in the
    /// background. While the database does not answer, the keys that were known last are used on.
    #[must_use]
    pub fn authenticate(&self, key: &str) -> Option<Principal> {
        self.inner().keys().authenticate(key, now())
    }

    /// Whether there are keys, be they revoked or expired; as fresh as [`EventStore::authenticate`],
    /// and as fast.
    #[must_use]
    pub fn has_keys(&self) -> bool {
        !self.inner().keys().is_empty()
    }
}

async fn create(inner: &Inner, new: NewKey) -> Result<CreatedKey, Error> {
    let (dialect, tables) = (inner.dialect, &inner.tables);
    let secret = Secret::new()?;
    let transaction = dialect.begin(&inner.writer).await?;
    position::lock(dialect, &transaction, tables).await?;
    let known = KeyRow::all(dialect, &transaction, tables).await?;
    let record = KeyRecord {
        prefix: api_key::new_prefix(&known)?,
        source: new.source,
        note: new.note,
        created_at: now(),
        expires_at: new.expires_at,
        revoked_at: None,
    };
    let values: [Value; 6] = [
        record.prefix.as_str().into(),
        secret.digest().into(),
        record.source.as_str().into(),
        record.note.as_ref().map(|note| note.as_str().to_owned()).into(),
        record.created_at.as_micros().into(),
        record.expires_at.map(|end| end.as_micros()).into(),
    ];
    let insert = tables
        .sql("INSERT INTO {api_keys} (prefix, hash, source, note, created_at, expires_at) VALUES (?, ?, ?, ?, ?, ?)");
    transaction.execute_raw(dialect.statement(&insert, values)).await?;
    publish(inner, transaction).await?;
    Ok(CreatedKey::new(&secret, record))
}

async fn revoke(inner: &Inner, prefix: &str) -> Result<Option<KeyRecord>, Error> {
    let (dialect, tables) = (inner.dialect, &inner.tables);
    let transaction = dialect.begin(&inner.writer).await?;
    position::lock(dialect, &transaction, tables).await?;
    let known = KeyRow::all(dialect, &transaction, tables).await?;
    let found = known
        .into_iter()
        .map(|row| row.record)
        .find(|record| record.prefix == prefix);
    let Some(mut record) = found.clone().filter(|record| record.revoked_at.is_none()) else {
        transaction.rollback().await?;
        return Ok(found);
    };
    let revoked_at = now();
    let update = tables.sql("UPDATE {api_keys} SET revoked_at = ? WHERE prefix = ?");
    let values = [revoked_at.as_micros().into(), prefix.into()];
    transaction.execute_raw(dialect.statement(&update, values)).await?;
    publish(inner, transaction).await?;
    record.revoked_at = Some(revoked_at);
    Ok(Some(record))
}

/// Commits a change of the keys, for everybody: whoever counts fewer changes reads them anew.
async fn publish(inner: &Inner, transaction: Transaction) -> Result<(), Error> {
    let (dialect, tables) = (inner.dialect, &inner.tables);
    let change = position::change(dialect, &transaction, tables).await?;
    let keys = KeyRing::load(change, dialect, &transaction, tables).await?;
    transaction.commit().await?;
    inner.replace_keys(keys);
    Ok(())
}
