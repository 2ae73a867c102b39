//! `hivematrix-ledger verify`: is the archive what was written?

use std::process::ExitCode;

use clap::Args;
use sqlx::PgPool;

use super::{Shell, ended, say};
use crate::{bills, jobs::scripts};

/// What is checked.
#[derive(Args, Clone, Debug)]
pub struct VerifyArgs {
    /// Only this company.
    #[arg(long, value_name = "ACCOUNT NUMBER")]
    pub account: Option<String>,
    /// The result as JSON.
    #[arg(long)]
    pub json: bool,
}

/// Checks and tells.
///
/// # Errors
/// When the database cannot be read.
pub async fn run(args: &VerifyArgs, pool: &PgPool) -> anyhow::Result<ExitCode> {
    if !args.json {
        return Ok(ended(scripts::verify(pool, args.account.as_deref(), &Shell).await?));
    }
    let report = bills::verify::verify(pool, args.account.as_deref()).await?;
    say(&serde_json::to_string_pretty(&report)?);
    Ok(ended(report.faults.is_empty()))
}
