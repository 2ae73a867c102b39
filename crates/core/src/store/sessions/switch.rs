//! Which store is in use (core.md §6): memory where no Redis is configured; Redis where it answered at start; memory until
//! its first answer where it did not. Once Redis is in use it stays: when it fails later, session operations fail too.

use std::{sync::Arc, time::Duration};

use hivematrix_shared::{auth::Revocations, clock::Clock, config::Secret};
use tokio::sync::RwLock;
use uuid::Uuid;

use super::{MemorySessions, RedisSessions, RedisStatus, RevocationLog, SessionStore, StoreUnavailable};
use crate::domain::{
    revocation::{Cursor, Revocation},
    session::Session,
};

/// How often other instances' revocations are fetched, and a Redis that never answered is tried.
const TICK: Duration = Duration::from_millis(500);
/// Ticks between two sweeps of what has expired.
const SWEEP_EVERY: u32 = 120;
/// Ticks between two attempts to reach a Redis that has not answered yet.
const CONNECT_EVERY: u32 = 4;

/// All session operations. Cheap to clone.
#[derive(Clone)]
pub struct Sessions(Arc<Inner>);

struct Inner {
    /// Readers use the store, the writer replaces it: no operation is under way while sessions move.
    backend: RwLock<Backend>,
    redis_url: Option<Secret>,
    log: RevocationLog,
    clock: Clock,
}

#[derive(Clone)]
enum Backend {
    Memory(MemorySessions),
    Redis(RedisSessions),
}

/// State of the store for the health check.
#[derive(Clone, Debug)]
pub enum SessionHealth {
    /// Redis answers.
    Redis(RedisStatus),
    /// Redis was in use and does not answer.
    RedisAway(String),
    /// No Redis is configured.
    Memory,
    /// Redis is configured but has not answered since the start.
    MemoryUntilRedis,
}

macro_rules! with_backend {
    ($self:ident, $store:ident => $call:expr) => {{
        match &*$self.0.backend.read().await {
            Backend::Memory($store) => $call.await,
            Backend::Redis($store) => $call.await,
        }
    }};
}

impl Sessions {
    /// Opens the store. A configured Redis that does not answer within two seconds is a warning, not an error.
    pub async fn open(redis_url: Option<Secret>, revocations: Arc<Revocations>, clock: Clock) -> Self {
        let log = RevocationLog::new(revocations);
        let memory = || Backend::Memory(MemorySessions::new(log.clone(), clock.clone()));
        let backend = match &redis_url {
            None => {
                tracing::warn!("REDIS_URL is not set: sessions are kept in memory and end with this process");
                memory()
            }
            Some(url) => match Self::connect(url, &log).await {
                Ok(redis) => Backend::Redis(redis),
                Err(error) => {
                    tracing::warn!(error = %error, "Redis does not answer: sessions are kept in memory until it does");
                    memory()
                }
            },
        };
        Self(Arc::new(Inner { backend: RwLock::new(backend), redis_url, log, clock }))
    }

    async fn connect(url: &Secret, log: &RevocationLog) -> Result<RedisSessions, StoreUnavailable> {
        let redis = RedisSessions::connect(url, log.clone()).await?;
        redis.pull_log().await?;
        Ok(redis)
    }

    /// Keeps the store in order until it is dropped: fetches other instances' revocations, moves to Redis once it answers,
    /// sweeps what has expired.
    pub async fn maintain(self) {
        let mut away = false;
        for tick in 1_u32.. {
            tokio::time::sleep(TICK).await;
            if tick.is_multiple_of(CONNECT_EVERY)
                && let Err(error) = self.move_to_redis().await
            {
                tracing::debug!(error = %error, "Redis still does not answer");
            }
            if let Err(error) = self.pull().await {
                if !std::mem::replace(&mut away, true) {
                    tracing::warn!(error = %error, "Redis is away: session operations fail until it is back");
                }
            } else if std::mem::take(&mut away) {
                tracing::info!("Redis is back");
            }
            if tick.is_multiple_of(SWEEP_EVERY) {
                self.sweep().await;
            }
        }
    }

    async fn pull(&self) -> Result<(), StoreUnavailable> {
        match self.backend().await {
            Backend::Redis(redis) => redis.pull_log().await,
            Backend::Memory(_) => Ok(()),
        }
    }

    async fn sweep(&self) {
        self.0.log.prune(&self.0.clock);
        if let Backend::Memory(memory) = self.backend().await {
            memory.sweep(self.0.clock.unix());
        }
    }

    async fn backend(&self) -> Backend {
        self.0.backend.read().await.clone()
    }

    /// Moves sessions and log to a Redis that is configured but was not there at the start; `Ok` when there is nothing to do.
    pub async fn move_to_redis(&self) -> Result<(), StoreUnavailable> {
        let (Some(url), Backend::Memory(_)) = (&self.0.redis_url, self.backend().await) else {
            return Ok(());
        };
        let redis = RedisSessions::connect(url, self.0.log.clone()).await?;
        let mut backend = self.0.backend.write().await;
        let Backend::Memory(memory) = &*backend else { return Ok(()) };
        let now = self.0.clock.unix();
        let (_, ended) = self.0.log.since(None, now);
        redis.take_over(memory.all(), ended, now).await?;
        // From here on the log mirrors Redis. Positions given out so far may come again, which does no harm.
        self.0.log.take();
        *backend = Backend::Redis(redis.clone());
        drop(backend);
        tracing::info!("Redis answers: the sessions were moved to it");
        redis.pull_log().await
    }

    /// Starts a session; returns its id.
    pub async fn create(&self, session: &Session) -> Result<String, StoreUnavailable> {
        let id = Uuid::new_v4().to_string();
        with_backend!(self, store => store.create(&id, session))?;
        Ok(id)
    }

    /// The session if it is neither expired nor revoked.
    pub async fn live(&self, id: &str) -> Result<Option<Session>, StoreUnavailable> {
        let now = self.0.clock.unix();
        let found = with_backend!(self, store => store.find(id, now))?;
        Ok(found.filter(|session| session.is_live(now)))
    }

    /// Ends a session; `false` when there is none.
    pub async fn revoke(&self, id: &str) -> Result<bool, StoreUnavailable> {
        let now = self.0.clock.unix();
        with_backend!(self, store => store.revoke(id, now))
    }

    /// Makes a token count as revoked whose session the store does not know, such as one from before a restart.
    pub async fn announce(&self, id: &str, exp: i64) -> Result<(), StoreUnavailable> {
        with_backend!(self, store => store.announce(id, exp))
    }

    /// Ends all sessions of a user; returns how many were live.
    pub async fn revoke_user(&self, sub: &str) -> Result<usize, StoreUnavailable> {
        let mut ended = 0;
        for (id, session) in self.list().await? {
            if session.user.sub == sub && self.revoke(&id).await? {
                ended += 1;
            }
        }
        Ok(ended)
    }

    /// All live sessions, the newest first.
    pub async fn list(&self) -> Result<Vec<(String, Session)>, StoreUnavailable> {
        let now = self.0.clock.unix();
        let mut sessions = with_backend!(self, store => store.list(now))?;
        sessions.sort_by_key(|(_, session)| std::cmp::Reverse(session.created_at));
        Ok(sessions)
    }

    /// Ended sessions after a position, and where to continue.
    pub fn revocations(&self, since: Option<Cursor>) -> (Cursor, Vec<Revocation>) {
        self.0.log.since(since, self.0.clock.unix())
    }

    /// Signals new entries of the log.
    pub fn watch(&self) -> tokio::sync::watch::Receiver<Cursor> {
        self.0.log.watch()
    }

    /// State for the health check.
    pub async fn health(&self) -> SessionHealth {
        match self.backend().await {
            Backend::Redis(redis) => match redis.status().await {
                Ok(status) => SessionHealth::Redis(status),
                Err(error) => SessionHealth::RedisAway(error.to_string()),
            },
            Backend::Memory(_) if self.0.redis_url.is_some() => SessionHealth::MemoryUntilRedis,
            Backend::Memory(_) => SessionHealth::Memory,
        }
    }
}
