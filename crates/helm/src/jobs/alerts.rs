//! Looks at the rules with every sample, keeps what they find, and tells the webhook.

use std::{collections::BTreeMap, path::PathBuf, sync::Arc};

use arc_swap::ArcSwapOption;
use chrono::{DateTime, Utc};
use hivematrix_shared::clock::Clock;
use sqlx::PgPool;

use crate::{
    backup::history,
    clients::{gateway, webhook::Webhook},
    domain::alerts::{ERROR_WINDOW, LastBackup, Lines, Memory, Observed, findings},
    instance::{Layout, machine},
    services::board::{SAMPLE_EVERY, StatusBoard},
    store::{
        alerts::{self, Alert, Event},
        logs,
    },
};

/// Failures of the store in a row after which the webhook is told: peers that start together need a moment.
const STORE_PATIENCE: u32 = 4;
/// Longest pause after failures of the webhook, in looks.
const LONGEST_PAUSE: u32 = 40;

/// What is watched beside the processes, and who is told.
#[derive(Debug, Default)]
pub struct Watched {
    /// The instance directory.
    pub home: PathBuf,
    /// The file of the gateway's certificate.
    pub certificate: PathBuf,
    /// The gateway itself, where only that may read the file.
    pub gateway: Option<String>,
    /// Who is told; another one after a change of the settings.
    pub webhook: Arc<ArcSwapOption<Webhook>>,
}

/// The job.
pub struct Alerts {
    pool: PgPool,
    board: StatusBoard,
    clock: Clock,
    watched: Watched,
    memory: Memory,
    /// Failures of the store in a row.
    store_failures: u32,
    /// The alert about the store, which the store itself cannot keep.
    store_alert: Option<Alert>,
    /// Failures of the webhook in a row, and looks to wait.
    webhook_failures: u32,
    webhook_pause: u32,
}

impl Alerts {
    /// A watch over the processes of a board.
    #[must_use]
    pub fn new(pool: PgPool, board: StatusBoard, clock: Clock, watched: Watched) -> Self {
        Self {
            pool,
            board,
            clock,
            watched,
            memory: Memory::default(),
            store_failures: 0,
            store_alert: None,
            webhook_failures: 0,
            webhook_pause: 0,
        }
    }

    /// Works until it is dropped.
    pub async fn run(mut self) {
        loop {
            tokio::time::sleep(SAMPLE_EVERY).await;
            self.look().await;
        }
    }

    /// Looks once.
    pub async fn look(&mut self) {
        let now = self.clock.now();
        let observed = self.observe(now).await;
        let found = self.memory.settled(findings(&observed, now), now);
        match alerts::settle(&self.pool, &found, now).await {
            Ok(()) => {
                self.store_works(now).await;
                self.tell_news(now).await;
            }
            Err(error) => self.store_fails(&error, now).await,
        }
    }

    async fn observe(&mut self, now: DateTime<Utc>) -> Observed {
        let units = self.board.statuses(SAMPLE_EVERY).await;
        let restarts = self.memory.restarts(&units, now);
        let mut lines: BTreeMap<String, Lines> = BTreeMap::new();
        // A store that is away is told by itself.
        for count in logs::level_counts(&self.pool, now - ERROR_WINDOW).await.unwrap_or_default() {
            let of_service = lines.entry(count.service).or_default();
            of_service.all += count.count;
            if matches!(count.level.as_str(), "ERROR" | "CRITICAL") {
                of_service.errors += count.count;
            }
        }
        let home = self.watched.home.clone();
        let file = Some(self.watched.certificate.clone()).filter(|_| self.watched.gateway.is_none());
        // Where all services run elsewhere, so do their backups.
        let is_kept_here =
            self.board.registry().iter().any(|(name, entry)| name != "helm" && !entry.is_remote());
        let machine = tokio::task::spawn_blocking(move || {
            let layout = Layout::new(home);
            // What cannot be read is not known to be missing.
            let last = history::last(&layout);
            let is_missing = is_kept_here && matches!(last, Ok(None));
            Observed {
                disk: machine::disk(layout.home()),
                memory: machine::memory(),
                certificate_until: file.and_then(|file| readable(machine::certificate_until(&file))),
                backup: readable(last).map(LastBackup::from),
                unsaved_since: machine::made_at(layout.home()).filter(|_| is_missing),
                ..Observed::default()
            }
        });
        let mut machine = machine.await.unwrap_or_default();
        if let Some(address) = &self.watched.gateway {
            let shown = gateway::certificate(address).await;
            machine.certificate_until = readable(shown.and_then(|der| machine::shown_until(&der)));
        }
        Observed { units, stopped_by_hand: self.board.stopped_by_hand(), restarts, lines, ..machine }
    }

    /// Tells the webhook what it does not know yet, in order; after a failure it is left alone for a while.
    async fn tell_news(&mut self, now: DateTime<Utc>) {
        let Some(webhook) = self.watched.webhook.load_full() else { return };
        if self.webhook_pause > 0 {
            self.webhook_pause -= 1;
            return;
        }
        let news = match alerts::untold(&self.pool, now).await {
            Ok(news) => news,
            Err(error) => {
                tracing::warn!(error = %error, "alerts cannot be read");
                return;
            }
        };
        for (event, alert) in news {
            if let Err(error) = webhook.tell(event, &alert).await {
                if self.webhook_failures == 0 {
                    tracing::warn!(host = webhook.host(), error = %error, "an alert was not told, trying again");
                }
                self.webhook_pause = (1 << self.webhook_failures.min(8)).min(LONGEST_PAUSE);
                self.webhook_failures = self.webhook_failures.saturating_add(1);
                return;
            }
            self.webhook_failures = 0;
            if let Err(error) = alerts::told(&self.pool, event, alert.id, now).await {
                tracing::warn!(error = %error, "an alert was told and may be told again");
                return;
            }
        }
    }

    /// The store keeps the alerts, so that of its own absence the webhook alone can be told.
    async fn store_fails(&mut self, error: &sqlx::Error, now: DateTime<Utc>) {
        self.store_failures = self.store_failures.saturating_add(1);
        if self.store_failures < STORE_PATIENCE || self.store_alert.is_some() {
            return;
        }
        tracing::warn!(error = %error, "alerts cannot be kept");
        let alert = Alert {
            id: 0,
            rule: "down".into(),
            subject: "log store".into(),
            severity: "critical".into(),
            message: "Helm's database does not answer.".into(),
            fired_at: now,
            last_seen: now,
            resolved_at: None,
        };
        if self.tell(Event::Fire, &alert).await {
            self.store_alert = Some(alert);
        }
    }

    async fn store_works(&mut self, now: DateTime<Utc>) {
        self.store_failures = 0;
        let Some(alert) = self.store_alert.take() else { return };
        let over = Alert { resolved_at: Some(now), ..alert.clone() };
        if !self.tell(Event::Resolve, &over).await {
            self.store_alert = Some(alert);
        }
    }

    /// Whether the webhook, if there is one, has taken it.
    async fn tell(&self, event: Event, alert: &Alert) -> bool {
        match self.watched.webhook.load_full() {
            Some(webhook) => webhook.tell(event, alert).await.is_ok(),
            None => true,
        }
    }
}

/// What cannot be read is unknown; the log says why.
fn readable<T>(found: anyhow::Result<Option<T>>) -> Option<T> {
    found.unwrap_or_else(|error| {
        tracing::debug!(error = format!("{error:#}"), "not known to the alerts");
        None
    })
}
