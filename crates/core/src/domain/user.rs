//! People and groups of the local realm.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};
use uuid::Uuid;

/// The realm's groups, made at the first start (platform.md §13).
pub const GROUPS: [&str; 4] = ["admins", "technicians", "billing", "client"];

/// A person.
#[derive(Clone, Debug, PartialEq)]
pub struct User {
    /// Stable id, the token's `sub`.
    pub id: Uuid,
    /// Login name, lower case.
    pub username: String,
    /// E-mail, lower case.
    pub email: Option<String>,
    /// Given name.
    pub first_name: Option<String>,
    /// Family name.
    pub last_name: Option<String>,
    /// May sign in.
    pub enabled: bool,
    /// Someone vouched for the e-mail.
    pub email_verified: bool,
    /// Has to choose a new password at the next sign-in.
    pub update_password: bool,
    /// Has to set up an authenticator app at the next sign-in.
    pub configure_totp: bool,
    /// Free attributes, name to list of values.
    pub attributes: Value,
    /// When the account was made.
    pub created_at: DateTime<Utc>,
}

impl User {
    /// Given and family name as one, empty when neither is known.
    pub fn display_name(&self) -> String {
        [&self.first_name, &self.last_name]
            .into_iter()
            .flatten()
            .map(String::as_str)
            .collect::<Vec<_>>()
            .join(" ")
    }

    /// The profile claims of ID token and userinfo; what is unknown is left out, as Keycloak does.
    pub fn claims(&self, groups: &[String]) -> Map<String, Value> {
        let mut claims = Map::new();
        claims.insert("sub".into(), Value::from(self.id.to_string()));
        claims.insert("email_verified".into(), Value::from(self.email_verified));
        claims.insert("preferred_username".into(), Value::from(self.username.clone()));
        let name = self.display_name();
        let optional = [
            ("name", (!name.is_empty()).then_some(name)),
            ("given_name", self.first_name.clone()),
            ("family_name", self.last_name.clone()),
            ("email", self.email.clone()),
        ];
        for (claim, value) in optional {
            if let Some(value) = value {
                claims.insert(claim.into(), Value::from(value));
            }
        }
        claims.insert("groups".into(), Value::from(groups.to_vec()));
        claims
    }
}

/// A group.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Group {
    /// Stable id.
    pub id: Uuid,
    /// Name without a slash.
    pub name: String,
}
