//! Files out of a part of an archive, each compared with the manifest.

use std::{
    collections::HashMap,
    fs::{OpenOptions, Permissions},
    io::{self, Read},
    os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, fchown},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use nix::{
    sys::statvfs::statvfs,
    unistd::{Group, User, geteuid},
};

use super::files::Hashing;
use crate::{
    domain::backup::{
        bytes_text,
        manifest::{FileFacts, Part},
        parts::Kind,
    },
    instance::{
        beneath::{Entry, Found},
        files::private_dir,
    },
};

/// One file of an archive while it is read.
type Packed<'a, R> = tar::Entry<'a, io::Take<flate2::read::GzDecoder<R>>>;

/// Unpacks a part of files into `folder`, which is private, and names them; every file is compared with the manifest. What a
/// foreign service keeps belongs to nobody yet: names of accounts mean something else on another machine.
///
/// # Errors
/// When the part holds what the manifest does not name, more of it than that says or than the disk has room for, or something
/// else went wrong.
pub fn unpack(content: impl Read, part: &Part, folder: &Path) -> Result<Vec<PathBuf>> {
    private_dir(folder)?;
    if Found::folder(folder)?.metadata()?.uid() != geteuid().as_raw() {
        bail!("{} belongs to another account", folder.display());
    }
    room_for(part, folder)?;
    read(content, part, |entry, facts| {
        let target = folder.join(&facts.path);
        let failed = || format!("cannot write {}", target.display());
        private_dir(target.parent().unwrap_or(folder))?;
        let mut options = OpenOptions::new();
        options.write(true).create_new(true).mode(0o600);
        // By the handle from here on: a file of that name may be another one in the next moment.
        let mut file = Entry::at(&target).and_then(|target| options.open(target)).with_context(failed)?;
        let mut content = Hashing::new(&mut *entry);
        io::copy(&mut content, &mut file).with_context(failed)?;
        compare(content, facts)?;
        file.sync_all().with_context(failed)?;
        if geteuid().is_root() && part.kind != Kind::Foreign {
            let (user, group) = former_owner(entry.header());
            fchown(&file, user, group).with_context(failed)?;
        }
        file.set_permissions(Permissions::from_mode(facts.mode & 0o777)).with_context(failed)
    })
}

/// As [`unpack`], and nothing is written: the files of a test restore are compared on their way and never on a disk.
///
/// # Errors
/// As there.
pub fn look(content: impl Read, part: &Part) -> Result<Vec<PathBuf>> {
    read(content, part, |entry, facts| {
        let mut content = Hashing::new(entry);
        io::copy(&mut content, &mut io::sink())?;
        compare(content, facts)
    })
}

fn compare<R>(content: Hashing<R>, facts: &FileFacts) -> Result<()> {
    match content.ended(facts.bytes) {
        Ok((_, sha256)) if sha256 == facts.sha256 => Ok(()),
        _ => bail!("the file {} of the archive is damaged", facts.path),
    }
}

fn read<R: Read>(
    content: R,
    part: &Part,
    mut take: impl FnMut(&mut Packed<'_, R>, &FileFacts) -> Result<()>,
) -> Result<Vec<PathBuf>> {
    let plain = flate2::read::GzDecoder::new(content).take(longest(part));
    let mut tar = tar::Archive::new(plain);
    let mut expected: HashMap<&Path, &FileFacts> =
        part.files.iter().map(|facts| (Path::new(&facts.path), facts)).collect();
    let mut taken = Vec::new();
    for entry in tar.entries().context("the files are damaged")? {
        let mut entry = entry.context("the files are damaged")?;
        let path = entry.path().context("the files are damaged")?.into_owned();
        // What is no path of this part below the instance directory is never written, nor anything twice.
        let Some(facts) = expected.remove(path.as_path()).filter(|_| part.holds(&path)) else {
            bail!("the archive holds the unexpected file {}", path.display());
        };
        if entry.size() != facts.bytes {
            bail!("the file {} of the archive is damaged", facts.path);
        }
        take(&mut entry, facts)?;
        taken.push(PathBuf::from(&facts.path));
    }
    if taken.len() != part.files.len() {
        bail!("{} of {} files of {} are in the archive", taken.len(), part.files.len(), part.name);
    }
    Ok(taken)
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

/// Whose it was, as far as these accounts exist here.
fn former_owner(header: &tar::Header) -> (Option<u32>, Option<u32>) {
    let user = header.username().ok().flatten().and_then(|name| User::from_name(name).ok().flatten());
    let group = header.groupname().ok().flatten().and_then(|name| Group::from_name(name).ok().flatten());
    (user.map(|user| user.uid.as_raw()), group.map(|group| group.gid.as_raw()))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use aws_lc_rs::digest;
    use flate2::{Compression, write::GzEncoder};

    use super::*;
    use crate::{backup::archive::hex, domain::backup::manifest::State};

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

    /// A part of these files, whose content is their own path.
    fn part_of(name: &str, kind: Kind, paths: &[String]) -> (Vec<u8>, Part) {
        let mut tar = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
        let mut files = Vec::new();
        for path in paths {
            let mut header = tar::Header::new_gnu();
            header.set_entry_type(tar::EntryType::Regular);
            header.set_size(path.len() as u64);
            header.set_username("nobody").unwrap();
            tar.append_data(&mut header, path, path.as_bytes()).unwrap();
            let sha256 = hex(digest::digest(&digest::SHA256, path.as_bytes()));
            files.push(FileFacts { path: path.clone(), mode: 0o640, bytes: path.len() as u64, sha256 });
        }
        let packed = tar.into_inner().unwrap().finish().unwrap();
        (packed, Part { files, ..Part::absent(name, kind, State::Saved, "") })
    }

    #[test]
    fn a_look_finds_what_unpacking_would_and_writes_nothing() {
        let (packed, part) = part_of("files/codex", Kind::Files, &["codex/up/a".into(), "codex/up/b".into()]);
        assert_eq!(look(packed.as_slice(), &part).unwrap().len(), 2);
        let mut other = part.clone();
        other.files[1].sha256 = "0".repeat(64);
        assert!(look(packed.as_slice(), &other).unwrap_err().to_string().contains("codex/up/b"));
        let other = Part { files: part.files[..1].to_vec(), ..part.clone() };
        assert!(look(packed.as_slice(), &other).unwrap_err().to_string().contains("unexpected file"));
        assert!(look(&packed[..packed.len() / 2], &part).is_err());
    }

    #[test]
    #[ignore = "needs root"]
    fn a_foreign_service_s_file_is_not_given_to_whoever_has_a_name_here_and_links_lead_nowhere() {
        let folder = tempfile::tempdir().unwrap();
        let owner = |path: &Path| fs::symlink_metadata(path).unwrap().uid();
        let (packed, part) = part_of("foreign/zoo", Kind::Foreign, &["@zoo/keys/a.pem".into()]);
        unpack(packed.as_slice(), &part, &folder.path().join("files")).unwrap();
        assert_eq!(owner(&folder.path().join("files/@zoo/keys/a.pem")), 0);
        let (packed, part) = part_of("files/codex", Kind::Files, &["codex/up/a".into()]);
        unpack(packed.as_slice(), &part, &folder.path().join("files")).unwrap();
        assert_eq!(owner(&folder.path().join("files/codex/up/a")), 65_534);

        // Who has the folder could lay links in it, or another folder in its place.
        let (theirs, etc) = (folder.path().join("theirs"), folder.path().join("etc"));
        fs::create_dir_all(theirs.join("codex")).unwrap();
        fs::create_dir(&etc).unwrap();
        std::os::unix::fs::chown(&theirs, Some(65_534), None).unwrap();
        let refused = unpack(packed.as_slice(), &part, &theirs).unwrap_err().to_string();
        assert!(refused.contains("belongs to another account"), "{refused}");
        std::os::unix::fs::chown(&theirs, Some(0), None).unwrap();
        std::os::unix::fs::symlink(&etc, theirs.join("codex/up")).unwrap();
        std::os::unix::fs::lchown(theirs.join("codex/up"), Some(65_534), None).unwrap();
        assert!(unpack(packed.as_slice(), &part, &theirs).is_err());
        assert_eq!(fs::read_dir(&etc).unwrap().count(), 0);
    }
}
