//! What `/health` says about Codex (codex-api.md §12).

use axum::{Router, body::Body};
use chrono::{DateTime, TimeDelta, Utc};
use hivematrix_shared::{
    contracts::codex::wire::iso,
    health::{CheckResult, Health},
};
use http::{Request, Uri};
use tower::ServiceExt;

use crate::{Codex, jobs::RMM_SCRIPT, store};

/// All checks.
pub fn checks(codex: &Codex) -> Health {
    let sync = codex.clone();
    Health::new(&codex.context)
        .database(codex.pool.clone())
        .dependency("core")
        .check("sync", move || sync_check(sync.clone()))
}

/// The same document as `/health`.
#[utoipa::path(get, path = "/api/health", tag = "health", security(()), responses(
    (status = 200, description = "Healthy or degraded", body = serde_json::Value),
    (status = 503, description = "Unhealthy", body = serde_json::Value)
))]
#[expect(dead_code, reason = "stands in the document for the alias")]
async fn api_health() {}

/// The API document of `/api/health`.
#[derive(utoipa::OpenApi)]
#[openapi(paths(api_health))]
pub struct Document;

/// `/api/health`, the same document as `/health`.
pub fn alias(codex: &Codex) -> Router {
    let health = checks(codex).router();
    let ask = tower::service_fn(move |mut request: Request<Body>| {
        *request.uri_mut() = Uri::from_static("/health");
        health.clone().oneshot(request)
    });
    Router::new().route_service("/api/health", ask)
}

/// Age of the newest ticket sync of the system that is furthest behind; nothing to complain about while none is configured,
/// or tickets are not to be read.
async fn sync_check(codex: Codex) -> CheckResult {
    let vendors = codex.sync.vendors();
    if vendors.psa.is_empty() {
        return CheckResult::healthy().with("message", "no provider is configured");
    }
    let settings = codex.settings();
    if !settings.scheduler.sync_tickets_enabled {
        let result = CheckResult::healthy().with("message", "the ticket sync is switched off");
        return with_devices(&codex, result).await;
    }
    let interval = settings.scheduler.ticket_sync_interval_seconds;
    let names: Vec<&str> = vendors.psa.all().map(|provider| provider.name()).collect();
    match store::board::last_sync_time(&codex.pool, &names).await {
        Ok(last) => {
            let result = judge(last, codex.context.clock.now(), interval);
            with_devices(&codex, result).await
        }
        Err(_) => CheckResult::unknown("the database is away"),
    }
}

/// When devices were last read, where a system for monitoring is configured. Nothing depends on that by the minute, so it
/// is told and not judged.
async fn with_devices(codex: &Codex, result: CheckResult) -> CheckResult {
    if codex.sync.vendors().rmm.is_empty() {
        return result;
    }
    let last = store::sync_history::last_success(&codex.pool, RMM_SCRIPT).await.ok().flatten();
    result.with("last_rmm_sync_time", last.map(iso))
}

/// Degraded when the last sync is older than three intervals, or there was none yet.
fn judge(last: Option<DateTime<Utc>>, now: DateTime<Utc>, interval_seconds: u64) -> CheckResult {
    let Some(last) = last else {
        return CheckResult::degraded().with("message", "no ticket sync has been completed yet");
    };
    let age = (now - last).max(TimeDelta::zero()).num_seconds();
    let late = u64::try_from(age).unwrap_or_default() > interval_seconds.saturating_mul(3);
    let result = if late { CheckResult::degraded() } else { CheckResult::healthy() };
    result.with("last_sync_time", iso(last)).with("age_seconds", age)
}

#[cfg(test)]
mod tests {
    use hivematrix_shared::health::Status;

    use super::*;

    #[test]
    fn a_sync_older_than_three_intervals_is_degraded() {
        let now: DateTime<Utc> = "2025-11-22T10:30:00Z".parse().unwrap();
        for (age, status) in
            [(0, Status::Healthy), (900, Status::Healthy), (901, Status::Degraded), (-5, Status::Healthy)]
        {
            assert_eq!(judge(Some(now - TimeDelta::seconds(age)), now, 300).status(), status, "{age}");
        }
        assert_eq!(judge(None, now, 300).status(), Status::Degraded);
    }
}
