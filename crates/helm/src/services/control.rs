//! Start, stop and restart of single services, with the words of the contract (helm.md §4.1).

use std::time::Duration;

use futures::future::join_all;
use tokio::time::timeout;

use crate::{
    clients::systemctl::Systemctl,
    control::protocol::Reply,
    domain::{registry::RUN_SCRIPT, status::Phase},
    services::board::StatusBoard,
    services::reload::Reloader,
    supervisor::{Supervisor, UnitState},
};

/// Whoever starts a service waits this long for it to be ready.
const READY_PATIENCE: Duration = Duration::from_secs(20);

/// What became of an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// Whether it was done.
    pub success: bool,
    /// What happened, in words.
    pub message: String,
    /// Process id after a start.
    pub pid: Option<i32>,
    /// Port after a start.
    pub port: Option<u16>,
}

/// Both halves of a restart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RestartOutcome {
    /// The first half.
    pub stop: Outcome,
    /// The second half; it decides.
    pub start: Outcome,
}

impl Outcome {
    fn done(message: &str) -> Self {
        Self { success: true, message: message.to_owned(), pid: None, port: None }
    }

    fn failed(message: impl Into<String>) -> Self {
        Self { success: false, message: message.into(), pid: None, port: None }
    }
}

impl From<Outcome> for Reply {
    fn from(outcome: Outcome) -> Self {
        Self {
            ok: outcome.success,
            message: outcome.message,
            pid: outcome.pid,
            port: outcome.port,
            ..Self::default()
        }
    }
}

/// Carries out orders. Cheap to clone.
#[derive(Clone)]
pub struct ServiceControl {
    supervisor: Supervisor,
    board: StatusBoard,
    reloader: Option<Reloader>,
}

impl ServiceControl {
    /// Control over the units of a supervisor.
    #[must_use]
    pub fn new(supervisor: Supervisor, board: StatusBoard) -> Self {
        Self { supervisor, board, reloader: None }
    }

    /// The same, where settings are read anew before each start: without, units start as they were added.
    #[must_use]
    pub fn reloading(mut self, reloader: Reloader) -> Self {
        self.reloader = Some(reloader);
        self
    }

    /// What reads the settings anew.
    #[must_use]
    pub fn reloader(&self) -> Option<&Reloader> {
        self.reloader.as_ref()
    }

    /// systemd, where it runs the suite: what concerns the files of other accounts is done by its units or by root.
    #[must_use]
    pub fn systemctl(&self) -> Option<&Systemctl> {
        self.supervisor.systemctl()
    }

    /// Takes changed settings up for the next start; the reason why not, in words for people.
    async fn take_settings(&self, name: &str) -> Option<Outcome> {
        let error = self.reloader.as_ref()?.reload().await.err()?;
        tracing::error!(service = name, error = format!("{error:#}"), "settings cannot be read");
        Some(Outcome::failed(format!("The settings cannot be read: {error:#}")))
    }

    /// A variable that a service gets at its next start.
    #[must_use]
    pub fn variable(&self, service: &str, name: &str) -> Option<String> {
        self.supervisor.spec(service)?.env.get(name).filter(|value| !value.is_empty()).cloned()
    }

    /// Whether this is the name of something that is supervised, in the registry, or looked at.
    #[must_use]
    pub fn knows(&self, name: &str) -> bool {
        self.supervisor.spec(name).is_some()
            || self.board.registry().get(name).is_some()
            || self.board.is_keycloak(name)
    }

    /// Whether systemd runs the processes, and its journal takes what they write.
    #[must_use]
    pub fn is_by_systemd(&self) -> bool {
        self.supervisor.is_follower()
    }

    /// The command that shows what a process of this machine has written to the journal; `None` where files take it.
    #[must_use]
    pub fn journal(&self, name: &str) -> Option<String> {
        let is_here = name == "helm" || self.supervisor.spec(name).is_some();
        (self.is_by_systemd() && is_here).then(|| format!("journalctl -u hivematrix-{name}"))
    }

    /// Starts a service and waits until it is ready.
    pub async fn start(&self, name: &str) -> Outcome {
        if let Some(refusal) = self.refusal(name) {
            return refusal;
        }
        let state = self.state(name);
        if let Some(identity) = &state.identity {
            return Outcome::failed(format!("Service already running (PID: {})", identity.pid));
        }
        if let Some(failure) = self.take_settings(name).await.or_else(|| self.missing_part(name)) {
            return failure;
        }
        match self.supervisor.start(name).await {
            Ok(()) => self.started(name).await,
            Err(error) => internal(name, &error),
        }
    }

    /// Stops a service; it stays down until it is started again.
    pub async fn stop(&self, name: &str) -> Outcome {
        if let Some(refusal) = self.refusal(name) {
            return refusal;
        }
        let was_down = self.state(name).identity.is_none();
        match self.supervisor.stop(name).await {
            Ok(()) if was_down => Outcome::done("Service was already stopped"),
            Ok(()) => Outcome::done("Service stopped successfully"),
            Err(error) => internal(name, &error),
        }
    }

    /// Stops and starts a service and waits until it is ready.
    pub async fn restart(&self, name: &str) -> RestartOutcome {
        if let Some(refusal) = self.refusal(name) {
            return RestartOutcome { stop: refusal.clone(), start: refusal };
        }
        // Before the stop: what cannot be started again is better left running.
        if let Some(failure) = self.take_settings(name).await.or_else(|| self.missing_part(name)) {
            let stop = Outcome::failed("Service was not stopped");
            return RestartOutcome { stop, start: failure };
        }
        self.restart_as_it_is(name).await
    }

    /// Restarts several services at once, each after those it depends on, and waits until they are ready.
    pub async fn restart_all(&self, names: &[String]) -> Vec<(String, RestartOutcome)> {
        if names.is_empty() {
            return Vec::new();
        }
        let failure = self.take_settings("all").await;
        let restarts = names.iter().map(|name| async {
            let outcome = match (&failure, self.refusal(name)) {
                (Some(failure), _) => {
                    let stop = Outcome::failed("Service was not stopped");
                    RestartOutcome { stop, start: failure.clone() }
                }
                (None, Some(refusal)) => RestartOutcome { stop: refusal.clone(), start: refusal },
                (None, None) => self.restart_as_it_is(name).await,
            };
            (name.clone(), outcome)
        });
        join_all(restarts).await
    }

    async fn restart_as_it_is(&self, name: &str) -> RestartOutcome {
        let was_down = self.state(name).identity.is_none();
        let stop = Outcome::done(if was_down {
            "Service was already stopped"
        } else {
            "Service stopped successfully"
        });
        let start = match self.supervisor.restart(name).await {
            Ok(()) => self.started(name).await,
            Err(error) => internal(name, &error),
        };
        RestartOutcome { stop, start }
    }

    /// What a foreign service lacks to be started.
    fn missing_part(&self, name: &str) -> Option<Outcome> {
        let (registry, spec) = (self.board.registry(), self.supervisor.spec(name)?);
        let entry = registry.get(name).filter(|entry| entry.start_command.is_some())?;
        let script = entry.run_script.as_deref().unwrap_or(RUN_SCRIPT);
        let missing = match entry.python_bin {
            _ if !spec.directory.is_dir() => "Service directory not found",
            Some(_) if !spec.program.is_file() => "Python executable not found",
            Some(_) if !spec.directory.join(script).is_file() => "Run script not found",
            _ => return None,
        };
        Some(Outcome::failed(missing))
    }

    /// Why a service cannot be controlled from here at all.
    #[must_use]
    pub fn refusal(&self, name: &str) -> Option<Outcome> {
        match self.supervisor.spec(name) {
            Some(_) => None,
            None if name == "helm" => Some(Outcome::failed(
                "Helm does not stop itself; use `helm up`, `helm down` or `helm restart helm` on the machine",
            )),
            None if self.knows(name) => {
                Some(Outcome::failed("Service runs elsewhere and is not controlled here"))
            }
            None => Some(Outcome::failed("Service not found")),
        }
    }

    fn state(&self, name: &str) -> UnitState {
        self.supervisor.board().state(name).unwrap_or_default()
    }

    async fn started(&self, name: &str) -> Outcome {
        let Some(mut state) = self.supervisor.board().follow(name) else {
            return Outcome::failed("Service not found");
        };
        let failed = |state: &UnitState| state.phase == Phase::Stopped && state.last_error.is_some();
        let settled = state.wait_for(|state| state.ready || state.phase == Phase::Backoff || failed(state));
        let settled = timeout(READY_PATIENCE, settled).await.map(|state| state.map(|state| state.clone()));
        let state = match settled {
            Ok(Ok(state)) => state,
            _ => self.state(name),
        };
        match &state.identity {
            Some(identity) => Outcome {
                pid: Some(identity.pid),
                port: self.supervisor.spec(name).and_then(|spec| spec.port),
                ..Outcome::done("Service started successfully")
            },
            None if state.phase == Phase::Waiting => {
                Outcome::failed("Service waits for what it depends on. It starts as soon as that is ready.")
            }
            None => {
                tracing::warn!(service = name, error = state.last_error, "start failed");
                Outcome::failed("Service failed to start. Check logs for details.")
            }
        }
    }
}

fn internal(name: &str, error: &anyhow::Error) -> Outcome {
    tracing::error!(service = name, error = format!("{error:#}"), "order not carried out");
    Outcome::failed("Internal server error")
}
