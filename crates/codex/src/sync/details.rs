//! The detail phase: messages and hours of tickets that changed. It never holds up the board: tickets are visible
//! before it begins, and what is due is kept with each ticket (codex-api.md §6.5).

use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use futures::{StreamExt as _, stream};

use super::streak::Streak;
use super::{Sync, SyncError, attempts, batches};
use crate::providers::Pace;
use crate::store::sync_details::{self, DueTicket, Stale};

/// Tickets looked up at a time.
const BATCH: i64 = 50;
/// Tickets read at the same time.
const PARALLEL: usize = 3;

/// Where a detail phase stops although more is due.
#[derive(Debug, Clone, Copy)]
pub struct DetailLimits {
    /// After this many tickets.
    pub tickets: u64,
    /// After this long.
    pub time: Duration,
    /// After the tickets that changed since then; `None` for all.
    pub changed_since: Option<DateTime<Utc>>,
}

impl Sync {
    /// Reads the details of the tickets that are due. A ticket that fails is put off, longer every time.
    ///
    /// # Errors
    /// When the vendor cannot be used at all, or the database.
    pub async fn details(&self, limits: DetailLimits) -> Result<(), SyncError> {
        let provider = self.provider.name();
        let began = Instant::now();
        let (mut done, streak) = (0, Streak::default());
        let since = limits.changed_since;
        let waiting = sync_details::count_due(&self.pool, provider, self.clock.now(), since).await?;
        self.report.at("details", None);
        self.report.begin_step(waiting.min(limits.tickets));
        while done < limits.tickets && began.elapsed() < limits.time {
            let wanted = BATCH.min(i64::try_from(limits.tickets - done).unwrap_or(BATCH));
            let due = sync_details::due(&self.pool, provider, self.clock.now(), since, wanted).await?;
            if due.is_empty() {
                break;
            }
            done += due.len() as u64;
            let mut work =
                stream::iter(due).map(|ticket| self.detail(ticket, &streak)).buffer_unordered(PARALLEL);
            while let Some(result) = work.next().await {
                result?;
                self.report.step_on();
            }
        }
        self.report.end_step();
        Ok(())
    }

    /// Makes the details of tickets due, whether anything says that they have changed or not.
    ///
    /// # Errors
    /// When the database does not take it.
    pub async fn make_due(&self, stale: Stale) -> Result<(), SyncError> {
        let (provider, now) = (self.provider.name(), self.clock.now());
        let mark = || sync_details::make_due(&self.pool, provider, stale, now);
        attempts::persist(mark).await.map(|_| ())
    }

    async fn detail(&self, ticket: DueTicket, streak: &Streak) -> Result<(), SyncError> {
        self.report.go_on().await?;
        match self.provider.ticket_detail(ticket.external_id, Pace::Background).await {
            Ok(Some(detail)) => {
                streak.answered();
                self.report.warn_all(
                    detail.warnings.iter().map(|warning| format!("ticket {}: {warning}", ticket.external_id)),
                );
                let save = || sync_details::save(&self.pool, self.provider.name(), &ticket, &detail);
                match attempts::persist(save).await {
                    Ok(()) => self.report.count(|counts| counts.details += 1),
                    Err(SyncError::Database(error)) if batches::is_about_rows(&error) => {
                        self.put_off(&ticket).await?;
                        self.report.warn(format!("ticket {}: {error}", ticket.external_id));
                    }
                    Err(error) => return Err(error),
                }
                Ok(())
            }
            Ok(None) => {
                self.put_off(&ticket).await?;
                self.settle(ticket.external_id, streak).await
            }
            Err(error) => {
                // Also when the whole phase ends now: the ticket may be the reason, and must not be in front for ever.
                self.put_off(&ticket).await?;
                if streak.ends_with(&error) {
                    return Err(error.into());
                }
                self.report.warn(format!("ticket {}: {error}", ticket.external_id));
                Ok(())
            }
        }
    }

    async fn put_off(&self, ticket: &DueTicket) -> Result<(), SyncError> {
        let until = self.clock.now() + pause(ticket.attempts);
        attempts::persist(|| sync_details::put_off(&self.pool, ticket, until)).await
    }
}

/// 5 minutes, doubled with every failure, at most a day.
fn pause(attempts: i32) -> TimeDelta {
    TimeDelta::minutes(5 << attempts.clamp(0, 8)).min(TimeDelta::days(1))
}
