//! The users of the realm by way of the running Helm: its guards, its history and the end of sessions hold here as well.

use anyhow::{Context, Result, bail};
use hivematrix_shared::contracts::core::TokenAnswer;
use http::{Method, StatusCode};
use serde_json::{Value, json};
use url::form_urlencoded::Serializer;
use uuid::Uuid;

use super::super::{
    caller::caller,
    core::{self, Core},
};
use crate::{instance::Layout, routes::access::OPERATOR_HEADER, supervisor::probe::words};

/// The session is for this one command.
const SECONDS: u32 = 60;

/// Helm's own JSON routes, as an administrator.
pub(super) struct Realm {
    core: Core,
    base: String,
    token: String,
}

/// A user that a command is about.
pub(super) struct Person {
    pub id: Uuid,
    pub user: Value,
}

impl Person {
    pub fn text(&self, name: &str) -> &str {
        self.user[name].as_str().unwrap_or_default()
    }
}

impl Realm {
    /// Gets a token from Core.
    pub async fn open(layout: &Layout) -> Result<Self> {
        let core = Core::of(layout)?;
        let body = json!({ "permission_level": "admin", "ttl": SECONDS });
        let request = core.request(Method::POST, "/api/internal/token")?.json(&body);
        let TokenAnswer { token } =
            core::answer(request).await.context("users are changed through the running suite")?;
        let base = core.base("helm")?;
        Ok(Self { core, base, token })
    }

    /// Calls a route below `/api/keycloak`. A refusal becomes an error with its reason.
    pub async fn call(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Value> {
        let url = format!("{}/api/keycloak{path}", self.base);
        let mut request = self.core.client().request(method, url).bearer_auth(&self.token);
        if let Some(operator) = caller() {
            request = request.header(OPERATOR_HEADER, operator);
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        let answer = request.send().await.map_err(|error| anyhow::anyhow!("Helm: {}", words(&error)))?;
        let status = answer.status();
        let body: Value = answer.json().await.unwrap_or_default();
        if let Some(warning) = body["warning"].as_str() {
            eprintln!("helm: {warning}");
        }
        if status == StatusCode::MULTI_STATUS {
            let errors = body["errors"].as_array().into_iter().flatten().filter_map(Value::as_str);
            bail!("done in part: {}", errors.collect::<Vec<_>>().join(", "));
        }
        if !status.is_success() {
            let reason = ["detail", "error"].iter().find_map(|name| body[name].as_str());
            bail!("{}", reason.unwrap_or(status.canonical_reason().unwrap_or("refused")));
        }
        Ok(body)
    }

    /// The user of a login name or an id.
    pub async fn person(&self, name: &str) -> Result<Person> {
        if let Ok(id) = name.parse::<Uuid>() {
            let mut found = self.call(Method::GET, &format!("/users/{id}"), None).await?;
            return Ok(Person { id, user: found["user"].take() });
        }
        let query = Serializer::new(String::new())
            .append_pair("search", &format!("\"{name}\""))
            .append_pair("first", "0")
            .finish();
        let found = self.call(Method::GET, &format!("/users?{query}"), None).await?;
        let same =
            |user: &&Value| user["username"].as_str().is_some_and(|found| found.eq_ignore_ascii_case(name));
        let user = found["users"].as_array().into_iter().flatten().find(same);
        let user = user.with_context(|| format!("there is no user {name}"))?;
        let id = crate::realm_admin::id_of(user).context("this user has no id that can be asked for")?;
        Ok(Person { id, user: user.clone() })
    }

    /// The groups of a user, or all groups.
    pub async fn groups(&self, of: Option<&Person>) -> Result<Vec<Value>> {
        let path = of.map_or_else(|| "/groups".to_owned(), |person| format!("/users/{}/groups", person.id));
        let mut found = self.call(Method::GET, &path, None).await?;
        match found["groups"].take() {
            Value::Array(groups) => Ok(groups),
            _ => bail!("Helm's answer cannot be understood"),
        }
    }

    /// The id of a group.
    pub async fn group(&self, name: &str) -> Result<Uuid> {
        let groups = self.groups(None).await?;
        let found = groups.iter().find(|group| group["name"] == name);
        let found = found.with_context(|| format!("there is no group {name}"))?;
        crate::realm_admin::id_of(found).context("this group has no id that can be asked for")
    }
}
