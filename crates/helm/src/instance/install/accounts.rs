//! The accounts of the services: without password, shell or home.

use std::{path::Path, process::Command};

use anyhow::{Context, Result, bail};
use nix::unistd::User;

/// Makes the missing ones, by systemd-sysusers where it is there, else one by one. Returns the names of those made.
///
/// # Errors
/// With what the tool says.
pub fn make_accounts(names: &[String], sysusers: &Path, home: &Path) -> Result<Vec<String>> {
    let mut missing = Vec::new();
    for name in names {
        if User::from_name(name)?.is_none() {
            missing.push(name.clone());
        }
    }
    if missing.is_empty() {
        return Ok(missing);
    }
    if on_path("systemd-sysusers") {
        run(Command::new("systemd-sysusers").arg(sysusers))?;
    } else {
        for name in &missing {
            run(Command::new("useradd")
                .args(["--system", "--user-group", "--no-create-home", "--shell", "/usr/sbin/nologin"])
                .arg("--home-dir")
                .arg(home)
                .arg(name))?;
        }
    }
    Ok(missing)
}

fn on_path(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

fn run(command: &mut Command) -> Result<()> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command.output().with_context(|| format!("cannot run {name}"))?;
    if !output.status.success() {
        bail!("{name}: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(())
}
