//! The environment of each service (platform.md §17): what it needs, nothing it does not.

use std::{collections::BTreeMap, net::IpAddr, path::PathBuf};

use super::{
    registry::{HelmEntry, Registry},
    secrets::Secrets,
};

/// Variables of the operator's shell that every child may see.
const SYSTEM: [&str; 9] =
    ["PATH", "LANG", "LC_ALL", "TZ", "TMPDIR", "RUST_LOG", "RUST_BACKTRACE", "SSL_CERT_FILE", "SSL_CERT_DIR"];

/// Tickets of the demo's simulated system: a path of the gateway, under whichever address the board was opened.
const TICKET_LINKS: &str = "/simulator/helpdesk/tickets/{ticket_id}";

/// API key of the demo's simulated RMM; the secret is the other one.
pub const RMM_PUBLIC_KEY: &str = "demo";

/// The one component of the demo's simulated RMM, which runs the commands it is given.
const RMM_COMPONENT: &str = "5e1f9a52-0c3b-4d7e-a1b2-c0ffee5a11ed";
/// Prices of the plans that the demo's companies have, below the instance directory.
pub const DEMO_PLANS: &str = "codex/demo_billing_plans.json";

/// Documented variables that every service reads.
const COMMON: [&str; 7] = [
    "LOG_LEVEL",
    "ENABLE_JSON_LOGGING",
    "LOG_SHIPPING",
    "VERIFY_SSL",
    "HIVEMATRIX_RATE_LIMIT_SCALE",
    "HIVEMATRIX_COMPAT_SERVICE_WRITES",
    "HIVEMATRIX_VERSION",
];

/// Documented variables of one service; a name that ends in `*` stands for all with that beginning. The service's own
/// name as a beginning (`CODEX_…`) need not be listed.
fn documented(service: &str) -> &'static [&'static str] {
    match service {
        "core" => &["JWT_*", "HIVEMATRIX_COMPAT_OPEN_SERVICE_TOKEN"],
        "nexus" => &["BEHIND_PROXY", "TRUSTED_PROXIES"],
        "codex" => &[
            "FRESHSERVICE_*",
            "SUPEROPS_*",
            "DATTO_*",
            "PSA_*",
            "RMM_*",
            "SYNC_*",
            "WEBHOOKS_*",
            "BILLING_PLANS_FILE",
            "DATABASE_CONNECTIONS",
            "TICKET_SYNC_INTERVAL_SECONDS",
            "KEYCLOAK_ADMIN_USER",
            "KEYCLOAK_ADMIN_PASS",
        ],
        "beacon" => &[
            "SIREN_THRESHOLD",
            "AUTO_REFRESH_INTERVAL_SECONDS",
            "PROFESSIONAL_SERVICES_GROUP_*",
            "DISPLAY_*",
            "PUBLIC_DISPLAY_ENABLED",
            "VIEWS",
            "CODEX_SERVICE_URL",
        ],
        _ => &[],
    }
}

/// What the suite tells its services.
#[derive(Debug, Clone)]
pub struct Suite {
    /// Absolute instance directory.
    pub home: PathBuf,
    /// The registry file handed to the services.
    pub services_file: PathBuf,
    /// `HIVEMATRIX_PORT_OFFSET`.
    pub port_offset: u16,
    /// The generated registry.
    pub registry: Registry,
    /// Generated secrets.
    pub secrets: Secrets,
    /// Connection URL by service, for those with a database.
    pub database_urls: BTreeMap<String, String>,
    /// Connection URL of Redis, if there is one.
    pub redis_url: Option<String>,
    /// Name or address under which the machine is reached besides `localhost`.
    pub hostname: Option<String>,
    /// The addresses of this machine in its networks.
    pub addresses: Vec<IpAddr>,
    /// Where Core reads the hashes of the service secrets.
    pub service_secrets_file: PathBuf,
    /// Where the generated first password of `admin` is kept; `None` when the operator gave one.
    pub admin_password_file: Option<PathBuf>,
    /// Address and API key of the simulated ticket system, in demo mode.
    pub simulator: Option<(String, String)>,
    /// Address and API secret key of the simulated RMM, in demo mode.
    pub simulator_rmm: Option<(String, String)>,
    /// Base URL and realm of the Keycloak that the instance remembers, instead of Core's own realm.
    pub keycloak: Option<(String, String)>,
    /// Documented variables of the operator's shell.
    pub operator: BTreeMap<String, String>,
}

impl Suite {
    /// The complete environment of `service`.
    #[must_use]
    pub fn environment(&self, service: &str, entry: &HelmEntry) -> BTreeMap<String, String> {
        let mut env = Env::default();
        self.common(&mut env, service, entry);
        match service {
            "core" => self.core(&mut env),
            "nexus" => self.nexus(&mut env, entry),
            "codex" => self.codex(&mut env),
            "beacon" => env.set("CODEX_SERVICE_URL", self.url("codex")),
            _ => {}
        }
        self.operator_overrides(&mut env, service);
        env.0
    }

    fn common(&self, env: &mut Env, service: &str, entry: &HelmEntry) {
        let secrets = self.secrets.of(service);
        env.set("HIVEMATRIX_HOME", self.home.display().to_string());
        env.set("HIVEMATRIX_SERVICES_FILE", self.services_file.display().to_string());
        env.set("HIVEMATRIX_PORT_OFFSET", self.port_offset.to_string());
        env.set("SERVICE_NAME", service);
        env.set("SERVICE_PORT", entry.service.port.to_string());
        env.set("SECRET_KEY", secrets.secret_key);
        env.set("SERVICE_SECRET", secrets.service_secret);
        env.set("CORE_SERVICE_URL", self.core_urls(entry));
        env.set("HELM_SERVICE_URL", self.url("helm"));
        env.set("NEXUS_SERVICE_URL", self.public_origins());
        env.set("LOG_LEVEL", "INFO");
        env.set("ENABLE_JSON_LOGGING", "true");
        if let Some(url) = self.database_urls.get(service) {
            env.set("DATABASE_URL", url.clone());
        }
        if let Some(url) = self.redis_url.as_ref().filter(|_| entry.needs_redis()) {
            env.set("REDIS_URL", url.clone());
        }
        if entry.start_command.is_some() {
            // Upstream's services read these two (platform.md §4).
            env.set("FLASK_APP", "run.py");
            env.set("FLASK_ENV", "production");
        }
    }

    fn realm(&self, env: &mut Env) {
        let own = || match &self.keycloak {
            Some((url, _)) => url.clone(),
            None => self.url("core"),
        };
        let realm_url = self.given("KEYCLOAK_SERVER_URL").map_or_else(own, str::to_owned);
        let backend = self.given("KEYCLOAK_BACKEND_URL").unwrap_or(&realm_url).to_owned();
        let remembered = self.keycloak.as_ref().map_or("hivematrix", |(_, realm)| realm);
        env.set("KEYCLOAK_SERVER_URL", realm_url);
        env.set("KEYCLOAK_BACKEND_URL", backend);
        env.set("KEYCLOAK_REALM", self.given("KEYCLOAK_REALM").unwrap_or(remembered));
    }

    fn realm_client(&self, env: &mut Env) {
        env.set("KEYCLOAK_CLIENT_ID", self.given("KEYCLOAK_CLIENT_ID").unwrap_or("core-client"));
        let secret = self.given("KEYCLOAK_CLIENT_SECRET").unwrap_or(&self.secrets.keycloak_client_secret);
        env.set("KEYCLOAK_CLIENT_SECRET", secret);
    }

    fn realm_admin(&self, env: &mut Env) {
        env.set(
            "KEYCLOAK_ADMIN_CLIENT_ID",
            self.given("KEYCLOAK_ADMIN_CLIENT_ID").unwrap_or("hivematrix-admin"),
        );
        let secret =
            self.given("KEYCLOAK_ADMIN_CLIENT_SECRET").unwrap_or(&self.secrets.keycloak_admin_client_secret);
        env.set("KEYCLOAK_ADMIN_CLIENT_SECRET", secret);
    }

    fn core(&self, env: &mut Env) {
        self.realm(env);
        self.realm_client(env);
        self.realm_admin(env);
        env.set("SERVICE_SECRETS_FILE", self.service_secrets_file.display().to_string());
        if let Some(password) = self.given("HIVEMATRIX_ADMIN_PASSWORD") {
            env.set("HIVEMATRIX_ADMIN_PASSWORD", password);
        } else if let Some(file) = &self.admin_password_file {
            env.set("HIVEMATRIX_ADMIN_PASSWORD_FILE", file.display().to_string());
        }
        if self.simulator.is_some() {
            env.set("HIVEMATRIX_DEMO_USERS", "true");
        }
    }

    fn nexus(&self, env: &mut Env, entry: &HelmEntry) {
        self.realm(env);
        self.realm_client(env);
        env.set("NEXUS_PORT", entry.service.port.to_string());
        env.set("HIVEMATRIX_PORT", entry.service.port.to_string());
    }

    fn codex(&self, env: &mut Env) {
        self.realm(env);
        self.realm_admin(env);
        if let Some((url, key)) = &self.simulator {
            env.set("FRESHSERVICE_BASE_URL", url.clone());
            env.set("FRESHSERVICE_API_KEY", key.clone());
            env.set("TICKET_SYNC_INTERVAL_SECONDS", "60");
            env.set("BILLING_PLANS_FILE", self.home.join(DEMO_PLANS).display().to_string());
            // Its own address is known on this machine only. Another vendor has links of its own.
            if ["FRESHSERVICE_BASE_URL", "FRESHSERVICE_DOMAIN"].iter().all(|name| self.given(name).is_none())
            {
                env.set("FRESHSERVICE_TICKET_URL_TEMPLATE", TICKET_LINKS);
            }
        }
        // All of it or none: the keys and the component of one account mean nothing to another.
        if let Some((url, key)) =
            self.simulator_rmm.as_ref().filter(|_| self.given("DATTO_BASE_URL").is_none())
        {
            env.set("DATTO_BASE_URL", url.clone());
            env.set("DATTO_PUBLIC_KEY", RMM_PUBLIC_KEY);
            env.set("DATTO_SECRET_KEY", key.clone());
            env.set("DATTO_COMMAND_COMPONENT", RMM_COMPONENT);
        }
    }

    fn operator_overrides(&self, env: &mut Env, service: &str) {
        let own = format!("{}_", service.to_uppercase());
        for (name, value) in &self.operator {
            let listed = SYSTEM.contains(&name.as_str())
                || COMMON.contains(&name.as_str())
                || documented(service).iter().any(|pattern| matches(pattern, name));
            let by_prefix = name.starts_with(&own)
                && !name.ends_with("_DATABASE_URL")
                && !name.ends_with("_SERVICE_URL")
                && name != "NEXUS_PORT";
            if listed || by_prefix {
                env.set(name, value.clone());
            }
        }
    }

    /// The addresses under which browsers reach the gateway, the best one first (`NEXUS_SERVICE_URL`).
    #[must_use]
    pub fn public_origins(&self) -> String {
        public_origins(&self.registry, self.hostname.as_deref(), &self.addresses, &self.operator)
    }

    fn url(&self, service: &str) -> String {
        self.registry.get(service).map(|entry| entry.service.url.clone()).unwrap_or_default()
    }

    /// Where Core is: what the operator says, else every instance of the registry. Upstream's services know one.
    fn core_urls(&self, entry: &HelmEntry) -> String {
        let registered = self.registry.get("core").and_then(|core| core.service.urls.clone());
        let all = match (self.given("CORE_SERVICE_URL"), registered) {
            (Some(given), _) => given.to_owned(),
            (None, Some(urls)) => urls.join(","),
            (None, None) => self.url("core"),
        };
        match entry.start_command {
            Some(_) => all.split(',').next().unwrap_or_default().trim().to_owned(),
            None => all,
        }
    }

    fn given(&self, name: &str) -> Option<&str> {
        given(&self.operator, name)
    }
}

/// What the operator set a variable to; an empty one is not set.
#[must_use]
pub fn given<'a>(operator: &'a BTreeMap<String, String>, name: &str) -> Option<&'a str> {
    operator.get(name).map(String::as_str).filter(|value| !value.is_empty())
}

/// See [`Suite::public_origins`].
#[must_use]
pub fn public_origins(
    registry: &Registry,
    hostname: Option<&str>,
    addresses: &[IpAddr],
    operator: &BTreeMap<String, String>,
) -> String {
    if let Some(given) = given(operator, "NEXUS_SERVICE_URL") {
        return given.to_owned();
    }
    let Some(nexus) = registry.get("nexus") else { return String::new() };
    let port = match nexus.service.port {
        443 => String::new(),
        port => format!(":{port}"),
    };
    let addresses = addresses.iter().map(|address| match address {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => format!("[{address}]"),
    });
    let names = ["localhost", "127.0.0.1"].into_iter().chain(hostname).map(str::to_owned).chain(addresses);
    names.map(|name| format!("https://{name}{port}")).collect::<Vec<_>>().join(",")
}

/// Whether a variable of the operator's shell means anything to the suite; others are not kept.
#[must_use]
pub fn is_operator_variable(name: &str, services: &[&str]) -> bool {
    const SUITE: [&str; 4] =
        ["HIVEMATRIX_ADMIN_PASSWORD", "NEXUS_SERVICE_URL", "REDIS_URL", "HIVEMATRIX_DATABASE_URL"];
    SYSTEM.contains(&name)
        || COMMON.contains(&name)
        || SUITE.contains(&name)
        || name.starts_with("KEYCLOAK_")
        || services.iter().any(|service| {
            name.starts_with(&format!("{}_", service.to_uppercase()))
                || documented(service).iter().any(|pattern| matches(pattern, name))
        })
}

fn matches(pattern: &str, name: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(beginning) => name.starts_with(beginning),
        None => pattern == name,
    }
}

#[derive(Default)]
struct Env(BTreeMap<String, String>);

impl Env {
    fn set(&mut self, name: &str, value: impl Into<String>) {
        self.0.insert(name.to_owned(), value.into());
    }
}

#[cfg(test)]
mod tests;
