//! Reads the authority and writes the generated registries of an instance.

use std::{fs, path::Path};

use anyhow::{Context, Result};

use super::{Layout, files, options::Options};
use crate::domain::{
    ports,
    registry::{AppsRegistry, HelmEntry, Registry, ServiceEntry},
};

/// The authority as it was built in; an operator's own copy in the instance directory wins over it.
const BUILT_IN: &str = include_str!("../../../../deploy/apps_registry.json");
/// Name of an operator's own registry in the instance directory.
const OWN: &str = "apps_registry.json";

/// The authority of this instance: `<home>/apps_registry.json` if there is one, else the built-in one.
///
/// # Errors
/// When the file cannot be read or is no registry.
pub fn authority(layout: &Layout) -> Result<AppsRegistry> {
    let own = layout.home().join(OWN);
    if own.exists() {
        let text = fs::read(&own).with_context(|| format!("cannot read {}", own.display()))?;
        return serde_json::from_slice(&text)
            .with_context(|| format!("{} is not a valid registry", own.display()));
    }
    built_in()
}

/// The authority as it was built in.
///
/// # Errors
/// Never for a released binary: its own test reads the same text.
pub fn built_in() -> Result<AppsRegistry> {
    serde_json::from_str(BUILT_IN).context("the built-in registry is not valid")
}

/// Name of the simulated ticket system, of its process and of its place behind the gateway.
pub const SIMULATOR: &str = "simulator";

/// The registry of an instance: all services that can run here or run elsewhere, and in a demo the simulated ticket system,
/// so that the links of the board lead to its tickets from other computers as well.
///
/// # Errors
/// When the authority is wrong or a port is out of range.
pub fn generate(layout: &Layout, options: &Options, programs: &Path) -> Result<Registry> {
    let registry = Registry::generate(&authority(layout)?, options.addressing())?;
    let registry = registry.filtered(|name, entry| is_present(programs, name, entry));
    if options.demo.is_none() {
        return Ok(registry);
    }
    Ok(registry.with_guest(SIMULATOR, simulator(ports::shifted(ports::SIMULATOR, options.port_offset)?)))
}

fn simulator(port: u16) -> ServiceEntry {
    ServiceEntry {
        url: format!("http://127.0.0.1:{port}"),
        urls: None,
        // The gateway passes on nothing that has no place in the menu.
        visible: true,
        admin_only: false,
        billing_or_admin_only: false,
        levels: Some(["admin", "technician", "billing"].map(str::to_owned).into()),
        pages: None,
        port,
        title: "Simulated help desk".to_owned(),
        icon: Some("inbox".to_owned()),
        order: u32::MAX,
        start_order: u32::MAX,
        dependencies: Vec::new(),
        timeouts: Default::default(),
    }
}

/// Whether a service runs elsewhere, is foreign, or its program lies beside this one. Helm itself always is.
#[must_use]
pub fn is_present(programs: &Path, name: &str, entry: &HelmEntry) -> bool {
    name == "helm"
        || entry.is_remote()
        || entry.start_command.is_some()
        || programs.join(format!("hivematrix-{name}")).is_file()
}

/// Writes the three generated files (platform.md §3.2). They hold no secrets.
///
/// # Errors
/// When they cannot be written.
pub fn write(layout: &Layout, registry: &Registry) -> Result<()> {
    let home = layout.home();
    files::write_public(&layout.services_json(), registry.services_json().as_bytes())?;
    files::write_public(&home.join("helm_services.json"), registry.helm_services_json().as_bytes())?;
    files::write_public(&home.join("master_services.json"), registry.master_services_json().as_bytes())
}
