//! What will run next, for people (codex-api.md §8.3).

use chrono::{DateTime, Utc};

use super::schedule::{Facts, History};
use super::{Rhythm, Schedule, SyncService, scheduler};
use crate::store::sync_companies;

/// One kind of work that runs by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upcoming {
    /// `psa_sync`, `tickets_light_sync`, `tickets_detail_sync`, `rmm_sync`.
    pub id: &'static str,
    /// Name of the provider.
    pub provider: &'static str,
    /// Whether it runs by itself at all.
    pub enabled: bool,
    /// When it will begin; none when it is switched off. In the past means: as soon as possible.
    pub next_run: Option<DateTime<Utc>>,
    /// When it was last begun.
    pub last_run: Option<DateTime<Utc>>,
    /// When it last began and went well.
    pub last_success: Option<DateTime<Utc>>,
    /// Whether it runs now.
    pub running: bool,
}

impl SyncService {
    /// The schedule, as it is now.
    pub fn schedule(&self) -> Schedule {
        **self.inner.schedule.load()
    }

    /// What will run next, of every provider.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn upcoming(&self) -> sqlx::Result<Vec<Upcoming>> {
        let (schedule, vendors, now) = (self.schedule(), self.vendors(), self.inner.clock.now());
        let mut upcoming = Vec::new();
        for provider in vendors.psa.all() {
            let facts = scheduler::facts(self, provider.name()).await?;
            upcoming.extend(of_psa(&schedule, provider.name(), &facts, now));
        }
        if !vendors.rmm.is_empty() {
            let companies = sync_companies::any(&self.inner.pool).await?;
            for provider in vendors.rmm.all() {
                let history = scheduler::device_history(self, provider.name(), now).await?;
                // Without companies there is nothing that devices could belong to.
                let rhythm = if companies { schedule.devices } else { Rhythm::Never };
                let next = schedule.next(rhythm, &history, now);
                upcoming.push(one(
                    "rmm_sync",
                    provider.name(),
                    schedule.devices != Rhythm::Never,
                    next,
                    &history,
                ));
            }
        }
        Ok(upcoming)
    }
}

fn of_psa(schedule: &Schedule, provider: &'static str, facts: &Facts, now: DateTime<Utc>) -> [Upcoming; 3] {
    let light = schedule.tickets.filter(|_| schedule.enabled).map(|interval| {
        let next = facts.tickets.attempted.and_then(|attempted| attempted.checked_add_signed(interval));
        next.unwrap_or(now).max(now)
    });
    [
        one(
            "psa_sync",
            provider,
            schedule.base != Rhythm::Never,
            schedule.next(schedule.base, &facts.base, now),
            &facts.base,
        ),
        one("tickets_light_sync", provider, schedule.tickets.is_some(), light, &facts.tickets),
        one(
            "tickets_detail_sync",
            provider,
            schedule.ticket_details != Rhythm::Never,
            schedule.next(schedule.ticket_details, &facts.full, now),
            &facts.full,
        ),
    ]
}

fn one(
    id: &'static str,
    provider: &'static str,
    enabled: bool,
    next_run: Option<DateTime<Utc>>,
    history: &History,
) -> Upcoming {
    Upcoming {
        id,
        provider,
        enabled,
        next_run,
        last_run: history.attempted,
        last_success: history.succeeded,
        running: history.running,
    }
}
