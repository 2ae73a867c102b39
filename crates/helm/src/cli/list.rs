//! `helm list`: the services of the registry.

use anyhow::Result;

use super::output::say;
use crate::{
    domain::registry::Registry,
    instance::{Layout, options::Options, registry},
    suite,
};

/// The registry of the instance as `helm up` would write it.
pub(super) fn registry_of(layout: &Layout) -> Result<Registry> {
    let options = Options::read(layout)?;
    let addressing = options.addressing();
    Ok(Registry::generate(&registry::authority(layout)?, addressing)?)
}

pub(super) fn run(layout: &Layout) -> Result<()> {
    let registry = registry_of(layout)?;
    let programs = suite::programs()?;
    say!("{:<14} {:<10} {:>6}  {:<28} NEEDS", "SERVICE", "TYPE", "PORT", "URL");
    for name in registry.start_sequence() {
        let Some(entry) = registry.get(name) else { continue };
        let kind = match () {
            () if entry.is_remote() => "remote",
            () if entry.start_command.is_some() => "foreign",
            () if registry::is_present(&programs, name, entry) => "program",
            () => "absent",
        };
        let needs: Vec<&str> =
            entry.servers.iter().chain(&entry.service.dependencies).map(String::as_str).collect();
        say!(
            "{name:<14} {kind:<10} {:>6}  {:<28} {}",
            entry.service.port,
            entry.service.url,
            needs.join(", ")
        );
    }
    Ok(())
}
