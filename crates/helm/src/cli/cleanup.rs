//! `helm cleanup-logs` (helm.md §5.4).

use anyhow::{Context, Result};
use chrono::TimeDelta;
use hivematrix_shared::clock::Clock;
use serde_json::json;

use super::{
    CleanupArgs,
    output::{answer, say},
    store,
};
use crate::{instance::Layout, jobs::retention};

pub(super) async fn run(layout: &Layout, args: &CleanupArgs) -> Result<()> {
    let pool = store::open(layout).await?;
    let cutoff = Clock::system().now() - TimeDelta::days(i64::from(args.days));
    let removed = retention::remove_before(&pool, cutoff, args.dry_run).await.context("cleanup failed")?;
    let done = removed.lines;
    if args.json {
        let facts = json!({
            "days": args.days, "dry_run": args.dry_run, "lines": done.dropped_rows + done.deleted_rows,
            "whole_days": done.partitions, "samples": removed.samples, "alerts": removed.alerts,
        });
        answer(&facts)?;
        return Ok(());
    }
    let verb = if args.dry_run { "Would remove" } else { "Removed" };
    say!(
        "{verb} {} log lines older than {} days ({} whole days with {} lines, {} single lines).",
        done.dropped_rows + done.deleted_rows,
        args.days,
        done.partitions,
        done.dropped_rows,
        done.deleted_rows
    );
    say!("{verb} {} samples of services and {} alerts.", removed.samples, removed.alerts);
    Ok(())
}
