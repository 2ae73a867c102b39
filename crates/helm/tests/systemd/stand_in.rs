//! The stand-in `systemctl`.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
};

/// Units `*.pid` are those that run; a file `refuse` makes every start fail. As with systemd, the stop of a target is over
/// before those of its units are, unless they are named as well.
const SCRIPT: &str = r#"#!/bin/sh
cd "$(dirname "$0")" || exit 9
[ "$1" = --no-ask-password ] || exit 8
shift
echo "$@" >> told
runs() {
  p=$(cat "$1.pid" 2>/dev/null) && state=$(cut -d' ' -f3 "/proc/$p/stat" 2>/dev/null) && [ "$state" != Z ]
}
down() { runs "$1" && kill -9 "$p"; rm -f "$1.pid"; }
up() {
  [ -e refuse ] && { echo "Job for $1 failed." >&2; exit 1; }
  runs "$1" && return
  sleep 1000 </dev/null >/dev/null 2>&1 &
  echo $! > "$1.pid"
}
word=$1; shift
case $word in
  start) for unit; do up "$unit"; done ;;
  stop)
    for unit; do
      case $unit in
        *.target) (sleep 1; for one in *.service.pid; do down "${one%.pid}"; done) >/dev/null 2>&1 & ;;
        *) down "$unit" ;;
      esac
    done ;;
  restart) for unit; do down "$unit"; up "$unit"; done ;;
  show)
    for unit; do
      case $unit in --*) continue ;; esac
      if runs "$unit"; then active=active sub=running; else active=inactive sub=dead p=0; fi
      echo "Id=$unit"; echo LoadState=loaded; echo "ActiveState=$active"; echo "SubState=$sub"
      echo "MainPID=$p"; echo NRestarts=0; echo Result=success; echo
    done ;;
esac
"#;

/// A folder with the program and what it keeps.
pub struct StandIn {
    folder: tempfile::TempDir,
}

impl StandIn {
    pub fn new() -> Self {
        let stand_in = Self { folder: tempfile::tempdir().unwrap() };
        fs::write(stand_in.program(), SCRIPT).unwrap();
        fs::set_permissions(stand_in.program(), fs::Permissions::from_mode(0o755)).unwrap();
        stand_in
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub fn program(&self) -> PathBuf {
        self.folder().join("systemctl")
    }

    /// What it was told, without the questions.
    pub fn orders(&self) -> Vec<String> {
        let told = fs::read_to_string(self.folder().join("told")).unwrap_or_default();
        told.lines().filter(|line| !line.starts_with("show")).map(str::to_owned).collect()
    }

    /// The process of a unit.
    pub fn pid(&self, unit: &str) -> i32 {
        fs::read_to_string(self.folder().join(format!("{unit}.pid"))).unwrap().trim().parse().unwrap()
    }

    /// As an operator who goes past Helm.
    pub fn tell(&self, words: &[&str]) {
        assert!(
            Command::new(self.program()).arg("--no-ask-password").args(words).status().unwrap().success()
        );
    }

    /// From now on nothing starts.
    pub fn refuse(&self) {
        fs::write(self.folder().join("refuse"), "").unwrap();
    }
}

impl Drop for StandIn {
    fn drop(&mut self) {
        for entry in fs::read_dir(self.folder()).unwrap().flatten() {
            let name = entry.file_name().into_string().unwrap();
            if let Some(unit) = name.strip_suffix(".pid") {
                self.tell(&["stop", unit]);
            }
        }
    }
}
