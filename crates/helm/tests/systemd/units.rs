//! The units before systemd's own judges.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// The most that a unit may be exposed, in tenths (helm.md §11).
const MOST_EXPOSED: u32 = 25;

fn analyze(folder: &Path, words: &[&str]) -> Option<(bool, String)> {
    let mut command = Command::new("systemd-analyze");
    match command.args(words).current_dir(folder).output() {
        Ok(output) => {
            let text = [output.stdout, output.stderr].concat();
            Some((output.status.success(), String::from_utf8_lossy(&text).into_owned()))
        }
        Err(error) => {
            println!("skipped: systemd-analyze does not run here: {error}");
            None
        }
    }
}

/// The units of `deploy/systemd` in a folder where their programs are there, which `verify` asks for.
fn units() -> (tempfile::TempDir, Vec<String>) {
    let folder = tempfile::tempdir().unwrap();
    let from: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/systemd");
    let mut names = Vec::new();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        if !["service", "timer", "target"].iter().any(|kind| name.ends_with(kind)) {
            continue;
        }
        let text = fs::read_to_string(entry.path()).unwrap();
        let lines = text.lines().map(|line| match line.strip_prefix("ExecStart=") {
            Some(command) => {
                let arguments = command.split_once(' ').map(|(_, rest)| rest).unwrap_or_default();
                format!("ExecStart={} {arguments}\n", env!("CARGO_BIN_EXE_helm"))
            }
            None => format!("{line}\n"),
        });
        fs::write(folder.path().join(&name), lines.collect::<String>()).unwrap();
        names.push(format!("./{name}"));
    }
    (folder, names)
}

#[test]
fn systemd_finds_nothing_wrong_with_the_units() {
    let (folder, names) = units();
    let words: Vec<&str> = ["verify"].into_iter().chain(names.iter().map(String::as_str)).collect();
    if let Some((good, said)) = analyze(folder.path(), &words) {
        assert!(good && said.trim().is_empty(), "{said}");
    }
}

#[test]
fn no_unit_is_exposed_more_than_allowed() {
    let (folder, names) = units();
    let services: Vec<&String> = names.iter().filter(|name| name.ends_with(".service")).collect();
    assert!(services.len() >= 8, "{services:?}");
    for name in services {
        let threshold = format!("--threshold={MOST_EXPOSED}");
        let Some((good, said)) = analyze(folder.path(), &["security", "--offline=yes", &threshold, name])
        else {
            return;
        };
        assert!(good && said.contains("Overall exposure level"), "{said}");
    }
}
