//! Starts a process: own process group, own log files, nothing inherited.

use std::process::Stdio;

use anyhow::{Context, Result};
use tokio::process::{Child, Command};

use super::spec::UnitSpec;
use crate::instance::files;

/// Starts the process of a unit. It outlives this one: its output goes to files, not through pipes.
///
/// # Errors
/// In words: the program is missing, the logs cannot be opened, the port is taken.
pub fn launch(spec: &UnitSpec) -> Result<Child> {
    if let Some(port) = spec.port {
        free_port(port)?;
    }
    files::private_dir(&spec.logs)?;
    let log = |stream: &str| files::open_log(&spec.logs.join(format!("{}.{stream}.log", spec.name)));
    let mut command = Command::new(&spec.program);
    command
        .args(&spec.args)
        .env_clear()
        .envs(&spec.env)
        .current_dir(&spec.directory)
        .stdin(Stdio::null())
        .stdout(log("stdout")?)
        .stderr(log("stderr")?)
        .process_group(0)
        .kill_on_drop(false);
    if let Some(account) = spec.account {
        command.uid(account.uid).gid(account.gid);
    }
    command.spawn().with_context(|| format!("cannot start {}", spec.program.display()))
}

/// Fails in words when another process listens on the port.
fn free_port(port: u16) -> Result<()> {
    std::net::TcpListener::bind(("127.0.0.1", port))
        .map(drop)
        .with_context(|| format!("port {port} is taken by another process"))
}
