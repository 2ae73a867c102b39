//! One request to Freshservice: authentication, retries, rate limit, and telling data from anything else.

use std::sync::Arc;
use std::time::Duration;

use hivematrix_shared::config::Secret;
use reqwest::header::{CONTENT_TYPE, HeaderMap, LINK, RETRY_AFTER};
use reqwest::{Response, StatusCode};
use serde_json::Value;
use url::Url;

use super::super::ProviderError;
use super::allowance::Allowance;
use super::link;

/// Display name of the vendor.
pub(super) const NAME: &str = "Freshservice";

/// Where the account is and how to get in.
#[derive(Debug, Clone)]
pub struct Connection {
    /// The server's address; `/api/v2` is appended when it has no path.
    pub base_url: String,
    /// API key of an agent.
    pub api_key: Secret,
    /// Patience.
    pub retry: Retry,
    /// Largest answer that is read, in bytes.
    pub max_body: usize,
}

impl Connection {
    /// A connection with the default patience and size limit.
    pub fn new(base_url: impl Into<String>, api_key: Secret) -> Self {
        Self { base_url: base_url.into(), api_key, retry: Retry::default(), max_body: 64 * 1024 * 1024 }
    }
}

/// How long and how often to try.
#[derive(Debug, Clone, Copy)]
pub struct Retry {
    /// Attempts for one request when the vendor fails (5xx, broken answers, network).
    pub attempts: u32,
    /// Pause before the second attempt; doubled before each further one.
    pub pause: Duration,
    /// Timeout of one attempt.
    pub timeout: Duration,
    /// Wait after a 429 without a readable `Retry-After`.
    pub default_wait: Duration,
    /// Longest single wait after a 429, whatever the vendor asks for.
    pub longest_wait: Duration,
    /// Waits for one request together.
    pub total_wait: Duration,
    /// Whether work nobody waits for leaves part of the account's requests to others.
    pub give_way: bool,
}

impl Default for Retry {
    fn default() -> Self {
        Self {
            attempts: 4,
            pause: Duration::from_secs(1),
            timeout: Duration::from_secs(90),
            default_wait: Duration::from_secs(10),
            longest_wait: Duration::from_secs(120),
            total_wait: Duration::from_secs(600),
            give_way: true,
        }
    }
}

/// A readable answer.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) body: Value,
    /// Target of the `Link` to the next page.
    pub(super) next: Option<String>,
}

#[derive(Debug, Clone)]
pub(super) struct Client {
    http: reqwest::Client,
    base: Url,
    key: Secret,
    retry: Retry,
    max_body: usize,
    allowance: Arc<Allowance>,
}

/// What became of one attempt.
enum Attempt {
    Done(Option<Reply>),
    Failed(ProviderError),
    /// Worth another try after a pause.
    Transient(ProviderError),
    /// Refused by the rate limit; the wait the vendor asks for.
    Limited(Option<Duration>),
}

impl Client {
    pub(super) fn new(connection: Connection) -> Result<Self, ProviderError> {
        let missing = |what: &str| ProviderError::NotConfigured { provider: NAME, missing: what.to_owned() };
        if connection.api_key.expose().trim().is_empty() {
            return Err(missing("the API key is empty"));
        }
        let mut base =
            Url::parse(connection.base_url.trim()).map_err(|_| missing("the base address is no URL"))?;
        if !matches!(base.scheme(), "http" | "https") || base.host().is_none() {
            return Err(missing("the base address is no http or https URL"));
        }
        let path = match base.path().trim_end_matches('/') {
            "" => "/api/v2/".to_owned(),
            path => format!("{path}/"),
        };
        base.set_path(&path);
        base.set_query(None);
        let http = reqwest::Client::builder()
            .user_agent(concat!("HiveMatrix-Codex/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(Duration::from_secs(10))
            .timeout(connection.retry.timeout)
            // An API that redirects wants a person at a login page; and the key must not travel elsewhere.
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|error| missing(&error.to_string()))?;
        Ok(Self {
            http,
            base,
            key: connection.api_key,
            retry: connection.retry,
            max_body: connection.max_body,
            allowance: Arc::default(),
        })
    }

    /// One answer, `None` for 404, after as many attempts as it takes.
    pub(super) async fn get(
        &self,
        path: &str,
        query: &[(&str, String)],
    ) -> Result<Option<Reply>, ProviderError> {
        let mut url = self.base.join(path).map_err(|error| broken(path, error.to_string()))?;
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        let (mut failures, mut pause, mut waited) = (0, self.retry.pause, Duration::ZERO);
        loop {
            match self.attempt(path, url.clone()).await {
                Attempt::Done(reply) => return Ok(reply),
                Attempt::Failed(error) => return Err(error),
                Attempt::Transient(error) => {
                    failures += 1;
                    if failures >= self.retry.attempts {
                        return Err(error);
                    }
                    tracing::warn!(%error, "will try again in {} ms", pause.as_millis());
                    tokio::time::sleep(pause).await;
                    pause *= 2;
                }
                Attempt::Limited(asked) => {
                    let wait = asked.unwrap_or(self.retry.default_wait).min(self.retry.longest_wait);
                    if waited + wait > self.retry.total_wait {
                        return Err(ProviderError::RateLimited {
                            provider: NAME,
                            path: path.to_owned(),
                            waited,
                        });
                    }
                    tracing::info!("{NAME} limits requests, waiting {} s", wait.as_secs());
                    tokio::time::sleep(wait).await;
                    waited += wait;
                }
            }
        }
    }

    /// Waits until work nobody is waiting for may use a request.
    pub(super) async fn give_way(&self) {
        if self.retry.give_way {
            self.allowance.give_way().await;
        }
    }

    async fn attempt(&self, path: &str, url: Url) -> Attempt {
        let request = self.http.get(url).basic_auth(self.key.expose(), Some("X"));
        let response = match request.send().await {
            Ok(response) => response,
            Err(error) => return Attempt::Transient(broken(path, reason(&error))),
        };
        self.allowance.note(response.headers());
        let status = response.status();
        let headers = response.headers().clone();
        let body = match self.body(response).await {
            Ok(body) => body,
            Err(Overrun::TooLarge) => {
                return Attempt::Failed(api(path, status, format!("more than {} bytes", self.max_body)));
            }
            Err(Overrun::Broken(detail)) => return Attempt::Transient(broken(path, detail)),
        };
        match status {
            StatusCode::OK => match read(&headers, &body) {
                Ok(reply) => Attempt::Done(Some(reply)),
                Err(what) => Attempt::Transient(api(path, status, what)),
            },
            StatusCode::NOT_FOUND => Attempt::Done(None),
            StatusCode::UNAUTHORIZED => {
                let detail = message(&body).unwrap_or_else(|| "the API key is not accepted".to_owned());
                Attempt::Failed(ProviderError::Authentication { provider: NAME, detail })
            }
            StatusCode::TOO_MANY_REQUESTS => Attempt::Limited(retry_after(&headers)),
            _ => {
                let said = message(&body).map(|said| format!(": {said}")).unwrap_or_default();
                let error = api(path, status, format!("HTTP {}{said}", status.as_u16()));
                if status.is_server_error() || status == StatusCode::REQUEST_TIMEOUT {
                    Attempt::Transient(error)
                } else {
                    Attempt::Failed(error)
                }
            }
        }
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

/// The JSON of a 200 answer, or what came instead.
fn read(headers: &HeaderMap, body: &[u8]) -> Result<Reply, String> {
    let trimmed = body.trim_ascii();
    if trimmed.is_empty() {
        return Err("an empty body".to_owned());
    }
    let html = headers
        .get(CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok())
        .is_some_and(|kind| kind.to_ascii_lowercase().contains("html"));
    if html || trimmed.starts_with(b"<") {
        return Err("a page of HTML instead of JSON".to_owned());
    }
    let body = serde_json::from_slice(trimmed).map_err(|error| {
        if error.is_eof() {
            format!("JSON that breaks off after {} bytes", body.len())
        } else {
            format!("unreadable JSON ({error})")
        }
    })?;
    let next = headers
        .get_all(LINK)
        .iter()
        .filter_map(|header| link::next(header.to_str().ok()?))
        .map(str::to_owned)
        .next();
    Ok(Reply { body, next })
}

/// Seconds the vendor asks to wait; a second is the least, or a zero would turn into a busy loop.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds: f64 = headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Duration::try_from_secs_f64(seconds).ok().map(|wait| wait.max(Duration::from_secs(1)))
}

/// The vendor's own words in an error body.
fn message(body: &[u8]) -> Option<String> {
    let value: Value = serde_json::from_slice(body).ok()?;
    let text = ["message", "description"].iter().find_map(|name| value.get(name)?.as_str())?;
    Some(text.chars().take(200).collect())
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

pub(super) fn api(path: &str, status: StatusCode, what: String) -> ProviderError {
    ProviderError::Api { provider: NAME, path: path.to_owned(), status: status.as_u16(), what }
}

pub(super) fn not_found(path: &str) -> ProviderError {
    api(path, StatusCode::NOT_FOUND, "HTTP 404".to_owned())
}

fn broken(path: &str, detail: String) -> ProviderError {
    ProviderError::Network { provider: NAME, path: path.to_owned(), detail }
}
