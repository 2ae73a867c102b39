//! One request to Datto: the token, the account's two quotas, and telling data from anything else.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use hivematrix_shared::config::Secret;
use reqwest::{Method, StatusCode};
use serde_json::Value;
use tokio::sync::Mutex;
use tokio::time::Instant;
use url::Url;

use super::super::budget::{Budget, Quota, Stops};
use super::super::http::{Attempt, Http, Raw, json, retry_after};
use super::super::{Pace, ProviderError, Retry};
use super::token::Tokens;

/// Display name of the vendor.
pub(super) const NAME: &str = "Datto RMM";

/// How long the vendor locks an address out that did not heed its limit.
const LOCKOUT: Duration = Duration::from_secs(5 * 60);
/// A 403 this soon after a 429 is that lockout.
const AFTERMATH: Duration = Duration::from_secs(10 * 60);

/// Where the account is and how to get in.
#[derive(Debug, Clone)]
pub struct Connection {
    /// The server's address; `/api/v2` is appended when it has no path.
    pub base_url: String,
    /// API key.
    pub public_key: Secret,
    /// API secret key.
    pub secret_key: Secret,
    /// Uid of the component that runs commands.
    pub command_component: Option<String>,
    /// Patience.
    pub retry: Retry,
    /// Largest answer that is read, in bytes.
    pub max_body: usize,
    /// Reads: the account has 600 in any 60 seconds, and slows down all its users from 540 on.
    pub reads: Quota,
    /// Writes: the account has 100.
    pub writes: Quota,
}

impl Connection {
    /// A connection with the default patience, size limit and quotas.
    pub fn new(base_url: impl Into<String>, public_key: Secret, secret_key: Secret) -> Self {
        let retry = Retry {
            timeout: Duration::from_secs(30),
            default_wait: Duration::from_secs(30),
            least_wait: Duration::from_secs(30),
            longest_wait: LOCKOUT + Duration::from_secs(10),
            total_wait: Duration::from_secs(15 * 60),
            ..Retry::default()
        };
        Self {
            base_url: base_url.into(),
            public_key,
            secret_key,
            command_component: None,
            retry,
            max_body: 64 * 1024 * 1024,
            reads: Quota { burst: 90, per_minute: 420 },
            writes: Quota { burst: 10, per_minute: 60 },
        }
    }
}

#[derive(Debug, Clone)]
pub(super) struct Client {
    http: Http,
    public_key: Secret,
    secret_key: Secret,
    shared: Arc<Shared>,
}

/// What all users of the account have in common.
#[derive(Debug)]
struct Shared {
    tokens: Tokens,
    reads: Budget,
    writes: Budget,
    /// When the vendor last answered 429.
    limited_at: Mutex<Option<Instant>>,
}

impl Client {
    pub(super) fn new(connection: &Connection) -> Result<Self, ProviderError> {
        let missing = |what: &str| ProviderError::NotConfigured { provider: NAME, missing: what.to_owned() };
        for (key, what) in [
            (&connection.public_key, "the public key is empty"),
            (&connection.secret_key, "the secret key is empty"),
        ] {
            if key.expose().trim().is_empty() {
                return Err(missing(what));
            }
        }
        // The original's setting is the origin, or the origin with `/api`.
        let base = connection.base_url.trim().trim_end_matches('/');
        let base = if base.ends_with("/api") { format!("{base}/v2") } else { base.to_owned() };
        let http = Http::new(NAME, &base, "/api/v2", connection.retry, connection.max_body)?;
        let shared = Shared {
            tokens: Tokens::default(),
            reads: Budget::counted(connection.reads),
            writes: Budget::counted(connection.writes),
            limited_at: Mutex::default(),
        };
        Ok(Self {
            http,
            public_key: connection.public_key.clone(),
            secret_key: connection.secret_key.clone(),
            shared: Arc::new(shared),
        })
    }

    /// One answer, `None` for 404, after as many attempts as it takes.
    pub(super) async fn get(
        &self,
        path: &str,
        query: &[(&str, String)],
        pace: Pace,
    ) -> Result<Option<Value>, ProviderError> {
        let url = self.http.url(path, query)?;
        let attempts = self.http.retry().attempts;
        let get = || self.attempt(Method::GET, path, url.clone(), None, pace, None);
        self.http.persist(path, &self.shared.reads, pace, attempts, get).await
    }

    /// What work waits for now, see [`Budget::holds_up`].
    pub(super) fn holds_up(&self) -> Option<String> {
        self.shared.writes.holds_up().or_else(|| self.shared.reads.holds_up())
    }

    /// Writes, `None` for 404; `Null` when the answer has no body. `repeatable` is what may happen twice.
    pub(super) async fn write(
        &self,
        method: Method,
        path: &str,
        body: &Value,
        repeatable: bool,
    ) -> Result<Option<Value>, ProviderError> {
        let url = self.http.url(path, &[])?;
        let attempts = if repeatable { self.http.retry().attempts } else { 1 };
        let pace = Pace::Routine;
        let write = || self.attempt(method.clone(), path, url.clone(), Some(body), pace, None);
        self.http.persist(path, &self.shared.writes, pace, attempts, write).await
    }

    /// Writes once for a person, by a moment at the latest: until then it may wait for its turn, afterwards nothing is sent any more.
    ///
    /// # Errors
    /// [`ProviderError::OutcomeUnknown`] when it was sent and nobody knows what became of it.
    pub(super) async fn write_by(
        &self,
        deadline: Instant,
        method: Method,
        path: &str,
        body: &Value,
    ) -> Result<Option<Value>, ProviderError> {
        let url = self.http.url(path, &[])?;
        let sent = AtomicBool::new(false);
        let pace = Pace::Now;
        let write = || self.attempt(method.clone(), path, url.clone(), Some(body), pace, Some(&sent));
        let done = self.http.persist(path, &self.shared.writes, pace, 1, write);
        let provider = NAME;
        let done = tokio::time::timeout_at(deadline, done).await;
        let (path, sent) = (path.to_owned(), sent.load(Ordering::Relaxed));
        match done {
            Ok(Err(ProviderError::Network { detail, .. })) if sent => {
                Err(ProviderError::OutcomeUnknown { provider, path, detail })
            }
            Ok(Err(ProviderError::Api { status, what, .. })) if sent && !(400..500).contains(&status) => {
                Err(ProviderError::OutcomeUnknown { provider, path, detail: format!("it answered {what}") })
            }
            Ok(done) => done,
            Err(_) if sent => {
                let detail = "no answer in time".to_owned();
                Err(ProviderError::OutcomeUnknown { provider, path, detail })
            }
            Err(_) => Err(ProviderError::NotSent { provider, path }),
        }
    }

    /// `sent` is true while nobody knows whether the vendor has carried out the request.
    async fn attempt(
        &self,
        method: Method,
        path: &str,
        url: Url,
        body: Option<&Value>,
        pace: Pace,
        sent: Option<&AtomicBool>,
    ) -> Attempt<Option<Value>> {
        let mut refused: Option<Secret> = None;
        loop {
            let token = match self.shared.tokens.get(refused.as_ref(), self.fetch_token(pace)).await {
                Ok(token) => token,
                Err(attempt) => return attempt,
            };
            let budget = if body.is_some() { &self.shared.writes } else { &self.shared.reads };
            if let Err(attempt) = self.http.turn(path, budget, pace).await {
                return attempt;
            }
            let mut request =
                self.http.client().request(method.clone(), url.clone()).bearer_auth(token.expose());
            if let Some(body) = body {
                request = request.json(body);
            }
            let mark = |on| {
                if let Some(sent) = sent {
                    sent.store(on, Ordering::Relaxed);
                }
            };
            mark(true);
            let raw = match self.http.exchange(path, request).await {
                Ok(raw) => raw,
                Err(attempt) => return attempt,
            };
            // A refusal of any kind: what was sent was not carried out.
            if raw.status.is_client_error() {
                mark(false);
            }
            // The token may have ended early: once it is worth asking for another.
            if raw.status == StatusCode::UNAUTHORIZED && refused.is_none() {
                refused = Some(token);
                continue;
            }
            return self.judge(path, &raw, budget, body.is_some()).await;
        }
    }

    async fn judge(&self, path: &str, raw: &Raw, budget: &Budget, wrote: bool) -> Attempt<Option<Value>> {
        if let Some(wait) = self.limit(raw, budget).await {
            return Attempt::Limited(wait);
        }
        budget.answered();
        match raw.status {
            StatusCode::NO_CONTENT => Attempt::Done(Some(Value::Null)),
            status if status.is_success() && wrote && raw.body.trim_ascii().is_empty() => {
                Attempt::Done(Some(Value::Null))
            }
            StatusCode::OK | StatusCode::CREATED => match json(raw) {
                Ok(body) => Attempt::Done(Some(body)),
                Err(what) => Attempt::Transient(self.http.api(path, raw.status, what)),
            },
            StatusCode::NOT_FOUND => Attempt::Done(None),
            _ => self.http.refusal(path, raw, budget),
        }
    }

    /// The wait that an answer about the limit asks for: everybody stops, or the address will be locked out.
    async fn limit(&self, raw: &Raw, budget: &Budget) -> Option<Duration> {
        let (asked, everything) = match raw.status {
            StatusCode::TOO_MANY_REQUESTS => {
                *self.shared.limited_at.lock().await = Some(Instant::now());
                (retry_after(&raw.headers), false)
            }
            StatusCode::FORBIDDEN => {
                let limited_at = *self.shared.limited_at.lock().await;
                limited_at.filter(|at| at.elapsed() < AFTERMATH)?;
                (Some(retry_after(&raw.headers).unwrap_or(LOCKOUT)), true)
            }
            _ => return None,
        };
        let wait = self.http.refused(budget, Stops::All, asked);
        if everything {
            for budget in [&self.shared.reads, &self.shared.writes] {
                self.http.refused(budget, Stops::All, Some(wait));
            }
        }
        Some(wait)
    }

    /// A new token for the keys.
    async fn fetch_token<T>(&self, pace: Pace) -> Result<(Secret, Option<Duration>), Attempt<T>> {
        const PATH: &str = "/auth/oauth/token";
        let url = self.http.url(PATH, &[]).map_err(Attempt::Failed)?;
        let form = [
            ("grant_type", "password"),
            ("username", self.public_key.expose()),
            ("password", self.secret_key.expose()),
        ];
        self.http.turn(PATH, &self.shared.reads, pace).await?;
        let request = self.http.client().post(url).basic_auth("public-client", Some("public")).form(&form);
        let raw = self.http.exchange(PATH, request).await?;
        match raw.status {
            StatusCode::OK => {}
            // What OAuth answers to wrong keys; the vendor's words are not repeated, they may quote the request.
            StatusCode::BAD_REQUEST | StatusCode::UNAUTHORIZED => {
                let detail = "the keys are not accepted".to_owned();
                return Err(Attempt::Failed(ProviderError::Authentication { provider: NAME, detail }));
            }
            _ => {
                if let Some(wait) = self.limit(&raw, &self.shared.reads).await {
                    return Err(Attempt::Limited(wait));
                }
                return Err(self.http.refusal(PATH, &raw, &self.shared.reads));
            }
        }
        let body = json(&raw).map_err(|what| Attempt::Transient(self.http.api(PATH, raw.status, what)))?;
        let token = body.get("access_token").and_then(Value::as_str).filter(|token| !token.is_empty());
        let token = token.ok_or_else(|| {
            Attempt::Failed(self.http.api(PATH, raw.status, "JSON without a token".to_owned()))
        })?;
        let lifetime = body.get("expires_in").and_then(Value::as_u64).map(Duration::from_secs);
        Ok((Secret::new(token), lifetime))
    }

    /// An answer that is not the data asked for.
    pub(super) fn api(&self, path: &str, what: impl Into<String>) -> ProviderError {
        self.http.api(path, StatusCode::OK, what.into())
    }

    /// A list that must be there and is not.
    pub(super) fn not_found(&self, path: &str) -> ProviderError {
        self.http.api(path, StatusCode::NOT_FOUND, "HTTP 404".to_owned())
    }
}
