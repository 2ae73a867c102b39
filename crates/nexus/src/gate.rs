//! Who is asking: the session cookie or a bearer token, verified once and remembered, revocation checked every time
//! (nexus.md §4.1, §4.2).

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use hivematrix_shared::{
    auth::{AuthError, Authenticator, Caller, Fingerprint, UserClaims, bearer},
    clock::Clock,
    rate_limit::RateKey,
    recent::Recent,
};
use http::{HeaderMap, HeaderValue};

use crate::{
    clients::core::Core,
    domain::{cookies, session::SessionState},
    store::SessionStore,
};

/// Sessions and tokens remembered as verified.
const REMEMBERED: usize = 4096;
/// How long a verified session is taken from memory instead of from its store.
const REMEMBERED_FOR: Duration = Duration::from_secs(60);
/// How long an upstream Core's positive answer counts (core.md §2.7).
const VALID_FOR: TimeDelta = TimeDelta::seconds(2);
/// Seconds during which a token counts while an upstream Core does not answer (nexus.md §4.2).
const TRUSTED_AGE: i64 = 300;

/// A signed-in user and the proof.
#[derive(Debug)]
pub struct Visitor {
    /// What the token says.
    pub claims: UserClaims,
    /// Name in logs.
    pub label: String,
    /// What his requests count for.
    pub rate_key: RateKey,
    /// `Bearer <token>` for the backends.
    pub authorization: HeaderValue,
    /// State of the session; for a bearer token only the token.
    pub state: SessionState,
    /// Value of the session cookie; absent for a bearer token.
    pub cookie: Option<String>,
    /// Fingerprint of the token, so that it is not made anew for every request.
    fingerprint: Fingerprint,
}

/// Outcome of looking at a request.
#[derive(Clone, Debug)]
pub enum Identity {
    /// Neither cookie nor token.
    Nobody,
    /// A cookie that does not count any more: it is to be removed.
    Ended(AuthError),
    /// A bearer token that does not count.
    Refused(AuthError),
    /// Nobody can tell at the moment; the session is kept.
    Unavailable,
    /// A signed-in user.
    User(Arc<Visitor>),
}

/// By what a visitor is known again. A cookie's value is no token, and a token no cookie's value.
#[derive(Eq, Hash, PartialEq)]
enum Proof {
    Bearer(Fingerprint),
    Cookie(Fingerprint),
}

/// Looks at requests.
pub struct Gate {
    auth: Authenticator,
    clock: Clock,
    core: Core,
    remembered: Recent<Proof, Arc<Visitor>>,
    /// When an upstream Core last said that a session lives.
    asked: Recent<String, DateTime<Utc>>,
}

impl Gate {
    /// A gate that verifies with `auth`.
    pub fn new(auth: Authenticator, clock: Clock, core: Core) -> Self {
        Self {
            auth,
            clock,
            core,
            remembered: Recent::new(REMEMBERED, REMEMBERED_FOR),
            asked: Recent::new(REMEMBERED, REMEMBERED_FOR),
        }
    }

    /// Who is asking. A bearer token goes before the cookie.
    pub async fn identify(&self, headers: &HeaderMap, sessions: &SessionStore) -> Identity {
        if let Some(token) = bearer(headers) {
            return match self.by_token(token).await {
                Ok(visitor) => Identity::User(visitor),
                Err(AuthError::Unavailable) => Identity::Unavailable,
                Err(error) => Identity::Refused(error),
            };
        }
        if cookies::get(headers, cookies::SESSION).is_none() {
            return Identity::Nobody;
        }
        let Some(value) = cookies::get_chunked(headers, cookies::SESSION) else {
            return Identity::Ended(AuthError::Invalid);
        };
        match self.by_cookie(value, sessions).await {
            Ok(visitor) => Identity::User(visitor),
            Err(AuthError::Unavailable) => Identity::Unavailable,
            Err(error) => Identity::Ended(error),
        }
    }

    /// Verifies a fresh token for a new session.
    pub async fn admit(&self, token: &str) -> Result<UserClaims, AuthError> {
        let claims = self.verify(token).await?;
        self.check(&claims, token, Fingerprint::of(token)).await?;
        Ok(claims)
    }

    /// Whether the session of a visitor who was let in still counts. While nobody can tell, it does.
    pub async fn is_alive(&self, visitor: &Visitor) -> bool {
        let checked = self.check(&visitor.claims, &visitor.state.token, visitor.fingerprint).await;
        matches!(checked, Ok(()) | Err(AuthError::Unavailable))
    }

    /// Forgets a session at once, on this gateway.
    pub fn forget(&self, visitor: &Visitor) {
        if let Some(cookie) = &visitor.cookie {
            self.remembered.remove(&Proof::Cookie(Fingerprint::of(cookie)));
        }
        self.asked.remove(&visitor.claims.jti.clone().unwrap_or_default());
    }

    async fn by_token(&self, token: String) -> Result<Arc<Visitor>, AuthError> {
        let fingerprint = Fingerprint::of(&token);
        let proof = Proof::Bearer(fingerprint);
        let visitor = match self.remembered.get(&proof) {
            Some(visitor) => visitor,
            None => {
                let claims = self.verify(&token).await?;
                let state = SessionState::of_bearer(token);
                self.remember(proof, claims, state, fingerprint, None)?
            }
        };
        self.check(&visitor.claims, &visitor.state.token, visitor.fingerprint).await?;
        Ok(visitor)
    }

    async fn by_cookie(&self, value: String, sessions: &SessionStore) -> Result<Arc<Visitor>, AuthError> {
        let proof = Proof::Cookie(Fingerprint::of(&value));
        let visitor = match self.remembered.get(&proof) {
            Some(visitor) => visitor,
            None => {
                let state = sessions.load(&value).await.map_err(|error| {
                    tracing::warn!(error = %error, "a session cannot be read");
                    AuthError::Unavailable
                })?;
                let state = state.ok_or(AuthError::Invalid)?;
                let claims = self.verify(&state.token).await?;
                let fingerprint = Fingerprint::of(&state.token);
                self.remember(proof, claims, state, fingerprint, Some(value))?
            }
        };
        self.check(&visitor.claims, &visitor.state.token, visitor.fingerprint).await?;
        Ok(visitor)
    }

    /// Signature, issuer and times; only user tokens with a session count from outside.
    async fn verify(&self, token: &str) -> Result<UserClaims, AuthError> {
        match self.auth.verify_signature(token).await? {
            Caller::User(claims) if claims.jti.is_some() => Ok(claims),
            _ => Err(AuthError::Invalid),
        }
    }

    fn remember(
        &self,
        proof: Proof,
        claims: UserClaims,
        state: SessionState,
        fingerprint: Fingerprint,
        cookie: Option<String>,
    ) -> Result<Arc<Visitor>, AuthError> {
        let mut authorization =
            HeaderValue::from_str(&format!("Bearer {}", state.token)).map_err(|_| AuthError::Invalid)?;
        authorization.set_sensitive(true);
        let caller = Caller::User(claims.clone());
        let (label, rate_key) = (caller.label(), RateKey::of(&caller));
        let visitor =
            Arc::new(Visitor { claims, label, rate_key, authorization, state, cookie, fingerprint });
        self.remembered.insert(proof, visitor.clone());
        Ok(visitor)
    }

    /// What can change after verification: time, a withdrawn signing key, revocation.
    async fn check(
        &self,
        claims: &UserClaims,
        token: &str,
        fingerprint: Fingerprint,
    ) -> Result<(), AuthError> {
        self.auth.check_signature(token, fingerprint).await?;
        let jti = claims.jti.as_deref().unwrap_or_default();
        let revocations = self.auth.revocations();
        revocations.check(jti, claims.iat, &self.clock)?;
        if !revocations.is_unsupported() {
            return Ok(());
        }
        let now = self.clock.now();
        if self.asked.get(&jti.to_owned()).is_some_and(|asked| now - asked < VALID_FOR) {
            return Ok(());
        }
        match self.core.validate(token).await {
            Ok(true) => {
                self.asked.insert(jti.to_owned(), now);
                Ok(())
            }
            Ok(false) => Err(AuthError::Revoked),
            // Upstream's own rule for an outage: fresh tokens still count.
            Err(error) if self.clock.unix() - claims.iat <= TRUSTED_AGE => {
                tracing::warn!(error = %error, age = self.clock.unix() - claims.iat, "a fresh token counts without Core");
                Ok(())
            }
            Err(error) => {
                tracing::warn!(error = %error, "a session cannot be checked");
                Err(AuthError::Unavailable)
            }
        }
    }
}
