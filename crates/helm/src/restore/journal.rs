//! The journal of a restore: on the disk before anything is done that would have to be undone.

use std::{
    collections::BTreeMap,
    fs, io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use chrono::{DateTime, Utc};
use nix::unistd::Uid;
use serde::{Deserialize, Serialize};

use super::{graph::GraphStep, loading_role::LoadingRole};
use crate::{
    domain::backup::parts::{RESTORE_FOLDER, kind_of, service_outside},
    instance::{
        Layout,
        account::Account,
        beneath::{Entry, Found},
        files, foreign,
    },
};

/// How far a restore is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Everything is loaded beside what is in use: undone by throwing it away.
    Loading,
    /// Names are being changed: undone by changing them back.
    Swapping,
    /// The new state is in use: what is left of the old one goes.
    Done,
}

/// What a restore does, and how far it is. It holds passwords of databases and lies where the instance's secrets lie.
#[derive(Clone, Serialize, Deserialize)]
pub struct Journal {
    /// The archive.
    pub archive: PathBuf,
    /// When it was begun.
    pub started_at: DateTime<Utc>,
    /// How far it is.
    pub stage: Stage,
    /// The private cluster, when a database lies in it.
    pub cluster: Option<Cluster>,
    /// Databases, in the order in which they are swapped.
    pub databases: Vec<DatabaseStep>,
    /// Roles that are there as long as databases are loaded.
    #[serde(default)]
    pub roles: Vec<LoadingRole>,
    /// The graph, swapped after the databases.
    #[serde(default)]
    pub graph: Option<GraphStep>,
    /// Files, in the order in which they are swapped; after the databases and the graph.
    pub files: Vec<FileStep>,
    /// The folders of the foreign services that files of it go to.
    #[serde(default)]
    pub outside: BTreeMap<String, PathBuf>,
}

impl Journal {
    /// The folder a file goes to, and its path from there on.
    ///
    /// # Errors
    /// When it belongs to a foreign service whose folder is not known, or may be somebody else's.
    pub fn place<'a>(&'a self, layout: &'a Layout, path: &'a Path) -> Result<(&'a Path, &'a Path)> {
        let Some((service, inner)) = service_outside(path) else { return Ok((layout.home(), path)) };
        let folder =
            self.outside.get(service).with_context(|| format!("nobody knows where {service} lies"))?;
        foreign::may_be_written(layout, service, folder)?;
        Ok((folder, inner))
    }

    /// Whose a file becomes that root brings into the folder of a foreign service; `None` where it stays whose it is.
    ///
    /// # Errors
    /// As [`Self::place`].
    pub fn owner(&self, layout: &Layout, path: &Path) -> Result<Option<Account>> {
        match service_outside(path) {
            Some((service, _)) if Uid::effective().is_root() => {
                let (folder, _) = self.place(layout, path)?;
                foreign::owner_of(layout, service, folder).map(Some)
            }
            _ => Ok(None),
        }
    }
}

/// The private cluster as it was found.
#[derive(Clone, Serialize, Deserialize)]
pub struct Cluster {
    /// Its port.
    pub port: u16,
    /// Password of its administrator.
    pub password: String,
    /// It was made by this restore, on an empty machine.
    pub made: bool,
}

/// One database.
#[derive(Clone, Serialize, Deserialize)]
pub struct DatabaseStep {
    /// Its part of the archive.
    pub part: String,
    /// Address of another database of the same server, from which it can be renamed.
    pub server: String,
    /// Its name.
    pub name: String,
    /// Name of the one that is loaded.
    pub fresh: String,
    /// Name of the one that was in use, after the swap.
    pub before: String,
    /// Whether there was one in use.
    pub existed: bool,
}

/// One file below the instance directory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileStep {
    /// Path below the instance directory, or that of a foreign service's file in an archive.
    pub path: PathBuf,
    /// Whether the archive has it; else it is taken away.
    pub comes: bool,
    /// Whether there was one.
    pub existed: bool,
}

/// The folder of a restore; private, and gone when it is over.
#[must_use]
pub fn folder(layout: &Layout) -> PathBuf {
    layout.folder("helm").join(RESTORE_FOLDER)
}

fn file(layout: &Layout) -> PathBuf {
    folder(layout).join("journal.json")
}

/// Where root works for accounts, only root restores.
fn is_roots(layout: &Layout, found: &Found) -> Result<()> {
    let owner = found.metadata()?.uid();
    if owner != 0 && foreign::serves_accounts(layout)? {
        bail!(
            "{} belongs to the account {owner} and is no restore of root's: look at it, and remove it",
            folder(layout).display()
        );
    }
    Ok(())
}

impl Journal {
    /// The journal of a restore that is not over.
    ///
    /// # Errors
    /// When it is damaged, or names files that no archive brings, or root finds one that it has not written: it lies in Helm's
    /// folder, and root moves what it names, and gives it away.
    pub fn read(layout: &Layout) -> Result<Option<Self>> {
        let path = file(layout);
        let look = |path: &Path| match Found::at(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            found => found.map(Some).with_context(|| format!("cannot read {}", path.display())),
        };
        // In this order: a restore that ends meanwhile has neither.
        let (Some(folder), Some(found)) = (look(&folder(layout))?, look(&path)?) else { return Ok(None) };
        is_roots(layout, &folder)?;
        is_roots(layout, &found)?;
        let text = found.read().with_context(|| format!("cannot read {}", path.display()))?;
        let journal: Self = files::json(&path, &text)?;
        if let Some(step) = journal.files.iter().find(|step| kind_of(&step.path).is_none()) {
            bail!("{} is damaged: it names {}", path.display(), step.path.display());
        }
        Ok(Some(journal))
    }

    /// Puts it on the disk.
    ///
    /// # Errors
    /// When the disk does not take it, or its folder is another account's.
    pub fn write(&self, layout: &Layout) -> Result<()> {
        files::private_dir(&folder(layout))?;
        is_roots(layout, &Found::at(&folder(layout))?)?;
        files::write_json(&file(layout), self)?;
        sync(&folder(layout))
    }

    /// The restore is over.
    ///
    /// # Errors
    /// When the folder cannot be removed.
    pub fn close(layout: &Layout) -> Result<()> {
        let path = folder(layout);
        // First what the journal speaks of, last the journal.
        for entry in fs::read_dir(&path).into_iter().flatten().flatten() {
            if entry.path() != file(layout) {
                remove(&entry.path())?;
            }
        }
        remove(&path)
    }
}

fn remove(path: &Path) -> Result<()> {
    let removed = Entry::at(path)
        .and_then(|entry| if path.is_dir() { fs::remove_dir_all(entry) } else { fs::remove_file(entry) });
    match removed {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove {}", path.display()))
        }
        _ => Ok(()),
    }
}

/// Makes sure that a folder's names are on the disk.
///
/// # Errors
/// When the disk does not take them.
pub fn sync(folder: &Path) -> Result<()> {
    let synced = fs::File::open(folder).and_then(|folder| folder.sync_all());
    synced.with_context(|| format!("cannot write {}", folder.display()))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::chown;

    use super::*;

    #[tokio::test]
    #[ignore = "needs root"]
    async fn root_obeys_no_journal_of_the_account_that_has_the_instance() {
        const HELM: u32 = 65_534;
        let place = tempfile::tempdir().unwrap();
        let layout = Layout::new(place.path().join("instance"));
        let journal = Journal {
            archive: "a.tar.age".into(),
            started_at: DateTime::UNIX_EPOCH,
            stage: Stage::Swapping,
            cluster: None,
            databases: Vec::new(),
            roles: Vec::new(),
            graph: None,
            files: vec![FileStep { path: "core/keys/jwt_private.pem".into(), comes: true, existed: true }],
            outside: BTreeMap::new(),
        };
        journal.write(&layout).unwrap();
        let theirs = folder(&layout).join("before/core/keys/jwt_private.pem");
        fs::create_dir_all(theirs.parent().unwrap()).unwrap();
        fs::create_dir_all(layout.folder("core").join("keys")).unwrap();
        fs::write(&theirs, "theirs").unwrap();
        for path in [layout.home().to_owned(), layout.folder("helm")] {
            chown(path, Some(HELM), Some(HELM)).unwrap();
        }
        assert!(Journal::read(&layout).unwrap().is_some(), "root's own");
        for path in [folder(&layout), file(&layout)] {
            chown(&path, Some(HELM), Some(HELM)).unwrap();
            let refused = super::super::swap::recover(&layout).await.unwrap_err().to_string();
            assert!(refused.contains("look at it, and remove it"), "{refused}");
            assert!(theirs.exists() && !layout.folder("core").join("keys/jwt_private.pem").exists());
            chown(&path, Some(0), Some(0)).unwrap();
        }
        chown(folder(&layout), Some(HELM), Some(HELM)).unwrap();
        assert!(journal.write(&layout).is_err());
    }
}
