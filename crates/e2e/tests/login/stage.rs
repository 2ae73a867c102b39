//! What every scenario has: a running suite that signs people in by one of the two providers.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use hivematrix_e2e::directory::Directory;
use hivematrix_e2e::instance::Instance;
use hivematrix_e2e::keycloak::Keycloak;
use hivematrix_e2e::needs::Build;
use hivematrix_e2e::relay::Relay;
use hivematrix_e2e::visitor::{Visitor, form};
use hivematrix_e2e::wait::{eventually, when};
use reqwest::StatusCode;
use serde_json::Value;
use url::Url;
use uuid::Uuid;

/// What a sign-out or a new account needs at most to be known everywhere, on a slow machine.
pub const SOON: Duration = Duration::from_secs(20);

/// A page that every technician may open.
pub const BOARD: &str = "/beacon/helpdesk";

/// SHA-256 of 64 times the letter v, the PKCE verifier of all scenarios, in base64url.
pub const CHALLENGE: &str = "w1TpKUdYE9hUAcNSeeSRFioHDxfUxuHho_JHAfZ_vDM";

/// Who knows the people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Provider {
    /// Core's own realm.
    Local,
    /// A real Keycloak.
    Keycloak,
}

impl Provider {
    pub const ALL: [Self; 2] = [Self::Local, Self::Keycloak];

    /// Name in the list of tests.
    pub fn name(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::Keycloak => "keycloak",
        }
    }
}

/// Keycloak, and the connection to it that scenarios may cut.
pub struct Foreign {
    pub keycloak: Keycloak,
    pub relay: Relay,
}

/// A running suite.
pub struct Stage {
    pub instance: Instance,
    /// Name of the realm.
    pub realm: String,
    pub directory: Directory,
    /// Only with [`Provider::Keycloak`].
    pub foreign: Option<Foreign>,
    secrets: Value,
}

impl Stage {
    /// Starts a suite of its own for one provider.
    pub async fn start(build: &Build, provider: Provider) -> Result<Self> {
        let instance = Instance::new(build, [])?;
        match provider {
            Provider::Local => {
                instance.helm(&["up"]).await?;
                let url = instance.service_url("core").await?;
                Self::of(instance, "hivematrix".to_owned(), &url, None)
            }
            Provider::Keycloak => {
                let keycloak = Keycloak::from_environment()?;
                let target =
                    keycloak.url.strip_prefix("http://").context("Keycloak is not at an http address")?;
                let relay = Relay::start(target).await?;
                let url = format!("http://{}", relay.address);
                // A realm of its own: the same Keycloak may have served another run.
                let realm = format!("msp-{}", &Uuid::new_v4().simple().to_string()[..8]);
                let password = [("KC_BOOTSTRAP_ADMIN_PASSWORD", keycloak.password.as_str())];
                let configure = ["keycloak", "configure", "--url", &url, "--realm", &realm];
                instance.helm_with(&configure, &password).await?;
                instance.helm(&["up"]).await?;
                Self::of(instance, realm, &url, Some(Foreign { keycloak, relay }))
            }
        }
    }

    fn of(instance: Instance, realm: String, url: &str, foreign: Option<Foreign>) -> Result<Self> {
        let file = instance.home().join("helm/secrets.json");
        let secrets: Value = serde_json::from_slice(&std::fs::read(&file)?)?;
        let secret = secrets["keycloak_admin_client_secret"].as_str().context("no secret")?;
        let directory = Directory::new(url, &realm, secret)?;
        Ok(Self { instance, realm, directory, foreign, secrets })
    }

    /// A new browser.
    pub fn visitor(&self) -> Result<Visitor> {
        Visitor::new(&self.instance.url)
    }

    /// A browser in which somebody of a group is signed in.
    pub async fn signed_in(&self, group: &str) -> Result<(Visitor, hivematrix_e2e::directory::Account)> {
        let account = self.directory.account(Some(group), false).await?;
        let visitor = self.visitor()?;
        let page = visitor.sign_in(BOARD, &account.username, &account.password).await?;
        if !visitor.is_signed_in().await? {
            bail!("nobody is signed in at {} ({}): {}", page.url, page.status, page.shown());
        }
        Ok((visitor, account))
    }

    /// A path of the realm, as browsers see it.
    pub fn realm_path(&self, rest: &str) -> String {
        format!("/keycloak/realms/{}{rest}", self.realm)
    }

    /// The tokens a person gets by the suite's own client: access, ID and refresh token. The gateway never shows them.
    pub async fn tokens(&self, visitor: &Visitor, username: &str, password: &str) -> Result<Value> {
        let verifier = "v".repeat(64);
        let redirect_uri = format!("{}/keycloak-callback", self.instance.url);
        let mut target = visitor.address(&self.realm_path("/protocol/openid-connect/auth"))?;
        target.query_pairs_mut().extend_pairs([
            ("response_type", "code"),
            ("client_id", "core-client"),
            ("redirect_uri", &redirect_uri),
            ("scope", "openid email profile"),
            ("state", "a-state-of-this-test"),
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", "S256"),
        ]);
        let page = visitor.get(target.as_str()).await?;
        let back =
            visitor.post(&page, form::SIGN_IN, &[("username", username), ("password", password)]).await?;
        let code = query(&back.location()?, "code").context("no code")?;
        let url = format!("{}/realms/{}/protocol/openid-connect/token", self.directory.url, self.realm);
        let answer = reqwest::Client::new()
            .post(url)
            .form(&[
                ("grant_type", "authorization_code"),
                ("code", &code),
                ("redirect_uri", &redirect_uri),
                ("client_id", "core-client"),
                ("client_secret", self.secrets["keycloak_client_secret"].as_str().unwrap_or_default()),
                ("code_verifier", &verifier),
            ])
            .send()
            .await?;
        let status = answer.status();
        let tokens: Value = answer.json().await?;
        if status != StatusCode::OK {
            bail!("the code was not redeemed: {status} {tokens}");
        }
        Ok(tokens)
    }

    /// What Core says to an access token of the provider.
    pub async fn exchange(&self, access_token: &str) -> Result<(StatusCode, Value)> {
        let url = format!("{}/api/token/exchange", self.instance.service_url("core").await?);
        let body = serde_json::json!({ "access_token": access_token });
        let answer = self.instance.client()?.post(url).json(&body).send().await?;
        Ok((answer.status(), answer.json().await.unwrap_or_default()))
    }

    /// Waits until a browser is no longer signed in.
    pub async fn is_signed_out(&self, visitor: &Visitor) -> Result<()> {
        eventually("the session has ended", SOON, async || Ok(when(!visitor.is_signed_in().await?))).await
    }
}

/// A query parameter of an address.
pub fn query(url: &Url, name: &str) -> Option<String> {
    url.query_pairs().find(|(known, _)| known == name).map(|(_, value)| value.into_owned())
}

/// The claims of a token; nothing is checked.
pub fn claims(token: &str) -> Result<Value> {
    let part = token.split('.').nth(1).context("not a JWT")?;
    Ok(serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(part)?)?)
}
