//! Signed tokens in compact form (RFC 7515), RS256 only: read without trust, then verified with a key that was parsed once.

use std::sync::Arc;

use aws_lc_rs::signature::{ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, IgnoredAny},
};

/// The one algorithm of HiveMatrix' tokens (core.md §3).
const ALGORITHM: &str = "RS256";
/// Bytes of the longest signature: RSA with 8192 bits.
const LONGEST_SIGNATURE: usize = 1024;

/// Why a text is no token that a key could have signed.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum JwsError {
    /// Not three parts.
    #[error("not three parts")]
    Segments,
    /// Header, claims or signature cannot be read, or the header makes demands (`crit`) that nobody here knows.
    #[error("malformed")]
    Malformed,
    /// Any algorithm but RS256.
    #[error("another algorithm")]
    Algorithm,
    /// The key did not sign this.
    #[error("bad signature")]
    Signature,
}

/// What the header may say. Keys that the token brings along (`jwk`, `jku`, `x5c`) are never looked at.
#[derive(Deserialize)]
struct Header {
    alg: String,
    #[serde(default)]
    kid: Option<String>,
    #[serde(default, rename = "crit", deserialize_with = "present")]
    has_demands: bool,
}

fn present<'de, D: Deserializer<'de>>(value: D) -> Result<bool, D::Error> {
    IgnoredAny::deserialize(value).map(|_| true)
}

/// A token that has the right form. Nothing it says is proven.
#[derive(Debug)]
pub struct Unverified<'a> {
    signed: &'a str,
    payload: &'a str,
    signature: &'a str,
    key_id: Option<String>,
}

impl<'a> Unverified<'a> {
    /// Reads the form and the header.
    ///
    /// # Errors
    /// Every [`JwsError`] but `Signature`.
    pub fn read(token: &'a str) -> Result<Self, JwsError> {
        let (signed, signature) = token.rsplit_once('.').ok_or(JwsError::Segments)?;
        let (header, payload) = signed.split_once('.').ok_or(JwsError::Segments)?;
        if payload.contains('.') {
            return Err(JwsError::Segments);
        }
        let header = URL_SAFE_NO_PAD.decode(header).map_err(|_| JwsError::Malformed)?;
        let header: Header = serde_json::from_slice(&header).map_err(|_| JwsError::Malformed)?;
        if header.alg != ALGORITHM {
            return Err(JwsError::Algorithm);
        }
        if header.has_demands {
            return Err(JwsError::Malformed);
        }
        Ok(Self { signed, payload, signature, key_id: header.kid })
    }

    /// Name of the key that is said to have signed.
    pub fn key_id(&self) -> Option<&str> {
        self.key_id.as_deref()
    }

    /// The claims as they stand there, proven by nothing.
    pub fn claims<T: DeserializeOwned>(&self) -> Option<T> {
        let payload = URL_SAFE_NO_PAD.decode(self.payload).ok()?;
        serde_json::from_slice(&payload).ok()
    }

    /// The claims, proven by the key's signature. Times and issuer are not looked at.
    ///
    /// # Errors
    /// `Signature`, or `Malformed` when the claims are not what is expected.
    pub fn verified<T: DeserializeOwned>(&self, key: &VerifyingKey) -> Result<T, JwsError> {
        let mut signature = [0; LONGEST_SIGNATURE];
        let length =
            URL_SAFE_NO_PAD.decode_slice(self.signature, &mut signature).map_err(|_| JwsError::Malformed)?;
        let signature = signature.get(..length).ok_or(JwsError::Malformed)?;
        key.key.verify_sig(self.signed.as_bytes(), signature).map_err(|_| JwsError::Signature)?;
        self.claims().ok_or(JwsError::Malformed)
    }
}

/// An RSA public key with its name, parsed once for many signatures. Cheap to clone.
#[derive(Clone, Debug)]
pub struct VerifyingKey {
    id: Arc<str>,
    key: Arc<ParsedPublicKey>,
}

impl VerifyingKey {
    /// The key with this modulus and exponent (big-endian, leading zeros allowed); `None` when they are no key.
    pub fn new(id: &str, modulus: &[u8], exponent: &[u8]) -> Option<Self> {
        let key = RsaPublicKeyComponents { n: trimmed(modulus), e: trimmed(exponent) }
            .to_parsed_public_key(&RSA_PKCS1_2048_8192_SHA256)
            .ok()?;
        Some(Self { id: id.into(), key: key.into() })
    }

    /// The key's name.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The key as DER (`SubjectPublicKeyInfo`).
    pub fn der(&self) -> &[u8] {
        self.key.as_ref().as_ref()
    }
}

/// The same key, whatever it is called.
impl PartialEq for VerifyingKey {
    fn eq(&self, other: &Self) -> bool {
        self.der() == other.der()
    }
}

fn trimmed(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    number.get(zeros..).unwrap_or_default()
}
