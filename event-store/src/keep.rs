//! Refused event → row of the quarantine.

use event_core::refusal::Refusal;
use event_core::{Code, Source, Timestamp};
use sea_orm::{ConnectionTrait, Value};
use sha2::Digest as _;

use crate::entity::quarantine::hex;
use crate::error::Error;
use crate::inner::Inner;
use crate::original::Original;

/// So much is kept of an event that was refused for its size.
const KEPT_BYTES: usize = 4 * 1024;

/// What stands for a refusal: the same source, reason and content is the same one.
pub(crate) fn digest(source: &Source, code: Code, raw: &[u8]) -> Vec<u8> {
    let mut digest = blake3::Hasher::new();
    for part in [source.as_str(), code.as_str()] {
        digest.update(part.as_bytes()).update(b"\0");
    }
    digest.update(raw);
    digest.finalize().as_bytes()[..16].to_vec()
}

/// Keeps a refused event; the same one again only counts up, also where somebody has dealt with it.
pub(crate) async fn keep(
    inner: &Inner,
    db: &impl ConnectionTrait,
    refusal: &Refusal,
    source: &Source,
    original: &Original,
    received_at: Timestamp,
) -> Result<(), Error> {
    let (claims, raw) = (&refusal.claims, original.bytes.as_slice());
    let cut = matches!(refusal.code, Code::EventTooLarge | Code::TooDeep) && raw.len() > KEPT_BYTES;
    let sha256 = cut.then(|| hex(&sha2::Sha256::digest(raw)));
    let kept = if cut { &raw[..KEPT_BYTES] } else { raw };
    let event_type = claims.event_type.as_ref();
    let text = |text: Option<&str>| Value::from(text.map(str::to_owned));
    let values = [
        digest(source, refusal.code, raw).into(),
        refusal.code.as_str().into(),
        source.as_str().into(),
        text(claims.id.as_ref().map(|id| id.as_str())),
        text(event_type.map(|kind| kind.category.as_str())),
        text(event_type.map(|kind| kind.name.as_str())),
        text(claims.version.as_ref().map(|version| version.as_str())),
        text(claims.session_id.as_ref().map(|session| session.as_str())),
        text(claims.subject.as_ref().map(|subject| subject.as_str())),
        serde_json::to_string(&refusal.violations).unwrap_or_default().into(),
        kept.to_vec().into(),
        i64::try_from(raw.len()).unwrap_or(i64::MAX).into(),
        sha256.into(),
        received_at.as_micros().into(),
        received_at.as_micros().into(),
        original.form.as_str().into(),
        original.zone.name().into(),
    ];
    let insert = inner.tables.sql(
        "INSERT INTO {quarantine} (digest, code, source, event_id, category, name, version, session_id, subject, \
         violations, raw, raw_bytes, sha256, received_at, last_received_at, form, zone, occurrences) \
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1)",
    );
    let table = inner.tables.sql("{quarantine}");
    let changes = format!("occurrences = {table}.occurrences + 1, last_received_at = ?");
    let sql = format!("{insert} {}", inner.dialect.update_existing("digest", &changes));
    let values = values.into_iter().chain([received_at.as_micros().into()]);
    db.execute_raw(inner.dialect.statement(&sql, values)).await?;
    Ok(())
}
