//! `POST /service-token` (core.md §2.4).

use axum::{
    body::Bytes,
    extract::State,
    response::{IntoResponse, Response},
};
use hivematrix_shared::{
    auth::ActingUser,
    config::Secret,
    contracts::core::{ServiceTokenRequest, TokenAnswer},
    extract::Json,
    problem::{Problem, Result},
};
use http::{HeaderMap, StatusCode};

use super::{SECRET_HEADER, body, error};
use crate::{
    domain::{claims, service_name},
    routes::request::{Local, came_through_gateway, text},
    state::{AppState, Parts},
    tokens,
};

/// A token for calls from one service to another, valid for 300 s. With a live user token in `user_token` it carries that
/// user as `on_behalf_of`.
#[utoipa::path(post, path = "/service-token", tag = "tokens", security(()), request_body = ServiceTokenRequest,
    params(("X-Service-Secret" = Option<String>, Header, description = "The calling service's secret")),
    responses(
        (status = 200, description = "The token", body = TokenAnswer),
        (status = 400, description = "A name is missing, malformed or unknown"),
        (status = 401, description = "Wrong secret, or the user token does not count"),
        (status = 403, description = "The request came through the gateway")))]
pub async fn service_token(
    State(core): State<AppState>,
    Local(local): Local,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response> {
    if came_through_gateway(&headers) {
        return Err(Problem::forbidden("Service tokens are not given through the gateway."));
    }
    let members = body::object(&headers, &body)?;
    let calling = body::string(&members, "calling_service")?.unwrap_or_default();
    let target = body::string(&members, "target_service")?.unwrap_or_default();
    if let Err(refused) = service_name::check(calling, target, &core.ctx.registry.load()) {
        return Ok(error(StatusCode::BAD_REQUEST, refused));
    }
    if !credential_fits(&core, calling, &headers, local) {
        tracing::warn!(calling_service = calling, "a service token was refused: wrong or no secret");
        return Err(Problem::new(StatusCode::UNAUTHORIZED).error("Invalid service credentials"));
    }
    let on_behalf_of = match body::string(&members, "user_token")? {
        Some(token) => Some(acting_user(&core, token).await?),
        None => None,
    };
    let claims = claims::service(calling, target, on_behalf_of, core.ctx.clock.unix());
    let token = core.keys.sign(&claims).await?;
    Ok(Json(TokenAnswer { token }).into_response())
}

fn credential_fits(core: &Parts, calling: &str, headers: &HeaderMap, local: bool) -> bool {
    match text(headers, SECRET_HEADER) {
        Some(secret) => core.secrets.fits(calling, &Secret::new(secret)),
        None => core.settings.compat_open_service_token && local,
    }
}

/// The user of a valid, unrevoked user token.
async fn acting_user(core: &Parts, token: &str) -> Result<ActingUser> {
    match tokens::live_session(core, token).await? {
        Ok((_, session)) => Ok(ActingUser {
            sub: session.user.sub,
            email: session.user.email,
            email_verified: session.user.email_verified,
            preferred_username: session.user.preferred_username,
            permission_level: session.user.permission_level,
        }),
        Err(reason) => {
            tracing::info!(reason = %reason, "a service token on behalf of a user was refused");
            Err(Problem::new(StatusCode::UNAUTHORIZED).error("Invalid user token"))
        }
    }
}
