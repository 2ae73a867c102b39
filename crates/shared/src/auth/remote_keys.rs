//! Core's signing keys, cached: refreshed every 300 s, when Core says that they changed, and for an unknown key id at once
//! (but for the latter not more than every 5 s).

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use arc_swap::ArcSwapOption;
use serde_json::Value;
use tokio::sync::Mutex;

use super::{TokenKeys, VerifyingKey};
use crate::clock::Clock;

/// Seconds.
const LIFETIME: i64 = 300;
/// Seconds.
const RETRY_AFTER: i64 = 5;
const TIMEOUT: Duration = Duration::from_secs(5);

/// Keys fetched from `<core>/.well-known/jwks.json`.
pub struct RemoteKeys {
    url: Box<dyn Fn() -> String + Send + Sync>,
    http: reqwest::Client,
    cached: ArcSwapOption<Cached>,
    /// Counts what Core said about changes: keys fetched at a lower count are out of date.
    changes: AtomicU64,
    refresh: Mutex<Option<Attempt>>,
}

struct Cached {
    keys: TokenKeys,
    /// Seconds on the steady clock.
    fetched: i64,
    /// When it was asked for, Unix seconds.
    as_of: i64,
    changes: u64,
}

#[derive(Clone, Copy)]
struct Attempt {
    ended: Instant,
    /// Seconds on the steady clock.
    at: i64,
    changes: u64,
}

/// What is known about a key id.
#[derive(Clone, Debug, PartialEq)]
pub enum Lookup {
    /// The key.
    Key(VerifyingKey),
    /// Core has no such key.
    Unknown,
    /// Core had no such key at a time (Unix seconds) a moment ago, and is not asked again yet.
    UnknownSince(i64),
}

/// The keys cannot be read and none are cached.
#[derive(Debug, thiserror::Error)]
#[error("the signing keys of Core cannot be read: {0}")]
pub struct KeysUnavailable(String);

impl RemoteKeys {
    /// Keys of the Core whose base URL `core_url` gives at each fetch.
    pub fn new(core_url: impl Fn() -> String + Send + Sync + 'static, http: reqwest::Client) -> Self {
        Self {
            url: Box::new(move || format!("{}/.well-known/jwks.json", core_url().trim_end_matches('/'))),
            http,
            cached: ArcSwapOption::empty(),
            changes: AtomicU64::new(0),
            refresh: Mutex::new(None),
        }
    }

    /// Notes that Core may have other keys now: the next token makes it ask.
    pub fn changed(&self) {
        self.changes.fetch_add(1, Ordering::Relaxed);
    }

    /// The key of an id.
    ///
    /// # Errors
    /// When Core was never reached.
    pub async fn get(&self, id: Option<&str>, clock: &Clock) -> Result<Lookup, KeysUnavailable> {
        let asked = Instant::now();
        let key = |cached: &Option<Arc<Cached>>| Some(cached.as_ref()?.keys.get(id, clock.unix())?.clone());
        let is_fresh = |cached: &Option<Arc<Cached>>| {
            cached.as_ref().is_some_and(|cached| {
                clock.steady() - cached.fetched < LIFETIME
                    && cached.changes == self.changes.load(Ordering::Relaxed)
            })
        };
        let cached = self.cached.load_full();
        let known = key(&cached);
        // An outage of Core does not make a good key bad: while one request asks, the others go on with it.
        let mut last_try = match (known, self.refresh.try_lock()) {
            (Some(known), _) if is_fresh(&cached) => return Ok(Lookup::Key(known)),
            (Some(known), Err(_)) => return Ok(Lookup::Key(known)),
            (_, Ok(last_try)) => last_try,
            (None, Err(_)) => self.refresh.lock().await,
        };
        let changes = self.changes.load(Ordering::Relaxed);
        let cached = self.cached.load_full();
        match (key(&cached), &cached, *last_try) {
            (Some(key), _, _) if is_fresh(&cached) => return Ok(Lookup::Key(key)),
            (found, Some(cached), Some(last))
                if last.changes == changes && clock.steady() - last.at < RETRY_AFTER =>
            {
                return Ok(found.map_or(Lookup::UnknownSince(cached.as_of), Lookup::Key));
            }
            // Whoever waited for an attempt that failed does not wait for another one.
            (_, None, Some(last)) if last.ended > asked => {
                return Err(KeysUnavailable("the last attempt failed".to_owned()));
            }
            _ => {}
        }
        let as_of = clock.unix();
        let outcome = self.fetch().await;
        *last_try = Some(Attempt { ended: Instant::now(), at: clock.steady(), changes });
        match outcome {
            Ok(keys) => {
                self.cached.store(Some(Arc::new(Cached { keys, fetched: clock.steady(), as_of, changes })));
            }
            Err(error) => {
                let Some(old) = &cached else { return Err(error) };
                tracing::warn!(error = %error, "Core's signing keys were not refreshed");
                return Ok(key(&cached).map_or(Lookup::UnknownSince(old.as_of), Lookup::Key));
            }
        }
        Ok(key(&self.cached.load_full()).map_or(Lookup::Unknown, Lookup::Key))
    }

    async fn fetch(&self) -> Result<TokenKeys, KeysUnavailable> {
        let fail = |error: reqwest::Error| KeysUnavailable(error.without_url().to_string());
        let response = self.http.get((self.url)()).timeout(TIMEOUT).send().await.map_err(fail)?;
        let document: Value = response.error_for_status().map_err(fail)?.json().await.map_err(fail)?;
        TokenKeys::from_jwks(&document).ok_or_else(|| KeysUnavailable("the answer is no JWKS".to_owned()))
    }
}

#[cfg(test)]
mod tests;
