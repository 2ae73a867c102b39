//! Accounts of a realm, made and changed by Keycloak's Admin REST interface, which the local realm answers as well.

use anyhow::{Context, Result, bail};
use reqwest::{Client, Method};
use serde_json::{Value, json};
use uuid::Uuid;

/// The suite's own administration client.
const CLIENT: &str = "hivematrix-admin";

/// The accounts of one realm.
#[derive(Debug, Clone)]
pub struct Directory {
    /// Base URL of the identity provider for calls from this machine.
    pub url: String,
    /// Name of the realm.
    pub realm: String,
    secret: String,
    client: Client,
}

/// An account of a test.
#[derive(Debug, Clone)]
pub struct Account {
    /// Id, the `sub` of its tokens.
    pub id: String,
    /// Login name.
    pub username: String,
    /// Password.
    pub password: String,
}

impl Directory {
    /// The directory that `secret`, the administration client's, opens.
    ///
    /// # Errors
    ///
    /// When HTTP cannot be set up.
    pub fn new(url: &str, realm: &str, secret: &str) -> Result<Self> {
        let client = Client::builder().no_proxy().build()?;
        Ok(Self { url: url.to_owned(), realm: realm.to_owned(), secret: secret.to_owned(), client })
    }

    /// A new account in the given group; with a `temporary` password it has to be changed at the first sign-in.
    ///
    /// # Errors
    ///
    /// When the provider refuses.
    pub async fn account(&self, group: Option<&str>, temporary: bool) -> Result<Account> {
        let tag = Uuid::new_v4().simple().to_string();
        let (username, password) = (format!("u{}", &tag[..12]), format!("First-{}", &tag[12..]));
        let body = json!({
            "username": username, "email": format!("{username}@msp.example"), "emailVerified": true,
            "firstName": "Test", "lastName": "Person", "enabled": true,
            "credentials": [{ "type": "password", "value": password, "temporary": temporary }],
        });
        self.call(Method::POST, "/users", Some(&body)).await?;
        let found = self.call(Method::GET, &format!("/users?exact=true&username={username}"), None).await?;
        let id = found[0]["id"].as_str().context("the new account is not found")?.to_owned();
        if let Some(group) = group {
            let group = self.group(group).await?;
            self.join(&id, &group).await?;
        }
        Ok(Account { id, username, password })
    }

    /// Id of a group at the top.
    ///
    /// # Errors
    ///
    /// When there is none.
    pub async fn group(&self, name: &str) -> Result<String> {
        let groups = self.call(Method::GET, "/groups", None).await?;
        let found = groups.as_array().into_iter().flatten().find(|group| group["name"] == name);
        let id = found.and_then(|group| group["id"].as_str());
        id.map(str::to_owned).with_context(|| format!("there is no group {name}"))
    }

    /// Puts an account into a group.
    ///
    /// # Errors
    ///
    /// When the provider refuses.
    pub async fn join(&self, user: &str, group: &str) -> Result<()> {
        self.call(Method::PUT, &format!("/users/{user}/groups/{group}"), Some(&json!({}))).await.map(drop)
    }

    /// Allows or forbids an account to sign in.
    ///
    /// # Errors
    ///
    /// When the provider refuses.
    pub async fn set_enabled(&self, user: &str, enabled: bool) -> Result<()> {
        let path = format!("/users/{user}");
        let mut account = self.call(Method::GET, &path, None).await?;
        account["enabled"] = json!(enabled);
        self.call(Method::PUT, &path, Some(&account)).await.map(drop)
    }

    /// Wants something done by the account's owner at the next sign-in, such as `CONFIGURE_TOTP`.
    ///
    /// # Errors
    ///
    /// When the provider refuses.
    pub async fn require(&self, user: &str, action: &str) -> Result<()> {
        let path = format!("/users/{user}");
        let mut account = self.call(Method::GET, &path, None).await?;
        account["requiredActions"] = json!([action]);
        self.call(Method::PUT, &path, Some(&account)).await.map(drop)
    }

    /// A token of the administration client itself.
    ///
    /// # Errors
    ///
    /// When the provider refuses.
    pub async fn token(&self) -> Result<String> {
        let url = format!("{}/realms/{}/protocol/openid-connect/token", self.url, self.realm);
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", CLIENT),
            ("client_secret", self.secret.as_str()),
        ];
        let answer: Value = self.client.post(url).form(&form).send().await?.json().await?;
        let token = answer["access_token"].as_str();
        token.map(str::to_owned).with_context(|| format!("{CLIENT} gets no token: {answer}"))
    }

    /// Any call; the path is below the realm.
    ///
    /// # Errors
    ///
    /// When the provider refuses.
    pub async fn call(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Value> {
        let url = format!("{}/admin/realms/{}{path}", self.url, self.realm);
        let mut request = self.client.request(method, url).bearer_auth(self.token().await?);
        if let Some(body) = body {
            request = request.json(body);
        }
        let answer = request.send().await?;
        let status = answer.status();
        let text = answer.text().await?;
        if !status.is_success() {
            bail!("the directory answers {status} to {path}: {text}");
        }
        Ok(serde_json::from_str(&text).unwrap_or(Value::Null))
    }
}
