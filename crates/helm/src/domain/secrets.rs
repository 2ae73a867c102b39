//! The secrets of one suite, as they lie in `helm/secrets.json` (0600).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Everything Helm generates once and never changes by itself.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Secrets {
    /// By service name.
    pub services: BTreeMap<String, ServiceSecrets>,
    /// Of the client `core-client`, shared by Nexus, Core and the realm.
    pub keycloak_client_secret: String,
    /// Of the client `hivematrix-admin`, shared by Codex, Helm and the realm.
    pub keycloak_admin_client_secret: String,
    /// Superuser of the private PostgreSQL cluster.
    pub postgres_password: String,
    /// `requirepass` of the private Redis server.
    pub redis_password: String,
    /// API key of the simulated ticket system of `--demo`.
    pub simulator_api_key: String,
    /// API secret key of the simulated RMM of `--demo`.
    pub simulator_rmm_key: String,
}

/// Secrets of one service.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ServiceSecrets {
    /// `SECRET_KEY`: cookies and the like.
    pub secret_key: String,
    /// `SERVICE_SECRET`: proves to Core who asks for a service token.
    pub service_secret: String,
    /// Password of the role `<service>_user`.
    pub database_password: String,
}

impl Secrets {
    /// The secrets of one service; empty ones when the suite has never been prepared for it.
    #[must_use]
    pub fn of(&self, service: &str) -> ServiceSecrets {
        self.services.get(service).cloned().unwrap_or_default()
    }
}

impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Secrets").field("services", &self.services.keys()).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for ServiceSecrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ServiceSecrets(***)")
    }
}
