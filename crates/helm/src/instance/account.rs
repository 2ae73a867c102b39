//! The unprivileged account of the servers when Helm runs as root: PostgreSQL refuses root, Redis does not need it.

use std::{
    fs,
    os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt, symlink},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use nix::unistd::{Gid, Uid, User, chown};

use super::files;

/// An account that processes are started under.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Account {
    /// User id.
    pub uid: u32,
    /// Primary group id.
    pub gid: u32,
}

/// The account for a server: `None` (our own) unless Helm runs as root, else the first of `names` that exists.
///
/// # Errors
/// When Helm runs as root and none of the accounts exists.
pub fn for_server(names: &[&str]) -> Result<Option<Account>> {
    if !Uid::effective().is_root() {
        return Ok(None);
    }
    for name in names {
        if let Some(user) = User::from_name(name)? {
            return Ok(Some(Account { uid: user.uid.as_raw(), gid: user.gid.as_raw() }));
        }
    }
    bail!("none of the accounts {} exists, and a server must not run as root", names.join(", "))
}

/// A folder that `account` owns and can reach. Where a parent of the instance directory is closed to the account
/// (such as `/root`), the folder is made below `/var/lib` and linked.
///
/// # Errors
/// When it cannot be made.
pub fn server_folder(path: &Path, account: Option<Account>) -> Result<PathBuf> {
    let Some(account) = account else {
        files::private_dir(path)?;
        return Ok(path.to_owned());
    };
    let home = path.parent().context("a server folder lies in the instance directory")?;
    if fs::symlink_metadata(path).is_err() {
        if reachable(home, account) {
            files::private_dir(path)?;
        } else {
            let elsewhere = outside_folder(path)?;
            symlink(&elsewhere, path).with_context(|| format!("cannot create {}", path.display()))?;
        }
    }
    let real = fs::canonicalize(path).with_context(|| format!("cannot find {}", path.display()))?;
    if real == fs::canonicalize(home)?.join(path.file_name().unwrap_or_default()) {
        open_passage(home)?;
    }
    give(&real, account)?;
    Ok(real)
}

/// Gives a file or folder to the account and closes it to others.
///
/// # Errors
/// When the owner cannot be changed.
pub fn give(path: &Path, account: Account) -> Result<()> {
    chown(path, Some(Uid::from_raw(account.uid)), Some(Gid::from_raw(account.gid)))
        .with_context(|| format!("cannot give {} to its account", path.display()))
}

/// Lets others pass through the instance directory, without seeing what lies in it.
fn open_passage(home: &Path) -> Result<()> {
    let mode = fs::metadata(home)?.permissions().mode() & 0o7777;
    if mode & 0o001 == 0 {
        fs::set_permissions(home, fs::Permissions::from_mode(mode | 0o011))?;
    }
    Ok(())
}

/// Whether the account may pass through every parent of `home`.
fn reachable(home: &Path, account: Account) -> bool {
    home.ancestors()
        .skip(1)
        .filter(|parent| !parent.as_os_str().is_empty())
        .all(|parent| fs::metadata(parent).is_ok_and(|metadata| may_pass(&metadata, account)))
}

fn may_pass(metadata: &fs::Metadata, account: Account) -> bool {
    let mode = metadata.mode();
    let bit = match () {
        () if metadata.uid() == account.uid => 0o100,
        () if metadata.gid() == account.gid => 0o010,
        () => 0o001,
    };
    mode & bit != 0
}

fn outside_folder(path: &Path) -> Result<PathBuf> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let folder = PathBuf::from(format!("/var/lib/hivematrix-{name}-{:08x}", rand::random::<u32>()));
    fs::DirBuilder::new()
        .mode(0o700)
        .create(&folder)
        .with_context(|| format!("cannot create the folder {}", folder.display()))?;
    Ok(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOBODY: Account = Account { uid: 65_534, gid: 65_534 };

    #[test]
    fn a_closed_parent_cannot_be_passed() {
        let folder = tempfile::tempdir().unwrap();
        let (parent, home) = (folder.path().join("parent"), folder.path().join("parent/home"));
        fs::create_dir_all(&home).unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        for (mode, passable) in [(0o700, false), (0o711, true), (0o750, false), (0o755, true)] {
            fs::set_permissions(&parent, fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(reachable(&home, NOBODY), passable, "{mode:o}");
        }
    }
}
