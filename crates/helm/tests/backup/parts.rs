//! Parts of services: one that is spoilt, left out or in the way concerns no other, and archives that knew no such parts come back.

use std::{ffi::OsStr, fs, os::unix::ffi::OsStrExt, path::PathBuf};

use hivematrix_helm::{
    backup::{archive::Writer, files, keys, scan::Root},
    domain::backup::{
        manifest::{Header, Manifest, State},
        parts::Kind,
    },
};
use hivematrix_shared::clock::Clock;

use super::instance::Instance;

const BOTH: [&str; 2] = ["alpha/uploads/a.txt", "beta/uploads/b.txt"];

fn instance() -> Instance {
    let instance = Instance::new(&["helm"]);
    for path in BOTH {
        instance.write(path, "saved", 0o600);
    }
    instance
}

fn change(instance: &Instance) {
    for path in BOTH {
        instance.write(path, "newer", 0o600);
    }
    for path in ["alpha/uploads/later.txt", "beta/uploads/later.txt"] {
        instance.write(path, "later", 0o600);
    }
}

/// What both files say, and whether those that came later are there.
fn state(instance: &Instance) -> (Vec<String>, Vec<bool>) {
    let read = |path: &str| fs::read_to_string(instance.home().join(path)).unwrap();
    let is_there = |service: &str| instance.home().join(service).join("uploads/later.txt").exists();
    (BOTH.map(read).into(), ["alpha", "beta"].map(is_there).into())
}

fn restore(instance: &Instance, archive: &str, more: &[&str]) -> (bool, String) {
    let output = instance.helm(&[&["restore", archive, "--force", "--files-only"], more].concat());
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&said).into_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_archive_of_the_first_form_comes_back() {
    let instance = instance();
    let created_at = Clock::system().now();
    let header = Header { format: 1, suite: env!("CARGO_PKG_VERSION").into(), created_at };
    let recipients = keys::recipients(&instance.layout, &[]).unwrap();
    let folder = instance.folder.path();
    let mut writer = Writer::create(folder, "old.tar.age", &recipients.keys, &header).unwrap();
    let paths = BOTH.map(PathBuf::from);
    let until = std::time::Instant::now() + std::time::Duration::from_secs(600);
    let root = Root::home(instance.home()).unwrap();
    // As all services shared it.
    let part = files::save(&mut writer, &root, ("files", Kind::Files), &paths, until).unwrap().unwrap();
    let manifest = Manifest { header, finished_at: created_at, parts: vec![part] };
    let (archive, _) = writer.finish(&manifest).unwrap();
    change(&instance);
    let (restored, said) = restore(&instance, archive.to_str().unwrap(), &[]);
    assert!(restored, "{said}");
    assert_eq!(state(&instance), (vec!["saved".into(), "saved".into()], vec![false, false]));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_service_s_files_are_missing_left_out_or_in_the_way_without_the_others() {
    let instance = instance();
    let done = instance.backup().await.unwrap();
    let names = |kind: Kind| -> Vec<&str> {
        let parts = done.manifest.saved().filter(|part| part.kind == kind);
        parts.map(|part| part.name.as_str()).collect()
    };
    assert_eq!(names(Kind::Files), ["files", "files/alpha", "files/beta"]);
    let archive = done.archive.to_str().unwrap();
    change(&instance);
    let (restored, said) = restore(&instance, archive, &["--without", "files/alpha"]);
    assert!(restored && !said.contains("files/alpha"), "{said}");
    assert_eq!(state(&instance), (vec!["newer".into(), "saved".into()], vec![true, false]));
    let (restored, said) = restore(&instance, archive, &["--without", "files/gamma"]);
    assert!(!restored && said.contains("no part files/gamma"), "{said}");

    // What a service laid in the way is told before anything is done, and how the rest comes back all the same.
    change(&instance);
    fs::remove_file(instance.home().join(BOTH[0])).unwrap();
    fs::create_dir(instance.home().join(BOTH[0])).unwrap();
    let (restored, said) = restore(&instance, archive, &[]);
    assert!(!restored && said.contains("is a folder") && said.contains("--without files/alpha"), "{said}");
    assert!(said.contains("nothing was changed"), "{said}");
    let (restored, said) = restore(&instance, archive, &["--without", "files/alpha"]);
    assert!(restored, "{said}");
    fs::remove_dir(instance.home().join(BOTH[0])).unwrap();

    // A name that is no text spoils its own part, which says so.
    change(&instance);
    let strange = instance.home().join("alpha/uploads").join(OsStr::from_bytes(b"M\xfcller.pdf"));
    fs::write(&strange, "x").unwrap();
    // Elsewhere: within one second, two archives have one name.
    let elsewhere = instance.folder.path().join("elsewhere");
    let output = instance.helm(&["backup", elsewhere.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("files/alpha (the name of") && !said.contains("files/beta"), "{said}");
    fs::remove_file(strange).unwrap();
    let last = hivematrix_helm::backup::history::last(&instance.layout).unwrap().unwrap().archive.unwrap();
    instance.write(BOTH[1], "newest", 0o600);
    let (restored, said) = restore(&instance, last.to_str().unwrap(), &[]);
    assert!(restored, "{said}");
    let missing = done.manifest.parts.iter().filter(|part| part.state == State::Missing).count();
    assert_eq!(missing, 1, "the database that nobody has started");
    assert_eq!(state(&instance), (vec!["newer".into(), "newer".into()], vec![true, true]), "alpha's stay");
}
