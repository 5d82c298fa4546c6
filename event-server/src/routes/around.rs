//! A layer that is one function: of a request, and of what answers it.
//!
//! Axum's own makes a box of the router below it for each request and copies it twice; with several of them, one above the
//! other, that is a good part of what a request costs. Another is memory: a thousand requests wait at a time, and whatever
//! stands in their futures is out of the processor's caches when they go on. So what can be done with a request before
//! anything is waited for is done outside of `async` blocks, each of which would keep a copy of it.

use std::convert::Infallible;
use std::marker::PhantomData;
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::extract::Request;
use axum::response::Response;
use futures_util::FutureExt as _;
use tower::{Layer, Service};

use super::App;

/// What answers a request.
pub(super) trait Inner:
    Service<Request, Response = Response, Error = Infallible, Future: Send> + Clone + Send + 'static
{
    /// Answers it.
    fn answer(mut self, request: Request) -> impl Future<Output = Response> + Send {
        self.call(request)
            .map(|answered| answered.unwrap_or_else(|never| match never {}))
    }
}

impl<S> Inner for S where
    S: Service<Request, Response = Response, Error = Infallible, Future: Send> + Clone + Send + 'static
{
}

/// The function.
pub(super) trait Around: Clone + Send + 'static {
    fn around(app: App, request: Request, inner: impl Inner) -> impl Future<Output = Response> + Send;
}

/// The layer.
pub(super) struct Layered<A> {
    app: App,
    around: PhantomData<A>,
}

impl<A> Clone for Layered<A> {
    fn clone(&self) -> Self {
        Layered::new(&self.app)
    }
}

impl<A> Layered<A> {
    pub(super) fn new(app: &App) -> Self {
        Layered {
            app: app.clone(),
            around: PhantomData,
        }
    }
}

impl<A, S> Layer<S> for Layered<A> {
    type Service = Outer<A, S>;

    fn layer(&self, inner: S) -> Outer<A, S> {
        Outer {
            app: self.app.clone(),
            around: PhantomData,
            inner,
        }
    }
}

/// What is under the layer, and the layer.
#[derive(Clone)]
pub(super) struct Outer<A, S> {
    app: App,
    around: PhantomData<A>,
    inner: S,
}

impl<A: Around, S: Inner> Service<Request> for Outer<A, S> {
    type Response = Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        // The one that was asked whether it is ready is the one to be called.
        let next = self.inner.clone();
        let inner = mem::replace(&mut self.inner, next);
        Box::pin(A::around(self.app.clone(), request, inner).map(Ok))
    }
}
