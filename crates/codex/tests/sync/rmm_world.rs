//! An RMM, a store with its companies, and a sync between them.

use std::sync::Arc;
use std::time::Duration;

use hivematrix_codex::providers::datto::{Connection, Datto};
use hivematrix_codex::providers::{Quota, Retry};
use hivematrix_codex::sync::{AssetSync, Report, SyncError, SyncRules};
use hivematrix_shared::clock::Clock;
use hivematrix_shared::config::Secret;
use hivematrix_simulators::datto::{COMMAND_COMPONENT, Config, Handle, spawn};
use hivematrix_simulators::world::{Size, World};
use sqlx::PgPool;

use crate::harness::HASTY;

/// A few sites with a few devices each.
pub const SIZE: Size =
    Size { companies: 6, agents: 2, contacts: 30, assets: 60, tickets: 10, active: 4, history_days: 60 };

/// A quota nobody waits for.
const FREE: Quota = Quota { burst: 1_000_000, per_minute: 1_000_000 };

pub struct RmmWorld {
    pub vendor: Handle,
    pub pool: PgPool,
    pub clock: Clock,
    /// The same world as the vendor's.
    pub made: World,
}

impl RmmWorld {
    /// All companies are stored, all their sites carry their numbers; only the provider's own has none.
    pub async fn new(pool: PgPool) -> Self {
        Self::with(pool, |_| {}).await
    }

    pub async fn with(pool: PgPool, change: impl FnOnce(&mut Config)) -> Self {
        let mut config = Config { size: SIZE, ..Config::default() };
        change(&mut config);
        let made = World::new(config.seed, config.size, config.clock.now());
        let vendor = spawn(config).await.unwrap();
        let clock = Clock::manual(vendor.control.now());
        for index in 0..SIZE.companies {
            let company = made.company(index);
            let number = company.account_number.unwrap();
            sqlx::query("insert into companies (account_number, name) values ($1, $2)")
                .bind(&number)
                .bind(&company.name)
                .execute(&pool)
                .await
                .unwrap();
            for branch in [false, true] {
                vendor.control.set_variable(&made.site(index, branch).uid, "AccountNumber", Some(&number));
            }
        }
        Self { vendor, pool, clock, made }
    }

    pub fn connection(&self) -> Connection {
        let (public, secret) = self.vendor.keys.clone();
        Connection {
            retry: HASTY,
            reads: FREE,
            writes: FREE,
            command_component: Some(COMMAND_COMPONENT.to_owned()),
            ..Connection::new(self.vendor.base_url.clone(), Secret::new(public), Secret::new(secret))
        }
    }

    pub fn patient(&self, retry: Retry) -> Datto {
        Datto::new(Connection { retry, ..self.connection() }).unwrap()
    }

    pub fn datto(&self) -> Datto {
        Datto::new(self.connection()).unwrap()
    }

    pub fn sync(&self) -> AssetSync {
        AssetSync {
            pool: self.pool.clone(),
            clock: self.clock.clone(),
            provider: Arc::new(self.datto()),
            rules: SyncRules::default(),
            report: Report::new(self.clock.clone(), false),
        }
    }

    /// A run that must succeed, a minute after the one before.
    pub async fn devices(&self) -> Report {
        self.pass();
        let sync = self.sync();
        sync.assets().await.unwrap();
        sync.report
    }

    /// A run that must fail.
    pub async fn failing_devices(&self) -> (SyncError, Report) {
        self.pass();
        let sync = self.sync();
        (sync.assets().await.unwrap_err(), sync.report)
    }

    pub fn pass(&self) {
        self.vendor.control.advance(Duration::from_secs(60));
        self.clock.set(self.vendor.control.now());
    }

    /// Uid of the main site of a company.
    pub fn site(&self, company: u32) -> String {
        self.made.site(company, false).uid
    }

    pub fn number(&self, company: u32) -> String {
        self.made.company(company).account_number.unwrap()
    }

    /// Uids of the vendor's devices in a site.
    pub fn devices_of(&self, site: &str) -> Vec<String> {
        let devices = self.vendor.control.devices();
        devices.into_iter().filter(|(_, _, of)| of == site).map(|(uid, _, _)| uid).collect()
    }

    /// Company of a stored device.
    pub async fn company_of(&self, uid: &str) -> Option<String> {
        sqlx::query_scalar("select company_account_number from assets where external_id = $1")
            .bind(uid)
            .fetch_optional(&self.pool)
            .await
            .unwrap()
    }

    pub async fn count(&self, sql: &'static str) -> i64 {
        sqlx::query_scalar(sql).fetch_one(&self.pool).await.unwrap()
    }

    pub async fn sql(&self, sql: &'static str) {
        sqlx::raw_sql(sql).execute(&self.pool).await.unwrap();
    }

    pub async fn stored(&self) -> i64 {
        self.count("select count(*) from assets").await
    }

    /// Requests with this beginning of their path.
    pub fn asked(&self, beginning: &str) -> usize {
        self.vendor.control.request_lines().iter().filter(|line| line.path.starts_with(beginning)).count()
    }
}
