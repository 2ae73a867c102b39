//! Signs tokens with one RSA key, off the async threads.

use std::sync::Arc;

use aws_lc_rs::{
    digest,
    rand::SystemRandom,
    rsa::KeyPair,
    signature::{KeyPair as _, RSA_PKCS1_SHA256},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hivematrix_shared::auth::{JwsError, Unverified, VerifyingKey};
use serde::Serialize;
use serde_json::{Value, json};
use tokio::sync::oneshot;

use super::signing_threads;
use crate::domain::token_reason::TokenReason;

/// An RSA key with its published name. Cheap to clone.
#[derive(Clone)]
pub struct Signer(Arc<Inner>);

struct Inner {
    pair: KeyPair,
    /// `base64url(header).`, the same for every token.
    head: String,
    verifying: VerifyingKey,
}

/// A token could not be signed.
#[derive(Debug, thiserror::Error)]
#[error("a token could not be signed: {0}")]
pub struct SigningError(pub(super) String);

impl Signer {
    /// A signer for a parsed key; `None` when it is no key that RS256 may use.
    pub fn new(pair: KeyPair, key_id: &str) -> Option<Self> {
        let header = json!({"alg": "RS256", "kid": key_id, "typ": "JWT"});
        let head = format!("{}.", URL_SAFE_NO_PAD.encode(header.to_string()));
        let (modulus, exponent) = components(&pair);
        let verifying = VerifyingKey::new(key_id, &modulus, &exponent)?;
        Some(Self(Arc::new(Inner { pair, head, verifying })))
    }

    /// The key's name.
    pub fn key_id(&self) -> &str {
        self.0.verifying.id()
    }

    /// The key for verification.
    pub fn verifying_key(&self) -> VerifyingKey {
        self.0.verifying.clone()
    }

    /// The published form (core.md §2.5).
    pub fn jwk(&self) -> Value {
        let (modulus, exponent) = components(&self.0.pair);
        json!({
            "alg": "RS256",
            "e": URL_SAFE_NO_PAD.encode(exponent),
            "kid": self.key_id(),
            "kty": "RSA",
            "n": URL_SAFE_NO_PAD.encode(modulus),
            "use": "sig",
        })
    }

    /// The JWT of `claims`.
    pub async fn sign<T: Serialize>(&self, claims: &T) -> Result<String, SigningError> {
        let mut token = self.0.head.clone();
        URL_SAFE_NO_PAD.encode_string(serde_json::to_vec(claims).map_err(failed)?, &mut token);
        let inner = Arc::clone(&self.0);
        let (answer, signed) = oneshot::channel();
        signing_threads::run(move || {
            // Who has gone away needs no signature.
            let signed = (!answer.is_closed()).then(|| inner.finish(token));
            Box::new(move || drop(signed.map(|signed| answer.send(signed))))
        })
        .map_err(SigningError)?;
        signed.await.map_err(failed)?
    }

    /// The claims of a token that this key signed. Neither times nor issuer are looked at.
    pub fn open(&self, token: &str) -> Result<Value, TokenReason> {
        Ok(Unverified::read(token)?.verified(&self.0.verifying)?)
    }
}

impl Inner {
    /// `jsonwebtoken` would parse and check the key again for each signature, which costs more than the signature, so the
    /// pair is used directly.
    fn finish(&self, mut token: String) -> Result<String, SigningError> {
        let mut signature = vec![0; self.pair.public_modulus_len()];
        self.pair
            .sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), token.as_bytes(), &mut signature)
            .map_err(failed)?;
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(signature, &mut token);
        Ok(token)
    }
}

impl From<JwsError> for TokenReason {
    fn from(error: JwsError) -> Self {
        match error {
            JwsError::Segments => Self::Segments,
            JwsError::Malformed => Self::Malformed,
            JwsError::Algorithm => Self::Algorithm,
            JwsError::Signature => Self::Signature,
        }
    }
}

/// The name of a key by its content: RFC 7638's thumbprint, SHA-256 in base64url.
pub fn thumbprint(pair: &KeyPair) -> String {
    let (modulus, exponent) = components(pair);
    let text = |number: Vec<u8>| URL_SAFE_NO_PAD.encode(number);
    let canonical = format!(r#"{{"e":"{}","kty":"RSA","n":"{}"}}"#, text(exponent), text(modulus));
    URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, canonical.as_bytes()))
}

/// Modulus and exponent.
fn components(pair: &KeyPair) -> (Vec<u8>, Vec<u8>) {
    let public = pair.public_key();
    let (modulus, exponent) = (public.modulus(), public.exponent());
    (modulus.big_endian_without_leading_zero().to_vec(), exponent.big_endian_without_leading_zero().to_vec())
}

fn failed(error: impl std::fmt::Display) -> SigningError {
    SigningError(error.to_string())
}

#[cfg(test)]
mod tests {
    use futures::future::join_all;

    use super::*;
    use crate::crypto::key_files;

    #[tokio::test]
    async fn of_many_signatures_at_once_each_reaches_its_caller() {
        let signer = Signer::new(key_files::generate().unwrap(), "k").unwrap();
        let claims: Vec<_> = (0..50).map(|number| json!({ "number": number })).collect();
        // Who gives up before its turn takes nothing from the others.
        drop(tokio::time::timeout(std::time::Duration::ZERO, signer.sign(&json!({}))).await);
        let tokens = join_all(claims.iter().map(|claims| signer.sign(claims))).await;
        for (token, claims) in tokens.into_iter().zip(claims) {
            assert_eq!(signer.open(&token.unwrap()), Ok(claims));
        }
    }

    #[test]
    fn the_thumbprint_is_rfc_7638s() {
        let pair = key_files::generate().unwrap();
        let jwk = Signer::new(key_files::generate().unwrap(), "other").unwrap().jwk();
        let name = thumbprint(&pair);
        assert_eq!(name.len(), 43, "SHA-256 in base64url");
        let own: jsonwebtoken::jwk::Jwk =
            serde_json::from_value(Signer::new(pair, "k").unwrap().jwk()).unwrap();
        let other: jsonwebtoken::jwk::Jwk = serde_json::from_value(jwk).unwrap();
        let by_library =
            |jwk: &jsonwebtoken::jwk::Jwk| jwk.thumbprint(jsonwebtoken::jwk::ThumbprintHash::SHA256);
        assert_eq!(by_library(&own).unwrap(), name);
        assert_ne!(by_library(&other).unwrap(), name);
    }
}
