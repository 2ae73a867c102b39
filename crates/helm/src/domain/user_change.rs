//! What is kept of a change of a user: who, what, whom. Never a password.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// A user was made.
    Create,
    /// Members of a user were changed.
    Update,
    /// A user was removed.
    Delete,
    /// A password was set.
    ResetPassword,
    /// The groups were replaced.
    Groups,
    /// A user joined a group.
    Join,
    /// A user left a group.
    Leave,
}

impl Action {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Create,
        Self::Update,
        Self::Delete,
        Self::ResetPassword,
        Self::Groups,
        Self::Join,
        Self::Leave,
    ];

    /// The word that is stored.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Delete => "delete",
            Self::ResetPassword => "reset_password",
            Self::Groups => "groups",
            Self::Join => "join",
            Self::Leave => "leave",
        }
    }

    /// For people and for the log.
    #[must_use]
    pub fn words(name: &str) -> &'static str {
        match Self::ALL.into_iter().find(|action| action.as_str() == name) {
            Some(Self::Create) => "User created",
            Some(Self::Update) => "User changed",
            Some(Self::Delete) => "User deleted",
            Some(Self::ResetPassword) => "Password reset",
            Some(Self::Groups) => "Groups changed",
            Some(Self::Join) => "Joined a group",
            Some(Self::Leave) => "Left a group",
            None => "Other change",
        }
    }
}

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// As it was asked for.
    Done,
    /// In part.
    Partial,
    /// Not at all: somebody would have been locked out.
    Refused,
}

impl Outcome {
    /// The word that is stored.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Partial => "partial",
            Self::Refused => "refused",
        }
    }
}

/// The members of a change that are not as they were, as `{"email": {"from": …, "to": …}}`.
#[must_use]
pub fn differences(before: &Value, change: &Map<String, Value>) -> Value {
    let differs = |(name, to): (&String, &Value)| {
        let from = before.get(name).unwrap_or(&Value::Null);
        // An empty name and none are the same to whoever reads it.
        let same = from == to || (from.is_null() && to.as_str() == Some(""));
        (!same).then(|| (name.clone(), json!({ "from": from, "to": to })))
    };
    Value::Object(change.iter().filter_map(differs).collect())
}

/// Details of a change in one line: `email: a@x → b@x; added technicians`.
#[must_use]
pub fn in_words(details: &Value) -> String {
    let Some(details) = details.as_object() else { return String::new() };
    let list = |value: &Value| {
        let texts = value.as_array().into_iter().flatten().map(plain);
        texts.collect::<Vec<_>>().join(", ")
    };
    let part = |(name, value): (&String, &Value)| match value {
        Value::Object(change) if change.contains_key("to") => {
            let of = |end: &str| change.get(end).map(plain).unwrap_or_default();
            Some(format!("{}: {} → {}", label(name), of("from"), of("to")))
        }
        Value::Array(items) if items.is_empty() => None,
        Value::Array(_) => Some(format!("{} {}", label(name), list(value))),
        other => Some(format!("{}: {}", label(name), plain(other))),
    };
    details.iter().filter_map(part).collect::<Vec<_>>().join("; ")
}

/// A member of Keycloak's user for people.
fn label(member: &str) -> &str {
    match member {
        "firstName" => "first name",
        "lastName" => "last name",
        "emailVerified" => "email confirmed",
        "requiredActions" => "required actions",
        "temporary" => "temporary password",
        "errors" => "failed:",
        other => other,
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::Null => "–".to_owned(),
        Value::String(text) if text.is_empty() => "–".to_owned(),
        Value::String(text) => text.clone(),
        Value::Bool(yes) => if *yes { "yes" } else { "no" }.to_owned(),
        Value::Array(items) => items.iter().map(plain).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_differs_is_kept() {
        let before = json!({ "email": "a@x", "enabled": true, "firstName": "A" });
        let change = json!({ "email": "b@x", "enabled": true, "firstName": "", "lastName": "" });
        let Value::Object(change) = change else { panic!() };
        assert_eq!(
            differences(&before, &change),
            json!({ "email": { "from": "a@x", "to": "b@x" }, "firstName": { "from": "A", "to": "" } })
        );
    }

    #[test]
    fn details_are_read_as_one_line() {
        for (details, words) in [
            (json!({}), ""),
            (json!({ "enabled": { "from": true, "to": false } }), "enabled: yes → no"),
            (json!({ "email": { "from": null, "to": "b@x" } }), "email: – → b@x"),
            (json!({ "lastName": { "from": "", "to": "L" } }), "last name: – → L"),
            (json!({ "added": ["a", "b"], "removed": [] }), "added a, b"),
            (json!({ "group": "billing", "temporary": true }), "group: billing; temporary password: yes"),
        ] {
            assert_eq!(in_words(&details), words);
        }
    }

    #[test]
    fn every_action_has_words_of_its_own() {
        let words: std::collections::BTreeSet<_> =
            Action::ALL.iter().map(|action| Action::words(action.as_str())).collect();
        assert_eq!(words.len(), Action::ALL.len());
        for action in Action::ALL {
            assert_eq!(json!(action), action.as_str(), "it is stored as it is answered");
        }
    }
}
