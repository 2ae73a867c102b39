//! The program `helm`.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    let settings = hivematrix_shared::config::load::<hivematrix_helm::config::Settings>();
    hivematrix_helm::cli::run(settings).await
}
