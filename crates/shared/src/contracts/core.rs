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

/// What a signing key is there for.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum KeyState {
    /// It is published and will sign.
    Waiting,
    /// It signs.
    Signing,
    /// It does not sign any more, but its tokens still count.
    Retiring,
}

/// A signing key of Core. Times are Unix seconds.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, ToSchema)]
pub struct SigningKey {
    /// Published name.
    pub kid: String,
    /// What it is there for.
    pub state: KeyState,
    /// When it was made.
    pub created_at: i64,
    /// From when on it signs; 0 for the first key of all.
    pub signs_from: i64,
    /// From when on it does not count any more; absent for the newest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retires_at: Option<i64>,
}

/// Answer of `GET /api/internal/keys`.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, ToSchema)]
pub struct SigningKeys {
    /// The keys that count, the one that signs first.
    pub keys: Vec<SigningKey>,
}

/// Body of `POST /api/internal/keys/rotate`.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize, ToSchema)]
pub struct RotateKeys {
    /// For a stolen key: the new key signs at once, no other counts any more, and all sessions end.
    #[serde(default)]
    pub now: bool,
}

/// Answer of `POST /api/internal/keys/rotate`.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, ToSchema)]
pub struct KeysRotated {
    /// The keys that count from now on, the one that signs first.
    pub keys: Vec<SigningKey>,
    /// How many sessions were ended.
    pub sessions_ended: usize,
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
