//! Signing keys of an identity provider.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use jsonwebtoken::{
    Algorithm, DecodingKey,
    jwk::{JwkSet, PublicKeyUse},
};
use tokio::sync::Mutex;

use super::DEFAULT_KEY_ID;

/// What a realm may sign with; asymmetric only, since with a shared secret anyone who knows it could sign.
pub const PROVIDER_ALGORITHMS: [Algorithm; 8] = [
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::RS512,
    Algorithm::PS256,
    Algorithm::PS384,
    Algorithm::PS512,
    Algorithm::ES256,
    Algorithm::ES384,
];
/// How long keys are remembered.
const REMEMBERED: Duration = Duration::from_secs(300);
/// Shortest time between two looks for an unknown key.
const LOOK_AGAIN_AFTER: Duration = Duration::from_secs(5);

/// Verification keys by key id, of whatever kind the provider signs with.
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

    /// The key of an id; a token without an id means the default name.
    pub fn get(&self, id: Option<&str>) -> Option<&DecodingKey> {
        self.0.get(id.unwrap_or(DEFAULT_KEY_ID))
    }
}

/// The keys of a realm as long as they are remembered. Callers that come while one asks wait for its answer.
#[derive(Default)]
pub struct ProviderKeys(Mutex<Option<(KeySet, Instant)>>);

impl ProviderKeys {
    /// The key of an id, asked for with `fetch` when it is not known or was known for too long.
    ///
    /// # Errors
    /// What `fetch` says.
    pub async fn get<E>(
        &self,
        id: Option<&str>,
        fetch: impl Future<Output = Result<JwkSet, E>>,
    ) -> Result<Option<DecodingKey>, E> {
        let mut cached = self.0.lock().await;
        if let Some((keys, at)) = &*cached {
            let (known, age) = (keys.get(id), at.elapsed());
            if age < LOOK_AGAIN_AFTER || (age < REMEMBERED && known.is_some()) {
                return Ok(known.cloned());
            }
        }
        let keys = KeySet::from_jwks(&fetch.await?);
        let key = keys.get(id).cloned();
        *cached = Some((keys, Instant::now()));
        Ok(key)
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
