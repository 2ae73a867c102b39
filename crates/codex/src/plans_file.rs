//! Billing plans from a file: `hivematrix-codex import-plans FILE`, and `BILLING_PLANS_FILE` at the first start. The rules
//! are those of the import over HTTP (codex-api.md §10).

use std::{path::Path, process::ExitCode};

use anyhow::{Context as _, Result, bail};
use hivematrix_shared::audit;
use sqlx::PgPool;

use crate::{
    cli,
    domain::plan_file::{self, PlanFile},
    store::{
        changes,
        plan_import::{self, Statistics},
        plans,
    },
};

/// Largest file, as over HTTP.
const LARGEST: u64 = 16 * 1024 * 1024;

/// Imports a file and prints what became of it. Exit code 1 when the file or a record cannot be taken.
///
/// # Errors
/// When the database fails.
pub async fn import_and_tell(pool: &PgPool, path: &Path, dry_run: bool) -> Result<ExitCode> {
    let file = match read(path) {
        Ok(file) => file,
        Err(error) => {
            cli::say(&format!("ERROR: {error:#}"));
            return Ok(ExitCode::FAILURE);
        }
    };
    let done = import(pool, file, "command line", dry_run).await?;
    cli::say(&words(&done, dry_run));
    Ok(if done.errors.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Imports a file while there are no plans. What goes wrong is logged; the service starts all the same.
pub async fn import_first(pool: &PgPool, path: &Path) {
    match try_import_first(pool, path).await {
        Ok(Some(done)) => {
            tracing::info!(
                plans = done.plans_imported,
                options = done.features_imported,
                errors = done.errors.len(),
                file = %path.display(),
                "the first billing plans are imported"
            );
            for error in &done.errors {
                tracing::warn!("billing plans: {error}");
            }
        }
        Ok(None) => {}
        Err(error) => tracing::error!("BILLING_PLANS_FILE: {error:#}"),
    }
}

async fn try_import_first(pool: &PgPool, path: &Path) -> Result<Option<Statistics>> {
    if plans::any(pool).await? {
        return Ok(None);
    }
    let file = read(path)?;
    Ok(Some(import(pool, file, "first start", false).await?))
}

fn read(path: &Path) -> Result<PlanFile> {
    let shown = path.display();
    let size = std::fs::metadata(path).with_context(|| format!("{shown} cannot be read"))?.len();
    if size > LARGEST {
        bail!("{shown} is larger than 16 MiB");
    }
    let bytes = std::fs::read(path).with_context(|| format!("{shown} cannot be read"))?;
    plan_file::read(&bytes).map_err(anyhow::Error::msg).with_context(|| shown.to_string())
}

async fn import(pool: &PgPool, file: PlanFile, actor: &str, dry_run: bool) -> Result<Statistics> {
    let mut tx = pool.begin().await?;
    changes::acting(&mut tx, actor).await?;
    let done = plan_import::import(&mut tx, file).await?;
    if dry_run {
        tx.rollback().await?;
    } else {
        tx.commit().await?;
        audit!(
            plans = done.plans_imported,
            options = done.features_imported,
            errors = done.errors.len(),
            caller = actor,
            "billing plans imported"
        );
    }
    Ok(done)
}

fn words(done: &Statistics, dry_run: bool) -> String {
    let mut lines = vec![
        format!(
            "Plans:   {} imported, {} skipped, {} errors",
            done.plans_imported, done.plans_skipped, done.plans_errors
        ),
        format!(
            "Options: {} imported, {} skipped, {} errors",
            done.features_imported, done.features_skipped, done.features_errors
        ),
    ];
    lines.extend(done.errors.iter().map(|error| format!("ERROR: {error}")));
    if dry_run {
        lines.push("Nothing was changed (dry run).".to_owned());
    }
    lines.join("\n")
}
