//! Syncs as jobs: one row each, alone in its kind, with progress, end and a way to stop it (codex-api.md §8.2).

pub mod agents;
pub mod clearing;
mod psa;
mod rmm;
pub mod samples;
mod scheduler;
mod task;
mod upcoming;
mod work;
mod worker;

use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use futures::TryFutureExt as _;
use hivematrix_shared::clock::Clock;
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{Instrument as _, Span, info_span};
use uuid::Uuid;

pub use task::Done;
pub use upcoming::Upcoming;
pub use work::{
    CREATE_NUMBERS_SCRIPT, DRY_RUN_SCRIPT, Details, PUSH_NUMBERS_SCRIPT, RMM_SCRIPT, SCRIPT, System, Work,
    told_sync_type,
};
pub use worker::Outcome;

use crate::config::Settings;
use crate::domain::schedule::Schedule;
use crate::providers::{Made, ProviderError, Vendors};
use crate::store::alone::Busy;
use crate::store::sync_jobs::{self, NewJob};
use crate::sync::{AssetSync, Report, Sync, SyncRules};
use work::Vendor;

/// Why a job did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The provider is unknown or not configured.
    #[error(transparent)]
    Provider(#[from] ProviderError),
    /// One of the kind runs already.
    #[error("a sync of this kind is running already (job {0})")]
    Running(Uuid),
    /// Somebody takes over another database or clears data, which leaves no room for syncs.
    #[error("an import or the clearing of data is running; no sync begins before it has ended")]
    Alone,
    /// The row could not be written.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

impl From<Busy> for StartError {
    fn from(busy: Busy) -> Self {
        match busy {
            Busy::Job(job) => Self::Running(job),
            Busy::Alone => Self::Alone,
        }
    }
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
    /// What the vendors were made of.
    made: Mutex<Made>,
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
        let made = Mutex::default();
        Self { inner: Arc::new(Inner { pool, clock, vendors, made, schedule, rules, shutdown, jobs }) }
    }

    /// The service that the settings describe.
    pub fn from_settings(
        settings: &Settings,
        pool: PgPool,
        clock: Clock,
        shutdown: CancellationToken,
    ) -> Self {
        let schedule = scheduler::schedule(&settings.scheduler);
        let vendors = Vendors::default();
        let service = Self::new(pool, clock, vendors, schedule, SyncRules::default(), shutdown);
        service.reload(settings);
        service
    }

    /// The configured vendors, as they are now.
    pub fn vendors(&self) -> Arc<Vendors> {
        self.inner.vendors.load_full()
    }

    /// Takes up changed settings. Jobs that run end with the vendors they began with; a vendor whose own settings did not
    /// change stays the same.
    pub fn reload(&self, settings: &Settings) {
        let mut made = self.inner.made.lock().unwrap_or_else(PoisonError::into_inner);
        self.inner.vendors.store(Arc::new(Vendors::keeping(settings, &mut made)));
        drop(made);
        self.inner.schedule.store(Arc::new(scheduler::schedule(&settings.scheduler)));
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
        let vendor = Vendor::of(&self.vendors(), work.system(), provider)?;
        let id = self.claim(vendor.name(), &work, requested_by).await?;
        let service = self.clone();
        let job = async move { service.work(id, vendor, work, false).await };
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
        let vendor = Vendor::of(&self.vendors(), work.system(), Some(provider))?;
        let id = self.claim(vendor.name(), &work, requested_by).await?;
        Ok(self.work(id, vendor, work, true).await)
    }

    async fn claim(
        &self,
        provider: &'static str,
        work: &Work,
        requested_by: &str,
    ) -> Result<Uuid, StartError> {
        let job = NewJob {
            script: work.script(),
            provider: work.names_provider().then_some(provider),
            sync_type: work.sync_type(),
            exclusive_key: &work.exclusive_key(provider),
            requested_by,
        };
        let started = sync_jobs::start(&self.inner.pool, &job, self.inner.clock.now()).await?;
        started.map_err(StartError::from)
    }

    async fn work(&self, id: Uuid, vendor: Vendor, work: Work, echo: bool) -> Outcome {
        let (pool, clock) = (self.inner.pool.clone(), self.inner.clock.clone());
        let (rules, report) = (self.inner.rules, Report::new(clock.clone(), echo));
        report.watch(vendor.clone());
        let job = worker::Job {
            id,
            pool: pool.clone(),
            clock: clock.clone(),
            report: report.clone(),
            limit: work.limit(),
        };
        let shutdown = &self.inner.shutdown;
        match vendor {
            Vendor::Psa(provider) => {
                let sync = Sync { pool, clock, provider, rules, report };
                worker::run(&job, psa::perform(id, &sync, &work).map_ok(|()| Done::Whole), shutdown).await
            }
            Vendor::Rmm(provider) => {
                let sync = AssetSync { pool, clock, provider, rules, report };
                worker::run(&job, rmm::perform(id, &sync, &work).map_ok(|()| Done::Whole), shutdown).await
            }
        }
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
