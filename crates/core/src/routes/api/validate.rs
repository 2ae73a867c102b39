//! `POST /api/token/validate` (core.md §2.2).

use axum::{body::Bytes, extract::State, response::Response};
use hivematrix_shared::problem::{Problem, Result};
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};

use super::{answer, body};
use crate::{state::AppState, tokens};

/// Whether a user token counts: signature, issuer, times, and a live session. The answer's `user` is the session's.
#[utoipa::path(post, path = "/api/token/validate", tag = "tokens", security(()), request_body = Object,
    responses(
        (status = 200, description = "`valid` true and the user", body = Object),
        (status = 400, description = "No token"),
        (status = 401, description = "`valid` false and the reason"),
        (status = 503, description = "Sessions cannot be read at the moment")))]
pub async fn validate(State(core): State<AppState>, headers: HeaderMap, body: Bytes) -> Result<Response> {
    let Some(token) = body::token(&headers, &body, "token")? else {
        return Ok(refused(StatusCode::BAD_REQUEST, "No token provided"));
    };
    // Whoever looks at `valid` alone must not take an outage for a yes.
    let judged = tokens::live_session(&core, &token).await;
    let judged = judged.map_err(|error| Problem::from(error).with("valid", false))?;
    Ok(match judged {
        Ok((_, session)) => answer(StatusCode::OK, json!({ "user": session.user, "valid": true })),
        Err(reason) => refused(StatusCode::UNAUTHORIZED, &reason.to_string()),
    })
}

fn refused(status: StatusCode, reason: &str) -> Response {
    let body: Value = json!({ "error": reason, "valid": false });
    answer(status, body)
}
