//! The settings of the suite (helm.md §3, the JSON form of the page's actions).

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use hivematrix_shared::{
    audit,
    extract::Json,
    problem::{Problem, Result},
};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::{
    ServeState,
    instance::{foreign::Synced, master_config::ChangeError},
    routes::access::{AdminUser, Author},
    settings::{Applied, Certificate, Change, Current, NotRestarted, Restarted, SettingsControl},
};

/// A server and where it listens.
#[derive(Debug, Serialize, ToSchema)]
pub struct Server {
    host: String,
    port: u16,
}

/// The identity provider.
#[derive(Debug, Serialize, ToSchema)]
pub struct IdentityProvider {
    /// Keycloak as services call it; null for Core's own realm.
    url: Option<String>,
    realm: String,
    client_id: String,
}

/// The settings of the suite.
#[derive(Debug, Serialize, ToSchema)]
pub struct Settings {
    /// Stands for exactly these settings; send it back with a change, so that nobody else's is overwritten.
    version: String,
    /// `production` or `development`.
    environment: String,
    /// Name under which browsers reach the suite; `localhost` stands for every name of the machine.
    hostname: String,
    /// DEBUG, INFO, WARNING, ERROR or CRITICAL.
    log_level: String,
    enable_json_logging: bool,
    /// Settings that a variable or a line of settings.env fixes, whatever is stored.
    fixed: Vec<&'static str>,
    postgresql: Option<Server>,
    neo4j_uri: Option<String>,
    keycloak: IdentityProvider,
}

impl From<Current> for Settings {
    fn from(current: Current) -> Self {
        let Current { config, version, postgresql, neo4j_uri, keycloak_url, realm, fixed } = current;
        Self {
            version,
            environment: config.environment(),
            hostname: config.hostname(),
            log_level: config.log_level(),
            enable_json_logging: config.json_logging(),
            fixed,
            postgresql: postgresql.map(|(host, port)| Server { host, port }),
            neo4j_uri,
            keycloak: IdentityProvider { url: keycloak_url, realm, client_id: config.client_id() },
        }
    }
}

/// A change; absent members stay as they are.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SettingsChange {
    /// `production` or `development`.
    environment: Option<String>,
    /// Name or address of the machine, without port.
    hostname: Option<String>,
    /// DEBUG, INFO, WARNING, ERROR or CRITICAL.
    log_level: Option<String>,
    enable_json_logging: Option<bool>,
    /// The version the change is of; without it the last one who writes wins.
    version: Option<String>,
}

/// The files of one foreign service.
#[derive(Debug, Serialize, ToSchema)]
pub struct SyncedService {
    service: String,
    /// Files that were written, from its folder on.
    written: Vec<String>,
    /// Why it did not work.
    error: Option<String>,
}

impl From<Synced> for SyncedService {
    fn from(synced: Synced) -> Self {
        Self { service: synced.service, written: synced.written, error: synced.error }
    }
}

/// What came of a change or a sync.
#[derive(Debug, Serialize, ToSchema)]
pub struct SettingsApplied {
    /// False when services could not be told or their files not be written; the settings are stored all the same.
    success: bool,
    message: String,
    /// The new version, after a change.
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<String>,
    /// Services that run with other settings until they are restarted.
    restart: Vec<String>,
    services: Vec<SyncedService>,
}

/// What came of a restart of all services.
#[derive(Debug, Serialize, ToSchema)]
pub struct AllRestarted {
    success: bool,
    message: String,
    restarted: Vec<String>,
    failed: Vec<NotRestarted>,
    /// Restarted right after this answer: the gateway.
    restarting: Vec<String>,
}

/// The settings as they are. Secrets are no part of them.
#[utoipa::path(get, path = "/api/settings", tag = "settings",
    responses((status = 200, description = "Settings", body = Settings)))]
pub async fn show(State(state): State<ServeState>, _: AdminUser) -> Result<Json<Settings>> {
    let current = SettingsControl::of(&state).current().await.map_err(unreadable)?;
    Ok(Json(current.into()))
}

/// Changes settings. Services take them up when they are restarted; files of foreign services are written at once.
#[utoipa::path(put, path = "/api/settings", tag = "settings", request_body = SettingsChange,
    responses((status = 200, description = "Stored", body = SettingsApplied),
        (status = 409, description = "Somebody else changed them since `version`"),
        (status = 422, description = "A value is not what it must be; `errors` names each")))]
pub async fn change(
    State(state): State<ServeState>,
    by: Author,
    Json(body): Json<SettingsChange>,
) -> Result<Json<SettingsApplied>> {
    let SettingsChange { environment, hostname, log_level, enable_json_logging, version } = body;
    let change = Change { environment, hostname, log_level, enable_json_logging };
    let saved = SettingsControl::of(&state).save(change.clone(), version).await.map_err(refused)?;
    audit!(by = by.name, settings = ?change, version = saved.version, "settings changed");
    let failure = saved.failure.or_else(|| sync_failure(&saved.synced));
    let mut answer = applied(saved.synced, saved.restart, "Settings saved", failure);
    answer.version = Some(saved.version);
    Ok(Json(answer))
}

/// Writes the files of foreign services, and hands every service its settings for its next start.
#[utoipa::path(post, path = "/api/settings/sync", tag = "settings",
    responses((status = 200, description = "Written, or what could not be; see `success`", body = SettingsApplied)))]
pub async fn sync(State(state): State<ServeState>, by: Author) -> Result<Json<SettingsApplied>> {
    let Applied { restart, synced, failure } =
        SettingsControl::of(&state).sync().await.map_err(unreadable)?;
    audit!(by = by.name, services = synced.len(), "configuration synced");
    let failure = failure.or_else(|| sync_failure(&synced));
    Ok(Json(applied(synced, restart, "Configuration synced", failure)))
}

/// Restarts every service that runs, except Helm; the gateway last, right after the answer.
#[utoipa::path(post, path = "/api/settings/restart-all", tag = "settings",
    responses((status = 200, description = "All restarted", body = AllRestarted),
        (status = 207, description = "Some do not run again", body = AllRestarted)))]
pub async fn restart_all(State(state): State<ServeState>, by: Author) -> Response {
    let outcome = SettingsControl::of(&state).restart_all(&state).await;
    audit!(by = by.name, restarted = ?outcome.restarted, failed = outcome.failed.len(), "all services restarted");
    let status = if outcome.failed.is_empty() { StatusCode::OK } else { StatusCode::MULTI_STATUS };
    let message = restart_words(&outcome);
    let Restarted { restarted, failed, restarting } = outcome;
    let success = failed.is_empty();
    (status, Json(AllRestarted { success, message, restarted, failed, restarting })).into_response()
}

/// The certificate that browsers see.
#[utoipa::path(get, path = "/settings/ssl-info", tag = "settings",
    responses((status = 200, description = "Certificate, or `exists: false`", body = Certificate)))]
pub async fn ssl_info(State(state): State<ServeState>, _: AdminUser) -> Json<Certificate> {
    Json(SettingsControl::of(&state).certificate().await)
}

fn applied(
    services: Vec<Synced>,
    restart: Vec<String>,
    done: &str,
    failure: Option<String>,
) -> SettingsApplied {
    let success = failure.is_none();
    let message = match failure {
        Some(failure) => format!("{done}, but {failure}"),
        None => format!("{done} successfully"),
    };
    let services = services.into_iter().map(SyncedService::from).collect();
    SettingsApplied { success, message, version: None, restart, services }
}

/// Which files could not be written, in words; `None` when all could.
pub(in crate::routes) fn sync_failure(services: &[Synced]) -> Option<String> {
    let failed: Vec<String> = services
        .iter()
        .filter_map(|synced| Some(format!("{} ({})", synced.service, synced.error.as_ref()?)))
        .collect();
    (!failed.is_empty())
        .then(|| format!("the files of these services were not written: {}", failed.join(", ")))
}

/// A restart of everything in words.
pub(in crate::routes) fn restart_words(outcome: &Restarted) -> String {
    let Restarted { restarted, failed, restarting } = outcome;
    let failed: Vec<String> = failed.iter().map(|failed| failed.service.clone()).collect();
    let parts = [("Restarted", restarted), ("Failed", &failed), ("Restarting in a moment", restarting)];
    let said: Vec<String> = parts
        .iter()
        .filter(|(_, names)| !names.is_empty())
        .map(|(word, names)| format!("{word}: {}.", names.join(", ")))
        .collect();
    if said.is_empty() { "No running services to restart.".to_owned() } else { said.join(" ") }
}

pub(in crate::routes) fn unreadable(error: anyhow::Error) -> Problem {
    Problem::internal(format!("{error:#}")).error("The settings cannot be read")
}

fn refused(error: ChangeError) -> Problem {
    let message = error.to_string();
    match error {
        ChangeError::Invalid(faults) => {
            let errors: Map<String, Value> = faults
                .into_iter()
                .map(|fault| (fault.path.trim_start_matches("system.").to_owned(), Value::from(fault.reason)))
                .collect();
            Problem::new(StatusCode::UNPROCESSABLE_ENTITY).error(message).with("errors", errors)
        }
        ChangeError::Outdated => Problem::new(StatusCode::CONFLICT).error(message),
        ChangeError::Failed(error) => {
            Problem::internal(format!("{error:#}")).error("The settings cannot be stored")
        }
    }
}
