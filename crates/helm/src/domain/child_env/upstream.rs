//! What the original suite's Python services read (platform.md §4), from the same settings as ours.

use super::{Env, Suite};
use crate::domain::registry::HelmEntry;

/// Variables that Helm writes into the `.flaskenv` of such a service; every other line of that file is its own.
pub const MANAGED: [&str; 27] = [
    "FLASK_APP",
    "FLASK_ENV",
    "ENVIRONMENT",
    "SECRET_KEY",
    "SERVICE_NAME",
    "KEYCLOAK_SERVER_URL",
    "KEYCLOAK_BACKEND_URL",
    "KEYCLOAK_REALM",
    "KEYCLOAK_CLIENT_ID",
    "KEYCLOAK_CLIENT_SECRET",
    "VERIFY_SSL",
    "JWT_PRIVATE_KEY_FILE",
    "JWT_PUBLIC_KEY_FILE",
    "JWT_ISSUER",
    "JWT_ALGORITHM",
    "DB_HOST",
    "DB_PORT",
    "DB_NAME",
    "CORE_SERVICE_URL",
    "NEXUS_SERVICE_URL",
    "HELM_SERVICE_URL",
    "CODEX_SERVICE_URL",
    "NEO4J_URI",
    "NEO4J_USER",
    "NEO4J_PASSWORD",
    "LOG_LEVEL",
    "ENABLE_JSON_LOGGING",
];

/// Services that call Codex.
const ASK_CODEX: [&str; 4] = ["beacon", "ledger", "knowledgetree", "brainhair"];

impl Suite {
    /// Adds what a service of the original suite reads beside the variables that all services get.
    pub(super) fn upstream(&self, env: &mut Env, service: &str, entry: &HelmEntry) {
        env.set("FLASK_APP", entry.run_script.as_deref().unwrap_or("run.py"));
        env.set("FLASK_ENV", self.config.environment_of(service));
        env.set("FLASK_RUN_PORT", entry.service.port.to_string());
        // It knows no authority but those of the system, and calls the gateway by its own certificate.
        env.set("VERIFY_SSL", "False");
        let main = self.public_origins().split(',').next().unwrap_or_default().to_owned();
        env.set("NEXUS_SERVICE_URL", main);
        self.realm(env);
        if ["core", "nexus"].contains(&service) {
            self.realm_client(env);
        }
        if service == "core" {
            let realm = env.0["KEYCLOAK_REALM"].clone();
            let base = env.0["KEYCLOAK_SERVER_URL"].trim_end_matches('/').to_owned();
            let end = format!("/realms/{realm}");
            if !base.ends_with(&end) {
                env.set("KEYCLOAK_SERVER_URL", format!("{base}{end}"));
            }
            env.set("JWT_PRIVATE_KEY_FILE", "keys/jwt_private.pem");
            env.set("JWT_PUBLIC_KEY_FILE", "keys/jwt_public.pem");
            env.set("JWT_ISSUER", "hivematrix-core");
            env.set("JWT_ALGORITHM", "RS256");
        }
        if service == "nexus" {
            env.set("NEXUS_HOST", "0.0.0.0");
            if self.config.environment_of(service) == "production" {
                env.set("USE_GUNICORN", "true");
            }
        }
        if ASK_CODEX.contains(&service) {
            env.set("CODEX_SERVICE_URL", self.url("codex"));
        }
        if let Some((host, port, name)) = self.database_urls.get(service).and_then(|url| address_parts(url)) {
            env.set("DB_HOST", host);
            env.set("DB_PORT", port.to_string());
            env.set("DB_NAME", name);
        }
    }
}

/// Host, port and database of a connection URL.
#[must_use]
pub fn address_parts(url: &str) -> Option<(String, u16, String)> {
    let url = url::Url::parse(url).ok()?;
    let name = url.path().trim_start_matches('/').to_owned();
    Some((url.host_str()?.to_owned(), url.port().unwrap_or(5432), name))
}
