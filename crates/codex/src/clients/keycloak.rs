//! The users of the realm, by Keycloak's Admin REST API (codex-api.md §13.4).

use std::time::Duration;

use hivematrix_shared::{config::Secret, service_client::http_client};
use http::StatusCode;
use reqwest::{RequestBuilder, Response};
use serde::Deserialize;
use url::Url;

use crate::Codex;

/// Longest wait for a token.
const TOKEN_TIMEOUT: Duration = Duration::from_secs(5);
/// Longest wait for a page of users.
const LIST_TIMEOUT: Duration = Duration::from_secs(10);
/// Users on one page.
const PAGE: usize = 100;
/// More pages than any realm of ours has: an answer without an end.
const MOST_PAGES: usize = 1000;

/// Why the users are not known.
#[derive(Debug, Clone, thiserror::Error)]
pub enum KeycloakError {
    /// No client and no administrator are set.
    #[error("the identity provider is not configured: {0}")]
    NotConfigured(&'static str),
    /// It does not answer.
    #[error("the identity provider cannot be reached: {0}")]
    Unreachable(String),
    /// It gives no token.
    #[error("the identity provider does not let Codex in (HTTP {0})")]
    NotAdmitted(u16),
    /// It refuses the list.
    #[error("the identity provider refuses the list of users (HTTP {0})")]
    Refused(u16),
    /// What it answers is no list of users.
    #[error("the identity provider answers something else than {0}")]
    Nonsense(&'static str),
}

/// A user of the realm. Everything but the id may be absent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RealmUser {
    /// The realm's id.
    pub id: String,
    /// Login name.
    pub username: String,
    /// E-mail address.
    pub email: Option<String>,
    /// First name.
    pub first_name: Option<String>,
    /// Last name.
    pub last_name: Option<String>,
    /// Whether the user may sign in.
    pub enabled: bool,
}

#[derive(Deserialize)]
struct Token {
    access_token: String,
}

/// Who asks.
enum Asker {
    Client { id: String, secret: Secret },
    Person { name: String, password: Secret },
}

/// The realm as Codex's own client sees it.
pub struct Keycloak {
    http: reqwest::Client,
    url: String,
    realm: String,
    asker: Asker,
}

impl Keycloak {
    /// The configured realm. Nothing is asked yet.
    ///
    /// # Errors
    /// When it is not configured.
    pub fn of(codex: &Codex) -> Result<Self, KeycloakError> {
        let settings = codex.settings();
        let own = &settings.keycloak;
        let set = |text: &Option<String>| text.clone().filter(|text| !text.trim().is_empty());
        let secret = |secret: &Option<Secret>| secret.clone().filter(|secret| !secret.is_empty());
        let asker = match (set(&own.keycloak_admin_client_id), set(&own.keycloak_admin_user)) {
            (Some(id), _) => Asker::Client {
                id,
                secret: secret(&own.keycloak_admin_client_secret)
                    .ok_or(KeycloakError::NotConfigured("KEYCLOAK_ADMIN_CLIENT_SECRET is not set"))?,
            },
            (None, Some(name)) => Asker::Person {
                name,
                password: secret(&own.keycloak_admin_pass)
                    .ok_or(KeycloakError::NotConfigured("KEYCLOAK_ADMIN_PASS is not set"))?,
            },
            (None, None) => {
                return Err(KeycloakError::NotConfigured("KEYCLOAK_ADMIN_CLIENT_ID is not set"));
            }
        };
        let url = match &own.keycloak_backend_url {
            Some(url) => url.to_string(),
            None => codex
                .context
                .client
                .base_url("core")
                .map_err(|_| KeycloakError::NotConfigured("KEYCLOAK_BACKEND_URL is not set"))?,
        };
        let http = http_client(&codex.context.settings)
            .map_err(|error| KeycloakError::Unreachable(error.without_url().to_string()))?;
        Ok(Self { http, url: url.trim_end_matches('/').to_owned(), realm: own.keycloak_realm.clone(), asker })
    }

    async fn token(&self) -> Result<Secret, KeycloakError> {
        let (realm, form) = match &self.asker {
            Asker::Client { id, secret } => (
                self.realm.as_str(),
                vec![
                    ("grant_type", "client_credentials"),
                    ("client_id", id.as_str()),
                    ("client_secret", secret.expose()),
                ],
            ),
            Asker::Person { name, password } => (
                "master",
                vec![
                    ("grant_type", "password"),
                    ("client_id", "admin-cli"),
                    ("username", name.as_str()),
                    ("password", password.expose()),
                ],
            ),
        };
        let address = format!("{}/realms/{realm}/protocol/openid-connect/token", self.url);
        let answer =
            self.http.post(address).timeout(TOKEN_TIMEOUT).form(&form).send().await.map_err(unreachable)?;
        if !answer.status().is_success() {
            return Err(KeycloakError::NotAdmitted(answer.status().as_u16()));
        }
        let token: Token = answer.json().await.map_err(|_| KeycloakError::Nonsense("a token"))?;
        Ok(Secret::new(token.access_token))
    }

    fn users_address(&self) -> String {
        format!("{}/admin/realms/{}/users", self.url, self.realm)
    }

    async fn page(&self, token: &Secret, first: usize, max: usize) -> Result<Vec<RealmUser>, KeycloakError> {
        let request = self.http.get(self.users_address()).query(&[("first", first), ("max", max)]);
        let answer = ask(token, request).await?;
        answer.json().await.map_err(|_| KeycloakError::Nonsense("a list of users"))
    }

    async fn user(&self, token: &Secret, id: &str) -> Result<Option<RealmUser>, KeycloakError> {
        let mut address = Url::parse(&self.users_address())
            .map_err(|_| KeycloakError::NotConfigured("KEYCLOAK_BACKEND_URL is no address"))?;
        if let Ok(mut segments) = address.path_segments_mut() {
            segments.push(id);
        }
        match ask(token, self.http.get(address)).await {
            Ok(answer) => answer.json().await.map(Some).map_err(|_| KeycloakError::Nonsense("a user")),
            Err(KeycloakError::Refused(status)) if status == StatusCode::NOT_FOUND.as_u16() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Those of these users that the realm has. A list is read by places, and a user who is deleted meanwhile moves all behind
    /// by one, so that one who is there may be on no page: whoever a list lacks has to be asked for.
    ///
    /// # Errors
    /// When it does not tell about one of them.
    pub async fn users_among(&self, ids: &[&str]) -> Result<Vec<RealmUser>, KeycloakError> {
        let (mut found, mut token) = (Vec::new(), None);
        for id in ids {
            let known = match token.take() {
                Some(token) => token,
                None => self.token().await?,
            };
            let (kept, user) = match self.user(&known, id).await {
                Err(KeycloakError::Refused(status)) if status == StatusCode::UNAUTHORIZED.as_u16() => {
                    // A token lasts a minute, many questions longer.
                    let fresh = self.token().await?;
                    let user = self.user(&fresh, id).await?;
                    (fresh, user)
                }
                user => (known, user?),
            };
            token = Some(kept);
            found.extend(user.filter(|user| user.id == *id));
        }
        Ok(found)
    }

    /// All users of the realm, each once.
    ///
    /// # Errors
    /// When one page is missing: half a list would look as if people were gone.
    pub async fn users(&self) -> Result<Vec<RealmUser>, KeycloakError> {
        let mut token = self.token().await?;
        let mut users: Vec<RealmUser> = Vec::new();
        let mut known = std::collections::HashSet::new();
        for number in 0..MOST_PAGES {
            let first = number * PAGE;
            let page = match self.page(&token, first, PAGE).await {
                // A token lasts a minute, a long list longer.
                Err(KeycloakError::Refused(status))
                    if status == StatusCode::UNAUTHORIZED.as_u16() && number > 0 =>
                {
                    token = self.token().await?;
                    self.page(&token, first, PAGE).await?
                }
                page => page?,
            };
            let last = page.len() < PAGE;
            users
                .extend(page.into_iter().filter(|user| !user.id.is_empty() && known.insert(user.id.clone())));
            if last {
                return Ok(users);
            }
        }
        Err(KeycloakError::Nonsense("a list with an end"))
    }
}

/// Whether Codex may list the users of the realm.
///
/// # Errors
/// Why not.
pub async fn check(codex: &Codex) -> Result<(), KeycloakError> {
    let keycloak = Keycloak::of(codex)?;
    let token = keycloak.token().await?;
    keycloak.page(&token, 0, 1).await.map(drop)
}

/// The answer to a question about users, unless it is a refusal.
async fn ask(token: &Secret, request: RequestBuilder) -> Result<Response, KeycloakError> {
    let request = request.timeout(LIST_TIMEOUT).bearer_auth(token.expose());
    let answer = request.send().await.map_err(unreachable)?;
    if answer.status().is_success() {
        Ok(answer)
    } else {
        Err(KeycloakError::Refused(answer.status().as_u16()))
    }
}

/// In words without the address.
fn unreachable(error: reqwest::Error) -> KeycloakError {
    KeycloakError::Unreachable(if error.is_timeout() {
        "it does not answer in time".to_owned()
    } else if error.is_connect() {
        "the connection is refused".to_owned()
    } else {
        error.without_url().to_string()
    })
}
