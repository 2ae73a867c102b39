//! What a running service shares with all its handlers and jobs.

use std::{
    future::Future,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{
    signal::unix::{SignalKind, signal},
    task::JoinHandle,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    auth::{Authenticator, LiveKeys, RemoteKeys, RevocationFeed, Revocations},
    clock::Clock,
    config::CommonSettings,
    logging::{self, LogHandle, LogSink},
    metrics::Metrics,
    registry::RegistryHandle,
    service_client::{ServiceClient, http_client},
    tls,
};

/// Time that background jobs get to finish after the signal to stop.
const STOP_GRACE: Duration = Duration::from_secs(5);

/// Settings and tools of one running service. Cheap to clone.
#[derive(Clone)]
pub struct ServiceContext {
    /// The service's own name, such as `codex`.
    pub name: &'static str,
    /// Settings shared by all services.
    pub settings: Arc<CommonSettings>,
    /// The time.
    pub clock: Clock,
    /// `services.json`.
    pub registry: RegistryHandle,
    /// Verifies tokens.
    pub auth: Authenticator,
    /// Calls other services.
    pub client: ServiceClient,
    /// Counters for `/metrics`.
    pub metrics: Metrics,
    /// Cancelled when the service is to stop.
    pub shutdown: CancellationToken,
    tasks: TaskTracker,
    logs: Option<LogHandle>,
    shipping: Arc<Shipping>,
}

/// The log shipper, which is stopped after everything else.
#[derive(Default)]
struct Shipping {
    stop: CancellationToken,
    task: Mutex<Option<JoinHandle<()>>>,
}

/// A service that cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The HTTP client could not be built, such as for a broken CA file.
    #[error("the HTTP client cannot be built: {0}")]
    Client(#[from] reqwest::Error),
}

impl ServiceContext {
    /// Starts logging, the registry watcher and the revocation feed of an ordinary service; logs are shipped to Helm.
    pub fn start(name: &'static str, settings: CommonSettings) -> Result<Self, StartError> {
        let context = Self::start_without_shipping(name, settings)?;
        context.ship_logs();
        Ok(context)
    }

    /// As [`ServiceContext::start`], without sending logs anywhere: Helm stores its own.
    pub fn start_without_shipping(name: &'static str, settings: CommonSettings) -> Result<Self, StartError> {
        let logs = logging::init(&settings, name);
        tls::prefer_aws_lc();
        let clock = Clock::system();
        let registry = RegistryHandle::open(settings.registry_path());
        let client = ServiceClient::new(&settings, registry.clone())?;
        let revocations = Arc::new(Revocations::following(&clock));
        let core = client.clone();
        let core_url = move || core.base_url("core").unwrap_or_default();
        let keys = RemoteKeys::new(core_url, http_client(&settings)?);
        let auth = Authenticator::remote(
            name,
            clock.clone(),
            keys,
            revocations.clone(),
            settings.compat_service_writes,
        );
        let context = Self::assemble(name, settings, clock, registry, auth, client, Some(logs));
        let verifier = context.auth.clone();
        let feed = RevocationFeed::new(context.client.clone(), revocations, context.clock.clone())
            .on_keys_changed(move || verifier.keys_changed());
        context.tasks.spawn(feed.run(context.shutdown.clone()));
        Ok(context)
    }

    /// For Core, which has the keys and the revocations itself.
    pub fn start_with_keys(
        name: &'static str,
        settings: CommonSettings,
        keys: LiveKeys,
        revocations: Arc<Revocations>,
    ) -> Result<Self, StartError> {
        let logs = logging::init(&settings, name);
        let clock = Clock::system();
        let registry = RegistryHandle::open(settings.registry_path());
        let client = ServiceClient::new(&settings, registry.clone())?;
        let auth =
            Authenticator::local(name, clock.clone(), keys, revocations, settings.compat_service_writes);
        let context = Self::assemble(name, settings, clock, registry, auth, client, Some(logs));
        context.ship_logs();
        Ok(context)
    }

    /// Puts given parts together without starting anything: tests.
    pub fn assemble(
        name: &'static str,
        settings: CommonSettings,
        clock: Clock,
        registry: RegistryHandle,
        auth: Authenticator,
        client: ServiceClient,
        logs: Option<LogHandle>,
    ) -> Self {
        let context = Self {
            name,
            settings: Arc::new(settings),
            clock,
            registry,
            auth,
            client,
            metrics: Metrics::new(name),
            shutdown: CancellationToken::new(),
            tasks: TaskTracker::new(),
            logs,
            shipping: Arc::default(),
        };
        context.metrics.observe_build(context.settings.version());
        if let Some(logs) = &context.logs {
            context.metrics.observe_logs(logs.counters());
            context.tasks.spawn(context.registry.clone().watch(context.shutdown.clone()));
        }
        context
    }

    /// The log pipeline, for Helm, which feeds it into its own table.
    pub fn logs(&self) -> Option<&LogHandle> {
        self.logs.as_ref()
    }

    fn ship_logs(&self) {
        if let Some(logs) = self.shipped_logs() {
            self.keep_shipper(logs.start_shipping(self.client.clone(), self.shipping.stop.clone()));
        }
    }

    /// Sends the log to a sink of the service's own instead of Helm's API: Helm itself.
    pub fn ship_logs_to<S: LogSink>(&self, sink: S) {
        if let Some(logs) = self.shipped_logs() {
            self.keep_shipper(logs.ship_to(sink, self.shipping.stop.clone()));
        }
    }

    /// The log pipeline, unless `LOG_SHIPPING` turns it off.
    fn shipped_logs(&self) -> Option<&LogHandle> {
        self.logs.as_ref().filter(|_| self.settings.log_shipping)
    }

    fn keep_shipper(&self, task: JoinHandle<()>) {
        *self.shipping.task.lock().unwrap_or_else(PoisonError::into_inner) = Some(task);
    }

    /// Runs a background job until it ends or the service stops; its end is logged.
    pub fn spawn<F>(&self, job: &'static str, future: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let shutdown = self.shutdown.clone();
        self.tasks.spawn(async move {
            if shutdown.run_until_cancelled(future).await.is_some() && !shutdown.is_cancelled() {
                tracing::debug!(job, "a background job ended");
            }
        });
    }

    /// Runs a job that watches `shutdown` itself, so that it can finish what it holds before the process ends.
    pub fn spawn_graceful<F>(&self, future: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.tasks.spawn(future);
    }

    /// Cancels `shutdown` on SIGTERM or SIGINT.
    pub fn stop_on_signals(&self) {
        let shutdown = self.shutdown.clone();
        tokio::spawn(async move {
            let (Ok(mut term), Ok(mut int)) =
                (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
            else {
                tracing::error!("signals cannot be received, stop the service with SIGKILL");
                return;
            };
            tokio::select! {
                _ = term.recv() => {}
                _ = int.recv() => {}
            }
            tracing::info!("stopping");
            shutdown.cancel();
        });
    }

    /// Stops the background jobs, then hands over the last log lines.
    pub async fn stop(&self) {
        self.shutdown.cancel();
        self.tasks.close();
        if tokio::time::timeout(STOP_GRACE, self.tasks.wait()).await.is_err() {
            tracing::warn!("a background job did not stop in time");
        }
        self.shipping.stop.cancel();
        let shipper = self.shipping.task.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(shipper) = shipper {
            // What it cannot send in this time lies in its spool and is sent after the next start.
            let _ = tokio::time::timeout(STOP_GRACE, shipper).await;
        }
        if let Some(logs) = &self.logs {
            logs.flush();
        }
    }
}
