//! Processes as the kernel sees them. A process is known by its id and its start time together, since ids are reused.

use std::{collections::BTreeMap, fs, path::Path, sync::LazyLock};

use nix::{
    errno::Errno,
    sys::signal::{Signal, kill, killpg},
    unistd::Pid,
};
use serde::{Deserialize, Serialize};

/// Clock ticks per second of `/proc`; fixed by the kernel's interface on every Linux.
const TICKS_PER_SECOND: u64 = 100;
const PAGE: u64 = 4096;

/// One process, for good: never mistaken for a later one with the same id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// Process id.
    pub pid: i32,
    /// Start time in clock ticks since boot.
    pub start_ticks: u64,
    /// The boot it belongs to.
    pub boot: String,
}

/// What is measured of one process.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Usage {
    /// Bytes: the proportional share where readable, else resident memory.
    pub memory: u64,
    /// Processor time used so far, in seconds.
    pub cpu_seconds: f64,
}

impl Identity {
    /// The identity of a running process.
    #[must_use]
    pub fn of(pid: i32) -> Option<Self> {
        let stat = Stat::read(pid)?;
        Some(Self { pid, start_ticks: stat.start_ticks, boot: boot_id().to_owned() })
    }

    /// Whether this very process still runs; a zombie does not.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        Stat::read(self.pid).is_some_and(|stat| stat.state != 'Z' && stat.start_ticks == self.start_ticks)
            && self.boot == boot_id()
    }

    /// Sends a signal to the process and, where it leads one, to its process group.
    pub fn signal(&self, signal: Signal, group: bool) {
        if !self.is_alive() {
            return;
        }
        let pid = Pid::from_raw(self.pid);
        let outcome = if group { killpg(pid, signal) } else { kill(pid, signal) };
        match outcome {
            Ok(()) => {}
            Err(Errno::ESRCH) if group => {
                // It leads no group of its own; the process itself may still be there.
                let _ = kill(pid, signal);
            }
            Err(error) => tracing::debug!(pid = self.pid, error = %error, "signal not delivered"),
        }
    }

    /// Memory and processor time now, of the process and its descendants.
    #[must_use]
    pub fn usage(&self) -> Option<Usage> {
        self.is_alive().then(|| sum(&family(self.pid)))
    }

    /// As [`Identity::usage`], of the process alone: Helm's descendants are the other services.
    #[must_use]
    pub fn usage_alone(&self) -> Option<Usage> {
        self.is_alive().then(|| sum(&[self.pid]))
    }

    /// The variables it was started with, where they can be read.
    #[must_use]
    pub fn environment(&self) -> Option<BTreeMap<String, String>> {
        let text = fs::read(format!("/proc/{}/environ", self.pid)).ok().filter(|_| self.is_alive())?;
        let entries = text.split(|byte| *byte == 0).filter_map(|entry| {
            let (name, value) = std::str::from_utf8(entry).ok()?.split_once('=')?;
            Some((name.to_owned(), value.to_owned()))
        });
        Some(entries.collect())
    }

    /// Seconds since the process was started.
    #[must_use]
    pub fn age_seconds(&self) -> Option<u64> {
        let uptime: f64 = fs::read_to_string("/proc/uptime").ok()?.split_whitespace().next()?.parse().ok()?;
        let age = uptime - seconds(self.start_ticks);
        Some(if age > 0.0 { std::time::Duration::from_secs_f64(age).as_secs() } else { 0 })
    }
}

fn sum(pids: &[i32]) -> Usage {
    let mut total = Usage::default();
    for pid in pids {
        let Some(stat) = Stat::read(*pid) else { continue };
        total.memory += memory_of(*pid).unwrap_or(0);
        total.cpu_seconds += seconds(stat.cpu_ticks);
    }
    total
}

#[expect(clippy::cast_precision_loss, reason = "ticks of a machine's life fit a double exactly")]
fn seconds(ticks: u64) -> f64 {
    ticks as f64 / TICKS_PER_SECOND as f64
}

/// The fields of `/proc/<pid>/stat` that matter here.
struct Stat {
    state: char,
    parent: i32,
    cpu_ticks: u64,
    start_ticks: u64,
}

impl Stat {
    fn read(pid: i32) -> Option<Self> {
        Self::parse(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
    }

    /// The program name in parentheses may itself contain anything, so fields are counted from the last one.
    fn parse(text: &str) -> Option<Self> {
        let fields: Vec<&str> = text.get(text.rfind(')')? + 1..)?.split_whitespace().collect();
        let number = |index: usize| fields.get(index)?.parse::<u64>().ok();
        Some(Self {
            state: fields.first()?.chars().next()?,
            parent: fields.get(1)?.parse().ok()?,
            cpu_ticks: number(11)? + number(12)?,
            start_ticks: number(19)?,
        })
    }
}

/// Does not change while this process runs, and is asked for several times a second.
fn boot_id() -> &'static str {
    static BOOT: LazyLock<String> = LazyLock::new(|| {
        let text = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
        text.trim().to_owned()
    });
    &BOOT
}

fn processes() -> impl Iterator<Item = i32> {
    fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

/// A process and all its descendants.
fn family(ancestor: i32) -> Vec<i32> {
    let parents: Vec<(i32, i32)> =
        processes().filter_map(|pid| Some((pid, Stat::read(pid)?.parent))).collect();
    let mut family = vec![ancestor];
    let mut next = 0;
    while let Some(parent) = family.get(next).copied() {
        family.extend(parents.iter().filter(|(_, of)| *of == parent).map(|(pid, _)| *pid));
        next += 1;
    }
    family
}

fn memory_of(pid: i32) -> Option<u64> {
    let share = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok().and_then(|text| {
        let line = text.lines().find(|line| line.starts_with("Pss:"))?;
        line.split_whitespace().nth(1)?.parse::<u64>().ok()
    });
    if let Some(kibibytes) = share {
        return Some(kibibytes * 1024);
    }
    let statm = fs::read_to_string(format!("/proc/{pid}/statm")).ok()?;
    statm.split_whitespace().nth(1)?.parse::<u64>().ok().map(|pages| pages * PAGE)
}

/// A running process of `program` whose environment has all of `marks`: how a process is found again when its record was
/// lost.
#[must_use]
pub fn find(program: &Path, marks: &[(&str, &str)]) -> Option<Identity> {
    // The kernel names the file behind every link, such as the `python` of a virtual environment.
    let program = fs::canonicalize(program).unwrap_or_else(|_| program.to_owned());
    let marks: Vec<Vec<u8>> =
        marks.iter().map(|(name, value)| format!("{name}={value}").into_bytes()).collect();
    processes().find_map(|pid| {
        let executable = fs::read_link(format!("/proc/{pid}/exe")).ok()?;
        let path = executable.to_string_lossy();
        // A program file that was replaced while it runs is shown with this ending.
        if Path::new(path.trim_end_matches(" (deleted)")) != program.as_path() {
            return None;
        }
        let environment = fs::read(format!("/proc/{pid}/environ")).ok()?;
        let has = |mark: &Vec<u8>| environment.split(|byte| *byte == 0).any(|entry| entry == mark.as_slice());
        if marks.iter().all(has) { Identity::of(pid).filter(Identity::is_alive) } else { None }
    })
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn a_process_name_with_spaces_and_parentheses_is_read() {
        let text = "42 (a b) c) S 1 40 40 0 -1 0 0 0 0 0 7 5 0 0 20 0 1 0 12345 0 0";
        let stat = Stat::parse(text).unwrap();
        assert_eq!((stat.state, stat.parent, stat.cpu_ticks, stat.start_ticks), ('S', 1, 12, 12345));
    }

    #[test]
    fn a_reused_process_id_is_another_process() {
        let own = Identity::of(i32::try_from(std::process::id()).unwrap()).unwrap();
        assert!(own.is_alive());
        assert!(!Identity { start_ticks: own.start_ticks + 1, ..own.clone() }.is_alive());
        assert!(!Identity { boot: "another".into(), ..own }.is_alive());
    }

    #[test]
    fn a_zombie_is_not_alive() {
        let mut child = Command::new("true").stdin(Stdio::null()).spawn().unwrap();
        let pid = i32::try_from(child.id()).unwrap();
        while Stat::read(pid).is_some_and(|stat| stat.state != 'Z') {
            std::thread::yield_now();
        }
        let zombie = Identity::of(pid).unwrap();
        assert!(!zombie.is_alive());
        child.wait().unwrap();
    }

    #[test]
    fn a_process_is_found_by_program_and_environment() {
        let sleep = fs::canonicalize("/usr/bin/sleep").unwrap();
        let mark = format!("find-test-{}", std::process::id());
        let mut child = Command::new(&sleep).arg("60").env("MARK", &mark).spawn().unwrap();
        // The kernel shows the environment only a moment after the program was started.
        while fs::read(format!("/proc/{}/environ", child.id())).unwrap().is_empty() {
            std::thread::yield_now();
        }
        let found = find(&sleep, &[("MARK", &mark)]);
        assert_eq!(found.as_ref().map(|identity| identity.pid), i32::try_from(child.id()).ok());
        assert_eq!(find(&sleep, &[("MARK", "another")]), None);
        let folder = tempfile::tempdir().unwrap();
        let link = folder.path().join("python");
        std::os::unix::fs::symlink(&sleep, &link).unwrap();
        assert_eq!(find(&link, &[("MARK", &mark)]), found, "behind a link as well");
        child.kill().unwrap();
        child.wait().unwrap();
    }

    #[test]
    fn memory_and_age_of_a_process_are_known() {
        let own = Identity::of(i32::try_from(std::process::id()).unwrap()).unwrap();
        assert!(own.age_seconds().is_some());
        assert!(memory_of(own.pid).unwrap() > 100_000);
    }
}
