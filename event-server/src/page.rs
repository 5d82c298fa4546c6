//! The pages for people: plain HTML that works without scripts, and is escaped, for events may hold anything.
//!
//! A page is a value and a function that writes it; what it shows is found in `routes`.

pub(crate) mod text;
mod place;
mod layout;
pub(crate) mod chart;
pub(crate) mod latest;
pub(crate) mod losses;
pub(crate) mod followers;
pub(crate) mod overview;
pub(crate) mod explore;
pub(crate) mod refused;
pub(crate) mod entry;
pub(crate) mod replayed;
pub(crate) mod session;
pub(crate) mod registered;
pub(crate) mod keys;
pub(crate) mod login;
pub(crate) mod problem;

/// The pages' style, served beside them so that they need no inline style.
pub(crate) const STYLE_SHEET: &str = include_str!("page/page.css");

/// What makes them better where scripts run: what is new comes in by itself.
pub(crate) const SCRIPT: &str = include_str!("page/page.js");
