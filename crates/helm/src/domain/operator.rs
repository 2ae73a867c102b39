//! What the operator set: variables of a shell and lines of `settings.env` that mean something to the suite. Where they come
//! from is the business of [`crate::instance::operator`].

use std::{
    collections::{BTreeMap, btree_map},
    fmt,
};

use serde::{Deserialize, Serialize};

/// The password of the first `admin`: needed once, and kept nowhere.
pub const ADMIN_PASSWORD: &str = "HIVEMATRIX_ADMIN_PASSWORD";

/// Values by the names of their variables. They may be secrets, so that only names are ever shown.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Operator(BTreeMap<String, String>);

impl Operator {
    /// What a variable was set to; an empty one is not set.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// These, and of `others` what is missing here.
    #[must_use]
    pub fn over(mut self, others: Self) -> Self {
        for (name, value) in others.0 {
            self.0.entry(name).or_insert(value);
        }
        self
    }

    /// All but what is needed only once.
    #[must_use]
    pub fn lasting(mut self) -> Self {
        self.0.remove(ADMIN_PASSWORD);
        self
    }

    /// All variables, also empty ones, by name.
    pub fn iter(&self) -> btree_map::Iter<'_, String, String> {
        self.0.iter()
    }

    /// The database of the operator's choice for a service (`<SERVICE>_DATABASE_URL`).
    #[must_use]
    pub fn database(&self, service: &str) -> Option<&str> {
        self.get(&format!("{}_DATABASE_URL", service.to_uppercase().replace('-', "_")))
    }

    /// The administrative address of the server on which Helm makes databases.
    #[must_use]
    pub fn database_server(&self) -> Option<&str> {
        self.get("HIVEMATRIX_DATABASE_URL")
    }

    /// The Redis of the operator's choice.
    #[must_use]
    pub fn redis(&self) -> Option<&str> {
        self.get("REDIS_URL")
    }

    /// The password of the first `admin`.
    #[must_use]
    pub fn admin_password(&self) -> Option<&str> {
        self.get(ADMIN_PASSWORD)
    }

    /// Who is told of alerts.
    #[must_use]
    pub fn alert_webhook(&self) -> Option<&str> {
        self.get("HIVEMATRIX_ALERT_WEBHOOK")
    }
}

impl fmt::Debug for Operator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl<N: Into<String>, V: Into<String>> FromIterator<(N, V)> for Operator {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(variables: I) -> Self {
        Self(variables.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }
}

impl<'a> IntoIterator for &'a Operator {
    type Item = (&'a String, &'a String);
    type IntoIter = btree_map::Iter<'a, String, String>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_empty_is_not_set_and_hides_what_lies_under_it() {
        let shell: Operator = [("REDIS_URL", ""), ("LOG_LEVEL", "DEBUG")].into_iter().collect();
        let file = [("REDIS_URL", "redis://file"), ("VERIFY_SSL", "true")].into_iter().collect();
        let both = shell.over(file);
        assert_eq!(both.redis(), None);
        assert_eq!((both.get("LOG_LEVEL"), both.get("VERIFY_SSL")), (Some("DEBUG"), Some("true")));
    }

    #[test]
    fn a_database_is_asked_for_by_the_name_of_its_service() {
        let set: Operator = [("MY_APP_DATABASE_URL", "postgres://x")].into_iter().collect();
        assert_eq!(set.database("my-app"), Some("postgres://x"));
        assert_eq!(set.database("codex"), None);
    }

    #[test]
    fn no_value_is_shown_and_the_first_password_is_kept_nowhere() {
        let set: Operator =
            [(ADMIN_PASSWORD, "chosen"), ("DATTO_SECRET_KEY", "s3cret")].into_iter().collect();
        let shown = format!("{set:?}");
        assert!(shown.contains("DATTO_SECRET_KEY") && !shown.contains("s3cret"), "{shown}");
        assert_eq!(set.lasting().admin_password(), None);
    }
}
