//! Keycloak's JSON of users and groups.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::{
    domain::user::{Group, User},
    store::realm::users::UserChanges,
};

/// Keycloak's name of the forced password change.
const UPDATE_PASSWORD: &str = "UPDATE_PASSWORD";
/// Keycloak's name of the forced set-up of an authenticator app.
const CONFIGURE_TOTP: &str = "CONFIGURE_TOTP";

/// A user as Keycloak writes it, with or without an authenticator app; `brief` leaves the attributes out.
pub fn user(user: &User, has_app: bool, brief: bool) -> Value {
    let mut body = Map::new();
    body.insert("id".into(), json!(user.id));
    body.insert("username".into(), json!(user.username));
    for (name, value) in
        [("firstName", &user.first_name), ("lastName", &user.last_name), ("email", &user.email)]
    {
        if let Some(value) = value {
            body.insert(name.into(), json!(value));
        }
    }
    body.insert("emailVerified".into(), json!(user.email_verified));
    if !brief && user.attributes.as_object().is_some_and(|attributes| !attributes.is_empty()) {
        body.insert("attributes".into(), user.attributes.clone());
    }
    body.insert("createdTimestamp".into(), json!(user.created_at.timestamp_millis()));
    body.insert("enabled".into(), json!(user.enabled));
    body.insert("totp".into(), json!(has_app));
    body.insert("disableableCredentialTypes".into(), json!([]));
    let actions = [(user.configure_totp, CONFIGURE_TOTP), (user.update_password, UPDATE_PASSWORD)];
    let actions: Vec<&str> =
        actions.into_iter().filter(|(wanted, _)| *wanted).map(|(_, name)| name).collect();
    body.insert("requiredActions".into(), json!(actions));
    body.insert("notBefore".into(), json!(0));
    body.insert(
        "access".into(),
        json!({"manageGroupMembership": true, "view": true, "mapRoles": false, "impersonate": false, "manage": true}),
    );
    Value::Object(body)
}

/// A group as Keycloak writes it.
pub fn group(group: &Group) -> Value {
    json!({
        "id": group.id,
        "name": group.name,
        "path": format!("/{}", group.name),
        "subGroupCount": 0,
        "subGroups": [],
    })
}

/// A user as callers send it; unknown members are ignored, as Keycloak does.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct UserBody {
    pub username: Option<String>,
    pub email: Option<String>,
    pub first_name: Option<String>,
    pub last_name: Option<String>,
    pub enabled: Option<bool>,
    pub email_verified: Option<bool>,
    pub required_actions: Option<Vec<String>>,
    pub attributes: Option<Map<String, Value>>,
    pub groups: Option<Vec<String>>,
    pub credentials: Option<Vec<Credential>>,
}

/// A password as callers send it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Credential {
    /// Only `password`; absent means the same.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    pub value: Option<String>,
    pub temporary: Option<bool>,
}

impl UserBody {
    /// What it changes of an account.
    pub fn changes(&self) -> UserChanges {
        let wants = |action: &str| {
            let actions = self.required_actions.as_ref()?;
            Some(actions.iter().any(|wanted| wanted == action))
        };
        UserChanges {
            email: self.email.clone(),
            first_name: self.first_name.clone(),
            last_name: self.last_name.clone(),
            enabled: self.enabled,
            email_verified: self.email_verified,
            update_password: wants(UPDATE_PASSWORD),
            configure_totp: wants(CONFIGURE_TOTP),
            attributes: self.attributes.clone().map(Value::Object),
        }
    }
}
