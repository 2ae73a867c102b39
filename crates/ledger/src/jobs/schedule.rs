//! The month that is archived by itself, once, by one of several instances; a run that was missed is caught up once.

use super::{Jobs, NotStarted, Order};
use crate::store::schedule::{self, ScheduleRow};

impl Jobs {
    /// Runs what is due.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn follow_schedule(&self) -> sqlx::Result<()> {
        let Some(row) = schedule::load(&self.pool).await? else { return Ok(()) };
        let now = self.clock.local();
        let Some((moment, period)) = row.schedule.latest(&now).filter(|_| row.schedule.enabled) else {
            return Ok(());
        };
        // A run that was due before anybody had set it was not missed.
        let is_due = row.last_run_at.map_or(row.since < moment, |last| last < moment);
        if !is_due || !schedule::claim(&self.pool, &row, self.clock.now()).await? {
            return Ok(());
        }
        self.scheduled(&row, period).await
    }

    async fn scheduled(&self, row: &ScheduleRow, period: crate::domain::billing::Period) -> sqlx::Result<()> {
        if !row.schedule.all_companies {
            return schedule::ended(&self.pool, row.id, "success", 0, "No companies are chosen.").await;
        }
        let order =
            Order { job_type: "scheduled", period, only: None, by: "scheduler".to_owned(), notes: None };
        let (status, count, log) = match self.complete(order).await {
            Ok((id, tally, success)) => {
                let fresh = tally.success_count - tally.already_archived_count;
                let status = match (success, tally.success_count) {
                    (true, _) => "success",
                    (false, 1..) => "partial",
                    (false, _) => "failed",
                };
                let mut log = format!(
                    "Job {id} for {period}: {fresh} archived, {} already archived, {} skipped, {} failed.",
                    tally.already_archived_count, tally.skipped_count, tally.failed_count
                );
                for error in &tally.errors {
                    log.push('\n');
                    log.push_str(error);
                }
                (status, i32::try_from(fresh).unwrap_or(i32::MAX), log)
            }
            Err(NotStarted::Running) => ("failed", 0, format!("Another job for {period} was running.")),
            Err(NotStarted::Database(error)) => return Err(error),
        };
        schedule::ended(&self.pool, row.id, status, count, &log).await
    }
}
