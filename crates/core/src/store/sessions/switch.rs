//! Which store is in use (core.md §6): memory where no Redis is configured; Redis where it answered at start; memory until
//! its first answer where it did not. Once Redis is in use it stays: when it fails later, session operations fail too.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use hivematrix_shared::{auth::Revocations, clock::Clock};
use tokio::sync::{RwLock, watch};
use uuid::Uuid;

use super::{
    MemorySessions, RedisAddress, RedisSessions, RedisStatus, RevocationLog, SessionStore, StoreUnavailable,
};
use crate::domain::{
    revocation::{LogId, Position, Revocation},
    session::{Session, Whose},
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
    redis: Option<RedisAddress>,
    /// Why Redis, where it is configured, has not been usable since the start.
    trouble: Mutex<Option<StoreUnavailable>>,
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
    /// Redis answers, but other instances' revocations could not be read for too long: the feed is closed here.
    Stale,
    /// Redis was in use and cannot be used now.
    RedisAway(StoreUnavailable),
    /// No Redis is configured.
    Memory,
    /// Redis is configured but could not be used since the start.
    MemoryUntilRedis(Option<StoreUnavailable>),
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
    /// Opens the store. A configured Redis that cannot be used within two seconds is a warning, not an error.
    pub async fn open(redis: Option<RedisAddress>, revocations: Arc<Revocations>, clock: Clock) -> Self {
        let log = RevocationLog::new(revocations);
        let memory = || Backend::Memory(MemorySessions::new(log.clone(), clock.clone()));
        let mut trouble = None;
        let backend = match &redis {
            None => {
                tracing::warn!("REDIS_URL is not set: sessions are kept in memory and end with this process");
                memory()
            }
            Some(address) => match RedisSessions::connect(address, log.clone()).await {
                Ok(redis) => {
                    if let Err(error) = redis.mirror().await {
                        tracing::warn!(error = %error, "the log of ended sessions could not be read");
                    }
                    Backend::Redis(redis)
                }
                Err(error) => {
                    let text = "Redis cannot be used: sessions are kept in memory until it can";
                    match &error {
                        StoreUnavailable::Away(_) => tracing::warn!(error = %error, "{text}"),
                        // Nobody but the operator can set this right.
                        StoreUnavailable::Refused { .. } => tracing::error!(error = %error, "{text}"),
                    }
                    trouble = Some(error);
                    memory()
                }
            },
        };
        Self(Arc::new(Inner {
            backend: RwLock::new(backend),
            redis,
            trouble: Mutex::new(trouble),
            log,
            clock,
        }))
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
                tracing::debug!(error = %error, "Redis still cannot be used");
            }
            if let Err(error) = self.pull().await {
                if !std::mem::replace(&mut away, true) {
                    tracing::warn!(error = %error, "Redis cannot be used: session operations fail, and the feed of ended sessions is closed, until it can");
                }
            } else if std::mem::take(&mut away) {
                tracing::info!("Redis can be used again");
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

    /// Moves sessions and log to a Redis that is configured but could not be used at the start; `Ok` when there is nothing
    /// to do.
    pub async fn move_to_redis(&self) -> Result<(), StoreUnavailable> {
        let outcome = self.try_to_move().await;
        if let Err(error) = &outcome {
            *self.trouble() = Some(error.clone());
        }
        outcome
    }

    async fn try_to_move(&self) -> Result<(), StoreUnavailable> {
        let (Some(address), Backend::Memory(_)) = (&self.0.redis, self.backend().await) else {
            return Ok(());
        };
        let redis = RedisSessions::connect(address, self.0.log.clone()).await?;
        let mut backend = self.0.backend.write().await;
        let Backend::Memory(memory) = &*backend else { return Ok(()) };
        let now = self.0.clock.unix();
        let (_, ended) = self.0.log.since(None, now);
        redis.take_over(memory.all(), ended, now).await?;
        *backend = Backend::Redis(redis.clone());
        let mirrored = redis.mirror().await;
        drop(backend);
        tracing::info!("Redis can be used: the sessions were moved to it");
        // The move is done in any case; the job reads the log, or finds this instance stale.
        if let Err(error) = mirrored {
            tracing::warn!(error = %error, "the log of ended sessions could not be read");
        }
        Ok(())
    }

    fn trouble(&self) -> MutexGuard<'_, Option<StoreUnavailable>> {
        self.0.trouble.lock().unwrap_or_else(PoisonError::into_inner)
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

    /// Ends all sessions that are meant and were made until `made_until` (Unix seconds; `None`: all); returns how many were
    /// live.
    pub async fn revoke_all(
        &self,
        whose: &Whose,
        made_until: Option<i64>,
    ) -> Result<usize, StoreUnavailable> {
        let was_made = |session: &Session| made_until.is_none_or(|until| session.created_at <= until);
        self.revoke_where(|session| whose.is(session) && was_made(session)).await
    }

    /// Ends everybody's sessions; returns how many were live.
    pub async fn revoke_everybodys(&self) -> Result<usize, StoreUnavailable> {
        self.revoke_where(|_| true).await
    }

    async fn revoke_where(&self, is_meant: impl Fn(&Session) -> bool) -> Result<usize, StoreUnavailable> {
        let mut ended = 0;
        for (id, session) in self.list().await? {
            if is_meant(&session) && self.revoke(&id).await? {
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

    /// Whether the process itself is the only place where ended sessions are written down.
    pub fn is_own_log(&self) -> bool {
        self.0.log.tip().log != LogId::Shared
    }

    /// Takes over sessions that were ended before this process started, as (id, Unix seconds until which its token would
    /// count); those that are known are left out.
    pub async fn restore(&self, ended: &[(String, i64)]) -> Result<(), StoreUnavailable> {
        for (id, exp) in ended.iter().filter(|(id, _)| !self.0.log.knows(id)) {
            self.announce(id, *exp).await?;
        }
        Ok(())
    }

    /// Ended sessions after a position, and where to continue.
    pub fn revocations(&self, since: Option<Position>) -> (Position, Vec<Revocation>) {
        self.0.log.since(since, self.0.clock.unix())
    }

    /// Signals new entries of the log.
    pub fn watch(&self) -> watch::Receiver<Position> {
        self.0.log.watch()
    }

    /// Whether this instance may have missed what others ended: its readers have to go to another one.
    pub async fn is_stale(&self) -> bool {
        match self.backend().await {
            Backend::Redis(redis) => redis.is_stale(),
            Backend::Memory(_) => false,
        }
    }

    /// Waits until [`Sessions::is_stale`].
    pub async fn until_stale(&self) {
        // In memory nothing is missed; with the move to Redis the log becomes the shared one.
        let _ = self.watch().wait_for(|tip| tip.log == LogId::Shared).await;
        match self.backend().await {
            Backend::Redis(redis) => redis.until_stale().await,
            Backend::Memory(_) => {}
        }
    }

    /// State for the health check.
    pub async fn health(&self) -> SessionHealth {
        match self.backend().await {
            Backend::Redis(redis) => match redis.status().await {
                Ok(_) if redis.is_stale() => SessionHealth::Stale,
                Ok(status) => SessionHealth::Redis(status),
                Err(error) => SessionHealth::RedisAway(error),
            },
            Backend::Memory(_) if self.0.redis.is_some() => {
                SessionHealth::MemoryUntilRedis(self.trouble().clone())
            }
            Backend::Memory(_) => SessionHealth::Memory,
        }
    }
}
