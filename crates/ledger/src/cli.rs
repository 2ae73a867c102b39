//! The command line.

pub mod compute;
pub mod verify;

use std::process::ExitCode;

use clap::Subcommand;
use sqlx::PgPool;

/// What the binary does.
#[derive(Clone, Debug, Subcommand)]
pub enum Command {
    /// Computes one bill from a JSON document on standard input, without database and network.
    ///
    /// The document is a case in the format of the billing vectors, or the vector it stands in. The result is the whole bill as
    /// JSON with amounts as decimal texts, or `null` when there is no bill; then the reason stands on standard error. Exit
    /// code 0, or 2 with the name of the field when the document cannot be used.
    Compute(compute::ComputeArgs),
    /// Checks that the archive is what was written: every seal, every chain of seals, every sum.
    ///
    /// Exit code 0 when it is, 1 with a line for each document that is not.
    Verify(verify::VerifyArgs),
}

/// Runs a command that needs the database.
///
/// # Errors
/// When the database cannot be read.
pub async fn run(command: &Command, pool: &PgPool) -> anyhow::Result<ExitCode> {
    match command {
        Command::Compute(args) => Ok(compute::run(args)),
        Command::Verify(args) => verify::run(args, pool).await,
    }
}
