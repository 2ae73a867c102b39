//! Remote commands: quick jobs of one component that runs what it is given (codex-api.md §13.2).

use reqwest::Method;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::super::rmm::RemoteCommand;
use super::super::{Pace, ProviderError};
use super::client::NAME;
use super::{Datto, segment};

/// Longest output that is passed on.
const OUTPUT: usize = 256 * 1024;

impl Datto {
    /// Starts a quick job; `None` when there is no such device.
    pub(super) async fn start_job(
        &self,
        device: &str,
        command: &str,
        deadline: Instant,
    ) -> Result<Option<RemoteCommand>, ProviderError> {
        let Some(component) = &self.component else {
            let what = "run commands: the component for it is not set (DATTO_COMMAND_COMPONENT)";
            return Err(ProviderError::NotSupported { provider: NAME, what });
        };
        let path = format!("device/{}/quickjob", segment(device));
        let body = json!({
            "jobName": "HiveMatrix command",
            "jobComponent": {
                "componentUid": component,
                "variables": [{ "name": "command", "value": command }],
            },
        });
        // Sent once: a command must not run twice because its answer got lost.
        let Some(answer) = self.client.write_by(deadline, Method::PUT, &path, &body).await? else {
            return Ok(None);
        };
        let job = answer.get("job").unwrap_or(&answer);
        // Accepted, but nobody knows under which name.
        let id = text(job, "uid").ok_or_else(|| unknown(&path, "JSON without a job"))?;
        let status = text(job, "status").unwrap_or_else(|| "active".to_owned());
        Ok(Some(RemoteCommand { job_id: id, status, ..RemoteCommand::default() }))
    }

    /// How a quick job stands; `None` when there is no such job on that device.
    pub(super) async fn read_job(
        &self,
        device: &str,
        job_id: &str,
    ) -> Result<Option<RemoteCommand>, ProviderError> {
        let path = format!("job/{}", segment(job_id));
        let Some(answer) = self.client.get(&path, &[], Pace::Now).await? else { return Ok(None) };
        let job = answer.get("job").unwrap_or(&answer);
        let mut command = RemoteCommand {
            job_id: job_id.to_owned(),
            status: text(job, "status").unwrap_or_else(|| "active".to_owned()),
            ..RemoteCommand::default()
        };
        let results = format!("{path}/results/{}", segment(device));
        let Some(result) = self.client.get(&results, &[], Pace::Now).await? else {
            // Not begun on the device yet, or not meant for it; the latter is not this device's to tell about.
            return Ok((command.status == "active").then_some(command));
        };
        if let Some(status) = text(&result, "jobDeploymentStatus").filter(|_| command.status != "active") {
            command.status = status;
        }
        let parts = result.get("componentResults").and_then(Value::as_array);
        let has = |flag: &str| {
            // A vendor that does not say is asked.
            parts.is_none_or(|parts| {
                parts.iter().any(|part| part.get(flag).and_then(Value::as_bool).unwrap_or(true))
            })
        };
        if has("hasStdOut") {
            command.stdout = self
                .client
                .get(&format!("{results}/stdout"), &[], Pace::Now)
                .await?
                .map(|body| output(&body));
        }
        if has("hasStdErr") {
            command.stderr = self
                .client
                .get(&format!("{results}/stderr"), &[], Pace::Now)
                .await?
                .map(|body| output(&body));
        }
        Ok(Some(command))
    }
}

fn unknown(path: &str, detail: &str) -> ProviderError {
    ProviderError::OutcomeUnknown { provider: NAME, path: path.to_owned(), detail: detail.to_owned() }
}

fn text(value: &Value, name: &str) -> Option<String> {
    value.get(name)?.as_str().map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned)
}

/// The texts of all components, one after the other.
fn output(body: &Value) -> String {
    let mut text = match body {
        Value::Array(parts) => parts
            .iter()
            .filter_map(|part| part.get("stdData").and_then(Value::as_str))
            .collect::<Vec<_>>()
            .join("\n"),
        Value::String(text) => text.clone(),
        body => body.get("stdData").and_then(Value::as_str).unwrap_or_default().to_owned(),
    };
    if text.len() > OUTPUT {
        let end = text.floor_char_boundary(OUTPUT);
        text.truncate(end);
    }
    text
}
