//! The command line.

pub mod compute;

use clap::{Parser, Subcommand};

/// The program.
#[derive(Clone, Debug, Parser)]
#[command(name = "hivematrix-ledger", version, about = "Bills that are exact, explained and final")]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What the binary does.
#[derive(Clone, Debug, Subcommand)]
pub enum Command {
    /// Computes one bill from a JSON document on standard input, without database and network.
    ///
    /// The document is a case in the format of the billing vectors, or the vector it stands in. The result is the whole bill as
    /// JSON with amounts as decimal texts, or `null` when there is no bill; then the reason stands on standard error. Exit
    /// code 0, or 2 with the name of the field when the document cannot be used.
    Compute(compute::ComputeArgs),
}
