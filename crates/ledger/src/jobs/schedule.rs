//! The month that is archived by itself, once, by one of several instances; a run that was missed is caught up once.

use chrono::{DateTime, TimeDelta, Utc};

use super::{Jobs, NotStarted, Order};
use crate::{
    domain::billing::Period,
    store::schedule::{self, ScheduleRow},
};

/// So long a run waits for Codex to have read the tickets of the whole month, and is tried again when it cannot begin.
const PATIENCE: TimeDelta = TimeDelta::hours(24);
/// A run that has begun and not ended so long after is one whose process died.
const LOST: TimeDelta = TimeDelta::minutes(10);

impl Jobs {
    /// Runs what is due.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn follow_schedule(&self) -> sqlx::Result<()> {
        let Some(row) = schedule::load(&self.pool).await? else { return Ok(()) };
        let local = self.clock.local();
        let Some((moment, period)) = row.schedule.latest(&local).filter(|_| row.schedule.enabled) else {
            return Ok(());
        };
        let (now, moment) = (self.clock.now(), moment.with_timezone(&Utc));
        let is_due = is_due(&row, moment, now)
            && self.is_ready(&row, moment, period).await
            && !schedule::has_just_tried(&self.pool, period.year(), period.month().cast_signed(), now)
                .await?;
        if !is_due || !schedule::claim(&self.pool, &row, now).await? {
            return Ok(());
        }
        if row.schedule.all_companies {
            self.scheduled(&row, moment, period).await
        } else {
            schedule::ended(&self.pool, row.id, "success", 0, "No companies are chosen.").await
        }
    }

    /// Whether the month is over, and Codex has read its tickets to the end. After a day it is tried all the same, so that the
    /// run says what is wrong.
    async fn is_ready(&self, row: &ScheduleRow, moment: DateTime<Utc>, period: Period) -> bool {
        let (now, end) = (self.clock.now(), period.next().begins());
        if !row.schedule.previous_month {
            return true;
        }
        if now < end {
            return false;
        }
        now - moment >= PATIENCE
            || matches!(self.bills.tickets_as_of().await, Ok(read) if read.is_none_or(|read| read >= end))
    }

    async fn scheduled(&self, row: &ScheduleRow, moment: DateTime<Utc>, period: Period) -> sqlx::Result<()> {
        let order = Order {
            job_type: "scheduled",
            period,
            only: None,
            by: "scheduler".to_owned(),
            notes: None,
            stop: self.shutdown.clone(),
        };
        let may_wait = self.clock.now() - moment < PATIENCE;
        let (id, tally, success) = match self.complete(order).await {
            Ok(done) => done,
            Err(NotStarted::Running) => return schedule::give_back(&self.pool, row).await,
            Err(NotStarted::Database(error)) => return Err(error),
        };
        if !success && tally.success_count + tally.failed_count == 0 && may_wait {
            return schedule::give_back(&self.pool, row).await;
        }
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
        schedule::ended(&self.pool, row.id, status, i32::try_from(fresh).unwrap_or(i32::MAX), &log).await
    }
}

/// Whether the run of this moment is still to be done. One that was due before anybody had set it was not missed.
fn is_due(row: &ScheduleRow, moment: DateTime<Utc>, now: DateTime<Utc>) -> bool {
    let is_lost = row.last_run_status.is_none() && row.last_run_at.is_some_and(|last| now - last > LOST);
    let done_until = match row.last_run_at {
        Some(last) if !is_lost => last.max(row.since),
        _ => row.since,
    };
    done_until < moment
}
