//! The command line of the import.

use std::{
    fs::OpenOptions, io::Write as _, os::unix::fs::OpenOptionsExt as _, path::PathBuf, process::ExitCode,
};

use anyhow::Context as _;
use clap::Args;
use hivematrix_shared::config::Secret;
use sqlx::PgPool;

use crate::cli::say;

/// Where from, and whether in earnest.
#[derive(Args, Clone, Debug)]
pub struct ImportArgs {
    /// Database of the original Ledger, `postgres://user:password@host/ledger_db`. In the environment it is hidden from other
    /// users of the machine.
    #[arg(long, env = "LEDGER_IMPORT_FROM", hide_env_values = true)]
    pub from: Secret,
    /// Do everything and keep nothing: tells what an import would do.
    #[arg(long)]
    pub dry_run: bool,
    /// Write the whole report to this new file, as JSON.
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,
}

/// Imports and tells how it went. Exit code 0 when every row was taken, 1 otherwise.
///
/// # Errors
/// When a database fails or the report cannot be written.
pub async fn run(args: &ImportArgs, pool: &PgPool) -> anyhow::Result<ExitCode> {
    let report = super::run(pool, &args.from, args.dry_run).await?;
    for counts in &report.tables {
        say(&counts.line());
    }
    for refused in &report.refused {
        say(&format!("REFUSED {} {}: {}", refused.table, refused.row, refused.reason));
    }
    for job in &report.switched_off {
        say(&format!("SWITCHED OFF {}: {}", job.job_name, job.reason));
    }
    say(if args.dry_run { "Nothing was kept (dry run)" } else { "Done" });
    if let Some(path) = &args.report {
        // It quotes rows, so nobody else may read it.
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
        let text = serde_json::to_vec_pretty(&report)?;
        file.and_then(|mut file| file.write_all(&text))
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(if report.refused.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
