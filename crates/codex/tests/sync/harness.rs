//! A vendor, a store, and a sync between them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use hivematrix_codex::domain::status::StatusMap;
use hivematrix_codex::providers::freshservice::{Connection, Freshservice, Retry};
use hivematrix_codex::providers::{PageRef, Providers, PsaProvider, TicketView};
use hivematrix_codex::sync::{DetailLimits, Reach, Report, Sync, SyncError, SyncRules};
use hivematrix_shared::clock::Clock;
use hivematrix_shared::config::Secret;
use hivematrix_simulators::freshservice::{Config, Handle, spawn};
use hivematrix_simulators::world::Size;
use sqlx::PgPool;

/// Three pages of tickets.
pub const SMALL: Size =
    Size { companies: 6, agents: 4, contacts: 30, assets: 10, tickets: 250, active: 40, history_days: 60 };

/// Patience for tests: the same attempts, no waiting.
pub const HASTY: Retry = Retry {
    attempts: 3,
    pause: Duration::from_millis(1),
    timeout: Duration::from_secs(5),
    default_wait: Duration::from_millis(2),
    least_wait: Duration::from_millis(2),
    longest_wait: Duration::from_millis(2),
    total_wait: Duration::from_millis(10),
};

pub struct World {
    pub vendor: Handle,
    pub pool: PgPool,
    pub clock: Clock,
}

impl World {
    pub async fn new(pool: PgPool) -> Self {
        Self::of(pool, SMALL).await
    }

    /// With other numbers of everything.
    pub async fn of(pool: PgPool, size: Size) -> Self {
        let vendor = spawn(Config { size, ..Config::default() }).await.unwrap();
        let clock = Clock::manual(vendor.control.now());
        Self { vendor, pool, clock }
    }

    pub fn freshservice(&self) -> Freshservice {
        self.freshservice_with(HASTY)
    }

    pub fn freshservice_with(&self, retry: Retry) -> Freshservice {
        let key = Secret::new(self.vendor.api_key.clone());
        let connection = Connection { retry, ..Connection::new(self.vendor.base_url.clone(), key) };
        Freshservice::new(connection, StatusMap::freshservice([])).unwrap()
    }

    pub fn providers(&self) -> Providers {
        Providers::new("freshservice").with(Arc::new(self.freshservice()))
    }

    pub fn sync(&self) -> Sync {
        Sync {
            pool: self.pool.clone(),
            clock: self.clock.clone(),
            provider: Arc::new(self.freshservice()),
            rules: SyncRules::default(),
            report: Report::new(self.clock.clone(), false),
        }
    }

    /// Lets time pass for the vendor and for us.
    pub fn pass(&self, minutes: i64) {
        self.vendor.control.advance(Duration::from_secs(minutes.unsigned_abs() * 60));
        self.clock.set(self.vendor.control.now());
    }

    /// A list phase that must succeed.
    pub async fn tickets(&self, reach: Reach) -> Report {
        let sync = self.sync();
        sync.tickets(reach).await.unwrap();
        sync.report
    }

    /// A list phase that must fail.
    pub async fn failing_tickets(&self, reach: Reach) -> SyncError {
        self.sync().tickets(reach).await.unwrap_err()
    }

    pub async fn details(&self) -> Report {
        let sync = self.sync();
        sync.details(DetailLimits { tickets: 10_000, time: Duration::from_secs(60), changed_since: None })
            .await
            .unwrap();
        sync.report
    }

    /// What the vendor lists: id → status code and update time.
    pub async fn listed(&self) -> BTreeMap<i64, (Option<i32>, Option<DateTime<Utc>>)> {
        let (provider, mut listed, mut next) = (self.freshservice(), BTreeMap::new(), Some(PageRef::FIRST));
        while let Some(page) = next {
            let page = provider.tickets(TicketView::Ordinary, DateTime::UNIX_EPOCH, page).await.unwrap();
            listed.extend(page.items.iter().map(|row| (row.external_id, (row.status_id, row.updated_at))));
            next = page.next;
        }
        listed
    }

    /// The same of what is stored, without what is marked as gone. The code 6 is an ordinary status to the vendor.
    pub async fn stored(&self) -> BTreeMap<i64, (Option<i32>, Option<DateTime<Utc>>)> {
        let rows: Vec<(i64, Option<i32>, Option<DateTime<Utc>>)> = sqlx::query_as(
            "select external_id, status_id, last_updated_at from ticket_details
             where status <> 'deleted' and (status <> 'spam' or status_id = 6)",
        )
        .fetch_all(&self.pool)
        .await
        .unwrap();
        rows.into_iter().map(|(id, status, updated)| (id, (status, updated))).collect()
    }

    /// Nothing missing, nothing too much, nothing old.
    pub async fn assert_same(&self) {
        assert_eq!(self.stored().await, self.listed().await);
    }

    pub async fn number(&self, sql: &'static str) -> i64 {
        sqlx::query_scalar(sql).fetch_one(&self.pool).await.unwrap()
    }

    pub async fn status_of(&self, id: u64) -> Option<String> {
        sqlx::query_scalar("select status from ticket_details where external_id = $1")
            .bind(i64::try_from(id).unwrap())
            .fetch_optional(&self.pool)
            .await
            .unwrap()
            .flatten()
    }

    /// Pages of the ordinary ticket list that were asked for since the requests were last cleared.
    pub fn pages_read(&self) -> Vec<u32> {
        let lines = self.vendor.control.request_lines();
        lines
            .iter()
            .filter(|line| line.path == "/tickets" && line.query.contains("include="))
            .map(|line| line.query.rsplit_once("&page=").unwrap().1.parse().unwrap())
            .collect()
    }

    /// Some tickets that are being worked on.
    pub fn active(&self, count: usize) -> Vec<u64> {
        let ids = self.vendor.control.active_ids();
        assert!(ids.len() >= count);
        ids[..count].to_vec()
    }
}

/// A while ago, by a clock.
pub fn ago(clock: &Clock, minutes: i64) -> DateTime<Utc> {
    clock.now() - TimeDelta::minutes(minutes)
}
