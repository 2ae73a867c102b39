//! What a supervised process is: how it is started, when it counts as ready and alive, how it is stopped.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    time::Duration,
};

use aws_lc_rs::digest::{Context, SHA256};
use nix::sys::signal::Signal;

use super::probe::Probe;
use crate::{domain::status::UnitKind, instance::account::Account};

/// One process to supervise.
#[derive(Debug, Clone)]
pub struct UnitSpec {
    /// Unique name: the service's, or the server's.
    pub name: String,
    /// Service, server or helper.
    pub kind: UnitKind,
    /// Program, absolute.
    pub program: PathBuf,
    /// Arguments; no secrets, since everyone on the machine can read them.
    pub args: Vec<String>,
    /// The complete environment.
    pub env: BTreeMap<String, String>,
    /// Working directory.
    pub directory: PathBuf,
    /// Account it runs under; `None` = Helm's own.
    pub account: Option<Account>,
    /// Folder of its `stdout` and `stderr` logs.
    pub logs: PathBuf,
    /// Units that must be ready first.
    pub after: Vec<String>,
    /// Port it listens on.
    pub port: Option<u16>,
    /// Base URL, for what has one.
    pub url: Option<String>,
    /// When it is ready.
    pub ready: Probe,
    /// When it is alive; `None` = as long as the process runs.
    pub alive: Option<Probe>,
    /// How its health is asked where it has no `/health`; never a reason for a restart.
    pub health: Option<Probe>,
    /// How it is stopped, and how patient its guards are.
    pub timing: Timing,
}

/// The signal to stop, and the times of one unit.
#[derive(Debug, Clone)]
pub struct Timing {
    /// The polite signal to stop.
    pub stop_signal: Signal,
    /// Whether the polite signal goes to the whole process group.
    pub stop_group: bool,
    /// After this the whole process group is killed.
    pub stop_grace: Duration,
    /// Those that wait for this unit start without it after this time.
    pub ready_deadline: Duration,
    /// Pause between readiness probes.
    pub ready_interval: Duration,
    /// Pause between liveness probes.
    pub alive_interval: Duration,
    /// Liveness probes that may fail in a row.
    pub alive_failures: u32,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            stop_signal: Signal::SIGTERM,
            stop_group: true,
            stop_grace: Duration::from_secs(10),
            ready_deadline: Duration::from_secs(30),
            ready_interval: Duration::from_millis(25),
            alive_interval: Duration::from_secs(10),
            alive_failures: 3,
        }
    }
}

/// Values that differ from call to call and must not cause a restart.
const ONCE_ONLY: [&str; 2] = ["HIVEMATRIX_ADMIN_PASSWORD", "HIVEMATRIX_ADMIN_PASSWORD_FILE"];

impl UnitSpec {
    /// A service that is ready and alive as long as its program runs, which gets neither arguments nor an environment.
    #[must_use]
    pub fn plain(name: &str, program: impl Into<PathBuf>, directory: &Path, logs: PathBuf) -> Self {
        Self {
            name: name.to_owned(),
            kind: UnitKind::Service,
            program: program.into(),
            args: Vec::new(),
            env: BTreeMap::new(),
            directory: directory.to_owned(),
            account: None,
            logs,
            after: Vec::new(),
            port: None,
            url: None,
            ready: Probe::Running,
            alive: None,
            health: None,
            timing: Timing::default(),
        }
    }

    /// Stands for everything that a running process cannot be told later: program file, arguments, environment. A
    /// running unit with another fingerprint is out of date.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let mut context = Context::new(&SHA256);
        let mut add = |part: &str| {
            context.update(part.as_bytes());
            context.update(b"\0");
        };
        add(&self.program.to_string_lossy());
        if let Ok(metadata) = std::fs::metadata(&self.program) {
            use std::os::unix::fs::MetadataExt;
            add(&format!("{} {}.{}", metadata.len(), metadata.mtime(), metadata.mtime_nsec()));
        }
        for argument in &self.args {
            add(argument);
        }
        for (name, value) in self.env.iter().filter(|(name, _)| !ONCE_ONLY.contains(&name.as_str())) {
            add(name);
            add(value);
        }
        context.finish().as_ref().iter().take(16).map(|byte| format!("{byte:02x}")).collect()
    }
}
