//! Service tokens, cached for 270 of their 300 seconds per target and acting user (seed §17).

use std::{
    collections::{HashMap, hash_map::DefaultHasher},
    hash::{Hash, Hasher},
    time::{Duration, Instant},
};

use http::StatusCode;
use tokio::sync::Mutex;

use super::ServiceError;
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
    /// One lock for look-up and fetch: a burst of calls asks Core once.
    cached: Mutex<HashMap<Key, (String, Instant)>>,
}

impl TokenCache {
    pub(super) fn new(caller: String, secret: Secret) -> Self {
        Self { caller, secret, cached: Mutex::default() }
    }

    pub(super) async fn get(
        &self,
        http: &reqwest::Client,
        core: &str,
        target: &str,
        user_token: Option<&str>,
    ) -> Result<String, ServiceError> {
        let key = (target.to_owned(), user_token.map(fingerprint));
        let mut cached = self.cached.lock().await;
        if let Some((token, fetched)) = cached.get(&key)
            && fetched.elapsed() < CACHED_FOR
        {
            return Ok(token.clone());
        }
        let token = self.fetch(http, core, target, user_token).await?;
        cached.retain(|_, (_, fetched)| fetched.elapsed() < CACHED_FOR);
        cached.insert(key, (token.clone(), Instant::now()));
        Ok(token)
    }

    /// Forgets a token that a service refused, so that the next call gets a new one (Core's key may have changed).
    pub(super) async fn forget(&self, target: &str, user_token: Option<&str>) {
        self.cached.lock().await.remove(&(target.to_owned(), user_token.map(fingerprint)));
    }

    async fn fetch(
        &self,
        http: &reqwest::Client,
        core: &str,
        target: &str,
        user_token: Option<&str>,
    ) -> Result<String, ServiceError> {
        let unreachable = |error: reqwest::Error| {
            if error.is_timeout() {
                ServiceError::Timeout("core".into())
            } else {
                ServiceError::Unreachable { service: "core".into(), reason: error.without_url().to_string() }
            }
        };
        let mut request =
            http.post(format!("{core}/service-token")).timeout(TIMEOUT).json(&ServiceTokenRequest {
                calling_service: self.caller.clone(),
                target_service: target.to_owned(),
                user_token: user_token.map(str::to_owned),
            });
        if !self.secret.is_empty() {
            request = request.header(SECRET_HEADER, self.secret.expose());
        }
        let correlation_id = correlation::current();
        if correlation_id != correlation::NONE {
            request = request.header(correlation::HEADER, correlation_id);
        }
        let response = request.send().await.map_err(unreachable)?;
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

/// Stands for a user token in the cache key, so that the cache holds no second copy of it.
fn fingerprint(token: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    token.hash(&mut hasher);
    hasher.finish()
}
