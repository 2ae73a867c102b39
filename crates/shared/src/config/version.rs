//! Which version runs: the last commit of the checkout it was started from, else what the file `VERSION` says.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::OnceLock,
};

/// What is shown where nobody knows.
pub const UNKNOWN: &str = "unknown";

/// What only a checkout of this project has; the folder of another project above an installed program is none.
const MARKS: [&str; 3] = [".git", "Cargo.toml", "crates/shared"];

/// `YYYY.MM.DD-<short hash>` of the checkout that the program lies in or works in, else the text of `VERSION` beside the program
/// or in the instance directory, else [`UNKNOWN`]. The checkout is asked once in the life of a process.
pub(super) fn version(home: &Path) -> String {
    static COMMIT: OnceLock<Option<String>> = OnceLock::new();
    let program = env::current_exe().ok().and_then(|program| program.parent().map(Path::to_owned));
    let places = [program.clone(), env::current_dir().ok()];
    let commit = COMMIT.get_or_init(|| places.into_iter().flatten().find_map(|place| commit(&place)));
    commit.clone().or_else(|| written([program.as_deref(), Some(home)])).unwrap_or_else(|| UNKNOWN.to_owned())
}

/// The version of the checkout around a folder.
fn commit(folder: &Path) -> Option<String> {
    let checkout = folder.ancestors().find(|folder| MARKS.iter().all(|mark| folder.join(mark).exists()))?;
    let output = Command::new("git")
        .arg("-C")
        .arg(checkout)
        .args(["log", "-1", "--date=format:%Y.%m.%d", "--format=%cd-%h"])
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .ok()?;
    let text = String::from_utf8(output.stdout).ok().filter(|_| output.status.success())?;
    tidy(&text)
}

/// The first of these folders' `VERSION` that says something.
fn written<'a>(folders: impl IntoIterator<Item = Option<&'a Path>>) -> Option<String> {
    let files = folders.into_iter().flatten().map(|folder: &Path| -> PathBuf { folder.join("VERSION") });
    files.into_iter().find_map(|file| tidy(&fs::read_to_string(file).ok()?))
}

fn tidy(text: &str) -> Option<String> {
    Some(text.trim().to_owned()).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn git(folder: &Path, arguments: &[&str]) {
        let done = Command::new("git")
            .arg("-C")
            .arg(folder)
            .args(["-c", "user.name=Nobody", "-c", "user.email=nobody@example.test"])
            .args(arguments)
            .env("GIT_COMMITTER_DATE", "2025-11-22T10:30:00+00:00")
            .stdout(Stdio::null())
            .status()
            .unwrap();
        assert!(done.success(), "git {arguments:?}");
    }

    #[test]
    fn a_checkout_is_known_by_the_day_and_hash_of_its_last_commit() {
        let checkout = tempfile::tempdir().unwrap();
        let programs = checkout.path().join("target/release");
        fs::create_dir_all(&programs).unwrap();
        fs::create_dir_all(checkout.path().join("crates/shared")).unwrap();
        git(checkout.path(), &["init", "-q"]);
        git(checkout.path(), &["commit", "-q", "--allow-empty", "--no-gpg-sign", "-m", "first"]);
        assert_eq!(commit(&programs), None, "the checkout of another project");
        fs::write(checkout.path().join("Cargo.toml"), "").unwrap();
        let version = commit(&programs).unwrap();
        let hash = version.strip_prefix("2025.11.22-").unwrap();
        assert!(hash.len() >= 4 && hash.bytes().all(|b| b.is_ascii_hexdigit()), "{version}");
    }

    #[test]
    fn without_a_checkout_the_first_file_counts() {
        let (programs, home) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let found = || written([Some(programs.path()), None, Some(home.path())]);
        assert_eq!(found(), None);
        fs::write(home.path().join("VERSION"), "2025.11.20-abc1234\n").unwrap();
        fs::write(programs.path().join("VERSION"), " \n").unwrap();
        assert_eq!(found().as_deref(), Some("2025.11.20-abc1234"), "an empty file says nothing");
        fs::write(programs.path().join("VERSION"), "2025.11.22-def5678").unwrap();
        assert_eq!(found().as_deref(), Some("2025.11.22-def5678"));
    }
}
