//! Reads the authority and writes the generated registries of an instance.

use std::path::Path;

use anyhow::{Context, Result};
use indexmap::IndexMap;

use super::{Layout, beneath, files, found, options::Options};
use crate::domain::{
    ports,
    registry::{AppsRegistry, HelmEntry, Registry, ServiceEntry},
};

/// The authority as it was built in; an operator's own copy in the instance directory wins over it.
const BUILT_IN: &str = include_str!("../../../../deploy/apps_registry.json");
/// Name of an operator's own registry in the instance directory.
const OWN: &str = "apps_registry.json";
/// What Helm needs to run each service.
const HELM_SERVICES: &str = "helm_services.json";
/// For those that only want addresses.
const MASTER_SERVICES: &str = "master_services.json";
/// The generated registries, in the instance directory.
pub const FILES: [&str; 3] = ["services.json", HELM_SERVICES, MASTER_SERVICES];

/// The authority of this instance: `<home>/apps_registry.json` if there is one, else the built-in one.
///
/// # Errors
/// When the file cannot be read or is no registry.
pub fn authority(layout: &Layout) -> Result<AppsRegistry> {
    let own = layout.home().join(OWN);
    if own.exists() {
        let text = beneath::read(&own).with_context(|| format!("cannot read {}", own.display()))?;
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

/// Everything that is written down, and what was found beside the instance (as far as it was noted).
///
/// # Errors
/// When the authority or the notes cannot be read.
pub fn apps(layout: &Layout, programs: &Path) -> Result<AppsRegistry> {
    Ok(authority(layout)?.with_found(&found::known(layout)?, |name| has_program(programs, name)))
}

/// Name of the simulated ticket system, of its process and of its place behind the gateway.
pub const SIMULATOR: &str = "simulator";

/// The registry of an instance: all services that can run here or run elsewhere, and in a demo the simulated ticket system,
/// so that the links of the board lead to its tickets from other computers as well.
///
/// # Errors
/// When the authority is wrong or a port is out of range.
pub fn generate(layout: &Layout, options: &Options, programs: &Path) -> Result<Registry> {
    let authority = authority(layout)?;
    let scan = found::scan(layout, &authority, options.port_offset, |name| has_program(programs, name))?;
    for refused in &scan.refused {
        tracing::warn!("{refused}");
    }
    of_apps(&authority.with_found(&scan.present, |name| has_program(programs, name)), options, programs)
}

/// As [`generate`], with the found services that were noted, for those who only look: nothing is written.
///
/// # Errors
/// As there.
pub fn look(layout: &Layout, options: &Options, programs: &Path) -> Result<Registry> {
    of_apps(&apps(layout, programs)?, options, programs)
}

/// As [`generate`], and nothing is written: for whoever has to know of services that no `helm up` has seen yet.
///
/// # Errors
/// As there.
pub fn survey(layout: &Layout, options: &Options, programs: &Path) -> Result<Registry> {
    let authority = authority(layout)?;
    let present = found::survey(layout, &authority, options.port_offset, |name| has_program(programs, name))?;
    of_apps(&authority.with_found(&present, |name| has_program(programs, name)), options, programs)
}

fn of_apps(apps: &AppsRegistry, options: &Options, programs: &Path) -> Result<Registry> {
    let registry = Registry::generate(apps, options.addressing())?;
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
    name == "helm" || entry.is_remote() || entry.start_command.is_some() || has_program(programs, name)
}

/// Whether a program of ours for this service lies beside this one.
#[must_use]
pub fn has_program(programs: &Path, name: &str) -> bool {
    name == "helm" || programs.join(format!("hivematrix-{name}")).is_file()
}

/// Writes the three generated files (platform.md §3.2). They hold no secrets.
///
/// # Errors
/// When they cannot be written.
pub fn write(layout: &Layout, registry: &Registry) -> Result<()> {
    let home = layout.home();
    files::write_public(&layout.services_json(), registry.services_json().as_bytes())?;
    files::write_public(&home.join(HELM_SERVICES), registry.helm_services_json().as_bytes())?;
    files::write_public(&home.join(MASTER_SERVICES), registry.master_services_json().as_bytes())
}

/// The entries of `helm_services.json` as they were written last; none before there was an instance.
///
/// # Errors
/// When the file cannot be read.
pub fn written(layout: &Layout) -> Result<IndexMap<String, HelmEntry>> {
    Ok(files::read_json(&layout.home().join(HELM_SERVICES))?.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn who_only_looks_writes_nothing_and_knows_what_was_noted() {
        let place = tempfile::tempdir().unwrap();
        let layout = Layout::new(place.path().join("instance"));
        let theirs = place.path().join("hivematrix-tracker");
        fs::create_dir(&theirs).unwrap();
        fs::write(theirs.join("run.py"), "").unwrap();
        let (options, programs) = (Options::default(), place.path().join("bin"));

        let before = look(&layout, &options, &programs).unwrap();
        assert!(before.get("tracker").is_none() && !layout.home().exists());
        let made = generate(&layout, &options, &programs).unwrap();
        let noted = fs::read(layout.found_services()).unwrap();
        let after = look(&layout, &options, &programs).unwrap();
        assert_eq!(after.names().collect::<Vec<_>>(), made.names().collect::<Vec<_>>());
        assert!(after.get("tracker").is_some());
        assert_eq!(fs::read(layout.found_services()).unwrap(), noted);
    }

    #[test]
    fn a_survey_finds_what_nobody_has_noted_and_notes_nothing() {
        let place = tempfile::tempdir().unwrap();
        let layout = Layout::new(place.path().join("instance"));
        for name in ["tracker", "brainhair"] {
            let theirs = place.path().join(format!("hivematrix-{name}"));
            fs::create_dir(&theirs).unwrap();
            fs::write(theirs.join("run.py"), "").unwrap();
        }
        let registry = survey(&layout, &Options::default(), &place.path().join("bin")).unwrap();
        assert_eq!(registry.get("brainhair").unwrap().path, "../hivematrix-brainhair");
        assert!(registry.get("tracker").is_some() && !layout.home().exists());
    }
}
