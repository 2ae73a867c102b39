//! A build: a folder with `helm`, the programs of the services, and the file `VERSION`.

use std::{
    fs,
    io::Read,
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use aws_lc_rs::digest::{Context as Digest, SHA256};

/// Says which version a folder holds.
pub const VERSION: &str = "VERSION";

/// The programs of a build.
#[derive(Debug, Clone)]
pub struct Build {
    /// Where they lie.
    pub folder: PathBuf,
    /// Their names, sorted.
    pub programs: Vec<String>,
}

impl Build {
    /// Looks at a folder.
    ///
    /// # Errors
    /// When it holds no build.
    pub fn of(folder: &Path) -> Result<Self> {
        let entries = fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
        let mut programs: Vec<String> = entries
            .flatten()
            .filter(|entry| fs::metadata(entry.path()).is_ok_and(|m| m.is_file() && m.mode() & 0o111 != 0))
            .filter_map(|entry| entry.file_name().into_string().ok())
            .filter(|name| is_program(name))
            .collect();
        programs.sort();
        if !programs.iter().any(|name| name == "helm") {
            bail!("{} holds no build of the suite: the program helm is missing", folder.display());
        }
        Ok(Self { folder: folder.to_owned(), programs })
    }

    /// What the file `VERSION` says, if there is one.
    #[must_use]
    pub fn version(&self) -> Option<String> {
        let text = fs::read_to_string(self.folder.join(VERSION)).ok()?;
        text.lines().next().map(|line| line.trim().to_owned()).filter(|line| !line.is_empty())
    }

    /// Stands for all its programs: two builds with the same fingerprint are the same.
    ///
    /// # Errors
    /// When a program cannot be read.
    pub fn fingerprint(&self) -> Result<String> {
        let mut all = Digest::new(&SHA256);
        for name in &self.programs {
            all.update(name.as_bytes());
            all.update(&digest(&self.folder.join(name))?);
        }
        Ok(all.finish().as_ref().iter().take(16).map(|byte| format!("{byte:02x}")).collect())
    }
}

/// Where an update keeps the programs that a folder held before it.
#[must_use]
pub fn previous(programs: &Path) -> PathBuf {
    let mut name = programs.file_name().unwrap_or_default().to_os_string();
    name.push(".previous");
    programs.with_file_name(name)
}

/// `helm` and `hivematrix-<name>`; what a compiler leaves beside them has a dot.
#[must_use]
pub fn is_program(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_';
    name == "helm" || (name.starts_with("hivematrix-") && name.chars().all(plain))
}

fn digest(path: &Path) -> Result<Vec<u8>> {
    let mut file = fs::File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
    let mut context = Digest::new(&SHA256);
    let mut chunk = vec![0; 1 << 16];
    loop {
        let read = file.read(&mut chunk)?;
        if read == 0 {
            return Ok(context.finish().as_ref().to_vec());
        }
        context.update(&chunk[..read]);
    }
}

/// Whether two program files are the same, byte for byte.
///
/// # Errors
/// When one cannot be read.
pub fn same(left: &Path, right: &Path) -> Result<bool> {
    let (Ok(a), Ok(b)) = (fs::metadata(left), fs::metadata(right)) else { return Ok(false) };
    Ok(a.len() == b.len() && digest(left)? == digest(right)?)
}

/// Copies a program so that it is there whole or not at all, and on the disk.
///
/// # Errors
/// When it cannot be read or written.
pub fn copy_program(from: &Path, to: &Path) -> Result<()> {
    let temporary = to.with_file_name(format!(
        ".{}.new.{}",
        to.file_name().unwrap_or_default().to_string_lossy(),
        std::process::id()
    ));
    let copied = (|| {
        fs::copy(from, &temporary)?;
        fs::set_permissions(&temporary, fs::Permissions::from_mode(0o755))?;
        fs::File::open(&temporary)?.sync_all()?;
        fs::rename(&temporary, to)
    })();
    if copied.is_err() {
        let _ = fs::remove_file(&temporary);
    }
    copied.with_context(|| format!("cannot copy {} to {}", from.display(), to.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn program(folder: &Path, name: &str, text: &str, mode: u32) {
        fs::write(folder.join(name), text).unwrap();
        fs::set_permissions(folder.join(name), fs::Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn a_build_is_its_programs_and_nothing_beside_them() {
        let folder = tempfile::tempdir().unwrap();
        assert!(Build::of(folder.path()).unwrap_err().to_string().contains("helm is missing"));
        program(folder.path(), "helm", "h", 0o755);
        program(folder.path(), "hivematrix-core", "c", 0o755);
        program(folder.path(), "hivematrix-core.d", "x", 0o755);
        program(folder.path(), "hivematrix-codex", "not to be run", 0o644);
        program(folder.path(), VERSION, "2025.11.22-abc\n", 0o644);
        let build = Build::of(folder.path()).unwrap();
        assert_eq!(build.programs, ["helm", "hivematrix-core"]);
        assert_eq!(build.version().as_deref(), Some("2025.11.22-abc"));
    }

    #[test]
    fn the_fingerprint_follows_the_content() {
        let (a, b) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        program(a.path(), "helm", "one", 0o755);
        copy_program(&a.path().join("helm"), &b.path().join("helm")).unwrap();
        let print = |folder: &Path| Build::of(folder).unwrap().fingerprint().unwrap();
        assert_eq!(print(a.path()), print(b.path()));
        assert!(same(&a.path().join("helm"), &b.path().join("helm")).unwrap());
        program(b.path(), "helm", "two", 0o755);
        assert_ne!(print(a.path()), print(b.path()));
        assert!(!same(&a.path().join("helm"), &b.path().join("helm")).unwrap());
    }
}
