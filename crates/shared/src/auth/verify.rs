//! Token verification without a call per request: signature, issuer, times, target, revocation.

use std::{sync::Arc, time::Duration};

use aws_lc_rs::digest;

use super::{
    Caller, Claims, ISSUER, LiveKeys, Lookup, RemoteKeys, Revocations, Unverified, UserClaims, VerifyingKey,
};
use crate::{clock::Clock, problem::Problem, recent::Recent};

/// Seconds a token may seem to come from the future, for clocks that differ a little between machines.
pub const CLOCK_SKEW: i64 = 5;

/// Tokens remembered as verified, and for how long without being asked for.
const REMEMBERED: usize = 1024;
const REMEMBERED_FOR: Duration = Duration::from_secs(300);

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

/// The SHA-256 of a secret, by which something can be remembered without the secret itself.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Fingerprint([u8; 32]);

impl Fingerprint {
    /// The fingerprint of a token or a cookie's value.
    pub fn of(secret: &str) -> Self {
        let mut fingerprint = [0; 32];
        fingerprint.copy_from_slice(digest::digest(&digest::SHA256, secret.as_bytes()).as_ref());
        Self(fingerprint)
    }
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
    /// Tokens with a good signature by their fingerprints, so that a caller's second request costs no RSA.
    remembered: Recent<Fingerprint, Arc<Verified>>,
}

enum Keys {
    Local(LiveKeys),
    Remote(RemoteKeys),
}

/// A token whose signature and issuer are good. Its times have to be looked at whenever it is used, and its key has to
/// count still.
struct Verified {
    caller: Caller,
    not_before: Option<i64>,
    key_id: Option<String>,
    key: VerifyingKey,
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
        keys: impl Into<LiveKeys>,
        revocations: Arc<Revocations>,
        compat_service_writes: bool,
    ) -> Self {
        Self::new(service, clock, Keys::Local(keys.into()), revocations, compat_service_writes)
    }

    fn new(
        service: &str,
        clock: Clock,
        keys: Keys,
        revocations: Arc<Revocations>,
        compat_service_writes: bool,
    ) -> Self {
        Self(Arc::new(Inner {
            service: service.to_owned(),
            clock,
            keys,
            revocations,
            compat_service_writes,
            remembered: Recent::new(REMEMBERED, REMEMBERED_FOR),
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

    /// Notes that Core may have other keys now: they are fetched for the next token.
    pub fn keys_changed(&self) {
        if let Keys::Remote(keys) = &self.0.keys {
            keys.changed();
        }
    }

    /// Verifies a token completely.
    pub async fn verify(&self, token: &str) -> Result<Caller, AuthError> {
        let verified = self.verified(token, Fingerprint::of(token)).await?;
        match &verified.caller {
            Caller::Service(service) if service.target_service != self.0.service => {
                return Err(AuthError::WrongTarget);
            }
            Caller::User(UserClaims { jti: Some(jti), iat, .. }) => {
                self.0.revocations.check(jti, *iat, &self.0.clock)?;
            }
            _ => {}
        }
        Ok(verified.caller.clone())
    }

    /// Verifies signature, issuer and times only; neither target nor revocation.
    pub async fn verify_signature(&self, token: &str) -> Result<Caller, AuthError> {
        self.verified(token, Fingerprint::of(token)).await.map(|verified| verified.caller.clone())
    }

    /// As [`Authenticator::verify_signature`], for whoever remembers the caller and the token's fingerprint. Costs next to
    /// nothing while the token is remembered here.
    pub async fn check_signature(&self, token: &str, fingerprint: Fingerprint) -> Result<(), AuthError> {
        self.verified(token, fingerprint).await.map(|_| ())
    }

    async fn verified(&self, token: &str, fingerprint: Fingerprint) -> Result<Arc<Verified>, AuthError> {
        if let Some(known) = self.0.remembered.get(&fingerprint)
            && let Lookup::Key(key) = self.key(known.key_id.as_deref()).await?
            && key == known.key
        {
            return known.check_times(self.0.clock.unix()).map(|()| known);
        }
        let unverified = Unverified::read(token).map_err(|_| AuthError::Invalid)?;
        let key = match self.key(unverified.key_id()).await? {
            Lookup::Key(key) => key,
            Lookup::Unknown => return Err(AuthError::Invalid),
            // It may be signed with a key that is newer than what is known here; nobody can tell before Core is asked.
            Lookup::UnknownSince(asked) => {
                let claims: Option<Claims> = unverified.claims();
                let is_younger = claims.is_some_and(|claims| claims.iat.saturating_add(CLOCK_SKEW) >= asked);
                return Err(if is_younger { AuthError::Unavailable } else { AuthError::Invalid });
            }
        };
        let claims: Claims = unverified.verified(&key).map_err(|_| AuthError::Invalid)?;
        if claims.iss != ISSUER {
            return Err(AuthError::Invalid);
        }
        let verified = Arc::new(Verified {
            not_before: claims.nbf,
            caller: claims.into_caller().ok_or(AuthError::Invalid)?,
            key_id: unverified.key_id().map(str::to_owned),
            key,
        });
        verified.check_times(self.0.clock.unix())?;
        self.0.remembered.insert(fingerprint, verified.clone());
        Ok(verified)
    }

    async fn key(&self, id: Option<&str>) -> Result<Lookup, AuthError> {
        match &self.0.keys {
            Keys::Local(keys) => Ok(keys.get(id, self.0.clock.unix()).map_or(Lookup::Unknown, Lookup::Key)),
            Keys::Remote(keys) => keys.get(id, &self.0.clock).await.map_err(|error| {
                tracing::warn!(error = %error, "a token could not be checked");
                AuthError::Unavailable
            }),
        }
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

impl Verified {
    fn check_times(&self, now: i64) -> Result<(), AuthError> {
        let (iat, exp) = match &self.caller {
            Caller::User(user) => (user.iat, user.exp),
            Caller::Service(service) => (service.iat, service.exp),
        };
        if iat < 0 || iat > now + CLOCK_SKEW || self.not_before.is_some_and(|nbf| nbf > now) {
            return Err(AuthError::Invalid);
        }
        if exp <= now { Err(AuthError::Expired) } else { Ok(()) }
    }
}
