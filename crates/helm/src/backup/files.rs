//! The files of an instance as parts of an archive: each part a compressed tar with modes and owners.

use std::{
    fs,
    io::{self, Read, Write},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    time::Instant,
};

use anyhow::{Context, Result, anyhow};
use aws_lc_rs::digest;
use flate2::{Compression, write::GzEncoder};
use nix::unistd::{Gid, Group, Uid, User};

use super::{
    archive::{Writer, hex},
    scan::Root,
};
use crate::domain::backup::{
    manifest::{FileFacts, Part, State},
    parts::Kind,
};

/// Writes files as the part `name`, as long as there is time. As with databases, the inner error is the part's and the outer
/// one the archive's.
///
/// # Errors
/// When the archive cannot be written.
pub fn save(
    writer: &mut Writer,
    root: &Root,
    (name, kind): (&str, Kind),
    paths: &[PathBuf],
    until: Instant,
) -> Result<Result<Part>> {
    let mut tar = tar::Builder::new(GzEncoder::new(writer.part(name), Compression::default()));
    let mut saved = Ok(Vec::new());
    for path in paths {
        let Ok(facts) = &mut saved else { break };
        let opened = root.inside.file(path).with_context(|| format!("cannot read {}", path.display()));
        let (file, metadata) = match opened {
            Ok(Some(opened)) => opened,
            // It was removed or replaced since it was seen.
            Ok(None) => continue,
            Err(error) => {
                saved = Err(error);
                break;
            }
        };
        let path = root.prefix.join(path);
        let mut content = Hashing { until: Some(until), ..Hashing::new(file.take(metadata.len())) };
        append(&mut tar, &path, &mut content, &metadata).context("the archive cannot be written")?;
        match content.ended(metadata.len()) {
            Ok((bytes, sha256)) => facts.push(FileFacts {
                path: path.display().to_string(),
                mode: metadata.mode() & 0o7777,
                bytes,
                sha256,
            }),
            // What was written of it is no tar. A part that is missing is never read.
            Err(error) => saved = Err(error.context(format!("cannot read {}", path.display()))),
        }
    }
    let finish = || -> io::Result<_> { tar.into_inner()?.finish()?.finish() };
    let written = finish().context("the archive cannot be written")?;
    Ok(saved.map(|files| Part {
        reason: None,
        bytes: written.bytes,
        sha256: written.sha256,
        files,
        ..Part::absent(name, kind, State::Saved, "")
    }))
}

/// Takes the checksum of what passes.
pub(super) struct Hashing<R> {
    inner: R,
    digest: digest::Context,
    read: u64,
    /// When it has to be over.
    until: Option<Instant>,
    /// Why it ended before its end: an error of a file would else be taken for one of the archive.
    failed: Option<anyhow::Error>,
}

impl<R> Hashing<R> {
    pub(super) fn new(inner: R) -> Self {
        Self { inner, digest: digest::Context::new(&digest::SHA256), read: 0, until: None, failed: None }
    }

    /// How long it was, with its checksum in hex.
    ///
    /// # Errors
    /// When it could not be read to its end.
    pub(super) fn ended(self, expected: u64) -> Result<(u64, String)> {
        match self.failed {
            Some(error) => Err(error),
            None if self.read != expected => Err(anyhow!("it became shorter while it was read")),
            None => Ok((self.read, hex(self.digest.finish()))),
        }
    }
}

impl<R: Read> Read for Hashing<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.failed.is_some() {
            return Ok(0);
        }
        if self.until.is_some_and(|until| until <= Instant::now()) {
            self.failed = Some(anyhow!("there is no time left for it"));
            return Ok(0);
        }
        let read = match self.inner.read(buffer) {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => {
                self.failed = Some(error.into());
                return Ok(0);
            }
            read => read?,
        };
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
    let user = User::from_uid(Uid::from_raw(metadata.uid())).ok().flatten();
    let group = Group::from_gid(Gid::from_raw(metadata.gid())).ok().flatten();
    let owners = (user.map(|user| user.name), group.map(|group| group.name));
    tar.append_data(&mut header(metadata, owners), path, content)
}

fn header(metadata: &fs::Metadata, (user, group): (Option<String>, Option<String>)) -> tar::Header {
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(tar::EntryType::Regular);
    header.set_size(metadata.len());
    header.set_mode(metadata.mode() & 0o7777);
    header.set_mtime(u64::try_from(metadata.mtime()).unwrap_or(0));
    // A longer name has no room, and a file without one comes back as whoever's restores it.
    let _ = user.map(|user| header.set_username(&user));
    let _ = group.map(|group| header.set_groupname(&group));
    header
}

#[cfg(test)]
mod tests {
    use std::{os::unix::fs::PermissionsExt, time::Duration};

    use age::x25519::Identity;

    use super::*;
    use crate::{
        backup::{
            archive::{Sink, read as read_archive},
            scan::scan,
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

    fn later() -> Instant {
        Instant::now() + Duration::from_secs(3600)
    }

    fn writer(folder: &Path) -> Writer {
        let created_at = "2025-11-22T02:00:00Z".parse().unwrap();
        let header = Header { format: FORMAT, suite: "0.0.1".into(), created_at };
        Writer::create(folder, "a.tar.age", &[Identity::generate().to_public()], &header).unwrap()
    }

    #[test]
    fn a_file_without_an_end_takes_no_more_than_the_time_of_its_part() {
        let (home, out) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        put(home.path(), "codex/up/a", "x", 0o600);
        // A hole takes no room on the disk.
        let hole = fs::OpenOptions::new().write(true).open(home.path().join("codex/up/a")).unwrap();
        hole.set_len(8 << 40).unwrap();
        let mut writer = writer(out.path());
        let root = Root::home(home.path()).unwrap();
        let (part, paths) = (("files/codex", Kind::Files), [PathBuf::from("codex/up/a")]);
        let soon = Instant::now() + Duration::from_millis(200);
        let saved = save(&mut writer, &root, part, &paths, soon).unwrap();
        assert!(format!("{:#}", saved.unwrap_err()).contains("codex/up/a: there is no time left"));
        // The archive goes on.
        fs::write(home.path().join("codex/up/a"), "x").unwrap();
        assert!(save(&mut writer, &root, part, &paths, later()).unwrap().is_ok());
    }

    #[test]
    fn a_file_that_cannot_be_read_ends_its_part_and_not_the_archive() {
        struct BadSector(usize);
        impl Read for BadSector {
            fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
                let left = std::mem::take(&mut self.0).min(buffer.len());
                if left == 0 { Err(io::Error::from_raw_os_error(5)) } else { Ok(left) }
            }
        }
        let mut content = Hashing::new(BadSector(10));
        assert_eq!(io::copy(&mut content, &mut io::sink()).unwrap(), 10);
        assert!(content.ended(20).unwrap_err().to_string().contains("os error 5"));
    }

    #[test]
    fn an_account_with_a_long_name_ends_no_archive() {
        let home = tempfile::tempdir().unwrap();
        let metadata = fs::metadata(home.path()).unwrap();
        let name = |length: usize| Some("x".repeat(length));
        let header = header(&metadata, (name(40), name(32)));
        assert_eq!(header.username().unwrap(), Some(""));
        assert_eq!(header.groupname().unwrap().map(str::len), Some(32));
    }

    #[test]
    fn files_come_back_with_their_modes() {
        let home = tempfile::tempdir().unwrap();
        put(home.path(), "core/keys/jwt_private.pem", "private", 0o600);
        put(home.path(), "core/keys/jwt_public.pem", "public", 0o644);
        let root = Root::home(home.path()).unwrap();
        let keys = scan(&root).unwrap().parts.remove(&(Kind::Keys, "keys".into())).unwrap().files;
        assert_eq!(keys.len(), 2);

        let out = tempfile::tempdir().unwrap();
        let identity = Identity::generate();
        let created_at = "2025-11-22T02:00:00Z".parse().unwrap();
        let header = Header { format: FORMAT, suite: "0.0.1".into(), created_at };
        let mut writer = Writer::create(out.path(), "a.tar.age", &[identity.to_public()], &header).unwrap();
        let part = save(&mut writer, &root, ("keys", Kind::Keys), &keys, later()).unwrap().unwrap();
        let manifest = Manifest { header, finished_at: created_at, parts: vec![part.clone()] };
        let (path, _) = writer.finish(&manifest).unwrap();
        let mut content = Part1(Vec::new());
        read_archive(&path, &[Box::new(identity)], &mut content).unwrap();

        let [target, second, third] = [(); 3].map(|()| tempfile::tempdir().unwrap());
        assert_eq!(unpack(content.0.as_slice(), &part, target.path()).unwrap(), keys);
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
