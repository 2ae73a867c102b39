//! Settings of Helm.

use clap::Parser;
use hivematrix_shared::config::{CommonSettings, FileKey, ServiceConfig};

use crate::cli::Command;

/// Starts, watches and logs the HiveMatrix suite.
#[derive(Debug, Parser)]
#[command(name = "helm", version, subcommand_required = true, arg_required_else_help = true)]
pub struct Settings {
    /// Settings that all services share.
    #[command(flatten)]
    pub common: CommonSettings,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

impl ServiceConfig for Settings {
    const SERVICE: &'static str = "helm";
    const FILE_KEYS: &'static [FileKey] = &[];

    fn common_mut(&mut self) -> &mut CommonSettings {
        &mut self.common
    }
}
