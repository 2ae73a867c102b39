//! Installation into a folder that stands for a machine.

use std::os::unix::fs::PermissionsExt;

use super::*;
use crate::{domain::registry::Addressing, instance::registry};

fn build(folder: &Path) -> Build {
    for name in ["helm", "hivematrix-core", "hivematrix-nexus"] {
        fs::write(folder.join(name), name).unwrap();
        fs::set_permissions(folder.join(name), fs::Permissions::from_mode(0o755)).unwrap();
    }
    Build::of(folder).unwrap()
}

fn put(build: &Build, root: &Path) -> Vec<Change> {
    let registry = Registry::generate(&registry::built_in().unwrap(), Addressing::default()).unwrap();
    let Plan { steps, installation } = plan(build, "2025.11.22-abc", &registry, &Places::default(), root);
    let changes = steps.iter().map(|step| step.carry_out(root).unwrap()).collect();
    installation.write(&root.join("usr/lib/hivematrix")).unwrap();
    changes
}

#[test]
fn a_second_installation_changes_nothing() {
    let (source, root) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let build = build(source.path());
    assert!(put(&build, root.path()).iter().all(|change| *change == Change::Done));
    assert!(put(&build, root.path()).iter().all(|change| *change == Change::Same));
    let at = |path: &str| root.path().join(path);
    assert_eq!(fs::read_to_string(at("usr/lib/hivematrix/VERSION")).unwrap(), "2025.11.22-abc\n");
    let mode = |path: &str| fs::metadata(at(path)).unwrap().permissions().mode() & 0o7777;
    assert_eq!(mode("usr/lib/hivematrix/hivematrix-core"), 0o755);
    assert_eq!((mode("var/lib/hivematrix"), mode("var/backups/hivematrix")), (0o711, 0o750));
    assert_eq!(fs::read_link(at("usr/local/bin/helm")).unwrap(), Path::new("/usr/lib/hivematrix/helm"));
    assert!(at("etc/systemd/system/hivematrix-core.service").is_file());
    let script = at("usr/lib/hivematrix/compat/cli.py");
    assert!(fs::read_to_string(&script).unwrap().starts_with("#!/usr/bin/env python3"));
    assert_eq!(mode("usr/lib/hivematrix/compat/cli.py"), 0o755);
}

#[test]
fn undoing_takes_away_what_was_put_there_and_leaves_data() {
    let (source, root) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    put(&build(source.path()), root.path());
    let at = |path: &str| root.path().join(path);
    for kept in ["var/lib/hivematrix/data", "var/backups/hivematrix/x.tar.age", "etc/hivematrix/notes"] {
        fs::write(at(kept), "mine").unwrap();
    }
    fs::write(at("etc/hivematrix/core.env"), "SECRET_KEY=\"x\"").unwrap();
    let programs = at("usr/lib/hivematrix");
    // As an update leaves it.
    fs::create_dir(at("usr/lib/hivematrix.previous")).unwrap();
    for name in ["helm", "hivematrix-core", "VERSION", "install.json"] {
        fs::copy(programs.join(name), at("usr/lib/hivematrix.previous").join(name)).unwrap();
    }
    let installation = Installation::read(&programs).unwrap().unwrap();
    let removed = remove(&installation, root.path()).unwrap();
    assert!(removed.contains(&PathBuf::from("/etc/hivematrix/core.env")));
    assert!(removed.contains(&PathBuf::from("/etc/systemd/system/hivematrix.target")));
    assert!(!programs.exists() && !at("usr/local/bin/helm").exists());
    assert!(!at("usr/lib/hivematrix.previous").exists());
    assert_eq!(fs::read_dir(at("etc/systemd/system")).unwrap().count(), 0);
    for kept in ["var/lib/hivematrix/data", "var/backups/hivematrix/x.tar.age", "etc/hivematrix/notes"] {
        assert!(at(kept).is_file(), "{kept}");
    }
    assert_eq!(remove(&installation, root.path()).unwrap(), Vec::<PathBuf>::new(), "again");
}

#[test]
fn a_helm_of_somebody_else_keeps_its_name() {
    let (source, root) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    fs::create_dir_all(root.path().join("usr/local/bin")).unwrap();
    fs::write(root.path().join("usr/local/bin/helm"), "another").unwrap();
    put(&build(source.path()), root.path());
    assert_eq!(fs::read_to_string(root.path().join("usr/local/bin/helm")).unwrap(), "another");
}

#[test]
#[ignore = "needs root"]
fn a_rule_that_its_folders_account_owns_becomes_roots_or_is_refused() {
    use std::os::unix::fs::{MetadataExt, chown};
    let root = tempfile::tempdir().unwrap();
    let rule = || Step::file("/rules.d/50-hivematrix.rules".into(), "rule".into(), 0o644);
    let folder = root.path().join("rules.d");
    let file = folder.join("50-hivematrix.rules");
    fs::create_dir(&folder).unwrap();
    chown(&folder, Some(65_534), Some(65_534)).unwrap();
    assert_eq!(rule().carry_out(root.path()).unwrap(), Change::Done);
    assert_eq!(fs::metadata(&file).unwrap().uid(), 0);
    assert_eq!(rule().carry_out(root.path()).unwrap(), Change::Same);
    chown(&file, Some(65_534), Some(65_534)).unwrap();
    assert_eq!(rule().carry_out(root.path()).unwrap(), Change::Done);
    assert_eq!(fs::metadata(&file).unwrap().uid(), 0);
    // By a second name its account would keep it.
    chown(&file, Some(65_534), Some(65_534)).unwrap();
    fs::hard_link(&file, folder.join("second")).unwrap();
    assert!(rule().carry_out(root.path()).is_err());
}
