//! The private Redis server below `<home>/redis`: own port, own password, every write kept.

use std::path::PathBuf;

use anyhow::Result;
use serde::{Deserialize, Serialize};

use super::{
    Layout,
    account::{self, Account},
    files,
};

/// Folder below the instance directory.
pub const FOLDER: &str = "redis";

/// A server that is ready to be started.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Server {
    /// The program `redis-server`.
    pub program: PathBuf,
    /// Its configuration file (0600): the password stands in no argument.
    pub config: PathBuf,
    /// Working directory.
    pub folder: PathBuf,
    /// Account it runs under, when Helm is root.
    pub account: Option<Account>,
    /// Address with password.
    pub url: String,
}

/// Writes the configuration and says how to start the server; `None` when Redis is not installed, in which case Core and
/// Nexus keep their sessions in memory.
///
/// # Errors
/// When the folder or the configuration cannot be written.
pub fn prepare(layout: &Layout, port: u16, password: &str) -> Result<Option<Server>> {
    let Some(program) = find_program() else { return Ok(None) };
    let account = account::for_server(&["hivematrix-redis", "redis", "nobody"])?;
    let folder = account::server_folder(&layout.folder(FOLDER), account)?;
    let config = folder.join("redis.conf");
    // Written whole, only when it changed; an append-only file, so that no session is lost with the process.
    let text = format!(
        "bind 127.0.0.1\nport {port}\nprotected-mode yes\nrequirepass {password}\ndaemonize no\n\
         dir \"{}\"\nappendonly yes\nappendfsync everysec\nsave \"\"\nmaxmemory-policy noeviction\n\
         logfile \"\"\n",
        folder.display()
    );
    files::write_private(&config, text.as_bytes())?;
    if let Some(account) = account {
        account::give(&config, account)?;
    }
    Ok(Some(Server {
        program,
        config,
        folder,
        account,
        url: format!("redis://:{password}@127.0.0.1:{port}/0"),
    }))
}

/// Whether there is a Redis to run.
#[must_use]
pub fn is_installed() -> bool {
    find_program().is_some()
}

fn find_program() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(["/usr/bin".into(), "/usr/local/bin".into()])
        .map(|folder| folder.join("redis-server"))
        .find(|program| program.is_file())
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt};

    use super::*;

    #[test]
    fn the_password_stands_in_a_closed_file_only() {
        let folder = tempfile::tempdir().unwrap();
        let layout = Layout::new(folder.path().to_owned());
        let server = prepare(&layout, 6000, "secret-word").unwrap().expect("redis-server is installed");
        let text = fs::read_to_string(&server.config).unwrap();
        assert!(text.contains("requirepass secret-word"));
        assert!(text.contains("appendonly yes"));
        assert_eq!(fs::metadata(&server.config).unwrap().permissions().mode() & 0o777, 0o600);
    }
}
