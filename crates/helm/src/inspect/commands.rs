//! Programs that are asked and must not ask back.

use std::{path::PathBuf, process::Stdio, time::Duration};

use nix::unistd::Uid;
use tokio::process::Command;

/// A program that takes longer is not waited for.
const PATIENCE: Duration = Duration::from_secs(5);
/// Beside `PATH`, which leaves these out for ordinary accounts.
const FOLDERS: [&str; 3] = ["/usr/sbin", "/sbin", "/usr/local/sbin"];

/// Where a program lies; `None` when it is not installed.
pub(super) fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain(FOLDERS.map(PathBuf::from));
    folders.map(|folder| folder.join(program)).find(|file| file.is_file())
}

/// What a program answers, as root where that takes no password; `None` when it does not answer.
pub(super) async fn ask(program: &str, arguments: &[&str]) -> Option<String> {
    let file = find(program)?;
    if let Some(answer) = run(Command::new(&file).args(arguments)).await {
        return Some(answer);
    }
    if Uid::effective().is_root() {
        return None;
    }
    run(Command::new(find("sudo")?).arg("-n").arg(file).args(arguments)).await
}

async fn run(command: &mut Command) -> Option<String> {
    command.stdin(Stdio::null()).stderr(Stdio::null()).env("LC_ALL", "C").kill_on_drop(true);
    let output = tokio::time::timeout(PATIENCE, command.output()).await.ok()?.ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_program_that_fails_or_is_not_there_gives_no_answer() {
        assert_eq!(ask("echo", &["active"]).await.as_deref(), Some("active\n"));
        assert_eq!(ask("false", &[]).await, None);
        assert_eq!(ask("no-such-firewall", &[]).await, None);
    }
}
