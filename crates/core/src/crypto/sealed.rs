//! Small values that a browser keeps for us, encrypted and authenticated with a key derived from `SECRET_KEY`.

use std::sync::Arc;

use aws_lc_rs::{
    aead::{self, AES_256_GCM, Aad, Nonce, RandomizedNonceKey},
    hkdf, hmac,
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hivematrix_shared::config::Secret;
use serde::{Serialize, de::DeserializeOwned};

const NONCE_LENGTH: usize = aead::NONCE_LEN;

/// Seals, opens and authenticates values. Cheap to clone.
#[derive(Clone)]
pub struct Sealer {
    seal: Arc<RandomizedNonceKey>,
    mark: Arc<hmac::Key>,
}

/// A key that cannot be made; the library gives no reason.
#[derive(Debug, thiserror::Error)]
#[error("the secret key cannot be used")]
pub struct KeyError;

impl Sealer {
    /// Derives the keys from the service's secret.
    pub fn new(secret: &Secret) -> Result<Self, KeyError> {
        let extracted =
            hkdf::Salt::new(hkdf::HKDF_SHA256, b"hivematrix-core").extract(secret.expose().as_bytes());
        let derive = |purpose: &[u8]| {
            let mut key = [0; 32];
            extracted
                .expand(&[purpose], hkdf::HKDF_SHA256)
                .and_then(|okm| okm.fill(&mut key))
                .map_err(|_| KeyError)
                .map(|()| key)
        };
        let seal = RandomizedNonceKey::new(&AES_256_GCM, &derive(b"seal")?).map_err(|_| KeyError)?;
        let mark = hmac::Key::new(hmac::HMAC_SHA256, &derive(b"mark")?);
        Ok(Self { seal: Arc::new(seal), mark: Arc::new(mark) })
    }

    /// Encrypts a value for one purpose; only [`Sealer::open`] with the same purpose reads it. `None` when it cannot be
    /// written as JSON.
    pub fn seal<T: Serialize>(&self, purpose: &str, value: &T) -> Option<String> {
        let mut data = serde_json::to_vec(value).ok()?;
        let nonce = self.seal.seal_in_place_append_tag(Aad::from(purpose.as_bytes()), &mut data).ok()?;
        let mut sealed = nonce.as_ref().to_vec();
        sealed.extend_from_slice(&data);
        Some(URL_SAFE_NO_PAD.encode(sealed))
    }

    /// Decrypts what [`Sealer::seal`] made; `None` for anything else.
    pub fn open<T: DeserializeOwned>(&self, purpose: &str, sealed: &str) -> Option<T> {
        let mut bytes = URL_SAFE_NO_PAD.decode(sealed).ok()?;
        if bytes.len() < NONCE_LENGTH {
            return None;
        }
        let mut data = bytes.split_off(NONCE_LENGTH);
        let nonce = Nonce::try_assume_unique_for_key(&bytes).ok()?;
        let plain = self.seal.open_in_place(nonce, Aad::from(purpose.as_bytes()), &mut data).ok()?;
        serde_json::from_slice(plain).ok()
    }

    /// A mark that only this service can make for `value`.
    pub fn mark(&self, purpose: &str, value: &str) -> String {
        URL_SAFE_NO_PAD.encode(hmac::sign(&self.mark, format!("{purpose}\n{value}").as_bytes()))
    }

    /// Whether `mark` is the one of `value`, in constant time.
    pub fn mark_fits(&self, purpose: &str, value: &str, mark: &str) -> bool {
        URL_SAFE_NO_PAD
            .decode(mark)
            .is_ok_and(|tag| hmac::verify(&self.mark, format!("{purpose}\n{value}").as_bytes(), &tag).is_ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sealer(secret: &str) -> Sealer {
        Sealer::new(&Secret::new(secret)).unwrap()
    }

    #[test]
    fn a_sealed_value_opens_only_with_its_key_and_purpose_and_unchanged() {
        let ours = sealer("a");
        let sealed = ours.seal("login", &"state").unwrap();
        assert_eq!(ours.open::<String>("login", &sealed).as_deref(), Some("state"));
        assert_eq!(sealer("a").open::<String>("login", &sealed).as_deref(), Some("state"));
        assert_eq!(ours.open::<String>("session", &sealed), None);
        assert_eq!(sealer("b").open::<String>("login", &sealed), None);
        let mut changed = sealed.clone().into_bytes();
        changed[20] ^= 1;
        assert_eq!(ours.open::<String>("login", &String::from_utf8(changed).unwrap()), None);
        for garbage in ["", "AAAA", "%%%", &"A".repeat(400)] {
            assert_eq!(ours.open::<String>("login", garbage), None);
        }
        assert_ne!(sealed, ours.seal("login", &"state").unwrap());
    }

    #[test]
    fn a_mark_fits_only_its_value_and_purpose() {
        let ours = sealer("a");
        let mark = ours.mark("csrf", "x");
        assert!(ours.mark_fits("csrf", "x", &mark));
        assert!(!ours.mark_fits("csrf", "y", &mark));
        assert!(!ours.mark_fits("other", "x", &mark));
        assert!(!sealer("b").mark_fits("csrf", "x", &mark));
        assert!(!ours.mark_fits("csrf", "x", ""));
    }
}
