//! `helm cleanup-logs` (helm.md §5.4).

use anyhow::{Context, Result};
use chrono::TimeDelta;
use hivematrix_shared::clock::Clock;

use super::{CleanupArgs, output::say, store};
use crate::{instance::Layout, store::partitions};

pub(super) async fn run(layout: &Layout, args: &CleanupArgs) -> Result<()> {
    let pool = store::open(layout).await?;
    let cutoff = Clock::system().now() - TimeDelta::days(i64::from(args.days));
    let done = partitions::remove_before(&pool, cutoff, args.dry_run).await.context("cleanup failed")?;
    let verb = if args.dry_run { "Would remove" } else { "Removed" };
    say!(
        "{verb} {} log lines older than {} days ({} whole days with {} lines, {} single lines).",
        done.dropped_rows + done.deleted_rows,
        args.days,
        done.partitions,
        done.dropped_rows,
        done.deleted_rows
    );
    Ok(())
}
