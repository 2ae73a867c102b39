//! Signs tokens with one RSA key, off the async threads.

use std::{num::NonZero, sync::Arc};

use aws_lc_rs::{
    rand::SystemRandom,
    rsa::KeyPair,
    signature::{KeyPair as _, RSA_PKCS1_SHA256},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde::Serialize;
use serde_json::Value;
use tokio::sync::Semaphore;

use crate::domain::token_reason::TokenReason;

/// An RSA key with its published name. Cheap to clone.
#[derive(Clone)]
pub struct Signer(Arc<Inner>);

struct Inner {
    pair: KeyPair,
    key_id: String,
    /// `base64url(header).`, the same for every token.
    head: String,
    verify: DecodingKey,
    validation: Validation,
    /// One signature per core at a time: more would only make threads compete.
    turns: Arc<Semaphore>,
}

/// A token could not be signed.
#[derive(Debug, thiserror::Error)]
#[error("a token could not be signed: {0}")]
pub struct SigningError(String);

impl Signer {
    /// A signer for a parsed key. `jsonwebtoken` would parse and check the key again for each signature, which costs more
    /// than the signature, so the pair is used directly.
    pub fn new(pair: KeyPair, key_id: impl Into<String>) -> Self {
        let key_id = key_id.into();
        let header = serde_json::json!({"alg": "RS256", "kid": &key_id, "typ": "JWT"});
        let head = format!("{}.", URL_SAFE_NO_PAD.encode(header.to_string()));
        let verify = DecodingKey::from_rsa_der(pair.public_key().as_ref());
        let mut validation = Validation::new(Algorithm::RS256);
        // Times are compared with the service's own clock, the other claims by the caller.
        validation.validate_exp = false;
        validation.validate_nbf = false;
        validation.validate_aud = false;
        validation.required_spec_claims.clear();
        let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
        Self(Arc::new(Inner {
            pair,
            key_id,
            head,
            verify,
            validation,
            turns: Arc::new(Semaphore::new(cores)),
        }))
    }

    /// The key's name.
    pub fn key_id(&self) -> &str {
        &self.0.key_id
    }

    /// The key for verification.
    pub fn decoding_key(&self) -> DecodingKey {
        self.0.verify.clone()
    }

    /// The published form (core.md §2.5).
    pub fn jwk(&self) -> Value {
        let public = self.0.pair.public_key();
        serde_json::json!({
            "alg": "RS256",
            "e": URL_SAFE_NO_PAD.encode(public.exponent().big_endian_without_leading_zero()),
            "kid": self.0.key_id,
            "kty": "RSA",
            "n": URL_SAFE_NO_PAD.encode(public.modulus().big_endian_without_leading_zero()),
            "use": "sig",
        })
    }

    /// The JWT of `claims`.
    pub async fn sign<T: Serialize>(&self, claims: &T) -> Result<String, SigningError> {
        let mut token = self.0.head.clone();
        let claims = serde_json::to_vec(claims).map_err(failed)?;
        URL_SAFE_NO_PAD.encode_string(claims, &mut token);
        let turn = Arc::clone(&self.0.turns).acquire_owned().await.map_err(failed)?;
        let inner = Arc::clone(&self.0);
        tokio::task::spawn_blocking(move || {
            let mut signature = vec![0; inner.pair.public_modulus_len()];
            inner
                .pair
                .sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), token.as_bytes(), &mut signature)
                .map_err(failed)?;
            drop(turn);
            token.push('.');
            URL_SAFE_NO_PAD.encode_string(signature, &mut token);
            Ok(token)
        })
        .await
        .map_err(failed)?
    }

    /// The claims of a token that this key signed. Neither times nor issuer are looked at.
    pub fn open(&self, token: &str) -> Result<Value, TokenReason> {
        use jsonwebtoken::errors::ErrorKind;
        if token.split('.').count() != 3 {
            return Err(TokenReason::Segments);
        }
        jsonwebtoken::decode::<Value>(token, &self.0.verify, &self.0.validation)
            .map(|data| data.claims)
            .map_err(|error| {
                match error.kind() {
                    ErrorKind::InvalidSignature => TokenReason::Signature,
                    ErrorKind::InvalidAlgorithm
                    | ErrorKind::InvalidAlgorithmName
                    | ErrorKind::UnsupportedAlgorithm => TokenReason::Algorithm,
                    // A header that is JSON but names an algorithm the library does not know, such as `none`.
                    ErrorKind::Json(_) if has_foreign_algorithm(token) => TokenReason::Algorithm,
                    _ => TokenReason::Malformed,
                }
            })
    }
}

fn has_foreign_algorithm(token: &str) -> bool {
    let header = token.split('.').next().and_then(|head| URL_SAFE_NO_PAD.decode(head).ok());
    header
        .and_then(|bytes| serde_json::from_slice::<Value>(&bytes).ok())
        .and_then(|header| header.get("alg").and_then(Value::as_str).map(|alg| alg != "RS256"))
        .unwrap_or(false)
}

fn failed(error: impl std::fmt::Display) -> SigningError {
    SigningError(error.to_string())
}
