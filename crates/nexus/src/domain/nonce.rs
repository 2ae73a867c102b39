//! The nonce of a page (CSP level 3 §2.3.2): scripts that carry it belong to the page, whatever else was put into it.

use std::fmt;

use base64::{Engine, prelude::BASE64_STANDARD_NO_PAD};

/// Random bytes of a nonce, as many as the standard asks for at least.
const BYTES: usize = 16;

/// A number used for one page: 128 random bits in base64.
#[derive(Clone, Debug, PartialEq)]
pub struct Nonce(String);

impl Nonce {
    /// A new one; every page gets its own.
    pub fn fresh() -> Self {
        Self(BASE64_STANDARD_NO_PAD.encode(rand::random::<[u8; BYTES]>()))
    }

    /// The attribute of a script that belongs to the page, with a space in front.
    pub fn attribute(&self) -> String {
        format!(" nonce=\"{self}\"")
    }
}

impl fmt::Display for Nonce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_page_has_its_own_nonce_that_fits_into_markup_and_policy() {
        let nonces: std::collections::HashSet<String> =
            (0..1000).map(|_| Nonce::fresh().to_string()).collect();
        assert_eq!(nonces.len(), 1000);
        for nonce in &nonces {
            assert_eq!(nonce.len(), 22);
            assert!(nonce.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/')), "{nonce}");
        }
    }
}
