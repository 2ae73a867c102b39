//! `hivematrix-nexus`: settings in, `run` out.

use std::process::ExitCode;

use hivematrix_nexus::{config::Settings, run};

/// A request makes many small allocations, and the gateway handles more requests than anyone.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

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
