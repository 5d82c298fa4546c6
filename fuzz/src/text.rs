//! Words: whatever is read from one is written as one that is read as the same.

use std::fmt::{Debug, Display};
use std::str::FromStr;

use chrono_tz::Tz;
use event_core::aggregate::Sketch;
use event_core::decimal::Decimal;
use event_core::filter::Field;
use event_core::query::{Measure, Unit};
use event_core::upcaster::Target;
use event_core::{EventId, Label, Pointer, SessionId, Source, Subject, Timestamp};

pub(super) fn text(bytes: &[u8]) {
    if let Some(sketch) = Sketch::from_bytes(bytes) {
        assert_eq!(sketch.to_bytes(), bytes, "equal sketches have equal bytes");
    }
    let Ok(text) = str::from_utf8(bytes) else { return };
    same::<Timestamp>(text);
    same::<Decimal>(text);
    same::<Pointer>(text);
    same::<Field>(text);
    same::<Measure>(text);
    same::<EventId>(text);
    same::<SessionId>(text);
    same::<Source>(text);
    same::<Subject>(text);
    same::<Label>(text);
    let _ = text.parse::<Unit>();
    let _ = text.parse::<Target>();
    for zone in [Tz::UTC, Tz::Europe__Berlin, Tz::America__St_Johns] {
        if let Ok(at) = Timestamp::parse_in(text, zone) {
            assert_eq!(at.to_string().parse(), Ok(at));
        }
    }
}

fn same<T: FromStr<Err: Debug> + Display + Debug + PartialEq>(text: &str) {
    if let Ok(read) = text.parse::<T>() {
        let written = read.to_string();
        let again: T = written.parse().expect("a word that is not read again");
        assert_eq!(read, again, "{written}");
    }
}
