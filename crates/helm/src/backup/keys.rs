//! Who can open an archive: age's X25519 recipients and identities.

use std::{
    fs,
    io::{self, Read},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use age::{
    IdentityFile,
    secrecy::ExposeSecret,
    x25519::{Identity, Recipient},
};
use anyhow::{Context, Result, bail};

use super::inside::Inside;
use crate::{
    domain::backup::parts::IDENTITY_FILE,
    instance::{Layout, files},
};

/// Files with keys are short; what somebody laid in their place need not be.
const LONGEST: u64 = 64 << 10;
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
    recipients_path(layout).symlink_metadata().is_ok()
}

/// A file with keys in Helm's folder. The nightly backup runs under Helm's account and may read everything, so no link is
/// followed, not even one of that account, and no error repeats a line.
fn content(layout: &Layout, path: &Path) -> Result<Option<(String, fs::Metadata)>> {
    let read = || -> io::Result<Option<(Vec<u8>, fs::Metadata)>> {
        if path.symlink_metadata().is_err_and(|error| error.kind() == io::ErrorKind::NotFound) {
            return Ok(None);
        }
        let below = path.strip_prefix(layout.home()).map_err(io::Error::other)?;
        let content = Inside::open(layout.home())?.read(below, LONGEST)?;
        content.map(Some).ok_or_else(|| io::Error::other("it is no plain file"))
    };
    let Some((bytes, metadata)) = read().with_context(|| format!("cannot read {}", path.display()))? else {
        return Ok(None);
    };
    let text = String::from_utf8(bytes).ok().with_context(|| format!("{} is no text", path.display()))?;
    Ok(Some((text, metadata)))
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
        return Ok(Recipients { keys: parse("--recipient", given.iter().enumerate())?, made: None });
    }
    let lasting = recipients_path(layout);
    if let Some((text, _)) = content(layout, &lasting)? {
        let lines = text.lines().enumerate();
        let keys = parse("line", lines.filter(|(_, line)| is_meant(line)))
            .with_context(|| format!("in {}", lasting.display()))?;
        if keys.is_empty() {
            bail!("{} names no recipient", lasting.display());
        }
        return Ok(Recipients { keys, made: None });
    }
    let path = identity_path(layout);
    if let Some((text, _)) = content(layout, &path)? {
        let identity = text.lines().find(|line| is_meant(line)).and_then(|line| line.trim().parse().ok());
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

/// Whether a line is more than a comment.
fn is_meant(line: &str) -> bool {
    !line.trim().is_empty() && !line.trim().starts_with('#')
}

/// Recipients with their places, counted from 0.
fn parse<T: AsRef<str>>(what: &str, texts: impl Iterator<Item = (usize, T)>) -> Result<Vec<Recipient>> {
    let one = |(place, text): (usize, T)| {
        let parsed: Result<Recipient, _> = text.as_ref().trim().parse();
        parsed.map_err(|_| anyhow::anyhow!("{what} {} is no age recipient; it begins with age1", place + 1))
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
    let (path, content) = match given {
        // Whoever names a file may name a link.
        Some(path) => {
            (path.to_owned(), Some(open(path).with_context(|| format!("cannot read {}", path.display()))?))
        }
        None => (identity_path(layout), content(layout, &identity_path(layout))?),
    };
    let Some((text, metadata)) = content else {
        bail!("the key that opens the archive is not on this machine; name its file with --identity");
    };
    if metadata.permissions().mode() & 0o077 != 0 {
        bail!("others can read {}, which opens all archives: chmod 600 it", path.display());
    }
    // The error names the line's number, never the line.
    let parsed = IdentityFile::from_buffer(text.as_bytes())
        .with_context(|| format!("{} holds no identity", path.display()))?;
    let identities = parsed.into_identities().context("the identity cannot be used")?;
    if identities.is_empty() {
        bail!("{} holds no identity", path.display());
    }
    Ok(identities)
}

fn open(path: &Path) -> io::Result<(String, fs::Metadata)> {
    let file = fs::File::open(path)?;
    let (metadata, mut text) = (file.metadata()?, String::new());
    file.take(LONGEST).read_to_string(&mut text)?;
    Ok((text, metadata))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_line_of_another_file_comes_out_by_a_link_or_an_error() {
        let home = tempfile::tempdir().unwrap();
        let layout = Layout::new(home.path().join("instance"));
        files::private_dir(&layout.folder("helm")).unwrap();
        let shadow = home.path().join("shadow");
        fs::write(&shadow, "root:$y$secret:19000:0:99999:7:::\n").unwrap();
        fs::set_permissions(&shadow, fs::Permissions::from_mode(0o600)).unwrap();
        let told = || format!("{:#}", recipients(&layout, &[]).unwrap_err());
        for path in [recipients_path(&layout), identity_path(&layout)] {
            std::os::unix::fs::symlink(&shadow, &path).unwrap();
            assert!(told().contains("no plain file"), "{}", told());
            fs::remove_file(&path).unwrap();
            fs::copy(&shadow, &path).unwrap();
            assert!(!told().contains("secret"), "{}", told());
            fs::remove_file(&path).unwrap();
        }
        fs::write(recipients_path(&layout), "# ours\n\nroot:$y$secret\n").unwrap();
        assert!(told().contains("line 3"), "{}", told());
        fs::write(recipients_path(&layout), "x".repeat(100_000)).unwrap();
        assert!(told().contains("cannot read"), "{}", told());
        fs::remove_file(recipients_path(&layout)).unwrap();
        std::os::unix::fs::symlink("/nowhere", identity_path(&layout)).unwrap();
        assert!(told().contains("no plain file"), "no key is made over a link: {}", told());
        assert!(identities(&layout, None).is_err());
        let given = format!("{:#}", recipients(&layout, &["AGE-SECRET-KEY-1X".into()]).unwrap_err());
        assert!(given.contains("--recipient") && !given.contains("SECRET"), "{given}");
    }

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
        assert!(format!("{error:#}").contains("no age recipient"));
        assert!(identities(&layout, None).err().unwrap().to_string().contains("--identity"));
    }
}
