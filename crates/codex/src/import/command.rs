//! The command line of the import.

use std::{
    fs::OpenOptions, io::Write as _, os::unix::fs::OpenOptionsExt as _, path::PathBuf, process::ExitCode,
};

use anyhow::Context as _;
use clap::Args;
use hivematrix_shared::{clock::Clock, config::Secret};
use sqlx::PgPool;

use super::report::Report;
use crate::cli::say;

/// Refused rows and values that are written to the terminal; a file gets all of them.
const SHOWN: usize = 100;

/// Where from, and whether in earnest.
#[derive(Args, Clone, Debug)]
pub struct ImportArgs {
    /// Database of the original Codex, `postgres://user:password@host/codex_db`. In the environment it is hidden from
    /// other users of the machine.
    #[arg(long, env = "CODEX_IMPORT_FROM", hide_env_values = true)]
    pub from: Secret,
    /// Do everything and keep nothing: tells what an import would do.
    #[arg(long)]
    pub dry_run: bool,
    /// Write the whole report to this file, as JSON.
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,
}

/// Imports and tells how it went. Exit code 0 when every row was taken, 1 otherwise.
///
/// # Errors
/// When a database fails or the report cannot be written.
pub async fn run(args: &ImportArgs, pool: &PgPool) -> anyhow::Result<ExitCode> {
    let report = super::run(pool, &Clock::system(), &args.from, args.dry_run, say).await?;
    for line in lines(&report, if args.report.is_some() { SHOWN } else { usize::MAX }) {
        say(&line);
    }
    if let Some(path) = &args.report {
        let text = serde_json::to_vec_pretty(&report)?;
        // It quotes rows, so nobody else may read it, and it is not written where a link points to.
        if path.symlink_metadata().is_ok_and(|known| known.is_file()) {
            std::fs::remove_file(path).with_context(|| format!("cannot replace {}", path.display()))?;
        }
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
        file.and_then(|mut file| file.write_all(&text))
            .with_context(|| format!("cannot write {}", path.display()))?;
        say(&format!("Report: {}", path.display()));
    }
    Ok(if report.refused.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn lines(report: &Report, most: usize) -> Vec<String> {
    let refused =
        report.refused.iter().map(|row| format!("REFUSED {} {}: {}", row.table, row.key, row.reason));
    let left_out = report
        .left_out
        .iter()
        .map(|value| format!("LEFT OUT {} {} {}: {}", value.table, value.key, value.column, value.reason));
    let count = report.refused.len() + report.left_out.len();
    let mut lines: Vec<String> = refused.chain(left_out).take(most).collect();
    if count > most {
        lines.push(format!("and {} more, see the report", count - most));
    }
    let what = if report.dry_run { "Nothing was kept (dry run)" } else { "Done" };
    lines.push(format!(
        "{what}: {} rows refused, {} values left out",
        report.refused.len(),
        report.left_out.len()
    ));
    lines
}
