//! A SuperOps account, a store, and a sync between them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use hivematrix_codex::domain::vendor_words::StatusNames;
use hivematrix_codex::providers::superops::{ClientFields, Connection, Habits, SuperOps, WorklogUnit};
use hivematrix_codex::providers::{PageRef, PsaProvider, TicketView};
use hivematrix_codex::sync::{BasePart, DetailLimits, Reach, Report, Sync, SyncRules};
use hivematrix_shared::clock::Clock;
use hivematrix_shared::config::Secret;
use hivematrix_simulators::freshservice;
use hivematrix_simulators::superops::{Config, Handle, spawn, vendor_id};
use sqlx::PgPool;

use crate::harness::{HASTY, SMALL};

/// Codex's form of the vendor's id of a record of the world.
pub fn id(world_id: u64) -> i64 {
    i64::try_from(vendor_id(world_id)).unwrap()
}

pub fn habits() -> Habits {
    Habits {
        statuses: StatusNames::new([]),
        fields: ClientFields { account_number: "account_number".to_owned(), others: BTreeMap::new() },
        worklog_unit: WorklogUnit::Minutes,
    }
}

pub struct World {
    pub vendor: Handle,
    pub pool: PgPool,
    pub clock: Clock,
}

impl World {
    pub async fn new(pool: PgPool) -> Self {
        let desk = freshservice::Config { size: SMALL, ..freshservice::Config::default() };
        let vendor = spawn(Config { desk, ..Config::default() }).await.unwrap();
        let clock = Clock::manual(vendor.control.now());
        Self { vendor, pool, clock }
    }

    pub fn connection(&self) -> Connection {
        let key = Secret::new(self.vendor.api_key.clone());
        let connection = Connection::new(self.vendor.base_url.clone(), key, self.vendor.subdomain.clone());
        Connection { retry: HASTY, per_minute: 10_000_000, ..connection }
    }

    pub fn superops(&self) -> SuperOps {
        SuperOps::new(self.connection(), habits()).unwrap()
    }

    pub fn sync(&self) -> Sync {
        Sync {
            pool: self.pool.clone(),
            clock: self.clock.clone(),
            provider: Arc::new(self.superops()),
            rules: SyncRules::default(),
            report: Report::new(self.clock.clone(), false),
        }
    }

    /// Lets time pass for the vendor and for us.
    pub fn pass(&self, minutes: i64) {
        self.vendor.control.advance(Duration::from_secs(minutes.unsigned_abs() * 60));
        self.clock.set(self.vendor.control.now());
    }

    pub async fn base(&self) -> Report {
        let sync = self.sync();
        sync.base(&BasePart::ALL).await.unwrap();
        sync.report
    }

    pub async fn tickets(&self, reach: Reach) -> Report {
        let sync = self.sync();
        sync.tickets(reach).await.unwrap();
        sync.report
    }

    pub async fn details(&self) -> Report {
        let sync = self.sync();
        sync.details(DetailLimits { tickets: 10_000, time: Duration::from_secs(60), changed_since: None })
            .await
            .unwrap();
        sync.report
    }

    /// What the vendor lists: id → status key and update time.
    pub async fn listed(&self) -> BTreeMap<i64, (Option<String>, Option<DateTime<Utc>>)> {
        let (provider, mut listed, mut next) = (self.superops(), BTreeMap::new(), Some(PageRef::FIRST));
        while let Some(page) = next {
            let page = provider.tickets(TicketView::Ordinary, DateTime::UNIX_EPOCH, page).await.unwrap();
            listed.extend(page.items.into_iter().map(|row| (row.external_id, (row.status, row.updated_at))));
            next = page.next;
        }
        listed
    }

    /// The same of what is stored, without what is marked as gone.
    pub async fn stored(&self) -> BTreeMap<i64, (Option<String>, Option<DateTime<Utc>>)> {
        let rows: Vec<(i64, Option<String>, Option<DateTime<Utc>>)> = sqlx::query_as(
            "select external_id, status, last_updated_at from ticket_details
             where external_source = 'superops' and status <> 'deleted'",
        )
        .fetch_all(&self.pool)
        .await
        .unwrap();
        rows.into_iter().map(|(id, status, updated)| (id, (status, updated))).collect()
    }

    pub async fn assert_same(&self) {
        let (stored, listed) = (self.stored().await, self.listed().await);
        let differ: Vec<_> = stored
            .iter()
            .filter(|(id, row)| listed.get(id) != Some(row))
            .chain(listed.iter().filter(|(id, _)| !stored.contains_key(id)))
            .collect();
        assert!(differ.is_empty(), "{differ:?}");
    }

    pub async fn number(&self, sql: &'static str) -> i64 {
        sqlx::query_scalar(sql).fetch_one(&self.pool).await.unwrap()
    }

    pub async fn text(&self, sql: &'static str, id: i64) -> Option<String> {
        sqlx::query_scalar(sql).bind(id).fetch_optional(&self.pool).await.unwrap().flatten()
    }

    pub async fn status_of(&self, world_id: u64) -> Option<String> {
        self.text("select status from ticket_details where external_id = $1", id(world_id)).await
    }

    pub fn requests(&self) -> u64 {
        self.vendor.control.request_counts().total
    }
}
