//! Whose the files of a foreign service are. Where services have accounts of their own, the registry that names its folder is
//! Helm's to write, and root writes for it only where that cannot lead astray.

use std::{fs, os::unix::fs::MetadataExt, path::Path};

use anyhow::{Context, Result, bail};
use nix::unistd::{Uid, User};

use super::{DOTENV, folder};
use crate::{
    domain::{backup::parts::FOREIGN_FOLDERS, registry::HelmEntry, systemd},
    instance::{
        Layout,
        account::Account,
        beneath::Found,
        install::ownership::{give, give_all},
    },
};

/// Whether root works for accounts here: the instance is then not root's own.
///
/// # Errors
/// When there is no instance.
pub fn serves_accounts(layout: &Layout) -> Result<bool> {
    Ok(Uid::effective().is_root() && fs::metadata(layout.home())?.uid() != 0)
}

/// The account of a service, where services have accounts.
fn account_of(layout: &Layout, name: &str) -> Result<Option<Account>> {
    if !serves_accounts(layout)? {
        return Ok(None);
    }
    let user = User::from_name(&systemd::account(name))?;
    Ok(user.map(|user| Account { uid: user.uid.as_raw(), gid: user.gid.as_raw() }))
}

/// Whose the files are that come into the folder of a service: its account's, where services have accounts, else whose the
/// folder is.
///
/// # Errors
/// When it cannot be told.
pub fn owner_of(layout: &Layout, name: &str, folder: &Path) -> Result<Account> {
    let owner = Found::at(folder)?.metadata()?;
    let account = account_of(layout, name)?;
    Ok(account.unwrap_or(Account { uid: owner.uid(), gid: owner.gid() }))
}

/// Makes sure that the folder which the registry names is the service's own: it has its name, or belongs to its account.
///
/// # Errors
/// When it may be somebody else's, or cannot be found.
pub fn is_its_place(layout: &Layout, name: &str, entry: &HelmEntry) -> Result<()> {
    may_be_written(layout, name, &folder(layout, entry))
}

/// As [`is_its_place`], of a folder that a journal names.
///
/// # Errors
/// As there.
pub fn may_be_written(layout: &Layout, name: &str, folder: &Path) -> Result<()> {
    if !serves_accounts(layout)? {
        return Ok(());
    }
    belongs(layout, name, folder, &found(folder)?)
}

/// Makes sure that a backup, which may read everything, reads for a service no folder but its own: one with its name, or of
/// its account, or of the account that has the instance and could read it anyway. Whoever reads it reads what is returned:
/// the path may lead to another one later.
///
/// # Errors
/// When it may be somebody else's, or cannot be found.
pub fn may_be_read(layout: &Layout, name: &str, folder: &Path) -> Result<Found> {
    let owner = fs::metadata(layout.home())?.uid();
    let found = found(folder)?;
    if owner != 0 && found.metadata()?.uid() != owner {
        belongs(layout, name, folder, &found)?;
    }
    Ok(found)
}

fn found(folder: &Path) -> Result<Found> {
    Found::at(folder).with_context(|| format!("cannot enter {}", folder.display()))
}

fn belongs(layout: &Layout, name: &str, path: &Path, found: &Found) -> Result<()> {
    let owner = found.metadata()?.uid();
    let place = fs::canonicalize(found.path())?;
    let own_name = systemd::account(name);
    let has_its_name = place.file_name().is_some_and(|last| last == own_name.as_str())
        || place == fs::canonicalize(layout.home())?.join(name);
    let account = User::from_name(&own_name)?;
    if has_its_name || account.is_some_and(|account| account.uid.as_raw() == owner) {
        return Ok(());
    }
    bail!("{} is not called {own_name} and does not belong to that account", path.display())
}

/// Gives a service's account what root has written for it, which may lie outside of the instance. Links on the way that
/// somebody has made are not followed.
///
/// # Errors
/// When an owner cannot be changed.
pub fn hand_over(layout: &Layout, name: &str, entry: &HelmEntry) -> Result<()> {
    // Before its account is made there is nobody to give it to; whoever makes that comes back.
    let Some(account) = account_of(layout, name)? else { return Ok(()) };
    give_files(&Found::at(&folder(layout, entry))?, account)
}

fn give_files(folder: &Found, account: Account) -> Result<()> {
    let dotenv = folder.path().join(DOTENV);
    if fs::symlink_metadata(&dotenv).is_ok() {
        give(&dotenv, account)?;
    }
    for name in FOREIGN_FOLDERS {
        let inner = folder.path().join(name);
        if fs::symlink_metadata(&inner).is_ok_and(|metadata| metadata.is_dir()) {
            give_all(&inner, account)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[ignore = "needs root"]
    fn what_is_written_for_a_foreign_service_becomes_its_accounts_and_its_program_does_not() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::create_dir_all(at("instance/backups")).unwrap();
        fs::create_dir_all(at("exports/csv")).unwrap();
        fs::create_dir(at("keys")).unwrap();
        let given =
            ["instance/brainhair.conf", "instance/backups/.flaskenv.1", "keys/a.pem", "exports/csv/a.csv"];
        for name in given.iter().chain(&[".flaskenv", "run.py"]) {
            fs::write(at(name), "x").unwrap();
        }
        let give = || give_files(&Found::at(folder.path()).unwrap(), Account { uid: 65_534, gid: 65_534 });
        give().unwrap();
        let owner = |name: &str| fs::metadata(at(name)).unwrap().uid();
        for name in given.iter().chain(&[".flaskenv", "instance", "keys", "exports", "exports/csv"]) {
            assert_eq!(owner(name), 65_534, "{name}");
        }
        assert_eq!(owner("run.py"), 0);
        // Neither a link nor what is not there stops the suite.
        fs::remove_dir_all(at("instance")).unwrap();
        std::os::unix::fs::symlink("/", at("instance")).unwrap();
        fs::remove_file(at(".flaskenv")).unwrap();
        give().unwrap();
    }
}
