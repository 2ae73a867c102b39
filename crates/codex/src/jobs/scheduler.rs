//! Starts what is due, on one of all running instances.

use std::collections::HashSet;
use std::time::Duration;

use chrono::{DateTime, NaiveTime, TimeDelta, Utc};
use sqlx::{Connection as _, PgConnection};

use super::work::{
    BASE, RMM_SCRIPT, SCRIPT, TICKETS, TICKETS_DETAIL, TICKETS_NIGHTLY, Work, asset_key, base_key,
    detail_key, ticket_key,
};
use super::{Details, StartError, SyncService, System};
use crate::config::SchedulerSettings;
use crate::domain::schedule::{Due, Facts, History, Rhythm, Schedule};
use crate::store::sync_state::{self, TICKETS_FULL};
use crate::store::{self, changes, data_version, last_runs, sync_companies, sync_jobs};
use crate::sync::Reach;

/// Time between two looks at the schedule.
const TICK: Duration = Duration::from_secs(1);
/// Ended jobs are kept this long (codex-api.md §8.2).
const RETENTION: TimeDelta = TimeDelta::days(30);
/// Time between two clean-ups.
const TIDY: TimeDelta = TimeDelta::hours(1);
/// Longest wait for an answer about the leadership.
const PATIENCE: Duration = Duration::from_secs(10);
/// Key of the advisory lock that makes one instance the leader.
const LEADER: i64 = 0x636f_6465_785f_7379;

/// The schedule the settings describe. An unknown rhythm means that nothing is scheduled, as upstream.
pub(super) fn schedule(settings: &SchedulerSettings) -> Schedule {
    let rhythm = |enabled: bool, name: &str, time: NaiveTime| match name.trim() {
        "hourly" if enabled => Rhythm::Hourly,
        "daily" if enabled => Rhythm::Daily(time),
        _ => Rhythm::Never,
    };
    let tickets = settings.sync_tickets_schedule.trim();
    let scheduled = settings.sync_tickets_enabled && ["frequent", "daily", "hourly"].contains(&tickets);
    let interval = i64::try_from(settings.ticket_sync_interval_seconds).ok().and_then(TimeDelta::try_seconds);
    let daily = Rhythm::Daily(settings.sync_tickets_detail_time);
    Schedule {
        enabled: !settings.skip_scheduler,
        tickets: scheduled.then(|| interval.unwrap_or(TimeDelta::MAX)),
        details: if scheduled && tickets == "hourly" { Rhythm::Hourly } else { Rhythm::Never },
        comparison: if scheduled { daily } else { Rhythm::Never },
        base: rhythm(settings.sync_psa_enabled, &settings.sync_psa_schedule, settings.sync_psa_time),
        assets: rhythm(settings.sync_rmm_enabled, &settings.sync_rmm_schedule, settings.sync_rmm_time),
        run_on_startup: settings.sync_run_on_startup,
    }
}

impl From<Due> for Work {
    fn from(due: Due) -> Self {
        let tickets = |reach, details| Self::Tickets { reach, details };
        match due {
            Due::Base => Self::base(),
            Due::Changes => tickets(Reach::Changes, Details::Due),
            Due::Details => tickets(Reach::Changes, Details::Recent),
            Due::Comparison => tickets(Reach::Full, Details::Refresh),
        }
    }
}

/// Follows the schedule until the service stops.
pub(super) async fn run(service: &SyncService) {
    let mut leader = Leadership::default();
    let mut looked = HashSet::new();
    let mut tidied: Option<DateTime<Utc>> = None;
    let mut complained = false;
    loop {
        match tick(service, &mut leader, &mut looked, &mut tidied).await {
            Ok(()) => complained = false,
            Err(error) if complained => tracing::debug!(%error, "the scheduler cannot work"),
            Err(error) => {
                complained = true;
                tracing::warn!(%error, "the scheduler cannot work, will keep trying");
            }
        }
        if service.inner.shutdown.run_until_cancelled(tokio::time::sleep(TICK)).await.is_none() {
            return;
        }
    }
}

async fn tick(
    service: &SyncService,
    leader: &mut Leadership,
    looked: &mut HashSet<(System, &'static str)>,
    tidied: &mut Option<DateTime<Utc>>,
) -> sqlx::Result<()> {
    let (pool, local) = (&service.inner.pool, service.inner.clock.local());
    let now = local.to_utc();
    let (schedule, vendors) = (service.inner.schedule.load_full(), service.vendors());
    if !leader.is_held(service).await? {
        return Ok(());
    }
    for id in sync_jobs::fail_lapsed(pool, now).await? {
        tracing::warn!(job_id = %id, "a sync job lost its worker, its work goes on in a new one");
    }
    if tidied.is_none_or(|last| now - last >= TIDY) {
        let removed = sync_jobs::prune(pool, now - RETENTION).await?;
        let forgotten = changes::prune(pool, now).await? + store::asset_history::prune(pool, now).await?;
        data_version::fold(pool).await?;
        tracing::debug!(removed, forgotten, "old sync jobs and changes removed");
        *tidied = Some(now);
    }
    if !schedule.enabled {
        return Ok(());
    }
    for provider in vendors.psa.all() {
        let name = provider.name();
        let facts = facts(service, name).await?;
        let first_look = looked.insert((System::Psa, name));
        for due in schedule.due(&facts, first_look, &local) {
            start(service, name, due.into()).await?;
        }
    }
    if vendors.rmm.is_empty() {
        return Ok(());
    }
    let companies = sync_companies::any(pool).await?;
    for provider in vendors.rmm.all() {
        let name = provider.name();
        let history = asset_history(service, name, now).await?;
        // The first look that counts is the first one at which assets could be read.
        let first_look = companies && looked.insert((System::Rmm, name));
        if schedule.assets_due(&history, companies, first_look, &local) {
            start(service, name, Work::Assets { push: None }).await?;
        }
    }
    Ok(())
}

async fn start(service: &SyncService, provider: &'static str, work: Work) -> sqlx::Result<()> {
    match service.start(Some(provider), work, "scheduler").await {
        Ok(id) => tracing::debug!(job_id = %id, provider, "started by schedule"),
        Err(StartError::Database(error)) => return Err(error),
        Err(error) => tracing::debug!(%error, provider, "not started"),
    }
    Ok(())
}

pub(super) async fn facts(service: &SyncService, provider: &str) -> sqlx::Result<Facts> {
    let pool = &service.inner.pool;
    let now = service.inner.clock.now();
    let runs =
        last_runs::of_kinds(pool, SCRIPT, provider, &[BASE, TICKETS, TICKETS_DETAIL, TICKETS_NIGHTLY], now)
            .await?;
    let newest = |kinds: &[&str]| {
        let mut history = History::default();
        for run in runs.iter().filter(|run| kinds.contains(&run.sync_type.as_str())) {
            history.succeeded = history.succeeded.max(run.succeeded_at);
            if history.attempted.is_none_or(|attempted| attempted < run.started_at) {
                history.attempted = Some(run.started_at);
                history.interrupted = run.interrupted;
                history.interrupted_before = run.interrupted_before;
            }
        }
        history
    };
    let mut facts = Facts {
        companies: sync_companies::any(pool).await?,
        base: newest(&[BASE]),
        tickets: newest(&[TICKETS, TICKETS_DETAIL, TICKETS_NIGHTLY]),
        details: newest(&[TICKETS_DETAIL, TICKETS_NIGHTLY]),
        comparison: newest(&[TICKETS_NIGHTLY]),
    };
    facts.base.running = sync_jobs::running(pool, &base_key(provider)).await?.is_some();
    facts.tickets.running = sync_jobs::running(pool, &ticket_key(provider)).await?.is_some();
    facts.details.running = sync_jobs::running(pool, &detail_key(provider)).await?.is_some();
    // A comparison of any origin counts, and it has succeeded once the list phase has.
    let compared = sync_state::load(pool, provider, TICKETS_FULL).await?.high_water_mark;
    facts.comparison.succeeded = compared.filter(|at| *at <= now);
    Ok(facts)
}

pub(super) async fn asset_history(
    service: &SyncService,
    provider: &str,
    now: DateTime<Utc>,
) -> sqlx::Result<History> {
    let pool = &service.inner.pool;
    let last = last_runs::untyped(pool, RMM_SCRIPT, provider, now).await?;
    let running = sync_jobs::running(pool, &asset_key(provider)).await?.is_some();
    Ok(last.map_or(History { running, ..History::default() }, |last| History {
        attempted: Some(last.started_at),
        succeeded: last.succeeded_at,
        interrupted: last.interrupted,
        interrupted_before: last.interrupted_before,
        running,
    }))
}

/// The advisory lock of the leader lives as long as one connection of its own; an instance that stands by keeps its
/// connection as well, to ask again and again.
#[derive(Default)]
struct Leadership {
    connection: Option<PgConnection>,
    leads: bool,
}

impl Leadership {
    /// Whether this instance leads, trying to become leader if nobody is.
    async fn is_held(&mut self, service: &SyncService) -> sqlx::Result<bool> {
        // A connection whose other side is gone without a word must not stop the schedule for good.
        let answer = tokio::time::timeout(PATIENCE, self.ask(service)).await;
        let leads = answer.unwrap_or(Err(sqlx::Error::PoolTimedOut));
        match leads {
            Ok(true) if !self.leads => tracing::info!("this instance runs the scheduled syncs"),
            Ok(_) => {}
            Err(_) => {
                self.connection = None;
                if self.leads {
                    tracing::warn!("lost the connection that makes this instance the scheduler");
                }
            }
        }
        self.leads = matches!(leads, Ok(true));
        leads
    }

    async fn ask(&mut self, service: &SyncService) -> sqlx::Result<bool> {
        let connection = match self.connection {
            Some(ref mut connection) => connection,
            None => self.connection.insert(service.inner.pool.acquire().await?.detach()),
        };
        if self.leads {
            connection.ping().await?;
            return Ok(true);
        }
        sqlx::query_scalar!(r#"select pg_try_advisory_lock($1) as "leads!""#, LEADER)
            .fetch_one(connection)
            .await
    }
}
