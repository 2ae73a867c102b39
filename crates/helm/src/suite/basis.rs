//! What is settled about an instance before anything is run: folders, options, secrets, registry.

use anyhow::{Result, bail};

use super::RESERVED;
use crate::{
    domain::{
        child_env, master_config::MasterConfig, operator::Operator, registry::Registry, secrets::Secrets,
    },
    instance::{
        Layout, files, installation,
        machine::{addresses, hostname},
        master_config,
        options::{Given, Options},
        registry, secrets,
    },
};

/// What is settled about an instance before anything is run: folders, options, secrets, registry.
pub struct Basis {
    /// Held while somebody prepares the instance; whoever only reads it holds nothing.
    pub(super) lock: Option<files::FileLock>,
    /// What it was told.
    pub options: Options,
    /// Its registry.
    pub registry: Registry,
    /// Its secrets.
    pub secrets: Secrets,
    /// The generated first password of `admin`; `None` when the operator gave one.
    pub admin_password: Option<String>,
    /// The master configuration.
    pub config: MasterConfig,
}

impl Basis {
    /// Reads what is there and makes what is missing.
    ///
    /// # Errors
    /// In words, naming the part that failed.
    pub fn of(layout: &Layout, given: &Given, operator: &Operator) -> Result<Self> {
        files::private_dir(layout.home())?;
        for folder in ["helm", "core"] {
            files::private_dir(&layout.folder(folder))?;
        }
        let lock = files::FileLock::take(&layout.prepare_lock())?;
        let mut options = Options::read(layout)?.with(given)?;
        options.admin_password_given |= operator.admin_password().is_some();
        options.write(layout)?;
        let config = MasterConfig::from(master_config::ensure(layout, &options)?.document);
        let registry = registry::generate(layout, &options, &installation::programs()?)?;
        if let Some(name) = registry.names().find(|name| RESERVED.contains(name)) {
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
        Ok(Self { lock: Some(lock), options, registry, secrets, admin_password, config })
    }

    /// The addresses under which browsers reach the gateway, the main one first.
    #[must_use]
    pub fn public_origins(&self, operator: &Operator) -> Vec<String> {
        let chosen = self.config.public_name();
        let (hostname, addresses) = (hostname(), addresses());
        let list = child_env::public_origins(
            &self.registry,
            chosen.as_deref(),
            hostname.as_deref(),
            &addresses,
            operator,
        );
        let normal =
            |text: &str| url::Url::parse(text.trim()).ok().map(|url| url.origin().ascii_serialization());
        list.split(',').filter_map(normal).collect()
    }
}
