//! Quick jobs: commands that succeed, fail and never end.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use super::routes::{not_found, refuse};
use super::state::State as Sim;
use super::{COMMAND_COMPONENT, Engine};

/// A command on a device.
#[derive(Debug, Clone)]
pub struct Job {
    /// Name for people.
    pub name: String,
    /// Uid of the device.
    pub device: String,
    /// What it runs.
    pub command: String,
    /// When it was asked for.
    pub at: DateTime<Utc>,
}

/// How a job stands.
enum Stand {
    Active,
    Done { stdout: String, stderr: String, success: bool },
}

type Engines = State<Arc<Engine>>;

/// The body of a quick job.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct QuickJob {
    job_name: String,
    job_component: Component,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Component {
    component_uid: String,
    #[serde(default)]
    variables: Vec<Argument>,
}

#[derive(Debug, Deserialize)]
struct Argument {
    name: String,
    value: String,
}

/// PUT `/device/{uid}/quickjob`.
pub async fn start(State(engine): Engines, Path(uid): Path<String>, Json(asked): Json<QuickJob>) -> Response {
    let at = engine.config.clock.now();
    let mut state = engine.state();
    if state.device(&uid).is_none() {
        return refuse(StatusCode::NOT_FOUND, "Not found");
    }
    if asked.job_component.component_uid != COMMAND_COMPONENT {
        return refuse(StatusCode::NOT_FOUND, "Component not found");
    }
    let arguments = asked.job_component.variables;
    let Some(command) = arguments.into_iter().find(|argument| argument.name == "command") else {
        return refuse(StatusCode::BAD_REQUEST, "Variable 'command' is missing");
    };
    let id = format!("10b00000-0000-4000-a000-{:012x}", state.count());
    let answer = json!({ "job": { "uid": id, "name": asked.job_name, "status": "active" } });
    state.jobs.insert(id, Job { name: asked.job_name, device: uid, command: command.value, at });
    Json(answer).into_response()
}

/// What became of a job. Nothing runs on a device that is off; `hang` never ends, and what begins with `fail` fails.
fn stand(engine: &Engine, state: &Sim, job: &Job) -> Stand {
    let device = state.device(&job.device);
    let online = device.is_some_and(|device| {
        device.patch.get("online").and_then(Value::as_bool).unwrap_or(device.device.online)
    });
    let early = engine.config.clock.now() < job.at + engine.config.job_time;
    let command = job.command.trim();
    if early || !online || command == "hang" {
        return Stand::Active;
    }
    let name = device.map(|device| device.device.hostname.clone()).unwrap_or_default();
    let (stdout, stderr) = match command {
        "hostname" => (format!("{name}\r\n"), String::new()),
        "whoami" => ("nt authority\\system\r\n".to_owned(), String::new()),
        _ if command.starts_with("fail") => {
            let word = command.split_whitespace().next().unwrap_or(command);
            (String::new(), format!("'{word}' is not recognized as an internal or external command.\r\n"))
        }
        _ => (format!("{name}> {command}\r\nThe command completed successfully.\r\n"), String::new()),
    };
    Stand::Done { success: stderr.is_empty(), stdout, stderr }
}

/// GET `/job/{uid}`.
pub async fn job(State(engine): Engines, Path(uid): Path<String>) -> Response {
    let state = engine.state();
    let Some(job) = state.jobs.get(&uid) else { return refuse(StatusCode::NOT_FOUND, "Not found") };
    let status = match stand(&engine, &state, job) {
        Stand::Active => "active",
        Stand::Done { .. } => "completed",
    };
    Json(json!({
        "id": 1, "uid": uid, "name": job.name, "dateCreated": job.at.timestamp_millis(), "status": status,
    }))
    .into_response()
}

/// The outcome of a job on its device; nothing of it exists while it runs.
fn outcome(engine: &Engine, uid: &str, device: &str) -> Option<(bool, String, String)> {
    let state = engine.state();
    let job = state.jobs.get(uid).filter(|job| job.device == device)?;
    match stand(engine, &state, job) {
        Stand::Active => None,
        Stand::Done { stdout, stderr, success } => Some((success, stdout, stderr)),
    }
}

/// GET `/job/{uid}/results/{device}`.
pub async fn results(State(engine): Engines, Path((uid, device)): Path<(String, String)>) -> Response {
    let Some((success, stdout, stderr)) = outcome(&engine, &uid, &device) else { return not_found().await };
    let status = if success { "success" } else { "failed" };
    Json(json!({
        "jobUid": uid, "deviceUid": device, "ranOn": engine.config.clock.now().timestamp_millis(),
        "jobDeploymentStatus": status,
        "componentResults": [{
            "componentUid": COMMAND_COMPONENT, "componentName": "Run a command", "componentStatus": status,
            "numberOfWarnings": 0, "hasStdOut": !stdout.is_empty(), "hasStdErr": !stderr.is_empty(),
        }],
    }))
    .into_response()
}

fn data(text: &str) -> Response {
    let part =
        json!({ "componentUid": COMMAND_COMPONENT, "componentName": "Run a command", "stdData": text });
    Json(json!([part])).into_response()
}

/// GET `/job/{uid}/results/{device}/stdout`.
pub async fn stdout(State(engine): Engines, Path((uid, device)): Path<(String, String)>) -> Response {
    match outcome(&engine, &uid, &device) {
        Some((_, stdout, _)) => data(&stdout),
        None => not_found().await,
    }
}

/// GET `/job/{uid}/results/{device}/stderr`.
pub async fn stderr(State(engine): Engines, Path((uid, device)): Path<(String, String)>) -> Response {
    match outcome(&engine, &uid, &device) {
        Some((_, _, stderr)) => data(&stderr),
        None => not_found().await,
    }
}
