//! The first page: what came in of late, what did not, and how to begin.

use event_core::{Code, StoredEvent};
use event_store::MetricRecord;
use event_store::loss::ReportedLoss;
use event_store::project::ProjectionStatus;
use maud::{Markup, html};

use super::chart::Chart;
use super::followers;
use super::latest;
use super::layout::{Frame, Tab};
use super::losses;
use super::place;
use super::text::{encoded, shortened};
use crate::link::LinkState;

/// As much of a session's id as fits beside its count.
const SESSION_CHARACTERS: usize = 24;

/// What the page shows.
pub(crate) struct Overview {
    /// The collector's own URL, fit for a shell.
    pub(crate) address: String,
    /// Today's date, in UTC.
    pub(crate) today: String,
    /// When the last day began, to the hour.
    pub(crate) since: String,
    /// Events of the last hour, a minute a column, by type.
    pub(crate) minutes: Chart,
    pub(crate) types: Vec<TypeCount>,
    /// Those that have sent most in the last day.
    pub(crate) sources: Vec<Count>,
    /// Those in which most happened in the last hour.
    pub(crate) sessions: Vec<Count>,
    /// The place in the log behind which events are new to who looks.
    pub(crate) head: i64,
    pub(crate) latest: Vec<StoredEvent>,
    pub(crate) refused: Vec<Refused>,
    pub(crate) lost: Lost,
    pub(crate) metrics: Vec<MetricRecord>,
    pub(crate) projections: Vec<ProjectionStatus>,
    pub(crate) links: Vec<(&'static str, LinkState)>,
}

/// How many events of a type occurred.
pub(crate) struct TypeCount {
    pub(crate) category: String,
    pub(crate) name: String,
    pub(crate) hour: String,
    pub(crate) day: String,
}

/// How many events something has.
pub(crate) struct Count {
    pub(crate) name: String,
    pub(crate) events: String,
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
    /// Whether there is more.
    pub(crate) more: bool,
}

/// The whole page.
pub(crate) fn render(overview: &Overview, visitor: Option<&str>) -> String {
    let frame = Frame {
        title: "event",
        tab: Some(Tab::Overview),
        up: "",
        visitor,
    };
    frame.around(&html! {
        h1 { "Overview" }
        p.lead { "Events are collected, judged and stored here, and counted exactly." }
        div.sheets {
            @if overview.latest.is_empty() { (lines(overview)) }
            section.wide aria-labelledby="minutes" data-fresh="minutes" {
                h2 #minutes { "The last hour" }
                (overview.minutes.draw())
            }
            div.stack data-fresh="counts" {
                (types(&overview.types, &overview.since))
                (sources(&overview.sources, &overview.since))
            }
            div.stack data-fresh="others" {
                (refused(&overview.refused))
                (lost(&overview.lost))
                (sessions(&overview.sessions))
                @if !overview.projections.is_empty() { (followers::projections(&overview.projections)) }
                @if !overview.links.is_empty() { (followers::links(&overview.links)) }
                @if !overview.metrics.is_empty() { (metrics(&overview.metrics)) }
            }
            (latest(&overview.latest, overview.head))
            @if !overview.latest.is_empty() { (lines(overview)) }
        }
    })
}

fn types(types: &[TypeCount], since: &str) -> Markup {
    let link = |count: &TypeCount| {
        let [from, category, name] = [since, &count.category, &count.name].map(encoded);
        format!("explore?measure=count&bucket=hour&from={from}&category={category}&name={name}")
    };
    html! {
        section {
            h2 { "Events by type" }
            @if types.is_empty() {
                p.none { "No event occurred in the last day." }
            } @else {
                table {
                    caption.unseen { "How many events of each type occurred" }
                    thead { tr { th scope="col" { "Type" } th.number scope="col" { "Last hour" } th.number scope="col" { "Last day" } } }
                    tbody {
                        @for count in types {
                            tr {
                                td.text { a href=(link(count)) { (count.category) " / " (count.name) } }
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
                    caption.unseen { "How often events were refused, by reason" }
                    thead { tr { th scope="col" { "Reason" } th.number scope="col" { "Times" } } }
                    tbody {
                        @for Refused { code, times } in refused {
                            tr {
                                td { a href={ "refused?code=" (code) } { code { (code) } } }
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
        section {
            h2 { "Reported lost" }
            @if lost.losses.is_empty() {
                p.none { "No client reported losses of the last day." }
            } @else {
                (losses::table(&lost.losses))
                @if lost.more { p.none { "These are the latest. " a href="losses" { "All of the last week" } } }
            }
        }
    }
}

fn metrics(metrics: &[MetricRecord]) -> Markup {
    html! {
        section {
            h2 { "Metrics" }
            table {
                caption.unseen { "What is counted ahead, and how far" }
                thead { tr { th scope="col" { "Metric" } th scope="col" { "Type" } th scope="col" { "Ready" } } }
                tbody {
                    @for MetricRecord { metric, ready, built, since, .. } in metrics {
                        tr {
                            td { a href=(place::one_of("v1/metrics", [metric.label().as_str()])) { (metric.label()) } }
                            td.type { (metric.event_type().category) " / " (metric.event_type().name) }
                            td { @if *ready { "yes" } @else { "counted " (built) " of " (since) } }
                        }
                    }
                }
            }
        }
    }
}

fn sources(sources: &[Count], since: &str) -> Markup {
    let link = |source: &str| {
        let [from, named] = [since, source].map(encoded);
        html! { a href={ "explore?measure=count&by=category&by=name&bucket=hour&from=" (from) "&source=" (named) } { (source) } }
    };
    html! {
        section {
            h2 { "Sources of the last day" }
            (counts(sources, "How many events each source has sent", "Source", link))
        }
    }
}

fn sessions(sessions: &[Count]) -> Markup {
    let link = |session: &str| {
        html! { a href=(place::session(session)) { (shortened(session, SESSION_CHARACTERS)) } }
    };
    html! {
        section {
            h2 { "Sessions of the last hour" }
            (counts(sessions, "How many events each session has", "Session", link))
        }
    }
}

fn counts(counts: &[Count], caption: &str, title: &str, shown: impl Fn(&str) -> Markup) -> Markup {
    html! {
        @if counts.is_empty() {
            p.none { "There are none." }
        } @else {
            table {
                caption.unseen { (caption) }
                thead { tr { th scope="col" { (title) } th.number scope="col" { "Events" } } }
                tbody {
                    @for Count { name, events } in counts {
                        tr {
                            td.text { (shown(name)) }
                            td.number { (events) }
                        }
                    }
                }
            }
        }
    }
}

fn latest(events: &[StoredEvent], head: i64) -> Markup {
    html! {
        section.wide {
            div.title {
                h2 { "Latest events" }
                p #live .none role="status" {}
            }
            @if events.is_empty() {
                p.none #nothing { "No event is stored yet: paste the lines above into a shell." }
            }
            table.latest {
                caption.unseen { "Events, the latest first" }
                thead {
                    tr {
                        th scope="col" { "Occurred at, UTC" }
                        th scope="col" { "Type" }
                        th scope="col" { "Source" }
                        th scope="col" { "Session" }
                        th scope="col" { "Data" }
                    }
                }
                tbody data-after=(head) { (latest::rows(events)) }
            }
        }
    }
}

/// How to begin, for whoever has not begun; for others, folded.
fn lines(overview: &Overview) -> Markup {
    let Overview { address, today, .. } = overview;
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
            details open[overview.latest.is_empty()] {
                summary { h2 { "Try it" } }
                @for (title, line) in &lines {
                    h3 { (title) }
                    pre { code { (line) } }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::page::chart::{Form, Series};
    use event_core::event::Reception;
    use event_core::{Event, EventId, Source};

    const HOSTILE: &str = "<img src=x onerror=alert(1)></script><script>alert(1)</script>\u{2028}{{7*7}}\"'";

    fn minutes(name: &str) -> Chart {
        Chart {
            title: "Events a minute".to_owned(),
            form: Form::Columns,
            buckets: vec!["09:00".to_owned()],
            series: vec![Series {
                name: name.to_owned(),
                values: vec![Some(1.0)],
            }],
        }
    }

    fn count() -> Count {
        Count {
            name: HOSTILE.to_owned(),
            events: "3".to_owned(),
        }
    }

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
        let overview = Overview {
            address: "http://127.0.0.1:8000".to_owned(),
            today: "2026-01-01".to_owned(),
            since: "2026-01-01T00:00:00Z".to_owned(),
            minutes: minutes(HOSTILE),
            sources: vec![count()],
            sessions: vec![count()],
            head: 7,
            types: vec![TypeCount {
                category: HOSTILE.to_owned(),
                name: HOSTILE.to_owned(),
                hour: "1".to_owned(),
                day: "2".to_owned(),
            }],
            latest: vec![stored("<script>", HOSTILE)],
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
                more: true,
            },
            metrics: Vec::new(),
            projections: Vec::new(),
            links: Vec::new(),
        };
        let page = render(&overview, None);
        for tag in ["<script>alert", "<img", "<b>", "<id>", "<source>", "onerror=\""] {
            assert!(!page.contains(tag), "{tag}");
        }
        assert!(page.contains("&lt;img src=x onerror=alert(1)&gt;"));
        assert!(page.contains("{{7*7}}"));
        assert!(page.contains("<td>&lt;b&gt;</td><td><code>&lt;script&gt;</code></td><td class=\"number\">37</td>"));
        assert!(page.contains("href=\"losses\">All") && page.contains("<details><summary>"));
    }

    #[test]
    fn an_empty_collector_greets() {
        let overview = Overview {
            address: "http://127.0.0.1:8000".to_owned(),
            today: "2026-01-01".to_owned(),
            since: "2026-01-01T00:00:00Z".to_owned(),
            minutes: Chart {
                series: Vec::new(),
                ..minutes("")
            },
            sources: Vec::new(),
            sessions: Vec::new(),
            head: 0,
            types: Vec::new(),
            latest: Vec::new(),
            refused: Vec::new(),
            lost: Lost {
                losses: Vec::new(),
                more: false,
            },
            metrics: Vec::new(),
            projections: Vec::new(),
            links: Vec::new(),
        };
        let page = render(&overview, None);
        assert!(page.contains("No event is stored yet"));
        assert!(page.contains("No client reported losses") && page.contains("<details open>"));
        assert_eq!(page.matches("curl ").count(), 5);
    }
}
