//! Commands on devices, run by the RMM (codex-api.md §4.4).

use std::{sync::Arc, time::Duration};

use axum::extract::State;
use hivematrix_shared::{
    audit,
    extract::{Json, Path},
    problem::{Problem, Result},
};
use http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};
use tokio::time::Instant;
use tracing::Instrument as _;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{refusals::ForTechnicians, rmm, sync::Technician};
use crate::{
    Codex,
    providers::{ProviderError, RmmProvider, rmm::RemoteCommand},
    store::{
        recent_commands::{self, Order},
        rmm_devices::StoredDevice,
    },
};

/// Longest command, in characters.
const LONGEST: usize = 8_000;
/// Longest reason, in characters.
const LONGEST_REASON: usize = 1_000;

/// Longest time until a command has to be accepted, waits for the vendor's limits included; the caller's request ends
/// after 30 seconds.
const PATIENCE: Duration = Duration::from_secs(25);
/// Longest name of an order.
const LONGEST_KEY: usize = 255;

/// The routes of this file.
pub fn router() -> OpenApiRouter<Codex> {
    OpenApiRouter::new().routes(routes!(start)).routes(routes!(result))
}

/// What to run and why.
#[derive(Deserialize, ToSchema)]
struct NewCommand {
    /// Required.
    #[serde(default)]
    command: String,
    /// Required; it is kept in the audit log.
    #[serde(default)]
    reason: String,
}

/// A command that the RMM has accepted.
#[derive(Serialize, ToSchema)]
struct StartedCommand {
    success: bool,
    job_id: String,
    /// As the vendor writes it.
    status: String,
}

/// Runs a command on a device. It is sent once.
///
/// Also when the caller's connection breaks, it is carried out and its outcome written to the audit log. A failure tells in
/// `outcome` whether the command certainly did not run (`failed`), or may have run (`unknown`).
#[utoipa::path(post, path = "/api/rmm/device/{device_id}/command", tag = "rmm",
    params(
        ("device_id" = String, Path, description = "`device-<asset id>`"),
        ("Idempotency-Key" = Option<String>, Header,
            description = "The caller's name of this order, at most 255 characters. Another one runs the same command again.")
    ),
    request_body = NewCommand,
    responses(
        (status = 202, body = StartedCommand),
        (status = 400, description = "Wrong id, or `command` or `reason` is missing"),
        (status = 404, description = "No such device"),
        (status = 409, description = "The caller has run the same command on the device within the last 60 seconds"),
        (status = 422, description = "The device's RMM cannot run commands"),
        (status = 502, description = "The RMM failed; member `outcome`"),
        (status = 503, description = "Not sent: the RMM's limit of requests left no turn in time"),
        ForTechnicians
    )
)]
async fn start(
    State(codex): State<Codex>,
    Technician(caller): Technician,
    Path(device_id): Path<String>,
    headers: HeaderMap,
    Json(new): Json<NewCommand>,
) -> Result<(StatusCode, Json<StartedCommand>)> {
    let (command, reason) = (new.command.trim(), new.reason.trim());
    let wrong = |text: &str| Problem::new(StatusCode::BAD_REQUEST).with("success", false).error(text);
    if command.is_empty() || reason.is_empty() {
        return Err(wrong("command and reason are required"));
    }
    if command.chars().count() > LONGEST || reason.chars().count() > LONGEST_REASON {
        return Err(wrong("command or reason is too long"));
    }
    let key = headers.get("idempotency-key").map(|key| String::from_utf8_lossy(key.as_bytes()).into_owned());
    if key.as_ref().is_some_and(|key| key.chars().count() > LONGEST_KEY) {
        return Err(wrong("Idempotency-Key is too long"));
    }
    let device = rmm::find(&codex, &device_id).await?;
    let (provider, uid) = able(&codex, &device)?;
    let order = Order { device: device.id, command: command.to_owned(), caller: caller.label(), key };
    if !recent_commands::begin(&codex.pool, &order, codex.context.clock.now()).await? {
        return Err(Problem::new(StatusCode::CONFLICT).with("success", false).error(
            "You have just run this command on this device. Send another Idempotency-Key to run it again.",
        ));
    }
    let work = Work { codex, provider, uid, device_id, device, order, reason: reason.to_owned() };
    // A command that was sent is also written down when nobody waits for the answer any more.
    let started = tokio::spawn(work.perform().in_current_span()).await.map_err(Problem::internal)??;
    let body = StartedCommand { success: true, job_id: started.job_id, status: started.status };
    Ok((StatusCode::ACCEPTED, Json(body)))
}

/// A command that may be sent.
struct Work {
    codex: Codex,
    provider: Arc<dyn RmmProvider>,
    uid: String,
    device_id: String,
    device: StoredDevice,
    order: Order,
    reason: String,
}

impl Work {
    async fn perform(self) -> Result<RemoteCommand> {
        let (device, hostname) = (&self.device_id, &self.device.hostname);
        let (caller, command, reason) = (&self.order.caller, &self.order.command, &self.reason);
        // Before it is sent: what may have run must be found in the log, whatever happens next.
        audit!(caller, device, hostname, command, reason, "remote command requested");
        let deadline = Instant::now() + PATIENCE;
        let (problem, unknown) = match self.provider.run_command(&self.uid, command, deadline).await {
            Ok(Some(started)) => {
                let job_id = &started.job_id;
                audit!(caller, device, hostname, command, reason, job_id, "remote command started");
                return Ok(started);
            }
            Ok(None) => (gone(), false),
            Err(error) => (failure(&error), matches!(error, ProviderError::OutcomeUnknown { .. })),
        };
        let outcome = if unknown { "unknown" } else { "failed" };
        if !unknown && let Err(error) = recent_commands::forget(&self.codex.pool, &self.order).await {
            tracing::warn!(%error, "the same command can be run again only in a minute");
        }
        let status = problem.status().as_u16();
        audit!(caller, device, hostname, command, reason, status, outcome, "remote command failed");
        Err(problem.with("outcome", outcome))
    }
}

/// How a command stands.
#[derive(Serialize, ToSchema)]
struct CommandState {
    job_id: String,
    /// `active` while it runs, then the outcome as the vendor writes it.
    status: String,
    /// `null` until it is known.
    stdout: Option<String>,
    /// `null` until it is known.
    stderr: Option<String>,
}

/// How a command on a device stands.
#[utoipa::path(get, path = "/api/rmm/device/{device_id}/command/{job_id}", tag = "rmm",
    params(("device_id" = String, Path, description = "`device-<asset id>`"), ("job_id" = String, Path, description = "Id of the command")),
    responses(
        (status = 200, body = CommandState), (status = 400, description = "Wrong id"),
        (status = 404, description = "No such device, or no such command on it"),
        (status = 422, description = "The device's RMM cannot run commands"),
        (status = 502, description = "The RMM failed"), ForTechnicians
    )
)]
async fn result(
    State(codex): State<Codex>,
    Technician(caller): Technician,
    Path((device_id, job_id)): Path<(String, String)>,
) -> Result<Json<CommandState>> {
    let device = rmm::find(&codex, &device_id).await?;
    let (provider, uid) = able(&codex, &device)?;
    audit!(
        caller = caller.label(),
        device = device_id,
        hostname = device.hostname,
        job_id,
        "result of a remote command read"
    );
    let found = provider.command(&uid, &job_id).await.map_err(|error| failure(&error))?;
    let found = found.ok_or_else(|| {
        Problem::not_found("This device has no such command.")
            .with("success", false)
            .with("error", "Command not found")
    })?;
    Ok(Json(CommandState {
        job_id: found.job_id,
        status: found.status,
        stdout: found.stdout,
        stderr: found.stderr,
    }))
}

/// The RMM of a device and its uid there.
fn able(codex: &Codex, device: &StoredDevice) -> Result<(Arc<dyn RmmProvider>, String)> {
    rmm::provider(codex, device)
        .ok_or_else(|| cannot("This device is not managed by an RMM that is configured."))
}

fn cannot(text: &str) -> Problem {
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY).with("success", false).error(text)
}

fn gone() -> Problem {
    Problem::not_found("The RMM has no such device, or not the component that runs commands.")
        .with("success", false)
        .with("error", "Device not found")
}

fn failure(error: &ProviderError) -> Problem {
    match error {
        ProviderError::NotSupported { .. }
        | ProviderError::NotConfigured { .. }
        | ProviderError::Unknown { .. } => cannot(&error.to_string()),
        ProviderError::NotSent { .. } | ProviderError::RateLimited { .. } => {
            Problem::new(StatusCode::SERVICE_UNAVAILABLE).with("success", false).error(error.to_string())
        }
        error => {
            Problem::new(StatusCode::BAD_GATEWAY).with("success", false).error(error.to_string()).cause(error)
        }
    }
}
