//! From an instance directory to the list of processes to supervise. Preparing is idempotent: both `helm up` (to show
//! what goes wrong) and the daemon (to know what to run) do it.

mod units;

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use hivematrix_shared::config::environment_file;

use self::units::Units;
use crate::{
    domain::{
        child_env::{self, Suite},
        ports,
        registry::Registry,
        secrets::Secrets,
    },
    instance::{
        Layout,
        databases::{self, Databases},
        files,
        options::{Given, Options},
        postgres::{self, Cluster},
        redis::{self, Server},
        registry, secrets,
    },
    supervisor::spec::UnitSpec,
};

/// Unit names of the servers and the helper; no service may have one of them.
pub const POSTGRESQL: &str = "postgresql";
/// See [`POSTGRESQL`].
pub const REDIS: &str = "redis";
/// See [`POSTGRESQL`].
pub const SIMULATOR: &str = registry::SIMULATOR;

/// An instance that is ready to be run.
#[derive(Debug, Clone)]
pub struct Prepared {
    /// Where it lies.
    pub layout: Layout,
    /// What it was told.
    pub options: Options,
    /// Its registry.
    pub registry: Registry,
    /// Its secrets.
    pub secrets: Secrets,
    /// Where its services keep their data.
    pub databases: Databases,
    /// Everything to supervise, in start order.
    pub units: Vec<UnitSpec>,
    /// The generated first password of `admin`, as long as nobody has been shown it.
    pub unseen_admin_password: Option<String>,
    /// What the operator should know.
    pub warnings: Vec<String>,
    /// The gateway's address.
    pub public_url: Option<String>,
}

/// The variables of this process, and the lines of the instance's settings file, that mean something to the suite.
///
/// # Errors
/// When the registry or the settings file cannot be read, or others could read the settings file, which may hold keys.
pub fn operator_variables(layout: &Layout) -> Result<BTreeMap<String, String>> {
    let file = layout.settings_file();
    if let Ok(metadata) = std::fs::metadata(&file)
        && metadata.permissions().mode() & 0o077 != 0
    {
        bail!("others can read {}, which may hold keys: chmod 600 it", file.display());
    }
    let mut variables = environment_file(&file)?;
    variables.extend(std::env::vars());
    let authority = registry::authority(layout)?;
    let services: Vec<&str> =
        authority.core_apps.keys().chain(authority.default_apps.keys()).map(String::as_str).collect();
    variables.retain(|name, _| child_env::is_operator_variable(name, &services));
    Ok(variables)
}

/// The folder of this program: the others lie beside it.
///
/// # Errors
/// When the kernel does not say where this program lies.
pub fn programs() -> Result<PathBuf> {
    let program = std::env::current_exe().context("cannot tell where this program lies")?;
    program.parent().map(Path::to_owned).context("this program lies nowhere")
}

/// What is settled about an instance before anything is run: folders, options, secrets, registry.
pub struct Basis {
    /// Held while somebody prepares the instance.
    lock: files::FileLock,
    /// What it was told.
    pub options: Options,
    /// Its registry.
    pub registry: Registry,
    /// Its secrets.
    pub secrets: Secrets,
    /// The generated first password of `admin`; `None` when the operator gave one.
    pub admin_password: Option<String>,
}

impl Basis {
    /// Reads what is there and makes what is missing.
    ///
    /// # Errors
    /// In words, naming the part that failed.
    pub fn of(layout: &Layout, given: &Given, operator: &BTreeMap<String, String>) -> Result<Self> {
        files::private_dir(layout.home())?;
        for folder in ["helm", "core"] {
            files::private_dir(&layout.folder(folder))?;
        }
        let lock = files::FileLock::take(&layout.prepare_lock())?;
        let mut options = Options::read(layout)?.with(given)?;
        options.admin_password_given |= child_env::given(operator, "HIVEMATRIX_ADMIN_PASSWORD").is_some();
        options.write(layout)?;
        let registry = registry::generate(layout, &options, &programs()?)?;
        if let Some(name) = registry.names().find(|name| [POSTGRESQL, REDIS, SIMULATOR].contains(name)) {
            bail!("a service must not be called {name}");
        }
        for name in registry.names() {
            files::private_dir(&layout.folder(name))?;
        }
        let secrets = secrets::ensure(layout, registry.names())?;
        let admin_password = match options.admin_password_given {
            true => None,
            false => Some(secrets::ensure_admin_password(layout)?),
        };
        Ok(Self { lock, options, registry, secrets, admin_password })
    }

    /// The addresses under which browsers reach the gateway, the main one first.
    #[must_use]
    pub fn public_origins(&self, operator: &BTreeMap<String, String>) -> Vec<String> {
        let list = child_env::public_origins(&self.registry, hostname().as_deref(), &addresses(), operator);
        let normal =
            |text: &str| url::Url::parse(text.trim()).ok().map(|url| url.origin().ascii_serialization());
        list.split(',').filter_map(normal).collect()
    }
}

/// Prepares the instance: folders, options, secrets, registries, servers.
///
/// # Errors
/// In words, naming the part that failed.
pub fn prepare(layout: &Layout, given: &Given, operator: &BTreeMap<String, String>) -> Result<Prepared> {
    let programs = programs()?;
    let basis = Basis::of(layout, given, operator)?;
    let mut warnings = stale_keycloak(&basis, operator);
    let Basis { lock, options, registry, secrets, admin_password } = basis;
    let unseen_admin_password = admin_password.filter(|_| !options.admin_password_shown);
    let servers = Servers::prepare(layout, &registry, &secrets, &options, operator, &mut warnings)?;
    registry::write(layout, &registry)?;
    let suite = Suite {
        home: layout.home().to_owned(),
        services_file: layout.services_json(),
        port_offset: options.port_offset,
        registry: registry.clone(),
        secrets: secrets.clone(),
        database_urls: servers.databases.urls.clone(),
        redis_url: servers.redis_url.clone(),
        hostname: hostname(),
        addresses: addresses(),
        service_secrets_file: layout.service_secrets(),
        admin_password_file: (!options.admin_password_given).then(|| layout.admin_password()),
        simulator: simulator_address(&options, ports::SIMULATOR, &secrets.simulator_api_key)?,
        simulator_rmm: simulator_address(&options, ports::SIMULATOR_RMM, &secrets.simulator_rmm_key)?,
        keycloak: options.keycloak.as_ref().map(|keycloak| (keycloak.url.clone(), keycloak.realm.clone())),
        operator: operator.clone(),
    };
    let units = Units { layout, programs: &programs, options: &options, suite: &suite, servers: &servers };
    let units = units.all()?;
    drop(lock);
    Ok(Prepared {
        layout: layout.clone(),
        options,
        public_url: registry.get("nexus").map(|nexus| nexus.service.url.clone()),
        registry,
        secrets,
        databases: servers.databases,
        units,
        unseen_admin_password,
        warnings,
    })
}

/// Keycloak's pages work only below the address it was told.
fn stale_keycloak(basis: &Basis, operator: &BTreeMap<String, String>) -> Vec<String> {
    let told = basis.options.keycloak.as_ref().map(|keycloak| &keycloak.origins);
    let changed = told.is_some_and(|told| *told != basis.public_origins(operator));
    let warning =
        "the public addresses are not those that Keycloak was told: run `helm keycloak configure` again";
    changed.then(|| warning.to_owned()).into_iter().collect()
}

/// The servers of the suite, run by Helm or given.
struct Servers {
    cluster: Option<Cluster>,
    redis: Option<Server>,
    redis_url: Option<String>,
    databases: Databases,
}

impl Servers {
    fn prepare(
        layout: &Layout,
        registry: &Registry,
        secrets: &Secrets,
        options: &Options,
        operator: &BTreeMap<String, String>,
        warnings: &mut Vec<String>,
    ) -> Result<Self> {
        let cluster = if databases::private_cluster_needed(layout, registry, operator)? {
            let port = ports::shifted(ports::POSTGRES, options.port_offset)?;
            Some(postgres::prepare(layout, port, &secrets.postgres_password)?)
        } else {
            None
        };
        let admin_url =
            cluster.as_ref().map(|c| &c.admin_url).or_else(|| operator.get("HIVEMATRIX_DATABASE_URL"));
        let databases = match admin_url {
            Some(url) => Databases::settle(layout, registry, secrets, operator, url)?,
            None => Databases::given(layout, registry, operator)?,
        };
        let given = child_env::given(operator, "REDIS_URL").map(str::to_owned);
        let needed = registry.iter().any(|(_, entry)| entry.needs_redis() && !entry.is_remote());
        let redis = if given.is_none() && needed {
            let port = ports::shifted(ports::REDIS, options.port_offset)?;
            let server = redis::prepare(layout, port, &secrets.redis_password)?;
            if server.is_none() {
                warnings.push(
                    "Redis is not installed: sessions are kept in memory and end when Core is restarted"
                        .into(),
                );
            }
            server
        } else {
            None
        };
        let redis_url = given.or_else(|| redis.as_ref().map(|server| server.url.clone()));
        Ok(Self { cluster, redis, redis_url, databases })
    }
}

fn simulator_address(options: &Options, port: u16, key: &str) -> Result<Option<(String, String)>> {
    if options.demo.is_none() {
        return Ok(None);
    }
    let port = ports::shifted(port, options.port_offset)?;
    Ok(Some((format!("http://127.0.0.1:{port}"), key.to_owned())))
}

/// The addresses under which others may reach the machine. Link-local ones mean something else on each network.
fn addresses() -> Vec<IpAddr> {
    let interfaces = nix::ifaddrs::getifaddrs().into_iter().flatten();
    let found: BTreeSet<IpAddr> = interfaces
        .filter_map(|interface| {
            let address = interface.address?;
            let v4 = address.as_sockaddr_in().map(|v4| IpAddr::from(v4.ip()));
            v4.or_else(|| address.as_sockaddr_in6().map(|v6| IpAddr::from(v6.ip())))
        })
        .filter(|address| match address {
            IpAddr::V4(v4) => !v4.is_loopback() && !v4.is_link_local() && !v4.is_unspecified(),
            IpAddr::V6(v6) => !v6.is_loopback() && !v6.is_unicast_link_local() && !v6.is_unspecified(),
        })
        .collect();
    found.into_iter().collect()
}

/// The name under which the machine may be reached, when it is a plain one.
fn hostname() -> Option<String> {
    let name = sysinfo::System::host_name().ok()?.to_ascii_lowercase();
    let plain =
        !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.'));
    (plain && name != "localhost").then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lasting_settings_come_from_a_file_that_only_its_owner_reads() {
        let home = tempfile::tempdir().unwrap();
        let layout = Layout::new(home.path().to_owned());
        let file = layout.settings_file();
        let lines = "# the vendor\nFRESHSERVICE_API_KEY=a%b\"c\nUNKNOWN=x\n";
        files::write_private(&file, lines.as_bytes()).unwrap();
        let variables = operator_variables(&layout).unwrap();
        assert_eq!(variables.get("FRESHSERVICE_API_KEY").map(String::as_str), Some("a%b\"c"));
        assert!(!variables.contains_key("UNKNOWN"));

        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o640)).unwrap();
        assert!(operator_variables(&layout).unwrap_err().to_string().contains("chmod 600"));
    }
}
