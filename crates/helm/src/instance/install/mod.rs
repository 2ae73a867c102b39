//! Putting the suite in place for systemd (helm.md §11): programs, units, accounts, folders and permissions.

mod accounts;
pub mod compat;
pub mod ownership;
mod step;

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};

pub use self::{
    accounts::make_accounts,
    step::{Change, Step},
};
use super::{
    build::{Build, VERSION, previous},
    installation::{Installation, NOTE},
};
use crate::domain::{
    registry::Registry,
    systemd::{self, OwnServers, Places},
};

/// Where an administrator's units lie.
pub const UNITS: &str = "/etc/systemd/system";
/// Where the accounts are described.
const SYSUSERS: &str = "/usr/lib/sysusers.d/hivematrix.conf";
/// Helm's leave to start and stop.
const POLKIT: &str = "/etc/polkit-1/rules.d/50-hivematrix.rules";
/// The command line for everybody.
const COMMAND: &str = "/usr/local/bin/helm";

/// What is put where.
pub struct Plan {
    /// In this order.
    pub steps: Vec<Step>,
    /// What is noted of it.
    pub installation: Installation,
}

/// Everything that `helm install --systemd` puts in place. Paths are those of the machine, below `root`.
#[must_use]
pub fn plan(build: &Build, version: &str, registry: &Registry, places: &Places, root: &Path) -> Plan {
    let mut steps = vec![
        Step::folder(places.programs.clone(), 0o755),
        Step::folder(places.settings.clone(), 0o755),
        Step::folder(places.home.clone(), 0o711),
        Step::folder(places.backups.clone(), 0o750),
    ];
    if build.folder != below(root, &places.programs) {
        let program =
            |name: &String| Step::Program { from: build.folder.join(name), path: places.programs.join(name) };
        steps.extend(build.programs.iter().map(program));
        steps.push(Step::file(places.programs.join(VERSION), format!("{version}\n"), 0o644));
    }
    steps.extend(compat::steps(&places.programs));
    let outside: Vec<Step> = unit_steps(registry, &OwnServers::default(), places, Path::new(UNITS))
        .into_iter()
        .chain(companion_steps(registry, places))
        .chain(
            free_for_link(root, places)
                .then(|| Step::Link { path: COMMAND.into(), to: places.programs.join("helm") }),
        )
        .collect();
    let files: BTreeSet<PathBuf> = outside.iter().map(|step| step.path().to_owned()).collect();
    steps.extend(outside);
    Plan { steps, installation: Installation { places: places.clone(), units: UNITS.into(), files } }
}

/// The steps that write the units.
#[must_use]
pub fn unit_steps(registry: &Registry, servers: &OwnServers, places: &Places, units: &Path) -> Vec<Step> {
    let files = systemd::unit_files(registry, servers, places);
    files.into_iter().map(|file| Step::file(units.join(file.name), file.text, 0o644)).collect()
}

/// The steps that write what the units need beside them: their accounts, and Helm's leave to start and stop them.
#[must_use]
pub fn companion_steps(registry: &Registry, places: &Places) -> [Step; 2] {
    [
        Step::file(SYSUSERS.into(), systemd::sysusers(registry, places), 0o644),
        Step::file(POLKIT.into(), systemd::polkit_rule(registry), 0o644),
    ]
}

/// The description of the accounts on this machine.
#[must_use]
pub fn sysusers_path() -> &'static Path {
    Path::new(SYSUSERS)
}

/// A `helm` of somebody else keeps its name.
fn free_for_link(root: &Path, places: &Places) -> bool {
    match fs::read_link(below(root, Path::new(COMMAND))) {
        Ok(target) => target == places.programs.join("helm"),
        Err(error) => error.kind() == std::io::ErrorKind::NotFound,
    }
}

/// A path of the machine in a folder that stands for it.
#[must_use]
pub fn below(root: &Path, path: &Path) -> PathBuf {
    root.join(path.strip_prefix("/").unwrap_or(path))
}

/// Takes away what an installation put in place; data, settings of the operator and accounts stay.
///
/// # Errors
/// When a file cannot be removed.
pub fn remove(installation: &Installation, root: &Path) -> Result<Vec<PathBuf>> {
    let mut removed = Vec::new();
    let places = &installation.places;
    let environments = fs::read_dir(below(root, &places.settings)).into_iter().flatten().flatten();
    let environments = environments
        .map(|entry| places.settings.join(entry.file_name()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "env"));
    for path in installation.files.iter().cloned().chain(environments) {
        if remove_file(&below(root, &path))? {
            removed.push(path);
        }
    }
    // Those in use last, and of them the note: as long as it is there, this can be done again.
    for folder in [previous(&places.programs), places.programs.clone()] {
        let programs = below(root, &folder);
        let names = Build::of(&programs).map(|build| build.programs).unwrap_or_default();
        // Without `helm` it is no build.
        for name in names.iter().rev().map(String::as_str).chain([VERSION, NOTE]) {
            if remove_file(&programs.join(name))? {
                removed.push(folder.join(name));
            }
        }
        let scripts = programs.join(compat::FOLDER);
        for (name, _) in compat::SCRIPTS {
            if remove_file(&scripts.join(name))? {
                removed.push(folder.join(compat::FOLDER).join(name));
            }
        }
        // Only when nobody else keeps something in them.
        let _ = fs::remove_dir(scripts);
        let _ = fs::remove_dir(programs);
    }
    let _ = fs::remove_dir(below(root, &places.settings));
    Ok(removed)
}

fn remove_file(path: &Path) -> Result<bool> {
    match fs::remove_file(path) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error).with_context(|| format!("cannot remove {}", path.display())),
    }
}

#[cfg(test)]
mod tests;
