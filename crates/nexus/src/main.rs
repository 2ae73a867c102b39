//! `hivematrix-nexus`: settings in, `run` out.

use std::process::ExitCode;

use hivematrix_nexus::{config::Settings, run};

#[tokio::main]
async fn main() -> ExitCode {
    match run(hivematrix_shared::config::load::<Settings>()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("hivematrix-nexus: {failure}");
            ExitCode::FAILURE
        }
    }
}
