//! Who can open an archive: age's X25519 recipients and identities.

use std::{fs, io::BufReader, os::unix::fs::PermissionsExt, path::Path, path::PathBuf};

use age::{
    IdentityFile,
    secrecy::ExposeSecret,
    x25519::{Identity, Recipient},
};
use anyhow::{Context, Result, bail};

use crate::{
    domain::backup::parts::IDENTITY_FILE,
    instance::{Layout, files},
};

/// The operator's lasting recipients, one a line, beside the identity.
const RECIPIENTS_FILE: &str = "backup.recipients";

/// Where the secret half lies when it was made here.
#[must_use]
pub fn identity_path(layout: &Layout) -> PathBuf {
    layout.folder("helm").join(IDENTITY_FILE)
}

fn recipients_path(layout: &Layout) -> PathBuf {
    layout.folder("helm").join(RECIPIENTS_FILE)
}

/// Whether the operator has named keys for all archives.
#[must_use]
pub fn has_lasting_recipients(layout: &Layout) -> bool {
    recipients_path(layout).exists()
}

/// For whom an archive is encrypted.
#[derive(Debug)]
pub struct Recipients {
    /// Public keys.
    pub keys: Vec<Recipient>,
    /// The identity that was made for this archive, because nobody had named a recipient before.
    pub made: Option<PathBuf>,
}

/// The recipients of an archive: those of the call, else those of `helm/backup.recipients`, else the instance's own
/// identity, which is made when there is none.
///
/// # Errors
/// When a recipient is none, or a file cannot be read or written.
pub fn recipients(layout: &Layout, given: &[String]) -> Result<Recipients> {
    if !given.is_empty() {
        return Ok(Recipients { keys: parse(given.iter().map(String::as_str))?, made: None });
    }
    let lasting = recipients_path(layout);
    if lasting.exists() {
        let text =
            fs::read_to_string(&lasting).with_context(|| format!("cannot read {}", lasting.display()))?;
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
        let keys = parse(lines).with_context(|| format!("in {}", lasting.display()))?;
        if keys.is_empty() {
            bail!("{} names no recipient", lasting.display());
        }
        return Ok(Recipients { keys, made: None });
    }
    let path = identity_path(layout);
    if path.exists() {
        let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let is_identity = |line: &&str| !line.is_empty() && !line.starts_with('#');
        let identity = text.lines().map(str::trim).find(is_identity).and_then(|line| line.parse().ok());
        let identity: Identity = identity.with_context(|| format!("{} holds no identity", path.display()))?;
        return Ok(Recipients { keys: vec![identity.to_public()], made: None });
    }
    files::private_dir(&layout.folder("helm"))?;
    let identity = Identity::generate();
    let secret = identity.to_string();
    let text = format!("# public key: {}\n{}\n", identity.to_public(), secret.expose_secret());
    files::write_private(&path, text.as_bytes())?;
    Ok(Recipients { keys: vec![identity.to_public()], made: Some(path) })
}

fn parse<'a>(texts: impl Iterator<Item = &'a str>) -> Result<Vec<Recipient>> {
    let one = |text: &str| {
        let parsed: Result<Recipient, _> = text.parse();
        parsed.map_err(|_| anyhow::anyhow!("`{text}` is no age recipient; it begins with age1"))
    };
    texts.map(one).collect()
}

/// What opens an archive: the identities of `given`, else of the instance.
///
/// # Errors
/// When the file is missing, open to others, or holds no identity.
pub fn identities(
    layout: &Layout,
    given: Option<&Path>,
) -> Result<Vec<Box<dyn age::Identity + Send + Sync>>> {
    let path = given.map_or_else(|| identity_path(layout), Path::to_owned);
    let file = match fs::File::open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && given.is_none() => {
            bail!("the key that opens the archive is not on this machine; name its file with --identity")
        }
        Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
    };
    if file.metadata()?.permissions().mode() & 0o077 != 0 {
        bail!("others can read {}, which opens all archives: chmod 600 it", path.display());
    }
    // The error names the line's number, never the line.
    let parsed = IdentityFile::from_buffer(BufReader::new(file))
        .with_context(|| format!("{} holds no identity", path.display()))?;
    let identities = parsed.into_identities().context("the identity cannot be used")?;
    if identities.is_empty() {
        bail!("{} holds no identity", path.display());
    }
    Ok(identities)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identity_is_made_once_and_only_its_owner_reads_it() {
        let home = tempfile::tempdir().unwrap();
        let layout = Layout::new(home.path().to_owned());
        let first = recipients(&layout, &[]).unwrap();
        let path = identity_path(&layout);
        assert_eq!(first.made.as_deref(), Some(path.as_path()));
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let second = recipients(&layout, &[]).unwrap();
        assert!(second.made.is_none());
        assert_eq!(first.keys[0].to_string(), second.keys[0].to_string());
        assert_eq!(identities(&layout, None).unwrap().len(), 1);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        assert!(identities(&layout, None).err().unwrap().to_string().contains("chmod 600"));
    }

    #[test]
    fn recipients_of_the_operator_win_and_must_be_recipients() {
        let home = tempfile::tempdir().unwrap();
        let layout = Layout::new(home.path().to_owned());
        files::private_dir(&layout.folder("helm")).unwrap();
        let [lasting, call] = [(); 2].map(|()| Identity::generate().to_public().to_string());
        fs::write(layout.folder("helm").join(RECIPIENTS_FILE), format!("# ours\n\n{lasting}\n")).unwrap();
        assert_eq!(recipients(&layout, &[]).unwrap().keys[0].to_string(), lasting);
        assert_eq!(recipients(&layout, std::slice::from_ref(&call)).unwrap().keys[0].to_string(), call);
        assert!(!identity_path(&layout).exists(), "nobody needs one");
        let error = recipients(&layout, &["age1nonsense".into()]).unwrap_err();
        assert!(error.to_string().contains("no age recipient"));
        assert!(identities(&layout, None).err().unwrap().to_string().contains("--identity"));
    }
}
