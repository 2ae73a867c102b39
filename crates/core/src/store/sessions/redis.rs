//! Sessions in Redis, shared by all Core instances and kept over restarts.

use std::{
    collections::HashSet,
    sync::{Arc, LazyLock, Mutex, PoisonError},
    time::Duration,
};

use redis::{Pipeline, Script};
use tokio::time::Instant;

use super::{
    RevocationLog, SessionStore, StoreUnavailable,
    connection::{Connection, RedisAddress, probe},
};
use crate::domain::{
    revocation::{Cursor, Revocation},
    session::{LONGEST_LIFETIME, Session},
};

/// How old the mirrored log may be. Every service refuses an ended session within two seconds, so an instance that has seen
/// nothing for longer must send its readers elsewhere; half a second is left for their way there.
const STALE_AFTER: Duration = Duration::from_millis(1500);
/// Stream with one entry per ended session, in order, shared by all instances.
const LOG_KEY: &str = "hivematrix:core:revocations";
/// Keys looked at per step when listing.
const SCAN_STEP: usize = 500;
/// Attempts to end a session that others are changing at the same moment.
const REVOKE_ATTEMPTS: usize = 8;

/// Replaces a session by its revoked form, if nobody changed it meanwhile, and enters it into the log, in one step. The
/// value is compared instead of edited, since Lua's JSON would turn empty lists into objects.
static REVOKE: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        r"local current = redis.call('GET', KEYS[1])
if not current then return -1 end
if current ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'KEEPTTL')
redis.call('XADD', KEYS[2], 'MINID', '~', ARGV[5], '*', 'jti', ARGV[3], 'exp', ARGV[4])
redis.call('EXPIRE', KEYS[2], ARGV[6])
return 1",
    )
});

/// Id and fields of a stream entry.
type StreamEntry = (String, Vec<(String, String)>);

/// What the server says about itself, for the health check.
#[derive(Clone, Debug)]
pub struct RedisStatus {
    /// Connected clients.
    pub connected_clients: u64,
    /// Memory in use, bytes.
    pub used_memory: u64,
}

/// The sessions in Redis and the mirror of its log. Cheap to clone.
#[derive(Clone)]
pub struct RedisSessions {
    connection: Connection,
    log: RevocationLog,
    /// When the log was last read in full, if it was.
    read_at: Arc<Mutex<Option<Instant>>>,
}

impl RedisSessions {
    /// Connects, within two seconds. `log` becomes the mirror of the shared one with [`RedisSessions::mirror`].
    pub async fn connect(address: &RedisAddress, log: RevocationLog) -> Result<Self, StoreUnavailable> {
        let connection = Connection::open(address).await?;
        Ok(Self { connection, log, read_at: Arc::default() })
    }

    /// When the log counts as too old; `None` when it was never read.
    fn stale_at(&self) -> Option<Instant> {
        self.read_at.lock().unwrap_or_else(PoisonError::into_inner).map(|read| read + STALE_AFTER)
    }

    /// Whether other instances' revocations may have been missed for too long.
    pub fn is_stale(&self) -> bool {
        self.stale_at().is_none_or(|at| at <= Instant::now())
    }

    /// Waits until [`RedisSessions::is_stale`].
    pub async fn until_stale(&self) {
        while let Some(at) = self.stale_at().filter(|at| *at > Instant::now()) {
            tokio::time::sleep_until(at).await;
        }
    }

    /// Clients and memory of the server, which also proves that it answers and takes writes.
    pub async fn status(&self) -> Result<RedisStatus, StoreUnavailable> {
        let mut pipeline = redis::pipe();
        pipeline.cmd("INFO").arg("clients").cmd("INFO").arg("memory");
        let (clients, memory): (String, String) = self.connection.run(probe(&mut pipeline)).await?;
        let field = |text: &str, name: &str| {
            text.lines()
                .find_map(|line| line.strip_prefix(name)?.strip_prefix(':')?.trim().parse().ok())
                .unwrap_or(0)
        };
        Ok(RedisStatus {
            connected_clients: field(&clients, "connected_clients"),
            used_memory: field(&memory, "used_memory"),
        })
    }

    /// Takes over what other instances entered into the shared log.
    pub async fn pull_log(&self) -> Result<(), StoreUnavailable> {
        // What is entered from now on may be missing in the answer.
        let asked = Instant::now();
        let news = self.entries_after(self.log.tip().cursor).await?;
        self.log.mirror(news);
        let mut read_at = self.read_at.lock().unwrap_or_else(PoisonError::into_inner);
        *read_at = (*read_at).max(Some(asked));
        Ok(())
    }

    async fn entries_after(&self, after: Cursor) -> Result<Vec<Revocation>, StoreUnavailable> {
        let from = if after == Cursor::default() { "-".to_owned() } else { format!("({after}") };
        let (entries,): (Vec<StreamEntry>,) =
            self.connection.run(redis::pipe().cmd("XRANGE").arg(LOG_KEY).arg(from).arg("+")).await?;
        let read = entries.into_iter().filter_map(|(id, fields)| {
            let field =
                |name: &str| fields.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone());
            Some(Revocation {
                cursor: id.parse().ok()?,
                jti: field("jti")?,
                exp: field("exp")?.parse().ok()?,
            })
        });
        Ok(read.collect())
    }

    /// Makes the log the mirror of the shared one.
    pub async fn mirror(&self) -> Result<(), StoreUnavailable> {
        self.log.become_mirror();
        self.pull_log().await
    }

    /// Stores sessions and log entries that were made in memory; what Redis already has stays. Several instances may do
    /// this at once, and one of them may have been asked to end a session that another one made: each looks at the whole
    /// log after it stored its sessions, so whoever comes second ends it.
    pub async fn take_over(
        &self,
        sessions: Vec<(String, Session)>,
        ended: Vec<Revocation>,
        now: i64,
    ) -> Result<(), StoreUnavailable> {
        let mut pipeline = redis::pipe();
        for (id, session) in sessions.iter().filter(|(_, session)| !session.is_expired(now)) {
            let ttl = (session.expires_at - now).max(1);
            pipeline.cmd("SET").arg(key(id)).arg(stored(session)?).arg("NX").arg("EX").arg(ttl).ignore();
        }
        for entry in &ended {
            append(&mut pipeline, &entry.jti, entry.exp, now);
        }
        if pipeline.is_empty() {
            return Ok(());
        }
        self.connection.run::<()>(&pipeline).await?;
        let log = self.entries_after(Cursor::default()).await?;
        let live: HashSet<_> =
            sessions.iter().filter(|(_, session)| !session.revoked).map(|(id, _)| id.as_str()).collect();
        let ended_elsewhere = log.iter().map(|entry| entry.jti.as_str()).filter(|jti| live.contains(jti));
        let ended_here = ended.iter().map(|entry| entry.jti.as_str());
        for id in ended_elsewhere.chain(ended_here) {
            self.end(id, now).await?;
        }
        Ok(())
    }

    /// Ends a session in one step with its entry in the log; `false` when there is none.
    async fn end(&self, id: &str, now: i64) -> Result<bool, StoreUnavailable> {
        for _ in 0..REVOKE_ATTEMPTS {
            let (raw, ttl): (Option<String>, i64) =
                self.connection.run(redis::pipe().cmd("GET").arg(key(id)).cmd("TTL").arg(key(id))).await?;
            let Some(raw) = raw else { return Ok(false) };
            let Some(mut session) = Session::from_json(&raw, now + ttl.max(0)) else { return Ok(false) };
            if session.is_expired(now) {
                return Ok(false);
            }
            if session.revoked {
                return Ok(true);
            }
            session.revoked = true;
            let mut script = REVOKE.key(key(id));
            script.key(LOG_KEY).arg(&raw).arg(stored(&session)?).arg(id).arg(session.expires_at);
            script.arg(oldest_entry(now)).arg(log_lifetime());
            match self.connection.invoke(&script).await? {
                1 => return Ok(true),
                -1 => return Ok(false),
                _ => {}
            }
        }
        Err(StoreUnavailable::Away("a session kept changing while it was to be ended".into()))
    }

    /// Reads the log after a change that is done; should that fail, the job reads it, or finds this instance stale.
    async fn read_back(&self) {
        if let Err(error) = self.pull_log().await {
            tracing::debug!(error = %error, "the log was not read back");
        }
    }
}

impl SessionStore for RedisSessions {
    async fn create(&self, id: &str, session: &Session) -> Result<(), StoreUnavailable> {
        let ttl = (session.expires_at - session.created_at).max(1);
        self.connection
            .run(redis::pipe().cmd("SETEX").arg(key(id)).arg(ttl).arg(stored(session)?).ignore())
            .await
    }

    async fn find(&self, id: &str, now: i64) -> Result<Option<Session>, StoreUnavailable> {
        let (raw, ttl): (Option<String>, i64) =
            self.connection.run(redis::pipe().cmd("GET").arg(key(id)).cmd("TTL").arg(key(id))).await?;
        let session = raw.and_then(|raw| Session::from_json(&raw, now + ttl.max(0)));
        match session {
            Some(session) if session.is_expired(now) => {
                self.connection.run::<()>(redis::pipe().cmd("DEL").arg(key(id)).ignore()).await?;
                Ok(None)
            }
            other => Ok(other),
        }
    }

    async fn revoke(&self, id: &str, now: i64) -> Result<bool, StoreUnavailable> {
        let ended = self.end(id, now).await?;
        if ended {
            self.read_back().await;
        }
        Ok(ended)
    }

    async fn announce(&self, id: &str, exp: i64) -> Result<(), StoreUnavailable> {
        let mut pipeline = redis::pipe();
        append(&mut pipeline, id, exp, exp - LONGEST_LIFETIME);
        self.connection.run::<()>(&pipeline).await?;
        self.read_back().await;
        Ok(())
    }

    async fn list(&self, now: i64) -> Result<Vec<(String, Session)>, StoreUnavailable> {
        let mut found = Vec::new();
        let mut position = 0_u64;
        loop {
            let ((next, keys),): ((u64, Vec<String>),) = self
                .connection
                .run(
                    redis::pipe()
                        .cmd("SCAN")
                        .arg(position)
                        .arg("MATCH")
                        .arg("session:*")
                        .arg("COUNT")
                        .arg(SCAN_STEP),
                )
                .await?;
            if !keys.is_empty() {
                let (values,): (Vec<Option<String>>,) =
                    self.connection.run(redis::pipe().cmd("MGET").arg(&keys)).await?;
                found.extend(keys.iter().zip(values).filter_map(|(key, value)| {
                    let session = Session::from_json(&value?, now)?;
                    let id = key.strip_prefix("session:")?;
                    session.is_live(now).then(|| (id.to_owned(), session))
                }));
            }
            position = next;
            if position == 0 {
                // A scan may meet a key twice.
                found.sort_by(|(a, _), (b, _)| a.cmp(b));
                found.dedup_by(|(a, _), (b, _)| a == b);
                return Ok(found);
            }
        }
    }
}

fn key(id: &str) -> String {
    format!("session:{id}")
}

fn append(pipeline: &mut Pipeline, jti: &str, exp: i64, now: i64) {
    let add = pipeline.cmd("XADD").arg(LOG_KEY).arg("MINID").arg("~").arg(oldest_entry(now)).arg("*");
    add.arg("jti").arg(jti).arg("exp").arg(exp).ignore();
    pipeline.cmd("EXPIRE").arg(LOG_KEY).arg(log_lifetime()).ignore();
}

/// Entries before this position belong to tokens that have expired.
fn oldest_entry(now: i64) -> i64 {
    (now - log_lifetime()).max(0) * 1000
}

const fn log_lifetime() -> i64 {
    LONGEST_LIFETIME + 3600
}

fn stored(session: &Session) -> Result<String, StoreUnavailable> {
    session.to_json().map_err(|error| StoreUnavailable::Away(error.to_string()))
}
