//! `POST /api/token/exchange` (core.md §2.1).

use axum::{
    body::Bytes,
    extract::State,
    response::{IntoResponse, Response},
};
use hivematrix_shared::{contracts::core::TokenAnswer, extract::Json, problem::Result};
use http::{HeaderMap, StatusCode};

use super::{body, error};
use crate::{
    clients::identity_provider::ProviderError, domain::session, routes::request::ClientAddress,
    state::AppState, tokens,
};

/// Turns an access token of the identity provider, issued to the suite's own client, into a session and its token.
#[utoipa::path(post, path = "/api/token/exchange", tag = "tokens", security(()), request_body = Object,
    responses(
        (status = 200, description = "The token", body = TokenAnswer),
        (status = 400, description = "No access token"),
        (status = 401, description = "The identity provider does not accept it, or it was issued to another client"),
        (status = 502, description = "The identity provider cannot be reached or answers nonsense"),
        (status = 503, description = "Sessions cannot be kept at the moment")))]
pub async fn exchange(
    State(core): State<AppState>,
    ClientAddress(address): ClientAddress,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response> {
    let Some(access_token) = body::token(&headers, &body, "access_token")? else {
        return Ok(error(StatusCode::BAD_REQUEST, "No access token provided"));
    };
    let user = match core.provider.user(&access_token).await {
        Ok(user) => user,
        Err(refused) => {
            tracing::warn!(error = %refused, "a token exchange failed");
            return Ok(match refused {
                ProviderError::Refused(_) => error(StatusCode::UNAUTHORIZED, "Invalid access token"),
                ProviderError::Nonsense(_) => {
                    error(StatusCode::BAD_GATEWAY, "Invalid response from identity provider")
                }
                ProviderError::Unreachable(_) => {
                    error(StatusCode::BAD_GATEWAY, "Identity provider unavailable")
                }
            });
        }
    };
    let (token, claims) = tokens::start_session(&core, user, &address.to_string(), session::LIFETIME).await?;
    hivematrix_shared::audit!(
        sub = claims.sub,
        user = claims.preferred_username,
        permission_level = claims.permission_level.as_str(),
        client_address = %address,
        "A session was started"
    );
    Ok(Json(TokenAnswer { token }).into_response())
}
