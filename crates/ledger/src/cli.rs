//! The command line.

pub mod compare;
pub mod compute;
pub mod init_db;
pub mod scheduled;
pub mod sync_from_codex;
pub mod verify;

use std::process::ExitCode;

use clap::Subcommand;
use sqlx::PgPool;

use crate::{config::Settings, import::command as import, jobs::scripts::Listener};

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
    /// Takes over a database of the original Ledger, its archive included. Can be repeated.
    Import(import::ImportArgs),
    /// Compares invoice files of the original suite with our bills: each line that differs, and the rule that makes the
    /// difference.
    ///
    /// Exit code 0 when all are the same, 1 when one is not.
    Compare(compare::CompareArgs),
    /// Archives a month now, as the schedule does.
    ///
    /// Exit code 0 when all went well or the schedule is switched off, 1 otherwise.
    #[command(name = "scheduled-snapshots", alias = "scheduled_snapshots")]
    ScheduledSnapshots(scheduled::ScheduledArgs),
    /// Asks Codex how many companies, devices and people it has. Exit code 1 when there are no companies.
    #[command(name = "sync-from-codex", alias = "sync_from_codex")]
    SyncFromCodex,
    /// Makes role and database, writes the connection into `ledger.conf`, brings the tables up to date.
    #[command(name = "init-db", alias = "init_db")]
    InitDb(init_db::InitDbArgs),
}

/// Runs a command that needs the database.
///
/// # Errors
/// When the database cannot be read.
pub async fn run(command: &Command, settings: &Settings, pool: PgPool) -> anyhow::Result<ExitCode> {
    match command {
        Command::Compute(args) => Ok(compute::run(args)),
        Command::InitDb(args) => init_db::run(args, settings).await,
        Command::Verify(args) => verify::run(args, &pool).await,
        Command::Import(args) => import::run(args, &pool).await,
        Command::Compare(args) => compare::run(args, settings, pool).await,
        Command::ScheduledSnapshots(args) => scheduled::run(args, settings, pool).await,
        Command::SyncFromCodex => sync_from_codex::run(settings, pool).await,
    }
}

/// Writes a line to standard output.
#[expect(clippy::print_stdout, reason = "what the command is asked for")]
pub(crate) fn say(line: &str) {
    println!("{line}");
}

/// The shell that a command was called from: it hears results, not how far they are.
pub(crate) struct Shell;

impl Listener for Shell {
    fn say(&self, line: &str) {
        say(line);
    }
}

/// Exit code of a command that says whether all is well.
pub(crate) fn ended(is_well: bool) -> ExitCode {
    if is_well { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
