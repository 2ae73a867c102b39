//! What runs in the background of the daemon.

mod alerts;
mod log_store;
pub mod process_logs;
pub mod retention;
mod sampler;

use std::time::Duration;

use hivematrix_shared::{context::ServiceContext, db};
use sqlx::PgPool;
use tokio::sync::watch;

use self::process_logs::ProcessLogs;
pub use self::{
    alerts::{Alerts, Watched},
    log_store::DatabaseSink,
    sampler::Sampler,
};
use crate::{MIGRATOR, instance::Layout, services::board::StatusBoard, store::partitions};

const HOUR: Duration = Duration::from_secs(3600);
/// After a failure. Meanwhile the lines of a day without a partition have the default one.
const AGAIN: Duration = Duration::from_secs(60);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Starts all jobs.
pub fn start(
    context: &ServiceContext,
    pool: &PgPool,
    layout: &Layout,
    board: &StatusBoard,
    watched: Watched,
) {
    let (is_open, mut opened) = watch::channel(false);
    let clock = &context.clock;
    context.spawn("log store", open_log_store(context.clone(), pool.clone(), is_open));
    context.spawn("status sampler", Sampler::new(pool.clone(), board.clone(), clock.clone()).run());
    let logs = ProcessLogs::new(pool.clone(), layout.clone(), board.clone(), clock.clone());
    context.spawn("process logs", async move {
        // The files are there also while the store is not; they are read when it is.
        if opened.wait_for(|is_open| *is_open).await.is_ok() {
            logs.run().await;
        }
    });
    context.spawn("alerts", Alerts::new(pool.clone(), board.clone(), clock.clone(), watched).run());
    context.spawn("retention", retention::daily(pool.clone(), clock.clone()));
}

/// Migrates, makes today's partition, then lets Helm's own log flow into the table; later days follow in time.
async fn open_log_store(context: ServiceContext, pool: PgPool, is_open: watch::Sender<bool>) {
    let mut pause = Duration::from_millis(100);
    while let Err(error) = db::migrate(&pool, &MIGRATOR, &context.shutdown).await {
        // On a start the database comes a moment later than the daemon, which is nothing to warn of.
        if pause < LONGEST_PAUSE {
            tracing::debug!(error = %error, "the log store is not open yet");
        } else {
            tracing::warn!(error = %error, "the log store is not open yet");
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
    let mut opened = false;
    loop {
        let today = context.clock.now().date_naive();
        let mut pause = HOUR;
        if let Err(error) = partitions::ensure_around(&pool, today).await {
            tracing::warn!(error = %error, "the partitions of the next days were not made, trying again");
            pause = AGAIN;
        }
        if !std::mem::replace(&mut opened, true) {
            context.ship_logs_to(DatabaseSink::new(pool.clone(), context.clock.clone()));
            is_open.send_replace(true);
        }
        tokio::time::sleep(pause).await;
    }
}
