//! The key of a display link, `<id>.<signature>`: HMAC-SHA-256 over id, view and expiry (beacon.md §4.1).

use std::str::FromStr;

use aws_lc_rs::hmac;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hivematrix_shared::{config::Secret, contracts::codex::Display};
use uuid::Uuid;

/// Keeps what this key signs apart from anything else that the secret may sign.
const PURPOSE: &str = "beacon display link v1";

/// Signs links and checks them.
#[derive(Clone)]
pub struct Signer(hmac::Key);

/// What a screen shows: a link's id and the signature that nobody else can make.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct LinkKey {
    /// The link's id.
    pub id: Uuid,
    signature: Vec<u8>,
}

/// A text that is no key.
#[derive(Debug)]
pub struct NoKey;

impl Signer {
    /// Signs with the service's secret; none without a secret.
    pub fn new(secret: &Secret) -> Option<Self> {
        let secret = secret.expose().as_bytes();
        (!secret.is_empty()).then(|| Self(hmac::Key::new(hmac::HMAC_SHA256, secret)))
    }

    /// The key of a link.
    pub fn key(&self, link: &Display) -> LinkKey {
        let signature = hmac::sign(&self.0, message(link).as_bytes());
        LinkKey { id: link.id, signature: signature.as_ref().to_vec() }
    }

    /// Whether a key is that of this link. How long it takes tells nothing of the right signature.
    pub fn fits(&self, key: &LinkKey, link: &Display) -> bool {
        key.id == link.id && hmac::verify(&self.0, message(link).as_bytes(), &key.signature).is_ok()
    }
}

fn message(link: &Display) -> String {
    let expiry = link.expires_at.map(|end| end.timestamp().to_string()).unwrap_or_default();
    format!("{PURPOSE}\n{}\n{}\n{expiry}", link.id, link.view)
}

impl std::fmt::Display for LinkKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.id, URL_SAFE_NO_PAD.encode(&self.signature))
    }
}

impl FromStr for LinkKey {
    type Err = NoKey;

    fn from_str(text: &str) -> Result<Self, NoKey> {
        let (id, signature) = text.split_once('.').ok_or(NoKey)?;
        let id = id.parse().map_err(|_| NoKey)?;
        let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| NoKey)?;
        Ok(Self { id, signature })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn link(changed: serde_json::Value) -> Display {
        let mut link = json!({"id": "6f2a54ce-3d0b-4f0e-8b5e-0f4bb9f8c9ab", "name": "Wall", "view": "helpdesk",
            "subjects": false, "created_by": null, "created_at": "2025-11-22T10:00:00Z",
            "expires_at": "2025-12-01T00:00:00Z"});
        for (member, value) in changed.as_object().unwrap() {
            link[member] = value.clone();
        }
        serde_json::from_value(link).unwrap()
    }

    #[test]
    fn a_key_fits_its_link_alone() {
        let signer = Signer::new(&Secret::new("secret")).unwrap();
        let text = signer.key(&link(json!({}))).to_string();
        let key: LinkKey = text.parse().unwrap();
        for (changed, fits) in [
            (json!({}), true),
            (json!({"name": "Other"}), true),
            (json!({"view": "professional-services"}), false),
            (json!({"expires_at": "2026-12-01T00:00:00Z"}), false),
            (json!({"expires_at": null}), false),
            (json!({"id": "00000000-3d0b-4f0e-8b5e-0f4bb9f8c9ab"}), false),
        ] {
            assert_eq!(signer.fits(&key, &link(changed.clone())), fits, "{changed}");
        }
        assert!(!Signer::new(&Secret::new("other")).unwrap().fits(&key, &link(json!({}))));
        assert!(Signer::new(&Secret::default()).is_none(), "nothing is signed with nothing");
    }

    #[test]
    fn every_changed_or_cut_signature_is_refused() {
        let signer = Signer::new(&Secret::new("secret")).unwrap();
        let text = signer.key(&link(json!({}))).to_string();
        let (id, signature) = text.split_once('.').unwrap();
        let bytes = URL_SAFE_NO_PAD.decode(signature).unwrap();
        assert_eq!(bytes.len(), 32);
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            for wrong in [&changed[..], &bytes[..at]] {
                let key: LinkKey = format!("{id}.{}", URL_SAFE_NO_PAD.encode(wrong)).parse().unwrap();
                assert!(!signer.fits(&key, &link(json!({}))), "{at}");
            }
        }
    }

    #[test]
    fn what_is_no_key_is_refused_before_anything_is_looked_up() {
        for text in [
            "",
            ".",
            "abc",
            "abc.def",
            "6f2a54ce-3d0b-4f0e-8b5e-0f4bb9f8c9ab",
            "6f2a54ce-3d0b-4f0e-8b5e-0f4bb9f8c9ab.%",
        ] {
            assert!(text.parse::<LinkKey>().is_err(), "{text}");
        }
    }
}
