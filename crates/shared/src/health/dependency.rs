//! Probes of what a service needs from others.

use std::{error::Error as _, io};

use http::StatusCode;
use tokio::time::Instant;

use super::{CheckResult, FRESH, PROBE_HEADER, PROBE_SHALLOW, TIMEOUT, cached::Cached, check::rounded};
use crate::service_client::ServiceClient;

pub(super) struct Dependency {
    pub(super) name: &'static str,
    target: Target,
    client: ServiceClient,
    last: Cached,
}

enum Target {
    /// `/health` of a service of the suite.
    Service,
    /// This very address.
    Url(String),
}

impl Dependency {
    pub(super) fn service(name: &'static str, client: ServiceClient) -> Self {
        Self { name, target: Target::Service, client, last: Cached::new(FRESH) }
    }

    pub(super) fn url(name: &'static str, url: String, client: ServiceClient) -> Self {
        Self { name, target: Target::Url(url), client, last: Cached::new(FRESH) }
    }

    pub(super) async fn result(&self) -> CheckResult {
        self.last.get(|| self.probe()).await
    }

    async fn probe(&self) -> CheckResult {
        let url = match &self.target {
            Target::Url(url) => url.clone(),
            Target::Service => match self.client.base_url(self.name) {
                Ok(base) => format!("{}/health", base.trim_end_matches('/')),
                Err(_) => return CheckResult::unhealthy("not registered"),
            },
        };
        let started = Instant::now();
        let request = self.client.http().get(url).header(PROBE_HEADER, PROBE_SHALLOW).timeout(TIMEOUT);
        match request.send().await {
            Ok(response) if response.status() == StatusCode::OK => {
                let took = started.elapsed().as_secs_f64() * 1000.0;
                CheckResult::healthy().with("response_time_ms", rounded(took))
            }
            Ok(response) => CheckResult::degraded().with("http_status", response.status().as_u16()),
            Err(error) => CheckResult::unhealthy(describe(&error)),
        }
    }
}

/// A short text without the address.
fn describe(error: &reqwest::Error) -> &'static str {
    if error.is_timeout() {
        return "timeout";
    }
    let mut source = error.source();
    while let Some(cause) = source {
        if cause.downcast_ref::<io::Error>().is_some_and(|io| io.kind() == io::ErrorKind::ConnectionRefused) {
            return "connection_refused";
        }
        source = cause.source();
    }
    if error.is_connect() { "unreachable" } else { "no valid answer" }
}
