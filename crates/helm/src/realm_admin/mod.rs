//! The users of the realm, as administrators change them through Helm (helm.md §4.4).

mod current;
mod lockout;

use std::{collections::BTreeMap, sync::Arc};

use hivematrix_shared::config::Secret;
use serde::Serialize;
use serde_json::{Value, json};
use tokio::sync::Mutex;
use uuid::Uuid;

pub use self::current::CurrentRealm;
pub use self::lockout::{ADMINS, Lockout, administers};
use crate::{
    clients::keycloak::{Administrator, Keycloak, KeycloakError},
    domain::user_list::UserFilter,
};

/// Users on one page of a listing.
const PAGE: usize = 100;

/// The realm. Cheap to clone.
#[derive(Clone)]
pub struct RealmAdmin(Arc<Inner>);

struct Inner {
    keycloak: Keycloak,
    /// What makes it this realm and no other.
    told: Told,
    /// Held while somebody may lose the right to administer, so that two administrators cannot remove each other at once.
    guard: Mutex<()>,
}

/// Where the realm is and who administers it.
struct Told {
    realm: String,
    url: String,
    /// A client of the realm, or else a person of the realm `master`.
    is_client: bool,
    name: String,
    secret: Secret,
}

impl Told {
    fn of(environment: &BTreeMap<String, String>) -> Option<Self> {
        let get = |name: &str| environment.get(name).filter(|value| !value.is_empty()).cloned();
        let both = |name, secret| get(name).zip(get(secret));
        let client = both("KEYCLOAK_ADMIN_CLIENT_ID", "KEYCLOAK_ADMIN_CLIENT_SECRET");
        let is_client = client.is_some();
        let (name, secret) = client.or_else(|| both("KEYCLOAK_ADMIN_USER", "KEYCLOAK_ADMIN_PASS"))?;
        let realm = get("KEYCLOAK_REALM")?;
        let url = get("KEYCLOAK_BACKEND_URL").or_else(|| get("KEYCLOAK_SERVER_URL"))?;
        // Some of upstream's settings have the realm at the end.
        let base = url.trim_end_matches('/');
        let url = base.strip_suffix(&format!("/realms/{realm}")).unwrap_or(base).to_owned();
        Some(Self { realm, url, is_client, name, secret: Secret::new(secret) })
    }
}

impl PartialEq for Told {
    fn eq(&self, other: &Self) -> bool {
        (&self.realm, &self.url, self.is_client, &self.name)
            == (&other.realm, &other.url, other.is_client, &other.name)
            && self.secret.matches(other.secret.expose())
    }
}

/// How a change of groups went.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub struct GroupChanges {
    /// Groups the user is in now and was not before.
    pub added: Vec<String>,
    /// Groups the user is no longer in.
    pub removed: Vec<String>,
    /// What did not work.
    pub errors: Vec<String>,
}

impl RealmAdmin {
    /// The realm that the environment of a service names; `None` when it names none.
    #[must_use]
    pub fn from_environment(http: reqwest::Client, environment: &BTreeMap<String, String>) -> Option<Self> {
        Some(Self::new(http, Told::of(environment)?))
    }

    fn new(http: reqwest::Client, told: Told) -> Self {
        let (name, secret) = (told.name.clone(), told.secret.clone());
        let administrator = if told.is_client {
            Administrator::Client { realm: told.realm.clone(), id: name, secret }
        } else {
            Administrator::User { name, password: secret }
        };
        let keycloak = Keycloak::new(http, &told.url, administrator);
        Self(Arc::new(Inner { keycloak, told, guard: Mutex::default() }))
    }

    fn path(&self, rest: &str) -> String {
        format!("/{}{rest}", self.0.told.realm)
    }

    fn user_path(&self, id: Uuid, rest: &str) -> String {
        self.path(&format!("/users/{id}{rest}"))
    }

    /// All users that fit, page by page.
    ///
    /// # Errors
    /// When Keycloak refuses or does not answer.
    pub async fn users(&self, filter: &UserFilter) -> Result<Vec<Value>, KeycloakError> {
        let mut users = Vec::new();
        loop {
            let page = self.page(filter, users.len(), PAGE).await?;
            let last = page.len() < PAGE;
            users.extend(page);
            if last {
                return Ok(users);
            }
        }
    }

    /// One page of the users that fit, in the order of their login names.
    ///
    /// # Errors
    /// When Keycloak refuses or does not answer.
    pub async fn page(
        &self,
        filter: &UserFilter,
        first: usize,
        max: usize,
    ) -> Result<Vec<Value>, KeycloakError> {
        let path = self.path(&format!("/users?first={first}&max={max}{}", filter.query()));
        self.0.keycloak.list(&path).await
    }

    /// How many users fit.
    ///
    /// # Errors
    /// When Keycloak refuses or does not answer.
    pub async fn count(&self, filter: &UserFilter) -> Result<usize, KeycloakError> {
        self.0
            .keycloak
            .number(&self.path(&format!("/users/count?{}", filter.query().trim_start_matches('&'))))
            .await
    }

    /// One user; `None` when there is none.
    ///
    /// # Errors
    /// When Keycloak refuses or does not answer.
    pub async fn user(&self, id: Uuid) -> Result<Option<Value>, KeycloakError> {
        self.0.keycloak.get(&self.user_path(id, "")).await
    }

    /// Makes a user and answers its id.
    ///
    /// # Errors
    /// When Keycloak refuses or does not answer.
    pub async fn create(&self, body: &Value) -> Result<Option<Uuid>, KeycloakError> {
        let id = self.0.keycloak.post_for_id(&self.path("/users"), body).await?;
        Ok(id.and_then(|id| id.parse().ok()))
    }

    /// Changes a user.
    ///
    /// # Errors
    /// When Keycloak refuses or does not answer.
    pub async fn update(&self, id: Uuid, body: &Value) -> Result<(), KeycloakError> {
        self.0.keycloak.put(&self.user_path(id, ""), body).await
    }

    /// Removes a user.
    ///
    /// # Errors
    /// When Keycloak refuses or does not answer.
    pub async fn delete(&self, id: Uuid) -> Result<(), KeycloakError> {
        self.0.keycloak.delete(&self.user_path(id, "")).await
    }

    /// Sets a password.
    ///
    /// # Errors
    /// When Keycloak refuses or does not answer.
    pub async fn set_password(&self, id: Uuid, password: &str, temporary: bool) -> Result<(), KeycloakError> {
        let body = json!({ "type": "password", "value": password, "temporary": temporary });
        self.0.keycloak.put(&self.user_path(id, "/reset-password"), &body).await
    }

    /// All groups.
    ///
    /// # Errors
    /// When Keycloak refuses or does not answer.
    pub async fn groups(&self) -> Result<Vec<Value>, KeycloakError> {
        self.0.keycloak.list(&self.path("/groups")).await
    }

    /// The groups of a user; `None` when there is no such user.
    ///
    /// # Errors
    /// When Keycloak refuses or does not answer.
    pub async fn groups_of(&self, id: Uuid) -> Result<Option<Vec<Value>>, KeycloakError> {
        match self.0.keycloak.get(&self.user_path(id, "/groups")).await? {
            Some(Value::Array(groups)) => Ok(Some(groups)),
            _ => Ok(None),
        }
    }

    /// The group of an id; `None` when there is none.
    ///
    /// # Errors
    /// When Keycloak refuses or does not answer.
    pub async fn group(&self, id: Uuid) -> Result<Option<Value>, KeycloakError> {
        Ok(self.groups().await?.into_iter().find(|group| id_of(group) == Some(id)))
    }

    /// Puts a user into a group.
    ///
    /// # Errors
    /// When Keycloak refuses or does not answer.
    pub async fn join(&self, id: Uuid, group: Uuid) -> Result<(), KeycloakError> {
        let path = self.user_path(id, &format!("/groups/{group}"));
        self.0.keycloak.put(&path, &json!({})).await
    }

    /// Takes a user out of a group.
    ///
    /// # Errors
    /// When Keycloak refuses or does not answer.
    pub async fn leave(&self, id: Uuid, group: Uuid) -> Result<(), KeycloakError> {
        let path = self.user_path(id, &format!("/groups/{group}"));
        self.0.keycloak.delete(&path).await
    }

    /// Makes a user a member of exactly these groups, as far as that works. New groups come first: who is moved from one to
    /// another is never without any.
    pub async fn replace_groups(
        &self,
        id: Uuid,
        wanted: &[String],
        current: &[Value],
        available: &[Value],
    ) -> GroupChanges {
        let mut changes = GroupChanges::default();
        for name in wanted.iter().filter(|name| !current.iter().any(|group| name_of(group) == Some(name))) {
            let Some(group) = available.iter().find(|group| name_of(group) == Some(name)).and_then(id_of)
            else {
                changes.errors.push(format!("Group {name} does not exist"));
                continue;
            };
            match self.join(id, group).await {
                Ok(()) => changes.added.push(name.clone()),
                Err(_) => changes.errors.push(format!("Failed to add to group {name}")),
            }
        }
        for group in current {
            let (Some(name), Some(group)) = (name_of(group), id_of(group)) else { continue };
            if wanted.iter().any(|wanted| wanted == name) {
                continue;
            }
            match self.leave(id, group).await {
                Ok(()) => changes.removed.push(name.to_owned()),
                Err(_) => changes.errors.push(format!("Failed to remove from group {name}")),
            }
        }
        changes
    }
}

/// The name of a group.
#[must_use]
pub fn name_of(group: &Value) -> Option<&str> {
    group["name"].as_str()
}

/// The id of a user or a group, if it is one that can be asked for.
#[must_use]
pub fn id_of(object: &Value) -> Option<Uuid> {
    object["id"].as_str()?.parse().ok()
}
