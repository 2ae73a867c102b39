//! The keys that verify Core's tokens (core.md §2.5, §5).

use std::sync::Arc;

use arc_swap::ArcSwap;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::Deserialize;
use serde_json::Value;

use super::{DEFAULT_KEY_ID, VerifyingKey};

/// Some keys, the one that signs at present first.
#[derive(Clone, Debug, Default)]
pub struct TokenKeys(Vec<TokenKey>);

/// A key and when it stops to count.
#[derive(Clone, Debug)]
struct TokenKey {
    key: VerifyingKey,
    /// Unix seconds.
    until: Option<i64>,
}

/// A JWKS document, with members that are read one by one: a key of an unknown kind spoils nothing.
#[derive(Deserialize)]
struct Document {
    keys: Vec<Value>,
}

#[derive(Deserialize)]
struct Published {
    kty: String,
    n: String,
    e: String,
    #[serde(default)]
    kid: Option<String>,
    #[serde(default)]
    alg: Option<String>,
    #[serde(default, rename = "use")]
    purpose: Option<String>,
}

impl Published {
    fn key(self) -> Option<VerifyingKey> {
        let fits = self.kty == "RSA"
            && self.alg.is_none_or(|alg| alg == "RS256")
            && self.purpose.is_none_or(|purpose| purpose == "sig");
        if !fits {
            return None;
        }
        let number = |text: &str| URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).ok();
        VerifyingKey::new(self.kid.as_deref().unwrap_or(DEFAULT_KEY_ID), &number(&self.n)?, &number(&self.e)?)
    }
}

impl TokenKeys {
    /// The RS256 keys of a JWKS document; others are left out. `None` when it is no such document.
    pub fn from_jwks(document: &Value) -> Option<Self> {
        let keys = Document::deserialize(document).ok()?.keys.into_iter();
        let keys = keys.filter_map(|key| Published::deserialize(key).ok()?.key());
        Some(keys.fold(Self::default(), |keys, key| keys.with_key(key, None)))
    }

    /// One key more, which counts until a time (Unix seconds) or for good.
    #[must_use]
    pub fn with_key(mut self, key: VerifyingKey, until: Option<i64>) -> Self {
        self.0.push(TokenKey { key, until });
        self
    }

    /// The key of an id at a time (Unix seconds). A token without an id means the default name, and where no key bears that
    /// name any more, it means the key in use (core.md §5).
    pub fn get(&self, id: Option<&str>, now: i64) -> Option<&VerifyingKey> {
        let wanted = id.unwrap_or(DEFAULT_KEY_ID);
        let mut live = self.0.iter().filter(|one| one.until.is_none_or(|until| now < until));
        let first = live.clone().next();
        let named = live.find(|one| one.key.id() == wanted);
        named.or(first.filter(|_| wanted == DEFAULT_KEY_ID)).map(|one| &one.key)
    }
}

/// Keys of the process itself, which may be replaced while it runs. Clones see the same keys.
#[derive(Clone, Debug, Default)]
pub struct LiveKeys(Arc<ArcSwap<TokenKeys>>);

impl LiveKeys {
    /// Replaces all keys.
    pub fn replace(&self, keys: TokenKeys) {
        self.0.store(Arc::new(keys));
    }

    /// See [`TokenKeys::get`].
    pub fn get(&self, id: Option<&str>, now: i64) -> Option<VerifyingKey> {
        self.0.load().get(id, now).cloned()
    }
}

impl From<TokenKeys> for LiveKeys {
    fn from(keys: TokenKeys) -> Self {
        Self(Arc::new(ArcSwap::from_pointee(keys)))
    }
}
