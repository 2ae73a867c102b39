//! Core: exchange of the identity provider's token, end of a session, and the check an upstream Core still needs.

use std::{net::IpAddr, time::Duration};

use hivematrix_shared::{contracts::core::TokenAnswer, correlation, service_client::ServiceClient};
use http::StatusCode;
use serde_json::json;

use crate::domain::origin::PublicOrigin;

const EXCHANGE_TIMEOUT: Duration = Duration::from_secs(10);
const REVOKE_TIMEOUT: Duration = Duration::from_secs(5);
const VALIDATE_TIMEOUT: Duration = Duration::from_secs(2);

/// Core as the gateway uses it.
#[derive(Clone)]
pub struct Core(ServiceClient);

/// Why Core gives no answer that counts.
#[derive(Debug, thiserror::Error)]
pub enum CoreError {
    /// It does not answer.
    #[error("Core does not answer: {0}")]
    Unreachable(String),
    /// It refuses.
    #[error("Core refused with status {0}")]
    Refused(u16),
}

impl Core {
    /// Core behind the services' client.
    pub fn new(services: ServiceClient) -> Self {
        Self(services)
    }

    /// A HiveMatrix token for the identity provider's access token (core.md §2.1). Core limits by `client`.
    pub async fn exchange(
        &self,
        access_token: &str,
        origin: &PublicOrigin,
        client: IpAddr,
    ) -> Result<String, CoreError> {
        let response = self
            .post("/api/token/exchange", |request| {
                request
                    .timeout(EXCHANGE_TIMEOUT)
                    .bearer_auth(access_token)
                    .header("x-forwarded-for", client.to_string())
                    .header("x-forwarded-host", origin.host())
                    .header("x-forwarded-proto", origin.scheme())
                    .json(&json!({ "access_token": access_token }))
            })
            .await?;
        let answer: TokenAnswer = response.json().await.map_err(unreachable)?;
        Ok(answer.token)
    }

    /// Ends the session of a token everywhere.
    pub async fn revoke(&self, token: &str) -> Result<(), CoreError> {
        let token = json!({ "token": token });
        match self.post("/api/token/revoke", |request| request.timeout(REVOKE_TIMEOUT).json(&token)).await {
            // A session Core does not know is one that has ended.
            Ok(_) | Err(CoreError::Refused(404)) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Whether a session still lives, for a Core without a revocation feed.
    pub async fn validate(&self, token: &str) -> Result<bool, CoreError> {
        let token = json!({ "token": token });
        match self.post("/api/token/validate", |request| request.timeout(VALIDATE_TIMEOUT).json(&token)).await
        {
            Ok(_) => Ok(true),
            Err(CoreError::Refused(_)) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// The good answer of an instance that can be reached.
    async fn post(
        &self,
        path: &str,
        fill: impl Fn(reqwest::RequestBuilder) -> reqwest::RequestBuilder,
    ) -> Result<reqwest::Response, CoreError> {
        let make = |http: &reqwest::Client, base: &str| {
            fill(http.post(format!("{base}{path}")).header(correlation::HEADER, correlation::current()))
        };
        let called = self.0.call_open("core", make).await;
        let response = called.map_err(|error| CoreError::Unreachable(error.to_string()))?;
        match response.status() {
            StatusCode::OK => Ok(response),
            status if status.is_server_error() => {
                Err(CoreError::Unreachable(format!("status {}", status.as_u16())))
            }
            status => Err(CoreError::Refused(status.as_u16())),
        }
    }
}

fn unreachable(error: reqwest::Error) -> CoreError {
    CoreError::Unreachable(error.without_url().to_string())
}
