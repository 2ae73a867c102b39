//! The private cluster while no daemon runs: started for a restore, stopped after it.

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
use sqlx::{Connection, PgConnection};

use crate::{
    backup::database,
    instance::{
        Layout,
        account::Account,
        files,
        postgres::{self, Cluster},
    },
};

const START_PATIENCE: Duration = Duration::from_secs(60);
const STOP_PATIENCE: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(50);

/// The running cluster.
pub struct Server {
    pid: Pid,
    cluster: Cluster,
    stopped: bool,
}

impl Server {
    /// Starts the cluster, which is made when there is none. One that a killed restore left running is taken over.
    ///
    /// # Errors
    /// In words: PostgreSQL is not installed, or the cluster does not start.
    pub async fn start(layout: &Layout, port: u16, password: &str) -> Result<Self> {
        let (own, password) = (layout.clone(), password.to_owned());
        let preparing = tokio::task::spawn_blocking(move || postgres::prepare(&own, port, &password));
        let cluster = preparing.await.context("preparing the cluster was ended")??;
        if let Some(pid) = running(&cluster.data) {
            let server = Self { pid, cluster, stopped: false };
            server.wait().await?;
            return Ok(server);
        }
        files::private_dir(&layout.logs("helm"))?;
        let log = files::open_log(&layout.logs("helm").join("postgresql.stderr.log"))?;
        let mut command = Command::new(&cluster.program);
        command
            .args(&cluster.args)
            .current_dir(&cluster.data)
            .env_clear()
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .env("LANG", "C.UTF-8")
            // Ctrl-C is for the restore, which stops the server when it is done with it.
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log);
        if let Some(Account { uid, gid }) = cluster.account {
            command.uid(uid).gid(gid);
        }
        let child = command.spawn().context("cannot run postgres")?;
        let pid = Pid::from_raw(i32::try_from(child.id())?);
        // Waited for by its process id, as one that was taken over.
        std::thread::spawn(move || {
            let mut child = child;
            child.wait()
        });
        let server = Self { pid, cluster, stopped: false };
        server.wait().await?;
        Ok(server)
    }

    async fn wait(&self) -> Result<()> {
        let started = Instant::now();
        loop {
            let error = match database::connect(&self.cluster.admin_url).await {
                Ok(connection) => return self.is_ours(connection).await,
                Err(error) => error,
            };
            if !is_alive(self.pid) {
                bail!("PostgreSQL does not start; see helm/logs/postgresql.stderr.log");
            }
            if started.elapsed() > START_PATIENCE {
                return Err(error.context("PostgreSQL does not answer"));
            }
            tokio::time::sleep(POLL).await;
        }
    }

    /// Another suite may have the port, and on a machine beside the lost one even the same password.
    async fn is_ours(&self, mut connection: PgConnection) -> Result<()> {
        let folder: String = sqlx::query_scalar("SHOW data_directory").fetch_one(&mut connection).await?;
        connection.close().await?;
        if fs::canonicalize(&folder).ok() != fs::canonicalize(&self.cluster.data).ok() {
            bail!(
                "another suite's PostgreSQL has the port of this one (it keeps {folder}); stop it, or set \
                 HIVEMATRIX_PORT_OFFSET for this one"
            );
        }
        Ok(())
    }

    /// Stops it, with everything written.
    ///
    /// # Errors
    /// When it does not end.
    pub async fn stop(mut self) -> Result<()> {
        self.stopped = true;
        stop(self.pid).await
    }

    /// Stops a cluster that a killed restore has left running, if it has; none is started for that.
    ///
    /// # Errors
    /// When it does not end.
    pub async fn stop_left(layout: &Layout) -> Result<()> {
        match running(&layout.folder(postgres::FOLDER).join("data")) {
            Some(pid) => stop(pid).await,
            None => Ok(()),
        }
    }
}

async fn stop(pid: Pid) -> Result<()> {
    let _ = kill(pid, Signal::SIGINT);
    let started = Instant::now();
    while is_alive(pid) {
        if started.elapsed() > STOP_PATIENCE {
            bail!("PostgreSQL does not stop");
        }
        tokio::time::sleep(POLL).await;
    }
    Ok(())
}

impl Drop for Server {
    fn drop(&mut self) {
        if !self.stopped {
            let _ = kill(self.pid, Signal::SIGINT);
        }
    }
}

fn is_alive(pid: Pid) -> bool {
    kill(pid, None).is_ok()
}

/// The process that runs the cluster in this folder: what its file says, when that process is in that folder.
fn running(data: &Path) -> Option<Pid> {
    let text = fs::read_to_string(data.join("postmaster.pid")).ok()?;
    let pid: i32 = text.lines().next()?.trim().parse().ok()?;
    let directory = fs::read_link(format!("/proc/{pid}/cwd")).ok()?;
    (directory == fs::canonicalize(data).ok()?).then(|| Pid::from_raw(pid))
}
