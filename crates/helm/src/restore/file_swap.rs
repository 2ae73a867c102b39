//! One file: what comes takes the place of what was there, which steps aside; and the same the other way round.

use std::{fs, io, os::unix::fs::MetadataExt, path::Path};

use anyhow::{Context, Result, bail};
use nix::unistd::Uid;

use super::{
    journal::{self, FileStep, Journal},
    swap::{aside, staged},
};
use crate::instance::{
    Layout,
    account::{Account, offer},
    beneath::{Entry, Found},
    files::private_dir,
};

/// The old file gets a second name before the new one takes its place: there is never no file.
///
/// # Errors
/// When it cannot be replaced.
pub(super) fn swap_file(layout: &Layout, journal: &Journal, step: &FileStep) -> Result<()> {
    let (root, inner) = journal.place(layout, &step.path)?;
    check(root, inner)?;
    let (target, kept) = (root.join(inner), aside(layout).join(&step.path));
    if step.existed {
        private_dir(parent(&kept))?;
        match fs::hard_link(Entry::at(&target)?, Entry::at(&kept)?) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error.into()),
            _ => journal::sync(parent(&kept))?,
        }
    }
    if step.comes {
        let owner = journal.owner(layout, &step.path)?;
        make_folder(parent(&target), owner)?;
        let coming = staged(layout).join(&step.path);
        if let Some(owner) = owner {
            offer(&Found::at(&coming)?, owner)?;
        }
        fs::rename(Entry::at(&coming)?, Entry::at(&target)?)?;
    } else if step.existed {
        fs::remove_file(Entry::at(&target)?)?;
    }
    journal::sync(parent(&target))
}

/// A folder that is missing belongs to `owner`, else to whom the one above it belongs; one that is there stays as it is.
fn make_folder(folder: &Path, owner: Option<Account>) -> Result<()> {
    let is_missing = |folder: &&Path| folder.symlink_metadata().is_err();
    let missing = folder.ancestors().take_while(is_missing).count();
    let Some(above) = folder.ancestors().nth(missing).filter(|_| missing > 0) else { return Ok(()) };
    let above = Found::at(above)?.metadata()?;
    let owner = owner.unwrap_or(Account { uid: above.uid(), gid: above.gid() });
    private_dir(folder)?;
    for made in folder.ancestors().take(missing).filter(|_| Uid::effective().is_root()) {
        let found = Found::at(made)?;
        if !found.metadata()?.is_dir() {
            bail!("{} is no folder any more", made.display());
        }
        offer(&found, owner)?;
    }
    Ok(())
}

/// Says what in the place of a file would stop its swap, before anything is loaded for hours: what lies there is a service's
/// doing. A folder of it that is a link would lead the swap out of the instance directory.
///
/// # Errors
/// When it cannot be replaced.
pub(super) fn check(root: &Path, path: &Path) -> Result<()> {
    let folders = path.ancestors().skip(1).filter(|folder| !folder.as_os_str().is_empty());
    for folder in folders.map(|folder| root.join(folder)) {
        match folder.symlink_metadata() {
            Ok(metadata) if metadata.is_symlink() => bail!("{} is a link", folder.display()),
            Ok(metadata) if !metadata.is_dir() => bail!("{} is no folder", folder.display()),
            Err(error) if !matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                return Err(error).with_context(|| format!("cannot look at {}", folder.display()));
            }
            _ => {}
        }
    }
    let target = root.join(path);
    if target.symlink_metadata().is_ok_and(|metadata| metadata.is_dir()) {
        bail!("{} is a folder, and the archive has a file of that name", target.display());
    }
    Ok(())
}

/// Brings the old file back, if there is another one in its place.
///
/// # Errors
/// When it cannot.
pub(super) fn undo_file(layout: &Layout, journal: &Journal, step: &FileStep) -> Result<()> {
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::{
        super::{
            journal::Stage,
            swap::{recover, undo},
        },
        *,
    };

    fn journal(files: Vec<FileStep>) -> Journal {
        Journal {
            archive: "x".into(),
            started_at: chrono::DateTime::UNIX_EPOCH,
            stage: Stage::Swapping,
            cluster: None,
            databases: Vec::new(),
            roles: Vec::new(),
            graph: None,
            files,
            outside: BTreeMap::new(),
        }
    }

    #[tokio::test]
    async fn a_foreign_service_s_file_goes_to_its_folder_and_back_and_through_no_link() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let layout = Layout::new(at("home"));
        let theirs = at("hivematrix-brainhair");
        let conf = "@brainhair/instance/brainhair.conf";
        for path in [&theirs.join("instance"), &staged(&layout).join("@brainhair/instance"), &at("etc")] {
            fs::create_dir_all(path).unwrap();
        }
        let put = |text: &str| fs::write(staged(&layout).join(conf), text).unwrap();
        let read = || fs::read_to_string(theirs.join("instance/brainhair.conf")).unwrap();
        fs::write(theirs.join("instance/brainhair.conf"), "newer").unwrap();
        put("saved");
        let mut journal = journal(vec![FileStep { path: conf.into(), comes: true, existed: true }]);
        assert!(
            swap_file(&layout, &journal, &journal.files[0])
                .unwrap_err()
                .to_string()
                .contains("where brainhair lies")
        );
        journal.outside.insert("brainhair".into(), theirs.clone());
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

    #[test]
    fn what_lies_in_the_way_is_told_before_anything_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        fs::create_dir_all(root.join("codex/up/plan.pdf")).unwrap();
        fs::write(root.join("codex/note"), "x").unwrap();
        std::os::unix::fs::symlink("up", root.join("codex/link")).unwrap();
        let table = [
            ("codex/up/new/a", None),
            ("core/keys/a", None),
            ("codex/note", None),
            ("codex/link", None),
            ("codex/up/plan.pdf", Some("is a folder")),
            ("codex/note/a", Some("codex/note is no folder")),
            ("codex/note/a/b", Some("codex/note is no folder")),
            ("codex/link/a", Some("codex/link is a link")),
            ("codex/link/plan.pdf/a", Some("codex/link is a link")),
        ];
        for (path, words) in table {
            let told = check(root, Path::new(path)).err().map(|error| error.to_string());
            match (told, words) {
                (None, None) => {}
                (Some(told), Some(words)) => assert!(told.contains(words), "{path}: {told}"),
                (told, _) => panic!("{path}: {told:?}"),
            }
        }
    }

    #[test]
    #[ignore = "needs root"]
    fn what_comes_back_belongs_to_the_account_that_needs_it() {
        const THEIRS: u32 = 65_534;
        const CODEX: u32 = 65_533;
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let layout = Layout::new(at("home"));
        let zoo = at("hivematrix-zoo");
        fs::create_dir_all(&zoo).unwrap();
        fs::create_dir_all(layout.folder("codex")).unwrap();
        std::os::unix::fs::chown(&zoo, Some(THEIRS), Some(THEIRS)).unwrap();
        std::os::unix::fs::chown(layout.folder("codex"), Some(CODEX), Some(CODEX)).unwrap();
        let paths = ["@zoo/keys/vendor.pem", "@zoo/exports/csv/a.csv", "codex/up/deep/a.pdf"];
        for path in paths {
            fs::create_dir_all(parent(&staged(&layout).join(path))).unwrap();
            fs::write(staged(&layout).join(path), "saved").unwrap();
        }
        let step = |path: &str| FileStep { path: path.into(), comes: true, existed: false };
        let mut journal = journal(paths.map(step).to_vec());
        journal.outside.insert("zoo".into(), zoo.clone());
        for step in &journal.files {
            swap_file(&layout, &journal, step).unwrap();
        }
        let owner = |path: &Path| fs::metadata(path).unwrap().uid();
        for name in ["keys", "keys/vendor.pem", "exports", "exports/csv", "exports/csv/a.csv"] {
            assert_eq!(owner(&zoo.join(name)), THEIRS, "{name}");
        }
        for name in ["codex/up", "codex/up/deep"] {
            assert_eq!(owner(&layout.home().join(name)), CODEX, "{name}");
        }
    }
}
