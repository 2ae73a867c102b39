//! Changing names: what was loaded comes into use, what was in use steps aside; and the same the other way round.

use std::{
    fs, io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use sqlx::{Connection, PgConnection};

use super::{
    journal::{self, DatabaseStep, FileStep, Journal, Stage},
    server::Server,
    target::{disconnect, exists, identifier, remove, run},
};
use crate::{
    backup::database,
    instance::{
        Layout,
        beneath::{Entry, Found},
        postgres,
    },
};

/// Where the files of the archive wait.
#[must_use]
pub fn staged(layout: &Layout) -> PathBuf {
    journal::folder(layout).join("files")
}

/// Where the files that were in use are put aside.
fn aside(layout: &Layout) -> PathBuf {
    journal::folder(layout).join("before")
}

/// Brings everything into use.
///
/// # Errors
/// When a step fails; [`undo`] takes back those before it.
pub async fn swap(layout: &Layout, journal: &mut Journal) -> Result<()> {
    journal.stage = Stage::Swapping;
    journal.write(layout)?;
    for step in &journal.databases {
        swap_database(step).await.with_context(|| format!("{} cannot be replaced", step.name))?;
    }
    for step in &journal.files {
        swap_file(layout, journal, step)
            .with_context(|| format!("{} cannot be replaced", step.path.display()))?;
    }
    journal.stage = Stage::Done;
    journal.write(layout)
}

/// Both names change in one transaction: there is never no database.
async fn swap_database(step: &DatabaseStep) -> Result<()> {
    let mut server = database::connect(&step.server).await?;
    for name in [&step.name, &step.fresh] {
        disconnect(&mut server, name).await;
    }
    let mut renames = vec![(&step.fresh, &step.name)];
    if step.existed {
        renames.insert(0, (&step.name, &step.before));
    }
    rename(&mut server, &renames).await?;
    server.close().await.map_err(Into::into)
}

async fn rename(server: &mut PgConnection, renames: &[(&String, &String)]) -> Result<()> {
    let statement = |(from, to): &(&String, &String)| {
        format!("ALTER DATABASE {} RENAME TO {};", identifier(from), identifier(to))
    };
    let statements: String = renames.iter().map(statement).collect();
    run(server, format!("BEGIN; {statements} COMMIT")).await
}

async fn undo_database(step: &DatabaseStep) -> Result<()> {
    let mut server = database::connect(&step.server).await?;
    let has_fresh = exists(&mut server, &step.fresh).await?;
    let is_swapped = match step.existed {
        true => exists(&mut server, &step.before).await?,
        false => !has_fresh && exists(&mut server, &step.name).await?,
    };
    if is_swapped {
        for name in [&step.name, &step.before] {
            disconnect(&mut server, name).await;
        }
        let mut renames = vec![(&step.name, &step.fresh)];
        if step.existed {
            renames.push((&step.before, &step.name));
        }
        rename(&mut server, &renames).await?;
    }
    remove(&mut server, &step.fresh).await?;
    server.close().await.map_err(Into::into)
}

/// The old file gets a second name before the new one takes its place: there is never no file.
fn swap_file(layout: &Layout, journal: &Journal, step: &FileStep) -> Result<()> {
    let (root, inner) = journal.place(layout, &step.path)?;
    no_link_on_the_way(root, inner)?;
    let (target, kept) = (root.join(inner), aside(layout).join(&step.path));
    if step.existed {
        crate::instance::files::private_dir(parent(&kept))?;
        match fs::hard_link(Entry::at(&target)?, Entry::at(&kept)?) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error.into()),
            _ => journal::sync(parent(&kept))?,
        }
    }
    if step.comes {
        if root == layout.home() {
            crate::instance::files::private_dir(parent(&target))?;
        } else {
            make_folder(root, parent(&target))?;
        }
        fs::rename(Entry::at(&staged(layout).join(&step.path))?, Entry::at(&target)?)?;
    } else if step.existed {
        fs::remove_file(Entry::at(&target)?)?;
    }
    journal::sync(parent(&target))
}

/// A folder that is missing below the one of a foreign service belongs to whom that belongs to; one that is there stays as it
/// is.
fn make_folder(root: &Path, folder: &Path) -> Result<()> {
    let missing = folder.ancestors().take_while(|folder| !folder.exists()).count();
    if missing == 0 {
        return Ok(());
    }
    crate::instance::files::private_dir(folder)?;
    let owner = Found::at(root)?.metadata()?;
    for made in folder.ancestors().take(missing) {
        let made = Found::at(made)?;
        let now = made.metadata()?;
        if (now.uid(), now.gid()) != (owner.uid(), owner.gid()) && nix::unistd::Uid::effective().is_root() {
            std::os::unix::fs::chown(made.path(), Some(owner.uid()), Some(owner.gid()))?;
        }
    }
    Ok(())
}

/// A folder of a service that is a link would lead the swap out of the instance directory.
fn no_link_on_the_way(home: &Path, path: &Path) -> Result<()> {
    let folders = path.ancestors().skip(1).filter(|folder| !folder.as_os_str().is_empty());
    match folders.into_iter().find(|folder| home.join(folder).is_symlink()) {
        Some(link) => bail!("{} is a link", home.join(link).display()),
        None => Ok(()),
    }
}

fn undo_file(layout: &Layout, journal: &Journal, step: &FileStep) -> Result<()> {
    let (root, inner) = journal.place(layout, &step.path)?;
    let (target, kept) = (root.join(inner), aside(layout).join(&step.path));
    if step.existed {
        match Entry::at(&kept).and_then(|kept| fs::rename(kept, Entry::at(&target)?)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
            _ => {}
        }
    } else if step.comes && !staged(layout).join(&step.path).exists() {
        match Entry::at(&target).and_then(fs::remove_file) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
            _ => {}
        }
    }
    Ok(())
}

fn parent(path: &Path) -> &Path {
    path.parent().unwrap_or(path)
}

/// Takes back whatever was done, in the other order. May be done again.
///
/// # Errors
/// When a step cannot be taken back; the journal stays, and the next attempt goes on with it.
pub async fn undo(layout: &Layout, journal: &Journal) -> Result<()> {
    if journal.stage == Stage::Swapping {
        for step in journal.files.iter().rev() {
            undo_file(layout, journal, step)
                .with_context(|| format!("{} is not back in place", step.path.display()))?;
        }
    }
    for step in journal.databases.iter().rev() {
        undo_database(step).await.with_context(|| format!("{} is not back in place", step.name))?;
    }
    Ok(())
}

/// Removes what is left of the old state. May be done again.
///
/// # Errors
/// When a database cannot be removed; the journal stays, and the next attempt goes on with it.
pub async fn finish(journal: &Journal) -> Result<()> {
    for step in journal.databases.iter().filter(|step| step.existed) {
        let mut server = database::connect(&step.server).await?;
        remove(&mut server, &step.before).await?;
        server.close().await?;
    }
    Ok(())
}

/// What became of a restore that was not over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recovered {
    /// There was none.
    Nothing,
    /// The old state is back.
    Undone,
    /// The new state is there.
    Finished,
}

/// Ends a restore that was killed: undone, or finished when everything was in place already. The caller holds the daemon's
/// lock.
///
/// # Errors
/// When the databases cannot be reached or a step fails; the next attempt goes on with it.
pub async fn recover(layout: &Layout) -> Result<Recovered> {
    let Some(journal) = Journal::read(layout)? else {
        // A folder without a journal was never begun with.
        if journal::folder(layout).exists() {
            Journal::close(layout)?;
        }
        return Ok(Recovered::Nothing);
    };
    let server = match &journal.cluster {
        Some(cluster) if !journal.databases.is_empty() => {
            Some(Server::start(layout, cluster.port, &cluster.password).await?)
        }
        _ => None,
    };
    let ended = if journal.stage == Stage::Done {
        finish(&journal).await.map(|()| Recovered::Finished)
    } else {
        undo(layout, &journal).await.map(|()| Recovered::Undone)
    };
    if let Some(server) = server {
        server.stop().await?;
    }
    let ended = ended.with_context(|| {
        format!("a restore of {} was ended half-way and cannot be put right", journal.archive.display())
    })?;
    if ended == Recovered::Undone && journal.cluster.as_ref().is_some_and(|cluster| cluster.made) {
        // Nobody has the password of a cluster that was made for the archive's secrets.
        postgres::discard(layout)?;
    }
    Journal::close(layout)?;
    Ok(ended)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn journal(files: Vec<FileStep>) -> Journal {
        Journal {
            archive: "x".into(),
            started_at: chrono::DateTime::UNIX_EPOCH,
            stage: Stage::Swapping,
            cluster: None,
            databases: Vec::new(),
            files,
            outside: BTreeMap::new(),
        }
    }

    #[tokio::test]
    async fn a_foreign_service_s_file_goes_to_its_folder_and_back_and_through_no_link() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let layout = Layout::new(at("home"));
        let theirs = at("hivematrix-ledger");
        let conf = "@ledger/instance/ledger.conf";
        for path in [&theirs.join("instance"), &staged(&layout).join("@ledger/instance"), &at("etc")] {
            fs::create_dir_all(path).unwrap();
        }
        let put = |text: &str| fs::write(staged(&layout).join(conf), text).unwrap();
        let read = || fs::read_to_string(theirs.join("instance/ledger.conf")).unwrap();
        fs::write(theirs.join("instance/ledger.conf"), "newer").unwrap();
        put("saved");
        let mut journal = journal(vec![FileStep { path: conf.into(), comes: true, existed: true }]);
        assert!(
            swap_file(&layout, &journal, &journal.files[0])
                .unwrap_err()
                .to_string()
                .contains("where ledger lies")
        );
        journal.outside.insert("ledger".into(), theirs.clone());
        swap_file(&layout, &journal, &journal.files[0]).unwrap();
        assert_eq!(read(), "saved");
        undo(&layout, &journal).await.unwrap();
        assert_eq!(read(), "newer");

        fs::remove_dir_all(theirs.join("instance")).unwrap();
        std::os::unix::fs::symlink(at("etc"), theirs.join("instance")).unwrap();
        put("saved");
        let refused = swap_file(&layout, &journal, &journal.files[0]).unwrap_err().to_string();
        assert!(refused.contains("instance is a link"), "{refused}");
        assert_eq!(fs::read_dir(at("etc")).unwrap().count(), 0);
    }

    #[test]
    #[ignore = "needs root"]
    fn a_link_of_a_service_leads_no_file_out_of_the_instance() {
        let folder = tempfile::tempdir().unwrap();
        let etc = folder.path().join("etc");
        let layout = Layout::new(folder.path().join("instance"));
        for folder in [&etc, &staged(&layout).join("codex/up"), &layout.folder("codex")] {
            fs::create_dir_all(folder).unwrap();
        }
        fs::write(etc.join("passwd"), "root").unwrap();
        fs::write(staged(&layout).join("codex/up/passwd"), "mine").unwrap();
        let link = layout.folder("codex").join("up");
        std::os::unix::fs::symlink(&etc, &link).unwrap();
        std::os::unix::fs::lchown(&link, Some(65_534), Some(65_534)).unwrap();
        for (existed, comes) in [(true, true), (false, true), (true, false)] {
            let step = FileStep { path: "codex/up/passwd".into(), existed, comes };
            assert!(swap_file(&layout, &journal(Vec::new()), &step).is_err());
        }
        fs::remove_file(staged(&layout).join("codex/up/passwd")).unwrap();
        let step = FileStep { path: "codex/up/passwd".into(), existed: false, comes: true };
        assert!(undo_file(&layout, &journal(Vec::new()), &step).is_err());
        assert_eq!(fs::read_to_string(etc.join("passwd")).unwrap(), "root");
        assert_eq!(fs::read_dir(&etc).unwrap().count(), 1);
    }

    #[test]
    fn no_file_is_swapped_through_a_link() {
        let folder = tempfile::tempdir().unwrap();
        let home = folder.path().join("home");
        fs::create_dir_all(home.join("codex")).unwrap();
        fs::create_dir_all(home.join("helm/restore/files/codex/up")).unwrap();
        fs::create_dir(folder.path().join("etc")).unwrap();
        fs::write(folder.path().join("etc/passwd"), "kept").unwrap();
        fs::write(home.join("helm/restore/files/codex/up/passwd"), "other").unwrap();
        std::os::unix::fs::symlink("../../etc", home.join("codex/up")).unwrap();
        let step = FileStep { path: "codex/up/passwd".into(), comes: true, existed: true };
        let refused = swap_file(&Layout::new(home), &journal(Vec::new()), &step).unwrap_err().to_string();
        assert!(refused.contains("codex/up is a link"), "{refused}");
        assert_eq!(fs::read_to_string(folder.path().join("etc/passwd")).unwrap(), "kept");
    }

    #[tokio::test]
    async fn a_journal_that_names_a_file_elsewhere_moves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let layout = Layout::new(folder.path().join("a/b/home"));
        let target = folder.path().join("etc/preload");
        for (path, text) in [(&target, "root's"), (&folder.path().join("a/b/home/etc/preload"), "mine")] {
            fs::create_dir_all(parent(path)).unwrap();
            fs::write(path, text).unwrap();
        }
        fs::create_dir_all(aside(&layout)).unwrap();
        let step = FileStep { path: "../../../etc/preload".into(), comes: true, existed: true };
        let journal = journal(vec![step]);
        journal.write(&layout).unwrap();
        let refused = recover(&layout).await.unwrap_err().to_string();
        assert!(refused.contains("it names ../../../etc/preload"), "{refused}");
        assert_eq!(fs::read_to_string(&target).unwrap(), "root's");
    }
}
