//! The environment of each service (platform.md §17): what it needs, nothing it does not.

mod readers;
mod upstream;

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr},
    path::PathBuf,
};

pub use self::{
    readers::{is_operator_variable, is_system_variable},
    upstream::{MANAGED, address_parts},
};
use super::{
    keycloak_in_use::{keycloak_in_use, realm_in_use},
    master_config::{MasterConfig, Neo4j},
    neo4j_in_use::neo4j_in_use,
    operator::Operator,
    registry::{HelmEntry, Registry},
    secrets::Secrets,
};

/// Tickets of the demo's simulated system: a path of the gateway, under whichever address the board was opened.
const TICKET_LINKS: &str = "/simulator/helpdesk/tickets/{ticket_id}";

/// API key of the demo's simulated RMM; the secret is the other one.
pub const RMM_PUBLIC_KEY: &str = "demo";

/// The one component of the demo's simulated RMM, which runs the commands it is given.
const RMM_COMPONENT: &str = "5e1f9a52-0c3b-4d7e-a1b2-c0ffee5a11ed";
/// Prices of the plans that the demo's companies have, below the instance directory.
pub const DEMO_PLANS: &str = "codex/demo_billing_plans.json";
/// Articles that a demo begins with, below the instance directory.
pub const DEMO_KNOWLEDGE: &str = "knowledgetree/demo_knowledge.json";
/// How often KnowledgeTree fetches what is new from a demo's Codex, which itself reads the tickets every minute.
const DEMO_SYNC_SECONDS: &str = "120";

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
    /// The master configuration.
    pub config: MasterConfig,
    /// Lines of their own that foreign services have in their `.flaskenv`, by service.
    pub own_lines: BTreeMap<String, BTreeMap<String, String>>,
    /// What the operator set.
    pub operator: Operator,
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
            "helm" => self.helm(&mut env),
            "beacon" | "ledger" => env.set("CODEX_SERVICE_URL", self.url("codex")),
            "knowledgetree" => self.knowledge(&mut env),
            _ => {}
        }
        if entry.start_command.is_some() {
            self.upstream(&mut env, service, entry);
        }
        self.operator_overrides(&mut env, service);
        if let Some(lines) = self.own_lines.get(service).filter(|_| entry.start_command.is_some()) {
            env.0.extend(lines.clone());
        }
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
        env.set("ENVIRONMENT", self.config.environment_of(service));
        env.set("LOG_LEVEL", self.config.log_level_of(service));
        env.set("ENABLE_JSON_LOGGING", self.config.json_logging().to_string());
        if let Some(url) = self.database_urls.get(service) {
            env.set("DATABASE_URL", url.clone());
        }
        if let Some(url) = self.redis_url.as_ref().filter(|_| entry.needs_redis()) {
            env.set("REDIS_URL", url.clone());
        }
    }

    /// Where KnowledgeTree keeps its tree, when that is a Neo4j, and what a demo's begins with.
    fn knowledge(&self, env: &mut Env) {
        env.set("CODEX_SERVICE_URL", self.url("codex"));
        if self.simulator.is_some() {
            env.set("KNOWLEDGETREE_SEED_FILE", self.home.join(DEMO_KNOWLEDGE).display().to_string());
            env.set("KNOWLEDGETREE_COMPANY_SYNC_SECONDS", DEMO_SYNC_SECONDS);
            env.set("KNOWLEDGETREE_TICKET_SYNC_SECONDS", DEMO_SYNC_SECONDS);
        }
        let Some(neo4j) = self.neo4j() else { return };
        env.set("NEO4J_URI", neo4j.uri);
        env.set("NEO4J_USER", neo4j.user);
        if let Some(password) = neo4j.password {
            env.set("NEO4J_PASSWORD", password);
        }
    }

    /// The Neo4j of the suite, if there is one.
    #[must_use]
    pub fn neo4j(&self) -> Option<Neo4j> {
        neo4j_in_use(&self.config, &self.operator)
    }

    fn realm(&self, env: &mut Env) {
        let (server, backend) = match keycloak_in_use(&self.config, &self.operator) {
            Some(keycloak) => (keycloak.server_url, keycloak.backend_url),
            None => (self.url("core"), self.url("core")),
        };
        env.set("KEYCLOAK_SERVER_URL", server);
        env.set("KEYCLOAK_BACKEND_URL", backend);
        env.set("KEYCLOAK_REALM", realm_in_use(&self.config, &self.operator));
    }

    fn realm_client(&self, env: &mut Env) {
        let id = self.given("KEYCLOAK_CLIENT_ID").map_or_else(|| self.config.client_id(), str::to_owned);
        env.set("KEYCLOAK_CLIENT_ID", id);
        env.set("KEYCLOAK_CLIENT_SECRET", client_secret(&self.config, &self.secrets, &self.operator));
    }

    /// Upstream's way, where its Keycloak stays as it is: a person of the realm `master`, whom Codex and Helm sign in (platform.md
    /// §13). The client that Helm would make is not there then.
    fn is_administered_by_a_person(&self) -> bool {
        let is_given = |name: &str| self.given(name).is_some_and(|value| !value.is_empty());
        keycloak_in_use(&self.config, &self.operator).is_some()
            && !is_given("KEYCLOAK_ADMIN_CLIENT_SECRET")
            && is_given("KEYCLOAK_ADMIN_USER")
            && is_given("KEYCLOAK_ADMIN_PASS")
    }

    fn realm_admin(&self, env: &mut Env) {
        if self.is_administered_by_a_person() {
            return;
        }
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
        if let Some(password) = self.operator.admin_password() {
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

    /// Under systemd it administers the users of the realm by these, since it may not see what Core was started with; that
    /// they are in its environment also starts it again when the realm is another one.
    fn helm(&self, env: &mut Env) {
        self.realm(env);
        self.realm_admin(env);
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

    /// The addresses under which browsers reach the gateway, the best one first (`NEXUS_SERVICE_URL`).
    #[must_use]
    pub fn public_origins(&self) -> String {
        let chosen = self.config.public_name();
        public_origins(
            &self.registry,
            chosen.as_deref(),
            self.hostname.as_deref(),
            &self.addresses,
            &self.operator,
        )
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
        self.operator.get(name)
    }
}

/// The secret by which Core and the gateway prove themselves to the identity provider: the operator's, else that of the
/// master configuration, else the one that Helm made.
#[must_use]
pub fn client_secret(config: &MasterConfig, secrets: &Secrets, operator: &Operator) -> String {
    operator
        .get("KEYCLOAK_CLIENT_SECRET")
        .map(str::to_owned)
        .or_else(|| config.client_secret())
        .unwrap_or_else(|| secrets.keycloak_client_secret.clone())
}

/// See [`Suite::public_origins`]. `chosen` is the name of the master configuration; it comes first.
#[must_use]
pub fn public_origins(
    registry: &Registry,
    chosen: Option<&str>,
    hostname: Option<&str>,
    addresses: &[IpAddr],
    operator: &Operator,
) -> String {
    if let Some(given) = operator.get("NEXUS_SERVICE_URL") {
        return given.to_owned();
    }
    let Some(nexus) = registry.get("nexus") else { return String::new() };
    let port = match nexus.service.port {
        443 => String::new(),
        port => format!(":{port}"),
    };
    let written = |address: &IpAddr| match address {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => format!("[{address}]"),
    };
    let chosen =
        chosen.map(|name| name.parse().map_or_else(|_| name.to_owned(), |address| written(&address)));
    let host = operator.get("NEXUS_HOST").and_then(|host| host.parse().ok());
    let host = host.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
    let addresses = addresses.iter().filter(|address| is_served(address, &host));
    let names = ["localhost", "127.0.0.1"].into_iter().chain(hostname).map(str::to_owned);
    let mut origins: Vec<String> = Vec::new();
    for name in chosen.into_iter().chain(names).chain(addresses.map(written)) {
        let origin = format!("https://{name}{port}");
        if !origins.contains(&origin) {
            origins.push(origin);
        }
    }
    origins.join(",")
}

/// Whether a gateway that listens on `host` is reached by an address of the machine: the two that stand for all of them are
/// `0.0.0.0`, of its family, and `::`, of both.
fn is_served(address: &IpAddr, host: &IpAddr) -> bool {
    match host {
        IpAddr::V4(host) if host.is_unspecified() => address.is_ipv4(),
        IpAddr::V6(host) if host.is_unspecified() => true,
        host => address == host,
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
