//! The tower layer that sends a request through the governors of its scope.

use std::{
    convert::Infallible,
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use axum::{extract::Request, response::Response};
use tower::{Layer, Service, ServiceExt, util::BoxService};

use super::RateLimits;

/// Where in the middleware stack a layer stands.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Stage {
    /// Before authentication.
    Address,
    /// After authentication.
    Caller,
}

/// Made by [`RateLimits::per_caller_layer`] and [`RateLimits::per_address_layer`].
#[derive(Clone)]
pub struct LimitLayer {
    limits: RateLimits,
    stage: Stage,
}

impl LimitLayer {
    pub(super) fn new(limits: RateLimits, stage: Stage) -> Self {
        Self { limits, stage }
    }
}

impl<S> Layer<S> for LimitLayer {
    type Service = Limited<S>;

    fn layer(&self, inner: S) -> Limited<S> {
        Limited { inner, limits: self.limits.clone(), stage: self.stage }
    }
}

/// A service behind rate limits.
#[derive(Clone)]
pub struct Limited<S> {
    inner: S,
    limits: RateLimits,
    stage: Stage,
}

impl<S> Service<Request> for Limited<S>
where
    S: Service<Request, Response = Response, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        // The clone that was polled ready is the one to use.
        let ready = self.inner.clone();
        let inner = std::mem::replace(&mut self.inner, ready);
        let Some(scope) = self.limits.scope(self.stage, &request) else {
            return Box::pin(inner.oneshot(request));
        };
        // Most scopes have one window or two, which need no boxes between them.
        match scope.windows() {
            [first] => Box::pin(first.layer().layer(inner).oneshot(request)),
            [first, second] => Box::pin(second.layer().layer(first.layer().layer(inner)).oneshot(request)),
            windows => {
                let governed = windows.iter().fold(BoxService::new(inner), |service, window| {
                    BoxService::new(window.layer().layer(service))
                });
                Box::pin(governed.oneshot(request))
            }
        }
    }
}
