//! A row of the losses: what a source has lost in an hour for a reason, by all of its reports.

use event_core::{Label, Source, Timestamp};
use sea_orm::QueryResult;
use serde::Serialize;

use crate::error::Error;

/// The columns that [`ReportedLoss::read`] expects, in order.
pub(crate) const SELECTED: &str = "source, hour, reason, events";

/// So many events of a source were offered to its clients in an hour, and given up for a reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ReportedLoss {
    /// The application that lost them.
    pub source: Source,
    /// The start of the hour, UTC.
    pub hour: Timestamp,
    /// Why, in the client's words.
    pub reason: Label,
    /// How many events, over all reports.
    pub events: u64,
}

impl ReportedLoss {
    /// Reads a row of [`SELECTED`].
    pub(crate) fn read(row: &QueryResult) -> Result<Self, Error> {
        let (source, reason): (String, String) = (row.try_get_by_index(0)?, row.try_get_by_index(2)?);
        let events: i64 = row.try_get_by_index(3)?;
        Ok(ReportedLoss {
            source: Source::new(source).map_err(|_| Error::corrupt("a malformed source"))?,
            hour: Timestamp::from_micros(row.try_get_by_index(1)?)
                .map_err(|_| Error::corrupt("a time outside the years 1970 to 9999"))?,
            reason: Label::new(reason).map_err(|_| Error::corrupt("a malformed reason"))?,
            events: u64::try_from(events).map_err(|_| Error::corrupt("a negative number of events"))?,
        })
    }
}
