//! `/health`, `/livez` and `/readyz` (platform.md §12, core.md §9).
//!
//! `/health` tells people and dashboards how the service and what it needs are doing. Supervisors use the other two:
//! `/livez` says that the process answers, `/readyz` that its own store does. A peer's outage touches neither.
//!
//! Services probe each other's `/health`, so a probe carries [`PROBE_HEADER`] and the one that is probed leaves its own
//! dependencies out: otherwise one look at a dashboard would run through the whole suite, or in circles.

mod cached;
mod check;
mod database;
mod dependency;
mod disk;
#[cfg(test)]
mod tests;

use std::{future::Future, path::PathBuf, pin::Pin, sync::Arc, time::Duration};

use axum::{
    Router,
    extract::{Request, State},
    response::{IntoResponse, Response},
    routing::get,
};
use chrono::SecondsFormat;
use futures::future::join_all;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use serde_json::{Map, Value, json};
use sqlx::PgPool;

use self::{cached::Cached, dependency::Dependency};
pub use self::{
    check::{CheckResult, Status},
    disk::least_space,
};
use crate::{clock::Clock, context::ServiceContext};

/// Header of a probe by a peer; with [`PROBE_SHALLOW`] the answer has no `dependencies`. Upstream ignores it.
pub const PROBE_HEADER: HeaderName = HeaderName::from_static("x-health-probe");
/// The only value of [`PROBE_HEADER`].
pub const PROBE_SHALLOW: &str = "shallow";

/// How long one check may take.
const TIMEOUT: Duration = Duration::from_secs(5);
/// Database and own checks are repeated at most this often, so that many askers cost no more than one.
const OWN_FRESH: Duration = Duration::from_secs(1);
/// The same for disk and dependencies.
const FRESH: Duration = Duration::from_secs(2);

type CheckFn = Box<dyn Fn() -> Pin<Box<dyn Future<Output = CheckResult> + Send>> + Send + Sync>;

/// Describes the three routes.
#[derive(utoipa::OpenApi)]
#[openapi(paths(health, livez, readyz))]
pub(crate) struct Document;

/// The checks of a service. Build it, then hand it to the server.
pub struct Health {
    service: &'static str,
    clock: Clock,
    context: ServiceContext,
    degraded_is_503: bool,
    disk: Cached,
    home: PathBuf,
    own: Vec<OwnCheck>,
    dependencies: Vec<Dependency>,
}

struct OwnCheck {
    name: &'static str,
    /// Part of `/readyz`.
    is_store: bool,
    run: CheckFn,
    last: Cached,
}

impl Health {
    /// Health with the disk check that every service has: the system's filesystem or that of
    /// `HIVEMATRIX_HOME`, whichever has less room.
    pub fn new(context: &ServiceContext) -> Self {
        Self {
            service: context.name,
            clock: context.clock.clone(),
            context: context.clone(),
            degraded_is_503: false,
            disk: Cached::new(FRESH),
            home: context.settings.home.clone(),
            own: Vec::new(),
            dependencies: Vec::new(),
        }
    }

    /// The service's PostgreSQL database, as check `database`; decides `/readyz`.
    #[must_use]
    pub fn database(self, pool: PgPool) -> Self {
        self.store("database", move || database::check(pool.clone()))
    }

    /// Another store of the service's own, such as Neo4j or Redis; decides `/readyz` as well.
    #[must_use]
    pub fn store<F, R>(self, name: &'static str, check: F) -> Self
    where
        F: Fn() -> R + Send + Sync + 'static,
        R: Future<Output = CheckResult> + Send + 'static,
    {
        self.own_check(name, true, check)
    }

    /// A check of the service's own. It has 5 seconds.
    #[must_use]
    pub fn check<F, R>(self, name: &'static str, check: F) -> Self
    where
        F: Fn() -> R + Send + Sync + 'static,
        R: Future<Output = CheckResult> + Send + 'static,
    {
        self.own_check(name, false, check)
    }

    fn own_check<F, R>(mut self, name: &'static str, is_store: bool, check: F) -> Self
    where
        F: Fn() -> R + Send + Sync + 'static,
        R: Future<Output = CheckResult> + Send + 'static,
    {
        let run: CheckFn = Box::new(move || Box::pin(check()));
        self.own.push(OwnCheck { name, is_store, run, last: Cached::new(OWN_FRESH) });
        self
    }

    /// A service this one needs; its URL comes from the settings or the registry.
    #[must_use]
    pub fn dependency(mut self, service: &'static str) -> Self {
        self.dependencies.push(Dependency::service(service, self.context.client.clone()));
        self
    }

    /// Something else that answers HTTP, such as Keycloak: `url` is what is asked, 200 is healthy.
    #[must_use]
    pub fn dependency_at(mut self, name: &'static str, url: impl Into<String>) -> Self {
        self.dependencies.push(Dependency::url(name, url.into(), self.context.client.clone()));
        self
    }

    /// Answers 503 when degraded too: Beacon only, by its own document.
    #[must_use]
    pub fn degraded_is_503(mut self, yes: bool) -> Self {
        self.degraded_is_503 = yes;
        self
    }

    /// The three routes.
    pub fn router(self) -> Router {
        Router::new()
            .route("/health", get(health))
            .route("/livez", get(livez))
            .route("/readyz", get(readyz))
            .with_state(Arc::new(self))
    }

    /// The whole document and its HTTP status.
    async fn report(&self, shallow: bool) -> (StatusCode, Value) {
        let own = join_all(self.own.iter().map(OwnCheck::result));
        let disk = self.disk.get(|| disk::check(self.home.clone()));
        let dependencies = async {
            if shallow {
                Vec::new()
            } else {
                join_all(self.dependencies.iter().map(Dependency::result)).await
            }
        };
        let (own, disk, dependencies) = futures::join!(own, disk, dependencies);

        let overall = own
            .iter()
            .chain([&disk])
            .chain(&dependencies)
            .map(CheckResult::status)
            .max()
            .unwrap_or(Status::Healthy);
        let mut checks: Map<String, Value> = self
            .own
            .iter()
            .zip(&own)
            .map(|(check, result)| (check.name.to_owned(), result.to_json()))
            .collect();
        checks.insert("disk".into(), disk.to_json());
        if !dependencies.is_empty() {
            let by_name = self.dependencies.iter().zip(&dependencies);
            let by_name = by_name.map(|(dependency, result)| (dependency.name.to_owned(), result.to_json()));
            checks.insert("dependencies".into(), Value::Object(by_name.collect()));
        }
        let status = match overall {
            Status::Unhealthy => StatusCode::SERVICE_UNAVAILABLE,
            Status::Degraded if self.degraded_is_503 => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::OK,
        };
        (status, self.document(overall.as_str(), Some(checks)))
    }

    /// Whether the service's own stores answer.
    async fn readiness(&self) -> (StatusCode, Value) {
        let stores: Vec<_> = self.own.iter().filter(|check| check.is_store).collect();
        let results = join_all(stores.iter().map(|check| check.result())).await;
        let ready = results.iter().all(CheckResult::is_ready);
        let checks =
            stores.iter().zip(&results).map(|(check, result)| (check.name.to_owned(), result.to_json()));
        let (status, word) =
            if ready { (StatusCode::OK, "ready") } else { (StatusCode::SERVICE_UNAVAILABLE, "not_ready") };
        (status, self.document(word, Some(checks.collect())))
    }

    fn document(&self, status: &str, checks: Option<Map<String, Value>>) -> Value {
        let timestamp = self.clock.now().to_rfc3339_opts(SecondsFormat::Secs, true);
        let mut document = json!({"service": self.service, "status": status, "timestamp": timestamp});
        if let Some(checks) = checks {
            document["checks"] = Value::Object(checks);
        }
        document
    }
}

impl OwnCheck {
    async fn result(&self) -> CheckResult {
        self.last
            .get(|| async {
                tokio::time::timeout(TIMEOUT, (self.run)())
                    .await
                    .unwrap_or_else(|_| CheckResult::unhealthy("timeout"))
            })
            .await
    }
}

/// State of the service and of what it needs.
#[utoipa::path(get, path = "/health", tag = "health", security(()), responses(
    (status = 200, description = "Healthy or degraded", body = Value), (status = 503, description = "Unhealthy", body = Value)))]
async fn health(State(health): State<Arc<Health>>, request: Request) -> Response {
    let (status, document) = health.report(is_shallow(request.headers())).await;
    answer(status, &document)
}

/// The process answers.
#[utoipa::path(get, path = "/livez", tag = "health", security(()), responses((status = 200, description = "Alive", body = Value)))]
async fn livez(State(health): State<Arc<Health>>) -> Response {
    answer(StatusCode::OK, &health.document("alive", None))
}

/// The service's own stores answer.
#[utoipa::path(get, path = "/readyz", tag = "health", security(()), responses(
    (status = 200, description = "Ready", body = Value), (status = 503, description = "Not ready", body = Value)))]
async fn readyz(State(health): State<Arc<Health>>) -> Response {
    let (status, document) = health.readiness().await;
    answer(status, &document)
}

fn is_shallow(headers: &HeaderMap) -> bool {
    headers.get(PROBE_HEADER).is_some_and(|value| value.as_bytes() == PROBE_SHALLOW.as_bytes())
}

fn answer(status: StatusCode, document: &Value) -> Response {
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("application/json")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    (status, headers, document.to_string()).into_response()
}
