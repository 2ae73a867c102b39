//! Which identity provider the suite uses: the one rule for everybody who asks, whoever set it.

use super::{master_config::MasterConfig, operator::Operator};

const DEFAULT_REALM: &str = "hivematrix";

/// A Keycloak that stands instead of Core's own realm.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeycloakInUse {
    /// Its public address, as it was given.
    pub server_url: String,
    /// Its address for calls from services, as it was given; without one of its own, the public one.
    pub backend_url: String,
    /// Name of the realm.
    pub realm: String,
}

impl KeycloakInUse {
    /// The address for calls, without the realm, which upstream's settings put at its end.
    #[must_use]
    pub fn base_url(&self) -> &str {
        let url = self.backend_url.trim_end_matches('/');
        url.strip_suffix(&format!("/realms/{}", self.realm)).unwrap_or(url)
    }
}

/// The Keycloak that the services are told: the operator's variables win over the master configuration. `None` for Core's
/// own realm.
#[must_use]
pub fn keycloak_in_use(config: &MasterConfig, operator: &Operator) -> Option<KeycloakInUse> {
    let known = config.keycloak();
    let set = |name: &str| operator.get(name).map(str::to_owned);
    let (server, backend) = (set("KEYCLOAK_SERVER_URL"), set("KEYCLOAK_BACKEND_URL"));
    let public = server.or_else(|| known.as_ref().map(|known| known.url.clone()));
    let server_url = public.or_else(|| backend.clone())?;
    let realm = realm_in_use(config, operator);
    Some(KeycloakInUse { backend_url: backend.unwrap_or_else(|| server_url.clone()), server_url, realm })
}

/// Name of the realm, also of Core's own.
#[must_use]
pub fn realm_in_use(config: &MasterConfig, operator: &Operator) -> String {
    let known = || config.keycloak().map_or_else(|| DEFAULT_REALM.to_owned(), |known| known.realm);
    operator.get("KEYCLOAK_REALM").map_or_else(known, str::to_owned)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::master_config::Document;

    #[test]
    fn variables_win_over_what_is_configured() {
        let configured = json!({"keycloak": {"url": "http://localhost:8081", "realm": "msp"}});
        let (server, backend) = ("KEYCLOAK_SERVER_URL", "KEYCLOAK_BACKEND_URL");
        for (config, variables, expected) in [
            (json!({}), &[][..], None),
            (json!({}), &[("KEYCLOAK_REALM", "other")], None),
            (configured.clone(), &[], Some(("http://localhost:8081", "http://localhost:8081", "msp"))),
            (
                configured.clone(),
                &[(server, "https://sso.example/realms/other"), ("KEYCLOAK_REALM", "other")],
                Some(("https://sso.example/realms/other", "https://sso.example", "other")),
            ),
            (
                configured,
                &[(backend, "http://sso:8080")],
                Some(("http://localhost:8081", "http://sso:8080", "msp")),
            ),
            (
                json!({}),
                &[(server, "https://sso.example"), (backend, "http://sso:8080/")],
                Some(("https://sso.example", "http://sso:8080", "hivematrix")),
            ),
            (
                json!({}),
                &[(backend, "http://sso:8080")],
                Some(("http://sso:8080", "http://sso:8080", "hivematrix")),
            ),
        ] {
            let config = MasterConfig::from(Document::of(config).unwrap());
            let variables: Operator = variables.iter().copied().collect();
            let used = keycloak_in_use(&config, &variables);
            let used =
                used.as_ref().map(|used| (used.server_url.as_str(), used.base_url(), used.realm.as_str()));
            assert_eq!(used, expected);
        }
    }
}
