//! Files out of a part of an archive, each compared with the manifest.

use std::{
    fs::{self, OpenOptions},
    io::{self, Read},
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use nix::{
    sys::statvfs::statvfs,
    unistd::{Group, Uid, User},
};

use super::{archive::hex, files::Hashing};
use crate::{
    domain::backup::{
        bytes_text,
        manifest::{FileFacts, Part},
        parts::kind_of,
    },
    instance::files::private_dir,
};

/// Unpacks a part of files into `folder`, which is private, and names them; every file is compared with the manifest.
///
/// # Errors
/// When the part holds what the manifest does not name, more of it than that says or than the disk has room for, or something
/// else went wrong.
pub fn unpack(content: impl Read, part: &Part, folder: &Path) -> Result<Vec<PathBuf>> {
    private_dir(folder)?;
    room_for(part, folder)?;
    let plain = flate2::read::GzDecoder::new(content).take(longest(part));
    let mut tar = tar::Archive::new(plain);
    let mut unpacked = Vec::new();
    for entry in tar.entries().context("the files are damaged")? {
        let mut entry = entry.context("the files are damaged")?;
        let path = entry.path().context("the files are damaged")?.into_owned();
        let name = path.display().to_string();
        let facts = part.files.iter().find(|facts| facts.path == name);
        // What is no path of this kind below the instance directory is never written.
        let (Some(facts), Some(true)) = (facts, kind_of(&path).map(|kind| kind == part.kind)) else {
            bail!("the archive holds the unexpected file {name}");
        };
        if entry.size() != facts.bytes {
            bail!("the file {name} of the archive is damaged");
        }
        let target = folder.join(&path);
        private_dir(target.parent().unwrap_or(folder))?;
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&target)
            .with_context(|| format!("cannot write {}", target.display()))?;
        let mut content = Hashing::new(&mut entry);
        io::copy(&mut content, &mut file).with_context(|| format!("cannot write {}", target.display()))?;
        if hex(content.digest.finish()) != facts.sha256 {
            bail!("the file {name} of the archive is damaged");
        }
        file.sync_all()?;
        give_back(&entry, &target)?;
        fs::set_permissions(&target, fs::Permissions::from_mode(facts.mode & 0o777))?;
        unpacked.push(path);
    }
    if unpacked.len() != part.files.len() {
        bail!("{} of {} files of {} are in the archive", unpacked.len(), part.files.len(), part.name);
    }
    Ok(unpacked)
}

/// Size of a block of a tar.
const BLOCK: u64 = 512;

/// Bytes of a tar with the files of a part, at most: a few bytes of gzip can become as many as one likes.
fn longest(part: &Part) -> u64 {
    let blocks = |bytes: u64| bytes.div_ceil(BLOCK);
    let one = |file: &FileFacts| {
        // A header; for a long name another one and the name; the content.
        blocks(file.bytes).saturating_add(blocks(file.path.len() as u64 + 1)).saturating_add(2)
    };
    let end = 2;
    part.files.iter().map(one).fold(end, u64::saturating_add).saturating_mul(BLOCK)
}

/// Says before anything is written that there is no room for it.
fn room_for(part: &Part, folder: &Path) -> Result<()> {
    let needed = part.files.iter().map(|file| file.bytes).fold(0, u64::saturating_add);
    let disk = statvfs(folder).with_context(|| format!("cannot look at {}", folder.display()))?;
    let free = disk.blocks_available().saturating_mul(disk.fragment_size());
    if needed > free {
        bail!(
            "its part {} takes {}, and {} has room for {}",
            part.name,
            bytes_text(needed),
            folder.display(),
            bytes_text(free)
        );
    }
    Ok(())
}

/// The former owner, where this process may give files away and the account exists here.
fn give_back<R: Read>(entry: &tar::Entry<'_, R>, target: &Path) -> Result<()> {
    if !Uid::effective().is_root() {
        return Ok(());
    }
    let user = entry.header().username().ok().flatten().and_then(|name| User::from_name(name).ok().flatten());
    let group =
        entry.header().groupname().ok().flatten().and_then(|name| Group::from_name(name).ok().flatten());
    nix::unistd::chown(target, user.map(|user| user.uid), group.map(|group| group.gid))
        .with_context(|| format!("cannot give {} to its owner", target.display()))
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::digest;
    use flate2::{Compression, write::GzEncoder};

    use super::*;
    use crate::domain::backup::{manifest::State, parts::Kind};

    /// A gzip of a tar of one file, as somebody else would make it.
    fn packed(path: &str, content: &[u8]) -> Vec<u8> {
        let mut tar = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::default()));
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(tar::EntryType::Regular);
        header.set_size(content.len() as u64);
        tar.append_data(&mut header, path, content).unwrap();
        tar.into_inner().unwrap().finish().unwrap()
    }

    #[test]
    fn no_more_is_unpacked_than_the_manifest_says_and_the_disk_takes() {
        let content = vec![0; 20 << 20];
        let file = |path: &str, bytes: u64| FileFacts {
            path: path.into(),
            mode: 0o600,
            bytes,
            sha256: hex(digest::digest(&digest::SHA256, &content)),
        };
        let part = |file: FileFacts| Part {
            files: vec![file],
            ..Part::absent("files", Kind::Files, State::Saved, "")
        };
        let long = format!("codex/up/{}", "a/".repeat(400));
        let path = format!("{long}x");
        let bomb = packed(&path, &content);
        assert!(bomb.len() < content.len() / 100);
        let table = [
            (file(&path, 20 << 20), None),
            (file(&path, 1 << 10), Some("damaged")),
            (file("codex/up/a", 20 << 20), Some("unexpected file")),
            (file(&path, u64::MAX), Some("has room for")),
        ];
        for (facts, refused) in table {
            let folder = tempfile::tempdir().unwrap();
            let outcome = unpack(bomb.as_slice(), &part(facts), folder.path());
            let told = outcome.as_ref().err().map(|error| format!("{error:#}"));
            match refused {
                None => assert_eq!(outcome.unwrap(), [PathBuf::from(&path)]),
                Some(words) => {
                    assert!(told.as_ref().is_some_and(|told| told.contains(words)), "{words}: {told:?}");
                    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "{words}");
                }
            }
        }
        // A name takes memory before anybody can look at it.
        let name = format!("codex/{}", "n/".repeat(4 << 20));
        let limit = longest(&part(file("codex/up/a", 10)));
        assert!(limit < 4096, "{limit}");
        let folder = tempfile::tempdir().unwrap();
        let outcome = unpack(packed(&name, b"x").as_slice(), &part(file("codex/up/a", 1)), folder.path());
        assert!(outcome.unwrap_err().to_string().contains("damaged"));
    }
}
