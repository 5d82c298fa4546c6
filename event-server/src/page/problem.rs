//! What could not be shown, and why.

use event_core::wire::Problem;
use maud::html;

use super::layout::Frame;

/// What may help.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Remedy {
    /// A key that may do more.
    AnotherKey,
    /// To begin anew.
    FirstPage,
}

/// The whole page, for so deep a path.
pub(crate) fn render(problem: &Problem, depth: usize, remedy: Remedy) -> String {
    let up = ["", "../", "../../", "../../../"];
    let frame = Frame {
        title: "event: this cannot be shown",
        tab: None,
        up: up.get(depth).copied().unwrap_or_default(),
        visitor: None,
    };
    frame.around(&html! {
        h1 { "This cannot be shown" }
        div.sheets {
            section.wide role="alert" {
                h2 { (problem.title) }
                p {
                    @if let Some(parameter) = &problem.parameter { code { (parameter) } ": " }
                    (problem.detail)
                }
                p {
                    @match remedy {
                        Remedy::AnotherKey => { a href={ (frame.up) "login" } { "Log in with another key" } },
                        Remedy::FirstPage => { a href={ (frame.up) "./" } { "To the overview" } },
                    }
                }
            }
        }
    })
}
