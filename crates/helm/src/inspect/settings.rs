//! What the suite was told: switches, addresses of servers, and secrets that can be guessed. No secret leaves this file.

use std::{
    collections::BTreeSet,
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use hivematrix_shared::config::{FileKey, FileValues, parse_bool};
use serde_json::Value;
use url::Url;

use crate::{
    domain::{
        audit::checks::{Mail, Place, Server, weakness},
        keycloak_in_use::{KeycloakInUse, keycloak_in_use},
        master_config::{Document, MasterConfig},
        neo4j_in_use::neo4j_in_use,
        operator::Operator,
        ports,
        registry::Registry,
    },
    instance::{Layout, beneath, certificate, databases, master_config, operator, options::Options, secrets},
};

const SCALE: &str = "HIVEMATRIX_RATE_LIMIT_SCALE";
const SWITCHES: [&str; 2] = ["HIVEMATRIX_COMPAT_OPEN_SERVICE_TOKEN", "HIVEMATRIX_COMPAT_SERVICE_WRITES"];
/// Endings of variables that hold a secret.
const SECRET_ENDINGS: [&str; 5] = ["_PASSWORD", "_PASS", "_SECRET", "_TOKEN", "_KEY"];

/// What the audit has to know of the settings.
pub(super) struct Settings {
    pub servers: Vec<Server>,
    pub weak_secrets: Vec<(String, &'static str)>,
    pub certificate_file: PathBuf,
    pub rate_limit_scale: Option<String>,
    pub open_switches: Vec<String>,
    pub tls_unverified: bool,
    pub keycloak: Option<KeycloakInUse>,
    /// Address of Ledger's database, or what is wrong with it.
    pub bills: Option<Result<String, String>>,
    pub mail: Mail,
    pub unread: Vec<String>,
}

impl Settings {
    pub fn read(layout: &Layout, registry: &Registry, options: &Options) -> Self {
        let mut unread = Vec::new();
        let told = operator::of_suite(layout).unwrap_or_else(|error| {
            unread.push(format!("{error:#}"));
            Operator::default()
        });
        let set = |name: &str| told.get(name).map(str::to_owned);
        let on = |name: &str| set(name).is_some_and(|value| parse_bool(&value) == Ok(true));
        let mut weak_secrets = weak_variables(&told);
        weak_secrets.extend(weak_generated(layout));
        let config = match master_config::read(layout) {
            Ok(stored) => {
                weak_secrets.extend(weak_configured(&stored.document));
                MasterConfig::from(stored.document)
            }
            Err(error) => {
                unread.push(format!("{error:#}"));
                MasterConfig::default()
            }
        };
        let graph = neo4j_in_use(&config, &told);
        let addresses = addresses(layout, registry, options, &told, graph.map(|it| it.uri), &mut unread);
        weak_secrets.extend(weak_in_addresses(&addresses));
        Self {
            servers: servers(&addresses),
            weak_secrets,
            certificate_file: certificate::gateway_file(layout, told.get("NEXUS_CERT_FILE")),
            rate_limit_scale: set(SCALE),
            open_switches: SWITCHES.into_iter().filter(|name| on(name)).map(str::to_owned).collect(),
            tls_unverified: set("VERIFY_SSL").is_some_and(|value| parse_bool(&value) == Ok(false)),
            keycloak: keycloak_in_use(&config, &told),
            bills: database_of_bills(layout, registry, &told),
            mail: mail(&told),
            unread,
        }
    }
}

/// Where Ledger keeps its bills.
fn database_of_bills(
    layout: &Layout,
    registry: &Registry,
    told: &Operator,
) -> Option<Result<String, String>> {
    registry.get("ledger").filter(|entry| entry.needs_database() && !entry.is_remote())?;
    let own = secrets::read(layout).ok()?;
    match databases::url_of(layout, "ledger", &own, told) {
        Ok(url) => Some(Ok(url)),
        Err(error) => Some(Err(format!("{error:#}"))),
    }
}

/// How Ledger sends mails.
fn mail(told: &Operator) -> Mail {
    let Some(host) = told.get("SMTP_HOST").map(str::trim).filter(|host| !host.is_empty()) else {
        return Mail::Off;
    };
    let is_open =
        told.get("SMTP_SECURITY").is_some_and(|security| security.trim().eq_ignore_ascii_case("none"));
    match is_open && !is_this_machine(host) {
        true => Mail::Open { with_password: told.get("SMTP_PASSWORD").is_some_and(|text| !text.is_empty()) },
        false => Mail::Closed,
    }
}

/// Whether a name of a host is this machine.
pub(super) fn is_this_machine(host: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.to_canonical().is_loopback())
}

/// Whether the running suite, else the owner of its files, is root.
pub(super) fn runs_as_root(layout: &Layout) -> bool {
    let daemon = daemon(layout).and_then(|folder| fs::metadata(folder).ok());
    daemon.or_else(|| fs::metadata(layout.home()).ok()).is_some_and(|metadata| metadata.uid() == 0)
}

/// The daemon's folder below `/proc`, while it runs.
fn daemon(layout: &Layout) -> Option<PathBuf> {
    let pid: u32 = fs::read_to_string(layout.daemon_lock()).ok()?.trim().parse().ok()?;
    let folder = Path::new("/proc").join(pid.to_string());
    let comm = fs::read_to_string(folder.join("comm")).ok()?;
    (comm.trim() == "helm").then_some(folder)
}

/// Name of a server, the setting its address comes from, the address.
type Address = (&'static str, String, Url);

/// Addresses of the servers that keep the suite's data.
fn addresses(
    layout: &Layout,
    registry: &Registry,
    options: &Options,
    told: &Operator,
    graph: Option<String>,
    unread: &mut Vec<String>,
) -> Vec<Address> {
    const NEO4J: &[FileKey] = &[FileKey::new("database", "neo4j_uri", "NEO4J_URI")];
    let mut found = Vec::new();
    let mut take = |server, setting: String, text: &str| {
        // What is no address is no server; the service that is given it says so.
        found.extend(Url::parse(text).ok().map(|url| (server, setting, url)));
    };
    let own = secrets::read(layout).unwrap_or_default();
    for (name, _) in registry.iter().filter(|(_, entry)| entry.needs_database() && !entry.is_remote()) {
        match databases::url_of(layout, name, &own, told) {
            Ok(url) => take("PostgreSQL", format!("database of {name}"), &url),
            Err(error) => unread.push(format!("database of {name}: {error:#}")),
        }
    }
    match told.redis() {
        Some(url) => take("Redis", "REDIS_URL".to_owned(), url),
        None => {
            let port = ports::shifted(ports::REDIS, options.port_offset).unwrap_or(ports::REDIS);
            let password = if own.redis_password.is_empty() { "-" } else { &own.redis_password };
            take("Redis", "redis_password".to_owned(), &format!("redis://:{password}@127.0.0.1:{port}"));
        }
    }
    let neo4j = graph.or_else(|| {
        let read = |path: &Path| beneath::read_text(path);
        let values = FileValues::read_by(layout.home(), "knowledgetree", NEO4J, read).ok()?;
        values.get("NEO4J_URI").map(str::to_owned)
    });
    if let Some(uri) = neo4j {
        take("Neo4j", "NEO4J_URI".to_owned(), &uri);
    }
    found
}

/// Each server once.
fn servers(addresses: &[Address]) -> Vec<Server> {
    let mut servers: Vec<Server> = Vec::new();
    for (name, _, url) in addresses {
        let host = url.host_str().unwrap_or("localhost");
        let place = if is_this_machine(host) {
            Place::Here(url.port().unwrap_or(match *name {
                "PostgreSQL" => 5432,
                "Redis" => 6379,
                _ => 7687,
            }))
        } else {
            Place::Elsewhere { host: host.to_owned(), encrypted: is_encrypted(url) }
        };
        let server = Server { name, place };
        if !servers.contains(&server) {
            servers.push(server);
        }
    }
    for name in ["PostgreSQL", "Redis", "Neo4j"] {
        if !servers.iter().any(|server| server.name == name) {
            servers.push(Server { name, place: Place::Unused });
        }
    }
    servers
}

fn is_encrypted(url: &Url) -> bool {
    let insists = url.query_pairs().any(|(name, value)| {
        name == "sslmode" && matches!(value.as_ref(), "require" | "verify-ca" | "verify-full")
    });
    insists || url.scheme() == "rediss" || url.scheme().ends_with("+s") || url.scheme().ends_with("+ssc")
}

fn weak_variables(told: &Operator) -> Vec<(String, &'static str)> {
    let is_secret = |name: &str| {
        SECRET_ENDINGS.iter().any(|ending| name.ends_with(ending)) && !name.ends_with("_PUBLIC_KEY")
    };
    let weak = |(name, value): (&String, &String)| {
        let reason = weakness(value).filter(|_| !value.is_empty())?;
        Some((name.clone(), reason))
    };
    told.iter().filter(|(name, _)| is_secret(name)).filter_map(weak).collect()
}

fn weak_in_addresses(addresses: &[Address]) -> Vec<(String, &'static str)> {
    let weak = |(_, setting, url): &Address| {
        // By a certificate or the account of the system nobody needs a password.
        let password = url.password()?;
        let plain = databases::percent_decoded(password);
        weakness(&plain).map(|reason| (setting.clone(), reason))
    };
    let found: BTreeSet<_> = addresses.iter().filter_map(weak).collect();
    found.into_iter().collect()
}

/// The secrets that the suite made itself, as long as nobody has changed the file.
fn weak_generated(layout: &Layout) -> Vec<(String, &'static str)> {
    let Ok(secrets) = secrets::read(layout) else { return Vec::new() };
    let mut weak = Vec::new();
    leaves("secrets.json", &serde_json::to_value(secrets).unwrap_or_default(), &mut weak);
    weak
}

/// The secrets of the master configuration.
fn weak_configured(document: &Document) -> Vec<(String, &'static str)> {
    let (_, secret) = document.split();
    let mut weak = Vec::new();
    leaves("master_secrets.json", &secret.value(), &mut weak);
    weak
}

fn leaves(name: &str, value: &Value, weak: &mut Vec<(String, &'static str)>) {
    match value {
        Value::Object(members) => {
            for (member, value) in members {
                leaves(&format!("{name} {member}"), value, weak);
            }
        }
        // One that is empty is made with the next start.
        Value::String(text) if text.is_empty() => {}
        Value::String(text) => weak.extend(weakness(text).map(|reason| (name.to_owned(), reason))),
        _ => {}
    }
}

#[cfg(test)]
mod tests;
