//! Unguessable values and the form in which they are stored.

use aws_lc_rs::digest;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

/// 256 random bits as 43 URL-safe characters.
pub fn token() -> String {
    URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>())
}

/// SHA-256, the stored form of a random value. Such values need no salt or slow hash: they cannot be guessed.
pub fn stored_form(value: &str) -> Vec<u8> {
    digest::digest(&digest::SHA256, value.as_bytes()).as_ref().to_vec()
}
