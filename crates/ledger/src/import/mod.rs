//! `hivematrix-ledger import`: takes over a database of the original Ledger. Can be repeated; what was changed here since
//! stays. The source is only read.

pub mod command;
mod pullers;
mod report;
mod rows;
mod snapshots;
mod tables;
mod time;

use anyhow::Context as _;
use hivematrix_shared::config::Secret;
use sqlx::{
    Acquire as _, ConnectOptions as _, Connection as _, PgConnection, PgPool, postgres::PgConnectOptions,
};

pub use report::{Counts, Refused, Report, SwitchedOff};

use crate::store::changes;

/// One import at a time.
const ALONE: i64 = 0x4c45_4447;

/// Takes over everything in one transaction. With `dry_run` all of it is done and nothing of it stays.
///
/// # Errors
/// When another import runs, or either database fails; then nothing was taken over.
pub async fn run(pool: &PgPool, from: &Secret, dry_run: bool) -> anyhow::Result<Report> {
    let mut source = open(from).await?;
    let mut report = Report { dry_run, ..Report::default() };
    let mut target = pool.acquire().await?;
    let mut tx = target.begin().await?;
    let alone = sqlx::query_scalar!(r#"select pg_try_advisory_xact_lock($1) as "alone!""#, ALONE)
        .fetch_one(&mut *tx)
        .await?;
    anyhow::ensure!(alone, "nothing was imported: another import is running");
    changes::acting(&mut tx, "import").await?;
    for table in &tables::TABLES {
        let counts = rows::take(&mut source, &mut tx, table, &mut report).await?;
        report.tables.push(counts);
    }
    let counts = snapshots::take(&mut source, &mut tx, &mut report).await?;
    report.tables.push(counts);
    if dry_run {
        tx.rollback().await?;
    } else {
        tx.commit().await?;
    }
    source.close().await?;
    Ok(report)
}

/// One view of the source for the whole import.
async fn open(from: &Secret) -> anyhow::Result<PgConnection> {
    // The error text would repeat the address with its password.
    let options: PgConnectOptions =
        from.expose().parse().map_err(|_| anyhow::anyhow!("--from is no PostgreSQL address"))?;
    let mut source = options
        .disable_statement_logging()
        .connect()
        .await
        .context("the database of the original Ledger cannot be reached")?;
    sqlx::query("begin isolation level repeatable read, read only").execute(&mut source).await?;
    Ok(source)
}

/// Whether the source has a table.
async fn has_table(source: &mut PgConnection, name: &str) -> sqlx::Result<bool> {
    sqlx::query_scalar("select to_regclass($1) is not null").bind(name).fetch_one(source).await
}
