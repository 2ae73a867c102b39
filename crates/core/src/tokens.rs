//! Issuing and checking Core's own tokens.

use hivematrix_shared::auth::{CLOCK_SKEW, ISSUER, UserClaims};
use serde_json::Value;

use crate::{
    crypto::{key_ring::KeyRing, signer::SigningError},
    domain::{
        claims,
        session::{Identity, Session},
        token_reason::TokenReason,
    },
    state::Parts,
    store::sessions::StoreUnavailable,
};

/// A token could not be issued.
#[derive(Debug, thiserror::Error)]
pub enum IssueError {
    /// The session could not be kept.
    #[error(transparent)]
    Store(#[from] StoreUnavailable),
    /// The token could not be signed.
    #[error(transparent)]
    Signing(#[from] SigningError),
}

impl From<IssueError> for hivematrix_shared::problem::Problem {
    fn from(error: IssueError) -> Self {
        match error {
            IssueError::Store(error) => error.into(),
            IssueError::Signing(error) => error.into(),
        }
    }
}

/// Starts a session and signs its token.
pub async fn start_session(
    core: &Parts,
    identity: impl Into<Identity>,
    client_address: &str,
    lifetime: i64,
) -> Result<(String, UserClaims), IssueError> {
    let session = Session::start(identity, client_address, core.ctx.clock.unix(), lifetime);
    let id = core.sessions.create(&session).await?;
    let claims = claims::user(&id, &session);
    let token = core.keys.sign(&claims).await?;
    Ok((token, claims))
}

/// Whether expiry counts.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Expiry {
    /// Yes.
    Checked,
    /// No: an expired token may still be revoked.
    Ignored,
}

/// The claims of a token of ours: signature, issuer and times, with no leeway (core.md §2.2) but for `iat`: another
/// instance may have issued the token by a clock that is a little ahead.
pub fn open(keys: &KeyRing, token: &str, now: i64, expiry: Expiry) -> Result<Value, TokenReason> {
    let claims = keys.open_token(token)?;
    let time = |name: &str| match claims.get(name) {
        Some(time) => time.as_i64().map(Some).ok_or(TokenReason::Malformed),
        None => Ok(None),
    };
    let exp = time("exp")?.ok_or(TokenReason::Malformed)?;
    if expiry == Expiry::Checked && exp <= now {
        return Err(TokenReason::Expired);
    }
    if time("nbf")?.is_some_and(|nbf| nbf > now) {
        return Err(TokenReason::NotBefore);
    }
    if time("iat")?.is_some_and(|iat| iat > now + CLOCK_SKEW) {
        return Err(TokenReason::IssuedAhead);
    }
    if claims.get("iss").and_then(Value::as_str) != Some(ISSUER) {
        return Err(TokenReason::Issuer);
    }
    Ok(claims)
}

/// The session id of a token's claims.
pub fn session_id(claims: &Value) -> Result<&str, TokenReason> {
    claims.get("jti").and_then(Value::as_str).filter(|jti| !jti.is_empty()).ok_or(TokenReason::NoSession)
}

/// The live session of a user token.
pub async fn live_session(
    core: &Parts,
    token: &str,
) -> Result<Result<(Value, Session), TokenReason>, StoreUnavailable> {
    let opened = open(&core.keys, token, core.ctx.clock.unix(), Expiry::Checked)
        .and_then(|claims| session_id(&claims).map(str::to_owned).map(|id| (claims, id)));
    let (claims, id) = match opened {
        Ok(found) => found,
        Err(reason) => return Ok(Err(reason)),
    };
    let session = core.sessions.live(&id).await?;
    Ok(session.map(|session| (claims, session)).ok_or(TokenReason::SessionOver))
}
