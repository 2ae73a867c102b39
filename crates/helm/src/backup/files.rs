//! The files of an instance as parts of an archive: each part a compressed tar with modes and owners.

use std::{
    collections::BTreeMap,
    fs,
    io::{self, Read, Write},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, anyhow};
use aws_lc_rs::digest;
use flate2::{Compression, write::GzEncoder};
use nix::unistd::{Gid, Group, Uid, User};

use super::{
    archive::{Writer, hex},
    inside::Inside,
};
use crate::domain::backup::{
    manifest::{FileFacts, Part, State},
    parts::{Kind, kind_of, outside},
};

/// What is there to be saved as files.
#[derive(Debug, Default)]
pub struct Found {
    /// Paths below the instance directory, in order.
    pub files: BTreeMap<Kind, Vec<PathBuf>>,
    /// Kinds of which a folder cannot be looked into, and why.
    pub unreadable: BTreeMap<Kind, String>,
    /// Links in the place of files, which are not saved.
    pub links: Vec<PathBuf>,
}

impl Found {
    /// What there is of one kind, taken out.
    pub fn take(&mut self, kind: Kind) -> Self {
        let mut taken = Self::default();
        taken.files.extend(self.files.remove_entry(&kind));
        taken.unreadable.extend(self.unreadable.remove_entry(&kind));
        taken
    }
}

/// Everything below the instance directory that is saved as a file, by kind. No link is followed, wherever it leads: whoever
/// owns a folder could name any file of the machine.
///
/// # Errors
/// When the instance directory itself cannot be read.
pub fn scan(home: &Path) -> Result<Found> {
    scan_root(&Root::home(home))
}

/// As [`scan`], of a folder that lies outside of the instance directory.
///
/// # Errors
/// When it cannot be read.
pub fn scan_root(root: &Root) -> Result<Found> {
    let mut found = Found::default();
    let walked = Inside::open(&root.folder).and_then(|inside| walk(&inside, root, Path::new(""), &mut found));
    walked.with_context(|| format!("cannot read {}", root.folder.display()))?;
    Ok(found)
}

/// A folder whose files are saved, and what stands before their paths in the archive.
#[derive(Debug, Clone)]
pub struct Root {
    folder: PathBuf,
    prefix: PathBuf,
}

impl Root {
    /// The instance directory.
    #[must_use]
    pub fn home(home: &Path) -> Self {
        Self { folder: home.to_owned(), prefix: PathBuf::new() }
    }

    /// The folder of a foreign service.
    #[must_use]
    pub fn outside(service: &str, folder: &Path) -> Self {
        Self { folder: folder.to_owned(), prefix: outside(service) }
    }

    /// The kind of a file of it. What only looks like a path of the other sort is not saved.
    fn kind_of(&self, path: &Path) -> Option<Kind> {
        let is_outside = !self.prefix.as_os_str().is_empty();
        kind_of(&self.prefix.join(path)).filter(|kind| (*kind == Kind::Foreign) == is_outside)
    }
}

fn walk(inside: &Inside, root: &Root, below: &Path, found: &mut Found) -> io::Result<()> {
    for (path, file_type) in inside.folder(below)? {
        if file_type.is_dir() {
            // A folder of which nothing is saved may belong to another account.
            let Some(kind) = root.kind_of(&path.join("_")) else { continue };
            if let Err(error) = walk(inside, root, &path, found) {
                found.unreadable.insert(kind, format!("cannot read the folder {}: {error}", path.display()));
            }
        } else if let Some(kind) = root.kind_of(&path) {
            if file_type.is_file() {
                found.files.entry(kind).or_default().push(path);
            } else if file_type.is_symlink() {
                found.links.push(path);
            }
        } else if file_type.is_symlink()
            && let Some(kind) = root.kind_of(&path.join("_")).filter(|kind| *kind == Kind::Foreign)
        {
            found.unreadable.insert(kind, format!("{} is a link, which is not followed", path.display()));
        }
    }
    Ok(())
}

/// Writes files as the part `name`. As with databases, the inner error is the part's and the outer one the archive's.
///
/// # Errors
/// When the archive cannot be written.
pub fn save(
    writer: &mut Writer,
    root: &Root,
    (name, kind): (&str, Kind),
    paths: &[PathBuf],
) -> Result<Result<Part>> {
    let opened = Inside::open(&root.folder);
    let inside = match opened.with_context(|| format!("cannot read {}", root.folder.display())) {
        Ok(inside) => inside,
        Err(error) => return Ok(Err(error)),
    };
    let part = writer.part(name);
    let mut tar = tar::Builder::new(GzEncoder::new(part, Compression::default()));
    let mut facts = Vec::new();
    let mut failed = None;
    for path in paths {
        match inside.file(path).with_context(|| format!("cannot read {}", path.display())) {
            Ok(Some((file, metadata))) => {
                let path = root.prefix.join(path);
                let mut content = Hashing::new(file.take(metadata.len()));
                append(&mut tar, &path, &mut content, &metadata).context("the archive cannot be written")?;
                if content.read != metadata.len() {
                    failed = Some(anyhow!("{} became shorter while it was read", path.display()));
                }
                facts.push(FileFacts {
                    path: path.display().to_string(),
                    mode: metadata.mode() & 0o7777,
                    bytes: content.read,
                    sha256: hex(content.digest.finish()),
                });
            }
            // It was removed or replaced since it was seen.
            Ok(None) => {}
            Err(error) => failed = Some(error),
        }
    }
    let finish = || -> io::Result<_> { tar.into_inner()?.finish()?.finish() };
    let written = finish().context("the archive cannot be written")?;
    if let Some(error) = failed {
        return Ok(Err(error));
    }
    Ok(Ok(Part {
        reason: None,
        bytes: written.bytes,
        sha256: written.sha256,
        files: facts,
        ..Part::absent(name, kind, State::Saved, "")
    }))
}

/// Takes the checksum of what passes.
pub(super) struct Hashing<R> {
    inner: R,
    /// Of what has passed.
    pub(super) digest: digest::Context,
    read: u64,
}

impl<R> Hashing<R> {
    pub(super) fn new(inner: R) -> Self {
        Self { inner, digest: digest::Context::new(&digest::SHA256), read: 0 }
    }
}

impl<R: Read> Read for Hashing<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.digest.update(&buffer[..read]);
        self.read += read as u64;
        Ok(read)
    }
}

fn append<W: Write>(
    tar: &mut tar::Builder<W>,
    path: &Path,
    content: impl Read,
    metadata: &fs::Metadata,
) -> io::Result<()> {
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(tar::EntryType::Regular);
    header.set_size(metadata.len());
    header.set_mode(metadata.mode() & 0o7777);
    header.set_mtime(u64::try_from(metadata.mtime()).unwrap_or(0));
    if let Ok(Some(user)) = User::from_uid(Uid::from_raw(metadata.uid())) {
        header.set_username(&user.name)?;
    }
    if let Ok(Some(group)) = Group::from_gid(Gid::from_raw(metadata.gid())) {
        header.set_groupname(&group.name)?;
    }
    tar.append_data(&mut header, path, content)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use age::x25519::Identity;

    use super::*;
    use crate::{
        backup::{
            archive::{Sink, read as read_archive},
            unpack::unpack,
        },
        domain::backup::manifest::{FORMAT, Header, Manifest},
    };

    struct Part1(Vec<u8>);

    impl Sink for Part1 {
        fn data(&mut self, _: &str, bytes: &[u8]) -> Result<()> {
            self.0.extend_from_slice(bytes);
            Ok(())
        }

        fn end(&mut self, _: &str) -> Result<()> {
            Ok(())
        }
    }

    fn put(home: &Path, path: &str, content: &str, mode: u32) {
        let path = home.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn files_come_back_with_their_modes() {
        let home = tempfile::tempdir().unwrap();
        put(home.path(), "core/keys/jwt_private.pem", "private", 0o600);
        put(home.path(), "core/keys/jwt_public.pem", "public", 0o644);
        put(home.path(), "codex/codex.conf", "[x]", 0o600);
        put(home.path(), "codex/logs/codex.stderr.log", "line", 0o600);
        put(home.path(), "postgres/data/PG_VERSION", "15", 0o600);
        let link = |path: &str, to: &str| std::os::unix::fs::symlink(to, home.path().join(path)).unwrap();
        link("codex/x", "/etc/passwd");
        link("codex/etc", "/etc");
        let Found { files: found, links, .. } = scan(home.path()).unwrap();
        assert_eq!(links, [PathBuf::from("codex/etc"), PathBuf::from("codex/x")]);
        assert_eq!(found[&Kind::Keys].len(), 2);
        assert_eq!(found[&Kind::Configuration], [PathBuf::from("codex/codex.conf")]);
        assert_eq!(found.values().flatten().count(), 3);

        let out = tempfile::tempdir().unwrap();
        let identity = Identity::generate();
        let created_at = "2025-11-22T02:00:00Z".parse().unwrap();
        let header = Header { format: FORMAT, suite: "0.0.1".into(), created_at };
        let mut writer = Writer::create(out.path(), "a.tar.age", &[identity.to_public()], &header).unwrap();
        let part = save(&mut writer, &Root::home(home.path()), ("keys", Kind::Keys), &found[&Kind::Keys])
            .unwrap()
            .unwrap();
        let manifest = Manifest { header, finished_at: created_at, parts: vec![part.clone()] };
        let (path, _) = writer.finish(&manifest).unwrap();
        let mut content = Part1(Vec::new());
        read_archive(&path, &[Box::new(identity)], &mut content).unwrap();

        let [target, second, third] = [(); 3].map(|()| tempfile::tempdir().unwrap());
        assert_eq!(unpack(content.0.as_slice(), &part, target.path()).unwrap(), found[&Kind::Keys]);
        for (name, text, mode) in [("jwt_private.pem", "private", 0o600), ("jwt_public.pem", "public", 0o644)]
        {
            let path = target.path().join("core/keys").join(name);
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, mode);
        }
        let mut other = part.clone();
        other.files[0].sha256 = "0".repeat(64);
        assert!(
            unpack(content.0.as_slice(), &other, second.path()).unwrap_err().to_string().contains("damaged")
        );
        let other = Part { files: vec![part.files[0].clone()], ..part };
        let error = unpack(content.0.as_slice(), &other, third.path()).unwrap_err().to_string();
        assert!(error.contains("unexpected file core/keys/jwt_public.pem"), "{error}");
    }
}
