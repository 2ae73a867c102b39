//! Gives folders to their accounts. What lies in them belongs to services that may have been taken over, so no link is
//! followed, however it gets there.

use std::{
    ffi::{OsStr, OsString},
    fs::{self, File, OpenOptions},
    io,
    os::{
        fd::AsRawFd,
        unix::fs::{MetadataExt, OpenOptionsExt},
    },
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use nix::{fcntl::OFlag, unistd::User};

use crate::instance::{
    account::{Account, offer},
    beneath::Found,
};

/// The ids of an account by name.
///
/// # Errors
/// When there is none of that name.
pub fn account(name: &str) -> Result<Account> {
    let user = User::from_name(name)?
        .with_context(|| format!("there is no account {name}; run `helm install --systemd` again"))?;
    Ok(Account { uid: user.uid.as_raw(), gid: user.gid.as_raw() })
}

/// Gives one folder or file to an account, not what lies in it. A link stays whose it is, and so does a file with a second
/// name, which might be somebody else's.
///
/// # Errors
/// When its owner cannot be changed.
pub fn give(path: &Path, account: Account) -> Result<()> {
    let given = Found::under_name(path).and_then(|found| offer(&found, account));
    given.map(drop).with_context(|| format!("cannot give {} to its account", path.display()))
}

/// Gives a folder and everything in it to an account, however deep it is: one folder is open at a time.
///
/// # Errors
/// When its owner cannot be changed, it is a link, or folders change places meanwhile.
pub fn give_all(path: &Path, account: Account) -> Result<()> {
    give_below(path, account).with_context(|| format!("cannot give {} to its account", path.display()))
}

/// A folder above the open one: which it is, and what in it is still to be done.
struct Above {
    is: (u64, u64),
    folders: Vec<OsString>,
}

fn give_below(path: &Path, account: Account) -> Result<()> {
    let mut here = open(path)?;
    let mut folders = give_folder(&here, account)?;
    let mut above: Vec<Above> = Vec::new();
    loop {
        if let Some(name) = folders.pop() {
            let below = match open(&handle(&here).join(name)) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                opened => opened?,
            };
            above.push(Above { is: identity(&here)?, folders });
            here = below;
            folders = give_folder(&here, account)?;
        } else if let Some(parent) = above.pop() {
            here = open(&handle(&here).join(".."))?;
            if identity(&here)? != parent.is {
                bail!("a folder in it was moved meanwhile");
            }
            folders = parent.folders;
        } else {
            return Ok(());
        }
    }
}

fn open(path: &Path) -> io::Result<File> {
    let flags = (OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC).bits();
    OpenOptions::new().read(true).custom_flags(flags).open(path)
}

/// The name of a handle: nobody can put another folder in its place meanwhile.
fn handle(folder: &File) -> PathBuf {
    PathBuf::from(format!("/proc/self/fd/{}", folder.as_raw_fd()))
}

fn identity(folder: &File) -> io::Result<(u64, u64)> {
    folder.metadata().map(|metadata| (metadata.dev(), metadata.ino()))
}

/// Gives a folder and the files in it; the names of the folders in it.
fn give_folder(folder: &File, account: Account) -> Result<Vec<OsString>> {
    let metadata = folder.metadata()?;
    if (metadata.uid(), metadata.gid()) != (account.uid, account.gid) {
        std::os::unix::fs::fchown(folder, Some(account.uid), Some(account.gid))?;
    }
    let mut folders = Vec::new();
    for entry in fs::read_dir(handle(folder))? {
        let path = handle(folder).join(entry?.file_name());
        let Ok(metadata) = fs::symlink_metadata(&path) else { continue };
        if metadata.is_dir() {
            folders.extend(path.file_name().map(OsStr::to_owned));
        } else if metadata.is_file() {
            give(&path, account)?;
        }
    }
    Ok(folders)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    const NOBODY: Account = Account { uid: 65_534, gid: 65_534 };

    #[test]
    #[ignore = "needs root"]
    fn everything_below_changes_hands_but_links_and_second_names() {
        let folder = tempfile::tempdir().unwrap();
        let (mine, theirs) = (folder.path().join("mine"), folder.path().join("theirs"));
        fs::create_dir_all(theirs.join("deep")).unwrap();
        fs::create_dir(&mine).unwrap();
        for file in [mine.join("secret"), mine.join("twice"), theirs.join("deep/file")] {
            fs::write(file, "x").unwrap();
        }
        symlink(mine.join("secret"), theirs.join("link")).unwrap();
        symlink(&mine, theirs.join("deep/folder")).unwrap();
        fs::hard_link(mine.join("twice"), theirs.join("twice")).unwrap();
        give_all(&theirs, NOBODY).unwrap();
        let owner = |path: &Path| fs::symlink_metadata(path).unwrap().uid();
        for given in [&theirs, &theirs.join("deep"), &theirs.join("deep/file")] {
            assert_eq!(owner(given), NOBODY.uid, "{}", given.display());
        }
        for kept in [&mine, &mine.join("secret"), &mine.join("twice")] {
            assert_eq!(owner(kept), 0, "{}", kept.display());
        }
        symlink(&mine, folder.path().join("other")).unwrap();
        assert!(give_all(&folder.path().join("other"), NOBODY).is_err());
        for kept in ["deep/folder", "twice"] {
            give(&theirs.join(kept), NOBODY).unwrap();
        }
        assert_eq!((owner(&mine), owner(&mine.join("twice"))), (0, 0));
    }

    #[test]
    #[ignore = "needs root"]
    fn a_deep_folder_takes_no_more_descriptors_than_a_flat_one() {
        let folder = tempfile::tempdir().unwrap();
        let mut here = open(folder.path()).unwrap();
        // More than the descriptors that a process usually may have.
        for _ in 0..1100 {
            nix::sys::stat::mkdirat(&here, "d", nix::sys::stat::Mode::S_IRWXU).unwrap();
            fs::write(handle(&here).join("file"), "x").unwrap();
            here = open(&handle(&here).join("d")).unwrap();
        }
        fs::create_dir(folder.path().join("second")).unwrap();
        give_all(folder.path(), NOBODY).unwrap();
        assert_eq!(here.metadata().unwrap().uid(), NOBODY.uid, "the deepest one");
        assert_eq!(fs::metadata(handle(&here).join("../file")).unwrap().uid(), NOBODY.uid);
        assert_eq!(fs::metadata(folder.path().join("second")).unwrap().uid(), NOBODY.uid);
        // As it was made: whoever removes the temporary folder may open all of it at once.
        while identity(&here).unwrap() != identity(&open(folder.path()).unwrap()).unwrap() {
            here = open(&handle(&here).join("..")).unwrap();
            fs::remove_dir(handle(&here).join("d")).unwrap();
            fs::remove_file(handle(&here).join("file")).unwrap();
        }
    }
}
