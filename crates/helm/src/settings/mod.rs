//! What administrators do with the settings of the suite: look, change, write the files of foreign services, restart
//! (helm.md §3). Pages and JSON routes share it.

mod shown;

use std::time::Duration;

use anyhow::{Context, Result};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

pub use self::shown::Certificate;
use self::shown::described;
use crate::{
    ServeState,
    clients::gateway,
    domain::{
        child_env::address_parts,
        keycloak_in_use::{keycloak_in_use, realm_in_use},
        master_config::{Fault, MasterConfig},
        neo4j_in_use::neo4j_in_use,
        operator::Operator,
        status::{Phase, UnitKind},
    },
    instance::{
        Layout, certificate, databases,
        foreign::Synced,
        master_config::{self, ChangeError, Stored},
        operator, secrets,
    },
    services::board::StatusBoard,
    services::control::ServiceControl,
    suite::{self, handed},
};

/// The gateway carries the answer and the page after it, so it is restarted last and a moment later.
const GATEWAY: &str = "nexus";
/// How much later.
const GATEWAY_PAUSE: Duration = Duration::from_secs(2);

/// Settings and services of an instance. Cheap to clone.
#[derive(Clone)]
pub struct SettingsControl {
    layout: Layout,
    control: ServiceControl,
    board: StatusBoard,
}

/// A change; absent members stay as they are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Change {
    /// `system.environment`
    pub environment: Option<String>,
    /// `system.hostname`
    pub hostname: Option<String>,
    /// `system.log_level`
    pub log_level: Option<String>,
    /// `system.enable_json_logging`
    pub enable_json_logging: Option<bool>,
}

/// The settings as they are.
#[derive(Debug, Clone)]
pub struct Current {
    /// What is configured.
    pub config: MasterConfig,
    /// Its version.
    pub version: String,
    /// Host and port of Helm's own database.
    pub postgresql: Option<(String, u16)>,
    /// Where KnowledgeTree keeps its graph, when that is a Neo4j.
    pub neo4j_uri: Option<String>,
    /// Keycloak as the services call it; `None` for Core's own realm.
    pub keycloak_url: Option<String>,
    /// Name of the realm.
    pub realm: String,
    /// Settings that a variable or a line of `settings.env` fixes, whatever stands here.
    pub fixed: Vec<&'static str>,
}

/// What came of a change.
#[derive(Debug, Clone)]
pub struct Saved {
    /// The new version.
    pub version: String,
    /// Services that run with other settings until they are restarted.
    pub restart: Vec<String>,
    /// The files of foreign services.
    pub synced: Vec<Synced>,
    /// Why the services could not be told, although the change is stored.
    pub failure: Option<String>,
}

/// What came of handing the settings on.
#[derive(Debug, Clone, Default)]
pub struct Applied {
    /// Services that run with other settings until they are restarted.
    pub restart: Vec<String>,
    /// The files of foreign services.
    pub synced: Vec<Synced>,
    /// Why it could not be done from here.
    pub failure: Option<String>,
}

/// A service that was not restarted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct NotRestarted {
    /// Its name.
    pub service: String,
    /// Why.
    pub message: String,
}

/// What came of a restart of all services.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Restarted {
    /// Those that run again.
    pub restarted: Vec<String>,
    /// Those that do not.
    pub failed: Vec<NotRestarted>,
    /// Those that are restarted right after this answer.
    pub restarting: Vec<String>,
}

impl SettingsControl {
    /// Of the instance behind the handlers.
    #[must_use]
    pub fn of(state: &ServeState) -> Self {
        Self { layout: state.layout.clone(), control: state.control.clone(), board: state.board.clone() }
    }

    fn operator(&self) -> Result<Operator> {
        match self.control.reloader() {
            Some(reloader) => reloader.operator(),
            None => operator::of_suite(&self.layout),
        }
    }

    /// The settings as they are.
    ///
    /// # Errors
    /// When the master configuration or the settings file cannot be read.
    pub async fn current(&self) -> Result<Current> {
        let this = self.clone();
        tokio::task::spawn_blocking(move || this.read()).await.context("the settings were not read")?
    }

    fn read(&self) -> Result<Current> {
        let Stored { document, version } = master_config::read(&self.layout)?;
        let config = MasterConfig::from(document);
        let operator = self.operator()?;
        // Before there was a suite here, there is no database to speak of.
        let postgresql = secrets::read(&self.layout).ok().and_then(|secrets| {
            let url = databases::url_of(&self.layout, "helm", &secrets, &operator).ok()?;
            address_parts(&url).map(|(host, port, _)| (host, port))
        });
        let keycloak = keycloak_in_use(&config, &operator);
        let realm = realm_in_use(&config, &operator);
        let fixed = [
            ("environment", "ENVIRONMENT"),
            ("hostname", "NEXUS_SERVICE_URL"),
            ("log_level", "LOG_LEVEL"),
            ("enable_json_logging", "ENABLE_JSON_LOGGING"),
        ];
        let fixed = fixed.into_iter().filter(|(_, variable)| operator.get(variable).is_some());
        let neo4j_uri = neo4j_in_use(&config, &operator).map(|neo4j| neo4j.uri);
        Ok(Current {
            config,
            neo4j_uri,
            version,
            postgresql,
            keycloak_url: keycloak.map(|keycloak| keycloak.server_url),
            realm,
            fixed: fixed.map(|(name, _)| name).collect(),
        })
    }

    /// Changes settings, hands them to the services for their next start, and writes the files of foreign ones.
    ///
    /// # Errors
    /// When a value is refused, somebody was faster than `expected`, or the files cannot be written.
    pub async fn save(&self, change: Change, expected: Option<String>) -> Result<Saved, ChangeError> {
        let layout = self.layout.clone();
        let stored = tokio::task::spawn_blocking(move || {
            master_config::change(&layout, expected.as_deref(), |document| {
                let texts = [
                    ("environment", change.environment),
                    ("hostname", change.hostname),
                    ("log_level", change.log_level),
                ];
                let texts = texts.into_iter().filter_map(|(name, text)| Some((name, Value::from(text?))));
                let flag = change.enable_json_logging.map(|flag| ("enable_json_logging", Value::from(flag)));
                let mut faults: Vec<Fault> = Vec::new();
                for (name, value) in texts.chain(flag) {
                    faults.extend(document.set(&["system", name], value).err().into_iter().flatten());
                }
                if faults.is_empty() { Ok(()) } else { Err(faults) }
            })
        });
        let stored = stored.await.map_err(|error| ChangeError::Failed(error.into()))??;
        let version = stored.version;
        Ok(match self.sync().await {
            Ok(Applied { restart, synced, failure }) => Saved { version, restart, synced, failure },
            Err(error) => {
                tracing::error!(error = format!("{error:#}"), "settings stored and not handed on");
                let failure = Some(format!("the services were not told: {error:#}"));
                Saved { version, restart: Vec::new(), synced: Vec::new(), failure }
            }
        })
    }

    /// Writes the files of foreign services and hands every service its settings for the next start. Also names those that
    /// run with other ones. Where systemd runs them, only root can do that, and is named.
    ///
    /// # Errors
    /// When the instance cannot be read.
    pub async fn sync(&self) -> Result<Applied> {
        let this = self.clone();
        if self.control.systemctl().is_some() {
            let looking = tokio::task::spawn_blocking(move || this.left_to_root()).await;
            return looking.context("the settings were not compared")?;
        }
        let synced =
            tokio::task::spawn_blocking(move || suite::sync(&this.layout, &this.operator()?, None)).await;
        let synced = synced.context("the files were not written")??;
        let restart = match self.control.reloader() {
            Some(reloader) => reloader.reload().await?.into_iter().map(|outdated| outdated.name).collect(),
            None => Vec::new(),
        };
        Ok(Applied { restart, synced, failure: None })
    }

    fn left_to_root(&self) -> Result<Applied> {
        let restart: Vec<String> = handed::outdated(&self.layout)?.into_keys().collect();
        let registry = self.board.registry();
        let foreign =
            registry.iter().filter(|(_, entry)| entry.start_command.is_some() && !entry.is_remote());
        let files = foreign.map(|(name, _)| format!("the files of {name}"));
        let waiting: Vec<String> = restart.iter().cloned().chain(files).collect();
        let failure = (!waiting.is_empty()).then(|| {
            format!(
                "systemd runs this suite: `sudo helm up` on the machine hands them on, to {}",
                waiting.join(", ")
            )
        });
        Ok(Applied { restart, synced: Vec::new(), failure })
    }

    /// Restarts every service that runs, except Helm. The gateway comes last, after the answer.
    pub async fn restart_all(&self, state: &ServeState) -> Restarted {
        let running = self.board.phases().into_iter().filter(|unit| {
            unit.kind == UnitKind::Service && unit.state == Phase::Running && unit.name != "helm"
        });
        let (last, first): (Vec<String>, Vec<String>) =
            running.map(|unit| unit.name).partition(|name| name == GATEWAY);
        let mut outcome = Restarted { restarting: last, ..Restarted::default() };
        for (name, restarted) in self.control.restart_all(&first).await {
            if restarted.start.success {
                outcome.restarted.push(name);
            } else {
                outcome.failed.push(NotRestarted { service: name, message: restarted.start.message });
            }
        }
        if !outcome.restarting.is_empty() {
            let control = self.control.clone();
            state.context.spawn("restart the gateway", async move {
                tokio::time::sleep(GATEWAY_PAUSE).await;
                let outcome = control.restart(GATEWAY).await;
                tracing::info!(success = outcome.start.success, "the gateway was restarted");
            });
        }
        outcome
    }

    /// The certificate that browsers see.
    pub async fn certificate(&self) -> Certificate {
        let chosen = self.control.variable(GATEWAY, "NEXUS_CERT_FILE");
        let file = certificate::gateway_file(&self.layout, chosen.as_deref());
        let path = file.display().to_string();
        if self.control.systemctl().is_some() {
            return self.shown(path).await;
        }
        match tokio::task::spawn_blocking(move || certificate::read(&file)).await {
            Ok(Ok(Some(read))) => described(path, read),
            Ok(Ok(None)) => Certificate::missing(),
            Ok(Err(error)) => unreadable(path, &format!("{error:#}")),
            Err(error) => unreadable(path, &error.to_string()),
        }
    }

    /// The file is closed to Helm's account, and the gateway shows what is in it.
    async fn shown(&self, path: String) -> Certificate {
        let Some(address) = gateway::address(&self.board.registry()) else { return Certificate::missing() };
        match gateway::certificate(&address).await.and_then(|der| certificate::of_der(&der)) {
            Ok(shown) => described(path, shown),
            Err(error) => unreadable(path, &format!("{error:#}")),
        }
    }
}

fn unreadable(path: String, error: &str) -> Certificate {
    tracing::warn!(path, error, "certificate not read");
    Certificate::unreadable(path)
}
