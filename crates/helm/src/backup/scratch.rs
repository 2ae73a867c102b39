//! A PostgreSQL cluster for a test restore: made for it, reachable through a socket in a closed folder only, gone after it.

use std::{
    fs,
    os::unix::{fs::DirBuilderExt, process::CommandExt},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use url::Url;

use super::programs;
use crate::instance::{
    Layout,
    account::{self, Account},
    files::{self, FileLock},
};

/// Role that owns the cluster. What comes out of an archive never runs as it.
const SUPERUSER: &str = "hivematrix";
const START_PATIENCE: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(50);

/// Nothing here has to outlive a crash.
const SETTINGS: [&str; 10] = [
    "listen_addresses=",
    "unix_socket_permissions=0700",
    "fsync=off",
    "full_page_writes=off",
    "wal_level=minimal",
    "max_wal_senders=0",
    "max_connections=20",
    "shared_buffers=64MB",
    "maintenance_work_mem=64MB",
    "autovacuum=off",
];

/// The cluster; it is stopped and removed with this.
pub struct Scratch {
    child: Option<Child>,
    sockets: PathBuf,
    folder: PathBuf,
    link: PathBuf,
    _lock: FileLock,
}

impl Scratch {
    /// Makes and starts a cluster that understands dumps of this major version.
    ///
    /// # Errors
    /// In words: PostgreSQL is not installed, another test restore runs, or the cluster does not start.
    pub async fn start(layout: &Layout, major: i32) -> Result<Self> {
        let bin = programs::folder_of("initdb", major)?;
        let Some(lock) = lock(layout).await? else { bail!("another test restore is running") };
        let account = account::for_server(&["postgres", "nobody"])?;
        let link = layout.folder("scratch");
        // What a killed test restore has left. Its server ends by itself when its folder is gone.
        remove(&link);
        let folder = account::server_folder(&link, account)?;
        let sockets = socket_folder(account)?;
        let mut scratch = Self { child: None, sockets, folder, link, _lock: lock };
        let mut making = scratch.initdb(&bin, account);
        let output = tokio::task::spawn_blocking(move || making.output())
            .await
            .context("making the cluster was ended")?
            .context("cannot run initdb")?;
        if !output.status.success() {
            bail!("initdb failed: {}", programs::last_words(&output.stderr));
        }
        scratch.child = Some(scratch.server(&bin, account).spawn().context("cannot run postgres")?);
        scratch.wait().await?;
        Ok(scratch)
    }

    fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    fn initdb(&self, bin: &Path, account: Option<Account>) -> Command {
        let mut command = self.command(&bin.join("initdb"), account);
        command
            .arg("-D")
            .arg(self.data())
            .args(["--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync", "--no-instructions"])
            .arg(format!("--username={SUPERUSER}"))
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        command
    }

    fn server(&self, bin: &Path, account: Option<Account>) -> Command {
        let mut command = self.command(&bin.join("postgres"), account);
        command.arg("-D").arg(self.data());
        command.arg("-c").arg(format!("unix_socket_directories={}", self.sockets.display()));
        for setting in SETTINGS {
            command.args(["-c", setting]);
        }
        command.stdout(Stdio::null()).stderr(Stdio::null());
        command
    }

    fn command(&self, program: &Path, account: Option<Account>) -> Command {
        let mut command = Command::new(program);
        command
            .current_dir(&self.folder)
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .env("LC_ALL", "C.UTF-8")
            .stdin(Stdio::null());
        if let Some(Account { uid, gid }) = account {
            command.uid(uid).gid(gid);
        }
        command
    }

    async fn wait(&mut self) -> Result<()> {
        let started = Instant::now();
        loop {
            let error = match super::database::connect(&self.admin_url()?).await {
                Ok(_) => return Ok(()),
                Err(error) => error,
            };
            if let Some(child) = &mut self.child
                && let Some(status) = child.try_wait()?
            {
                bail!("the cluster of the test restore ended with {status}");
            }
            if started.elapsed() > START_PATIENCE {
                return Err(error.context("the cluster of the test restore does not answer"));
            }
            tokio::time::sleep(POLL).await;
        }
    }

    /// The address of its administrator.
    ///
    /// # Errors
    /// As [`Self::url`].
    pub fn admin_url(&self) -> Result<String> {
        self.url(SUPERUSER, "postgres")
    }

    /// The address of a database of it, as this role.
    ///
    /// # Errors
    /// When a name cannot stand in an address.
    pub fn url(&self, role: &str, database: &str) -> Result<String> {
        let mut url: Url = "postgres://localhost".parse()?;
        let sockets = self.sockets.to_str().context("the folder for temporary files has a strange name")?;
        url.set_path(database);
        url.query_pairs_mut().append_pair("host", sockets);
        if url.set_username(role).is_err() {
            bail!("the role {role} cannot stand in an address");
        }
        Ok(url.into())
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            // Immediate shutdown, of the server and of its children.
            if let Ok(pid) = i32::try_from(child.id()) {
                let _ = kill(Pid::from_raw(pid), Signal::SIGQUIT);
            }
            let _ = child.wait();
        }
        let _ = fs::remove_dir_all(&self.sockets);
        remove(&self.link);
    }
}

/// A short path: the address of a socket has room for 107 bytes.
fn socket_folder(account: Option<Account>) -> Result<PathBuf> {
    let folder = std::env::temp_dir().join(format!("hivematrix-{:08x}", rand::random::<u32>()));
    fs::DirBuilder::new()
        .mode(0o700)
        .create(&folder)
        .with_context(|| format!("cannot create the folder {}", folder.display()))?;
    if let Some(account) = account {
        account::give(&folder, account)?;
    }
    Ok(folder)
}

/// The right to make such a cluster; `None` while another process has one.
async fn lock(layout: &Layout) -> Result<Option<FileLock>> {
    /// Whoever sweeps holds it for a moment.
    const GLANCE: Duration = Duration::from_millis(500);
    files::private_dir(&super::folder(layout))?;
    FileLock::take_within(&super::folder(layout).join("verify.lock"), GLANCE).await
}

/// Removes what a killed test restore has left: it holds what the databases hold. Nothing happens while one runs.
pub async fn sweep(layout: &Layout) {
    let link = layout.folder("scratch");
    if fs::symlink_metadata(&link).is_err() {
        return;
    }
    match lock(layout).await {
        Ok(Some(_lock)) => remove(&link),
        Ok(None) => {}
        Err(error) => tracing::warn!(error = format!("{error:#}"), "what a test restore left is not removed"),
    }
}

/// Removes the folder, also where it is a link to one that was made outside the instance directory; nothing else that a link
/// leads to. The link to one that this account cannot remove stays, for one that can.
fn remove(link: &Path) {
    match fs::read_link(link) {
        Ok(target) => {
            if account::is_outside_folder(link, &target) {
                let _ = fs::remove_dir_all(&target);
            }
            if !account::is_outside_folder(link, &target) || fs::symlink_metadata(&target).is_err() {
                let _ = fs::remove_file(link);
            }
        }
        Err(_) => {
            let _ = fs::remove_dir_all(link);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_link_leads_to_is_not_removed() {
        let folder = tempfile::tempdir().unwrap();
        let (link, other) = (folder.path().join("scratch"), folder.path().join("other"));
        fs::create_dir_all(other.join("inner")).unwrap();
        std::os::unix::fs::symlink(&other, &link).unwrap();
        remove(&link);
        assert!(fs::symlink_metadata(&link).is_err() && other.join("inner").exists());
        fs::create_dir_all(link.join("data")).unwrap();
        remove(&link);
        assert!(!link.exists());
    }

    #[tokio::test]
    async fn what_a_killed_test_restore_left_is_swept_and_what_a_running_one_has_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let layout = Layout::new(folder.path().join("instance"));
        let data = layout.folder("scratch").join("data");
        sweep(&layout).await;
        assert!(!layout.home().exists(), "nothing is made where nothing is");
        fs::create_dir_all(&data).unwrap();
        let running = lock(&layout).await.unwrap();
        sweep(&layout).await;
        assert!(running.is_some() && data.exists());
        drop(running);
        sweep(&layout).await;
        assert!(!layout.folder("scratch").exists());
    }
}
