//! Ledger: bills that are exact, explained and final.
//!
//! [`domain::billing`] makes a bill from what Codex and Ledger's own tables say, [`domain::documents`] makes invoices of it.
//! Neither reads anything or knows what time it is.

use std::process::ExitCode;

pub mod case;
pub mod cli;
pub mod domain;

/// Does what the command line asks for, without a server and without a database.
pub fn run_command(command: &cli::Command) -> ExitCode {
    match command {
        cli::Command::Compute(args) => cli::compute::run(args),
    }
}
