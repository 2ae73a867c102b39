//! What runs in the background of the daemon.

mod log_store;
pub mod retention;

use std::time::Duration;

use hivematrix_shared::{context::ServiceContext, db};
use sqlx::PgPool;

pub use self::log_store::DatabaseSink;
use crate::{
    MIGRATOR,
    instance::Layout,
    status_board::{SAMPLE_EVERY, StatusBoard},
    store::partitions,
    supervisor::rotation,
};

const HOUR: Duration = Duration::from_secs(3600);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
const ROTATE_EVERY: Duration = Duration::from_secs(60);

/// Starts all jobs.
pub fn start(context: &ServiceContext, pool: &PgPool, layout: &Layout, board: &StatusBoard) {
    let (own, store) = (context.clone(), pool.clone());
    context.spawn("log store", async move { open_log_store(own, store).await });
    context.spawn("status sampler", sample(board.clone()));
    context.spawn("log rotation", rotate(layout.clone(), board.clone()));
    context.spawn("log retention", retention::daily(pool.clone(), context.clock.clone()));
}

/// Migrates, makes today's partition, then lets Helm's own log flow into the table; later days follow in time.
async fn open_log_store(context: ServiceContext, pool: PgPool) {
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
        if let Err(error) = partitions::ensure_around(&pool, today).await {
            tracing::warn!(error = %error, "the partitions of the next days were not made");
        }
        if !std::mem::replace(&mut opened, true) {
            context.ship_logs_to(DatabaseSink::new(pool.clone(), context.clock.clone()));
        }
        tokio::time::sleep(HOUR).await;
    }
}

async fn sample(board: StatusBoard) {
    loop {
        board.statuses(SAMPLE_EVERY / 2).await;
        tokio::time::sleep(SAMPLE_EVERY).await;
    }
}

async fn rotate(layout: Layout, board: StatusBoard) {
    loop {
        let folders: Vec<_> =
            board.phases().iter().map(|unit| layout.logs(&unit.name)).chain([layout.logs("helm")]).collect();
        let done = tokio::task::spawn_blocking(move || {
            for folder in folders {
                rotation::rotate_folder(&folder);
            }
        });
        if let Err(error) = done.await {
            tracing::warn!(error = %error, "log rotation failed");
        }
        tokio::time::sleep(ROTATE_EVERY).await;
    }
}
