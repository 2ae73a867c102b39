//! Answers and requests of Core that other services use (core.md §2).

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Body of `POST /service-token`.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub struct ServiceTokenRequest {
    /// Who asks.
    pub calling_service: String,
    /// Whom the token is for.
    pub target_service: String,
    /// A valid user token, to act on behalf of that user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_token: Option<String>,
}

/// A signed token, the answer of `/service-token`, `/api/token/exchange` and `/api/internal/token`.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub struct TokenAnswer {
    /// The JWT.
    pub token: String,
}

/// A session that was ended before its token expires.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, ToSchema)]
pub struct RevokedSession {
    /// Session id, the token's `jti`.
    pub jti: String,
    /// When the token expires anyway, Unix seconds.
    pub exp: i64,
}

/// Answer of `GET /api/revocations`.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, ToSchema)]
pub struct RevocationPage {
    /// Value for the next request's `since`.
    pub cursor: String,
    /// Sessions revoked after the given cursor; without one, all whose tokens have not expired.
    pub revoked: Vec<RevokedSession>,
}
