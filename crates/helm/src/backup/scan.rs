//! What there is to be saved as files, by part: looked for by handles, so that no folder leads to what lies elsewhere.

use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context, Result};

use super::inside::{Inside, Lying};
use crate::{
    domain::backup::parts::{Kind, is_too_deep, outside, part_of},
    instance::beneath::Found as Looked,
};

/// Bytes of the list of one part in the manifest, of which all lists have to be short enough together: whoever fills a folder
/// with files must not make an archive that nobody can read, nor one without the files of the others.
const PER_PART: u64 = 128 << 20;
/// Bytes of a file in that list, beside its path.
const EACH: u64 = 200;

/// What is there to be saved as files.
#[derive(Debug, Default)]
pub struct Found {
    /// By kind and name.
    pub parts: BTreeMap<(Kind, String), Content>,
    /// Links in the place of files, which are not saved.
    pub links: Vec<PathBuf>,
}

/// The files of one part.
#[derive(Debug, Default)]
pub struct Content {
    /// Paths below the folder, in order.
    pub files: Vec<PathBuf>,
    /// How long they are together.
    pub bytes: u64,
    /// Why not all of them can be saved.
    pub unreadable: Option<String>,
    /// Bytes of its list.
    listed: u64,
}

/// A folder whose files are saved, and what stands before their paths in the archive.
#[derive(Debug, Clone)]
pub struct Root {
    pub(super) inside: Arc<Inside>,
    pub(super) prefix: PathBuf,
}

impl Root {
    /// The instance directory.
    ///
    /// # Errors
    /// When there is none.
    pub fn home(home: &Path) -> Result<Self> {
        let inside = Inside::open(home).with_context(|| format!("cannot read {}", home.display()))?;
        Ok(Self { inside: Arc::new(inside), prefix: PathBuf::new() })
    }

    /// The folder of a foreign service, which was looked at.
    ///
    /// # Errors
    /// When it is none.
    pub fn outside(service: &str, folder: Looked) -> Result<Self> {
        let inside = Inside::of(folder).with_context(|| format!("cannot read the folder of {service}"))?;
        Ok(Self { inside: Arc::new(inside), prefix: outside(service) })
    }

    /// The part of a file of it. What only looks like a path of the other sort is not saved.
    fn part_of(&self, path: &Path) -> Option<(Kind, String)> {
        let is_outside = !self.prefix.as_os_str().is_empty();
        part_of(&self.prefix.join(path)).filter(|(kind, _)| (*kind == Kind::Foreign) == is_outside)
    }
}

/// Everything of a folder that is saved as a file, by part; of the instance directory each kind has a part, also where no file
/// is in it. No link is followed, wherever it leads: whoever owns a folder could name any file of the machine.
///
/// # Errors
/// When the folder itself cannot be read.
pub fn scan(root: &Root) -> Result<Found> {
    let mut found = Found::default();
    if root.prefix.as_os_str().is_empty() {
        found.parts.extend(Kind::FILES.map(|kind| ((kind, kind.as_str().to_owned()), Content::default())));
    }
    let mut looking = Look { root, found, waiting: vec![PathBuf::new()] };
    while let Some(folder) = looking.waiting.pop() {
        match root.inside.folder(&folder, (PER_PART, EACH)) {
            Ok(entries) => entries.into_iter().for_each(|lying| looking.at(&folder, lying)),
            Err(error) if folder.as_os_str().is_empty() => {
                return Err(error).context("cannot read the folder");
            }
            Err(error) => looking.closed(&folder, &error),
        }
    }
    let mut found = looking.found;
    found.parts.retain(|(kind, name), content| {
        content.files.sort();
        name == kind.as_str() || !content.files.is_empty() || content.unreadable.is_some()
    });
    Ok(found)
}

/// A look at one folder after the other, and not one within the other: however deep they are, this takes no more memory.
struct Look<'a> {
    root: &'a Root,
    found: Found,
    waiting: Vec<PathBuf>,
}

impl Look<'_> {
    fn at(&mut self, folder: &Path, lying: Lying) {
        let path = folder.join(&lying.name);
        let (is_folder, is_link) = (lying.file_type.is_dir(), lying.file_type.is_symlink());
        // What is no text has its place as well, and cannot be listed.
        let text = PathBuf::from(path.to_string_lossy().into_owned());
        // A folder of which nothing is saved may belong to another account.
        let part = match self.root.part_of(&text) {
            _ if is_folder => self.root.part_of(&text.join("_")),
            // A folder of a foreign service may be a link.
            None if is_link => self.root.part_of(&text.join("_")).filter(|(kind, _)| *kind == Kind::Foreign),
            part => part,
        };
        let Some(part) = part else { return };
        let is_in_place_of_folder = is_link && self.root.part_of(&text).is_none();
        let content = self.found.parts.entry(part).or_default();
        content.listed += listed(&text);
        let wrong = match () {
            () if content.listed > PER_PART => Some("it has more files than an archive can list".to_owned()),
            () if is_in_place_of_folder => {
                Some(format!("{} is a link, which is not followed", text.display()))
            }
            () if is_link => None,
            () if path.to_str().is_none() => Some(format!("the name of {} is no text", text.display())),
            () if is_too_deep(&path) => Some(format!("{} is nested too deep", shortened(&text))),
            () => None,
        };
        if wrong.is_some() {
            content.unreadable = wrong;
        } else if is_folder {
            self.waiting.push(path);
        } else if is_link {
            self.found.links.push(path);
        } else if lying.file_type.is_file() {
            content.files.push(path);
            content.bytes = content.bytes.saturating_add(lying.bytes);
        }
    }

    /// A folder that cannot be looked into is missing in each part that it may have files of.
    fn closed(&mut self, folder: &Path, error: &io::Error) {
        for name in ["_", "_.conf", "keys/_", "certs/_", "secrets.json"] {
            if let Some(part) = self.root.part_of(&folder.join(name)) {
                let reason = format!("cannot read the folder {}: {error}", folder.display());
                self.found.parts.entry(part).or_default().unreadable = Some(reason);
            }
        }
    }
}

/// Bytes of a file in the list of its part.
fn listed(path: &Path) -> u64 {
    let text = serde_json::to_vec(path).map_or(path.as_os_str().len(), |text| text.len());
    text as u64 + EACH
}

/// The beginning of a path that may be very long.
fn shortened(path: &Path) -> String {
    let text = path.display().to_string();
    text.chars().take(100).chain("…".chars()).collect()
}

#[cfg(test)]
mod tests {
    use std::{ffi::OsStr, fs, os::unix::ffi::OsStrExt};

    use super::*;

    fn put(home: &Path, path: impl AsRef<Path>) {
        let path = home.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "x").unwrap();
    }

    fn found(home: &Path) -> Found {
        scan(&Root::home(home).unwrap()).unwrap()
    }

    impl Found {
        fn reason(&self, kind: Kind, part: &str) -> Option<&str> {
            self.parts[&(kind, part.to_owned())].unreadable.as_deref()
        }
    }

    #[test]
    fn each_part_has_its_files_and_links_lead_nowhere() {
        let home = tempfile::tempdir().unwrap();
        for path in
            ["core/keys/jwt_private.pem", "codex/codex.conf", "codex/up/a", "codex/up/b", "beacon/up/a"]
        {
            put(home.path(), path);
        }
        for path in ["codex/logs/codex.stderr.log", "postgres/data/PG_VERSION", "services.json"] {
            put(home.path(), path);
        }
        std::os::unix::fs::symlink("/etc/passwd", home.path().join("codex/x")).unwrap();
        std::os::unix::fs::symlink("/etc", home.path().join("codex/etc")).unwrap();
        let mut found = found(home.path());
        found.links.sort();
        assert_eq!(found.links, [PathBuf::from("codex/etc"), PathBuf::from("codex/x")]);
        let told: Vec<(&str, usize, u64)> = found
            .parts
            .iter()
            .map(|((_, name), content)| (name.as_str(), content.files.len(), content.bytes))
            .collect();
        assert_eq!(
            told,
            [
                ("configuration", 0, 0),
                ("configuration/codex", 1, 1),
                ("keys", 1, 1),
                ("secrets", 0, 0),
                ("certificates", 0, 0),
                ("files", 0, 0),
                ("files/beacon", 1, 1),
                ("files/codex", 2, 2),
            ]
        );
        assert!(found.parts.values().all(|content| content.unreadable.is_none()));
    }

    #[test]
    fn what_cannot_be_listed_is_named_and_spoils_no_other_part() {
        let home = tempfile::tempdir().unwrap();
        put(home.path(), "beacon/up/a");
        put(home.path(), Path::new("codex/up").join(OsStr::from_bytes(b"Angebot M\xfcller.pdf")));
        put(home.path(), Path::new("core/up").join(OsStr::from_bytes(b"M\xfcller")).join("a"));
        let found = found(home.path());
        let reason = found.reason(Kind::Files, "files/codex").unwrap();
        assert!(reason.contains("codex/up/Angebot M\u{fffd}ller.pdf is no text"), "{reason}");
        assert!(found.reason(Kind::Files, "files/core").unwrap().contains("no text"));
        assert_eq!(found.reason(Kind::Files, "files/beacon"), None);
    }

    #[test]
    fn folders_as_deep_as_anybody_likes_are_looked_at_and_named() {
        let home = tempfile::tempdir().unwrap();
        put(home.path(), "beacon/up/a");
        put(home.path(), "codex/up/a");
        // As a program makes them that steps into each.
        let mut here = fs::File::open(home.path().join("codex")).unwrap();
        let handle = |folder: &fs::File| {
            PathBuf::from(format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(folder)))
        };
        for _ in 0..3000 {
            fs::create_dir(handle(&here).join("d")).unwrap();
            here = fs::File::open(handle(&here).join("d")).unwrap();
        }
        let look = {
            let home = home.path().to_owned();
            // As small as the stack of a worker.
            std::thread::Builder::new().stack_size(256 << 10).spawn(move || found(&home)).unwrap()
        };
        let found = look.join().unwrap();
        let reason = found.reason(Kind::Files, "files/codex").unwrap();
        assert!(reason.contains("nested too deep") && reason.len() < 500, "{reason}");
        assert_eq!(found.reason(Kind::Files, "files/beacon"), None);
        // Whoever removes the temporary folder steps into one within the other.
        for _ in 0..3000 {
            here = fs::File::open(handle(&here).join("..")).unwrap();
            fs::remove_dir(handle(&here).join("d")).unwrap();
        }
    }

    #[test]
    fn a_service_with_more_files_than_can_be_listed_stops_no_other() {
        let home = tempfile::tempdir().unwrap();
        put(home.path(), "codex/up/a");
        let root = Root::home(home.path()).unwrap();
        let mut look = Look { root: &root, found: Found::default(), waiting: Vec::new() };
        let file_type = fs::metadata(home.path().join("codex/up/a")).unwrap().file_type();
        let lying = |name: &str| Lying { name: name.into(), file_type, bytes: 1 };
        // Signs of control take six bytes each.
        look.at(Path::new("codex/up"), lying(&"\u{1}".repeat(100)));
        assert_eq!(look.found.parts[&(Kind::Files, "files/codex".into())].listed, 600 + 9 + 2 + EACH);
        look.found.parts.entry((Kind::Files, "files/codex".into())).or_default().listed = PER_PART - 10;
        look.at(Path::new("codex/up"), lying("b"));
        look.at(Path::new("beacon/up"), lying("b"));
        let reason = look.found.reason(Kind::Files, "files/codex").unwrap();
        assert!(reason.contains("more files than an archive can list"), "{reason}");
        assert_eq!(look.found.reason(Kind::Files, "files/beacon"), None);
    }

    #[test]
    fn a_folder_that_was_looked_at_is_the_one_that_is_saved() {
        let folder = tempfile::tempdir().unwrap();
        let (theirs, other) = (folder.path().join("hivematrix-zoo"), folder.path().join("other"));
        put(&theirs, "instance/zoo.conf");
        put(&other, "instance/secret.conf");
        let root = Root::outside("zoo", Looked::at(&theirs).unwrap()).unwrap();
        fs::rename(&theirs, folder.path().join("away")).unwrap();
        std::os::unix::fs::symlink(&other, &theirs).unwrap();
        let found = scan(&root).unwrap();
        let files = &found.parts[&(Kind::Foreign, "foreign/zoo".into())].files;
        assert_eq!(files[..], [PathBuf::from("instance/zoo.conf")]);
        assert!(root.inside.file(Path::new("instance/zoo.conf")).unwrap().is_some());
    }
}
