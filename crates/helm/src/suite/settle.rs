//! A prepared instance for systemd: units and environment files as they must be now, everything in the right hands.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};

use super::{Prepared, handed};
use crate::{
    domain::{
        ports,
        registry::Registry,
        systemd::{self, OwnServers, Places, ServerCommand, environment},
    },
    instance::{
        Layout, files, foreign,
        install::{
            Change, Step, companion_steps, make_accounts,
            ownership::{account, give, give_all},
            sysusers_path, unit_steps,
        },
        installation::Installation,
        neo4j,
        postgres::{self, Cluster},
        redis::{self, Server},
    },
};

/// What was other than before.
#[derive(Debug, Default)]
pub struct Settled {
    /// Units were written: systemd must read them again.
    pub units: bool,
    /// Services whose environment changed.
    pub environments: Vec<String>,
    /// Accounts that were made.
    pub accounts: Vec<String>,
    /// Units of services that are no longer here, which systemd knows until it reads its files again.
    pub gone: Vec<String>,
}

/// Writes units and environment files of a prepared instance and gives each folder to its account.
///
/// # Errors
/// When something cannot be written, or an account is missing.
pub fn settle(installation: &mut Installation, prepared: &Prepared, programs: &Path) -> Result<Settled> {
    let places = installation.places.clone();
    let (layout, registry) = (&prepared.layout, &prepared.registry);
    files::write_json(&layout.servers(), &prepared.servers)?;
    let mut settled = Settled::default();
    let root = Path::new("/");
    let steps = unit_steps(registry, &own_servers(layout, prepared)?, &places, &installation.units);
    let gone = outdated_units(installation, &steps);
    for step in &steps {
        settled.units |= step.carry_out(root)? == Change::Done;
        installation.files.insert(step.path().to_owned());
    }
    for path in gone {
        settled.units |= fs::remove_file(&path).is_ok();
        settled.gone.extend(path.file_name().map(|name| name.to_string_lossy().into_owned()));
        installation.files.remove(&path);
    }
    // Services that were found beside the instance since it was installed need theirs as well.
    for step in companion_steps(registry, &places) {
        step.carry_out(root)?;
        installation.files.insert(step.path().to_owned());
    }
    installation.write(programs)?;
    settled.accounts = make_accounts(&systemd::accounts(registry), sysusers_path(), &places.home)?;
    for (service, environment) in handed::environments(prepared) {
        let text = environment::write(environment).with_context(|| format!("the settings of {service}"))?;
        let path = systemd::environment_path(&places, service);
        if Step::file(path.clone(), text, 0o600).carry_out(root)? == Change::Done {
            settled.environments.push(service.to_owned());
        }
        give(&path, account(&systemd::account(service))?)?;
    }
    handed::note(prepared)?;
    hand_over(layout, registry, &places)?;
    for (name, entry) in registry.iter().filter(|(_, entry)| foreign::is_upstream(layout, entry)) {
        // Where nothing was written, preparing has said so.
        if foreign::is_its_place(layout, name, entry).is_ok() {
            foreign::hand_over(layout, name, entry)?;
        }
    }
    Ok(settled)
}

/// The units of services that are no longer here.
fn outdated_units(installation: &Installation, steps: &[Step]) -> Vec<PathBuf> {
    let is_unit = |path: &&PathBuf| path.parent() == Some(&installation.units);
    let wanted = |path: &&PathBuf| steps.iter().any(|step| step.path() == path.as_path());
    installation.files.iter().filter(is_unit).filter(|path| !wanted(path)).cloned().collect()
}

fn own_servers(layout: &Layout, prepared: &Prepared) -> Result<OwnServers> {
    let port = |base| ports::shifted(base, prepared.options.port_offset);
    let (cluster, redis) = (&prepared.servers.cluster, &prepared.servers.redis);
    let postgresql = cluster.as_ref().map(|cluster: &Cluster| {
        let (program, args) = (cluster.program.clone(), cluster.args.clone());
        let folder = layout.folder(postgres::FOLDER);
        port(ports::POSTGRES).map(|port| ServerCommand { program, args, folder, port })
    });
    let redis = redis.as_ref().map(|server: &Server| {
        let (program, args) = (server.program.clone(), vec![server.config.display().to_string()]);
        let folder = layout.folder(redis::FOLDER);
        port(ports::REDIS).map(|port| ServerCommand { program, args, folder, port })
    });
    let neo4j = prepared.servers.neo4j.as_ref().map(|server| ServerCommand {
        program: server.program.clone(),
        args: server.args.clone(),
        folder: layout.folder(neo4j::FOLDER),
        port: server.port,
    });
    Ok(OwnServers { postgresql: postgresql.transpose()?, redis: redis.transpose()?, neo4j })
}

/// Each folder to its account: nobody reads what belongs to another service. The rest is Helm's.
fn hand_over(layout: &Layout, registry: &Registry, places: &Places) -> Result<()> {
    let services = registry.names().map(|name| (name, name));
    let owners: BTreeMap<&str, &str> = services
        .chain([(postgres::FOLDER, "postgresql"), (redis::FOLDER, "redis"), (neo4j::FOLDER, "neo4j")])
        .collect();
    let helm = account(&systemd::account("helm"))?;
    give(layout.home(), helm)?;
    for entry in fs::read_dir(layout.home())? {
        let entry = entry?;
        if !entry.file_type()?.is_dir() {
            give(&entry.path(), helm)?;
            continue;
        }
        match entry.file_name().to_str().and_then(|name| owners.get(name)) {
            Some(owner) => give_all(&entry.path(), account(&systemd::account(owner))?)?,
            None => give_all(&entry.path(), helm)?,
        }
    }
    give_all(&places.backups, helm)
}
