//! Syncs as jobs: one row each, alone in its kind, with progress, end and a way to stop it (codex-api.md §8.2).

mod psa;
mod schedule;
mod scheduler;
mod worker;

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use hivematrix_shared::clock::Clock;
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{Instrument as _, Span, info_span};
use uuid::Uuid;

pub use schedule::{Rhythm, Schedule};
pub use worker::Outcome;

use crate::config::Settings;
use crate::providers::{ProviderError, PsaProvider, Vendors};
use crate::store::sync_jobs::{self, NewJob};
use crate::sync::{BasePart, DetailLimits, Reach, Report, Sync, SyncRules};

/// Script name of every PSA job.
pub const SCRIPT: &str = "psa";

/// Kind of a sync of companies, contacts and agents.
const BASE: &str = "base";
/// Kind of a ticket sync.
const TICKETS: &str = "tickets";
/// Kind of a ticket sync that somebody waits for, or that reads details again.
const TICKETS_DETAIL: &str = "tickets-detail";
/// Kind of the scheduled comparison of all tickets with the vendor.
const TICKETS_NIGHTLY: &str = "tickets-full";

/// What a job does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Work {
    /// Companies, agents, contacts.
    Base(Vec<BasePart>),
    /// Tickets: the list phase, then details.
    Tickets {
        /// Which tickets the list phase reads.
        reach: Reach,
        /// How many details to read afterwards.
        details: Details,
    },
}

/// The detail phase that follows a list phase.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Details {
    /// None.
    Skip,
    /// The most important ones, so that somebody who waits sees the end soon.
    Some,
    /// All that are due.
    All,
    /// All that are due and, whether they changed or not, those of active and recently changed tickets.
    Refresh,
}

impl Work {
    /// Everything the base sync has.
    pub fn base() -> Self {
        Self::Base(BasePart::ALL.to_vec())
    }

    /// Name in the job's row, `sync_type`.
    fn sync_type(&self) -> &'static str {
        match self {
            Self::Base(parts) => match parts.as_slice() {
                [BasePart::Companies] => "companies",
                [BasePart::Agents] => "agents",
                [BasePart::Contacts] => "contacts",
                _ => BASE,
            },
            Self::Tickets { reach: Reach::Full, details: Details::Refresh } => TICKETS_NIGHTLY,
            Self::Tickets { details: Details::Some | Details::Refresh, .. } => TICKETS_DETAIL,
            Self::Tickets { .. } => TICKETS,
        }
    }

    /// What no second job may do at the same time.
    fn exclusive_key(&self, provider: &str) -> String {
        match self {
            Self::Base(_) => base_key(provider),
            Self::Tickets { .. } => ticket_key(provider),
        }
    }

    /// Longest a job may take. Tickets: codex-api.md §8.2.
    fn limit(&self) -> Duration {
        match self {
            Self::Base(_) => Duration::from_secs(30 * 60),
            Self::Tickets { .. } => Duration::from_secs(2 * 60 * 60),
        }
    }
}

/// The key of the base sync and its parts.
fn base_key(provider: &str) -> String {
    format!("psa:base:{provider}")
}

/// The key of a ticket list phase.
fn ticket_key(provider: &str) -> String {
    format!("psa:tickets:{provider}")
}

/// The key of the detail phase, which does not hold up list phases.
fn detail_key(provider: &str) -> String {
    format!("psa:tickets-detail:{provider}")
}

/// Limits of a detail phase.
fn detail_limits(details: Details) -> DetailLimits {
    match details {
        Details::Skip => DetailLimits { tickets: 0, time: Duration::ZERO },
        Details::Some => DetailLimits { tickets: 100, time: Duration::from_secs(60) },
        // Ends by itself well before the job's limit; what is left stays due.
        Details::All | Details::Refresh => {
            DetailLimits { tickets: u64::MAX, time: Duration::from_secs(90 * 60) }
        }
    }
}

/// Why a job did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The provider is unknown or not configured.
    #[error(transparent)]
    Provider(#[from] ProviderError),
    /// One of the kind runs already.
    #[error("a sync of this kind is running already (job {0})")]
    Running(Uuid),
    /// The row could not be written.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

/// Starts, runs and ends sync jobs. Cheap to clone.
#[derive(Clone)]
pub struct SyncService {
    inner: Arc<Inner>,
}

struct Inner {
    pool: PgPool,
    clock: Clock,
    vendors: ArcSwap<Vendors>,
    schedule: ArcSwap<Schedule>,
    rules: SyncRules,
    shutdown: CancellationToken,
    jobs: TaskTracker,
}

impl SyncService {
    /// A service whose jobs end when `shutdown` is cancelled.
    pub fn new(
        pool: PgPool,
        clock: Clock,
        vendors: Vendors,
        schedule: Schedule,
        rules: SyncRules,
        shutdown: CancellationToken,
    ) -> Self {
        let jobs = TaskTracker::new();
        let (vendors, schedule) = (ArcSwap::from_pointee(vendors), ArcSwap::from_pointee(schedule));
        Self { inner: Arc::new(Inner { pool, clock, vendors, schedule, rules, shutdown, jobs }) }
    }

    /// The service that the settings describe.
    pub fn from_settings(
        settings: &Settings,
        pool: PgPool,
        clock: Clock,
        shutdown: CancellationToken,
    ) -> Self {
        let vendors = Vendors::from_settings(settings);
        let schedule = Schedule::from_settings(&settings.scheduler);
        Self::new(pool, clock, vendors, schedule, SyncRules::default(), shutdown)
    }

    /// The configured vendors, as they are now.
    pub fn vendors(&self) -> Arc<Vendors> {
        self.inner.vendors.load_full()
    }

    /// Takes up changed settings. Jobs that run end with the vendors they began with.
    pub fn reload(&self, settings: &Settings) {
        self.inner.vendors.store(Arc::new(Vendors::from_settings(settings)));
        self.inner.schedule.store(Arc::new(Schedule::from_settings(&settings.scheduler)));
    }

    /// Starts a job in the background and returns its id.
    ///
    /// # Errors
    /// When the provider cannot be used, or one of the kind runs.
    pub async fn start(
        &self,
        provider: Option<&str>,
        work: Work,
        requested_by: &str,
    ) -> Result<Uuid, StartError> {
        let provider = self.vendors().psa.get(provider)?;
        let id = self.claim(&*provider, &work, requested_by).await?;
        let service = self.clone();
        let job = async move { service.work(id, provider, work, false).await };
        // The lines of the job carry the correlation id of the request that started it, else the id of the job.
        let request = Span::current();
        let span = if request.is_none() { info_span!("request", correlation_id = %id) } else { request };
        self.inner.jobs.spawn(job.instrument(span));
        Ok(id)
    }

    /// Runs a job to its end, telling standard output how it goes: the command line.
    ///
    /// # Errors
    /// When the provider cannot be used, or one of the kind runs. A job that fails is an [`Outcome`].
    pub async fn run_here(
        &self,
        provider: &str,
        work: Work,
        requested_by: &str,
    ) -> Result<Outcome, StartError> {
        let provider = self.vendors().psa.get(Some(provider))?;
        let id = self.claim(&*provider, &work, requested_by).await?;
        Ok(self.work(id, provider, work, true).await)
    }

    async fn claim(
        &self,
        provider: &dyn PsaProvider,
        work: &Work,
        requested_by: &str,
    ) -> Result<Uuid, StartError> {
        let job = NewJob {
            script: SCRIPT,
            provider: provider.name(),
            sync_type: work.sync_type(),
            exclusive_key: &work.exclusive_key(provider.name()),
            requested_by,
        };
        let started = sync_jobs::start(&self.inner.pool, &job, self.inner.clock.now()).await?;
        started.map_err(StartError::Running)
    }

    async fn work(&self, id: Uuid, provider: Arc<dyn PsaProvider>, work: Work, echo: bool) -> Outcome {
        let (pool, clock) = (self.inner.pool.clone(), self.inner.clock.clone());
        let report = Report::new(clock.clone(), echo);
        let job = worker::Job {
            id,
            pool: pool.clone(),
            clock: clock.clone(),
            report: report.clone(),
            limit: work.limit(),
        };
        let sync = Sync { pool, clock, provider, rules: self.inner.rules, report };
        worker::run(&job, psa::perform(id, &sync, &work), &self.inner.shutdown).await
    }

    /// Follows the schedule until the service stops, then waits for the jobs to write down where they are.
    pub async fn run(self) {
        // Also without a vendor or with the schedule switched off: both can change while it runs.
        scheduler::run(&self).await;
        self.inner.jobs.close();
        self.inner.jobs.wait().await;
    }
}

impl std::fmt::Debug for SyncService {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SyncService").field("vendors", &self.inner.vendors.load()).finish_non_exhaustive()
    }
}
