//! What a collector can be asked, and where.

use event_core::Query;
use event_core::analysis::{
    Active, ActiveRows, Analysed, Cohorts, Funnel, FunnelSteps, Retention, SessionList, Sessions,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// What [`Client::query`](crate::Client::query) asks: a [`Query`], or a question about whole stories.
///
/// ```
/// use event_client::Question;
/// assert_eq!(event_core::Query::PATH, "/v1/query");
/// assert_eq!(event_core::analysis::Sessions::PATH, "/v1/sessions");
/// ```
pub trait Question: Serialize {
    /// What it is answered with.
    type Answer: DeserializeOwned;
    /// Where it is answered.
    const PATH: &'static str;
}

impl Question for Query {
    type Answer = event_core::Answer;
    const PATH: &'static str = "/v1/query";
}

impl Question for Sessions {
    type Answer = Analysed<SessionList>;
    const PATH: &'static str = "/v1/sessions";
}

impl Question for Funnel {
    type Answer = Analysed<FunnelSteps>;
    const PATH: &'static str = "/v1/funnel";
}

impl Question for Retention {
    type Answer = Analysed<Cohorts>;
    const PATH: &'static str = "/v1/retention";
}

impl Question for Active {
    type Answer = Analysed<ActiveRows>;
    const PATH: &'static str = "/v1/active";
}
