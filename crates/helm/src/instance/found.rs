//! Looks for services of the original suite beside the instance, and keeps note of their ports.

use std::{
    collections::BTreeSet,
    fs,
    net::TcpListener,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use anyhow::{Result, bail};
use nix::unistd::Uid;

use super::{Layout, files};
use crate::domain::{
    ports,
    registry::{
        AppsRegistry, RUN_SCRIPT,
        found::{self, Found, FoundServices},
    },
};

/// What is there and what was left out.
#[derive(Debug, Default)]
pub struct Scan {
    /// Services that can be run.
    pub present: FoundServices,
    /// Folders that are no services of ours to run, with the reason.
    pub refused: Vec<String>,
}

/// The services that were found before and are still there. Nothing is written.
///
/// # Errors
/// When the notes cannot be read.
pub fn known(layout: &Layout) -> Result<FoundServices> {
    let mut noted: FoundServices = files::read_json(&layout.found_services())?.unwrap_or_default();
    noted.retain(|_, found| layout.home().join(&found.path).join(RUN_SCRIPT).is_file());
    Ok(noted)
}

/// Looks for folders `hivematrix-<name>` with a `run.py` beside the instance and, where the instance lies in a checkout,
/// beside that. A new one gets a port that it keeps, also while its folder is away, and is in use where there is no program
/// of ours for it (`has_program`).
///
/// # Errors
/// When the notes cannot be read or written, or no port is left.
pub fn scan(
    layout: &Layout,
    apps: &AppsRegistry,
    offset: u16,
    has_program: impl Fn(&str) -> bool,
) -> Result<Scan> {
    let before: FoundServices = files::read_json(&layout.found_services())?.unwrap_or_default();
    let (scan, noted) = look(layout, apps, offset, has_program, before.clone())?;
    if noted != before {
        files::private_dir(&layout.folder("helm"))?;
        files::write_json(&layout.found_services(), &noted)?;
    }
    Ok(scan)
}

/// The services that [`scan`] would find; nothing is written.
///
/// # Errors
/// When the notes cannot be read, or no port is left.
pub fn survey(
    layout: &Layout,
    apps: &AppsRegistry,
    offset: u16,
    has_program: impl Fn(&str) -> bool,
) -> Result<FoundServices> {
    let noted = files::read_json(&layout.found_services())?.unwrap_or_default();
    Ok(look(layout, apps, offset, has_program, noted)?.0.present)
}

/// Lets a program of ours take the place of a found service from now on, or that service again the place of ours.
///
/// # Errors
/// When the notes cannot be read or written, or no such service was found.
pub fn set_in_use(layout: &Layout, name: &str, in_use: bool) -> Result<()> {
    let mut noted: FoundServices = files::read_json(&layout.found_services())?.unwrap_or_default();
    let Some(found) = noted.get_mut(name) else { bail!("no service {name} of the original suite was found") };
    found.in_use = Some(in_use);
    files::write_json(&layout.found_services(), &noted)
}

/// What is there, and the notes with it.
fn look(
    layout: &Layout,
    apps: &AppsRegistry,
    offset: u16,
    has_program: impl Fn(&str) -> bool,
    mut noted: FoundServices,
) -> Result<(Scan, FoundServices)> {
    let mut scan = Scan::default();
    for (name, folder, path) in folders(layout.home()) {
        if let Err(reason) = may_run(&folder) {
            scan.refused.push(format!("{} is not used: {reason}", folder.display()));
            continue;
        }
        let (port, in_use) = match noted.get(&name) {
            Some(known) => (known.port, known.is_in_use(&name)),
            None => (port_of(&name, apps, &noted, offset)?, !has_program(&name)),
        };
        let found = Found { path, port, in_use: Some(in_use) };
        noted.insert(name.clone(), found.clone());
        scan.present.entry(name).or_insert(found);
    }
    Ok((scan, noted))
}

fn port_of(name: &str, apps: &AppsRegistry, noted: &FoundServices, offset: u16) -> Result<u16> {
    if let Some((_, app)) = apps.apps().find(|(known, _)| *known == name) {
        return Ok(app.port);
    }
    let mut taken: BTreeSet<u16> = apps.apps().map(|(_, app)| app.port).collect();
    taken.extend(noted.values().map(|found| found.port));
    taken.extend(ports::SERVERS.map(|(_, port)| port));
    let is_free = |port: u16| {
        ports::shifted(port, offset).is_ok_and(|port| TcpListener::bind(("127.0.0.1", port)).is_ok())
    };
    match found::allocate(name, &taken, is_free) {
        Some(port) => Ok(port),
        None => bail!("no port is left for {name}; write it into apps_registry.json with one of its own"),
    }
}

/// Name, folder and path from the instance directory on, each name once and in order.
fn folders(home: &Path) -> Vec<(String, PathBuf, String)> {
    let mut all: Vec<(String, PathBuf, String)> = Vec::new();
    for (root, up) in roots(home) {
        let mut names: Vec<String> = fs::read_dir(&root)
            .into_iter()
            .flatten()
            .flatten()
            .filter_map(|entry| entry.file_name().into_string().ok())
            .collect();
        names.sort();
        for folder in names {
            let Some(name) = found::service_name(&folder) else { continue };
            let is_server = ports::SERVERS.iter().any(|(server, _)| *server == name);
            let path = root.join(&folder);
            if is_server || !path.join(RUN_SCRIPT).is_file() || all.iter().any(|(known, ..)| known == name) {
                continue;
            }
            all.push((name.to_owned(), path, format!("{up}/{folder}")));
        }
    }
    all
}

/// Where services may lie, and the way there from the instance directory.
fn roots(home: &Path) -> Vec<(PathBuf, &'static str)> {
    let Some(parent) = home.parent() else { return Vec::new() };
    let mut roots = vec![(parent.to_owned(), "..")];
    let is_checkout = parent.join("Cargo.toml").is_file() && parent.join("crates/helm").is_dir();
    if let Some(beside) = parent.parent().filter(|_| is_checkout) {
        roots.push((beside.to_owned(), "../.."));
    }
    roots
}

/// Helm runs the code of others only where nobody else could have put it there.
fn may_run(folder: &Path) -> Result<(), String> {
    for path in [folder.to_owned(), folder.join(RUN_SCRIPT)] {
        let metadata = fs::metadata(&path).map_err(|error| error.to_string())?;
        let owner = metadata.uid();
        if owner != 0 && owner != Uid::effective().as_raw() {
            return Err(format!("{} belongs to another account", path.display()));
        }
        if metadata.mode() & 0o002 != 0 {
            return Err(format!("everybody may write to {}", path.display()));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    struct Place(tempfile::TempDir);

    impl Place {
        fn new() -> Self {
            Self(tempfile::tempdir().unwrap())
        }

        fn layout(&self) -> Layout {
            Layout::new(self.0.path().join("instance"))
        }

        fn service(&self, folder: &str) -> PathBuf {
            let path = self.0.path().join(folder);
            fs::create_dir_all(&path).unwrap();
            fs::write(path.join(RUN_SCRIPT), "").unwrap();
            path
        }

        fn scan(&self) -> Scan {
            scan(&self.layout(), &AppsRegistry::default(), 40_000, |_| false).unwrap()
        }
    }

    #[test]
    fn folders_beside_the_instance_are_found_and_keep_their_ports() {
        let place = Place::new();
        place.service("hivematrix-brainhair");
        place.service("hivematrix-zoo");
        fs::create_dir(place.0.path().join("hivematrix-empty")).unwrap();
        place.service("hivematrix-helm");
        let first = place.scan();
        assert_eq!(first.present.keys().collect::<Vec<_>>(), ["brainhair", "zoo"]);
        assert_eq!(
            first.present["brainhair"],
            Found { path: "../hivematrix-brainhair".into(), port: 5050, in_use: Some(true) }
        );
        let zoo = first.present["zoo"].port;
        // One that comes before it by name does not take its port.
        place.service("hivematrix-apples");
        let second = place.scan();
        assert_eq!(second.present["zoo"].port, zoo);
        assert_ne!(second.present["apples"].port, zoo);
        // Nor does one that comes while it is away.
        fs::remove_dir_all(place.0.path().join("hivematrix-zoo")).unwrap();
        place.service("hivematrix-bears");
        let third = place.scan();
        assert!(!third.present.contains_key("zoo") && !known(&place.layout()).unwrap().contains_key("zoo"));
        assert_ne!(third.present["bears"].port, zoo);
        place.service("hivematrix-zoo");
        assert_eq!(place.scan().present["zoo"].port, zoo);
    }

    #[test]
    fn who_was_at_work_stays_so_when_a_program_of_ours_comes_until_that_takes_over() {
        let place = Place::new();
        place.service("hivematrix-zoo");
        let scan_with = |ours: &[&str]| {
            let has = |name: &str| ours.contains(&name);
            let scan = scan(&place.layout(), &AppsRegistry::default(), 40_000, has).unwrap();
            scan.present.into_iter().map(|(name, found)| (name, found.in_use.unwrap())).collect::<Vec<_>>()
        };
        let all = |states: &[(&str, bool)]| {
            states.iter().map(|(name, in_use)| ((*name).to_owned(), *in_use)).collect::<Vec<_>>()
        };
        assert_eq!(scan_with(&[]), all(&[("zoo", true)]));
        // A program of ours comes, and a folder beside a program that was there.
        place.service("hivematrix-bears");
        assert_eq!(scan_with(&["zoo", "bears"]), all(&[("bears", false), ("zoo", true)]));
        set_in_use(&place.layout(), "zoo", false).unwrap();
        assert_eq!(scan_with(&["zoo", "bears"]), all(&[("bears", false), ("zoo", false)]));
        assert!(set_in_use(&place.layout(), "apples", true).is_err());
    }

    #[test]
    fn code_that_everybody_can_change_is_not_run() {
        let place = Place::new();
        let folder = place.service("hivematrix-zoo");
        fs::set_permissions(folder.join(RUN_SCRIPT), fs::Permissions::from_mode(0o666)).unwrap();
        let scan = place.scan();
        assert!(scan.present.is_empty());
        assert!(scan.refused[0].contains("everybody may write to"), "{:?}", scan.refused);
    }

    #[test]
    fn an_instance_in_a_checkout_also_looks_beside_the_checkout() {
        let place = Place::new();
        let checkout = place.0.path().join("suite");
        fs::create_dir_all(checkout.join("crates/helm")).unwrap();
        fs::write(checkout.join("Cargo.toml"), "").unwrap();
        place.service("hivematrix-zoo");
        let layout = Layout::new(checkout.join("instance"));
        let scan = scan(&layout, &AppsRegistry::default(), 40_000, |_| false).unwrap();
        assert_eq!(scan.present["zoo"].path, "../../hivematrix-zoo");
    }
}
