//! Makes keys, lists, rotates and revokes them, and knows whose they are.

use std::time::Duration;

use sea_orm::{ConnectionTrait as _, Value};

use crate::api_key::{self, Access, CreatedKey, KeyRecord, KeyRing, NewKey, Principal, Rights, Secret};
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
    /// assert_eq!(store.authenticate(key.expose()).ok_or("nobody's")?.prefix, key.record().prefix);
    ///
    /// store.revoke_key(&key.record().prefix).await?;
    /// assert_eq!(store.authenticate(key.expose()), None);
    /// assert!(store.has_keys());
    /// # Ok::<(), Box<dyn std::error::Error>>(()) })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Config`] for one that would have expired already, or whose rights make no sense; otherwise if the
    /// database fails. After [`Error::Unknown`] there may be a key that nobody has: [`EventStore::keys`] tells.
    pub async fn create_key(&self, new: NewKey) -> Result<CreatedKey, Error> {
        if new.expires_at.is_some_and(|end| end <= now()) {
            let message = "the time when the key expires is in the past";
            return Err(Error::Config(message.to_owned()));
        }
        new.rights.check()?;
        let inner = self.inner().clone();
        self.in_time(async move { create(&inner, new).await }).await
    }

    /// Makes a key of which somebody else holds the whole already, for a container that is told its first key: it
    /// does all that keys can do, and knows no bounds. Nothing happens, and `None` is answered, where there
    /// are keys: the same one may be told at every start.
    ///
    /// ```
    /// use event_store::{EventStore, api_key};
    ///
    /// # tokio::runtime::Runtime::new()?.block_on(async {
    /// let (key, store) = (api_key::fresh()?, EventStore::connect("sqlite::memory:").await?);
    /// assert!(store.create_first_key(&key).await?.is_some());
    /// assert!(store.create_first_key(&key).await?.is_none());
    /// assert!(store.authenticate(&key).is_some());
    /// # Ok::<(), Box<dyn std::error::Error>>(()) })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Config`] for what has not the form of a key; otherwise if the database fails.
    pub async fn create_first_key(&self, key: &str) -> Result<Option<KeyRecord>, Error> {
        // Never the text, which may be a good key but for a letter.
        let malformed = || Error::Config("this is no whole key: `event-server key new` prints one".to_owned());
        let (prefix, secret) = api_key::whole(key).ok_or_else(malformed)?;
        let inner = self.inner().clone();
        self.in_time(async move { create_first(&inner, prefix, &secret).await })
            .await
    }

    /// Makes a key of the same rights, and the same end, in the place of another, which is of no use after a while: until
    /// then whoever has the old one can be given the new one. If the old key ends earlier by itself, so be it.
    /// `None` if no key has this prefix.
    ///
    /// # Errors
    /// [`Error::KeyEnded`] for one that is of no use any more, or was replaced before; otherwise if the
    /// database fails.
    pub async fn rotate_key(&self, prefix: &str, grace: Duration) -> Result<Option<CreatedKey>, Error> {
        let (inner, prefix) = (self.inner().clone(), prefix.to_owned());
        self.in_time(async move { rotate(&inner, &prefix, grace).await }).await
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
        self.in_time(async move { revoke(&inner, &prefix).await }).await
    }

    /// Does what may not stop half-way, and waits for it as long as a request may.
    async fn in_time<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, Error>> + Send + 'static,
    ) -> Result<T, Error> {
        let answer = tokio::time::timeout(self.inner().options.request_timeout, detached(work)).await;
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

    /// Whether the key of somebody who was let in is good still: for what lasts longer than a request. As fresh as
    /// [`EventStore::authenticate`], and as fast.
    #[must_use]
    pub fn is_good(&self, principal: &Principal) -> bool {
        self.inner().keys().is_good(&principal.prefix, now())
    }

    /// Whether there are keys, be they revoked or expired; as fresh as [`EventStore::authenticate`],
    /// and as fast.
    #[must_use]
    pub fn has_keys(&self) -> bool {
        !self.inner().keys().is_empty()
    }
}

async fn create(inner: &Inner, new: NewKey) -> Result<CreatedKey, Error> {
    let (transaction, known) = locked(inner).await?;
    let (prefix, secret) = (api_key::new_prefix(&known)?, Secret::new()?);
    let record = insert(inner, &transaction, prefix, &secret, new).await?;
    publish(inner, transaction).await?;
    Ok(CreatedKey::new(&secret, record))
}

async fn create_first(inner: &Inner, prefix: String, secret: &Secret) -> Result<Option<KeyRecord>, Error> {
    let (transaction, known) = locked(inner).await?;
    if !known.is_empty() {
        transaction.rollback().await?;
        return Ok(None);
    }
    let mut new = NewKey::any_source();
    new.rights = Rights::new(Access::ALL);
    let record = insert(inner, &transaction, prefix, secret, new).await?;
    publish(inner, transaction).await?;
    Ok(Some(record))
}

async fn rotate(inner: &Inner, prefix: &str, grace: Duration) -> Result<Option<CreatedKey>, Error> {
    let (dialect, tables) = (inner.dialect, &inner.tables);
    let (transaction, known) = locked(inner).await?;
    let Some(old) = find(&known, prefix) else {
        transaction.rollback().await?;
        return Ok(None);
    };
    let now = now();
    if !old.is_good(now) || old.replaced_by.is_some() {
        transaction.rollback().await?;
        return Err(Error::KeyEnded);
    }
    let grace = i64::try_from(grace.as_micros()).unwrap_or(i64::MAX);
    let end = now.saturating_add_micros(grace);
    let end = old.expires_at.map_or(end, |earlier| earlier.min(end));
    let (new_prefix, secret) = (api_key::new_prefix(&known)?, Secret::new()?);
    let new = NewKey {
        rights: old.rights,
        expires_at: old.expires_at,
        note: old.note,
    };
    let record = insert(inner, &transaction, new_prefix, &secret, new).await?;
    let update = tables.sql("UPDATE {api_keys} SET expires_at = ?, replaced_by = ? WHERE prefix = ?");
    let values: [Value; 3] = [end.as_micros().into(), record.prefix.as_str().into(), prefix.into()];
    transaction.execute_raw(dialect.statement(&update, values)).await?;
    publish(inner, transaction).await?;
    Ok(Some(CreatedKey::new(&secret, record)))
}

/// A transaction that nobody else changes keys beside, and the keys that it finds.
async fn locked(inner: &Inner) -> Result<(Transaction, Vec<KeyRow>), Error> {
    let (dialect, tables) = (inner.dialect, &inner.tables);
    let transaction = dialect.begin(&inner.writer).await?;
    position::lock(dialect, &transaction, tables).await?;
    let known = KeyRow::all(dialect, &transaction, tables).await?;
    Ok((transaction, known))
}

fn find(known: &[KeyRow], prefix: &str) -> Option<KeyRecord> {
    let row = known.iter().find(|row| row.record.prefix == prefix);
    row.map(|row| row.record.clone())
}

async fn insert(
    inner: &Inner,
    transaction: &Transaction,
    prefix: String,
    secret: &Secret,
    new: NewKey,
) -> Result<KeyRecord, Error> {
    let NewKey {
        rights,
        expires_at,
        note,
    } = new;
    let record = KeyRecord {
        prefix,
        rights,
        note,
        created_at: now(),
        expires_at,
        revoked_at: None,
        replaced_by: None,
    };
    let row = KeyRow {
        record,
        hash: secret.digest(),
    };
    row.insert(inner.dialect, transaction, &inner.tables).await?;
    Ok(row.record)
}

async fn revoke(inner: &Inner, prefix: &str) -> Result<Option<KeyRecord>, Error> {
    let (dialect, tables) = (inner.dialect, &inner.tables);
    let (transaction, known) = locked(inner).await?;
    let found = find(&known, prefix);
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
    let change = position::change(&transaction, tables).await?;
    let keys = KeyRing::load(change, dialect, &transaction, tables).await?;
    transaction.commit().await?;
    inner.replace_keys(keys);
    Ok(())
}
