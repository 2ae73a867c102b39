//! What differs from service to service.

use std::time::Duration;

use axum::routing::MethodRouter;
use utoipa::openapi::OpenApi;

use crate::{health::Health, rate_limit::Limits};

/// Body limit of a service that says nothing else.
pub const BODY_LIMIT: usize = 16 * 1024 * 1024;
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// Settings of the common layers.
pub struct ServeOptions {
    pub(crate) title: &'static str,
    pub(crate) default_port: u16,
    pub(crate) body_limit: usize,
    pub(crate) request_timeout: Duration,
    pub(crate) limits: Limits,
    pub(crate) health: Option<Health>,
    pub(crate) openapi: Option<OpenApi>,
    pub(crate) gateway: bool,
    pub(crate) metrics_page: Option<MethodRouter>,
}

impl ServeOptions {
    /// A service's display name and default port.
    pub fn new(title: &'static str, default_port: u16) -> Self {
        Self {
            title,
            default_port,
            body_limit: BODY_LIMIT,
            request_timeout: REQUEST_TIMEOUT,
            limits: Limits::platform_default(),
            health: None,
            openapi: None,
            gateway: false,
            metrics_page: None,
        }
    }

    /// Largest request body in bytes; larger ones get 413.
    #[must_use]
    pub fn body_limit(mut self, bytes: usize) -> Self {
        self.body_limit = bytes;
        self
    }

    /// Time a handler has until its answer begins; then 504.
    #[must_use]
    pub fn request_timeout(mut self, timeout: Duration) -> Self {
        self.request_timeout = timeout;
        self
    }

    /// Rate limits.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Adds `/health`, `/livez` and `/readyz`.
    #[must_use]
    pub fn health(mut self, health: Health) -> Self {
        self.health = Some(health);
        self
    }

    /// Adds `/docs`, `/static/openapi.json` and `/apispec.json`.
    #[must_use]
    pub fn openapi(mut self, document: OpenApi) -> Self {
        self.openapi = Some(document);
        self
    }

    /// A page at `/metrics` for browsers; everybody else gets the Prometheus text there, where they get it at all.
    #[must_use]
    pub fn metrics_page(mut self, page: MethodRouter) -> Self {
        self.metrics_page = Some(page);
        self
    }

    /// For the gateway: no authentication, body limit, timeout, compression and fallback of the common kind, since it
    /// passes on other services' answers and has rules of its own for all of these.
    #[must_use]
    pub fn gateway(mut self) -> Self {
        self.gateway = true;
        self
    }
}
