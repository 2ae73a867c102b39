//! Sessions in Redis, shared by all Core instances and kept over restarts.

use std::{sync::LazyLock, time::Duration};

use hivematrix_shared::config::Secret;
use redis::{
    Client, ErrorKind, FromRedisValue, Pipeline, RedisError, RedisResult, Script,
    aio::{ConnectionManager, ConnectionManagerConfig},
};

use super::{RevocationLog, SessionStore, StoreUnavailable};
use crate::domain::{
    revocation::{Cursor, Revocation},
    session::{LONGEST_LIFETIME, Session},
};

/// Longest wait for a connection or an answer.
const TIMEOUT: Duration = Duration::from_secs(2);
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

/// A reconnecting connection. Cheap to clone.
#[derive(Clone)]
pub struct RedisSessions {
    connection: ConnectionManager,
    log: RevocationLog,
}

impl RedisSessions {
    /// Connects and asks for a sign of life, within two seconds.
    pub async fn connect(url: &Secret, log: RevocationLog) -> Result<Self, StoreUnavailable> {
        let client = Client::open(url.expose()).map_err(unavailable)?;
        let config = ConnectionManagerConfig::new()
            .set_connection_timeout(Some(TIMEOUT))
            .set_response_timeout(Some(TIMEOUT))
            .set_min_delay(Duration::from_millis(100))
            .set_max_delay(Duration::from_secs(1))
            .set_number_of_retries(1);
        let attempt = async {
            let mut connection = ConnectionManager::new_with_config(client, config).await?;
            redis::cmd("PING").query_async::<()>(&mut connection).await?;
            Ok::<_, RedisError>(connection)
        };
        let connection = tokio::time::timeout(TIMEOUT, attempt)
            .await
            .map_err(|_| StoreUnavailable("no answer within 2 s".into()))?
            .map_err(unavailable)?;
        Ok(Self { connection, log })
    }

    /// Runs commands; a lost connection is tried once more, since every use here may safely happen twice.
    async fn run<T: FromRedisValue>(&self, pipeline: &Pipeline) -> Result<T, StoreUnavailable> {
        let attempts = async {
            let first: RedisResult<T> = pipeline.query_async(&mut self.connection.clone()).await;
            match first {
                Err(error) if is_disconnect(&error) => {
                    pipeline.query_async(&mut self.connection.clone()).await
                }
                other => other,
            }
        };
        tokio::time::timeout(TIMEOUT * 2, attempts)
            .await
            .map_err(|_| StoreUnavailable("no answer in time".into()))?
            .map_err(unavailable)
    }

    /// Clients and memory of the server, which also proves that it answers.
    pub async fn status(&self) -> Result<RedisStatus, StoreUnavailable> {
        let (clients, memory): (String, String) =
            self.run(redis::pipe().cmd("INFO").arg("clients").cmd("INFO").arg("memory")).await?;
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
        let after = self.log.tip();
        let from = if after == Cursor::default() { "-".to_owned() } else { format!("({after}") };
        let (entries,): (Vec<StreamEntry>,) =
            self.run(redis::pipe().cmd("XRANGE").arg(LOG_KEY).arg(from).arg("+")).await?;
        let news = entries.into_iter().filter_map(|(id, fields)| {
            let field =
                |name: &str| fields.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone());
            Some(Revocation {
                cursor: id.parse().ok()?,
                jti: field("jti")?,
                exp: field("exp")?.parse().ok()?,
            })
        });
        self.log.mirror(news.collect());
        Ok(())
    }

    /// Stores sessions and log entries that were made in memory; what Redis already has stays.
    pub async fn take_over(
        &self,
        sessions: Vec<(String, Session)>,
        ended: Vec<Revocation>,
        now: i64,
    ) -> Result<(), StoreUnavailable> {
        let mut pipeline = redis::pipe();
        for (id, session) in sessions.iter().filter(|(_, session)| !session.is_expired(now)) {
            let ttl = (session.expires_at - now).max(1);
            let value = session.to_json().map_err(unavailable)?;
            pipeline.cmd("SET").arg(key(id)).arg(value).arg("NX").arg("EX").arg(ttl).ignore();
        }
        for entry in &ended {
            append(&mut pipeline, &entry.jti, entry.exp, now);
        }
        if pipeline.is_empty() { Ok(()) } else { self.run(&pipeline).await }
    }
}

impl SessionStore for RedisSessions {
    async fn create(&self, id: &str, session: &Session) -> Result<(), StoreUnavailable> {
        let ttl = (session.expires_at - session.created_at).max(1);
        let value = session.to_json().map_err(unavailable)?;
        self.run(redis::pipe().cmd("SETEX").arg(key(id)).arg(ttl).arg(value).ignore()).await
    }

    async fn find(&self, id: &str, now: i64) -> Result<Option<Session>, StoreUnavailable> {
        let (raw, ttl): (Option<String>, i64) =
            self.run(redis::pipe().cmd("GET").arg(key(id)).cmd("TTL").arg(key(id))).await?;
        let session = raw.and_then(|raw| Session::from_json(&raw, now + ttl.max(0)));
        match session {
            Some(session) if session.is_expired(now) => {
                self.run::<()>(redis::pipe().cmd("DEL").arg(key(id)).ignore()).await?;
                Ok(None)
            }
            other => Ok(other),
        }
    }

    async fn revoke(&self, id: &str, now: i64) -> Result<bool, StoreUnavailable> {
        for _ in 0..REVOKE_ATTEMPTS {
            let (raw, ttl): (Option<String>, i64) =
                self.run(redis::pipe().cmd("GET").arg(key(id)).cmd("TTL").arg(key(id))).await?;
            let Some(raw) = raw else { return Ok(false) };
            let Some(mut session) = Session::from_json(&raw, now + ttl.max(0)) else { return Ok(false) };
            if session.is_expired(now) {
                return Ok(false);
            }
            if session.revoked {
                return Ok(true);
            }
            session.revoked = true;
            let ended = session.to_json().map_err(unavailable)?;
            let mut script = REVOKE.key(key(id));
            script.key(LOG_KEY).arg(&raw).arg(ended).arg(id).arg(session.expires_at);
            script.arg(oldest_entry(now)).arg(log_lifetime());
            let outcome: i64 = self.invoke(&script).await?;
            match outcome {
                1 => return self.pull_log().await.map(|()| true),
                -1 => return Ok(false),
                _ => {}
            }
        }
        Err(StoreUnavailable("a session kept changing while it was to be ended".into()))
    }

    async fn announce(&self, id: &str, exp: i64) -> Result<(), StoreUnavailable> {
        let mut pipeline = redis::pipe();
        append(&mut pipeline, id, exp, exp - LONGEST_LIFETIME);
        self.run::<()>(&pipeline).await?;
        self.pull_log().await
    }

    async fn list(&self, now: i64) -> Result<Vec<(String, Session)>, StoreUnavailable> {
        let mut found = Vec::new();
        let mut position = 0_u64;
        loop {
            let ((next, keys),): ((u64, Vec<String>),) = self
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
                    self.run(redis::pipe().cmd("MGET").arg(&keys)).await?;
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

impl RedisSessions {
    async fn invoke(&self, script: &redis::ScriptInvocation<'_>) -> Result<i64, StoreUnavailable> {
        let mut connection = self.connection.clone();
        match tokio::time::timeout(TIMEOUT, script.invoke_async(&mut connection)).await {
            Err(_) => Err(StoreUnavailable("no answer in time".into())),
            Ok(Err(error)) => Err(unavailable(error)),
            Ok(Ok(outcome)) => Ok(outcome),
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

fn is_disconnect(error: &RedisError) -> bool {
    error.is_io_error() || error.is_connection_dropped() || matches!(error.kind(), ErrorKind::Io)
}

fn unavailable(error: impl std::fmt::Display) -> StoreUnavailable {
    StoreUnavailable(error.to_string())
}
