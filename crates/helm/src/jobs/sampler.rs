//! Samples of all processes into the store, and those of yesterday rolled up (helm.md §6).

use std::time::Duration;

use hivematrix_shared::clock::Clock;
use sqlx::PgPool;
use tokio::time::{Instant, MissedTickBehavior, interval_at};

use crate::{
    domain::sample::{self, StatusRow},
    services::board::{SAMPLE_EVERY, StatusBoard},
    store::{metrics, service_status},
};

const FIRST_AFTER: Duration = Duration::from_secs(5);
const ROLL_UP_EVERY: Duration = Duration::from_secs(3600);

/// Takes samples.
pub struct Sampler {
    pool: PgPool,
    board: StatusBoard,
    clock: Clock,
    is_away: bool,
}

impl Sampler {
    /// A sampler into the log store's database.
    #[must_use]
    pub fn new(pool: PgPool, board: StatusBoard, clock: Clock) -> Self {
        // On a start the database comes a moment later than the daemon.
        Self { pool, board, clock, is_away: true }
    }

    /// Works until it is dropped.
    pub async fn run(mut self) {
        // What starts together with Helm is not told as it is before it is ready.
        let mut ticks = interval_at(Instant::now() + FIRST_AFTER, SAMPLE_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut roll_up_at = Instant::now();
        loop {
            ticks.tick().await;
            let stored = self.sample().await;
            self.note(&stored, "a sample was not stored");
            if stored.is_ok() && Instant::now() >= roll_up_at {
                let rolled_up = metrics::roll_up(&self.pool, self.clock.now()).await;
                self.note(&rolled_up, "old samples were not rolled up");
                roll_up_at = Instant::now() + ROLL_UP_EVERY;
            }
        }
    }

    /// Takes and stores one sample.
    ///
    /// # Errors
    /// When the database refuses or is away.
    pub async fn sample(&self) -> sqlx::Result<()> {
        let units = self.board.statuses(SAMPLE_EVERY / 2).await;
        let now = self.clock.now();
        let rows: Vec<StatusRow> = units.iter().map(StatusRow::from).collect();
        service_status::replace(&self.pool, now, &rows).await?;
        metrics::insert(&self.pool, now, &sample::readings(&units)).await
    }

    /// One line when it begins to fail; the health check says that it goes on.
    fn note<T>(&mut self, outcome: &sqlx::Result<T>, message: &'static str) {
        match outcome {
            Ok(_) => self.is_away = false,
            Err(error) if !self.is_away => {
                self.is_away = true;
                tracing::warn!(error = %error, "{message}");
            }
            Err(_) => {}
        }
    }
}
