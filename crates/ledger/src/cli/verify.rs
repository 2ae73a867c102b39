//! `hivematrix-ledger verify`: is the archive what was written?

use std::process::ExitCode;

use clap::Args;
use sqlx::PgPool;

use super::say;
use crate::bills::verify::{Report, verify};

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
    let report = verify(pool, args.account.as_deref()).await?;
    if args.json {
        say(&serde_json::to_string_pretty(&report)?);
    } else {
        let Report { companies, documents, faults } = &report;
        for fault in faults {
            say(&format!("{}: {}", fault.document, fault.fault));
        }
        say(&format!("{documents} documents of {companies} companies, {} faults.", faults.len()));
    }
    Ok(if report.faults.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
