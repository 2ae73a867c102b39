//! `helm update-config`: writes the generated registries (platform.md §3.2).

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use serde_json::json;

use super::{
    UpdateConfigArgs,
    output::{answer, say},
};
use crate::{
    control::{client::ask, protocol::Request},
    domain::registry::{Addressing, Registry},
    instance::{Layout, files, installation, options::Options, registry},
};

pub(super) async fn run(layout: &Layout, args: &UpdateConfigArgs) -> Result<()> {
    if args.default {
        let path = Path::new("services.json");
        let registry = Registry::generate(&registry::built_in()?, Addressing::default())?;
        files::write_public(path, registry.services_json().as_bytes())?;
        return tell(&registry, &[path.to_owned()], args.json);
    }
    let registry = register(layout)?;
    // A suite that runs learns of new services, which can be started then.
    if let Some(reply) = ask(layout, &Request::Reload).await?.filter(|reply| !reply.ok) {
        bail!("the registries are written, but the running suite cannot use them: {}", reply.message);
    }
    let written = registry::FILES.map(|name| layout.home().join(name));
    tell(&registry, &written, args.json)
}

fn tell(registry: &Registry, written: &[PathBuf], json: bool) -> Result<()> {
    if json {
        let services: Vec<&str> = registry.names().collect();
        let facts = json!({ "services": services, "written": written });
        answer(&facts)?;
        return Ok(());
    }
    for path in written {
        say!("Wrote {}", path.display());
    }
    Ok(())
}

/// Looks which services are here now and writes them into the registries.
///
/// # Errors
/// When the registry is wrong, or the files cannot be written.
pub(super) fn register(layout: &Layout) -> Result<Registry> {
    for folder in [layout.home().to_owned(), layout.folder("helm")] {
        files::private_dir(&folder)?;
    }
    let _lock = files::FileLock::take(&layout.prepare_lock())?;
    let options = Options::read(layout)?;
    let registry = registry::generate(layout, &options, &installation::programs()?)?;
    registry::write(layout, &registry)?;
    Ok(registry)
}
