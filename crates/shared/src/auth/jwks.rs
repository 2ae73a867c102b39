//! Core's signing keys, cached: refreshed every 300 s, and at once (but not more than every 5 s) for an unknown key id.

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use arc_swap::ArcSwapOption;
use jsonwebtoken::{
    DecodingKey,
    jwk::{JwkSet, PublicKeyUse},
};
use tokio::sync::Mutex;

use super::DEFAULT_KEY_ID;

const LIFETIME: Duration = Duration::from_secs(300);
const RETRY_AFTER: Duration = Duration::from_secs(5);
const TIMEOUT: Duration = Duration::from_secs(5);

/// Verification keys by key id.
#[derive(Clone, Default)]
pub struct KeySet(HashMap<String, DecodingKey>);

impl KeySet {
    /// The keys of a JWKS document that sign, of whatever kind; those for encryption and unknown kinds are left out.
    pub fn from_jwks(set: &JwkSet) -> Self {
        let signs = set.keys.iter().filter(|jwk| jwk.common.public_key_use != Some(PublicKeyUse::Encryption));
        let keys = signs.filter_map(|jwk| {
            let id = jwk.common.key_id.clone().unwrap_or_else(|| DEFAULT_KEY_ID.to_owned());
            DecodingKey::from_jwk(jwk).ok().map(|key| (id, key))
        });
        Self(keys.collect())
    }

    /// One key under a name.
    pub fn with_key(mut self, id: impl Into<String>, key: DecodingKey) -> Self {
        self.0.insert(id.into(), key);
        self
    }

    /// The key of an id; a token without an id means the default name.
    pub fn get(&self, id: Option<&str>) -> Option<&DecodingKey> {
        self.0.get(id.unwrap_or(DEFAULT_KEY_ID))
    }
}

/// Keys fetched from `<core>/.well-known/jwks.json`.
pub struct RemoteKeys {
    url: Box<dyn Fn() -> String + Send + Sync>,
    http: reqwest::Client,
    cached: ArcSwapOption<Cached>,
    refresh: Mutex<Option<Instant>>,
}

struct Cached {
    keys: KeySet,
    fetched: Instant,
}

/// The key set cannot be read and none is cached.
#[derive(Debug, thiserror::Error)]
#[error("the signing keys of Core cannot be read: {0}")]
pub struct KeysUnavailable(String);

impl RemoteKeys {
    /// Keys of the Core whose base URL `core_url` gives at each fetch.
    pub fn new(core_url: impl Fn() -> String + Send + Sync + 'static, http: reqwest::Client) -> Self {
        Self {
            url: Box::new(move || format!("{}/.well-known/jwks.json", core_url().trim_end_matches('/'))),
            http,
            cached: ArcSwapOption::empty(),
            refresh: Mutex::new(None),
        }
    }

    /// The key of an id. `Ok(None)` means that Core has no such key; an error, that Core was never reached.
    pub async fn get(&self, id: Option<&str>) -> Result<Option<DecodingKey>, KeysUnavailable> {
        let asked = Instant::now();
        let key = |cached: &Option<Arc<Cached>>| cached.as_ref().and_then(|c| c.keys.get(id).cloned());
        let is_fresh = |cached: &Option<Arc<Cached>>| {
            cached.as_ref().is_some_and(|cached| cached.fetched.elapsed() < LIFETIME)
        };
        let cached = self.cached.load_full();
        let known = key(&cached);
        if known.is_some() && is_fresh(&cached) {
            return Ok(known);
        }
        // An outage of Core does not make a good key bad: while one request asks, the others go on with it.
        let mut last_try = match (self.refresh.try_lock(), &known) {
            (Ok(last_try), _) => last_try,
            (Err(_), Some(_)) => return Ok(known),
            (Err(_), None) => self.refresh.lock().await,
        };
        let cached = self.cached.load_full();
        if let Some(key) = key(&cached)
            && is_fresh(&cached)
        {
            return Ok(Some(key));
        }
        match *last_try {
            Some(at) if cached.is_some() && at.elapsed() < RETRY_AFTER => return Ok(key(&cached)),
            // Whoever waited for an attempt that failed does not wait for another one.
            Some(at) if cached.is_none() && at > asked => {
                return Err(KeysUnavailable("the last attempt failed".to_owned()));
            }
            _ => {}
        }
        let outcome = self.fetch().await;
        *last_try = Some(Instant::now());
        match outcome {
            Ok(keys) => self.cached.store(Some(Arc::new(Cached { keys, fetched: Instant::now() }))),
            Err(error) if cached.is_some() => {
                tracing::warn!(error = %error, "Core's signing keys were not refreshed");
            }
            Err(error) => return Err(error),
        }
        Ok(key(&self.cached.load_full()))
    }

    async fn fetch(&self) -> Result<KeySet, KeysUnavailable> {
        let fail = |error: reqwest::Error| KeysUnavailable(error.without_url().to_string());
        let response = self.http.get((self.url)()).timeout(TIMEOUT).send().await.map_err(fail)?;
        let set: JwkSet = response.error_for_status().map_err(fail)?.json().await.map_err(fail)?;
        Ok(KeySet::from_jwks(&set))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn keys_for_encryption_verify_nothing() {
        let key = |id: &str, usage: &str| json!({"kty": "RSA", "kid": id, "use": usage, "alg": "RS256", "n": "sXch", "e": "AQAB"});
        let set = json!({"keys": [key("sig", "sig"), key("enc", "enc")]});
        let keys = KeySet::from_jwks(&serde_json::from_value(set).unwrap());
        assert!(keys.get(Some("sig")).is_some() && keys.get(Some("enc")).is_none());
    }
}
