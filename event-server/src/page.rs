//! The page at `/`: plain HTML, without scripts, and escaped, for events may hold anything.

use event_core::{Code, StoredEvent};
use event_store::MetricRecord;
use event_store::loss::ReportedLoss;
use maud::{DOCTYPE, Markup, html};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

/// The page's style, served beside it so that the page needs no inline style.
pub(crate) const STYLE_SHEET: &str = include_str!("page/page.css");

/// A green dot, without a request.
const ICON: &str = "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 8 8'%3E\
                    %3Ccircle cx='4' cy='4' r='3' fill='%232a9d8f'/%3E%3C/svg%3E";

/// As much of an event's data as fits into a line.
const DATA_CHARACTERS: usize = 160;

/// As much of a session's id as tells it from its neighbours.
const SESSION_CHARACTERS: usize = 8;

/// What the page shows.
pub(crate) struct Overview {
    /// The collector's own URL, fit for a shell.
    pub(crate) address: String,
    /// Today's date, in UTC.
    pub(crate) today: String,
    pub(crate) types: Vec<TypeCount>,
    pub(crate) latest: Vec<StoredEvent>,
    pub(crate) refused: Vec<Refused>,
    pub(crate) lost: Lost,
    pub(crate) metrics: Vec<MetricRecord>,
}

/// How many events of a type occurred.
pub(crate) struct TypeCount {
    pub(crate) category: String,
    pub(crate) name: String,
    pub(crate) hour: String,
    pub(crate) day: String,
}

/// How often events were refused for a reason.
pub(crate) struct Refused {
    pub(crate) code: Code,
    pub(crate) times: i64,
}

/// What clients reported as lost of late.
pub(crate) struct Lost {
    /// The latest hour first.
    pub(crate) losses: Vec<ReportedLoss>,
    /// Where the rest is listed, if this is not all.
    pub(crate) more: Option<String>,
}

/// The whole page.
pub(crate) fn render(overview: &Overview) -> String {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { "event" }
                link rel="icon" href=(ICON);
                link rel="stylesheet" href="page.css";
            }
            body {
                header {
                    h1 { "event" }
                    p { "Events are collected, judged and stored here, and counted exactly." }
                }
                main {
                    (types(&overview.types))
                    (refused(&overview.refused))
                    (lost(&overview.lost))
                    @if !overview.metrics.is_empty() { (metrics(&overview.metrics)) }
                    (latest(&overview.latest))
                    (lines(&overview.address, &overview.today))
                }
            }
        }
    };
    page.into_string()
}

fn types(types: &[TypeCount]) -> Markup {
    html! {
        section {
            h2 { "Events by type" }
            @if types.is_empty() {
                p.none { "No event occurred in the last day." }
            } @else {
                table {
                    thead { tr { th scope="col" { "Category" } th scope="col" { "Name" } th.number scope="col" { "Last hour" } th.number scope="col" { "Last day" } } }
                    tbody {
                        @for count in types {
                            tr {
                                td { (count.category) }
                                td { (count.name) }
                                td.number { (count.hour) }
                                td.number { (count.day) }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn refused(refused: &[Refused]) -> Markup {
    html! {
        section {
            h2 { "Refused" }
            @if refused.is_empty() {
                p.none { "Nothing was refused." }
            } @else {
                table {
                    thead { tr { th scope="col" { "Reason" } th.number scope="col" { "Times" } } }
                    tbody {
                        @for Refused { code, times } in refused {
                            tr {
                                td { a href={ "v1/quarantine?code=" (code) } { code { (code) } } }
                                td.number { (times) }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn lost(lost: &Lost) -> Markup {
    html! {
        section.wide {
            h2 { "Reported lost" }
            @if lost.losses.is_empty() {
                p.none { "No client reported losses of the last day." }
            } @else {
                ul {
                    @for ReportedLoss { source, hour, reason, events } in &lost.losses {
                        li {
                            (events) " reported lost by " (source) " in hour " (to_the_minute(&hour.to_string()))
                            " UTC (" (reason) ")"
                        }
                    }
                }
                @if let Some(more) = &lost.more { p.none { "This is not all: " a href=(more) { "the whole day" } } }
            }
        }
    }
}

fn metrics(metrics: &[MetricRecord]) -> Markup {
    html! {
        section {
            h2 { "Metrics" }
            table {
                thead { tr { th scope="col" { "Metric" } th scope="col" { "Type" } th scope="col" { "Ready" } } }
                tbody {
                    @for MetricRecord { metric, ready, built, since, .. } in metrics {
                        tr {
                            td { a href={ "v1/metrics/" (encoded(metric.label().as_str())) } { (metric.label()) } }
                            td.type { (metric.event_type().category) " / " (metric.event_type().name) }
                            td { @if *ready { "yes" } @else { "counted " (built) " of " (since) } }
                        }
                    }
                }
            }
        }
    }
}

fn latest(latest: &[StoredEvent]) -> Markup {
    html! {
        section.wide {
            h2 { "Latest events" }
            @if latest.is_empty() {
                p.none { "No event is stored yet: paste the lines below into a shell." }
            } @else {
                table {
                    thead { tr { th scope="col" { "Occurred at, UTC" } th scope="col" { "Type" } th scope="col" { "Session" } th scope="col" { "Data" } } }
                    tbody { @for event in latest { (row(event)) } }
                }
            }
        }
    }
}

fn row(stored: &StoredEvent) -> Markup {
    let envelope = stored.event.envelope();
    let id = encoded(envelope.id.as_str());
    let source = encoded(envelope.source.as_str());
    let occurred_at = envelope.occurred_at.to_string();
    html! {
        tr {
            td {
                a href={ "v1/events/" (id) "?source=" (source) } {
                    time datetime=(envelope.occurred_at) title=(envelope.occurred_at) { (to_the_second(&occurred_at)) }
                }
            }
            td.type { (envelope.event_type.category) " / " (envelope.event_type.name) }
            td.session {
                @if let Some(session) = &envelope.session_id {
                    a href={ "v1/sessions/" (encoded(session.as_str())) } { (shortened(session.as_str(), SESSION_CHARACTERS)) }
                }
            }
            td.data { code { (shortened(stored.event.payload().as_str(), DATA_CHARACTERS)) } }
        }
    }
}

fn lines(address: &str, today: &str) -> Markup {
    let json = "-H 'content-type: application/json'";
    let lines = [
        (
            "Say what a pageview is like",
            format!(
                "curl -X PUT '{address}/v1/types/page%20interaction/pageview/1' {json} \\\n  \
                 -d '{{\"schema\": {{\"type\": \"object\", \"required\": [\"path\"]}}}}'"
            ),
        ),
        (
            "Send one",
            format!(
                "curl '{address}/v1/events' {json} \\\n  \
                 -d '{{\"id\": \"e-1\", \"session_id\": \"s-1\", \"category\": \"page interaction\", \
                 \"name\": \"pageview\", \"data\": {{\"path\": \"/\"}}}}'"
            ),
        ),
        (
            "Send one that is wrong, and see why it is refused",
            format!(
                "curl '{address}/v1/events' {json} \\\n  \
                 -d '{{\"id\": \"e-2\", \"category\": \"page interaction\", \"name\": \"pageview\", \"data\": {{}}}}'"
            ),
        ),
        ("Ask for the session", format!("curl '{address}/v1/sessions/s-1'")),
        (
            "Ask for today's count by hour",
            format!("curl '{address}/v1/query?measure=count&by=name&bucket=hour&from={today}'"),
        ),
    ];
    html! {
        section.wide {
            h2 { "Try it" }
            @for (title, line) in &lines {
                h3 { (title) }
                pre { code { (line) } }
            }
        }
    }
}

/// `2026-01-01 09:15:27` of `2026-01-01T09:15:27.243860Z`.
fn to_the_second(time: &str) -> String {
    cut(time, 19)
}

/// `2026-01-01 09:15` of the same.
fn to_the_minute(time: &str) -> String {
    cut(time, 16)
}

fn cut(time: &str, characters: usize) -> String {
    time.chars()
        .take(characters)
        .map(|character| if character == 'T' { ' ' } else { character })
        .collect()
}

fn encoded(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

fn shortened(text: &str, characters: usize) -> String {
    match text.char_indices().nth(characters) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use event_core::event::Reception;
    use event_core::{Event, EventId, Source};

    fn stored(name: &str, text: &str) -> StoredEvent {
        let source = Source::new("<source>").unwrap();
        let received_at = "2026-01-01T00:00:00Z".parse().unwrap();
        let reception = Reception {
            received_at,
            source: &source,
            zone: chrono_tz::Tz::UTC,
            limits: event_core::Limits::default(),
            new_id: &|| EventId::new("<id>").unwrap(),
        };
        let event = Event::builder("<b>", name)
            .field("text", text)
            .build(&reception)
            .unwrap();
        StoredEvent {
            position: 1,
            received_at,
            event,
            violations: Vec::new(),
            upcast: None,
        }
    }

    #[test]
    fn whatever_events_hold_is_shown_and_never_obeyed() {
        let hostile = "<img src=x onerror=alert(1)></script><script>alert(1)</script>\u{2028}{{7*7}}\"'";
        let overview = Overview {
            address: "http://127.0.0.1:8000".to_owned(),
            today: "2026-01-01".to_owned(),
            types: vec![TypeCount {
                category: hostile.to_owned(),
                name: hostile.to_owned(),
                hour: "1".to_owned(),
                day: "2".to_owned(),
            }],
            latest: vec![stored("<script>", hostile)],
            refused: vec![Refused {
                code: Code::TooDeep,
                times: 3,
            }],
            lost: Lost {
                losses: vec![ReportedLoss {
                    source: Source::new("<b>").unwrap(),
                    hour: "2021-01-01T14:00:00Z".parse().unwrap(),
                    reason: event_core::Label::new("<script>").unwrap(),
                    events: 37,
                }],
                more: Some("v1/losses?from=2021-01-01T00:00:00Z".to_owned()),
            },
            metrics: Vec::new(),
        };
        let page = render(&overview);
        for tag in ["<script", "<img", "</script", "<b>", "<id>", "<source>", "onerror=\""] {
            assert!(!page.contains(tag), "{tag}");
        }
        assert!(page.contains("&lt;img src=x onerror=alert(1)&gt;"));
        assert!(page.contains("{{7*7}}"));
        assert!(page.contains("37 reported lost by &lt;b&gt; in hour 2021-01-01 14:00 UTC (&lt;script&gt;)"));
        assert!(page.contains("href=\"v1/losses?from=2021-01-01T00:00:00Z\""));
    }

    #[test]
    fn an_empty_collector_greets() {
        let overview = Overview {
            address: "http://127.0.0.1:8000".to_owned(),
            today: "2026-01-01".to_owned(),
            types: Vec::new(),
            latest: Vec::new(),
            refused: Vec::new(),
            lost: Lost {
                losses: Vec::new(),
                more: None,
            },
            metrics: Vec::new(),
        };
        let page = render(&overview);
        assert!(page.contains("No event is stored yet"));
        assert!(page.contains("No client reported losses"));
        assert_eq!(page.matches("curl ").count(), 5);
    }

    #[test]
    fn long_texts_are_cut_at_a_character() {
        assert_eq!(shortened("ééé", 2), "éé…");
        assert_eq!(shortened("éé", 2), "éé");
        assert_eq!(to_the_second("2026-01-01T09:15:27.243860Z"), "2026-01-01 09:15:27");
    }
}
