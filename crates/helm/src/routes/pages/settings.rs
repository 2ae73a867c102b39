//! The settings page and its forms (helm.md §3).

use std::time::Duration;

use askama::Template;
use axum::{
    Form,
    extract::{State, rejection::FormRejection},
    response::Response,
};
use hivematrix_shared::{
    audit,
    pages::{
        Page,
        flash::{Flash, Kind},
        format::iso_z,
    },
    problem::{Problem, Result},
};
use serde::Deserialize;
use tokio::time::timeout;

use super::render;
use crate::{
    ServeState,
    backup::rehearsal,
    domain::master_config::schema::{ENVIRONMENTS, LEVELS},
    instance::Layout,
    routes::{
        access::{AdminUser, Author, OwnForm},
        api::{
            backups::begin_test,
            settings::{restart_words, sync_failure},
        },
        flash::{Flashes, redirect},
    },
    settings::{Applied, Certificate, Change, Current, SettingsControl},
};

const PATH: &str = "/settings";
/// A test backup that takes longer is told of when the page is opened again.
const TEST_PATIENCE: Duration = Duration::from_secs(10);

#[derive(Template)]
#[template(path = "settings.html")]
struct SettingsPage {
    page: Page,
    flashes: Vec<Flash>,
    settings: Option<View>,
    certificate: Certificate,
    test: Test,
}

/// The dry run of a backup.
#[derive(Default)]
struct Test {
    is_running: bool,
    last: Option<TestResult>,
}

struct TestResult {
    ok: bool,
    iso: String,
    at: String,
    words: String,
}

impl Test {
    /// What cannot be read is as if there had been none; the next one says why.
    fn of(layout: &Layout) -> Self {
        let last = rehearsal::last(layout).unwrap_or_default().map(|last| TestResult {
            ok: last.ok,
            iso: iso_z(last.finished_at),
            at: format!("{} UTC", last.finished_at.format("%Y-%m-%d %H:%M")),
            words: last.words(),
        });
        Self { is_running: rehearsal::is_running(layout).unwrap_or_default(), last }
    }
}

/// The settings as the page shows them.
struct View {
    environments: Vec<Choice>,
    levels: Vec<Choice>,
    hostname: String,
    fixed: Vec<&'static str>,
    postgresql: Option<(String, u16)>,
    neo4j: Option<String>,
    keycloak: Option<String>,
    realm: String,
    client_id: String,
}

struct Choice {
    value: &'static str,
    chosen: bool,
}

impl From<Current> for View {
    fn from(current: Current) -> Self {
        let Current { config, postgresql, neo4j_uri, keycloak_url, realm, fixed, .. } = current;
        let (environment, level) = (config.environment(), config.log_level());
        let choices = |words: &[&'static str], now: &str| {
            words.iter().map(|value| Choice { value, chosen: *value == now }).collect()
        };
        Self {
            environments: choices(&ENVIRONMENTS, &environment),
            levels: choices(&LEVELS, &level),
            hostname: config.hostname(),
            fixed,
            postgresql,
            neo4j: neo4j_uri,
            keycloak: keycloak_url,
            realm,
            client_id: config.client_id(),
        }
    }
}

impl View {
    /// Whether a variable decides, whatever is stored.
    fn is_fixed(&self, name: &str) -> bool {
        self.fixed.contains(&name)
    }
}

/// `GET /settings`
pub async fn show(
    State(state): State<ServeState>,
    _: AdminUser,
    flashes: Flashes,
    page: Page,
) -> Result<Response> {
    let settings = SettingsControl::of(&state);
    let mut shown = flashes.clone();
    let view = match settings.current().await {
        Ok(current) => Some(View::from(current)),
        Err(error) => {
            shown.0.push(Flash::new(Kind::Error, format!("The settings cannot be read: {error:#}")));
            None
        }
    };
    let certificate = settings.certificate().await;
    let test = Test::of(&state.layout);
    let html = render(&SettingsPage { page, flashes: shown.0, settings: view, certificate, test })?;
    Ok(flashes.shown_by(html))
}

/// The fields of the form; each optional.
#[derive(Debug, Default, Deserialize)]
pub struct SaveForm {
    environment: Option<String>,
    hostname: Option<String>,
    log_level: Option<String>,
}

/// `POST /settings/save`
pub async fn save(
    State(state): State<ServeState>,
    by: Author,
    _: OwnForm,
    page: Page,
    form: std::result::Result<Form<SaveForm>, FormRejection>,
) -> Result<Response> {
    let Form(SaveForm { environment, hostname, log_level }) =
        form.map_err(|rejection| Problem::new(rejection.status()).detail(rejection.body_text()))?;
    let change = Change { environment, hostname, log_level, enable_json_logging: None };
    let flash = match SettingsControl::of(&state).save(change.clone(), None).await {
        Ok(saved) => {
            audit!(by = by.name, settings = ?change, version = saved.version, "settings changed");
            match saved.failure.or_else(|| sync_failure(&saved.synced)) {
                Some(failure) => Flash::new(Kind::Warning, format!("Settings saved, but {failure}")),
                None => {
                    Flash::new(Kind::Success, format!("Settings saved. {}", restart_hint(&saved.restart)))
                }
            }
        }
        Err(error) => Flash::new(Kind::Error, format!("Settings not saved: {error}")),
    };
    Ok(redirect(&page, PATH, &flash))
}

/// `POST /settings/sync-config`
pub async fn sync(State(state): State<ServeState>, by: Author, _: OwnForm, page: Page) -> Response {
    let flash = match SettingsControl::of(&state).sync().await {
        Ok(Applied { restart, synced, failure }) => {
            audit!(by = by.name, services = synced.len(), "configuration synced");
            match failure.or_else(|| sync_failure(&synced)) {
                Some(failure) => Flash::new(Kind::Error, format!("Configuration not synced: {failure}")),
                None => {
                    Flash::new(Kind::Success, format!("Configuration synced. {}", restart_hint(&restart)))
                }
            }
        }
        Err(error) => Flash::new(Kind::Error, format!("Configuration not synced: {error:#}")),
    };
    redirect(&page, PATH, &flash)
}

/// `POST /settings/restart-all`
pub async fn restart_all(State(state): State<ServeState>, by: Author, _: OwnForm, page: Page) -> Response {
    let outcome = SettingsControl::of(&state).restart_all(&state).await;
    audit!(by = by.name, restarted = ?outcome.restarted, failed = outcome.failed.len(), "all services restarted");
    let kind =
        match (outcome.failed.is_empty(), outcome.restarted.is_empty() && outcome.restarting.is_empty()) {
            (true, false) => Kind::Success,
            (false, true) => Kind::Error,
            _ => Kind::Warning,
        };
    redirect(&page, PATH, &Flash::new(kind, restart_words(&outcome)))
}

/// `POST /settings/backup`: a dry run in the background, of which the next page tells what it can.
pub async fn test_backup(
    State(state): State<ServeState>,
    by: Author,
    _: OwnForm,
    page: Page,
) -> Result<Response> {
    let flash = match begin_test(&state, &by).await? {
        Ok(result) => match timeout(TEST_PATIENCE, result).await {
            Ok(Ok(done)) => Flash::new(if done.ok { Kind::Success } else { Kind::Error }, done.words()),
            Ok(Err(_)) => Flash::new(Kind::Error, "Test backup failed: its result could not be kept."),
            Err(_) => Flash::new(Kind::Success, "Test backup started. Open this page again for its result."),
        },
        Err(reason) => Flash::new(Kind::Warning, reason),
    };
    Ok(redirect(&page, PATH, &flash))
}

fn restart_hint(restart: &[String]) -> String {
    match restart {
        [] => "Every service has them.".to_owned(),
        names => format!("Restart these to use them: {}.", names.join(", ")),
    }
}
