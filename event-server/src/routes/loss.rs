//! What a `POST` of losses says: `{"id": …, "source": …, "losses": [{"hour": …, "reason": …, "events": …}]}`.

use event_core::json::Document;
use event_core::wire::{Loss, LossReport};
use event_core::{Code, Limits, Pointer};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::reply::{Failure, Reason};

/// More values than a legal report has, so that one of some lines too many is told so.
const LIMITS: Limits = Limits::DEFAULT.with_nodes(10 * LossReport::MAX_LINES);
const REPORT: &str = "a report is an object with id, source and losses";
const LINE: &str = "a loss is an object with hour, reason and events";

/// Reads a report. How many lines it may have, and what its numbers and times may be, is for the
/// store to say.
///
/// # Errors
/// What is wrong with the JSON, or which member.
pub(super) fn read(body: &[u8]) -> Result<LossReport, Failure> {
    let document = Document::parse(body, &LIMITS).map_err(|error| match error.code {
        Code::TooDeep | Code::TooManyNodes => {
            let most = LossReport::MAX_LINES;
            let detail =
                format!("this is nested too deep or has too many values: a report has at the most {most} lines");
            Failure::new(Reason::InvalidLossReport, detail).at(error.pointer)
        }
        // The one number of a report counts events.
        Code::NumberOutOfRange => Failure::new(Reason::InvalidLossReport, number()).at(error.pointer),
        _ => error.into(),
    })?;
    let [id, source, losses] = members(document.root().to_value(), ["id", "source", "losses"], "", REPORT)?;
    let Value::Array(losses) = losses else {
        return Err(invalid("/losses", "this is a list of losses"));
    };
    let lines = losses.into_iter().enumerate();
    Ok(LossReport {
        id: member("/id", id)?,
        source: member("/source", source)?,
        losses: lines
            .map(|(at, value)| line(&format!("/losses/{at}"), value))
            .collect::<Result<_, _>>()?,
    })
}

fn line(place: &str, value: Value) -> Result<Loss, Failure> {
    let [hour, reason, events] = members(value, ["hour", "reason", "events"], place, LINE)?;
    let events = events
        .as_u64()
        .ok_or_else(|| invalid(&format!("{place}/events"), &number()))?;
    Ok(Loss {
        hour: member(&format!("{place}/hour"), hour)?,
        reason: member(&format!("{place}/reason"), reason)?,
        events,
    })
}

/// The members of an object that has these and no others.
fn members<const N: usize>(value: Value, names: [&str; N], place: &str, whole: &str) -> Result<[Value; N], Failure> {
    let Value::Object(mut members) = value else {
        return Err(invalid(place, whole));
    };
    let wrong = |name: &str| invalid(&format!("{place}{}", Pointer::from_tokens([name])), whole);
    if let Some(unknown) = members.keys().find(|name| !names.contains(&name.as_str())) {
        return Err(wrong(unknown));
    }
    let mut found = [const { Value::Null }; N];
    for (value, name) in found.iter_mut().zip(names) {
        *value = members.remove(name).ok_or_else(|| wrong(name))?;
    }
    Ok(found)
}

fn member<T: DeserializeOwned>(place: &str, value: Value) -> Result<T, Failure> {
    serde_json::from_value(value).map_err(|error| invalid(place, &error.to_string()))
}

fn number() -> String {
    format!("this is a number from 1 to {}", Loss::MAX_EVENTS)
}

fn invalid(place: &str, detail: &str) -> Failure {
    Failure::new(Reason::InvalidLossReport, detail).at(place)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_has_three_members_and_so_has_a_loss() {
        let body = r#"{"losses": [{"events": 37, "reason": "queue_full", "hour": "2021-01-01 14:00:00"}],
                       "source": "shop-web", "id": "r-1"}"#;
        let report = read(body.as_bytes()).unwrap();
        assert_eq!(report.losses[0].hour.to_string(), "2021-01-01T14:00:00Z");
        // What is written by the type is read by this file.
        let written = serde_json::to_vec(&report).unwrap();
        assert_eq!(read(&written).unwrap(), report);
    }
}
