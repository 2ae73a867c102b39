//! Core, as far as Helm asks it for something (platform.md §18).

use std::time::Duration;

use hivematrix_shared::context::ServiceContext;
use serde_json::json;

/// Longest wait for Core: an administrator waits as well.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Ends all sessions of a user, whose rights, address or password have changed: a session keeps what was so when it was
/// made. Whether that was done; the reason of a failure is in the log.
pub async fn end_sessions(context: &ServiceContext, sub: &str) -> bool {
    let call = context
        .client
        .post("core", "/api/sessions/revoke")
        .json(&json!({ "sub": sub }))
        .timeout(TIMEOUT)
        .send();
    // The limit covers the service token as well.
    let failure = match tokio::time::timeout(TIMEOUT, call).await {
        Ok(Ok(answer)) if answer.status().is_success() => return true,
        Ok(Ok(answer)) => format!("it answers {}", answer.status()),
        Ok(Err(error)) => error.to_string(),
        Err(_) => "it does not answer in time".to_owned(),
    };
    tracing::warn!(sub, error = failure, "Core has not ended the sessions of a user who was changed");
    false
}
