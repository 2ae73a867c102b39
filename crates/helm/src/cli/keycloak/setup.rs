//! Brings a realm into the shape of the model: reads, compares, and changes only what is not as it should be.

use anyhow::{Context, Result};
use hivematrix_shared::config::Secret;
use serde_json::{Value, json};

use super::super::output::{harmless, say};
use crate::{
    clients::keycloak::Keycloak,
    domain::keycloak_realm::{
        ADMIN_CLIENT, ADMIN_ROLES, CLIENT, FirstUser, GROUPS, MANAGEMENT_CLIENT, RealmModel,
        SHORTEST_IDLE_SECONDS, differences, groups_mapper, overlaid, with_closed_address,
    },
};

/// First password of new users.
pub(super) struct FirstPassword {
    /// The password.
    pub(super) value: Secret,
    /// It was generated, so that it has to be changed.
    pub(super) temporary: bool,
}

/// One realm under construction.
pub(super) struct Setup<'a> {
    keycloak: &'a Keycloak,
    model: &'a RealmModel,
    /// What was made or changed.
    pub(super) changes: usize,
    /// Users that were made.
    pub(super) made_users: Vec<&'static str>,
}

impl<'a> Setup<'a> {
    pub(super) fn new(keycloak: &'a Keycloak, model: &'a RealmModel) -> Self {
        Self { keycloak, model, changes: 0, made_users: Vec::new() }
    }

    /// Realm, clients and groups.
    pub(super) async fn realm(&mut self) -> Result<()> {
        let path = self.path("");
        let wanted = self.model.required();
        match self.keycloak.get(&path).await? {
            None => {
                self.keycloak.post("", &self.model.new_realm()).await?;
                self.made(&format!("realm {}", self.model.realm));
            }
            Some(found) => {
                warn_about(&found);
                self.adapt(&format!("realm {}", self.model.realm), &path, &wanted, &found).await?;
            }
        }
        self.user_profile().await?;
        self.client(CLIENT, &self.model.client()).await?;
        self.mapper().await?;
        self.client(ADMIN_CLIENT, &self.model.admin_client()).await?;
        self.admin_roles().await?;
        self.groups().await
    }

    /// Closes the e-mail address to its owner: services find a client's company by it.
    async fn user_profile(&mut self) -> Result<()> {
        let path = self.path("/users/profile");
        let found = self.keycloak.get(&path).await?.context("Keycloak names no user profile")?;
        if let Some(closed) = with_closed_address(&found) {
            self.keycloak.put(&path, &closed).await?;
            self.changes += 1;
            say!("  changed  user profile: only administrators may write e-mail addresses");
        }
        Ok(())
    }

    /// A first user, unless there is one of that name: an existing account is never touched.
    pub(super) async fn user(&mut self, user: &FirstUser, password: Option<&FirstPassword>) -> Result<()> {
        let path = self.path(&format!("/users?exact=true&username={}", user.username));
        if !self.keycloak.list(&path).await?.is_empty() {
            return Ok(());
        }
        let password = password.with_context(|| {
            format!("set HIVEMATRIX_ADMIN_PASSWORD: the first password of the new user {}", user.username)
        })?;
        let wanted = user.representation(password.value.expose(), password.temporary);
        self.keycloak.post(&self.path("/users"), &wanted).await?;
        self.made(&format!("user {} in {}", user.username, user.group));
        self.made_users.push(user.username);
        Ok(())
    }

    async fn client(&mut self, id: &str, wanted: &Value) -> Result<()> {
        let what = format!("client {id}");
        match self.find_client(id).await? {
            None => {
                self.keycloak.post(&self.path("/clients"), wanted).await?;
                self.made(&what);
                Ok(())
            }
            Some(found) => {
                let path = self.path(&format!("/clients/{}", id_of(&found)?));
                self.adapt(&what, &path, wanted, &found).await
            }
        }
    }

    async fn mapper(&mut self) -> Result<()> {
        let client = self.known_client(CLIENT).await?;
        let path = self.path(&format!("/clients/{client}/protocol-mappers/models"));
        let wanted = groups_mapper();
        let mappers = self.keycloak.list(&path).await?;
        match mappers.iter().find(|mapper| mapper["name"] == wanted["name"]) {
            None => {
                self.keycloak.post(&path, &wanted).await?;
                self.made(&format!("mapper groups of {CLIENT}"));
                Ok(())
            }
            Some(found) => {
                let path = format!("{path}/{}", id_of(found)?);
                // Mappers are replaced, not changed in parts.
                let whole = overlaid(found, &wanted);
                self.replace(&format!("mapper groups of {CLIENT}"), &path, &wanted, found, &whole).await
            }
        }
    }

    /// What the service account of [`ADMIN_CLIENT`] may do.
    async fn admin_roles(&mut self) -> Result<()> {
        let client = self.known_client(ADMIN_CLIENT).await?;
        let account =
            self.keycloak.get(&self.path(&format!("/clients/{client}/service-account-user"))).await?;
        let account = account.with_context(|| format!("{ADMIN_CLIENT} has no service account"))?;
        let management = self.known_client(MANAGEMENT_CLIENT).await?;
        let path = self.path(&format!("/users/{}/role-mappings/clients/{management}", id_of(&account)?));
        let given = self.keycloak.list(&path).await?;
        let is_given = |role: &str| given.iter().any(|given| given["name"] == role);
        let mut missing = Vec::new();
        for role in ADMIN_ROLES.into_iter().filter(|role| !is_given(role)) {
            let role_path = self.path(&format!("/clients/{management}/roles/{role}"));
            let role = self.keycloak.get(&role_path).await?;
            missing.push(role.with_context(|| format!("{MANAGEMENT_CLIENT} lacks a role: {role_path}"))?);
        }
        if missing.is_empty() {
            return Ok(());
        }
        self.keycloak.post(&path, &Value::Array(missing)).await?;
        self.made(&format!("rights of {ADMIN_CLIENT}: {}", ADMIN_ROLES.join(", ")));
        Ok(())
    }

    async fn groups(&mut self) -> Result<()> {
        for name in GROUPS {
            let path = self.path(&format!("/groups?exact=true&search={name}"));
            let is_there = self.keycloak.list(&path).await?.iter().any(|group| group["name"] == name);
            if !is_there {
                self.keycloak.post(&self.path("/groups"), &json!({ "name": name })).await?;
                self.made(&format!("group {name}"));
            }
        }
        Ok(())
    }

    async fn adapt(&mut self, what: &str, path: &str, wanted: &Value, found: &Value) -> Result<()> {
        // Keycloak leaves alone what is not named, except that attributes are replaced together.
        let body = match wanted.get("attributes") {
            None => wanted.clone(),
            Some(attributes) => {
                let all = overlaid(&found["attributes"], attributes);
                overlaid(wanted, &json!({ "attributes": all }))
            }
        };
        self.replace(what, path, wanted, found, &body).await
    }

    async fn replace(
        &mut self,
        what: &str,
        path: &str,
        wanted: &Value,
        found: &Value,
        body: &Value,
    ) -> Result<()> {
        let differences = differences(wanted, found);
        if differences.is_empty() {
            return Ok(());
        }
        self.keycloak.put(path, body).await?;
        self.changes += 1;
        say!("  changed  {what}: {}", differences.join(", "));
        Ok(())
    }

    async fn find_client(&self, id: &str) -> Result<Option<Value>> {
        let clients = self.keycloak.list(&self.path(&format!("/clients?clientId={id}"))).await?;
        Ok(clients.into_iter().find(|client| client["clientId"] == id))
    }

    async fn known_client(&self, id: &str) -> Result<String> {
        let client = self.find_client(id).await?.with_context(|| format!("there is no client {id}"))?;
        Ok(id_of(&client)?.to_owned())
    }

    fn path(&self, below: &str) -> String {
        format!("/{}{below}", self.model.realm)
    }

    fn made(&mut self, what: &str) {
        self.changes += 1;
        say!("  made     {}", harmless(what));
    }
}

/// Settings of a realm that are the operator's, where they make the suite weaker than it is by itself.
fn warn_about(realm: &Value) {
    if realm["bruteForceProtected"] == false {
        eprintln!(
            "helm: the realm has no brute force protection; turn it on at Keycloak (Realm settings, Security defenses)"
        );
    }
    if realm["ssoSessionIdleTimeout"].as_u64().is_some_and(|idle| idle <= SHORTEST_IDLE_SECONDS) {
        eprintln!(
            "helm: Keycloak ends idle sign-ons after an hour or less, so that people sign in again each hour; raise SSO \
             Session Idle (Realm settings, Sessions) to two hours"
        );
    }
}

fn id_of(object: &Value) -> Result<&str> {
    object["id"].as_str().context("Keycloak names no id")
}
