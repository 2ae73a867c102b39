//! One request to Freshservice: authentication, the account's allowance, and telling data from anything else.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use hivematrix_shared::config::Secret;
use reqwest::header::{HeaderMap, LINK};
use reqwest::{Method, StatusCode};
use serde_json::Value;
use url::Url;

use super::super::budget::{Budget, Stops};
use super::super::http::{self, Attempt, Http, Raw, Retry, json, retry_after};
use super::super::{Pace, ProviderError};
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

/// A readable answer.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) body: Value,
    /// Target of the `Link` to the next page.
    pub(super) next: Option<String>,
    /// The vendor's time.
    pub(super) answered_at: Option<DateTime<Utc>>,
}

#[derive(Debug, Clone)]
pub(super) struct Client {
    http: Http,
    key: Secret,
    budget: Arc<Budget>,
}

impl Client {
    pub(super) fn new(connection: Connection) -> Result<Self, ProviderError> {
        if connection.api_key.expose().trim().is_empty() {
            let missing = "the API key is empty".to_owned();
            return Err(ProviderError::NotConfigured { provider: NAME, missing });
        }
        let http = Http::new(NAME, &connection.base_url, "/api/v2", connection.retry, connection.max_body)?;
        Ok(Self { http, key: connection.api_key, budget: Arc::new(Budget::told()) })
    }

    /// One answer, `None` for 404, after as many attempts as it takes.
    pub(super) async fn get(
        &self,
        path: &str,
        query: &[(&str, String)],
        pace: Pace,
    ) -> Result<Option<Reply>, ProviderError> {
        let url = self.http.url(path, query)?;
        let attempts = self.http.retry().attempts;
        let get = || self.attempt(Method::GET, path, url.clone(), None, pace);
        self.http.persist(path, &self.budget, pace, attempts, get).await
    }

    /// Changes one row, `None` for 404. Sent again after failures, so only for what may happen twice.
    pub(super) async fn put(
        &self,
        path: &str,
        body: &Value,
        pace: Pace,
    ) -> Result<Option<Reply>, ProviderError> {
        let url = self.http.url(path, &[])?;
        let attempts = self.http.retry().attempts;
        let put = || self.attempt(Method::PUT, path, url.clone(), Some(body), pace);
        self.http.persist(path, &self.budget, pace, attempts, put).await
    }

    /// Adds a row for a person, `None` for 404. Sent once: again only when the vendor has refused it or never received it.
    ///
    /// # Errors
    /// [`ProviderError::OutcomeUnknown`] when it was sent and no readable answer came back.
    pub(super) async fn post(&self, path: &str, body: &Value) -> Result<Option<Reply>, ProviderError> {
        let url = self.http.url(path, &[])?;
        let attempts = self.http.retry().attempts;
        let once = || async {
            match self.attempt(Method::POST, path, url.clone(), Some(body), Pace::Now).await {
                Attempt::Transient(error) if !matches!(error, ProviderError::Unreachable { .. }) => {
                    Attempt::Failed(unknown(path, &error))
                }
                attempt => attempt,
            }
        };
        self.http.persist(path, &self.budget, Pace::Now, attempts, once).await
    }

    /// What work waits for now, see [`Budget::holds_up`].
    pub(super) fn holds_up(&self) -> Option<String> {
        self.budget.holds_up()
    }

    async fn attempt(
        &self,
        method: Method,
        path: &str,
        url: Url,
        body: Option<&Value>,
        pace: Pace,
    ) -> Attempt<Option<Reply>> {
        if let Err(attempt) = self.http.turn(path, &self.budget, pace).await {
            return attempt;
        }
        let mut request = self.http.client().request(method, url).basic_auth(self.key.expose(), Some("X"));
        if let Some(body) = body {
            request = request.json(body);
        }
        let raw = match self.http.exchange(path, request).await {
            Ok(raw) => raw,
            Err(attempt) => return attempt,
        };
        let left = self.note(&raw.headers);
        if raw.status == StatusCode::TOO_MANY_REQUESTS {
            // Lists, views and changes have shares of their own.
            let stops = if left.is_some_and(|left| left > 0) { Stops::Work } else { Stops::All };
            return Attempt::Limited(self.http.refused(&self.budget, stops, retry_after(&raw.headers)));
        }
        self.budget.answered();
        match raw.status {
            StatusCode::OK | StatusCode::CREATED => match json(&raw) {
                Ok(body) => {
                    let answered_at = http::answered_at(&raw.headers);
                    Attempt::Done(Some(Reply { body, next: next(&raw), answered_at }))
                }
                Err(what) => Attempt::Transient(api(path, raw.status, what)),
            },
            StatusCode::NOT_FOUND => Attempt::Done(None),
            _ => self.http.refusal(path, &raw, &self.budget),
        }
    }

    /// Reads what an answer tells about the account's limit: how many requests are left.
    fn note(&self, headers: &HeaderMap) -> Option<u32> {
        let number = |name: &str| headers.get(name)?.to_str().ok()?.trim().parse().ok();
        let (total, left) = (number("x-ratelimit-total")?, number("x-ratelimit-remaining")?);
        self.budget.learn(total, left);
        Some(left)
    }
}

fn next(raw: &Raw) -> Option<String> {
    raw.headers
        .get_all(LINK)
        .iter()
        .filter_map(|header| link::next(header.to_str().ok()?))
        .map(str::to_owned)
        .next()
}

pub(super) fn api(path: &str, status: StatusCode, what: String) -> ProviderError {
    ProviderError::Api { provider: NAME, path: path.to_owned(), status: status.as_u16(), what }
}

/// What a failure says about a change that was sent.
pub(super) fn unknown(path: &str, error: &ProviderError) -> ProviderError {
    ProviderError::OutcomeUnknown { provider: NAME, path: path.to_owned(), detail: error.to_string() }
}

pub(super) fn not_found(path: &str) -> ProviderError {
    api(path, StatusCode::NOT_FOUND, "HTTP 404".to_owned())
}
