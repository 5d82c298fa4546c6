//! A question by a form, and its answer: drawn, as a table, as a link and as a line for a shell.

use maud::{Markup, html};

use super::chart::Chart;
use super::layout::{Frame, Tab};
use super::text::query;

/// What is measured, for those who do not know it by heart.
const MEASURES: [&str; 8] = [
    "count",
    "unique:session_id",
    "unique:subject",
    "sum:/value",
    "average:/value",
    "minimum:/value",
    "maximum:/value",
    "p95:/value",
];
const FIELDS: [&str; 6] = ["category", "name", "version", "source", "session_id", "subject"];
/// What the form always shows.
const ALWAYS: [&str; 5] = ["measure", "by", "bucket", "from", "to"];
const BUCKETS: [&str; 5] = ["minute", "hour", "day", "week", "month"];

/// What is asked, as it stands in the form, and what the answer is.
pub(crate) struct Explored {
    /// The parameters that are not empty, as they came.
    pub(crate) asked: Vec<(String, String)>,
    pub(crate) outcome: Outcome,
}

/// What became of a question.
pub(crate) enum Outcome {
    /// It is none, or none that can be answered: about which parameter, and why.
    Wrong {
        parameter: String,
        message: String,
    },
    Answered(Box<Answered>),
}

/// An answer, and where else it is to be had.
pub(crate) struct Answered {
    /// The question as parameters, not yet encoded.
    pub(crate) question: Vec<(String, String)>,
    /// The collector's own URL, fit for a shell.
    pub(crate) address: String,
    pub(crate) chart: Option<Chart>,
    /// The columns beside the value.
    pub(crate) columns: Vec<String>,
    pub(crate) rows: Vec<Row>,
    /// How many rows there are in all.
    pub(crate) count: usize,
    /// What was read for it.
    pub(crate) source: &'static str,
    /// How far the values may be off, where they are estimates.
    pub(crate) error: Option<String>,
}

/// A row of the table.
pub(crate) struct Row {
    pub(crate) columns: Vec<String>,
    /// How long it is beside the greatest, from 0 to 1; `None` where that says nothing.
    pub(crate) share: Option<f64>,
    pub(crate) value: String,
}

/// The whole page.
pub(crate) fn render(explored: &Explored, visitor: Option<&str>) -> String {
    let frame = Frame {
        title: "event: explore",
        tab: Some(Tab::Explore),
        up: "",
        visitor,
    };
    frame.around(&html! {
        h1 { "Explore" }
        div.sheets {
            section.wide aria-labelledby="question" {
                h2 #question { "Question" }
                (form(explored))
            }
            @match &explored.outcome {
                Outcome::Wrong { parameter, message } => {
                    section.wide role="alert" {
                        h2 { "This cannot be answered" }
                        p { @if !parameter.is_empty() { code { (parameter) } ": " } (message) }
                    }
                }
                Outcome::Answered(answered) => { (answer(answered)) }
            }
        }
    })
}

fn form(explored: &Explored) -> Markup {
    let value = |name: &str| {
        let found = explored.asked.iter().find(|(known, _)| known == name);
        found.map_or("", |(_, value)| value.as_str())
    };
    let mut by = explored
        .asked
        .iter()
        .filter(|(name, _)| name == "by")
        .map(|(_, value)| value.as_str());
    let (first, second) = (by.next().unwrap_or_default(), by.next().unwrap_or_default());
    html! {
        form.question method="get" action="explore" {
            (input("Measure", "measure", value("measure"), Some("measures")))
            (input("By", "by", first, Some("fields")))
            (input("and by", "by", second, Some("fields")))
            // What the form has no room for is asked again, too.
            @for field in by { input type="hidden" name="by" value=(field); }
            label {
                span { "Bucket" }
                select name="bucket" {
                    option value="" { "none" }
                    @for unit in BUCKETS { option value=(unit) selected[value("bucket") == unit] { (unit) } }
                }
            }
            (input("From", "from", value("from"), None))
            (input("To", "to", value("to"), None))
            // Open where one of them says something, so that nothing is asked that is not seen.
            details open[explored.asked.iter().any(|(name, _)| !ALWAYS.contains(&name.as_str()))] {
                summary { "Only some events, and more" }
                div.question {
                    @for field in FIELDS { (input(&format!("Only {}", field.replace('_', " ")), field, value(field), None)) }
                    @for (name, value) in others(&explored.asked) { (input(&format!("Only {name}"), name, value, None)) }
                    (input("Place in the data", "pointer", "", None))
                    (input("What is there", "value", "", None))
                    (input("Only the greatest", "top", value("top"), None))
                    (input("Time zone", "zone", value("zone"), None))
                }
            }
            button type="submit" { "Ask" }
            datalist #measures { @for measure in MEASURES { option value=(measure) {} } }
            datalist #fields { @for field in FIELDS { option value=(field) {} } }
        }
        p.none {
            "A place in the data is a JSON pointer, as " code { "/shipping_address/province" } ". Times are as "
            code { "2026-03-29" } " or " code { "2026-03-29T14:00:00Z" } "; dates are those of the zone."
        }
    }
}

fn input(title: &str, name: &str, value: &str, list: Option<&str>) -> Markup {
    html! {
        label {
            span { (title) }
            input type="text" name=(name) value=(value) list=[list] autocomplete="off" spellcheck="false";
        }
    }
}

/// Filters that the form has no fields for: places in the data, and texts inside of others.
fn others(asked: &[(String, String)]) -> impl Iterator<Item = (&str, &str)> {
    let pairs = asked.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    pairs.filter(|(name, _)| name.starts_with('/') || name.contains('.'))
}

fn answer(answered: &Answered) -> Markup {
    let query = query(&answered.question);
    let line = format!("curl '{}/v1/query?{query}'", answered.address);
    html! {
        section.wide aria-labelledby="answer" {
            h2 #answer { "Answer" }
            @if let Some(chart) = &answered.chart {
                (chart.draw())
                // What is drawn is told a second time, for who wants to know it exactly.
                details {
                    summary { "The same in numbers: " (answered.count) @if answered.count == 1 { " row" } @else { " rows" } }
                    (table(answered))
                }
            } @else {
                (table(answered))
            }
            p.none {
                "From " (answered.source) "; "
                @if let Some(error) = &answered.error { "estimated, with a standard error of " (error) " of each value." }
                @else { "exact." }
            }
        }
        section.wide aria-labelledby="again" {
            h2 #again { "The same again" }
            p {
                a href={ "explore?" (query) } { "This page" } " · "
                a href={ "v1/query?" (query) } { "The answer as JSON" }
            }
            pre tabindex="0" role="group" aria-label="A line for a shell" { code { (line) } }
        }
    }
}

fn table(answered: &Answered) -> Markup {
    html! {
        @if answered.rows.is_empty() {
            p.none { "Nothing happened that this asks for." }
        } @else {
            table {
                caption.unseen { "The values of the answer" }
                thead {
                    tr {
                        @for column in &answered.columns { th scope="col" { (column) } }
                        th.number scope="col" { "Value" }
                    }
                }
                tbody {
                    @for row in &answered.rows {
                        tr {
                            @for column in &row.columns { td.text { (column) } }
                            td.number {
                                @if let Some(share) = row.share { meter min="0" max="1" value=(share) aria-hidden="true" {} }
                                span { (row.value) }
                            }
                        }
                    }
                }
            }
            @if answered.rows.len() < answered.count {
                p.none { "These are the first " (answered.rows.len()) " of " (answered.count) " rows; the JSON has all of them." }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOSTILE: &str = "'\"><script>alert(1)</script>";

    fn pair(name: &str, value: &str) -> (String, String) {
        (name.to_owned(), value.to_owned())
    }

    #[test]
    fn the_form_holds_what_was_asked() {
        let asked = ["measure", "by", "by", "by", "/a", "contains./b", "source"].map(|name| pair(name, HOSTILE));
        let outcome = Outcome::Wrong {
            parameter: "measure".to_owned(),
            message: HOSTILE.to_owned(),
        };
        let page = render(
            &Explored {
                asked: asked.into(),
                outcome,
            },
            None,
        );
        assert!(!page.contains("<script>"));
        assert_eq!(page.matches("name=\"by\"").count(), 3);
        assert_eq!(page.matches("&quot;&gt;&lt;script").count(), 8);
        assert!(page.contains("role=\"alert\""));
    }

    #[test]
    fn an_answer_is_told_where_else_it_is() {
        let answered = Answered {
            question: vec![pair("measure", "count"), pair("name", HOSTILE)],
            address: "http://localhost:8000".to_owned(),
            chart: None,
            columns: vec!["name".to_owned()],
            rows: vec![Row {
                columns: vec![HOSTILE.to_owned()],
                share: Some(1.0),
                value: "3".to_owned(),
            }],
            count: 2,
            source: "rows",
            error: None,
        };
        let page = render(
            &Explored {
                asked: Vec::new(),
                outcome: Outcome::Answered(Box::new(answered)),
            },
            None,
        );
        assert!(!page.contains("<script>"));
        // Nothing that a shell would take for the end of the quotes.
        assert!(page.contains("curl 'http://localhost:8000/v1/query?measure=count&amp;name=%27%22%3E%3Cscript%3E"));
        assert!(page.contains("the first 1 of 2 rows") && page.contains("exact."));
    }
}
