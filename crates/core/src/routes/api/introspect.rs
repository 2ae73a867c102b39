//! `POST /api/token/introspect` (core.md §2.7, RFC 7662).

use axum::{Extension, body::Bytes, extract::State, response::Response};
use hivematrix_shared::{
    auth::{Authentication, PermissionLevel},
    config::Secret,
    problem::{Problem, Result},
};
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};

use super::{SECRET_HEADER, answer};
use crate::{
    routes::request::{media_type, text, wrong_media_type},
    state::{AppState, Parts},
    tokens::{self, Expiry},
};

/// State of a user or service token, for API clients. Needs a service secret in `X-Service-Secret` or an `admin` token.
#[utoipa::path(post, path = "/api/token/introspect", tag = "tokens",
    request_body(content = Object, content_type = "application/x-www-form-urlencoded"),
    responses(
        (status = 200, description = "`active` false, or true with the claims", body = Object),
        (status = 400, description = "No token"),
        (status = 401, description = "Neither a service secret nor a valid token"),
        (status = 403, description = "Not an admin")))]
pub async fn introspect(
    State(core): State<AppState>,
    Extension(authentication): Extension<Authentication>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response> {
    authorize(&core, &headers, &authentication)?;
    if media_type(&headers).as_deref() != Some("application/x-www-form-urlencoded") {
        return Err(wrong_media_type("application/x-www-form-urlencoded"));
    }
    let token = url::form_urlencoded::parse(&body)
        .find(|(name, _)| name == "token")
        .map(|(_, value)| value.into_owned());
    let token =
        token.filter(|token| !token.is_empty()).ok_or_else(|| Problem::bad_request("`token` is missing."))?;
    Ok(match active_claims(&core, &token).await? {
        Some(Value::Object(mut claims)) => {
            claims.insert("active".into(), Value::Bool(true));
            answer(StatusCode::OK, Value::Object(claims))
        }
        _ => answer(StatusCode::OK, json!({ "active": false })),
    })
}

fn authorize(core: &Parts, headers: &HeaderMap, authentication: &Authentication) -> Result<()> {
    if let Some(secret) = text(headers, SECRET_HEADER) {
        let fits = core.secrets.fits_any(&Secret::new(secret));
        return fits
            .then_some(())
            .ok_or_else(|| Problem::new(StatusCode::UNAUTHORIZED).error("Invalid service credentials"));
    }
    match authentication.caller.clone()?.level() {
        Some(PermissionLevel::Admin) => Ok(()),
        _ => Err(Problem::forbidden("This needs the permission level admin.")),
    }
}

async fn active_claims(core: &Parts, token: &str) -> Result<Option<Value>> {
    let Ok(claims) = tokens::open(&core.keys, token, core.ctx.clock.unix(), Expiry::Checked) else {
        return Ok(None);
    };
    if claims.get("type").and_then(Value::as_str) == Some("service") {
        return Ok(Some(claims));
    }
    let Ok(id) = tokens::session_id(&claims) else { return Ok(None) };
    let live = core.sessions.live(id).await?.is_some();
    Ok(live.then_some(claims))
}
