//! The page where people show their key.

use maud::html;

use super::layout::Frame;

/// Why somebody is here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Welcome {
    /// To log in.
    First,
    /// Because what he has shown is no good key.
    Again,
    /// By mistake: there are no keys.
    Open,
}

/// The whole page.
pub(crate) fn render(welcome: Welcome) -> String {
    let frame = Frame {
        title: "event: log in",
        tab: None,
        up: "",
        visitor: None,
    };
    frame.around(&html! {
        h1 { "Log in" }
        div.sheets {
            section.wide {
                @if welcome == Welcome::Open {
                    p { "There are no keys yet, so that nobody has to log in: " a href="./" { "go on" } "." }
                } @else {
                    @if welcome == Welcome::Again { p.wrong role="alert" #wrong { "That is no key, or one that is of no use any more." } }
                    form.work method="post" action="login" {
                        label {
                            span { "Key" }
                            input type="password" name="key" required autocomplete="current-password" autofocus
                                aria-describedby=[(welcome == Welcome::Again).then_some("wrong")];
                        }
                        button type="submit" { "Log in" }
                    }
                    p.none { "A key as " code { "event-server key create" } " prints it, with the access read. It lasts for twelve hours here, or until it is revoked." }
                }
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_was_wrong_is_told() {
        assert!(!render(Welcome::First).contains("role=\"alert\""));
        assert!(render(Welcome::Again).contains("aria-describedby=\"wrong\""));
        assert!(!render(Welcome::Open).contains("<form"));
    }
}
