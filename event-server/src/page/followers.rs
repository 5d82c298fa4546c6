//! What follows the log and what feeds it: how far tables are that are made from it, and whether links hold.

use event_store::project::ProjectionStatus;
use maud::{Markup, html};

use crate::link::LinkState;

/// Tables that are made from the log.
pub(super) fn projections(projections: &[ProjectionStatus]) -> Markup {
    html! {
        section {
            h2 { "Projections" }
            table {
                caption.unseen { "How far the tables are that are made from the log" }
                thead {
                    tr {
                        th scope="col" { "Name" }
                        th.number scope="col" { "Events behind" }
                        th.number scope="col" { "For" }
                        th.number scope="col" { "Parked" }
                        th scope="col" { "State" }
                    }
                }
                tbody {
                    @for it in projections {
                        tr {
                            td.text { (it.name) }
                            td.number { (it.head - it.position) }
                            td.number { (it.lag.as_secs()) " s" }
                            td.number { (it.parked) }
                            td { (state(it).replace('_', " ")) }
                        }
                    }
                }
            }
        }
    }
}

/// Events that are not applied yet are nothing to worry about while it gets on.
pub(crate) fn state(it: &ProjectionStatus) -> &'static str {
    match (it.is_well(), it.head > it.position) {
        (false, _) => "waiting",
        (true, true) => "catching_up",
        (true, false) => "live",
    }
}

/// Logs of others that feed this one.
pub(super) fn links(links: &[(&'static str, LinkState)]) -> Markup {
    html! {
        section {
            h2 { "Fed by" }
            table {
                caption.unseen { "Logs of others that are read into this one" }
                thead {
                    tr {
                        th scope="col" { "Log" }
                        th.number scope="col" { "Stored" }
                        th.number scope="col" { "Refused" }
                        th scope="col" { "State" }
                    }
                }
                tbody {
                    @for (name, it) in links {
                        tr {
                            td.text { (name) }
                            td.number { (it.stored) }
                            td.number { (it.refused) }
                            td { @if it.up { "connected" } @else { "down" } @if let Some(problem) = &it.problem { ": " (problem) } }
                        }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_log_says_is_text() {
        let down = LinkState {
            problem: Some("<b>refused</b>".to_owned()),
            ..LinkState::default()
        };
        let shown = links(&[("kurrentdb", down)]).into_string();
        assert!(shown.contains("down: &lt;b&gt;refused&lt;/b&gt;"), "{shown}");
        let up = LinkState {
            up: true,
            stored: 7,
            ..LinkState::default()
        };
        let shown = links(&[("kurrentdb", up)]).into_string();
        assert!(shown.contains("connected") && shown.contains(">7<"), "{shown}");
    }
}
