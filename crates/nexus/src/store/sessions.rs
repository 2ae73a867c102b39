//! Session state (nexus.md §4.4). The cookie says where it is: `c` and the sealed state itself, or `r` and an id under
//! which the sealed state lies in Redis. Both forms are always understood; Redis being away at sign-in only means that
//! this session travels in the cookie.

use std::{sync::Arc, time::Duration};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use hivematrix_shared::{config::Secret, recent::Recent};
use redis::{
    AsyncCommands, Client, ExistenceCheck, RedisError, SetExpiry, SetOptions,
    aio::{ConnectionManager, ConnectionManagerConfig},
};

use crate::domain::{
    seal::{SealError, Sealer, sha256},
    session::{LOGIN_LIFETIME, SessionState},
};

const IN_COOKIE: char = 'c';
const IN_REDIS: char = 'r';
const PURPOSE: &str = "session";
const TIMEOUT: Duration = Duration::from_secs(2);
/// Sign-ins remembered as used where there is no Redis.
const USED_STATES: usize = 10_000;

/// Keeps session state and knows which sign-ins were already completed.
pub struct SessionStore {
    sealer: Arc<Sealer>,
    redis: Option<ConnectionManager>,
    used_states: Recent<String, ()>,
}

/// Session state that cannot be read or written now.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Redis does not answer.
    #[error("the session store does not answer: {0}")]
    Redis(#[from] RedisError),
    /// Encryption failed.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// The state cannot be written as JSON.
    #[error("session state cannot be written: {0}")]
    Json(#[from] serde_json::Error),
}

impl SessionStore {
    /// A store; `redis_url` without a running server is no error, the connection is made when it is first needed.
    pub fn new(sealer: Arc<Sealer>, redis_url: Option<&Secret>) -> Result<Self, RedisError> {
        let redis = match redis_url.filter(|url| !url.is_empty()) {
            Some(url) => {
                let config = ConnectionManagerConfig::new()
                    .set_connection_timeout(Some(TIMEOUT))
                    .set_response_timeout(Some(TIMEOUT))
                    .set_number_of_retries(1);
                Some(ConnectionManager::new_lazy_with_config(Client::open(url.expose())?, config)?)
            }
            None => None,
        };
        let used_states = Recent::new(USED_STATES, Duration::from_secs(LOGIN_LIFETIME.into()));
        Ok(Self { sealer, redis, used_states })
    }

    /// The state behind a cookie value; `None` when it is forged, expired or removed.
    pub async fn load(&self, value: &str) -> Result<Option<SessionState>, StoreError> {
        let Some(rest) = value.strip_prefix(IN_REDIS) else {
            let sealed = value.strip_prefix(IN_COOKIE);
            return Ok(sealed.and_then(|sealed| self.open(PURPOSE, sealed)));
        };
        let Some(mut redis) = self.redis.clone() else {
            return Ok(None);
        };
        let key = redis_key(rest);
        let sealed: Option<String> = match redis.get(&key).await {
            // The connection was of a server that has been restarted; by now there is a new one, or none can be made.
            Err(error) if error.is_io_error() || error.is_connection_dropped() => redis.get(&key).await?,
            outcome => outcome?,
        };
        Ok(sealed.and_then(|sealed| self.open(&purpose_of(&key), &sealed)))
    }

    /// Stores a state for `seconds` and returns the cookie value for it.
    pub async fn save(&self, state: &SessionState, seconds: u64) -> Result<String, StoreError> {
        let plain = serde_json::to_vec(state)?;
        if let Some(mut redis) = self.redis.clone() {
            let id = BASE64_URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>());
            let key = redis_key(&id);
            let sealed = self.sealer.seal(&purpose_of(&key), &plain)?;
            match redis.set_ex::<_, _, ()>(&key, sealed, seconds.max(1)).await {
                Ok(()) => return Ok(format!("{IN_REDIS}{id}")),
                Err(error) => {
                    tracing::warn!(error = %error, "the session store does not answer, the session travels in the cookie");
                }
            }
        }
        Ok(format!("{IN_COOKIE}{}", self.sealer.seal(PURPOSE, &plain)?))
    }

    /// Forgets the state behind a cookie value.
    pub async fn remove(&self, value: &str) -> Result<(), StoreError> {
        if let (Some(id), Some(mut redis)) = (value.strip_prefix(IN_REDIS), self.redis.clone()) {
            redis.del::<_, ()>(redis_key(id)).await?;
        }
        Ok(())
    }

    /// Marks a sign-in as completed; false when it already was.
    pub async fn use_once(&self, state: &str) -> bool {
        let name = sha256(state);
        if let Some(mut redis) = self.redis.clone() {
            let options = SetOptions::default()
                .conditional_set(ExistenceCheck::NX)
                .with_expiration(SetExpiry::EX(LOGIN_LIFETIME.into()));
            match redis.set_options::<_, _, Option<String>>(format!("nexus:login:{name}"), 1, options).await {
                Ok(set) => return set.is_some(),
                Err(error) => tracing::warn!(error = %error, "the session store does not answer"),
            }
        }
        self.used_states.insert(name, ())
    }

    fn open(&self, purpose: &str, sealed: &str) -> Option<SessionState> {
        serde_json::from_slice(&self.sealer.open(purpose, sealed)?).ok()
    }
}

/// The id itself is not stored: who reads Redis cannot make a cookie of it.
fn redis_key(id: &str) -> String {
    format!("nexus:session:{}", sha256(id))
}

/// Binds a sealed state to its place, so that one session's state put in another's place does not open.
fn purpose_of(key: &str) -> String {
    format!("{PURPOSE} {key}")
}
