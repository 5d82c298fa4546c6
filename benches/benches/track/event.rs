//! The event that everybody sends.

pub(crate) const CATEGORY: &str = "page interaction";
pub(crate) const NAME: &str = "pageview";
pub(crate) const SOURCE: &str = "shop";
pub(crate) const SESSION: &str = "6f1b1a52a8c94b6f9d0e5a7c3b2d4e10";
/// What contenders write who make no ids and ask for no time.
pub(crate) const ID: &str = "0199f5a0-7c1e-7d3a-9b42-5f0e6a1c8d27";
pub(crate) const TIME: &str = "2025-10-06T09:15:27.243860Z";

pub(crate) const HOST: (&str, &str) = ("host", "www.example.com");
pub(crate) const PATH: (&str, &str) = ("path", "/products/42");
pub(crate) const DURATION: (&str, f64) = ("duration", 17.25);
pub(crate) const VISIBLE: (&str, bool) = ("visible", true);
/// The name of the field that differs from call to call.
pub(crate) const COUNT: &str = "count";

/// How large its payload is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Size {
    /// Five fields, the line about 300 bytes.
    Small,
    /// A sixth field is a text, so that the payload has 1 KiB.
    Large,
}

/// The name of the sixth field.
pub(crate) const TEXT: &str = "message";
/// A text of ten lines and 930 bytes.
pub(crate) const LONG: &str = concat!(
    "the page has asked for a picture that is not there, and has shown \"no preview\" in its place\n",
    "the page has asked for a picture that is not there, and has shown \"no preview\" in its place\n",
    "the page has asked for a picture that is not there, and has shown \"no preview\" in its place\n",
    "the page has asked for a picture that is not there, and has shown \"no preview\" in its place\n",
    "the page has asked for a picture that is not there, and has shown \"no preview\" in its place\n",
    "the page has asked for a picture that is not there, and has shown \"no preview\" in its place\n",
    "the page has asked for a picture that is not there, and has shown \"no preview\" in its place\n",
    "the page has asked for a picture that is not there, and has shown \"no preview\" in its place\n",
    "the page has asked for a picture that is not there, and has shown \"no preview\" in its place\n",
    "the page has asked for a picture that is not there, and has shown \"no preview\" in its place\n",
);

impl Size {
    pub(crate) fn said(self) -> &'static str {
        match self {
            Size::Small => "event of 300 bytes",
            Size::Large => "payload of 1 KiB",
        }
    }
}
