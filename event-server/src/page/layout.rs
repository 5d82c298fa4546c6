//! What all pages have around them: head, way to the others, and who looks.

use maud::{DOCTYPE, Markup, html};

/// A green dot, without a request.
const ICON: &str = "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 8 8'%3E\
                    %3Ccircle cx='4' cy='4' r='3' fill='%232a9d8f'/%3E%3C/svg%3E";

/// One of the pages that all others lead to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tab {
    Overview,
    Explore,
    Refused,
    Lost,
    Types,
    Keys,
    Routes,
}

impl Tab {
    const ALL: [Tab; 7] = [
        Tab::Overview,
        Tab::Explore,
        Tab::Refused,
        Tab::Lost,
        Tab::Types,
        Tab::Keys,
        Tab::Routes,
    ];

    /// Its path from the first page, and its name for people.
    const fn parts(self) -> (&'static str, &'static str) {
        match self {
            Tab::Overview => ("./", "Overview"),
            Tab::Explore => ("explore", "Explore"),
            Tab::Refused => ("refused", "Refused"),
            Tab::Lost => ("losses", "Lost"),
            Tab::Types => ("types", "Types"),
            Tab::Keys => ("keys", "Keys"),
            Tab::Routes => ("docs", "Routes"),
        }
    }
}

/// What is around a page.
pub(super) struct Frame<'a> {
    /// What it is about, for the window.
    pub(super) title: &'a str,
    /// Under which of the others it stands.
    pub(super) tab: Option<Tab>,
    /// The way from it to the first page, as the router may be nested anywhere: empty, or `../` some times.
    pub(super) up: &'static str,
    /// What the key of who looks is known by.
    pub(super) visitor: Option<&'a str>,
}

impl Frame<'_> {
    /// The whole page.
    pub(super) fn around(&self, main: &Markup) -> String {
        let Frame {
            title,
            tab,
            up,
            visitor,
        } = *self;
        let page = html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    title { (title) }
                    link rel="icon" href=(ICON);
                    link rel="stylesheet" href={ (up) "page.css" };
                    script src={ (up) "page.js" } defer {}
                }
                body {
                    a.skip href="#main" { "Skip to the content" }
                    header {
                        p.brand { a href={ (up) "./" } { "event" } }
                        nav aria-label="Pages" {
                            ul {
                                @for each in Tab::ALL {
                                    @let (path, name) = each.parts();
                                    li { a href={ (up) (path) } aria-current=[(tab == Some(each)).then_some("page")] { (name) } }
                                }
                            }
                        }
                        @if let Some(prefix) = visitor {
                            form.visitor method="post" action={ (up) "logout" } {
                                span { "Key " code { (prefix) } }
                                button type="submit" { "Log out" }
                            }
                        }
                    }
                    main #main tabindex="-1" { (main) }
                }
            }
        };
        page.into_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_says_where_it_stands() {
        let frame = Frame {
            title: "<title>",
            tab: Some(Tab::Refused),
            up: "../",
            visitor: Some("<key>"),
        };
        let page = frame.around(&html! { h1 { "Refused" } });
        assert_eq!(page.matches("aria-current=\"page\"").count(), 1);
        assert!(page.contains("<a href=\"../refused\" aria-current=\"page\">Refused</a>"));
        assert!(page.contains("href=\"../page.css\"") && page.contains("action=\"../logout\""));
        assert!(!page.contains("<key>") && !page.contains("style=") && !page.contains("<script>"));
    }
}
