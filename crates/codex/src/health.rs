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

/// Age of the newest ticket sync of the system that is furthest behind; nothing to complain about while none is configured.
async fn sync_check(codex: Codex) -> CheckResult {
    let vendors = codex.sync.vendors();
    if vendors.psa.is_empty() {
        return CheckResult::healthy().with("message", "no provider is configured");
    }
    let schedule = codex.sync.schedule();
    let interval = schedule.tickets.filter(|_| schedule.enabled);
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

/// Degraded when the last sync is older than three intervals, or there was none yet. Without an interval nobody here knows how
/// often somebody else, such as cron, starts one: then the age is told and not judged.
fn judge(last: Option<DateTime<Utc>>, now: DateTime<Utc>, interval: Option<TimeDelta>) -> CheckResult {
    let age = last.map(|last| (now - last).max(TimeDelta::zero()));
    let allowed = interval.map(|interval| interval.checked_mul(3).unwrap_or(TimeDelta::MAX));
    let result = match (age, allowed) {
        (_, None) => CheckResult::healthy().with("message", "no ticket sync is scheduled by this service"),
        (None, Some(_)) => CheckResult::degraded().with("message", "no ticket sync has been completed yet"),
        (Some(age), Some(allowed)) if age > allowed => CheckResult::degraded(),
        (Some(_), Some(_)) => CheckResult::healthy(),
    };
    match last.zip(age) {
        Some((last, age)) => result.with("last_sync_time", iso(last)).with("age_seconds", age.num_seconds()),
        None => result,
    }
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
            let last = Some(now - TimeDelta::seconds(age));
            assert_eq!(judge(last, now, Some(TimeDelta::minutes(5))).status(), status, "{age}");
        }
        assert_eq!(judge(None, now, Some(TimeDelta::minutes(5))).status(), Status::Degraded);
        assert_eq!(
            judge(Some(now - TimeDelta::days(9)), now, Some(TimeDelta::MAX)).status(),
            Status::Healthy
        );
    }
}
