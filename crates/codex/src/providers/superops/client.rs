//! One request to SuperOps: both headers, the account's requests per minute, and telling data from anything else.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use hivematrix_shared::config::Secret;
use reqwest::StatusCode;
use serde_json::{Value, json};
use url::Url;

use super::super::budget::{Budget, Quota, Stops};
use super::super::http::{self, Attempt, Http, Retry};
use super::super::{Pace, ProviderError};
use super::answer::{self, Verdict};

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
    http: Http,
    url: Url,
    key: Secret,
    subdomain: String,
    budget: Arc<Budget>,
}

impl Client {
    pub(super) fn new(connection: Connection) -> Result<Self, ProviderError> {
        let missing = |what: &str| ProviderError::NotConfigured { provider: NAME, missing: what.to_owned() };
        if connection.api_key.expose().trim().is_empty() {
            return Err(missing("the API token is empty"));
        }
        let subdomain = connection.subdomain.trim().to_owned();
        if subdomain.is_empty() || ::http::HeaderValue::from_str(&subdomain).is_err() {
            return Err(missing("the subdomain is empty or cannot be sent"));
        }
        let http = Http::new(NAME, &connection.base_url, "/msp", connection.retry, connection.max_body)?;
        let mut url = http.url("", &[])?;
        // There is one address only, and it has no slash at its end.
        let path = url.path().trim_end_matches('/').to_owned();
        url.set_path(&path);
        let budget = Arc::new(Budget::counted(Quota::within(connection.per_minute)));
        Ok(Self { http, url, key: connection.api_key, subdomain, budget })
    }

    /// The `data` of one answer, after as many attempts as it takes. A record the vendor does not have is `null` in it.
    pub(super) async fn call(
        &self,
        operation: &str,
        document: &str,
        variables: Value,
        pace: Pace,
    ) -> Result<Value, ProviderError> {
        self.call_at(operation, document, variables, pace).await.map(|(data, _)| data)
    }

    /// The same, with the vendor's time.
    pub(super) async fn call_at(
        &self,
        operation: &str,
        document: &str,
        variables: Value,
        pace: Pace,
    ) -> Result<(Value, Option<DateTime<Utc>>), ProviderError> {
        let body = json!({ "query": document, "variables": variables });
        let attempts = self.http.retry().attempts;
        self.http
            .persist(operation, &self.budget, pace, attempts, || self.attempt(operation, &body, pace))
            .await
    }

    /// What work waits for now, see [`Budget::holds_up`].
    pub(super) fn holds_up(&self) -> Option<String> {
        self.budget.holds_up()
    }

    /// The `data` of the answer to a change; `null` in it for a record the vendor does not have. A change that may happen
    /// twice is sent again when nobody knows what became of it.
    ///
    /// # Errors
    /// [`ProviderError::OutcomeUnknown`] when it was sent and no readable answer came back.
    pub(super) async fn change(
        &self,
        operation: &str,
        document: &str,
        input: Value,
        pace: Pace,
        repeatable: bool,
    ) -> Result<Value, ProviderError> {
        let body = json!({ "query": document, "variables": { "input": input } });
        let attempts = self.http.retry().attempts;
        let change = || async {
            match self.attempt(operation, &body, pace).await {
                Attempt::Transient(error) if !matches!(error, ProviderError::Unreachable { .. }) => {
                    let (provider, path) = (NAME, operation.to_owned());
                    let error = ProviderError::OutcomeUnknown { provider, path, detail: error.to_string() };
                    if repeatable { Attempt::Transient(error) } else { Attempt::Failed(error) }
                }
                attempt => attempt,
            }
        };
        self.http.persist(operation, &self.budget, pace, attempts, change).await.map(|(data, _)| data)
    }

    async fn attempt(
        &self,
        operation: &str,
        body: &Value,
        pace: Pace,
    ) -> Attempt<(Value, Option<DateTime<Utc>>)> {
        if let Err(attempt) = self.http.turn(operation, &self.budget, pace).await {
            return attempt;
        }
        let request = self
            .http
            .client()
            .post(self.url.clone())
            .bearer_auth(self.key.expose())
            .header("CustomerSubDomain", &self.subdomain)
            .json(body);
        let raw = match self.http.exchange(operation, request).await {
            Ok(raw) => raw,
            Err(attempt) => return attempt,
        };
        match raw.status {
            StatusCode::OK => match http::json(&raw) {
                Ok(value) => self.judge(operation, value, http::answered_at(&raw.headers)),
                Err(what) => Attempt::Transient(self.http.api(operation, raw.status, what)),
            },
            // Whatever is wrong with a query comes as 200, so this is about the tenant.
            StatusCode::BAD_REQUEST => {
                let said = http::message(&raw.body).unwrap_or_else(|| "HTTP 400".to_owned());
                let detail = format!("the subdomain '{}' is not accepted: {said}", self.subdomain);
                Attempt::Failed(ProviderError::Authentication { provider: NAME, detail })
            }
            _ => self.http.refusal(operation, &raw, &self.budget),
        }
    }

    /// What a readable 200 answer means.
    fn judge(
        &self,
        operation: &str,
        value: Value,
        answered_at: Option<DateTime<Utc>>,
    ) -> Attempt<(Value, Option<DateTime<Utc>>)> {
        let api = |what| self.http.api(operation, StatusCode::OK, what);
        let verdict = answer::judge(value);
        if verdict != Verdict::Limited {
            self.budget.answered();
        }
        match verdict {
            Verdict::Data(data) => Attempt::Done((data, answered_at)),
            Verdict::Limited => Attempt::Limited(self.http.refused(&self.budget, Stops::All, None)),
            Verdict::Refused(what) => Attempt::Failed(api(what)),
            Verdict::Broken(what) => Attempt::Transient(api(what)),
        }
    }
}

/// An answer that is readable but not what was asked for.
pub(super) fn unusable(operation: &str, what: impl Into<String>) -> ProviderError {
    let (path, status) = (operation.to_owned(), StatusCode::OK.as_u16());
    ProviderError::Api { provider: NAME, path, status, what: what.into() }
}
