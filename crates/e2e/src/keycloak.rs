//! The Keycloak of a test run: started once by `scripts/test.sh`, handed over by the environment.

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

/// Base URL of a running Keycloak.
pub const URL: &str = "TEST_KEYCLOAK_URL";
/// Password of its administrator `admin`.
pub const PASSWORD: &str = "TEST_KEYCLOAK_PASSWORD";

/// A running Keycloak and its administrator.
#[derive(Debug, Clone)]
pub struct Keycloak {
    /// Base URL, without a slash at the end.
    pub url: String,
    /// Password of `admin` in the realm `master`.
    pub password: String,
    client: reqwest::Client,
}

impl Keycloak {
    /// The one that the environment names, or why there is none.
    ///
    /// # Errors
    ///
    /// When the environment names none.
    pub fn from_environment() -> Result<Self> {
        let given = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let (Some(url), Some(password)) = (given(URL), given(PASSWORD)) else {
            bail!("there is no Keycloak: {URL} and {PASSWORD} are not set (scripts/test.sh sets them)");
        };
        Ok(Self {
            url: url.trim_end_matches('/').to_owned(),
            password,
            client: reqwest::Client::builder().no_proxy().build()?,
        })
    }

    /// Calls the administration interface as its administrator; the path is below `/admin/realms`.
    ///
    /// # Errors
    ///
    /// When Keycloak refuses or does not answer.
    pub async fn administer(&self, method: reqwest::Method, path: &str, body: &Value) -> Result<Value> {
        let form = [
            ("grant_type", "password"),
            ("client_id", "admin-cli"),
            ("username", "admin"),
            ("password", &self.password),
        ];
        let token = self.token("master", &form).await?;
        let token = token["access_token"].as_str().context("no access token")?;
        let url = format!("{}/admin/realms{path}", self.url);
        let answer = self.client.request(method, url).bearer_auth(token).json(body).send().await?;
        let status = answer.status();
        let text = answer.text().await?;
        if !status.is_success() {
            bail!("Keycloak answers {status} to {path}: {text}");
        }
        Ok(serde_json::from_str(&text).unwrap_or(Value::Null))
    }

    /// Asks a realm's token endpoint.
    ///
    /// # Errors
    ///
    /// When Keycloak refuses or does not answer.
    pub async fn token(&self, realm: &str, form: &[(&str, &str)]) -> Result<Value> {
        let url = format!("{}/realms/{realm}/protocol/openid-connect/token", self.url);
        let answer = self.client.post(url).form(form).send().await?;
        let status = answer.status();
        let body: Value = answer.json().await.unwrap_or_else(|_| json!({}));
        if !status.is_success() {
            bail!("Keycloak gives no token: {status} {body}");
        }
        Ok(body)
    }
}
