//! The private PostgreSQL cluster below `<home>/postgres`: made from the distribution's programs, never the system's own
//! cluster, never as root.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};

use super::{
    Layout,
    account::{self, Account},
    beneath::{self, Entry},
    files,
};

/// Folder below the instance directory.
pub const FOLDER: &str = "postgres";
/// Role that owns the cluster.
const SUPERUSER: &str = "hivematrix";
/// Where Debian and others keep the programs that are not on the path.
const DISTRIBUTION: &str = "/usr/lib/postgresql";

/// Settings of the cluster: small, durable, loopback only.
const SETTINGS: [&str; 14] = [
    "listen_addresses=127.0.0.1",
    // Connections are TCP only: a socket path below a deep instance directory may be too long.
    "unix_socket_directories=",
    "password_encryption=scram-sha-256",
    "fsync=on",
    "full_page_writes=on",
    "max_connections=80",
    "shared_buffers=64MB",
    "work_mem=8MB",
    "maintenance_work_mem=64MB",
    // Few checkpoints: after each one, every page that changes is written to the log as a whole.
    "max_wal_size=1GB",
    "checkpoint_timeout=15min",
    "jit=off",
    "timezone=UTC",
    "log_timezone=UTC",
];

/// A cluster that is ready to be started.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Cluster {
    /// The program `postgres`.
    pub program: PathBuf,
    /// Its arguments.
    pub args: Vec<String>,
    /// Working directory.
    pub data: PathBuf,
    /// Account it runs under, when Helm is root.
    pub account: Option<Account>,
    /// Address of the administrative database, with password.
    pub admin_url: String,
}

/// Finds the programs, makes the cluster if there is none, and says how to start it.
///
/// # Errors
/// In words: PostgreSQL is not installed, the cluster is of another version, or cannot be made.
pub fn prepare(layout: &Layout, port: u16, password: &str) -> Result<Cluster> {
    let account = account::for_server(&["hivematrix-postgresql", "postgres", "nobody"])?;
    let folder = account::server_folder(&layout.folder(FOLDER), account)?;
    let data = folder.join("data");
    let version = beneath::read_text(data.join("PG_VERSION")).ok().map(|text| text.trim().to_owned());
    let programs = find_programs(version.as_deref())?;
    if version.is_none() {
        make(&programs, &folder, &data, account, password)?;
    }
    Ok(Cluster {
        program: programs.join("postgres"),
        args: arguments(&data, port),
        data,
        account,
        admin_url: admin_url(port, password),
    })
}

/// How the server is told where its data lies, where to listen, and how it is set.
#[must_use]
pub fn arguments(data: &Path, port: u16) -> Vec<String> {
    let mut arguments = vec!["-D".to_owned(), data.display().to_string(), "-p".to_owned(), port.to_string()];
    for setting in SETTINGS {
        arguments.extend(["-c".to_owned(), setting.to_owned()]);
    }
    arguments
}

/// The administrative address of the private cluster.
#[must_use]
pub fn admin_url(port: u16, password: &str) -> String {
    format!("postgres://{SUPERUSER}:{password}@127.0.0.1:{port}/postgres")
}

/// Whether there is a cluster.
#[must_use]
pub fn exists(layout: &Layout) -> bool {
    layout.folder(FOLDER).join("data").join("PG_VERSION").exists()
}

/// Removes a cluster that was made and never used.
///
/// # Errors
/// When it cannot be removed.
pub fn discard(layout: &Layout) -> Result<()> {
    let data = layout.folder(FOLDER).join("data");
    match Entry::at(&data).and_then(fs::remove_dir_all) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove {}", data.display()))
        }
        _ => Ok(()),
    }
}

/// The programs that the cluster of an instance needs, or the newest where it has none yet.
///
/// # Errors
/// When they are not installed.
pub fn programs_of(layout: &Layout) -> Result<PathBuf> {
    let version = beneath::read_text(layout.folder(FOLDER).join("data/PG_VERSION")).ok();
    find_programs(version.as_deref().map(str::trim))
}

/// The folder with `postgres` and `initdb`: of the cluster's version when there is one, else the newest.
fn find_programs(version: Option<&str>) -> Result<PathBuf> {
    let mut found: Vec<(u32, PathBuf)> = fs::read_dir(DISTRIBUTION)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let major = entry.file_name().to_str()?.parse().ok()?;
            Some((major, entry.path().join("bin")))
        })
        .filter(|(_, bin)| has_programs(bin))
        .collect();
    found.sort();
    if let Some(version) = version {
        if let Some((_, bin)) = found.iter().find(|(major, _)| major.to_string() == version) {
            return Ok(bin.clone());
        }
        if let Some(bin) = on_path() {
            return Ok(bin);
        }
        bail!("the instance's cluster needs PostgreSQL {version}; install the package postgresql-{version}");
    }
    found.pop().map(|(_, bin)| bin).or_else(on_path).context(
        "PostgreSQL is not installed; install the package postgresql, or set HIVEMATRIX_DATABASE_URL",
    )
}

fn on_path() -> Option<PathBuf> {
    std::env::split_paths(&std::env::var_os("PATH")?).find(|folder| has_programs(folder))
}

fn has_programs(folder: &Path) -> bool {
    folder.join("postgres").is_file() && folder.join("initdb").is_file()
}

/// Makes the cluster beside its place and moves it there, so a killed `initdb` leaves nothing half-made.
fn make(programs: &Path, folder: &Path, data: &Path, account: Option<Account>, password: &str) -> Result<()> {
    let fresh = folder.join("data.new");
    if fresh.exists() {
        Entry::at(&fresh)
            .and_then(fs::remove_dir_all)
            .with_context(|| format!("cannot remove {}", fresh.display()))?;
    }
    let password_file = folder.join("password.new");
    files::write_private(&password_file, password.as_bytes())?;
    if let Some(account) = account {
        account::give(&password_file, account)?;
    }
    let mut command = Command::new(programs.join("initdb"));
    command
        .arg("-D")
        .arg(&fresh)
        .arg("--pwfile")
        .arg(&password_file)
        .args(["--auth=scram-sha-256", "--encoding=UTF8", "--locale=C.UTF-8", "--no-instructions"])
        .arg(format!("--username={SUPERUSER}"))
        .current_dir(folder)
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .stdin(Stdio::null());
    run_as(&mut command, account);
    let output = command.output().context("cannot run initdb");
    fs::remove_file(&password_file).context("cannot remove the password file of initdb")?;
    let output = output?;
    if !output.status.success() {
        bail!("initdb failed: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    let renamed = Entry::at(&fresh).and_then(|fresh| fs::rename(fresh, Entry::at(data)?));
    renamed.with_context(|| format!("cannot create {}", data.display()))
}

fn run_as(command: &mut Command, account: Option<Account>) {
    use std::os::unix::process::CommandExt;
    if let Some(Account { uid, gid }) = account {
        command.uid(uid).gid(gid);
    }
}
