//! What a collector answered → what to do with the batch it answered to.

use std::time::{Duration, SystemTime};

use event_core::Verdict;
use event_core::verdict::Status;
use event_core::wire::{BatchReply, Problem};
use serde_json::Value;

use crate::error::{QueryError, Refused};
use crate::stats::Pause;
use crate::transport::{Response, TransportError};

/// What to do with a batch.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// It is done: one verdict an event.
    Verdicts(Vec<Verdict>),
    /// Whether it is stored is not known: send it again, not before this time.
    Again(Again),
    /// The collector failed with it: again, but not for ever with the same events.
    Failed(Again),
    /// Send less at once.
    TooLarge,
    /// The collector cannot read it: find out which event is to blame.
    Refused { why: String },
    /// The collector does not read this compression.
    NotCompressed,
    /// Nothing will be taken for now.
    Paused(Pause),
}

/// Why and when to send a batch again.
#[derive(Debug)]
pub(crate) struct Again {
    /// What the collector wants us to wait at the least.
    pub(crate) after: Option<Duration>,
    pub(crate) why: String,
    /// Whether the batch itself may be the reason: too much to be sent or judged in time, or more than
    /// the collector survives.
    pub(crate) suspect: bool,
}

/// Reads the answer to a batch of so many events.
pub(crate) fn outcome(answer: Result<Response, TransportError>, events: usize, now: SystemTime) -> Outcome {
    let response = match answer {
        Ok(response) => response,
        Err(error) => {
            return Outcome::Again(Again {
                after: None,
                why: error.to_string(),
                suspect: error.on_its_way,
            });
        }
    };
    let after = response.retry_after.as_deref().and_then(|text| retry_after(text, now));
    let again = |suspect| Again {
        after,
        why: problem(&response),
        suspect,
    };
    match response.status {
        200..300 => match verdicts(&response.body) {
            Some(verdicts) if verdicts.len() == events => Outcome::Verdicts(verdicts),
            // Whatever says this, it knows nothing of events.
            _ if !response.body.trim_ascii_start().starts_with(b"{") => {
                Outcome::Paused(Pause::NoCollector(response.status))
            }
            // An answer that says nothing is no answer: the ids will tell.
            _ => Outcome::Again(Again {
                why: format!("the answer has not one verdict for each of {events} events"),
                ..again(false)
            }),
        },
        401 => Outcome::Paused(Pause::Unauthenticated),
        403 => Outcome::Paused(Pause::Forbidden),
        408 | 425 | 429 => Outcome::Again(again(false)),
        413 => Outcome::TooLarge,
        415 => Outcome::NotCompressed,
        400 | 422 => Outcome::Refused {
            why: problem(&response),
        },
        500 => Outcome::Failed(again(true)),
        // Of the others in front of a collector only some are about the request.
        status @ 501..600 => Outcome::Again(again(matches!(status, 502 | 504))),
        status => Outcome::Paused(Pause::NoCollector(status)),
    }
}

/// The verdicts of a reply, also of a collector that knows more codes and flags than this client.
fn verdicts(body: &[u8]) -> Option<Vec<Verdict>> {
    if let Ok(reply) = serde_json::from_slice::<BatchReply>(body) {
        return Some(reply.results);
    }
    let reply: Value = serde_json::from_slice(body).ok()?;
    let results = reply.get("results")?.as_array()?;
    results.iter().map(known_part).collect()
}

/// What this client understands of a verdict.
fn known_part(verdict: &Value) -> Option<Verdict> {
    fn part<T: serde::de::DeserializeOwned>(verdict: &Value, name: &str) -> Option<T> {
        serde_json::from_value(verdict.get(name)?.clone()).ok()
    }
    if !verdict.get("status")?.is_string() {
        return None;
    }
    Some(Verdict {
        status: part(verdict, "status").unwrap_or(Status::Rejected),
        id: part(verdict, "id"),
        position: part(verdict, "position"),
        code: part(verdict, "code"),
        violations: part(verdict, "violations").unwrap_or_default(),
        flags: part(verdict, "flags").unwrap_or_default(),
    })
}

/// What went wrong in the collector's own words, which never hold what was sent; not all of them, and on one
/// line.
pub(crate) fn problem(response: &Response) -> String {
    const LONGEST: usize = 300;
    match serde_json::from_slice::<Problem>(&response.body) {
        Ok(problem) => {
            let said = format!("{} ({}): {}", problem.title, response.status, problem.detail);
            let printable = said.chars().map(|char| if char.is_control() { ' ' } else { char });
            printable.take(LONGEST).collect()
        }
        Err(_) => format!("status {}", response.status),
    }
}

/// The same, with what programs can tell it by.
pub(crate) fn refused(response: &Response) -> QueryError {
    let told = serde_json::from_slice::<Problem>(&response.body).ok();
    let report = serde_json::from_slice::<Reported>(&response.body).ok();
    let code = |problem: &Problem| problem.r#type.rsplit('/').next().map(str::to_owned);
    QueryError::Refused(Box::new(Refused {
        status: Some(response.status),
        code: told.as_ref().and_then(code),
        place: told.and_then(|problem| problem.pointer.or(problem.parameter)),
        message: problem(response),
        report: report.and_then(|reported| reported.report),
    }))
}

/// What a problem says besides of what was done.
#[derive(serde::Deserialize)]
struct Reported {
    report: Option<Value>,
}

/// Source: RFC 9110, section 10.2.3: seconds, or a date.
fn retry_after(text: &str, now: SystemTime) -> Option<Duration> {
    if let Ok(seconds) = text.trim().parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = httpdate::parse_http_date(text.trim()).ok()?;
    Some(date.duration_since(now).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;

    fn answer(status: u16, body: &str) -> Outcome {
        let response = Response {
            status,
            body: Bytes::copy_from_slice(body.as_bytes()),
            retry_after: Some("7".into()),
            etag: None,
        };
        outcome(Ok(response), 1, SystemTime::UNIX_EPOCH)
    }

    #[test]
    fn every_status_has_a_meaning() {
        let seven = Some(Duration::from_secs(7));
        assert!(
            matches!(answer(200, r#"{"results":[{"status":"stored"}]}"#), Outcome::Verdicts(all) if all.len() == 1)
        );
        for body in ["{}", r#"{"results":[]}"#, r#"{"results":[{}]}"#, r#"{"results":[{"sta"#] {
            let Outcome::Again(again) = answer(200, body) else {
                panic!("{body}")
            };
            assert_eq!((again.after, again.suspect), (seven, false), "{body}");
        }
        for body in ["", "[]", "<html>"] {
            assert!(
                matches!(answer(200, body), Outcome::Paused(Pause::NoCollector(200))),
                "{body}"
            );
        }
        for status in [408, 425, 429, 502, 503, 504, 507, 520] {
            let Outcome::Again(again) = answer(status, "") else {
                panic!("{status}")
            };
            assert_eq!(
                (again.after, again.suspect),
                (seven, [502, 504].contains(&status)),
                "{status}"
            );
        }
        assert!(matches!(answer(500, ""), Outcome::Failed(_)));
        assert!(matches!(answer(413, ""), Outcome::TooLarge));
        assert!(matches!(answer(415, ""), Outcome::NotCompressed));
        for status in [400, 422] {
            assert!(matches!(answer(status, ""), Outcome::Refused { .. }), "{status}");
        }
        assert!(matches!(answer(401, ""), Outcome::Paused(Pause::Unauthenticated)));
        assert!(matches!(answer(403, ""), Outcome::Paused(Pause::Forbidden)));
        for status in [100, 301, 302, 404, 405, 410] {
            assert!(
                matches!(answer(status, ""), Outcome::Paused(Pause::NoCollector(told)) if told == status),
                "{status}"
            );
        }
        let broken = outcome(Err(TransportError::new("cut")), 1, SystemTime::UNIX_EPOCH);
        let Outcome::Again(again) = broken else { panic!() };
        assert_eq!((again.after, again.why.as_str(), again.suspect), (None, "cut", false));
    }

    #[test]
    fn words_of_a_later_collector_are_no_reason_to_send_again() {
        let body = r#"{"results":[{"status":"quarantined","id":"a","code":"from_the_future","violations":[{"x":1}]}]}"#;
        let Outcome::Verdicts(verdicts) = answer(200, body) else {
            panic!()
        };
        assert_eq!((verdicts[0].status, verdicts[0].code), (Status::Quarantined, None));
        assert_eq!(verdicts[0].id.as_ref().unwrap().as_str(), "a");
        let Outcome::Verdicts(verdicts) = answer(200, r#"{"results":[{"status":"postponed"}]}"#) else {
            panic!()
        };
        assert_eq!(verdicts[0].status, Status::Rejected);
    }

    #[test]
    fn the_time_to_wait_is_seconds_or_a_date() {
        let now = httpdate::parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT").unwrap();
        assert_eq!(retry_after(" 12 ", now), Some(Duration::from_secs(12)));
        assert_eq!(
            retry_after("Sun, 06 Nov 1994 08:49:40 GMT", now),
            Some(Duration::from_secs(3))
        );
        assert_eq!(retry_after("Sun, 06 Nov 1994 08:49:00 GMT", now), Some(Duration::ZERO));
        assert_eq!(retry_after("soon", now), None);
    }
}
