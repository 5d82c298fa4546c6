//! What a client asks of its collector besides taking events: questions, calls and exports.

use std::time::Duration;

use bytes::Bytes;
use serde::de::DeserializeOwned;

use crate::call::Call;
use crate::client::{Client, wait};
use crate::desk::submit;
use crate::error::QueryError;
use crate::export::Export;
use crate::job::{Job, Reply};
use crate::question::Question;

impl Client {
    /// Asks the collector a question: a [`Query`](event_core::Query), or one of those about whole stories in
    /// [`event_core::analysis`].
    ///
    /// # Errors
    /// If there is no answer, or a problem instead.
    pub fn query<Q: Question>(
        &self,
        question: &Q,
    ) -> impl Future<Output = Result<Q::Answer, QueryError>> + Send + use<Q> {
        self.call(&Call::question(question))
    }

    /// The same for threads that may wait.
    ///
    /// # Errors
    /// As [`Client::query`].
    pub fn query_blocking<Q: Question>(&self, question: &Q) -> Result<Q::Answer, QueryError> {
        self.call_blocking(&Call::question(question))
    }

    /// Has the collector do something else: work on its quarantine, compare versions, erase a subject. What it
    /// answers is read as whatever the caller likes, say a `serde_json::Value`. It is sent once.
    ///
    /// # Errors
    /// As [`Client::query`]; without an answer it may have been done, or not.
    pub fn call<A: DeserializeOwned>(
        &self,
        call: &Call,
    ) -> impl Future<Output = Result<A, QueryError>> + Send + use<A> {
        let (reply, answer) = Reply::future();
        self.ask(call, reply);
        async move { read(answer.await.unwrap_or(Err(QueryError::Closed))) }
    }

    /// The same for threads that may wait.
    ///
    /// # Errors
    /// As [`Client::call`].
    pub fn call_blocking<A: DeserializeOwned>(&self, call: &Call) -> Result<A, QueryError> {
        let (reply, answer) = Reply::blocking();
        self.ask(call, reply);
        let at_most = match call.is_long() {
            true => Duration::MAX,
            false => self.shared().settings.tuning.patience,
        };
        read(wait(&answer, at_most).unwrap_or_else(|| Err(late())))
    }

    fn ask(&self, call: &Call, reply: Reply<Result<Bytes, QueryError>>) {
        let shared = self.shared();
        let call = call.clone().of_source(&shared.settings.source);
        submit(&shared, Job::Ask { call, reply });
    }

    /// Begins an export, see [`Call::export`]; it is read in the pace of whoever reads it.
    ///
    /// # Errors
    /// As [`Client::query`], for what is wrong from the start.
    pub fn export(&self, call: &Call) -> impl Future<Output = Result<Export, QueryError>> + Send + use<> {
        let (reply, answer) = Reply::future();
        submit(
            &self.shared(),
            Job::Open {
                call: call.clone(),
                reply,
            },
        );
        async move { answer.await.unwrap_or(Err(QueryError::Closed)) }
    }

    /// The same for threads that may wait.
    ///
    /// # Errors
    /// As [`Client::export`].
    pub fn export_blocking(&self, call: &Call) -> Result<Export, QueryError> {
        let (reply, answer) = Reply::blocking();
        submit(
            &self.shared(),
            Job::Open {
                call: call.clone(),
                reply,
            },
        );
        let at_most = self.shared().settings.tuning.patience;
        wait(&answer, at_most).unwrap_or_else(|| Err(late()))
    }
}

fn late() -> QueryError {
    QueryError::Unavailable("no answer in time".to_owned())
}

fn read<A: DeserializeOwned>(answer: Result<Bytes, QueryError>) -> Result<A, QueryError> {
    serde_json::from_slice(&answer?).map_err(|error| QueryError::Unreadable(error.to_string()))
}
