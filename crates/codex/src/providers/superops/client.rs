//! One request to SuperOps: both headers, retries, rate limit, and telling data from anything else.

use std::sync::Arc;
use std::time::Duration;

use hivematrix_shared::config::Secret;
use reqwest::header::{CONTENT_TYPE, HeaderMap, RETRY_AFTER};
use reqwest::{Response, StatusCode};
use serde_json::{Value, json};
use url::Url;

use super::super::freshservice::Retry;
use super::super::{Pace, ProviderError};
use super::answer::{self, Verdict};
use super::bucket::Bucket;

/// Display name of the vendor.
pub(super) const NAME: &str = "SuperOps";

/// Requests a minute that the vendor allows one user.
pub const PER_MINUTE: u32 = 800;

/// Where the account is and how to get in.
#[derive(Debug, Clone)]
pub struct Connection {
    /// The server's address; `/msp` is appended when it has no path.
    pub base_url: String,
    /// API token of a technician; the vendor keeps one active token per user.
    pub api_key: Secret,
    /// Name of the tenant, sent as `CustomerSubDomain`.
    pub subdomain: String,
    /// Patience.
    pub retry: Retry,
    /// Largest answer that is read, in bytes.
    pub max_body: usize,
    /// Requests a minute.
    pub per_minute: u32,
}

impl Connection {
    /// A connection with the default patience and limits.
    pub fn new(base_url: impl Into<String>, api_key: Secret, subdomain: impl Into<String>) -> Self {
        Self {
            base_url: base_url.into(),
            api_key,
            subdomain: subdomain.into(),
            retry: Retry::default(),
            max_body: 64 * 1024 * 1024,
            per_minute: PER_MINUTE,
        }
    }
}

#[derive(Debug, Clone)]
pub(super) struct Client {
    http: reqwest::Client,
    url: Url,
    key: Secret,
    subdomain: String,
    retry: Retry,
    max_body: usize,
    bucket: Arc<Bucket>,
}

/// What became of one attempt.
enum Attempt {
    Done(Value),
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
            return Err(missing("the API token is empty"));
        }
        let subdomain = connection.subdomain.trim().to_owned();
        if subdomain.is_empty() || http::HeaderValue::from_str(&subdomain).is_err() {
            return Err(missing("the subdomain is empty or cannot be sent"));
        }
        let mut url =
            Url::parse(connection.base_url.trim()).map_err(|_| missing("the base address is no URL"))?;
        if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
            return Err(missing("the base address is no http or https URL"));
        }
        if url.path().trim_end_matches('/').is_empty() {
            url.set_path("/msp");
        }
        url.set_query(None);
        let http = reqwest::Client::builder()
            .user_agent(concat!("HiveMatrix-Codex/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(Duration::from_secs(10))
            .timeout(connection.retry.timeout)
            // An API that redirects wants a person at a login page; and the token must not travel elsewhere.
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|error| missing(&error.to_string()))?;
        Ok(Self {
            http,
            url,
            key: connection.api_key,
            subdomain,
            retry: connection.retry,
            max_body: connection.max_body,
            bucket: Arc::new(Bucket::new(connection.per_minute)),
        })
    }

    /// The `data` of one answer, after as many attempts as it takes. A record the vendor does not have is `null` in it.
    pub(super) async fn call(
        &self,
        operation: &str,
        document: &str,
        variables: Value,
        pace: Pace,
    ) -> Result<Value, ProviderError> {
        let body = json!({ "query": document, "variables": variables });
        let (mut failures, mut pause, mut waited) = (0, self.retry.pause, Duration::ZERO);
        loop {
            self.bucket.take(pace).await;
            match self.attempt(operation, &body).await {
                Attempt::Done(data) => return Ok(data),
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
                        let path = operation.to_owned();
                        return Err(ProviderError::RateLimited { provider: NAME, path, waited });
                    }
                    tracing::info!("{NAME} limits requests, waiting {} s", wait.as_secs());
                    tokio::time::sleep(wait).await;
                    waited += wait;
                }
            }
        }
    }

    async fn attempt(&self, operation: &str, body: &Value) -> Attempt {
        let request = self
            .http
            .post(self.url.clone())
            .bearer_auth(self.key.expose())
            .header("CustomerSubDomain", &self.subdomain)
            .json(body);
        let response = match request.send().await {
            Ok(response) => response,
            Err(error) => return Attempt::Transient(broken(operation, reason(&error))),
        };
        let status = response.status();
        let headers = response.headers().clone();
        let body = match self.body(response).await {
            Ok(body) => body,
            Err(Overrun::TooLarge) => {
                return Attempt::Failed(api(operation, status, format!("more than {} bytes", self.max_body)));
            }
            Err(Overrun::Broken(detail)) => return Attempt::Transient(broken(operation, detail)),
        };
        match status {
            StatusCode::OK => match read(&headers, &body) {
                Ok(value) => judge(operation, value),
                Err(what) => Attempt::Transient(api(operation, status, what)),
            },
            StatusCode::UNAUTHORIZED => {
                let detail = message(&body).unwrap_or_else(|| "the API token is not accepted".to_owned());
                Attempt::Failed(ProviderError::Authentication { provider: NAME, detail })
            }
            // Whatever is wrong with a query comes as 200, so this is about the tenant.
            StatusCode::BAD_REQUEST => {
                let said = message(&body).unwrap_or_else(|| "HTTP 400".to_owned());
                let detail = format!("the subdomain '{}' is not accepted: {said}", self.subdomain);
                Attempt::Failed(ProviderError::Authentication { provider: NAME, detail })
            }
            StatusCode::TOO_MANY_REQUESTS => Attempt::Limited(retry_after(&headers)),
            _ => {
                let said = message(&body).map(|said| format!(": {said}")).unwrap_or_default();
                let error = api(operation, status, format!("HTTP {}{said}", status.as_u16()));
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

/// What a readable 200 answer means.
fn judge(operation: &str, value: Value) -> Attempt {
    match answer::judge(value) {
        Verdict::Data(data) => Attempt::Done(data),
        Verdict::Limited => Attempt::Limited(None),
        Verdict::Refused(what) => Attempt::Failed(api(operation, StatusCode::OK, what)),
        Verdict::Broken(what) => Attempt::Transient(api(operation, StatusCode::OK, what)),
    }
}

/// The JSON of a 200 answer, or what came instead.
fn read(headers: &HeaderMap, body: &[u8]) -> Result<Value, String> {
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
    serde_json::from_slice(trimmed).map_err(|error| {
        if error.is_eof() {
            format!("JSON that breaks off after {} bytes", body.len())
        } else {
            format!("unreadable JSON ({error})")
        }
    })
}

/// Seconds the vendor asks to wait; a second is the least, or a zero would turn into a busy loop.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds: f64 = headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Duration::try_from_secs_f64(seconds).ok().map(|wait| wait.max(Duration::from_secs(1)))
}

/// The vendor's own words in an error body.
fn message(body: &[u8]) -> Option<String> {
    let value: Value = serde_json::from_slice(body).ok()?;
    let text = ["message", "error", "description"].iter().find_map(|name| value.get(name)?.as_str())?;
    Some(text.chars().take(200).collect())
}

/// An error with its causes; the address is left out, it says nothing new.
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

pub(super) fn api(operation: &str, status: StatusCode, what: String) -> ProviderError {
    ProviderError::Api { provider: NAME, path: operation.to_owned(), status: status.as_u16(), what }
}

/// An answer that is readable but not what was asked for.
pub(super) fn unusable(operation: &str, what: impl Into<String>) -> ProviderError {
    api(operation, StatusCode::OK, what.into())
}

fn broken(operation: &str, detail: String) -> ProviderError {
    ProviderError::Network { provider: NAME, path: operation.to_owned(), detail }
}
