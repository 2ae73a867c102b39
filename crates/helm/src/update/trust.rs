//! Whose a build is that root is about to run: who can change one file of it has root with the next update.

use std::{
    fs::{self, Metadata},
    os::unix::fs::MetadataExt,
    path::Path,
};

use anyhow::{Context, Result, bail};
use nix::unistd::{Gid, Uid};

/// Lets a folder be written by everybody and each file in it changed by its owner alone (`/tmp`).
const STICKY: u32 = 0o1000;

/// Who may change what root runs: root, and whoever became root to run it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trusted {
    users: Vec<u32>,
    groups: Vec<u32>,
}

impl Trusted {
    /// Of this call.
    #[must_use]
    pub fn here() -> Self {
        let sudo = |name: &str| std::env::var(name).ok().and_then(|id| id.parse().ok());
        Self {
            users: [Some(Uid::effective().as_raw()), sudo("SUDO_UID")].into_iter().flatten().collect(),
            groups: [Some(Gid::effective().as_raw()), sudo("SUDO_GID")].into_iter().flatten().collect(),
        }
    }

    /// Makes sure that nobody else can change what lies at `path`, in it, or on the way to it.
    ///
    /// # Errors
    /// When somebody can, with the place.
    pub fn alone_change(&self, path: &Path) -> Result<()> {
        let path = fs::canonicalize(path).with_context(|| format!("cannot find {}", path.display()))?;
        for place in path.ancestors() {
            self.check(place)?;
        }
        if path.is_dir() {
            for entry in fs::read_dir(&path)? {
                let entry = entry?.path();
                if fs::symlink_metadata(&entry)?.is_symlink() {
                    bail!("{} is a link: a build that root runs has none", entry.display());
                }
                self.check(&entry)?;
            }
        }
        Ok(())
    }

    fn check(&self, place: &Path) -> Result<()> {
        let metadata =
            fs::symlink_metadata(place).with_context(|| format!("cannot see {}", place.display()))?;
        if self.is_changed_by_others(&metadata) {
            bail!(
                "others than root can change {}, and root would run what they put there: move the build to a place \
                 of root's or yours, and name it with --from",
                place.display()
            );
        }
        Ok(())
    }

    fn is_changed_by_others(&self, metadata: &Metadata) -> bool {
        let mode = metadata.mode();
        let is_shared = metadata.is_dir() && mode & STICKY != 0;
        let by_group = mode & 0o020 != 0 && !self.groups.contains(&metadata.gid());
        let by_all = mode & 0o002 != 0;
        !self.users.contains(&metadata.uid()) || ((by_group || by_all) && !is_shared)
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    fn mode(path: &Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    /// The build, in a folder in a shared one.
    fn build() -> (tempfile::TempDir, std::path::PathBuf, Trusted) {
        let folder = tempfile::tempdir().unwrap();
        let build = folder.path().join("above/build");
        fs::create_dir_all(&build).unwrap();
        fs::write(build.join("helm"), "x").unwrap();
        mode(&build.join("helm"), 0o755);
        mode(folder.path(), 0o1777);
        let root = fs::metadata("/").unwrap().uid();
        let own = fs::metadata(&build).unwrap();
        let trusted = Trusted { users: vec![root, own.uid()], groups: vec![own.gid()] };
        (folder, build, trusted)
    }

    #[test]
    fn a_build_that_nobody_else_can_change_is_taken() {
        let (_folder, build, trusted) = build();
        trusted.alone_change(&build).unwrap();
        trusted.alone_change(&build.join("helm")).unwrap();
        mode(&build, 0o775);
        trusted.alone_change(&build).unwrap();
    }

    #[test]
    fn one_file_or_one_folder_above_that_others_can_change_is_enough() {
        for (place, open) in [("above/build/helm", 0o757), ("above/build", 0o777), ("above", 0o757)] {
            let (folder, build, trusted) = build();
            mode(&folder.path().join(place), open);
            let error = trusted.alone_change(&build).unwrap_err().to_string();
            assert!(error.contains(&format!("{place}, and root")), "{error}");
        }
        let (_folder, build, trusted) = build();
        mode(&build, 0o775);
        let strangers = Trusted { groups: Vec::new(), ..trusted };
        assert!(strangers.alone_change(&build).is_err(), "another group");
    }

    #[test]
    fn what_belongs_to_another_account_is_not_taken() {
        let (_folder, build, trusted) = build();
        let root = fs::metadata("/").unwrap().uid();
        let others = Trusted { users: vec![if root == trusted.users[1] { 1 } else { root }], ..trusted };
        assert!(others.alone_change(&build).is_err());
    }

    #[test]
    fn a_link_in_the_build_is_not_followed() {
        let (folder, build, trusted) = build();
        fs::write(folder.path().join("elsewhere"), "x").unwrap();
        symlink(folder.path().join("elsewhere"), build.join("hivematrix-core")).unwrap();
        assert!(trusted.alone_change(&build).unwrap_err().to_string().contains("is a link"));
    }
}
