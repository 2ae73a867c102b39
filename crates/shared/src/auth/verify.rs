//! Token verification without a call per request: signature, issuer, expiry, target, revocation.

use std::sync::Arc;

use jsonwebtoken::{Algorithm, Validation, decode, decode_header};
use serde_json::Value;

use super::{Caller, ISSUER, KeySet, RemoteKeys, Revocations, ServiceClaims, UserClaims};
use crate::{clock::Clock, problem::Problem};

/// Seconds a token may seem to come from the future, for clocks that differ a little between machines.
const FUTURE_LEEWAY: i64 = 5;

/// Why a token does not count.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum AuthError {
    /// There is no token.
    #[error("A valid token is required.")]
    Missing,
    /// Not a token of Core, or damaged.
    #[error("The token is invalid.")]
    Invalid,
    /// `exp` has passed.
    #[error("The token has expired.")]
    Expired,
    /// The session was ended.
    #[error("The session has been revoked.")]
    Revoked,
    /// A service token for another service.
    #[error("The token is meant for another service.")]
    WrongTarget,
    /// Core was not heard for too long, so that nobody can tell whether the session still lives.
    #[error("Sign-in cannot be checked at the moment.")]
    Unavailable,
}

impl From<AuthError> for Problem {
    fn from(error: AuthError) -> Self {
        match error {
            AuthError::Unavailable => Self::unavailable(error.to_string(), 5),
            _ => Self::unauthorized(error.to_string()),
        }
    }
}

/// Outcome of the authentication layer, kept in the request's extensions.
#[derive(Clone, Debug)]
pub struct Authentication {
    /// The caller or why there is none.
    pub caller: Result<Caller, AuthError>,
    /// Core was not heard for the grace time: routes for admins are closed.
    pub outage: bool,
    /// Services may write without an acting user (compatibility switch).
    pub compat_service_writes: bool,
}

/// Verifies tokens for one service.
#[derive(Clone)]
pub struct Authenticator(Arc<Inner>);

struct Inner {
    service: String,
    clock: Clock,
    keys: Keys,
    revocations: Arc<Revocations>,
    compat_service_writes: bool,
    validation: Validation,
}

enum Keys {
    Local(KeySet),
    Remote(RemoteKeys),
}

impl Authenticator {
    /// Verifies with Core's published keys.
    pub fn remote(
        service: &str,
        clock: Clock,
        keys: RemoteKeys,
        revocations: Arc<Revocations>,
        compat_service_writes: bool,
    ) -> Self {
        Self::new(service, clock, Keys::Remote(keys), revocations, compat_service_writes)
    }

    /// Verifies with keys at hand: Core itself, and tests.
    pub fn local(
        service: &str,
        clock: Clock,
        keys: KeySet,
        revocations: Arc<Revocations>,
        compat_service_writes: bool,
    ) -> Self {
        Self::new(service, clock, Keys::Local(keys), revocations, compat_service_writes)
    }

    fn new(
        service: &str,
        clock: Clock,
        keys: Keys,
        revocations: Arc<Revocations>,
        compat_service_writes: bool,
    ) -> Self {
        // Times are checked below against our own clock; issuer and claims by hand, to tell the reasons apart.
        let mut validation = Validation::new(Algorithm::RS256);
        validation.validate_exp = false;
        validation.validate_aud = false;
        validation.required_spec_claims.clear();
        Self(Arc::new(Inner {
            service: service.to_owned(),
            clock,
            keys,
            revocations,
            compat_service_writes,
            validation,
        }))
    }

    /// The revocation list this verifier asks.
    pub fn revocations(&self) -> &Arc<Revocations> {
        &self.0.revocations
    }

    /// Name of the service tokens must be meant for.
    pub fn service(&self) -> &str {
        &self.0.service
    }

    /// Verifies a token completely.
    pub async fn verify(&self, token: &str) -> Result<Caller, AuthError> {
        let caller = self.verify_signature(token).await?;
        match &caller {
            Caller::Service(service) if service.target_service != self.0.service => {
                Err(AuthError::WrongTarget)
            }
            Caller::User(UserClaims { jti: Some(jti), iat, .. }) => {
                self.0.revocations.check(jti, *iat, &self.0.clock)?;
                Ok(caller)
            }
            _ => Ok(caller),
        }
    }

    /// Verifies signature, issuer and times only; neither target nor revocation.
    pub async fn verify_signature(&self, token: &str) -> Result<Caller, AuthError> {
        let header = decode_header(token).map_err(|_| AuthError::Invalid)?;
        if header.alg != Algorithm::RS256 {
            return Err(AuthError::Invalid);
        }
        let kid = header.kid.as_deref();
        let key = match &self.0.keys {
            Keys::Local(keys) => keys.get(kid).cloned(),
            Keys::Remote(keys) => keys.get(kid).await.map_err(|error| {
                tracing::warn!(error = %error, "a token could not be checked");
                AuthError::Unavailable
            })?,
        }
        .ok_or(AuthError::Invalid)?;
        let claims = decode::<Value>(token, &key, &self.0.validation).map_err(|_| AuthError::Invalid)?.claims;
        let caller = read_claims(claims)?;
        let (iss, iat, exp) = match &caller {
            Caller::User(user) => (&user.iss, user.iat, user.exp),
            Caller::Service(service) => (&service.iss, service.iat, service.exp),
        };
        let now = self.0.clock.unix();
        if iss != ISSUER || iat > now + FUTURE_LEEWAY {
            return Err(AuthError::Invalid);
        }
        if exp <= now {
            return Err(AuthError::Expired);
        }
        Ok(caller)
    }

    /// Verifies the token of a request, for its extensions.
    pub async fn authenticate(&self, token: Option<&str>) -> Authentication {
        let caller = match token {
            Some(token) => self.verify(token).await,
            None => Err(AuthError::Missing),
        };
        Authentication {
            caller,
            outage: self.0.revocations.is_outage(&self.0.clock),
            compat_service_writes: self.0.compat_service_writes,
        }
    }
}

fn read_claims(claims: Value) -> Result<Caller, AuthError> {
    let caller = if claims.get("type").and_then(Value::as_str) == Some("service") {
        serde_json::from_value::<ServiceClaims>(claims).map(Caller::Service)
    } else {
        serde_json::from_value::<UserClaims>(claims).map(Caller::User)
    };
    caller.map_err(|_| AuthError::Invalid)
}
