//! Authenticated encryption of what the gateway gives out of its hands: session state and sign-in state (nexus.md §4.4).

use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey},
    digest, hkdf,
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};

/// First byte of every sealed value, so that the form can change one day.
const VERSION: u8 = 1;

/// Seals and opens values with keys derived from `SECRET_KEY`, so gateways with the same secret understand each other.
#[derive(Debug)]
pub struct Sealer {
    key: RandomizedNonceKey,
}

/// The secret cannot be used, or sealing failed.
#[derive(Debug, thiserror::Error)]
#[error("encryption of session state failed")]
pub struct SealError;

struct KeyLength;

impl hkdf::KeyType for KeyLength {
    fn len(&self) -> usize {
        AES_256_GCM.key_len()
    }
}

impl Sealer {
    /// A sealer whose key comes from `secret`.
    pub fn new(secret: &str) -> Result<Self, SealError> {
        let mut key = vec![0; AES_256_GCM.key_len()];
        hkdf::Salt::new(hkdf::HKDF_SHA256, b"hivematrix-nexus")
            .extract(secret.as_bytes())
            .expand(&[b"sealed state, version 1"], KeyLength)
            .and_then(|okm| okm.fill(&mut key))
            .map_err(|_| SealError)?;
        Ok(Self { key: RandomizedNonceKey::new(&AES_256_GCM, &key).map_err(|_| SealError)? })
    }

    /// Encrypts `plain` as text for a cookie. `purpose` binds it to its use: it opens only with the same one.
    pub fn seal(&self, purpose: &str, plain: &[u8]) -> Result<String, SealError> {
        let mut sealed = plain.to_vec();
        let aad = Aad::from(purpose.as_bytes());
        let nonce = self.key.seal_in_place_append_tag(aad, &mut sealed).map_err(|_| SealError)?;
        let mut message = Vec::with_capacity(1 + NONCE_LEN + sealed.len());
        message.push(VERSION);
        message.extend_from_slice(nonce.as_ref());
        message.append(&mut sealed);
        Ok(BASE64_URL_SAFE_NO_PAD.encode(message))
    }

    /// The plain value, or `None` when it was not sealed here, for this purpose and in one piece.
    pub fn open(&self, purpose: &str, sealed: &str) -> Option<Vec<u8>> {
        let message = BASE64_URL_SAFE_NO_PAD.decode(sealed).ok()?;
        let (&version, rest) = message.split_first()?;
        if version != VERSION || rest.len() < NONCE_LEN {
            return None;
        }
        let (nonce, sealed) = rest.split_at(NONCE_LEN);
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let mut sealed = sealed.to_vec();
        let plain = self.key.open_in_place(nonce, Aad::from(purpose.as_bytes()), &mut sealed).ok()?;
        Some(plain.to_vec())
    }
}

/// SHA-256 as text, for names that must not reveal what they name.
pub fn sha256(value: &str) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, value.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sealed_value_opens_with_the_same_secret_and_purpose_only() {
        let sealer = Sealer::new("secret").unwrap();
        let sealed = sealer.seal("session", b"state").unwrap();
        assert_eq!(sealer.open("session", &sealed).as_deref(), Some(&b"state"[..]));
        assert_eq!(Sealer::new("secret").unwrap().open("session", &sealed).as_deref(), Some(&b"state"[..]));
        assert_eq!(sealer.open("login", &sealed), None);
        assert_eq!(Sealer::new("other").unwrap().open("session", &sealed), None);
    }

    #[test]
    fn sealing_twice_gives_different_text_that_shows_nothing() {
        let sealer = Sealer::new("secret").unwrap();
        let sealed = sealer.seal("session", b"state").unwrap();
        assert_ne!(sealed, sealer.seal("session", b"state").unwrap());
        assert!(!BASE64_URL_SAFE_NO_PAD.decode(&sealed).unwrap().windows(5).any(|w| w == b"state"));
    }

    #[test]
    fn every_changed_or_missing_byte_is_noticed() {
        let sealer = Sealer::new("secret").unwrap();
        let message = BASE64_URL_SAFE_NO_PAD.decode(sealer.seal("session", b"state").unwrap()).unwrap();
        for index in 0..message.len() {
            let mut changed = message.clone();
            changed[index] ^= 1;
            assert_eq!(
                sealer.open("session", &BASE64_URL_SAFE_NO_PAD.encode(&changed)),
                None,
                "byte {index}"
            );
            assert_eq!(
                sealer.open("session", &BASE64_URL_SAFE_NO_PAD.encode(&message[..index])),
                None,
                "length {index}"
            );
        }
        assert_eq!(sealer.open("session", "not base64!"), None);
    }
}
