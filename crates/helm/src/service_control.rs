//! Start, stop and restart of single services, with the words of the contract (helm.md §4.1).

use std::time::Duration;

use tokio::time::timeout;

use crate::{
    control::protocol::Reply,
    domain::status::Phase,
    status_board::StatusBoard,
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
}

impl ServiceControl {
    /// Control over the units of a supervisor.
    #[must_use]
    pub fn new(supervisor: Supervisor, board: StatusBoard) -> Self {
        Self { supervisor, board }
    }

    /// Whether the registry or the supervisor knows the name.
    #[must_use]
    pub fn knows(&self, name: &str) -> bool {
        self.supervisor.spec(name).is_some() || self.board.registry().get(name).is_some()
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

    /// Why a service cannot be controlled from here at all.
    fn refusal(&self, name: &str) -> Option<Outcome> {
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
        let settled = state.wait_for(|state| state.ready || state.phase == Phase::Backoff);
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
