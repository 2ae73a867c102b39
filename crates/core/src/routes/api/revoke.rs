//! `POST /api/token/revoke` (core.md §2.3).

use axum::{body::Bytes, extract::State, response::Response};
use hivematrix_shared::problem::Result;
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};

use super::{answer, body, error};
use crate::{
    domain::token_reason::TokenReason,
    state::AppState,
    tokens::{self, Expiry},
};

/// Ends the session of a user token, even of an expired one. From then on every service refuses the token within two
/// seconds.
#[utoipa::path(post, path = "/api/token/revoke", tag = "tokens", security(()), request_body = Object,
    responses(
        (status = 200, description = "The session is over", body = Object),
        (status = 400, description = "No token, or one without a session"),
        (status = 401, description = "Not a token of Core"),
        (status = 404, description = "The session is unknown or has expired"),
        (status = 503, description = "Sessions cannot be changed at the moment")))]
pub async fn revoke(State(core): State<AppState>, headers: HeaderMap, body: Bytes) -> Result<Response> {
    let Some(token) = body::token(&headers, &body, "token")? else {
        return Ok(error(StatusCode::BAD_REQUEST, "No token provided"));
    };
    let now = core.ctx.clock.unix();
    let opened = tokens::open(&core.keys, &token, now, Expiry::Ignored)
        .and_then(|claims| tokens::session_id(&claims).map(str::to_owned).map(|id| (claims, id)));
    let (claims, id) = match opened {
        Ok(found) => found,
        Err(reason @ TokenReason::NoSession) => return Ok(error(StatusCode::BAD_REQUEST, reason)),
        Err(reason) => return Ok(error(StatusCode::UNAUTHORIZED, reason)),
    };
    if core.sessions.revoke(&id).await? {
        let sub = claims.get("sub").and_then(Value::as_str).unwrap_or_default();
        hivematrix_shared::audit!(sub, "A session was ended");
        return Ok(answer(StatusCode::OK, json!({ "message": "Session revoked successfully" })));
    }
    // A genuine token whose session is unknown, such as one from before a restart without Redis, still passes the other
    // services' checks, so they are told.
    if let Some(exp) = claims.get("exp").and_then(Value::as_i64).filter(|exp| *exp > now) {
        core.sessions.announce(&id, exp).await?;
    }
    Ok(answer(StatusCode::NOT_FOUND, json!({ "message": "Session not found or already revoked" })))
}
