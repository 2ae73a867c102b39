//! The files of the master configuration: `helm/configs/master_config.json`, and its secrets beside it, so that one file
//! can be shown and copied and the other not. Both are replaced whole, under a lock, and only if they are as they were read.

use std::path::Path;

use anyhow::{Context, Result};
use aws_lc_rs::digest::{SHA256, digest};
use serde_json::Value;

use super::{Layout, beneath, files, options::Options};
use crate::domain::master_config::{Document, Fault};

/// The configuration as it was read.
#[derive(Debug, Clone)]
pub struct Stored {
    /// What it says, secrets included.
    pub document: Document,
    /// Stands for exactly this content; another one after every change.
    pub version: String,
}

/// Why a change was not made.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    /// A value is not what it must be.
    #[error("{}", words(.0))]
    Invalid(Vec<Fault>),
    /// Somebody else changed it since it was read.
    #[error("the configuration was changed meanwhile; look at it again and repeat your change")]
    Outdated,
    /// The files cannot be read or written.
    #[error("{0:#}")]
    Failed(anyhow::Error),
}

impl From<anyhow::Error> for ChangeError {
    fn from(error: anyhow::Error) -> Self {
        Self::Failed(error)
    }
}

impl From<Vec<Fault>> for ChangeError {
    fn from(faults: Vec<Fault>) -> Self {
        Self::Invalid(faults)
    }
}

fn words(faults: &[Fault]) -> String {
    faults.iter().map(Fault::to_string).collect::<Vec<_>>().join("; ")
}

/// Reads the configuration; a missing one has the defaults.
///
/// # Errors
/// When a file cannot be read, or says what it must not: nothing is ever replaced by a default silently.
pub fn read(layout: &Layout) -> Result<Stored> {
    let (open, secret) = (layout.master_config(), layout.master_secrets());
    let (open_text, secret_text) = (content(&open)?, content(&secret)?);
    let document = match &open_text {
        None => Document::with_defaults(),
        Some(text) => parse(&open, text)?,
    };
    let secrets = match &secret_text {
        None => Document::default(),
        Some(text) => parse(&secret, text)?,
    };
    let version = version(&[open_text.as_deref(), secret_text.as_deref()]);
    Ok(Stored { document: document.overlaid(&secrets), version })
}

/// Reads the configuration of an instance that is prepared: the file is made where there is none, and secrets that somebody
/// wrote into it are moved to theirs.
///
/// # Errors
/// When a file cannot be read or written.
pub fn ensure(layout: &Layout, options: &Options) -> Result<Stored> {
    files::private_dir(&layout.configs())?;
    let _lock = files::FileLock::take(&layout.master_lock())?;
    let mut stored = read(layout)?;
    if !layout.master_config().exists()
        && let Some(known) = &options.keycloak
    {
        // An instance from before there was this file.
        let values = [("url", &known.url), ("realm", &known.realm)];
        for (name, value) in values {
            let set = stored.document.set(&["keycloak", name], Value::from(value.as_str()));
            set.map_err(|faults| anyhow::anyhow!(words(&faults)))?;
        }
    }
    write(layout, &stored.document)?;
    read(layout)
}

/// Changes the configuration under its lock. With `expected`, only if that is still its version.
///
/// # Errors
/// When the change is refused, somebody was faster, or the files cannot be written; nothing is changed then.
pub fn change(
    layout: &Layout,
    expected: Option<&str>,
    work: impl FnOnce(&mut Document) -> Result<(), Vec<Fault>>,
) -> Result<Stored, ChangeError> {
    files::private_dir(layout.home())?;
    files::private_dir(&layout.folder("helm"))?;
    files::private_dir(&layout.configs())?;
    let _lock = files::FileLock::take(&layout.master_lock())?;
    let mut stored = read(layout)?;
    if expected.is_some_and(|expected| expected != stored.version) {
        return Err(ChangeError::Outdated);
    }
    work(&mut stored.document)?;
    write(layout, &stored.document)?;
    Ok(read(layout)?)
}

/// Secrets first: a crash between the two leaves a secret in both files, which the next writer mends, and never in none.
fn write(layout: &Layout, document: &Document) -> Result<()> {
    let (open, secret) = document.split();
    files::write_json(&layout.master_secrets(), &secret.value())?;
    files::write_json(&layout.master_config(), &open.value())
}

fn content(path: &Path) -> Result<Option<Vec<u8>>> {
    match beneath::read(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
    }
}

fn parse(path: &Path, text: &[u8]) -> Result<Document> {
    let value: Value = files::json(path, text)?;
    Document::of(value).map_err(|faults| anyhow::anyhow!("{}: {}", path.display(), words(&faults)))
}

fn version(texts: &[Option<&[u8]>]) -> String {
    let mut whole = Vec::new();
    for text in texts {
        whole.extend_from_slice(digest(&SHA256, text.unwrap_or_default()).as_ref());
    }
    digest(&SHA256, &whole).as_ref().iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt};

    use serde_json::json;

    use super::*;

    fn layout() -> (tempfile::TempDir, Layout) {
        let folder = tempfile::tempdir().unwrap();
        let layout = Layout::new(folder.path().join("home"));
        (folder, layout)
    }

    fn set(layout: &Layout, path: &[&str], value: Value) -> Result<Stored, ChangeError> {
        change(layout, None, |document| document.set(path, value))
    }

    #[test]
    fn secrets_lie_in_a_file_of_their_own_and_both_are_closed_to_others() {
        let (_folder, layout) = layout();
        set(&layout, &["apps", "codex"], json!({"db_user": "u", "db_password": "hunter2"})).unwrap();
        let open = fs::read_to_string(layout.master_config()).unwrap();
        assert!(open.contains("db_user") && !open.contains("hunter2"));
        assert!(fs::read_to_string(layout.master_secrets()).unwrap().contains("hunter2"));
        for path in [layout.master_config(), layout.master_secrets()] {
            assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600);
        }
        assert_eq!(fs::metadata(layout.configs()).unwrap().permissions().mode() & 0o777, 0o700);
        let password = read(&layout).unwrap().document.text(&["apps", "codex", "db_password"]);
        assert_eq!(password.as_deref(), Some("hunter2"));
    }

    #[test]
    fn secrets_of_the_original_suites_file_are_moved() {
        let (_folder, layout) = layout();
        ensure_folders(&layout);
        let theirs = json!({"system": {"secret_key": "abc", "hostname": "msp.example.net"}, "other": [1]});
        fs::write(layout.master_config(), theirs.to_string()).unwrap();
        let stored = ensure(&layout, &Options::default()).unwrap();
        assert_eq!(stored.document.text(&["system", "secret_key"]).as_deref(), Some("abc"));
        let open: Value = serde_json::from_slice(&fs::read(layout.master_config()).unwrap()).unwrap();
        assert_eq!(open, json!({"system": {"hostname": "msp.example.net"}, "other": [1]}));
        let again = ensure(&layout, &Options::default()).unwrap();
        assert_eq!(again.version, stored.version, "a second time changes nothing");
    }

    fn ensure_folders(layout: &Layout) {
        files::private_dir(&layout.configs()).unwrap();
    }

    #[test]
    fn a_change_of_something_that_is_no_longer_so_is_refused() {
        let (_folder, layout) = layout();
        let first = set(&layout, &["system", "log_level"], json!("DEBUG")).unwrap();
        let second = set(&layout, &["system", "log_level"], json!("ERROR")).unwrap();
        assert_ne!(first.version, second.version);
        let late = change(&layout, Some(&first.version), |d| d.set(&["system", "log_level"], json!("INFO")));
        assert!(matches!(late, Err(ChangeError::Outdated)));
        let timely =
            change(&layout, Some(&second.version), |d| d.set(&["system", "log_level"], json!("INFO")));
        assert!(timely.is_ok());
    }

    #[test]
    fn writers_at_the_same_time_lose_nothing() {
        let (_folder, layout) = layout();
        std::thread::scope(|scope| {
            for writer in 0..8 {
                let layout = &layout;
                scope.spawn(move || {
                    for number in 0..5 {
                        let app = format!("app{writer}-{number}");
                        set(layout, &["apps", &app, "note"], json!(number)).unwrap();
                    }
                });
            }
        });
        let stored = read(&layout).unwrap();
        assert_eq!(stored.document.get(&["apps"]).unwrap().as_object().unwrap().len(), 40);
        assert!(fs::read_dir(layout.configs()).unwrap().count() <= 3, "no temporary file is left");
    }

    #[test]
    fn a_damaged_or_wrong_file_is_named_and_left_alone() {
        let (_folder, layout) = layout();
        ensure_folders(&layout);
        for (text, words) in
            [("{\"system\": ", "is damaged"), ("{\"system\": {\"log_level\": \"loud\"}}", "must be one of")]
        {
            fs::write(layout.master_config(), text).unwrap();
            let error = set(&layout, &["system", "hostname"], json!("a")).unwrap_err().to_string();
            assert!(error.contains(words) && error.contains("master_config.json"), "{error}");
            assert_eq!(fs::read_to_string(layout.master_config()).unwrap(), text);
        }
    }
}
