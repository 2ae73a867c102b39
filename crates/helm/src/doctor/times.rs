//! The clock against those of others, and the gateway's certificate against the clock.

use std::time::Duration;

use chrono::{DateTime, Utc};
use sqlx::{ConnectOptions, Connection, postgres::PgConnectOptions};
use tokio::time::timeout;
use url::Url;

use super::Case;
use crate::{
    domain::{
        child_env::public_origins,
        doctor::{self, Finding},
        keycloak_in_use::keycloak_in_use,
    },
    instance::{certificate, databases},
    supervisor::probe::local_client,
};

const PATIENCE: Duration = Duration::from_secs(5);

pub(super) async fn examine(case: &Case) -> Vec<Finding> {
    let mut findings = clocks(case).await;
    if findings.is_empty() {
        let message =
            "nobody elsewhere to compare it with (no PostgreSQL, Keycloak or service on another machine)";
        findings.push(Finding::skipped("clock", message));
    }
    findings.extend(gateway_certificate(case));
    findings
}

/// Others keep their own time: what runs on this machine would only agree with itself.
async fn clocks(case: &Case) -> Vec<Finding> {
    let mut findings = Vec::new();
    if let Some(secrets) = &case.secrets
        && let Ok(url) = databases::url_of(&case.layout, "helm", secrets, &case.operator)
        && let Ok(options) = url.parse::<PgConnectOptions>()
        && !is_here(options.get_host())
    {
        let name = format!("PostgreSQL on {}", options.get_host());
        findings.extend(postgres_skew(case, options).await.map(|skew| doctor::clock(&name, skew)));
    }
    let keycloak = keycloak_in_use(&case.config(), &case.operator).map(|used| used.base_url().to_owned());
    let remote = case.registry.iter().filter(|(_, entry)| entry.is_remote());
    let urls = remote.map(|(_, entry)| format!("{}/livez", entry.service.url)).chain(keycloak);
    for url in urls {
        let Some(host) = Url::parse(&url).ok().and_then(|url| url.host_str().map(str::to_owned)) else {
            continue;
        };
        if !is_here(&host) {
            findings.extend(date_skew(case, &url).await.map(|skew| doctor::clock(&host, skew)));
        }
    }
    findings
}

fn is_here(host: &str) -> bool {
    host == "localhost"
        || host.starts_with("127.")
        || host == "::1"
        || host == "[::1]"
        || host.starts_with('/')
}

async fn postgres_skew(case: &Case, options: PgConnectOptions) -> Option<i64> {
    let connected = timeout(PATIENCE, options.disable_statement_logging().connect()).await;
    let mut connection = connected.ok()?.ok()?;
    let before = case.clock.now();
    let theirs =
        sqlx::query_scalar!(r#"SELECT clock_timestamp() AS "now!""#).fetch_one(&mut connection).await.ok()?;
    let after = case.clock.now();
    let _ = connection.close().await;
    Some(skew(before, after, theirs))
}

/// By the `Date` of an answer, whatever the answer is; it counts whole seconds.
async fn date_skew(case: &Case, url: &str) -> Option<i64> {
    let before = case.clock.now();
    let answer = local_client().ok()?.get(url).send().await.ok()?;
    let after = case.clock.now();
    let date = answer.headers().get(http::header::DATE)?.to_str().ok()?;
    Some(skew(before, after, DateTime::parse_from_rfc2822(date).ok()?.to_utc()))
}

/// How far this machine is ahead, as far as the time of the question allows to say.
fn skew(before: DateTime<Utc>, after: DateTime<Utc>, theirs: DateTime<Utc>) -> i64 {
    let middle = before + (after - before) / 2;
    (middle - theirs).num_milliseconds()
}

fn gateway_certificate(case: &Case) -> Vec<Finding> {
    if case.registry.get("nexus").is_none_or(|entry| entry.is_remote()) {
        return Vec::new();
    }
    let path = certificate::gateway_file(&case.layout, case.operator.get("NEXUS_CERT_FILE"));
    let shown = path.display().to_string();
    let pem = match certificate::pem(&path) {
        Ok(pem) => pem,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return vec![Finding::skipped("certificate", "the gateway makes one at its first start")];
        }
        Err(error) => return vec![Finding::skipped("certificate", format!("{shown}: {error}"))],
    };
    let Ok(shows) = certificate::parse(&pem) else {
        let why = "the gateway cannot start without a certificate";
        let fix =
            format!("put a PEM certificate there, or remove {shown} and its key: the gateway makes new ones");
        return vec![Finding::problem("certificate", format!("{shown} is no certificate"), why, fix)];
    };
    // Beside the name of the operator's choice only this machine's own names count.
    let chosen = case.config().public_name();
    let origins = public_origins(&case.registry, chosen.as_deref(), None, &[], &case.operator);
    let hosts: Vec<String> = origins
        .split(',')
        .filter_map(|origin| Url::parse(origin.trim()).ok()?.host_str().map(str::to_owned))
        .collect();
    doctor::certificate::examine(&shown, &shows, &hosts, case.clock.now())
}
