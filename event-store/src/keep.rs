//! Refused events → rows of the quarantine.

use std::borrow::Cow;
use std::collections::HashMap;

use event_core::refusal::Refusal;
use event_core::{Code, Source, Timestamp};
use sha2::Digest as _;

use crate::dialect::{self, Bind, Insert, Kind, Merge, Taken, Transaction};
use crate::entity::quarantine::hex;
use crate::error::Error;
use crate::inner::Inner;
use crate::original::Original;

/// So much is kept of an event that was refused for its size.
const KEPT_BYTES: usize = 4 * 1024;

/// The columns are those of a [`Row`].
const INSERT: Insert<18> = Insert {
    table: "{quarantine}",
    columns: [
        ("digest", Kind::Bytes),
        ("code", Kind::Text),
        ("source", Kind::Text),
        ("event_id", Kind::Text),
        ("category", Kind::Text),
        ("name", Kind::Text),
        ("version", Kind::Text),
        ("session_id", Kind::Text),
        ("subject", Kind::Text),
        ("violations", Kind::Text),
        ("raw", Kind::Bytes),
        ("raw_bytes", Kind::Int),
        ("sha256", Kind::Text),
        ("received_at", Kind::Int),
        ("last_received_at", Kind::Int),
        ("form", Kind::Text),
        ("zone", Kind::Text),
        ("occurrences", Kind::Int),
    ],
    taken: Taken::MergesNumbered {
        key: "digest",
        changes: &[("occurrences", Merge::Add), ("last_received_at", Merge::Replace)],
    },
};

/// An event that is refused, and what it came as.
pub(crate) struct Refused<'a> {
    pub(crate) refusal: Cow<'a, Refusal>,
    pub(crate) source: &'a Source,
    pub(crate) original: Cow<'a, Original>,
    pub(crate) received_at: Timestamp,
}

/// What is stored of it.
struct Row<'a> {
    refused: &'a Refused<'a>,
    digest: Vec<u8>,
    violations: String,
    kept: &'a [u8],
    sha256: Option<String>,
    last_received_at: Timestamp,
    occurrences: i64,
}

/// What stands for a refusal: the same source, reason and content is the same one.
pub(crate) fn digest(source: &Source, code: Code, raw: &[u8]) -> Vec<u8> {
    let mut digest = blake3::Hasher::new();
    for part in [source.as_str(), code.as_str()] {
        digest.update(part.as_bytes()).update(b"\0");
    }
    digest.update(raw);
    digest.finalize().as_bytes()[..16].to_vec()
}

/// Keeps refused events, in order; the same one again only counts up, also where somebody has dealt with it.
pub(crate) async fn keep(inner: &Inner, db: &Transaction, refused: &[Refused<'_>]) -> Result<(), Error> {
    let mut rows: Vec<Row<'_>> = Vec::with_capacity(refused.len());
    // No statement may meet a row twice.
    let mut places = HashMap::new();
    for one in refused {
        let row = Row::of(one);
        match places.get(&row.digest) {
            Some(&place) => {
                let first: &mut Row<'_> = &mut rows[place];
                first.occurrences += 1;
                first.last_received_at = one.received_at;
            }
            None => {
                places.insert(row.digest.clone(), rows.len());
                rows.push(row);
            }
        }
    }
    if !rows.is_empty() {
        db.insert(&INSERT, &inner.tables, &rows).await?;
    }
    Ok(())
}

impl<'a> Row<'a> {
    fn of(refused: &'a Refused<'a>) -> Self {
        let (refusal, raw) = (&refused.refusal, refused.original.bytes.as_slice());
        let cut = matches!(refusal.code, Code::EventTooLarge | Code::TooDeep) && raw.len() > KEPT_BYTES;
        Row {
            refused,
            digest: digest(refused.source, refusal.code, raw),
            violations: serde_json::to_string(&refusal.violations).unwrap_or_default(),
            kept: if cut { &raw[..KEPT_BYTES] } else { raw },
            sha256: cut.then(|| hex(&sha2::Sha256::digest(raw))),
            last_received_at: refused.received_at,
            occurrences: 1,
        }
    }
}

/// The values of [`INSERT`].
impl dialect::Row<18> for Row<'_> {
    fn binds(&self) -> [Bind<'_>; 18] {
        fn text(text: Option<&str>) -> Bind<'_> {
            text.map_or(Bind::Null, Bind::Text)
        }
        let Refused {
            refusal,
            source,
            original,
            received_at,
        } = self.refused;
        let claims = &refusal.claims;
        let event_type = claims.event_type.as_ref();
        [
            Bind::Bytes(&self.digest),
            Bind::Text(refusal.code.as_str()),
            Bind::Text(source.as_str()),
            text(claims.id.as_ref().map(|id| id.as_str())),
            text(event_type.map(|kind| kind.category.as_str())),
            text(event_type.map(|kind| kind.name.as_str())),
            text(claims.version.as_ref().map(|version| version.as_str())),
            text(claims.session_id.as_ref().map(|session| session.as_str())),
            text(claims.subject.as_ref().map(|subject| subject.as_str())),
            Bind::Text(&self.violations),
            Bind::Bytes(self.kept),
            Bind::Int(i64::try_from(original.bytes.len()).unwrap_or(i64::MAX)),
            text(self.sha256.as_deref()),
            Bind::Int(received_at.as_micros()),
            Bind::Int(self.last_received_at.as_micros()),
            Bind::Text(original.form.as_str()),
            Bind::Text(original.zone.name()),
            Bind::Int(self.occurrences),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(source: &Source, code: Code, bytes: usize) -> Refused<'_> {
        Refused {
            refusal: Cow::Owned(Refusal::new(code, "", "")),
            source,
            original: Cow::Owned(Original::written(vec![b'x'; bytes])),
            received_at: Timestamp::MIN,
        }
    }

    #[test]
    fn only_what_was_refused_for_its_size_is_cut() {
        let source = Source::new("shop").unwrap();
        for code in [Code::EventTooLarge, Code::TooDeep] {
            for (bytes, kept) in [(KEPT_BYTES, None), (KEPT_BYTES + 1, Some(KEPT_BYTES))] {
                let refused = refused(&source, code, bytes);
                let row = Row::of(&refused);
                assert_eq!(row.kept.len(), kept.unwrap_or(bytes));
                assert_eq!(row.sha256.is_some(), kept.is_some(), "of what is cut the digest of all");
            }
        }
        let refused = refused(&source, Code::NotPermitted, KEPT_BYTES + 1);
        let row = Row::of(&refused);
        assert_eq!((row.kept.len(), row.sha256.is_some()), (KEPT_BYTES + 1, false));
    }
}
