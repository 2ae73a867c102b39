//! The users of the realm, as administrators change them through Helm (helm.md §4.4).

use std::{collections::BTreeMap, sync::Arc};

use hivematrix_shared::config::Secret;
use serde::Serialize;
use serde_json::{Value, json};
use tokio::sync::{Mutex, MutexGuard};

use crate::clients::keycloak::{Administrator, Keycloak, KeycloakError};

/// The group whose members are administrators.
pub const ADMINS: &str = "admins";
/// Users on one page of a listing.
const PAGE: usize = 100;

/// The realm. Cheap to clone.
#[derive(Clone)]
pub struct RealmAdmin(Arc<Inner>);

struct Inner {
    keycloak: Keycloak,
    realm: String,
    /// Held while somebody may lose the right to administer, so that two administrators cannot remove each other at once.
    guard: Mutex<()>,
}

/// Why a change must not be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Lockout {
    /// One's own account.
    #[error("You cannot take away your own access.")]
    Oneself,
    /// Nobody else could administer any more.
    #[error("This is the last administrator who can sign in.")]
    LastAdministrator,
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
        let get = |name: &str| environment.get(name).filter(|value| !value.is_empty()).cloned();
        let realm = get("KEYCLOAK_REALM")?;
        let administrator = Administrator::Client {
            realm: realm.clone(),
            id: get("KEYCLOAK_ADMIN_CLIENT_ID")?,
            secret: Secret::new(get("KEYCLOAK_ADMIN_CLIENT_SECRET")?),
        };
        let url = get("KEYCLOAK_BACKEND_URL").or_else(|| get("KEYCLOAK_SERVER_URL"))?;
        let keycloak = Keycloak::new(http, url.trim_end_matches('/'), administrator);
        Some(Self(Arc::new(Inner { keycloak, realm, guard: Mutex::default() })))
    }

    fn path(&self, rest: &str) -> String {
        format!("/{}{rest}", self.0.realm)
    }

    fn user_path(&self, id: &str, rest: &str) -> String {
        self.path(&format!("/users/{}{rest}", segment(id)))
    }

    /// Keycloak itself.
    #[must_use]
    pub fn keycloak(&self) -> &Keycloak {
        &self.0.keycloak
    }

    /// All users.
    ///
    /// # Errors
    /// When Keycloak refuses or does not answer.
    pub async fn users(&self) -> Result<Vec<Value>, KeycloakError> {
        let mut users = Vec::new();
        loop {
            let page = self.page(users.len()).await?;
            let last = page.len() < PAGE;
            users.extend(page);
            if last {
                return Ok(users);
            }
        }
    }

    async fn page(&self, first: usize) -> Result<Vec<Value>, KeycloakError> {
        self.0.keycloak.list(&self.path(&format!("/users?first={first}&max={PAGE}"))).await
    }

    /// One user; `None` when there is none.
    ///
    /// # Errors
    /// When Keycloak refuses or does not answer.
    pub async fn user(&self, id: &str) -> Result<Option<Value>, KeycloakError> {
        self.0.keycloak.get(&self.user_path(id, "")).await
    }

    /// Makes a user and answers its id.
    ///
    /// # Errors
    /// When Keycloak refuses or does not answer.
    pub async fn create(&self, body: &Value) -> Result<Option<String>, KeycloakError> {
        self.0.keycloak.post_for_id(&self.path("/users"), body).await
    }

    /// Changes a user.
    ///
    /// # Errors
    /// When Keycloak refuses or does not answer.
    pub async fn update(&self, id: &str, body: &Value) -> Result<(), KeycloakError> {
        self.0.keycloak.put(&self.user_path(id, ""), body).await
    }

    /// Removes a user.
    ///
    /// # Errors
    /// When Keycloak refuses or does not answer.
    pub async fn delete(&self, id: &str) -> Result<(), KeycloakError> {
        self.0.keycloak.delete(&self.user_path(id, "")).await
    }

    /// Sets a password.
    ///
    /// # Errors
    /// When Keycloak refuses or does not answer.
    pub async fn set_password(&self, id: &str, password: &str, temporary: bool) -> Result<(), KeycloakError> {
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
    pub async fn groups_of(&self, id: &str) -> Result<Option<Vec<Value>>, KeycloakError> {
        match self.0.keycloak.get(&self.user_path(id, "/groups")).await? {
            Some(Value::Array(groups)) => Ok(Some(groups)),
            _ => Ok(None),
        }
    }

    /// Puts a user into a group.
    ///
    /// # Errors
    /// When Keycloak refuses or does not answer.
    pub async fn join(&self, id: &str, group: &str) -> Result<(), KeycloakError> {
        let path = self.user_path(id, &format!("/groups/{}", segment(group)));
        self.0.keycloak.put(&path, &json!({})).await
    }

    /// Takes a user out of a group.
    ///
    /// # Errors
    /// When Keycloak refuses or does not answer.
    pub async fn leave(&self, id: &str, group: &str) -> Result<(), KeycloakError> {
        let path = self.user_path(id, &format!("/groups/{}", segment(group)));
        self.0.keycloak.delete(&path).await
    }

    /// Makes a user a member of exactly these groups, as far as that works. New groups come first: who is moved from one to
    /// another is never without any.
    pub async fn replace_groups(
        &self,
        id: &str,
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

    /// Whether `id` may lose the right to administer: nobody locks out himself, and somebody has to be left. The answer
    /// holds for as long as the guard is kept.
    ///
    /// # Errors
    /// When Keycloak refuses or does not answer.
    pub async fn may_lose_access(
        &self,
        id: &str,
        acting: &str,
    ) -> Result<Result<MutexGuard<'_, ()>, Lockout>, KeycloakError> {
        let guard = self.0.guard.lock().await;
        if id == acting {
            return Ok(Err(Lockout::Oneself));
        }
        let Some(groups) = self.groups_of(id).await? else { return Ok(Ok(guard)) };
        if !administers(&groups) || self.others_administer(id).await? {
            return Ok(Ok(guard));
        }
        Ok(Err(Lockout::LastAdministrator))
    }

    /// Whether somebody else is an administrator who can sign in. Asked user by user, since not every realm lists the
    /// members of a group; it ends with the first one found.
    async fn others_administer(&self, id: &str) -> Result<bool, KeycloakError> {
        let mut first = 0;
        loop {
            let page = self.page(first).await?;
            first += PAGE;
            let last = page.len() < PAGE;
            let enabled = page.iter().filter(|user| user["enabled"] == true);
            for other in enabled.filter_map(id_of).filter(|other| *other != id) {
                if self.groups_of(other).await?.is_some_and(|groups| administers(&groups)) {
                    return Ok(true);
                }
            }
            if last {
                return Ok(false);
            }
        }
    }
}

/// Whether these groups make an administrator.
#[must_use]
pub fn administers(groups: &[Value]) -> bool {
    groups.iter().any(|group| name_of(group) == Some(ADMINS))
}

fn name_of(group: &Value) -> Option<&str> {
    group["name"].as_str()
}

fn id_of(object: &Value) -> Option<&str> {
    object["id"].as_str()
}

/// An id as one part of a path. Ids are letters, digits and hyphens; anything else is no id, so that what is compared and
/// what is asked for are always the same.
fn segment(id: &str) -> &str {
    if is_id(id) { id } else { "-" }
}

/// Whether this can be the id of a user or a group.
pub fn is_id(id: &str) -> bool {
    !id.is_empty() && id.len() <= 100 && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_stays_one_part_of_the_path() {
        for (id, part) in
            [("ab-12", "ab-12"), ("../groups", "-"), ("a/b?c#d", "-"), ("ab-12.", "-"), ("", "-")]
        {
            assert_eq!(segment(id), part, "{id}");
        }
    }
}
