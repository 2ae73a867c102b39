//! Services that are in no registry: folders `hivematrix-<name>` beside the instance (seed 3.9). Each gets a port once and
//! keeps it.

use std::collections::BTreeSet;

use hivematrix_shared::pages::format::title_of;
use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use super::{App, AppsRegistry, RUN_SCRIPT};

/// Where services get a port that have none by contract.
const RANGE: std::ops::RangeInclusive<u16> = 5100..=5199;
/// Python of a service of the original suite, from its folder on.
const PYTHON: &str = "pyenv/bin/python";

/// A found service, as Helm notes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Found {
    /// Its folder, from the instance directory on.
    pub path: String,
    /// Its port in a suite without offset.
    pub port: u16,
    /// Whether it counts more than a program of ours: it was at work here before that came, and its data is not taken over
    /// yet. Not in notes of earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_use: Option<bool>,
}

impl Found {
    /// As [`Found::in_use`]; of earlier versions' notes, those had no program of ours for services that only the contracts
    /// name.
    #[must_use]
    pub fn is_in_use(&self, name: &str) -> bool {
        self.in_use.unwrap_or_else(|| is_of_contract(name))
    }
}

/// Found services by name.
pub type FoundServices = IndexMap<String, Found>;

/// What the contracts say of a service that a registry need not list (platform.md §1, §3.2): an operator's own may be older
/// than our Ledger or our KnowledgeTree.
struct Known {
    name: &'static str,
    title: &'static str,
    port: u16,
    icon: &'static str,
    levels: &'static [&'static str],
    needs: &'static [&'static str],
    order: u32,
}

const EVERYBODY: &[&str] = &["admin", "technician", "billing", "client"];
/// Nobody has said whom a found service is for, so clients do not see it.
const STAFF: &[&str] = &["admin", "technician", "billing"];

const KNOWN: [Known; 4] = [
    Known {
        name: "ledger",
        title: "Ledger",
        port: 5030,
        icon: "receipt",
        levels: &["admin", "billing"],
        needs: &["postgresql", "core", "codex"],
        order: 4,
    },
    Known {
        name: "knowledgetree",
        title: "KnowledgeTree",
        port: 5020,
        icon: "trees",
        levels: EVERYBODY,
        needs: &["neo4j", "core", "codex"],
        order: 5,
    },
    Known {
        name: "brainhair",
        title: "Brainhair",
        port: 5050,
        icon: "brain",
        levels: STAFF,
        needs: &["postgresql", "core", "codex", "knowledgetree"],
        order: 6,
    },
    Known {
        name: "archive",
        title: "Archive",
        port: 5012,
        icon: "vault",
        levels: &["admin", "billing"],
        needs: &["postgresql", "core"],
        order: 7,
    },
];

/// The name of the service in a folder `hivematrix-<name>`; none for folders of another form, and for Helm itself.
#[must_use]
pub fn service_name(folder: &str) -> Option<&str> {
    let name = folder.strip_prefix("hivematrix-")?;
    let plain = (1..=50).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'_' | b'-'));
    (plain && name != "helm").then_some(name)
}

/// Whether the contracts know a service of that name, whatever the registry lists.
#[must_use]
pub fn is_of_contract(name: &str) -> bool {
    KNOWN.iter().any(|known| known.name == name)
}

/// The port of a service that was just found: the one of its contract, else the first of a fixed range that nobody has and
/// on which nothing listens. `None` when there is none left.
#[must_use]
pub fn allocate(name: &str, taken: &BTreeSet<u16>, is_free: impl Fn(u16) -> bool) -> Option<u16> {
    let by_contract = KNOWN.iter().find(|known| known.name == name).map(|known| known.port);
    by_contract
        .filter(|port| !taken.contains(port))
        .or_else(|| RANGE.into_iter().find(|port| !taken.contains(port) && is_free(*port)))
}

impl AppsRegistry {
    /// All services that are written down.
    pub fn apps(&self) -> impl Iterator<Item = (&String, &App)> {
        self.core_apps.iter().chain(&self.default_apps)
    }

    fn app_mut(&mut self, name: &str) -> Option<&mut App> {
        self.core_apps.get_mut(name).or_else(|| self.default_apps.get_mut(name))
    }

    /// This with the services that were found. What is written down counts more: of a registered service only its folder
    /// is taken, and its command and what it needs where the registry has no command and either there is no program of ours
    /// (`has_program`) or the found one is in use.
    #[must_use]
    pub fn with_found(mut self, found: &FoundServices, has_program: impl Fn(&str) -> bool) -> Self {
        for (name, found) in found {
            let is_ours = has_program(name) && !found.is_in_use(name);
            match self.app_mut(name) {
                None => {
                    self.default_apps.insert(name.clone(), app(name, found));
                }
                Some(app) if app.urls.is_some() => {}
                Some(app) => {
                    let is_foreign = app.command().is_some();
                    if is_foreign || !is_ours {
                        app.path.get_or_insert_with(|| found.path.clone());
                    }
                    if !is_foreign && !is_ours {
                        app.python_bin = Some(PYTHON.to_owned());
                        app.run_script = Some(RUN_SCRIPT.to_owned());
                        app.pages.get_or_insert_with(|| "compat".to_owned());
                        if let Some(known) = KNOWN.iter().find(|known| known.name == name) {
                            app.dependencies = owned(known.needs);
                        }
                    }
                }
            }
        }
        self
    }
}

fn owned(list: &[&str]) -> Vec<String> {
    list.iter().map(|word| (*word).to_owned()).collect()
}

fn app(name: &str, found: &Found) -> App {
    let known = KNOWN.iter().find(|known| known.name == name);
    let title = known.map_or_else(|| title_of(name, &['-', '_']), |known| known.title.to_owned());
    let levels = known.map_or(STAFF, |known| known.levels);
    App {
        name: format!("HiveMatrix {title}"),
        git_url: None,
        title: Some(title),
        port: found.port,
        scheme: None,
        dependencies: owned(known.map_or(&["core"], |known| known.needs)),
        install_order: known.map(|known| known.order),
        start_order: None,
        order: None,
        visible: None,
        admin_only: false,
        billing_or_admin_only: levels == ["admin", "billing"],
        levels: (levels != EVERYBODY).then(|| owned(levels)),
        icon: Some(known.map_or("server", |known| known.icon).to_owned()),
        pages: Some("compat".to_owned()),
        timeouts: IndexMap::new(),
        urls: None,
        start_command: None,
        path: Some(found.path.clone()),
        python_bin: Some(PYTHON.to_owned()),
        run_script: Some(RUN_SCRIPT.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::registry::{Addressing, Registry};

    fn found(name: &str, port: u16) -> FoundServices {
        let found = Found { path: format!("../hivematrix-{name}"), port, in_use: Some(false) };
        [(name.to_owned(), found)].into_iter().collect()
    }

    fn registry(found: &FoundServices, ours: &[&str]) -> Registry {
        let apps: AppsRegistry =
            serde_json::from_str(include_str!("../../../../../deploy/apps_registry.json")).unwrap();
        Registry::generate(&apps.with_found(found, |name| ours.contains(&name)), Addressing::default())
            .unwrap()
    }

    #[test]
    fn a_folder_names_its_service() {
        for (folder, name) in [
            ("hivematrix-ledger", Some("ledger")),
            ("hivematrix-asset_tracker-2", Some("asset_tracker-2")),
            ("hivematrix-helm", None),
            ("hivematrix-", None),
            ("hivematrix-A b", None),
            ("ledger", None),
        ] {
            assert_eq!(service_name(folder), name, "{folder}");
        }
    }

    #[test]
    fn a_port_is_that_of_the_contract_else_the_first_free_one() {
        for (name, taken, listening, port) in [
            ("ledger", &[][..], &[][..], Some(5030)),
            ("ledger", &[5030], &[], Some(5100)),
            ("other", &[], &[], Some(5100)),
            ("other", &[5100, 5101], &[5102], Some(5103)),
        ] {
            let taken = taken.iter().copied().collect();
            assert_eq!(allocate(name, &taken, |port| !listening.contains(&port)), port, "{name}");
        }
        assert_eq!(allocate("other", &RANGE.collect(), |_| true), None);
    }

    #[test]
    fn a_found_service_is_foreign_and_closed_to_clients() {
        let registry = registry(&found("asset-tracker", 5100), &[]);
        let entry = registry.get("asset-tracker").unwrap();
        assert_eq!(entry.start_command.as_deref(), Some("pyenv/bin/python run.py"));
        assert_eq!((entry.path.as_str(), entry.service.port), ("../hivematrix-asset-tracker", 5100));
        assert_eq!(entry.service.title, "Asset Tracker");
        assert_eq!(entry.service.pages.as_deref(), Some("compat"));
        assert_eq!(
            entry.service.levels.as_deref(),
            Some(&["admin", "technician", "billing"].map(str::to_owned)[..])
        );
        assert_eq!(entry.service.start_order, 99);
    }

    #[test]
    fn a_service_of_the_contract_has_its_place_and_its_readers() {
        let registry = registry(&found("archive", 5012), &[]);
        let entry = registry.get("archive").unwrap();
        assert!(entry.needs_database() && entry.service.billing_or_admin_only);
        assert_eq!(entry.service.dependencies, ["core"]);
        assert_eq!(
            registry.names().collect::<Vec<_>>(),
            ["beacon", "knowledgetree", "codex", "ledger", "archive", "helm", "core", "nexus"]
        );
    }

    #[test]
    fn the_graph_needs_its_server_and_the_assistant_is_open_to_all_staff() {
        let registry = registry(&found("knowledgetree", 5020), &[]);
        let entry = registry.get("knowledgetree").unwrap();
        assert_eq!((&entry.servers[..], entry.service.levels.as_ref()), (&["neo4j".to_owned()][..], None));
        // Ours keeps its tree in PostgreSQL as well.
        let ours = self::registry(&found("knowledgetree", 5020), &["knowledgetree"]);
        let ours = ours.get("knowledgetree").unwrap();
        assert_eq!((&ours.servers[..], ours.needs_database()), (&["postgresql".to_owned()][..], true));
        let staff = found("brainhair", 5050);
        let entry = self::registry(&staff, &[]).get("brainhair").unwrap().clone();
        assert_eq!(entry.service.levels.unwrap(), ["admin", "technician", "billing"]);
    }

    #[test]
    fn our_own_program_counts_more_than_a_folder() {
        for (ours, command) in [(&["codex"][..], None), (&[], Some("pyenv/bin/python run.py"))] {
            let registry = registry(&found("codex", 5010), ours);
            assert_eq!(registry.get("codex").unwrap().start_command.as_deref(), command);
        }
    }

    #[test]
    fn a_service_that_was_at_work_before_ours_came_stays_at_work() {
        let of = |name: &str, in_use| {
            let mut found = found(name, 5010);
            found[name].in_use = in_use;
            registry(&found, &[name]).get(name).unwrap().start_command.clone()
        };
        let theirs = Some("pyenv/bin/python run.py".to_owned());
        for (name, in_use, command) in [
            ("ledger", Some(true), &theirs),
            ("ledger", Some(false), &None),
            ("codex", Some(true), &theirs),
            // Notes of versions that had a Codex, and neither Ledger nor KnowledgeTree.
            ("ledger", None, &theirs),
            ("knowledgetree", None, &theirs),
            ("codex", None, &None),
        ] {
            assert_eq!(&of(name, in_use), command, "{name} {in_use:?}");
        }
    }

    #[test]
    fn a_service_of_upstream_s_takes_the_place_of_ours_and_keeps_its_readers() {
        let of = |apps: AppsRegistry| Registry::generate(&apps, Addressing::default()).unwrap();
        let built_in: AppsRegistry =
            serde_json::from_str(include_str!("../../../../../deploy/apps_registry.json")).unwrap();
        // By the operator's registry beside a program of ours, or by its folder where there is no such program.
        let mut chosen = built_in.clone();
        chosen.default_apps["ledger"].python_bin = Some(PYTHON.to_owned());
        let found = found("ledger", 5030);
        for registry in [of(chosen.with_found(&found, |_| true)), of(built_in.with_found(&found, |_| false))]
        {
            let ledger = registry.get("ledger").unwrap();
            assert_eq!(ledger.start_command.as_deref(), Some("pyenv/bin/python run.py"));
            assert_eq!((ledger.path.as_str(), ledger.service.port), ("../hivematrix-ledger", 5030));
            assert!(ledger.needs_database() && ledger.service.billing_or_admin_only);
            assert_eq!(ledger.service.levels.as_deref(), Some(&["admin", "billing"].map(str::to_owned)[..]));
        }
    }
}
