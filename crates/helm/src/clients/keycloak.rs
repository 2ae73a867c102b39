//! Keycloak's administration interface (Admin REST API), for setting a realm up.

use std::time::{Duration, Instant};

use hivematrix_shared::config::Secret;
use reqwest::{Method, StatusCode};
use serde::Deserialize;
use serde_json::Value;
use tokio::sync::Mutex;

/// Longest wait for an answer; making a realm takes seconds on a small machine.
const TIMEOUT: Duration = Duration::from_secs(60);
/// Tokens of `admin-cli` last 60 s.
const TOKEN_FRESH_FOR: Duration = Duration::from_secs(30);

/// A call that failed.
#[derive(Debug, thiserror::Error)]
pub enum KeycloakError {
    /// There is no answer, or one that makes no sense.
    #[error("{url} cannot be used: {reason}")]
    Unusable {
        /// Base URL.
        url: String,
        /// Why.
        reason: String,
    },
    /// Name or password of the administrator are wrong, or the client's secret.
    #[error("Keycloak does not let {who} in: {reason}")]
    NotAdmitted {
        /// User or client.
        who: String,
        /// Keycloak's reason.
        reason: String,
    },
    /// Keycloak refuses a call.
    #[error("Keycloak refuses {call}: {status}{reason}")]
    Refused {
        /// Method and path.
        call: String,
        /// Status.
        status: u16,
        /// Keycloak's reason, after a colon, or nothing.
        reason: String,
    },
}

/// Who administers.
pub enum Administrator {
    /// A user of the realm `master`.
    User {
        /// Login name.
        name: String,
        /// Password.
        password: Secret,
    },
    /// A client of the realm itself, with a service account.
    Client {
        /// Realm.
        realm: String,
        /// Client id.
        id: String,
        /// Its secret.
        secret: Secret,
    },
}

/// Keycloak, as one administrator sees it.
pub struct Keycloak {
    http: reqwest::Client,
    /// Base URL without the realm.
    url: String,
    administrator: Administrator,
    token: Mutex<Option<(Secret, Instant)>>,
}

#[derive(Deserialize)]
struct TokenAnswer {
    access_token: String,
}

/// What browsers and services are told about a realm.
#[derive(Debug, Deserialize)]
pub struct Discovery {
    /// Issuer of its tokens.
    pub issuer: String,
}

/// Reads the discovery document of a realm; `None` when there is no such realm.
///
/// # Errors
/// When Keycloak does not answer.
pub async fn discovery(
    http: &reqwest::Client,
    url: &str,
    realm: &str,
) -> Result<Option<Discovery>, KeycloakError> {
    let unusable = |reason: String| KeycloakError::Unusable { url: url.to_owned(), reason };
    let address = format!("{url}/realms/{realm}/.well-known/openid-configuration");
    let answer = http.get(address).timeout(TIMEOUT).send().await.map_err(|error| unusable(words(error)))?;
    match answer.status() {
        StatusCode::NOT_FOUND => Ok(None),
        StatusCode::OK => answer.json().await.map(Some).map_err(|error| unusable(words(error))),
        status => Err(unusable(format!("it answers {status}"))),
    }
}

impl Keycloak {
    /// Keycloak at `url`. Nothing is asked yet.
    #[must_use]
    pub fn new(http: reqwest::Client, url: &str, administrator: Administrator) -> Self {
        Self { http, url: url.to_owned(), administrator, token: Mutex::default() }
    }

    /// Reads an object; `None` when there is none.
    ///
    /// # Errors
    /// When Keycloak refuses or does not answer.
    pub async fn get(&self, path: &str) -> Result<Option<Value>, KeycloakError> {
        let answer = self.call(Method::GET, path, None).await?;
        if answer.status() == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        self.accepted("GET", path, answer)
            .await?
            .json()
            .await
            .map(Some)
            .map_err(|error| self.unusable(words(error)))
    }

    /// Reads a list.
    ///
    /// # Errors
    /// When Keycloak refuses or does not answer.
    pub async fn list(&self, path: &str) -> Result<Vec<Value>, KeycloakError> {
        match self.get(path).await? {
            Some(Value::Array(list)) => Ok(list),
            _ => Err(self.unusable(format!("{path} is no list"))),
        }
    }

    /// Reads a number.
    ///
    /// # Errors
    /// When Keycloak refuses or does not answer.
    pub async fn number(&self, path: &str) -> Result<usize, KeycloakError> {
        let number = self.get(path).await?.as_ref().and_then(Value::as_u64);
        number
            .and_then(|number| usize::try_from(number).ok())
            .ok_or_else(|| self.unusable(format!("{path} is no number")))
    }

    /// Makes an object.
    ///
    /// # Errors
    /// When Keycloak refuses or does not answer.
    pub async fn post(&self, path: &str, body: &Value) -> Result<(), KeycloakError> {
        let answer = self.call(Method::POST, path, Some(body)).await?;
        self.accepted("POST", path, answer).await.map(drop)
    }

    /// Makes an object and answers the id that its `Location` ends with.
    ///
    /// # Errors
    /// When Keycloak refuses or does not answer.
    pub async fn post_for_id(&self, path: &str, body: &Value) -> Result<Option<String>, KeycloakError> {
        let answer = self.call(Method::POST, path, Some(body)).await?;
        let answer = self.accepted("POST", path, answer).await?;
        let location = answer.headers().get(reqwest::header::LOCATION).and_then(|value| value.to_str().ok());
        Ok(location.and_then(|address| address.rsplit('/').next()).map(str::to_owned))
    }

    /// Removes an object.
    ///
    /// # Errors
    /// When Keycloak refuses or does not answer.
    pub async fn delete(&self, path: &str) -> Result<(), KeycloakError> {
        let answer = self.call(Method::DELETE, path, None).await?;
        self.accepted("DELETE", path, answer).await.map(drop)
    }

    /// Changes an object.
    ///
    /// # Errors
    /// When Keycloak refuses or does not answer.
    pub async fn put(&self, path: &str, body: &Value) -> Result<(), KeycloakError> {
        let answer = self.call(Method::PUT, path, Some(body)).await?;
        self.accepted("PUT", path, answer).await.map(drop)
    }

    async fn call(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<reqwest::Response, KeycloakError> {
        let token = self.token().await?;
        let address = format!("{}/admin/realms{path}", self.url);
        let mut request = self.http.request(method, address).timeout(TIMEOUT).bearer_auth(token.expose());
        if let Some(body) = body {
            request = request.json(body);
        }
        request.send().await.map_err(|error| self.unusable(words(error)))
    }

    async fn accepted(
        &self,
        method: &str,
        path: &str,
        answer: reqwest::Response,
    ) -> Result<reqwest::Response, KeycloakError> {
        let status = answer.status();
        if status.is_success() {
            return Ok(answer);
        }
        let reason = reason(answer).await.map(|reason| format!(": {reason}")).unwrap_or_default();
        Err(KeycloakError::Refused { call: format!("{method} {path}"), status: status.as_u16(), reason })
    }

    /// A token of the administrator.
    async fn token(&self) -> Result<Secret, KeycloakError> {
        let mut kept = self.token.lock().await;
        if let Some((token, since)) = &*kept
            && since.elapsed() < TOKEN_FRESH_FOR
        {
            return Ok(token.clone());
        }
        let (realm, who, form) = match &self.administrator {
            Administrator::User { name, password } => (
                "master",
                name,
                [
                    ("grant_type", "password"),
                    ("client_id", "admin-cli"),
                    ("username", name),
                    ("password", password.expose()),
                ],
            ),
            Administrator::Client { realm, id, secret } => (
                realm.as_str(),
                id,
                [
                    ("grant_type", "client_credentials"),
                    ("client_id", id),
                    ("client_secret", secret.expose()),
                    ("scope", "openid"),
                ],
            ),
        };
        let address = format!("{}/realms/{realm}/protocol/openid-connect/token", self.url);
        let answer = self
            .http
            .post(address)
            .timeout(TIMEOUT)
            .form(&form)
            .send()
            .await
            .map_err(|error| self.unusable(words(error)))?;
        let status = answer.status();
        if !status.is_success() {
            let reason = reason(answer).await.unwrap_or_else(|| status.to_string());
            return Err(KeycloakError::NotAdmitted { who: who.clone(), reason });
        }
        let answer: TokenAnswer = answer.json().await.map_err(|error| self.unusable(words(error)))?;
        let token = Secret::new(answer.access_token);
        *kept = Some((token.clone(), Instant::now()));
        Ok(token)
    }

    fn unusable(&self, reason: String) -> KeycloakError {
        KeycloakError::Unusable { url: self.url.clone(), reason }
    }
}

/// Keycloak's own words for a refusal.
async fn reason(answer: reqwest::Response) -> Option<String> {
    let body: Value = answer.json().await.ok()?;
    let found = ["errorMessage", "error_description", "error"].iter().find_map(|name| body[name].as_str());
    found.map(str::to_owned)
}

/// An HTTP error in words, without the address, which may hold a secret.
fn words(error: reqwest::Error) -> String {
    crate::supervisor::probe::words(&error.without_url())
}
