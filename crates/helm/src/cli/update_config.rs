//! `helm update-config`: writes the generated registries (platform.md §3.2).

use std::path::Path;

use anyhow::Result;

use super::{UpdateConfigArgs, output::say};
use crate::{
    domain::registry::{Addressing, Registry},
    instance::{Layout, files, options::Options, registry},
    suite,
};

pub(super) fn run(layout: &Layout, args: &UpdateConfigArgs) -> Result<()> {
    if args.default {
        let path = Path::new("services.json");
        let registry = Registry::generate(&registry::built_in()?, Addressing::default())?;
        files::write_public(path, registry.services_json().as_bytes())?;
        say!("Wrote {}", path.display());
        return Ok(());
    }
    files::private_dir(layout.home())?;
    let options = Options::read(layout)?;
    let registry = registry::generate(layout, &options, &suite::programs()?)?;
    registry::write(layout, &registry)?;
    say!("Wrote services.json, helm_services.json and master_services.json in {}", layout.home().display());
    Ok(())
}
