//! The `hivematrix-codex` binary.

use std::process::ExitCode;

use hivematrix_codex::config;

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let mut settings = config::load();
    match settings.command.take() {
        Some(command) => hivematrix_codex::run_command(&command, settings).await,
        None => hivematrix_codex::run(settings).await.map(|()| ExitCode::SUCCESS),
    }
}
