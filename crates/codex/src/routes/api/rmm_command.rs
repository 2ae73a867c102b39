//! Commands on devices, run by the RMM (codex-api.md §4.4).

use std::sync::Arc;

use axum::extract::State;
use hivematrix_shared::{
    audit,
    extract::{Json, Path},
    problem::{Problem, Result},
};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{rmm, sync::Technician};
use crate::{
    Codex,
    providers::{ProviderError, RmmProvider},
    store::rmm_devices::StoredDevice,
};

/// Longest command, in characters.
const LONGEST: usize = 8_000;
/// Longest reason, in characters.
const LONGEST_REASON: usize = 1_000;

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

/// Runs a command on a device. It is sent once: after a failure nobody can say that it did not run.
#[utoipa::path(post, path = "/api/rmm/device/{device_id}/command", tag = "rmm",
    params(("device_id" = String, Path, description = "`device-<asset id>`")),
    request_body = NewCommand,
    responses(
        (status = 202, body = StartedCommand), (status = 400, description = "Wrong id, or `command` or `reason` is missing"),
        (status = 403, description = "Neither technician nor administrator"),
        (status = 404, description = "No such device"), (status = 415, description = "Not JSON"),
        (status = 422, description = "The device's RMM cannot run commands"),
        (status = 502, description = "The RMM failed")
    )
)]
async fn start(
    State(codex): State<Codex>,
    Technician(caller): Technician,
    Path(device_id): Path<String>,
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
    let device = rmm::find(&codex, &device_id).await?;
    let (provider, uid) = able(&codex, &device)?;
    let (caller, name) = (caller.label(), device.hostname.as_str());
    // Before it is sent: what may have run must be found in the log, whatever happens next.
    audit!(caller, device = device_id, hostname = name, command, reason, "remote command requested");
    let started = match provider.run_command(&uid, command).await {
        Ok(started) => started.ok_or_else(gone),
        Err(error) => Err(failure(&error)),
    };
    match started {
        Ok(started) => {
            let job_id = started.job_id;
            audit!(
                caller,
                device = device_id,
                hostname = name,
                command,
                reason,
                job_id,
                "remote command started"
            );
            let body = StartedCommand { success: true, job_id, status: started.status };
            Ok((StatusCode::ACCEPTED, Json(body)))
        }
        Err(problem) => {
            let status = problem.status().as_u16();
            audit!(
                caller,
                device = device_id,
                hostname = name,
                command,
                reason,
                status,
                "remote command failed"
            );
            Err(problem)
        }
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
    params(("device_id" = String, Path, description = "`device-<asset id>`"), ("job_id" = String, Path)),
    responses(
        (status = 200, body = CommandState), (status = 400, description = "Wrong id"),
        (status = 403, description = "Neither technician nor administrator"),
        (status = 404, description = "No such device, or no such command on it"),
        (status = 422, description = "The device's RMM cannot run commands"),
        (status = 502, description = "The RMM failed")
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
        error => {
            Problem::new(StatusCode::BAD_GATEWAY).with("success", false).error(error.to_string()).cause(error)
        }
    }
}
