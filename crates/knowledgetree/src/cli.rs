//! The command line.

pub mod export;
pub mod import;
pub mod init_db;
pub mod move_tree;
pub mod sync;
pub mod verify;

use std::process::ExitCode;

use clap::Subcommand;

use crate::config::Settings;

/// What the binary does.
#[derive(Clone, Debug, Subcommand)]
pub enum Command {
    /// Fetches companies, people and devices from Codex. Exit code 0, or 1 on any error.
    #[command(name = "sync-codex", alias = "sync_codex")]
    SyncCodex,
    /// Fetches tickets from Codex, those that changed since the last run. Exit code 0, or 1 on any error.
    #[command(name = "sync-tickets", alias = "sync_tickets")]
    SyncTickets(sync::TicketArgs),
    /// Sets up where the tree is kept, writes it into `knowledgetree.conf` and tells Helm.
    #[command(name = "init-db", alias = "init_db")]
    InitDb(init_db::InitDbArgs),
    /// Copies the whole tree from one store into the other and compares both. The source stays as it is.
    ///
    /// Stop the service before, and let it use the other store afterwards.
    #[command(name = "move")]
    Move(move_tree::MoveArgs),
    /// Writes what people wrote to a file, as JSON or as a ZIP archive of Markdown files, or into a folder.
    Export(export::ExportArgs),
    /// Makes or changes items by their paths, from an export, an archive or a folder of Markdown files: all or none.
    Import(import::ImportArgs),
    /// Looks whether the tree is whole: one parent each, no two siblings of one name, files that are there. Exit code 0, or 1 with
    /// a line for each fault.
    Verify,
}

/// Runs a command.
///
/// # Errors
/// When it cannot begin, or fails: why.
pub async fn run(command: &Command, settings: &Settings) -> anyhow::Result<ExitCode> {
    match command {
        Command::SyncCodex => sync::companies(settings).await,
        Command::SyncTickets(args) => sync::tickets(args, settings).await,
        Command::InitDb(args) => init_db::run(args, settings).await,
        Command::Move(args) => move_tree::run(args, settings).await,
        Command::Export(args) => export::run(args, settings).await,
        Command::Import(args) => import::run(args, settings).await,
        Command::Verify => verify::run(settings).await,
    }
}

/// Writes a line to standard output.
#[expect(clippy::print_stdout, reason = "what the command is asked for")]
pub(crate) fn say(line: &str) {
    println!("{line}");
}

/// Exit code of a command that says whether all is well.
pub(crate) fn ended(is_well: bool) -> ExitCode {
    if is_well { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
