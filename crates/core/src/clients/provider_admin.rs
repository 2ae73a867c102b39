//! What Core asks of an identity provider that is not Core itself, as its administrator: Keycloak's admin REST API.

use std::{sync::Arc, time::Duration};

use hivematrix_shared::{config::Secret, correlation};
use reqwest::{RequestBuilder, StatusCode};
use serde::Deserialize;
use url::Url;

use crate::config::Settings;

/// Longest wait for an answer.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Why the provider did not do it.
#[derive(Debug, thiserror::Error)]
pub enum AdminError {
    /// There is no secret of the administrative client.
    #[error("KEYCLOAK_ADMIN_CLIENT_SECRET is not set")]
    NotConfigured,
    /// It does not accept the client, or the client may not do this.
    #[error("{what} was refused with {status}")]
    Refused {
        /// What was asked.
        what: &'static str,
        /// The answer.
        status: StatusCode,
    },
    /// There is no answer, or none that makes sense.
    #[error("not reachable: {0}")]
    Unreachable(String),
}

/// The provider's administration. Cheap to clone.
#[derive(Clone)]
pub struct ProviderAdmin(Arc<Inner>);

struct Inner {
    http: reqwest::Client,
    /// Base URL for calls from here, without the realm.
    backend: String,
    realm: String,
    client_id: String,
    client_secret: Option<Secret>,
}

#[derive(Deserialize)]
struct Token {
    access_token: String,
}

impl ProviderAdmin {
    /// The administration of the provider that the settings name, by `KEYCLOAK_ADMIN_CLIENT_ID`.
    pub fn new(settings: &Settings, http: reqwest::Client) -> Self {
        Self(Arc::new(Inner {
            http,
            backend: settings.provider_backend_url(),
            realm: settings.keycloak_realm.clone(),
            client_id: settings.keycloak_admin_client_id.clone(),
            client_secret: settings.keycloak_admin_client_secret.clone().filter(|secret| !secret.is_empty()),
        }))
    }

    /// Ends all sessions of a user at the provider, so that no browser is signed in again unasked. A user the provider does
    /// not know has none.
    pub async fn sign_out(&self, sub: &str) -> Result<(), AdminError> {
        let token = self.token().await?;
        let url = self.url(&["admin", "realms", &self.0.realm, "users", sub, "logout"])?;
        match answer("the sign-out", self.0.http.post(url).bearer_auth(token)).await {
            Ok(_) | Err(AdminError::Refused { status: StatusCode::NOT_FOUND, .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// A token of the administrative client. Used once: signing people out everywhere is rare.
    async fn token(&self) -> Result<String, AdminError> {
        let secret = self.0.client_secret.as_ref().ok_or(AdminError::NotConfigured)?;
        let url = self.url(&["realms", &self.0.realm, "protocol", "openid-connect", "token"])?;
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", &self.0.client_id),
            ("client_secret", secret.expose()),
        ];
        let token: Token = answer("the administrative client", self.0.http.post(url).form(&form))
            .await?
            .json()
            .await
            .map_err(lost)?;
        Ok(token.access_token)
    }

    fn url(&self, path: &[&str]) -> Result<Url, AdminError> {
        let no_base = || AdminError::Unreachable("its address is not a URL".into());
        let mut url = Url::parse(&self.0.backend).map_err(|_| no_base())?;
        url.path_segments_mut().map_err(|()| no_base())?.pop_if_empty().extend(path);
        Ok(url)
    }
}

async fn answer(what: &'static str, request: RequestBuilder) -> Result<reqwest::Response, AdminError> {
    let request = request.timeout(TIMEOUT).header(correlation::HEADER, correlation::current());
    let answer = request.send().await.map_err(lost)?;
    match answer.status() {
        status if status.is_success() => Ok(answer),
        status if status.is_server_error() => Err(AdminError::Unreachable(format!("it answers {status}"))),
        status => Err(AdminError::Refused { what, status }),
    }
}

fn lost(error: reqwest::Error) -> AdminError {
    AdminError::Unreachable(error.without_url().to_string())
}
