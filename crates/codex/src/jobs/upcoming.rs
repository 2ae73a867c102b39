//! What will run next, for people (codex-api.md §8.3).

use chrono::{DateTime, Local, Utc};

use super::{SyncService, scheduler};
use crate::domain::schedule::{Facts, History, Rhythm, Schedule};
use crate::store::sync_companies;

/// One kind of work that runs by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upcoming {
    /// `psa_sync`, `tickets_light_sync`, `tickets_detail_sync`, `tickets_full_sync`, `rmm_sync`.
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
        let (schedule, vendors, now) = (self.schedule(), self.vendors(), self.inner.clock.local());
        let mut upcoming = Vec::new();
        for provider in vendors.psa.all() {
            let facts = scheduler::facts(self, provider.name()).await?;
            upcoming.extend(of_psa(&schedule, provider.name(), &facts, &now));
        }
        if !vendors.rmm.is_empty() {
            let companies = sync_companies::any(&self.inner.pool).await?;
            for provider in vendors.rmm.all() {
                let history = scheduler::asset_history(self, provider.name(), now.to_utc()).await?;
                // Without companies there is nothing that assets could belong to.
                let rhythm = if companies { schedule.assets } else { Rhythm::Never };
                let next = schedule.next(rhythm, &history, &now);
                upcoming.push(one(
                    "rmm_sync",
                    provider.name(),
                    schedule.assets != Rhythm::Never,
                    next,
                    &history,
                ));
            }
        }
        Ok(upcoming)
    }
}

fn of_psa(
    schedule: &Schedule,
    provider: &'static str,
    facts: &Facts,
    now: &DateTime<Local>,
) -> Vec<Upcoming> {
    let light = schedule.tickets.filter(|_| schedule.enabled).map(|interval| {
        let next = facts.tickets.attempted.and_then(|attempted| attempted.checked_add_signed(interval));
        next.unwrap_or(now.to_utc()).max(now.to_utc())
    });
    let mut upcoming = vec![
        one(
            "psa_sync",
            provider,
            schedule.base != Rhythm::Never,
            schedule.next(schedule.base, &facts.base, now),
            &facts.base,
        ),
        one("tickets_light_sync", provider, schedule.tickets.is_some(), light, &facts.tickets),
    ];
    // Without details of their own the comparison is what reads them again.
    let mut comparison = "tickets_detail_sync";
    if schedule.details != Rhythm::Never {
        let next = schedule.next(schedule.details, &facts.details, now);
        upcoming.push(one("tickets_detail_sync", provider, true, next, &facts.details));
        comparison = "tickets_full_sync";
    }
    let next = schedule.next(schedule.comparison, &facts.comparison, now);
    let enabled = schedule.comparison != Rhythm::Never;
    upcoming.push(one(comparison, provider, enabled, next, &facts.comparison));
    upcoming
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
