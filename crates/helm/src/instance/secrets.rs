//! Makes the secrets of an instance: each one once, kept for good.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use aws_lc_rs::digest::{SHA256, digest};
use rand::Rng;

use super::{Layout, beneath, files};
use crate::domain::secrets::{Secrets, ServiceSecrets};

/// Letters and digits that cannot be mistaken for one another.
const READABLE: &[u8; 31] = b"abcdefghjkmnpqrstuvwxyz23456789";

/// Reads the secrets and makes those that are missing. `services` are the names of all services of the registry.
///
/// # Errors
/// When the file is damaged or cannot be written.
pub fn ensure<'a>(layout: &Layout, services: impl IntoIterator<Item = &'a str>) -> Result<Secrets> {
    let mut secrets: Secrets = files::read_json(&layout.secrets())?.unwrap_or_default();
    for name in services {
        let ServiceSecrets { secret_key, service_secret, database_password } =
            secrets.services.entry(name.to_owned()).or_default();
        for secret in [secret_key, service_secret, database_password] {
            fill(secret);
        }
    }
    let Secrets {
        services: _,
        keycloak_client_secret,
        keycloak_admin_client_secret,
        postgres_password,
        redis_password,
        simulator_api_key,
        simulator_rmm_key,
    } = &mut secrets;
    for secret in [
        keycloak_client_secret,
        keycloak_admin_client_secret,
        postgres_password,
        redis_password,
        simulator_api_key,
        simulator_rmm_key,
    ] {
        fill(secret);
    }
    files::write_json(&layout.secrets(), &secrets)?;
    write_hashes(layout, &secrets)?;
    Ok(secrets)
}

/// Reads the secrets of a prepared instance.
///
/// # Errors
/// When there are none, or they cannot be read.
pub fn read(layout: &Layout) -> Result<Secrets> {
    files::read_json(&layout.secrets())?.ok_or_else(|| {
        anyhow::anyhow!("there is no suite in {}; start one with `helm up`", layout.home().display())
    })
}

/// What Core compares service secrets with: name → SHA-256 in hex (core.md §2.4).
fn write_hashes(layout: &Layout, secrets: &Secrets) -> Result<()> {
    let hashes: BTreeMap<&String, String> =
        secrets.services.iter().map(|(name, of)| (name, sha256(of.service_secret.as_bytes()))).collect();
    files::write_json(&layout.service_secrets(), &hashes)
}

/// The generated first password of `admin`, made unless its file is there.
///
/// # Errors
/// When the file cannot be read or written.
pub fn ensure_admin_password(layout: &Layout) -> Result<String> {
    let path = layout.admin_password();
    match beneath::read_text(&path) {
        Ok(text) if !text.trim().is_empty() => return Ok(text.trim().to_owned()),
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(error).with_context(|| format!("cannot read {}", path.display()));
        }
        _ => {}
    }
    let password = readable_password();
    files::write_private(&path, format!("{password}\n").as_bytes())?;
    Ok(password)
}

fn fill(secret: &mut String) {
    if secret.is_empty() {
        *secret = random_hex();
    }
}

/// 256 random bits in hex: safe in URLs, INI files and shells.
fn random_hex() -> String {
    let mut bytes = [0u8; 32];
    rand::rng().fill_bytes(&mut bytes);
    hex(&bytes)
}

/// Twenty readable characters in groups of five, 98 bits.
fn readable_password() -> String {
    let mut bytes = [0u8; 20];
    rand::rng().fill_bytes(&mut bytes);
    let letters: Vec<char> = bytes.iter().map(|byte| char::from(READABLE[usize::from(*byte) % 31])).collect();
    letters.chunks(5).map(|group| group.iter().collect::<String>()).collect::<Vec<_>>().join("-")
}

/// SHA-256 in hex.
#[must_use]
pub fn sha256(bytes: &[u8]) -> String {
    hex(digest(&SHA256, bytes).as_ref())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt};

    use super::*;

    fn layout() -> (tempfile::TempDir, Layout) {
        let folder = tempfile::tempdir().unwrap();
        let layout = Layout::new(folder.path().to_owned());
        for name in ["helm", "core"] {
            files::private_dir(&layout.folder(name)).unwrap();
        }
        (folder, layout)
    }

    #[test]
    fn secrets_are_made_once_and_differ() {
        let (_folder, layout) = layout();
        let first = ensure(&layout, ["core", "codex"]).unwrap();
        let second = ensure(&layout, ["core", "codex", "beacon"]).unwrap();
        assert_eq!(first.of("codex"), second.of("codex"));
        assert_eq!(first.redis_password, second.redis_password);
        let codex = second.of("codex");
        let all =
            [&codex.secret_key, &codex.service_secret, &codex.database_password, &second.redis_password];
        for (i, secret) in all.iter().enumerate() {
            assert_eq!(secret.len(), 64);
            assert!(!all[..i].contains(secret));
        }
        assert_eq!(second.of("beacon").secret_key.len(), 64);
    }

    #[test]
    fn core_gets_hashes_and_no_secrets() {
        let (_folder, layout) = layout();
        let secrets = ensure(&layout, ["codex"]).unwrap();
        let text = fs::read_to_string(layout.service_secrets()).unwrap();
        let hashes: BTreeMap<String, String> = serde_json::from_str(&text).unwrap();
        let expected = sha256(secrets.of("codex").service_secret.as_bytes());
        assert_eq!(hashes["codex"], expected);
        assert!(!text.contains(&secrets.of("codex").service_secret));
    }

    #[test]
    fn every_secret_file_is_closed_to_others() {
        let (_folder, layout) = layout();
        ensure(&layout, ["core"]).unwrap();
        ensure_admin_password(&layout).unwrap();
        for path in [layout.secrets(), layout.service_secrets(), layout.admin_password()] {
            let mode = fs::metadata(&path).unwrap().permissions().mode() & 0o777;
            assert_eq!(mode, 0o600, "{}", path.display());
        }
    }

    #[test]
    fn the_admin_password_is_made_once() {
        let (_folder, layout) = layout();
        let password = ensure_admin_password(&layout).unwrap();
        assert_eq!(password.len(), 23);
        assert_eq!(ensure_admin_password(&layout).unwrap(), password);
    }
}
