//! `POST /api/internal/token` (core.md §2.7).

use axum::{body::Bytes, extract::State, response::IntoResponse};
use hivematrix_shared::{
    auth::PermissionLevel,
    contracts::core::TokenAnswer,
    extract::Json,
    problem::{Problem, Result},
};
use http::HeaderMap;
use serde::Deserialize;
use utoipa::ToSchema;

use super::{body, require_helm};
use crate::{
    domain::session::{LIFETIME, LONGEST_LIFETIME, UserData},
    routes::request::DirectLocal,
    state::AppState,
    tokens,
};

/// What `helm token` asks for.
#[derive(Debug, Deserialize, ToSchema)]
pub struct InternalTokenRequest {
    /// `admin`, `technician`, `billing` or `client`. A text, since an unknown level must not become `client` unnoticed.
    permission_level: String,
    /// Seconds the session lasts, at most 24 hours; default one hour.
    #[serde(default)]
    ttl: Option<i64>,
}

/// A user token with a real session for tests and scripts. Only for Helm, by its secret, on this machine.
#[utoipa::path(post, path = "/api/internal/token", tag = "tokens", security(()), request_body = InternalTokenRequest,
    responses(
        (status = 200, description = "The token", body = TokenAnswer),
        (status = 400, description = "Unknown level or a time that is too long"),
        (status = 401, description = "Not Helm's secret"),
        (status = 403, description = "From elsewhere or through the gateway")))]
pub async fn internal_token(
    State(core): State<AppState>,
    _: DirectLocal,
    headers: HeaderMap,
    body: Bytes,
) -> Result<impl IntoResponse> {
    require_helm(&core, &headers)?;
    let wanted: InternalTokenRequest = body::typed(&headers, &body)?;
    let level: PermissionLevel =
        wanted.permission_level.parse().map_err(|error| Problem::bad_request(format!("{error}.")))?;
    let lifetime = wanted.ttl.unwrap_or(LIFETIME);
    if !(1..=LONGEST_LIFETIME).contains(&lifetime) {
        return Err(Problem::bad_request("`ttl` must be a number of seconds from 1 to 86400."));
    }
    let group = match level {
        PermissionLevel::Admin => "admins",
        PermissionLevel::Technician => "technicians",
        PermissionLevel::Billing => "billing",
        PermissionLevel::Client => "client",
    };
    let user = UserData {
        sub: "helm-cli".into(),
        name: "Helm command line".into(),
        email: "helm-cli@hivematrix.local".into(),
        email_verified: None,
        preferred_username: "helm-cli".into(),
        permission_level: level,
        groups: vec![group.into()],
    };
    let (token, claims) = tokens::start_session(&core, user, "", lifetime).await?;
    hivematrix_shared::audit!(
        permission_level = level.as_str(),
        session = claims.jti,
        lifetime,
        "A token for scripts was issued"
    );
    Ok(Json(TokenAnswer { token }))
}
