//! Signing keys of an identity provider.

use std::collections::HashMap;

use jsonwebtoken::{
    DecodingKey,
    jwk::{JwkSet, PublicKeyUse},
};

use super::DEFAULT_KEY_ID;

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
