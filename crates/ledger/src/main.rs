//! The `hivematrix-ledger` binary.

use std::process::ExitCode;

use hivematrix_ledger::config;

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let mut settings = config::load();
    match settings.command.take() {
        Some(command) => hivematrix_ledger::run_command(&command, settings).await,
        None => hivematrix_ledger::run(settings).await.map(|()| ExitCode::SUCCESS),
    }
}
