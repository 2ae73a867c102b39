//! The services' secrets towards Core, as SHA-256 values in a file that Helm writes (core.md §2.4).

use std::{
    collections::HashMap,
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use arc_swap::ArcSwap;
use hivematrix_shared::config::Secret;
use subtle::ConstantTimeEq;

use crate::crypto::random;

const CHECK_INTERVAL: Duration = Duration::from_secs(2);

/// Who may call itself what. Cheap to clone.
#[derive(Clone)]
pub struct ServiceSecrets {
    path: Option<Arc<PathBuf>>,
    current: Arc<ArcSwap<Loaded>>,
}

#[derive(Default)]
struct Loaded {
    /// SHA-256 by service name.
    hashes: HashMap<String, Vec<u8>>,
    stamp: Option<Stamp>,
}

/// Changes whenever the file does: inode, size, modification time.
type Stamp = (u64, u64, i64, i64);

#[derive(Debug, thiserror::Error)]
enum SecretsError {
    #[error("{0}")]
    Read(#[from] std::io::Error),
    #[error("it is readable by others (mode {0:o})")]
    OpenMode(u32),
    #[error("it is not a JSON object of names and SHA-256 values: {0}")]
    Parse(#[from] serde_json::Error),
    #[error("the value of `{0}` is not a SHA-256 in hex")]
    NotAHash(String),
}

impl ServiceSecrets {
    /// Reads the file; without one, or while it cannot be used, no secret is right.
    pub fn open(path: Option<PathBuf>) -> Self {
        if path.is_none() {
            tracing::warn!("SERVICE_SECRETS_FILE is not set: no service can get a token by its secret");
        }
        let secrets = Self { path: path.map(Arc::new), current: Arc::default() };
        secrets.reload_if_changed();
        secrets
    }

    /// Whether `secret` is the one of `service`. The file is looked at again before a refusal, so that a secret works the
    /// moment Helm has written it.
    pub fn fits(&self, service: &str, secret: &Secret) -> bool {
        self.current.load().fits(service, secret)
            || (self.reload_if_changed() && self.current.load().fits(service, secret))
    }

    /// Whether `secret` is that of any service.
    pub fn fits_any(&self, secret: &Secret) -> bool {
        self.reload_if_changed();
        let given = random::stored_form(secret.expose());
        let loaded = self.current.load();
        // All are compared, so that time tells nothing.
        loaded.hashes.values().fold(0_u8, |found, hash| found | hash.ct_eq(&given).unwrap_u8()) == 1
    }

    /// Looks for changes until it is dropped, so that a withdrawn secret stops working soon.
    pub async fn watch(self) {
        loop {
            tokio::time::sleep(CHECK_INTERVAL).await;
            self.reload_if_changed();
        }
    }

    /// Whether the file was read again.
    fn reload_if_changed(&self) -> bool {
        let Some(path) = &self.path else { return false };
        let stamp = fs::metadata(path.as_path())
            .ok()
            .map(|meta| (meta.ino(), meta.len(), meta.mtime(), meta.mtime_nsec()));
        if stamp.is_some() && stamp == self.current.load().stamp {
            return false;
        }
        let read = read(path);
        match &read {
            Ok(hashes) => tracing::info!(services = hashes.len(), "the service secrets were read"),
            // Said once per state of the file.
            Err(error) if stamp.is_some() || self.current.load().stamp.is_some() => {
                tracing::error!(path = %path.display(), error = %error, "the service secrets cannot be used");
            }
            Err(_) => {}
        }
        self.current.store(Arc::new(Loaded { hashes: read.unwrap_or_default(), stamp }));
        true
    }
}

impl Loaded {
    fn fits(&self, service: &str, secret: &Secret) -> bool {
        let given = random::stored_form(secret.expose());
        !secret.is_empty() && self.hashes.get(service).is_some_and(|hash| bool::from(hash.ct_eq(&given)))
    }
}

fn read(path: &std::path::Path) -> Result<HashMap<String, Vec<u8>>, SecretsError> {
    let mode = fs::metadata(path)?.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(SecretsError::OpenMode(mode));
    }
    let values: HashMap<String, String> = serde_json::from_slice(&fs::read(path)?)?;
    values
        .into_iter()
        .map(|(name, hex)| match unhex(&hex) {
            Some(hash) => Ok((name, hash)),
            None => Err(SecretsError::NotAHash(name)),
        })
        .collect()
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let text = text.trim();
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    (0..64).step_by(2).map(|at| u8::from_str_radix(text.get(at..at + 2)?, 16).ok()).collect()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn write(path: &Path, services: &[(&str, &str)]) {
        let hex =
            |secret: &str| random::stored_form(secret).iter().map(|b| format!("{b:02x}")).collect::<String>();
        let map: HashMap<_, _> = services.iter().map(|(name, secret)| (*name, hex(secret))).collect();
        fs::write(path, serde_json::to_vec(&map).unwrap()).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
    }

    #[test]
    fn a_secret_is_bound_to_its_service_and_changes_count_at_once() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("secrets.json");
        let secrets = ServiceSecrets::open(Some(path.clone()));
        let one = Secret::new("one");
        assert!(!secrets.fits("beacon", &one), "no file yet");

        write(&path, &[("beacon", "one"), ("codex", "other")]);
        assert!(secrets.fits("beacon", &one));
        assert!(secrets.fits_any(&one));
        assert!(!secrets.fits("codex", &one));
        assert!(!secrets.fits("ledger", &one));
        assert!(!secrets.fits("beacon", &Secret::new("")));

        write(&path, &[("beacon", "two"), ("codex", "other"), ("ledger", "three")]);
        assert!(secrets.fits("beacon", &Secret::new("two")));
        assert!(!secrets.fits("beacon", &one));
        assert!(!secrets.fits_any(&one));
    }

    #[test]
    fn a_file_that_others_may_read_or_that_is_broken_gives_nobody_a_token() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("secrets.json");
        write(&path, &[("beacon", "one")]);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(!ServiceSecrets::open(Some(path.clone())).fits("beacon", &Secret::new("one")));
        write(&path, &[("beacon", "one")]);
        fs::write(&path, r#"{"beacon":"zz"}"#).unwrap();
        assert!(!ServiceSecrets::open(Some(path)).fits("beacon", &Secret::new("one")));
        assert!(!ServiceSecrets::open(None).fits("beacon", &Secret::new("one")));
    }
}
