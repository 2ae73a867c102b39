//! The `hivematrix-knowledgetree` binary.

use std::process::ExitCode;

use hivematrix_knowledgetree::config;

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let mut settings = config::load();
    match settings.command.take() {
        Some(command) => hivematrix_knowledgetree::run_command(&command, &settings).await,
        None => hivematrix_knowledgetree::run(settings).await.map(|()| ExitCode::SUCCESS),
    }
}
