//! What every vendor's HTTP client needs: bounded answers, patience with limits and failures, and no key in any text.

use std::time::Duration;

use chrono::{DateTime, Utc};
use reqwest::header::{DATE, HeaderMap, RETRY_AFTER};
use reqwest::{RequestBuilder, Response, StatusCode};
use serde_json::Value;
use url::Url;

use super::budget::{Budget, PATIENCE, Stops, TooLong};
pub(super) use super::json::json;
use super::{Pace, ProviderError};

/// How long and how often to try.
#[derive(Debug, Clone, Copy)]
pub struct Retry {
    /// Attempts for one request when the vendor fails (5xx, broken answers, network).
    pub attempts: u32,
    /// Pause before the second attempt; doubled before each further one.
    pub pause: Duration,
    /// Timeout of one attempt.
    pub timeout: Duration,
    /// Wait after a 429 without a readable `Retry-After`; doubled with each refusal in a row.
    pub default_wait: Duration,
    /// Least wait after a 429, whatever the vendor asks for.
    pub least_wait: Duration,
    /// Longest single wait after a 429, whatever the vendor asks for.
    pub longest_wait: Duration,
    /// Waits for one request together.
    pub total_wait: Duration,
}

impl Default for Retry {
    fn default() -> Self {
        Self {
            attempts: 4,
            pause: Duration::from_secs(1),
            timeout: Duration::from_secs(90),
            default_wait: Duration::from_secs(10),
            least_wait: Duration::from_secs(1),
            longest_wait: Duration::from_secs(120),
            total_wait: Duration::from_secs(600),
        }
    }
}

/// What became of one attempt.
pub(super) enum Attempt<T> {
    Done(T),
    Failed(ProviderError),
    /// Worth another try after a pause.
    Transient(ProviderError),
    /// Refused by the rate limit for that long.
    Limited(Duration),
}

/// A whole answer, whatever it says.
#[derive(Debug)]
pub(super) struct Raw {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
}

/// One vendor's server. The credentials are the caller's affair.
#[derive(Debug, Clone)]
pub(super) struct Http {
    /// Display name of the vendor.
    vendor: &'static str,
    client: reqwest::Client,
    base: Url,
    retry: Retry,
    /// Largest answer that is read, in bytes.
    max_body: usize,
}

impl Http {
    /// A client for the server at `base_url`; `path` is appended when that has none.
    ///
    /// # Errors
    /// [`ProviderError::NotConfigured`] when the address is no URL of a server.
    pub(super) fn new(
        vendor: &'static str,
        base_url: &str,
        path: &str,
        retry: Retry,
        max_body: usize,
    ) -> Result<Self, ProviderError> {
        let missing =
            |what: &str| ProviderError::NotConfigured { provider: vendor, missing: what.to_owned() };
        let mut base = Url::parse(base_url.trim()).map_err(|_| missing("the base address is no URL"))?;
        if !matches!(base.scheme(), "http" | "https") || base.host().is_none() {
            return Err(missing("the base address is no http or https URL"));
        }
        let path = match base.path().trim_end_matches('/') {
            "" => format!("{}/", path.trim_end_matches('/')),
            path => format!("{path}/"),
        };
        base.set_path(&path);
        base.set_query(None);
        let client = reqwest::Client::builder()
            .user_agent(concat!("HiveMatrix-Codex/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(Duration::from_secs(10))
            .timeout(retry.timeout)
            // An API that redirects wants a person at a login page; and the key must not travel elsewhere.
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|error| missing(&error.to_string()))?;
        Ok(Self { vendor, client, base, retry, max_body })
    }

    /// The client, to build a request with.
    pub(super) fn client(&self) -> &reqwest::Client {
        &self.client
    }

    /// How patient it is.
    pub(super) fn retry(&self) -> Retry {
        self.retry
    }

    /// The address of a path below the base; always on the configured server.
    ///
    /// # Errors
    /// When the two make no address.
    pub(super) fn url(&self, path: &str, query: &[(&str, String)]) -> Result<Url, ProviderError> {
        let mut url = self.base.join(path).map_err(|error| self.broken(path, error.to_string()))?;
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        Ok(url)
    }

    /// Waits until a request may be sent.
    ///
    /// # Errors
    /// The attempt, when a person waits and there is no turn in time.
    pub(super) async fn turn<T>(&self, path: &str, budget: &Budget, pace: Pace) -> Result<(), Attempt<T>> {
        budget.take(pace).await.map_err(|TooLong| {
            Attempt::Failed(ProviderError::NotSent { provider: self.vendor, path: path.to_owned() })
        })
    }

    /// Closes the budget after a refusal that asks for a wait; answers for how long.
    pub(super) fn refused(&self, budget: &Budget, stops: Stops, asked: Option<Duration>) -> Duration {
        let Retry { least_wait, default_wait, longest_wait, .. } = self.retry;
        budget.refused(stops, asked, (least_wait, default_wait, longest_wait))
    }

    /// Sends one request and reads the whole answer, whatever its status.
    ///
    /// # Errors
    /// The attempt, when there is no whole answer.
    pub(super) async fn exchange<T>(&self, path: &str, request: RequestBuilder) -> Result<Raw, Attempt<T>> {
        let response = request.send().await.map_err(|error| {
            Attempt::Transient(if error.is_connect() {
                let (provider, path) = (self.vendor, path.to_owned());
                ProviderError::Unreachable { provider, path, detail: reason(&error) }
            } else {
                self.broken(path, reason(&error))
            })
        })?;
        let status = response.status();
        let headers = response.headers().clone();
        match self.body(response).await {
            Ok(body) => Ok(Raw { status, headers, body }),
            Err(Overrun::TooLarge) => {
                Err(Attempt::Failed(self.api(path, status, format!("more than {} bytes", self.max_body))))
            }
            Err(Overrun::Broken(detail)) => Err(Attempt::Transient(self.broken(path, detail))),
        }
    }

    /// Repeats an attempt as often as its outcomes and the client's patience allow. `attempts` is the number of failures
    /// that are too many: 1 for what must not happen twice.
    ///
    /// # Errors
    /// The last attempt's.
    pub(super) async fn persist<T, F>(
        &self,
        path: &str,
        budget: &Budget,
        pace: Pace,
        attempts: u32,
        attempt: impl Fn() -> F + Send + Sync,
    ) -> Result<T, ProviderError>
    where
        F: Future<Output = Attempt<T>> + Send,
    {
        let (mut failures, mut pause, mut waited) = (0, self.retry.pause, Duration::ZERO);
        let patience = match pace {
            Pace::Now => PATIENCE.min(self.retry.total_wait),
            Pace::Routine | Pace::Background => self.retry.total_wait,
        };
        loop {
            match attempt().await {
                Attempt::Done(reply) => return Ok(reply),
                Attempt::Failed(error) => return Err(error),
                Attempt::Transient(error) => {
                    failures += 1;
                    if failures >= attempts {
                        return Err(error);
                    }
                    tracing::warn!(%error, "will try again in {} ms", pause.as_millis());
                    tokio::time::sleep(pause).await;
                    pause *= 2;
                }
                Attempt::Limited(wait) => {
                    if waited + wait > patience {
                        return Err(ProviderError::RateLimited {
                            provider: self.vendor,
                            path: path.to_owned(),
                            waited,
                        });
                    }
                    tracing::info!("{} limits requests, waiting {} s", self.vendor, wait.as_secs());
                    budget.wait_out(pace, wait).await;
                    waited += wait;
                }
            }
        }
    }

    /// What an answer means that is neither data nor a vendor's own refusal.
    pub(super) fn refusal<T>(&self, path: &str, raw: &Raw, budget: &Budget) -> Attempt<T> {
        let status = raw.status;
        match status {
            StatusCode::UNAUTHORIZED => {
                let detail = message(&raw.body).unwrap_or_else(|| "the API key is not accepted".to_owned());
                Attempt::Failed(ProviderError::Authentication { provider: self.vendor, detail })
            }
            StatusCode::TOO_MANY_REQUESTS => {
                Attempt::Limited(self.refused(budget, Stops::All, retry_after(&raw.headers)))
            }
            _ => {
                let said = message(&raw.body).map(|said| format!(": {said}")).unwrap_or_default();
                let error = self.api(path, status, format!("HTTP {}{said}", status.as_u16()));
                if status.is_server_error() || status == StatusCode::REQUEST_TIMEOUT {
                    Attempt::Transient(error)
                } else {
                    Attempt::Failed(error)
                }
            }
        }
    }

    /// An answer that is not the data asked for.
    pub(super) fn api(&self, path: &str, status: StatusCode, what: String) -> ProviderError {
        ProviderError::Api { provider: self.vendor, path: path.to_owned(), status: status.as_u16(), what }
    }

    /// No answer.
    pub(super) fn broken(&self, path: &str, detail: String) -> ProviderError {
        ProviderError::Network { provider: self.vendor, path: path.to_owned(), detail }
    }

    async fn body(&self, mut response: Response) -> Result<Vec<u8>, Overrun> {
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| Overrun::Broken(reason(&error)))? {
            if body.len() + chunk.len() > self.max_body {
                return Err(Overrun::TooLarge);
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }
}

enum Overrun {
    TooLarge,
    Broken(String),
}

/// Seconds the vendor asks to wait; a second is the least, or a zero would turn into a busy loop.
pub(super) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds: f64 = headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Duration::try_from_secs_f64(seconds).ok().map(|wait| wait.max(Duration::from_secs(1)))
}

/// The vendor's time when it answered.
pub(super) fn answered_at(headers: &HeaderMap) -> Option<DateTime<Utc>> {
    let text = headers.get(DATE)?.to_str().ok()?;
    DateTime::parse_from_rfc2822(text.trim()).ok().map(|at| at.to_utc())
}

/// The vendor's own words in an error body.
pub(super) fn message(body: &[u8]) -> Option<String> {
    let value: Value = serde_json::from_slice(body).ok()?;
    let text =
        ["message", "description", "error_description"].iter().find_map(|name| value.get(name)?.as_str())?;
    // Which field is wrong, where the vendor says so.
    let fields = value.get("errors").and_then(Value::as_array).into_iter().flatten().filter_map(|error| {
        Some(format!("{} {}", error.get("field")?.as_str()?, error.get("message")?.as_str()?))
    });
    let fields = fields.collect::<Vec<_>>().join("; ");
    let text = if fields.is_empty() { text.to_owned() } else { format!("{text} ({fields})") };
    Some(text.chars().take(300).collect())
}

/// An error with its causes; the address is left out, its query is long and says nothing new.
fn reason(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "no answer in time".to_owned();
    }
    let mut text = String::new();
    let mut cause: Option<&dyn std::error::Error> = std::error::Error::source(error);
    while let Some(error) = cause {
        if !text.is_empty() {
            text.push_str(": ");
        }
        text.push_str(&error.to_string());
        cause = error.source();
    }
    if text.is_empty() { "the request failed".to_owned() } else { text }
}
