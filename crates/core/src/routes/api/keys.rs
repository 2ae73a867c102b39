//! `GET /api/internal/keys` and `POST /api/internal/keys/rotate`: the signing keys (core.md §5), for `helm keys` alone.

use axum::{body::Bytes, extract::State};
use hivematrix_shared::{
    contracts::core::{KeysRotated, RotateKeys, SigningKeys},
    extract::Json,
    problem::{Problem, Result},
};
use http::HeaderMap;

use super::{body, require_helm};
use crate::{
    crypto::key_ring::RotateError,
    routes::request::DirectLocal,
    state::{AppState, Parts},
};

/// The signing keys and their times. Only for Helm, by its secret, on this machine.
#[utoipa::path(get, path = "/api/internal/keys", tag = "tokens", security(()),
    responses(
        (status = 200, description = "The keys", body = SigningKeys),
        (status = 401, description = "Not Helm's secret"),
        (status = 403, description = "From elsewhere or through the gateway")))]
pub async fn status(
    State(core): State<AppState>,
    _: DirectLocal,
    headers: HeaderMap,
) -> Result<Json<SigningKeys>> {
    require_helm(&core, &headers)?;
    Ok(Json(SigningKeys { keys: core.keys.status() }))
}

/// Makes a new signing key and hands over to it, by default so slowly that no request fails. Only for Helm, by its secret,
/// on this machine.
#[utoipa::path(post, path = "/api/internal/keys/rotate", tag = "tokens", security(()), request_body = RotateKeys,
    responses(
        (status = 200, description = "The keys from now on", body = KeysRotated),
        (status = 401, description = "Not Helm's secret"),
        (status = 403, description = "From elsewhere or through the gateway"),
        (status = 409, description = "The last new key does not sign yet"),
        (status = 503, description = "The keys were replaced, but the sessions could not be ended")))]
pub async fn rotate(
    State(core): State<AppState>,
    _: DirectLocal,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<KeysRotated>> {
    require_helm(&core, &headers)?;
    let RotateKeys { now } = body::typed(&headers, &body)?;
    let ring = core.keys.clone();
    let rotated = tokio::task::spawn_blocking(move || ring.rotate(now)).await.map_err(Problem::internal)?;
    rotated.map_err(|error| match error {
        RotateError::Waiting { .. } => Problem::conflict(format!("Nothing was changed: {error}.")),
        RotateError::Files(_) => {
            Problem::internal(&error).detail(format!("The keys could not be rotated: {error}."))
        }
    })?;
    let keys = core.keys.status();
    hivematrix_shared::audit!(at_once = now, keys = keys.len(), "The signing keys were rotated");
    let sessions_ended = if now { end_all_sessions(&core).await? } else { 0 };
    Ok(Json(KeysRotated { keys, sessions_ended }))
}

/// Nobody can tell which sessions a thief has.
async fn end_all_sessions(core: &Parts) -> Result<usize> {
    let ended = core.sessions.revoke_everybodys().await.map_err(|error| {
        Problem::unavailable("The keys were replaced, but not all sessions could be ended. Run it again.", 5)
            .cause(error)
    })?;
    hivematrix_shared::audit!(sessions = ended, "All sessions were ended");
    Ok(ended)
}
