//! The questions about whole stories, and what becomes of them, whichever it is.

use event_core::analysis::{
    Active, ActiveRows, Analysed, Cohorts, Funnel, FunnelSteps, Retention, SessionList, Sessions,
};
use serde::Serialize;

/// One thing for each of the questions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub(crate) enum Story<S, F, R, A> {
    Sessions(S),
    Funnel(F),
    Retention(R),
    Active(A),
}

/// A question.
pub(crate) type Question = Story<Sessions, Funnel, Retention, Active>;
/// An answer.
pub(crate) type Told = Story<Analysed<SessionList>, Analysed<FunnelSteps>, Analysed<Cohorts>, Analysed<ActiveRows>>;

/// Does the same with each.
macro_rules! each {
    ($story:expr, $one:ident => $done:expr) => {
        match $story {
            $crate::story::Story::Sessions($one) => $done,
            $crate::story::Story::Funnel($one) => $done,
            $crate::story::Story::Retention($one) => $done,
            $crate::story::Story::Active($one) => $done,
        }
    };
}
pub(crate) use each;

/// Makes something of each.
macro_rules! mapped {
    ($story:expr, $one:ident => $made:expr) => {
        match $story {
            $crate::story::Story::Sessions($one) => $crate::story::Story::Sessions($made),
            $crate::story::Story::Funnel($one) => $crate::story::Story::Funnel($made),
            $crate::story::Story::Retention($one) => $crate::story::Story::Retention($made),
            $crate::story::Story::Active($one) => $crate::story::Story::Active($made),
        }
    };
}
pub(crate) use mapped;

impl Question {
    /// The JSON that collectors read.
    pub(crate) fn json(&self) -> String {
        // A question that was read can be written.
        serde_json::to_string(self).unwrap_or_default()
    }
}

impl Told {
    /// Whether two tell the same, wherever they come from.
    pub(crate) fn tells_as(&self, other: &Told) -> bool {
        match (self, other) {
            (Story::Sessions(one), Story::Sessions(other)) => one.answer == other.answer,
            (Story::Funnel(one), Story::Funnel(other)) => one.answer == other.answer,
            (Story::Retention(one), Story::Retention(other)) => one.answer == other.answer,
            (Story::Active(one), Story::Active(other)) => one.answer == other.answer,
            _ => false,
        }
    }
}
