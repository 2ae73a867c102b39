//! The `hivematrix-ledger` binary.

use std::process::ExitCode;

use clap::Parser as _;
use hivematrix_ledger::cli::Cli;

fn main() -> ExitCode {
    hivematrix_ledger::run_command(&Cli::parse().command)
}
