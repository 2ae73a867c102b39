//! The `hivematrix-knowledgetree` binary.

use std::process::ExitCode;

use hivematrix_knowledgetree::{config, files::reader};

fn main() -> anyhow::Result<ExitCode> {
    // Before anything else: this process is to have no settings, no threads and no connections.
    if std::env::args_os().nth(1).is_some_and(|argument| argument == reader::ARGUMENT) {
        return Ok(reader::run());
    }
    serve()
}

#[tokio::main]
async fn serve() -> anyhow::Result<ExitCode> {
    hivematrix_knowledgetree::run(config::load()).await?;
    Ok(ExitCode::SUCCESS)
}
