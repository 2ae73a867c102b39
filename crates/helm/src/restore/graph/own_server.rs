//! The suite's own Neo4j while no daemon runs: started for a restore, stopped after it.

use std::{
    fs,
    os::unix::process::CommandExt,
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use crate::{
    backup::graph,
    domain::master_config::Neo4j,
    instance::{
        Layout,
        account::Account,
        beneath, files,
        neo4j::{self, Server},
    },
};

const START_PATIENCE: Duration = Duration::from_secs(180);
const STOP_PATIENCE: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(250);
/// Which process a restore has started. Beside the journal's folder, since it may outlive it.
const NOTE: &str = "restore_neo4j.pid";

/// The running server.
pub struct OwnServer {
    pid: Pid,
    layout: Layout,
    stopped: bool,
}

impl OwnServer {
    /// Starts it. One that a killed restore left running is taken over.
    ///
    /// # Errors
    /// In words: it is not installed, or does not start.
    pub async fn start(layout: &Layout, place: &Neo4j) -> Result<Self> {
        let server = {
            let (own, place) = (layout.clone(), place.clone());
            let port = port_of(&place)?;
            let password = place.password.unwrap_or_default();
            let preparing = tokio::task::spawn_blocking(move || neo4j::prepare(&own, port, &password));
            preparing.await.context("preparing Neo4j was ended")??
        };
        let pid = match running(layout, &server.folder) {
            Some(pid) => pid,
            None => launch(layout, &server)?,
        };
        let own = Self { pid, layout: layout.clone(), stopped: false };
        own.wait(place).await?;
        Ok(own)
    }

    async fn wait(&self, place: &Neo4j) -> Result<()> {
        let started = Instant::now();
        loop {
            let error = match graph::connect(place).await {
                Ok(_) => return Ok(()),
                Err(error) => error,
            };
            if !is_alive(self.pid) {
                bail!("Neo4j does not start; see helm/logs/neo4j.stdout.log");
            }
            if started.elapsed() > START_PATIENCE {
                return Err(error.context("Neo4j does not answer"));
            }
            tokio::time::sleep(POLL).await;
        }
    }

    /// Stops it, with everything written.
    ///
    /// # Errors
    /// When it does not end.
    pub async fn stop(mut self) -> Result<()> {
        self.stopped = true;
        let _ = kill(self.pid, Signal::SIGTERM);
        let started = Instant::now();
        while is_alive(self.pid) {
            if started.elapsed() > STOP_PATIENCE {
                bail!("Neo4j does not stop");
            }
            tokio::time::sleep(POLL).await;
        }
        let _ = fs::remove_file(note(&self.layout));
        Ok(())
    }
}

impl Drop for OwnServer {
    fn drop(&mut self) {
        if !self.stopped {
            let _ = kill(self.pid, Signal::SIGTERM);
        }
    }
}

fn port_of(place: &Neo4j) -> Result<u16> {
    let url: url::Url = place.uri.parse().ok().context("the address of Neo4j is not valid")?;
    url.port().context("the address of the own Neo4j names its port")
}

fn note(layout: &Layout) -> std::path::PathBuf {
    layout.folder("helm").join("run").join(NOTE)
}

fn launch(layout: &Layout, server: &Server) -> Result<Pid> {
    if std::net::TcpListener::bind(("127.0.0.1", server.port)).is_err() {
        bail!("another process has port {} of this suite's Neo4j: stop it first", server.port);
    }
    files::private_dir(&layout.logs("helm"))?;
    files::private_dir(&layout.folder("helm").join("run"))?;
    let log = files::open_log(&layout.logs("helm").join("neo4j.stdout.log"))?;
    let mut command = Command::new(&server.program);
    command
        .args(&server.args)
        .current_dir(&server.folder)
        .env_clear()
        .env("PATH", "/usr/local/bin:/usr/bin:/bin")
        .env("LANG", "C.UTF-8")
        // Ctrl-C is for the restore, which stops the server when it is done with it.
        .process_group(0)
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log);
    if let Some(Account { uid, gid }) = server.account {
        command.uid(uid).gid(gid);
    }
    let child = command.spawn().context("cannot run java")?;
    let pid = Pid::from_raw(i32::try_from(child.id())?);
    // Waited for by its process id, as one that was taken over.
    std::thread::spawn(move || {
        let mut child = child;
        child.wait()
    });
    files::write_private(&note(layout), pid.to_string().as_bytes())?;
    Ok(pid)
}

fn is_alive(pid: Pid) -> bool {
    kill(pid, None).is_ok()
}

/// The process that a killed restore has started: what its note says, when that process is in the server's folder.
fn running(layout: &Layout, folder: &Path) -> Option<Pid> {
    let pid: i32 = beneath::read_text(note(layout)).ok()?.trim().parse().ok()?;
    let directory = fs::read_link(format!("/proc/{pid}/cwd")).ok()?;
    (directory == fs::canonicalize(folder).ok()?).then(|| Pid::from_raw(pid))
}
