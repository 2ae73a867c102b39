//! Service tokens, cached for 270 of their 300 seconds per target and acting user (seed §17).

use std::{
    collections::{HashMap, hash_map::DefaultHasher},
    hash::{Hash, Hasher},
    sync::{Arc, Mutex as SyncMutex, PoisonError},
    time::{Duration, Instant},
};

use http::StatusCode;
use tokio::sync::Mutex;

use super::{ServiceClient, ServiceError};
use crate::{
    config::Secret,
    contracts::core::{ServiceTokenRequest, TokenAnswer},
    correlation,
};

/// 30 seconds before a token expires it is fetched anew.
pub(super) const CACHED_FOR: Duration = Duration::from_secs(270);
const TIMEOUT: Duration = Duration::from_secs(5);
/// Header that proves who asks for a service token (core.md §2.4).
pub const SECRET_HEADER: &str = "x-service-secret";

type Key = (String, Option<u64>);

pub(super) struct TokenCache {
    caller: String,
    secret: Secret,
    slots: SyncMutex<HashMap<Key, Arc<Slot>>>,
}

/// The token for one target and acting user. Its lock is held while Core is asked, so that a burst of calls asks once and
/// calls to other targets, whose tokens are there, do not wait for it.
#[derive(Default)]
struct Slot(Mutex<Known>);

#[derive(Default)]
struct Known {
    token: Option<(String, Instant)>,
    failed: Option<Instant>,
}

impl TokenCache {
    pub(super) fn new(caller: String, secret: Secret) -> Self {
        Self { caller, secret, slots: SyncMutex::default() }
    }

    pub(super) async fn get(
        &self,
        client: &ServiceClient,
        target: &str,
        user_token: Option<&str>,
    ) -> Result<String, ServiceError> {
        let asked = Instant::now();
        let slot = self.slot((target.to_owned(), user_token.map(fingerprint)));
        let mut known = slot.0.lock().await;
        if let Some((token, fetched)) = &known.token
            && fetched.elapsed() < CACHED_FOR
        {
            return Ok(token.clone());
        }
        if known.failed.is_some_and(|failed| failed > asked) {
            // Those who waited for an attempt that failed do not each wait for another one.
            return Err(ServiceError::Unreachable {
                service: "core".into(),
                reason: "it just gave no token".into(),
            });
        }
        let outcome = self.fetch(client, target, user_token).await;
        match &outcome {
            Ok(token) => *known = Known { token: Some((token.clone(), Instant::now())), failed: None },
            Err(_) => known.failed = Some(Instant::now()),
        }
        outcome
    }

    fn slot(&self, key: Key) -> Arc<Slot> {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(slot) = slots.get(&key) {
            return slot.clone();
        }
        slots.retain(|_, slot| slot.is_of_use());
        slots.entry(key).or_default().clone()
    }

    /// Forgets a token that a service refused, so that the next call gets a new one (Core's key may have changed).
    pub(super) fn forget(&self, target: &str, user_token: Option<&str>) {
        let key = (target.to_owned(), user_token.map(fingerprint));
        self.slots.lock().unwrap_or_else(PoisonError::into_inner).remove(&key);
    }

    async fn fetch(
        &self,
        client: &ServiceClient,
        target: &str,
        user_token: Option<&str>,
    ) -> Result<String, ServiceError> {
        let wanted = ServiceTokenRequest {
            calling_service: self.caller.clone(),
            target_service: target.to_owned(),
            user_token: user_token.map(str::to_owned),
        };
        let correlation_id = correlation::current();
        let make = |http: &reqwest::Client, core: &str| {
            let mut request = http.post(format!("{core}/service-token")).timeout(TIMEOUT).json(&wanted);
            if !self.secret.is_empty() {
                request = request.header(SECRET_HEADER, self.secret.expose());
            }
            if correlation_id != correlation::NONE {
                request = request.header(correlation::HEADER, &correlation_id);
            }
            request
        };
        let response = client.call_open("core", make).await?;
        let status = response.status();
        if status == StatusCode::OK {
            let answer: TokenAnswer = response.json().await.map_err(|error| ServiceError::BadAnswer {
                service: "core".into(),
                what: error.without_url().to_string(),
            })?;
            return Ok(answer.token);
        }
        if status.is_server_error() {
            return Err(ServiceError::Unreachable {
                service: "core".into(),
                reason: format!("status {}", status.as_u16()),
            });
        }
        if status == StatusCode::UNAUTHORIZED && user_token.is_some() {
            return Err(ServiceError::ActingUser);
        }
        Err(ServiceError::Token { target: target.to_owned(), reason: format!("status {}", status.as_u16()) })
    }
}

impl Slot {
    /// Whether somebody waits for it or its token still counts.
    fn is_of_use(self: &Arc<Self>) -> bool {
        let counts = |known: &Known| known.token.as_ref().is_some_and(|(_, at)| at.elapsed() < CACHED_FOR);
        Arc::strong_count(self) > 1 || self.0.try_lock().is_ok_and(|known| counts(&known))
    }
}

/// Stands for a user token in the cache key, so that the cache holds no second copy of it.
fn fingerprint(token: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    token.hash(&mut hasher);
    hasher.finish()
}
