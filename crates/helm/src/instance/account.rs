//! The unprivileged account of the servers when Helm runs as root: PostgreSQL refuses root, Redis does not need it.

use std::{
    fs, io,
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt, chown, fchown, symlink},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use nix::{
    fcntl::OFlag,
    unistd::{Uid, User},
};
use serde::{Deserialize, Serialize};

use super::{beneath::Found, files};

/// An account that processes are started under.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
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
        files::private_dir(home)?;
        if reachable(home, account) {
            // Made here, not found: what somebody lays there in this moment is an error.
            fs::DirBuilder::new()
                .mode(0o700)
                .create(path)
                .with_context(|| format!("cannot create the folder {}", path.display()))?;
        } else {
            let elsewhere = outside_folder(path)?;
            symlink(&elsewhere, path).with_context(|| format!("cannot create {}", path.display()))?;
        }
    }
    let real = match fs::read_link(path) {
        Ok(target) => linked(path, target, account)?,
        Err(_) => {
            open_passage(home)?;
            fs::canonicalize(home)?.join(path.file_name().unwrap_or_default())
        }
    };
    let flags = OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW;
    let folder = fs::OpenOptions::new().read(true).custom_flags(flags.bits()).open(&real);
    let folder = folder.with_context(|| format!("cannot open the folder {}", real.display()))?;
    fchown(folder, Some(account.uid), Some(account.gid))
        .with_context(|| format!("cannot give {} to its account", real.display()))?;
    Ok(real)
}

/// Where a link in the place of a server's folder leads: to a folder that was made outside for it, or that its account has
/// already. Whoever can write in the instance directory could lay it there, and nothing else is given away for that.
fn linked(path: &Path, target: PathBuf, account: Account) -> Result<PathBuf> {
    let is_its_own = || fs::symlink_metadata(&target).is_ok_and(|it| it.is_dir() && it.uid() == account.uid);
    if is_outside_folder(path, &target) || is_its_own() {
        return Ok(target);
    }
    bail!("{} is a link to {}, which does not belong to its account", path.display(), target.display())
}

/// Whether it is a folder that [`server_folder`] makes outside for the one at `path`.
#[must_use]
pub fn is_outside_folder(path: &Path, target: &Path) -> bool {
    let mark = || target.to_str()?.strip_prefix(&outside_prefix(path));
    mark().is_some_and(|mark| mark.len() == 8 && mark.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

/// What came of giving something to an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Given {
    /// It is the account's.
    Done,
    /// It stays whose it is: a file with a second name might be somebody else's.
    SecondName,
    /// A link stays whose it is.
    Link,
}

/// Gives what was found to the account, whatever comes under its name meanwhile.
///
/// # Errors
/// When the owner cannot be changed.
pub fn offer(found: &Found, account: Account) -> io::Result<Given> {
    let metadata = found.metadata()?;
    if metadata.is_symlink() {
        return Ok(Given::Link);
    }
    if !metadata.is_dir() && metadata.nlink() != 1 {
        return Ok(Given::SecondName);
    }
    if (metadata.uid(), metadata.gid()) != (account.uid, account.gid) {
        chown(found.path(), Some(account.uid), Some(account.gid))?;
    }
    Ok(Given::Done)
}

/// Gives a file or folder to the account, which needs it. The folder it lies in may be another account's: no link of that
/// account's is followed.
///
/// # Errors
/// When the owner cannot be changed, or it is a file with a second name.
pub fn give(path: &Path, account: Account) -> Result<()> {
    let given = Found::at(path).and_then(|found| match offer(&found, account)? {
        Given::Done => Ok(()),
        Given::SecondName | Given::Link => Err(io::Error::other("it has a second name")),
    });
    given.with_context(|| format!("cannot give {} to its account", path.display()))
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

fn outside_prefix(path: &Path) -> String {
    format!("/var/lib/hivematrix-{}-", path.file_name().unwrap_or_default().to_string_lossy())
}

fn outside_folder(path: &Path) -> Result<PathBuf> {
    let folder = PathBuf::from(format!("{}{:08x}", outside_prefix(path), rand::random::<u32>()));
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
    #[test]
    #[ignore = "needs root"]
    fn root_gives_a_server_no_folder_that_somebody_has_linked() {
        let folder = tempfile::tempdir().unwrap();
        let (home, other) = (folder.path().join("home"), folder.path().join("other"));
        for made in [&home, &other] {
            fs::create_dir(made).unwrap();
        }
        fs::write(other.join("file"), "x").unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let link = home.join("redis");
        symlink(&other, &link).unwrap();
        assert!(server_folder(&link, Some(NOBODY)).is_err());
        std::os::unix::fs::lchown(&link, Some(NOBODY.uid), Some(NOBODY.gid)).unwrap();
        assert!(server_folder(&link, Some(NOBODY)).is_err());
        assert!(give(&link.join("file"), NOBODY).is_err());
        fs::hard_link(other.join("file"), other.join("second")).unwrap();
        assert!(give(&other.join("second"), NOBODY).is_err());
        for kept in [&other, &other.join("file")] {
            assert_eq!(fs::metadata(kept).unwrap().uid(), 0, "{}", kept.display());
        }
        fs::remove_file(&link).unwrap();
        assert_eq!(server_folder(&link, Some(NOBODY)).unwrap(), link);
        assert_eq!(fs::metadata(&link).unwrap().uid(), NOBODY.uid);
    }

    #[test]
    fn a_link_gives_no_folder_of_somebody_else_away() {
        let folder = tempfile::tempdir().unwrap();
        let (path, other) = (folder.path().join("redis"), folder.path().join("other"));
        fs::create_dir(&other).unwrap();
        symlink(&other, &path).unwrap();
        let owner = fs::metadata(&other).unwrap().uid();
        let refused = server_folder(&path, Some(NOBODY)).unwrap_err().to_string();
        assert!(refused.contains("does not belong to its account"), "{refused}");
        assert_eq!(fs::metadata(&other).unwrap().uid(), owner);
        let table = [
            ("/var/lib/hivematrix-redis-0123abcd", true),
            ("/var/lib/hivematrix-redis-0123abcd/x", false),
            ("/var/lib/hivematrix-redis-../../../etc", false),
            ("/var/lib/hivematrix-redis-", false),
            ("/var/lib/hivematrix-postgres-0123abcd", false),
            ("/etc", false),
        ];
        for (target, is_one) in table {
            assert_eq!(is_outside_folder(&path, Path::new(target)), is_one, "{target}");
        }
    }
}
