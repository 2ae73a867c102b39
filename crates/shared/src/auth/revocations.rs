//! Core's revocation feed (core.md §2.7): an event stream held open, polled every second while it is broken.

use std::{
    collections::HashMap,
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicI64, AtomicU8, Ordering},
    },
    time::Duration,
};

use futures::TryStreamExt;
use http::{StatusCode, header};
use tokio::io::AsyncBufReadExt;
use tokio_util::{io::StreamReader, sync::CancellationToken};

use super::AuthError;
use crate::{
    clock::Clock,
    contracts::core::{RevocationPage, RevokedSession},
    service_client::{ServiceClient, ServiceError},
};

/// Seconds without a sign of Core after which old tokens are refused.
const OUTAGE_AFTER: i64 = 15;
/// Age in seconds up to which a token is still trusted during an outage.
const TRUSTED_AGE: i64 = 300;
/// A stream that is silent for longer is broken: Core sends a comment every 5 s.
const SILENCE: Duration = Duration::from_secs(7);
/// Longest wait for an answer to begin.
const ANSWER: Duration = Duration::from_secs(2);
const POLL_INTERVAL: Duration = Duration::from_secs(1);
/// How often an upstream Core, which has no feed, is asked again.
const UNSUPPORTED_RETRY: Duration = Duration::from_secs(60);

const FOLLOWING: u8 = 0;
const UNSUPPORTED: u8 = 1;
const LOCAL: u8 = 2;

/// The sessions that were ended before their tokens expire.
#[derive(Debug)]
pub struct Revocations {
    revoked: RwLock<HashMap<String, i64>>,
    /// On the steady clock: setting the machine's time is no outage, and hides none.
    last_heard: AtomicI64,
    mode: AtomicU8,
}

impl Revocations {
    /// A list fed by Core's feed; the grace time starts now.
    pub fn following(clock: &Clock) -> Self {
        Self {
            revoked: RwLock::default(),
            last_heard: AtomicI64::new(clock.steady()),
            mode: AtomicU8::new(FOLLOWING),
        }
    }

    /// A list fed by the process itself (Core, tests): there is no outage.
    pub fn local() -> Self {
        Self { revoked: RwLock::default(), last_heard: AtomicI64::new(0), mode: AtomicU8::new(LOCAL) }
    }

    /// Adds a session; `exp` (Unix seconds) is when its token expires anyway.
    pub fn insert(&self, jti: impl Into<String>, exp: i64) {
        self.revoked.write().unwrap_or_else(PoisonError::into_inner).insert(jti.into(), exp);
    }

    /// Notes that Core was heard.
    pub fn heard(&self, clock: &Clock) {
        self.last_heard.store(clock.steady(), Ordering::Relaxed);
    }

    /// Forgets sessions whose tokens have expired.
    pub fn prune(&self, clock: &Clock) {
        let now = clock.unix();
        self.revoked.write().unwrap_or_else(PoisonError::into_inner).retain(|_, exp| *exp > now);
    }

    /// Whether Core was not heard for the grace time.
    pub fn is_outage(&self, clock: &Clock) -> bool {
        self.mode.load(Ordering::Relaxed) == FOLLOWING
            && clock.steady() - self.last_heard.load(Ordering::Relaxed) > OUTAGE_AFTER
    }

    /// Whether the Core in use has no feed (upstream's): the gateway asks it about each token instead.
    pub fn is_unsupported(&self) -> bool {
        self.mode.load(Ordering::Relaxed) == UNSUPPORTED
    }

    /// Whether a session was revoked.
    pub fn contains(&self, jti: &str) -> bool {
        self.revoked.read().unwrap_or_else(PoisonError::into_inner).contains_key(jti)
    }

    /// Refuses revoked sessions, and during an outage all tokens older than the trusted age.
    pub fn check(&self, jti: &str, iat: i64, clock: &Clock) -> Result<(), AuthError> {
        if self.contains(jti) {
            return Err(AuthError::Revoked);
        }
        if self.is_outage(clock) && clock.unix() - iat > TRUSTED_AGE {
            return Err(AuthError::Unavailable);
        }
        Ok(())
    }
}

/// The task that keeps a [`Revocations`] list up to date.
pub struct RevocationFeed {
    client: ServiceClient,
    revocations: Arc<Revocations>,
    clock: Clock,
    cursor: Option<String>,
    warned: bool,
    keys_changed: Box<dyn Fn() + Send + Sync>,
}

enum FeedEnd {
    Broken(String),
    Unsupported,
}

impl RevocationFeed {
    /// A feed into `revocations`.
    pub fn new(client: ServiceClient, revocations: Arc<Revocations>, clock: Clock) -> Self {
        Self { client, revocations, clock, cursor: None, warned: false, keys_changed: Box::new(|| ()) }
    }

    /// Calls `hook` whenever Core's signing keys may have changed: it said so, or could not be heard for a while.
    #[must_use]
    pub fn on_keys_changed(mut self, hook: impl Fn() + Send + Sync + 'static) -> Self {
        self.keys_changed = Box::new(hook);
        self
    }

    /// Follows Core until `shutdown`.
    pub async fn run(mut self, shutdown: CancellationToken) {
        while let Some(end) = shutdown.run_until_cancelled(self.follow()).await {
            let pause = match end {
                FeedEnd::Unsupported => {
                    if self.revocations.mode.swap(UNSUPPORTED, Ordering::Relaxed) != UNSUPPORTED {
                        tracing::warn!(
                            "Core has no revocation feed: ended sessions are noticed only by the gateway"
                        );
                    }
                    UNSUPPORTED_RETRY
                }
                FeedEnd::Broken(reason) => {
                    if !self.warned {
                        tracing::warn!(reason, "the revocation feed is interrupted, polling");
                        self.warned = true;
                    }
                    if shutdown.run_until_cancelled(self.poll()).await.is_none() {
                        return;
                    }
                    POLL_INTERVAL
                }
            };
            self.revocations.prune(&self.clock);
            if shutdown.run_until_cancelled(tokio::time::sleep(pause)).await.is_none() {
                return;
            }
        }
    }

    /// Holds a stream of one instance open. When it breaks, the instance is left out for a while, so that what comes next
    /// goes to another one, where there is one.
    async fn follow(&mut self) -> FeedEnd {
        let base = match self.client.base_url("core") {
            Ok(base) => base,
            Err(error) => return FeedEnd::Broken(error.to_string()),
        };
        let end = self.follow_instance(&base).await;
        if let FeedEnd::Broken(_) = end {
            self.client.mark_dead(&base);
        }
        end
    }

    async fn follow_instance(&mut self, base: &str) -> FeedEnd {
        let mut request = self
            .client
            .get("core", "/api/revocations")
            .at(base)
            .header(header::ACCEPT, "text/event-stream")
            // No limit for the whole answer: it is meant to stay open. Silence is noticed below.
            .timeout(Duration::from_secs(24 * 3600));
        if let Some(cursor) = &self.cursor {
            request = request.header("last-event-id", cursor);
        }
        let connected = tokio::time::timeout(ANSWER, request.send()).await;
        let response = match connected {
            Err(_) => return FeedEnd::Broken("no answer".into()),
            Ok(Err(error)) => return FeedEnd::Broken(error.to_string()),
            Ok(Ok(response)) if response.status() == StatusCode::NOT_FOUND => return FeedEnd::Unsupported,
            Ok(Ok(response)) if !response.status().is_success() => {
                return FeedEnd::Broken(format!("status {}", response.status().as_u16()));
            }
            Ok(Ok(response)) => response,
        };
        self.note_contact();
        (self.keys_changed)();
        let body = response.bytes_stream().map_err(std::io::Error::other);
        let mut lines = StreamReader::new(body).lines();
        let (mut id, mut data) = (None, String::new());
        loop {
            match tokio::time::timeout(SILENCE, lines.next_line()).await {
                Err(_) => return FeedEnd::Broken("silence".into()),
                Ok(Err(error)) => return FeedEnd::Broken(error.to_string()),
                Ok(Ok(None)) => return FeedEnd::Broken("closed".into()),
                Ok(Ok(Some(line))) => {
                    self.note_contact();
                    if line.strip_prefix("event:").is_some_and(|event| event.trim() == "keys") {
                        (self.keys_changed)();
                    } else if let Some(value) = line.strip_prefix("id:") {
                        id = Some(value.trim().to_owned());
                    } else if let Some(value) = line.strip_prefix("data:") {
                        data.push_str(value.trim());
                    } else if line.is_empty() {
                        if let Ok(session) = serde_json::from_str::<RevokedSession>(&data) {
                            self.revocations.insert(session.jti, session.exp);
                        }
                        self.cursor = id.take().or_else(|| self.cursor.take());
                        // Comments end with an empty line too, so this happens every few seconds.
                        self.revocations.prune(&self.clock);
                        data.clear();
                    }
                }
            }
        }
    }

    /// One request of the safety net, for the time until the stream stands again.
    async fn poll(&mut self) {
        let Ok(base) = self.client.base_url("core") else { return };
        let mut request = self.client.get("core", "/api/revocations").at(&base).timeout(ANSWER);
        if let Some(cursor) = &self.cursor {
            request = request.query(&[("since", cursor)]);
        }
        let page: Result<RevocationPage, ServiceError> = request.json_answer().await;
        match page {
            Ok(page) => {
                for session in page.revoked {
                    self.revocations.insert(session.jti, session.exp);
                }
                self.cursor = Some(page.cursor);
                self.revocations.heard(&self.clock);
                (self.keys_changed)();
            }
            Err(error) => {
                tracing::debug!(error = %error, "Core was not heard");
                self.client.mark_dead(&base);
            }
        }
    }

    fn note_contact(&mut self) {
        self.revocations.mode.store(FOLLOWING, Ordering::Relaxed);
        self.revocations.heard(&self.clock);
        if std::mem::take(&mut self.warned) {
            tracing::info!("the revocation feed stands again");
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, TimeDelta, Utc};

    use super::*;

    fn clock() -> Clock {
        Clock::manual(DateTime::<Utc>::from_timestamp(1_763_805_000, 0).unwrap())
    }

    #[test]
    fn a_revoked_session_is_refused_until_its_token_expires() {
        let clock = clock();
        let list = Revocations::following(&clock);
        list.insert("a", clock.unix() + 10);
        assert_eq!(list.check("a", clock.unix(), &clock), Err(AuthError::Revoked));
        assert_eq!(list.check("b", clock.unix(), &clock), Ok(()));
        clock.advance(TimeDelta::seconds(11));
        list.prune(&clock);
        assert!(!list.contains("a"));
    }

    #[test]
    fn after_fifteen_silent_seconds_only_fresh_tokens_count() {
        let clock = clock();
        let list = Revocations::following(&clock);
        let (fresh, old) = (clock.unix() - 250, clock.unix() - 290);
        clock.advance(TimeDelta::seconds(15));
        assert_eq!(list.check("a", old, &clock), Ok(()));
        clock.advance(TimeDelta::seconds(1));
        assert!(list.is_outage(&clock));
        assert_eq!(list.check("a", old, &clock), Err(AuthError::Unavailable));
        assert_eq!(list.check("a", fresh, &clock), Ok(()));
        list.heard(&clock);
        assert_eq!(list.check("a", old, &clock), Ok(()));
    }

    #[test]
    fn with_an_upstream_core_there_is_no_outage_rule() {
        let clock = clock();
        let list = Revocations::following(&clock);
        list.mode.store(UNSUPPORTED, Ordering::Relaxed);
        clock.advance(TimeDelta::seconds(100));
        assert!(!list.is_outage(&clock));
    }
}
