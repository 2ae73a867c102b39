//! One call to a service.

use std::time::Duration;

use http::{HeaderName, HeaderValue, Method, StatusCode, header};
use serde::{Serialize, de::DeserializeOwned};

use super::{ServiceClient, ServiceError, failed};
use crate::correlation;

const DEFAULT_TIMEOUT: Duration = Duration::from_secs(30);

/// A request in the making; `send` gets the token, makes the call and tries another instance when one is dead.
#[must_use = "a request does nothing until it is sent"]
pub struct ServiceRequest {
    client: ServiceClient,
    method: Method,
    service: String,
    path: String,
    query: Vec<(String, String)>,
    headers: Vec<(HeaderName, HeaderValue)>,
    body: Option<Result<Vec<u8>, String>>,
    user_token: Option<String>,
    timeout: Duration,
    instance: Option<String>,
}

impl ServiceRequest {
    pub(super) fn new(client: ServiceClient, method: Method, service: &str, path: &str) -> Self {
        Self {
            client,
            method,
            service: service.to_owned(),
            path: path.to_owned(),
            query: Vec::new(),
            headers: Vec::new(),
            body: None,
            user_token: None,
            timeout: DEFAULT_TIMEOUT,
            instance: None,
        }
    }

    /// Adds query parameters.
    pub fn query<K: AsRef<str>, V: AsRef<str>>(mut self, pairs: &[(K, V)]) -> Self {
        self.query.extend(pairs.iter().map(|(k, v)| (k.as_ref().to_owned(), v.as_ref().to_owned())));
        self
    }

    /// Adds a header; an invalid value is left out.
    pub fn header(mut self, name: impl TryInto<HeaderName>, value: impl AsRef<str>) -> Self {
        if let (Ok(name), Ok(value)) = (name.try_into(), HeaderValue::from_str(value.as_ref())) {
            self.headers.push((name, value));
        }
        self
    }

    /// Sets a JSON body.
    pub fn json<T: Serialize + ?Sized>(mut self, body: &T) -> Self {
        self.body = Some(serde_json::to_vec(body).map_err(|error| error.to_string()));
        self
    }

    /// Makes the call on behalf of the user whose JWT this is.
    pub fn on_behalf_of(mut self, user_token: impl Into<String>) -> Self {
        self.user_token = Some(user_token.into());
        self
    }

    /// Time for the whole answer; default 30 s.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Asks this instance (a base URL) and no other.
    pub(crate) fn at(mut self, base_url: &str) -> Self {
        self.instance = Some(base_url.to_owned());
        self
    }

    /// Makes the call. An error status is an answer, not an error.
    pub async fn send(self) -> Result<reqwest::Response, ServiceError> {
        let mut renewed = false;
        let mut others = match &self.instance {
            Some(_) => 0,
            None => self.client.instances(&self.service)?.len().saturating_sub(1),
        };
        loop {
            let base = match &self.instance {
                Some(base) => base.clone(),
                None => self.client.base_url(&self.service)?,
            };
            let token = self.client.service_token(&self.service, self.user_token.as_deref()).await?;
            match self.attempt(&base, &token).await {
                Ok(response) if response.status() == StatusCode::UNAUTHORIZED && !renewed => {
                    // The cached token may be older than Core's current key: once more with a new one.
                    self.client.0.tokens.forget(&self.service, self.user_token.as_deref());
                    renewed = true;
                }
                Err(error) if error.is_connect() && others > 0 => {
                    self.client.mark_dead(&base);
                    others -= 1;
                }
                outcome => return outcome.map_err(|error| failed(&self.service, error)),
            }
        }
    }

    /// Makes the call and reads a JSON answer; any status but 2xx is a [`ServiceError::BadAnswer`].
    pub async fn json_answer<T: DeserializeOwned>(self) -> Result<T, ServiceError> {
        let service = self.service.clone();
        let response = self.send().await?;
        let bad = |what: String| ServiceError::BadAnswer { service: service.clone(), what };
        if !response.status().is_success() {
            return Err(bad(format!("status {}", response.status().as_u16())));
        }
        response.json().await.map_err(|error| bad(error.without_url().to_string()))
    }

    async fn attempt(&self, base: &str, token: &str) -> Result<reqwest::Response, reqwest::Error> {
        let mut request = self
            .client
            .http()
            .request(self.method.clone(), format!("{base}{}", self.path))
            .bearer_auth(token)
            .timeout(self.timeout);
        if !self.query.is_empty() {
            request = request.query(&self.query);
        }
        let correlation_id = correlation::current();
        if correlation_id != correlation::NONE {
            request = request.header(correlation::HEADER, correlation_id);
        }
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        if let Some(Ok(body)) = &self.body {
            request = request.header(header::CONTENT_TYPE, "application/json").body(body.clone());
        }
        request.send().await
    }
}
