//! The program `helm`.

use std::process::ExitCode;

use hivematrix_helm::{cli, config::Settings};
use hivematrix_shared::config::{home_from_environment, load_from};

#[tokio::main]
async fn main() -> ExitCode {
    match load_from::<Settings, _, _>(std::env::args_os(), &home_from_environment()) {
        Ok(settings) => cli::run(settings).await,
        Err(error) => cli::not_understood(&error),
    }
}
