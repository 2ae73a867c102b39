//! The access log: one line per answered request.

use std::time::Duration;

use http::{Method, StatusCode};

use super::ACCESS_TARGET;

/// Routes that machines ask all the time, log ingestion itself, and tokens that services fetch for each other: their
/// successes are DEBUG lines. Refusals are logged.
const QUIET: [&str; 7] =
    ["/health", "/livez", "/readyz", "/metrics", "/api/logs", "/api/logs/ingest", "/service-token"];

/// A request and its answer. Correlation id and user come from the request's span.
#[derive(Clone, Copy, Debug)]
pub struct Access<'a> {
    /// Method of the request.
    pub method: &'a Method,
    /// Path without the query, which may hold what must not be logged.
    pub path: &'a str,
    /// The matched route, such as `/api/tickets/{view}`; none when no route matched.
    pub route: Option<&'a str>,
    /// Status of the answer.
    pub status: StatusCode,
    /// From the arrival of the request to the headers of the answer.
    pub duration: Duration,
}

/// Writes the access line: WARNING for server errors, DEBUG for probes, else INFO.
pub fn access(access: Access<'_>) {
    let Access { method, path, route, status, duration } = access;
    let route = route.unwrap_or("unmatched");
    let code = status.as_u16();
    // Microseconds are enough, and a float keeps the unit of upstream.
    let duration_ms = duration.as_micros() as f64 / 1000.0;
    let quiet =
        status.is_success() && QUIET.contains(&route) && !(route == "/api/logs" && method == Method::GET);
    // "Not ready yet" is an answer that its askers wait for, not trouble.
    let waiting = route == "/readyz" && status == StatusCode::SERVICE_UNAVAILABLE;
    if status.is_server_error() && !waiting {
        tracing::warn!(target: ACCESS_TARGET, method = %method, path, route, status = code, duration_ms, "{method} {path} {code}");
    } else if quiet || waiting {
        tracing::debug!(target: ACCESS_TARGET, method = %method, path, route, status = code, duration_ms, "{method} {path} {code}");
    } else {
        tracing::info!(target: ACCESS_TARGET, method = %method, path, route, status = code, duration_ms, "{method} {path} {code}");
    }
}
