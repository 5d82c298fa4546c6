//! Settings as text: sizes, times, choices.

use std::net::SocketAddr;
use std::time::Duration;

use axum::http::{HeaderValue, Uri};
use chrono_tz::Tz;
use event_core::policy::UnknownTypes;
use event_core::{Label, Source};
use event_store::Durability;

use super::ConfigError;
use super::database::DatabaseUrl;
use super::first_key::FirstKey;
use super::kurrent::KurrentUrl;

/// How log lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LogFormat {
    /// For people.
    Text,
    /// For machines: one JSON object a line.
    Json,
}

/// From which level on a line is logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LogLevel {
    /// Nothing at all.
    Off,
    /// What needs somebody's attention.
    Error,
    /// What may need it.
    Warn,
    /// A line a request, too.
    Info,
    /// What helps to find a fault.
    Debug,
}

/// Chooses by name.
fn choice<T: Copy>(text: &str, choices: &[(&str, T)]) -> Result<T, String> {
    let found = choices.iter().find(|(name, _)| *name == text);
    found.map(|(_, choice)| *choice).ok_or_else(|| {
        let names: Vec<&str> = choices.iter().map(|(name, _)| *name).collect();
        format!("this is one of {}", names.join(", "))
    })
}

pub(super) fn database_url(text: &str) -> Result<DatabaseUrl, String> {
    text.parse().map_err(|error: ConfigError| error.message)
}

pub(super) fn first_key(text: &str) -> Result<Option<FirstKey>, String> {
    Ok((!text.is_empty()).then(|| FirstKey::new(text)))
}

/// What stands between commas.
fn listed(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim).filter(|part| !part.is_empty())
}

/// `events.example, collector.example`
pub(super) fn hosts(text: &str) -> Result<Vec<String>, String> {
    listed(text)
        .map(|host| match host.contains(['/', ':', '@', '*']) {
            true => Err(format!("{host:?} is no name: write events.example")),
            false => Ok(host.to_owned()),
        })
        .collect()
}

/// `https://shop.example, http://localhost:3000`: as browsers send them, and never all there are.
pub(super) fn origins(text: &str) -> Result<Vec<HeaderValue>, String> {
    listed(text)
        .map(|origin| {
            let wrong = || format!("{origin:?} is no origin: write https://shop.example, or http://localhost:3000");
            let place: Uri = origin.parse().map_err(|_| wrong())?;
            let authority = place
                .authority()
                .map(|authority| authority.as_str())
                .unwrap_or_default();
            let scheme = place.scheme_str().filter(|scheme| ["http", "https"].contains(scheme));
            let whole = scheme.map(|scheme| format!("{scheme}://{authority}"));
            let exact =
                whole.filter(|whole| whole == origin && *whole == whole.to_ascii_lowercase() && !whole.contains('@'));
            exact
                .and_then(|whole| HeaderValue::try_from(whole).ok())
                .ok_or_else(wrong)
        })
        .collect()
}

/// `http://127.0.0.1:4318`: without a name and a password, which are secrets, and have a place elsewhere.
pub(super) fn endpoint(text: &str) -> Result<Option<Uri>, String> {
    if text.is_empty() {
        return Ok(None);
    }
    let place: Option<Uri> = text.parse().ok();
    let place = place.filter(|place| {
        let known = place
            .scheme_str()
            .is_some_and(|scheme| ["http", "https"].contains(&scheme));
        let plain = place
            .authority()
            .is_some_and(|authority| !authority.as_str().contains('@'));
        known && plain && place.query().is_none()
    });
    let wrong = "this is a URL of http: or https:, say http://127.0.0.1:4318, without a user and a query";
    place.map(Some).ok_or_else(|| wrong.to_owned())
}

pub(super) fn text(text: &str) -> Result<String, String> {
    Ok(text.to_owned())
}

pub(super) fn address(text: &str) -> Result<SocketAddr, String> {
    text.parse()
        .map_err(|_| "this is an address and a port, say 127.0.0.1:8000".to_owned())
}

pub(super) fn count(text: &str) -> Result<usize, String> {
    let count = text.parse().ok().filter(|count| *count > 0);
    count.ok_or_else(|| "this is a number from 1 on".to_owned())
}

pub(super) fn count_or_auto(text: &str) -> Result<Option<usize>, String> {
    match text {
        "auto" => Ok(None),
        _ => count(text).map(Some).map_err(|problem| format!("{problem}, or auto")),
    }
}

pub(super) fn depth(text: &str) -> Result<usize, String> {
    let depth = count(text).ok().filter(|depth| *depth <= 100);
    depth.ok_or_else(|| "this is a number from 1 to 100".to_owned())
}

/// `65536`, `64KiB`, `5 MiB`.
pub(super) fn bytes(text: &str) -> Result<usize, String> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let factor = match unit.trim_start() {
        "" | "B" => Some(1),
        "KiB" => Some(1 << 10),
        "MiB" => Some(1 << 20),
        "GiB" => Some(1 << 30),
        _ => None,
    };
    let bytes = number
        .parse::<usize>()
        .ok()
        .zip(factor)
        .and_then(|(number, factor)| number.checked_mul(factor))
        .filter(|bytes| *bytes > 0);
    bytes.ok_or_else(|| "this is a size, say 5MiB, 256KiB or 4096".to_owned())
}

/// `10s`, `500ms`, `2m`.
pub(super) fn time(text: &str) -> Result<Duration, String> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let millis = match unit.trim_start() {
        "ms" => Some(1),
        "s" => Some(1_000),
        "m" => Some(60_000),
        _ => None,
    };
    let time = number
        .parse::<u64>()
        .ok()
        .zip(millis)
        .and_then(|(number, millis)| number.checked_mul(millis))
        .filter(|millis| (1..=86_400_000).contains(millis))
        .map(Duration::from_millis);
    time.ok_or_else(|| "this is a time up to a day, say 10s, 500ms or 2m".to_owned())
}

pub(super) fn seconds(text: &str) -> Result<u32, String> {
    let seconds = match text.strip_suffix('s').unwrap_or(text) {
        "0" => Some(0),
        _ => time(text).ok().and_then(|time| u32::try_from(time.as_secs()).ok()),
    };
    seconds.ok_or_else(|| "this is a time up to a day, say 300s, 5m or 0s".to_owned())
}

pub(super) fn durability(text: &str) -> Result<Durability, String> {
    choice(text, &[("full", Durability::Full), ("normal", Durability::Normal)])
}

pub(super) fn unknown_types(text: &str) -> Result<UnknownTypes, String> {
    let choices = [
        ("store", UnknownTypes::Store),
        ("quarantine", UnknownTypes::Quarantine),
        ("reject", UnknownTypes::Reject),
    ];
    choice(text, &choices)
}

pub(super) fn source(text: &str) -> Result<Source, String> {
    Source::new(text).map_err(|error| error.to_string())
}

pub(super) fn label(text: &str) -> Result<Option<Label>, String> {
    let label = (!text.is_empty()).then(|| Label::new(text)).transpose();
    label.map_err(|error| error.to_string())
}

pub(super) fn kurrent_url(text: &str) -> Result<Option<KurrentUrl>, String> {
    (!text.is_empty()).then(|| KurrentUrl::parse(text)).transpose()
}

pub(super) fn zone(text: &str) -> Result<Tz, String> {
    text.parse()
        .map_err(|_| "this is the name of a time zone, say Europe/Paris".to_owned())
}

pub(super) fn log_format(text: &str) -> Result<LogFormat, String> {
    choice(text, &[("text", LogFormat::Text), ("json", LogFormat::Json)])
}

pub(super) fn log_level(text: &str) -> Result<LogLevel, String> {
    let choices = [
        ("off", LogLevel::Off),
        ("error", LogLevel::Error),
        ("warn", LogLevel::Warn),
        ("info", LogLevel::Info),
        ("debug", LogLevel::Debug),
    ];
    choice(text, &choices)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_times_have_units() {
        assert_eq!(bytes("5MiB"), Ok(5 << 20));
        assert_eq!(bytes("64 KiB"), Ok(65_536));
        assert_eq!(bytes("7"), Ok(7));
        assert_eq!(time("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(time("2m"), Ok(Duration::from_secs(120)));
        assert_eq!(seconds("0s"), Ok(0));
        assert_eq!(seconds("5m"), Ok(300));
        for text in [
            "",
            "0",
            "-1",
            "5MB",
            "1e3",
            "MiB",
            "99999999999999999999",
            "18446744073709551615GiB",
        ] {
            assert!(bytes(text).is_err(), "{text}");
        }
        for text in ["", "10", "0s", "1h", "-1s", "86401s", "99999999999999999999s"] {
            assert!(time(text).is_err(), "{text}");
        }
    }

    #[test]
    fn traces_go_to_a_place_without_secrets() {
        assert_eq!(endpoint(""), Ok(None));
        for fit in [
            "http://127.0.0.1:4318",
            "https://otel.example/prefix/",
            "http://[::1]:4318",
        ] {
            assert!(endpoint(fit).is_ok_and(|place| place.is_some()), "{fit}");
        }
        for unfit in [
            "127.0.0.1:4318",
            "grpc://otel:4317",
            "http://ann:secret@otel",
            "http://otel/?key=secret",
            "http://",
        ] {
            assert!(
                endpoint(unfit).is_err_and(|message| !message.contains("secret")),
                "{unfit}"
            );
        }
    }

    #[test]
    fn origins_are_whole_and_nothing_else() {
        let two = origins("https://shop.example, http://localhost:3000").unwrap();
        assert_eq!(two, ["https://shop.example", "http://localhost:3000"]);
        assert_eq!(origins("").map(|none| none.len()), Ok(0));
        for wrong in [
            "*",
            "null",
            "shop.example",
            "https://",
            "https://shop.example/",
            "https://shop.example/path",
            "https://ann@shop.example",
            "https://Shop.example",
            "ftp://shop.example",
            "https://shop.example https://bank.example",
        ] {
            assert!(origins(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn choices_are_told() {
        assert_eq!(log_format("yaml"), Err("this is one of text, json".to_owned()));
        assert_eq!(durability("normal").ok().map(|_| ()), Some(()));
        assert!(unknown_types("drop").is_err());
        assert!(depth("101").is_err() && depth("0").is_err() && depth("100").is_ok());
    }
}
