//! Updates of folders of scripts, with a suite that comes up or does not.

use std::{
    fs::{self, File},
    io::Write,
    os::unix::fs::PermissionsExt,
    sync::Mutex,
};

use super::*;

/// A suite whose programs say themselves whether they are well: those of a version that begins with `bad` are not.
#[derive(Default)]
struct Pretended {
    no_backup: bool,
    refused: bool,
    log: Mutex<Vec<String>>,
}

impl Pretended {
    fn say(&self, word: impl Into<String>) {
        self.log.lock().unwrap().push(word.into());
    }

    fn log(&self) -> Vec<String> {
        self.log.lock().unwrap().clone()
    }
}

impl Suite for Pretended {
    async fn backup(&self) -> Result<()> {
        self.say("backup");
        if self.no_backup { bail!("disk full") } else { Ok(()) }
    }

    async fn examine(&self, _: &Path) -> Result<()> {
        if self.refused { bail!("the database is newer") } else { Ok(()) }
    }

    async fn bring_up(&self, programs: &Path) -> Result<()> {
        let version = version(programs);
        self.say(format!("up {version}"));
        if version.starts_with("bad") { bail!("core is not ready") } else { Ok(()) }
    }
}

struct Place {
    folder: tempfile::TempDir,
    layout: Layout,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let layout = Layout::new(folder.path().join("instance"));
        let place = Self { folder, layout };
        place.build("bin", "old");
        place
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn build(&self, name: &str, version: &str) -> PathBuf {
        let folder = self.at(name);
        fs::create_dir_all(&folder).unwrap();
        for program in ["helm", "hivematrix-core"] {
            fs::write(folder.join(program), format!("{program} {version}")).unwrap();
            fs::set_permissions(folder.join(program), fs::Permissions::from_mode(0o755)).unwrap();
        }
        fs::write(folder.join(build_version()), version).unwrap();
        folder
    }

    fn updater<'a>(&'a self, suite: &'a Pretended) -> Updater<'a, Pretended> {
        Updater::new(&self.layout, &self.at("bin"), suite).unwrap()
    }

    async fn update(&self, suite: &Pretended, from: &Path) -> Result<Outcome> {
        self.updater(suite).run(&Source::at(from)?).await
    }

    /// As if the process had been killed at this stage.
    fn killed_at(&self, stage: Stage, exchanged: bool) {
        let suite = Pretended::default();
        let new = self.build("next", "new");
        let updater = self.updater(&suite);
        let staged =
            updater.folders.stage(&Source::at(&new).unwrap(), &Build::of(&self.at("bin")).unwrap()).unwrap();
        let new = staged.fingerprint().unwrap();
        updater.note(&Journal { stage, new }).unwrap();
        if exchanged {
            updater.folders.exchange().unwrap();
        }
    }

    fn is_tidy(&self) -> bool {
        !self.at("bin.new").exists() && !journal(&self.at("bin")).exists()
    }
}

fn build_version() -> &'static str {
    crate::instance::build::VERSION
}

fn version(programs: &Path) -> String {
    Build::of(programs).unwrap().version().unwrap()
}

#[tokio::test]
async fn a_good_build_takes_the_place_of_the_old_one_which_is_kept() {
    let place = Place::new();
    fs::write(place.at("bin/install.json"), "{}").unwrap();
    fs::create_dir(place.at("bin/compat")).unwrap();
    fs::write(place.at("bin/compat/cli.py"), "script").unwrap();
    let (suite, new) = (Pretended::default(), place.build("next", "new"));
    assert_eq!(place.update(&suite, &new).await.unwrap(), Outcome::Updated);
    assert_eq!(suite.log(), ["backup", "up new"]);
    assert_eq!((version(&place.at("bin")), version(&place.at("bin.previous"))), ("new".into(), "old".into()));
    assert!(place.at("bin/install.json").exists(), "the note of the installation goes along");
    assert_eq!(fs::read_to_string(place.at("bin/compat/cli.py")).unwrap(), "script", "and the old names");
    assert!(place.is_tidy());
    let again = place.update(&suite, &new).await.unwrap_err();
    assert!(again.to_string().contains("in place already"));
}

#[tokio::test]
async fn a_build_that_does_not_come_up_gives_way_to_the_old_one() {
    let place = Place::new();
    let (suite, new) = (Pretended::default(), place.build("next", "bad"));
    let outcome = place.update(&suite, &new).await.unwrap();
    assert_eq!(outcome, Outcome::RolledBack("core is not ready".to_owned()));
    assert_eq!(suite.log(), ["backup", "up bad", "up old"]);
    assert_eq!(version(&place.at("bin")), "old");
    assert!(place.is_tidy());
}

#[tokio::test]
async fn without_a_backup_or_with_newer_tables_nothing_is_changed() {
    for suite in [
        Pretended { no_backup: true, ..Pretended::default() },
        Pretended { refused: true, ..Pretended::default() },
    ] {
        let place = Place::new();
        let new = place.build("next", "new");
        assert!(place.update(&suite, &new).await.is_err());
        assert_eq!(version(&place.at("bin")), "old");
        assert!(!suite.log().iter().any(|word| word.starts_with("up")));
        assert!(place.is_tidy());
    }
}

#[tokio::test]
async fn a_build_that_lacks_a_program_or_is_none_is_refused() {
    let place = Place::new();
    let (suite, new) = (Pretended::default(), place.build("next", "new"));
    fs::remove_file(new.join("hivematrix-core")).unwrap();
    let error = place.update(&suite, &new).await.unwrap_err();
    assert!(error.to_string().contains("lacks hivematrix-core"), "{error:#}");
    fs::write(place.at("next.tar.gz"), "no archive").unwrap();
    assert!(place.update(&suite, &place.at("next.tar.gz")).await.is_err());
    assert!(place.update(&suite, &place.at("nowhere")).await.is_err());
    assert_eq!(suite.log(), Vec::<String>::new());
    assert!(place.is_tidy());
}

#[tokio::test]
async fn archives_are_taken_and_their_paths_are_not() {
    for name in ["next.tar", "next.tar.gz", "next.zip"] {
        let place = Place::new();
        let new = place.build("next", "new");
        let archive = place.at(name);
        pack(&archive, &new);
        let suite = Pretended::default();
        assert_eq!(place.update(&suite, &archive).await.unwrap(), Outcome::Updated, "{name}");
        assert_eq!(version(&place.at("bin")), "new");
        assert!(!place.at("evil").exists());
    }
}

/// Packs a build below a folder of its own, with a file that would like to lie elsewhere.
fn pack(archive: &Path, build: &Path) {
    let files = ["helm", "hivematrix-core", "VERSION"];
    let content = |name: &str| fs::read(build.join(name)).unwrap();
    if archive.extension().is_some_and(|extension| extension == "zip") {
        let mut zip = zip::ZipWriter::new(File::create(archive).unwrap());
        let options = zip::write::SimpleFileOptions::default();
        for name in files {
            zip.start_file(format!("hivematrix-1/{name}"), options).unwrap();
            zip.write_all(&content(name)).unwrap();
        }
        zip.start_file("../evil", options).unwrap();
        zip.finish().unwrap();
        return;
    }
    let file: Box<dyn Write> = if archive.extension().is_some_and(|extension| extension == "gz") {
        Box::new(flate2::write::GzEncoder::new(File::create(archive).unwrap(), flate2::Compression::fast()))
    } else {
        Box::new(File::create(archive).unwrap())
    };
    let mut tar = tar::Builder::new(file);
    for name in files {
        tar.append_path_with_name(build.join(name), format!("hivematrix-1/{name}")).unwrap();
    }
    tar.into_inner().unwrap().flush().unwrap();
}

#[tokio::test]
async fn a_killed_update_is_finished_or_undone_by_the_next() {
    for (stage, exchanged, outcome, in_place, log) in [
        (Stage::Staged, false, Outcome::Discarded, "old", vec![]),
        (Stage::Swapping, false, Outcome::Discarded, "old", vec![]),
        (Stage::Swapping, true, Outcome::Updated, "new", vec!["up new"]),
        (Stage::Judging, true, Outcome::Updated, "new", vec!["up new"]),
        (Stage::Returning, true, Outcome::RolledBack("it was broken off".into()), "old", vec!["up old"]),
        (Stage::Returning, false, Outcome::RolledBack("it was broken off".into()), "old", vec!["up old"]),
    ] {
        let place = Place::new();
        place.killed_at(stage, exchanged);
        let suite = Pretended::default();
        let refused = place.update(&suite, &place.at("next")).await.unwrap_err();
        assert!(refused.to_string().contains("--resume"), "{stage:?}");
        assert_eq!(place.updater(&suite).resume().await.unwrap(), Some(outcome), "{stage:?}");
        assert_eq!(version(&place.at("bin")), in_place, "{stage:?}");
        assert_eq!(suite.log(), log, "{stage:?}");
        assert!(place.is_tidy(), "{stage:?}");
        assert_eq!(place.updater(&suite).resume().await.unwrap(), None);
    }
}

#[tokio::test]
async fn killed_at_its_very_end_an_update_still_keeps_the_programs_before_it() {
    let place = Place::new();
    place.killed_at(Stage::Judging, true);
    let suite = Pretended::default();
    place.updater(&suite).folders.keep_previous().unwrap();
    assert_eq!(place.updater(&suite).resume().await.unwrap(), Some(Outcome::Updated));
    assert_eq!((version(&place.at("bin")), version(&place.at("bin.previous"))), ("new".into(), "old".into()));
}

#[test]
fn two_updates_at_once_and_folders_that_are_not_in_place_are_refused() {
    let (place, suite) = (Place::new(), Pretended::default());
    let first = place.updater(&suite);
    let second = Updater::new(&place.layout, &place.at("bin"), &suite);
    assert!(second.err().unwrap().to_string().contains("another update"));
    drop(first);
    fs::create_dir(place.at("bin/deps")).unwrap();
    let built = Updater::new(&place.layout, &place.at("bin"), &suite);
    assert!(built.err().unwrap().to_string().contains("scripts/start.sh"));
    place.build("bin.previous", "older");
    let previous = Updater::new(&place.layout, &place.at("bin.previous"), &suite);
    assert!(previous.err().unwrap().to_string().contains("bin/helm"));
}

#[test]
fn a_backup_that_lacks_neo4j_alone_is_enough() {
    let at = |minute: u32| format!("2025-11-22T02:{minute:02}:00Z").parse().unwrap();
    let record = |parts: &[(&str, State)]| Record {
        archive: "a.tar.age".into(),
        created_at: at(10),
        finished_at: at(11),
        complete: false,
        bytes: 1,
        parts: parts
            .iter()
            .map(|(name, state)| PartRecord { name: (*name).into(), state: *state, bytes: 0, reason: None })
            .collect(),
        verified: None,
    };
    let keys = ("keys", State::Saved);
    for (parts, begun, enough) in [
        (&[keys, ("neo4j", State::Missing)][..], 10, true),
        (&[keys, ("neo4j", State::Missing)], 11, false),
        (&[keys, ("neo4j", State::Missing), ("postgresql/codex_db", State::Missing)], 10, false),
    ] {
        assert_eq!(lacks_neo4j_alone(&[record(parts)], at(begun)), enough, "{parts:?} {begun}");
    }
    assert!(!lacks_neo4j_alone(&[], at(10)));
}
