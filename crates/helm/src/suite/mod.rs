//! From an instance directory to the list of processes to supervise. Preparing is idempotent: both `helm up` (to show
//! what goes wrong) and the daemon (to know what to run) do it.

mod basis;
mod described;
pub mod handed;
mod servers;
pub mod settle;
mod units;

use std::{collections::BTreeMap, path::Path};

use anyhow::{Context, Result};
use hivematrix_shared::clock::Clock;

pub use self::{
    basis::Basis,
    described::{describe, sync},
    servers::Servers,
};
use self::{described::suite_of, units::Units};
use crate::{
    domain::{
        child_env::{self, Suite},
        keycloak_in_use::{KeycloakInUse, keycloak_in_use},
        master_config::MasterConfig,
        operator::Operator,
        registry::Registry,
        secrets::Secrets,
    },
    instance::{
        Layout,
        databases::Databases,
        files, foreign, installation, master_config,
        options::{Given, Options},
        postgres, registry, secrets,
    },
    supervisor::spec::UnitSpec,
};

/// Unit names of the servers and the helper; no service may have one of them.
pub const POSTGRESQL: &str = "postgresql";
/// See [`POSTGRESQL`].
pub const REDIS: &str = "redis";
/// See [`POSTGRESQL`].
pub const SIMULATOR: &str = registry::SIMULATOR;
/// The same with the folders of the instance that are no service's, and the units of the timers.
const RESERVED: [&str; 8] =
    [POSTGRESQL, REDIS, SIMULATOR, postgres::FOLDER, "scratch", "backup", "log-retention", "audit"];

/// What Codex imports in a demo before it has any plans.
const DEMO_PLANS: &[u8] = include_bytes!("../../../../deploy/demo/billing_plans.json");
/// What KnowledgeTree imports in a demo once.
const DEMO_KNOWLEDGE: &[u8] = include_bytes!("../../../../deploy/demo/knowledge.json");

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
    /// Which servers it has.
    pub servers: Servers,
    /// Everything to supervise, in start order.
    pub units: Vec<UnitSpec>,
    /// Helm's own environment, as a child would be given it.
    pub own_environment: BTreeMap<String, String>,
    /// The generated first password of `admin`, as long as nobody has been shown it.
    pub unseen_admin_password: Option<String>,
    /// What the operator should know.
    pub warnings: Vec<String>,
    /// The gateway's address.
    pub public_url: Option<String>,
    /// The master configuration.
    pub config: MasterConfig,
    /// The identity provider that services are told; `None` for Core's own realm.
    pub keycloak: Option<KeycloakInUse>,
    /// The addresses under which browsers reach the gateway, the main one first.
    pub public_origins: Vec<String>,
}

/// Prepares the instance: folders, options, secrets, registries, servers.
///
/// # Errors
/// In words, naming the part that failed.
pub fn prepare(layout: &Layout, given: &Given, operator: &Operator) -> Result<Prepared> {
    let programs = installation::programs()?;
    let basis = Basis::of(layout, given, operator)?;
    let mut warnings = Vec::new();
    let unseen_admin_password = basis.admin_password.clone().filter(|_| !basis.options.admin_password_shown);
    let (options, registry, secrets) = (&basis.options, &basis.registry, &basis.secrets);
    let servers = Servers::prepare(layout, registry, secrets, options, operator, &mut warnings)?;
    registry::write(layout, registry)?;
    if options.demo.is_some() {
        files::write_private(&layout.home().join(child_env::DEMO_PLANS), DEMO_PLANS)?;
        files::write_private(&layout.home().join(child_env::DEMO_KNOWLEDGE), DEMO_KNOWLEDGE)?;
    }
    let suite = suite_of(layout, &basis, operator, &servers.databases.urls, servers.redis_url.clone())?;
    for synced in foreign::sync(layout, &suite, None, Clock::system().now()) {
        if let Some(error) = synced.error {
            warnings.push(format!("the files of {} are not up to date: {error}", synced.service));
        }
    }
    let prepared = assemble(layout, &programs, basis, servers, &suite)?;
    Ok(Prepared { unseen_admin_password, warnings, ..prepared })
}

/// An instance that root prepared, as the daemon under its own account sees it: nothing is made.
///
/// # Errors
/// When it is not prepared, or a file cannot be read.
pub fn prepared_by_root(layout: &Layout, operator: &Operator) -> Result<Prepared> {
    let programs = installation::programs()?;
    let options = Options::read(layout)?;
    let basis = Basis {
        lock: None,
        registry: registry::generate(layout, &options, &programs)?,
        options,
        secrets: secrets::read(layout)?,
        admin_password: None,
        config: MasterConfig::from(master_config::read(layout)?.document),
    };
    let servers: Servers = files::read_json(&layout.servers())?.with_context(|| {
        format!("{} is not prepared for systemd; run `helm up` as root", layout.home().display())
    })?;
    let suite = suite_of(layout, &basis, operator, &servers.databases.urls, servers.redis_url.clone())?;
    assemble(layout, &programs, basis, servers, &suite)
}

/// From the parts of an instance to everything that runs.
fn assemble(
    layout: &Layout,
    programs: &Path,
    basis: Basis,
    servers: Servers,
    suite: &Suite,
) -> Result<Prepared> {
    let public_origins = basis.public_origins(&suite.operator);
    let Basis { lock, options, registry, secrets, config, .. } = basis;
    let units = Units { layout, programs, options: &options, suite, servers: &servers }.all()?;
    let own = registry.get("helm").map(|entry| suite.environment("helm", entry));
    let public_url = match suite.public_origins().split(',').next() {
        // What the operator chose; else the address that works on this machine.
        Some(first) if suite.config.public_name().is_some() => Some(first.to_owned()),
        _ => registry.get("nexus").map(|nexus| nexus.service.url.clone()),
    };
    drop(lock);
    Ok(Prepared {
        layout: layout.clone(),
        options,
        public_url,
        registry,
        secrets,
        databases: servers.databases.clone(),
        servers,
        units,
        own_environment: own.unwrap_or_default(),
        unseen_admin_password: None,
        warnings: Vec::new(),
        keycloak: keycloak_in_use(&config, &suite.operator),
        config,
        public_origins,
    })
}
