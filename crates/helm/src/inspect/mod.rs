//! What the security audit looks at: collected from this machine and this instance, never changed.

mod certificate;
mod commands;
pub(crate) mod files;
mod firewall;
mod settings;
mod sockets;
mod units;

use std::path::Path;

use anyhow::Result;
use chrono::{DateTime, Utc};

use self::settings::Settings;
use crate::{
    domain::{
        audit::{
            Findings, Machine, audit,
            checks::{Brainhair, Facts, Place},
            services::{Reach, Watched},
        },
        firewall_script::Ports,
        ports,
        registry::Registry,
    },
    instance::{Layout, installation, options::Options, registry},
};

/// The contract's services and ports, for those that the registry does not have (helm.md §9).
const CONTRACT: [(&str, u16); 7] = [
    ("core", 5000),
    ("beacon", 5001),
    ("helm", 5004),
    ("codex", 5010),
    ("knowledgetree", 5020),
    ("ledger", 5030),
    ("brainhair", 5050),
];
const GATEWAY: &str = "nexus";
const KEYCLOAK: (&str, u16) = ("keycloak", 8080);
/// Neo4j's browser and its protocol.
const NEO4J: [u16; 2] = [7474, 7687];

/// The instance as the audit sees it.
struct Instance {
    options: Options,
    registry: Registry,
    settings: Settings,
}

impl Instance {
    fn read(layout: &Layout) -> Result<Self> {
        let options = Options::read(layout)?;
        let apps = registry::apps(layout, &installation::programs()?)?;
        let registry = Registry::generate(&apps, options.addressing())?;
        let settings = Settings::read(layout, &registry, &options);
        Ok(Self { options, registry, settings })
    }

    /// The services of the registry and of the contract. What runs elsewhere is looked at there.
    fn watched(&self) -> Vec<Watched> {
        let own = self.registry.iter().filter(|(_, entry)| !entry.is_remote()).map(|(name, entry)| Watched {
            name: name.to_owned(),
            port: entry.service.port,
            reach: match name {
                GATEWAY => Reach::Public,
                "keycloak" => Reach::Firewalled,
                _ => Reach::Loopback,
            },
        });
        let mut watched: Vec<Watched> = own.collect();
        let others = CONTRACT.iter().filter(|(name, _)| self.registry.get(name).is_none());
        watched.extend(others.filter_map(|(name, port)| {
            let port = ports::shifted(*port, self.options.port_offset).ok()?;
            Some(Watched { name: (*name).to_owned(), port, reach: Reach::Loopback })
        }));
        if self.registry.get(KEYCLOAK.0).is_none()
            && let Some(port) = self.keycloak_port()
        {
            watched.push(Watched { name: KEYCLOAK.0.to_owned(), port, reach: Reach::Firewalled });
        }
        watched
    }

    /// Where Keycloak listens on this machine; `None` where the suite uses one elsewhere.
    fn keycloak_port(&self) -> Option<u16> {
        let Some(used) = &self.settings.keycloak else { return Some(KEYCLOAK.1) };
        let url = url::Url::parse(used.base_url()).ok()?;
        let is_here = url.host_str().is_some_and(settings::is_this_machine);
        is_here.then(|| url.port_or_known_default()).flatten()
    }

    /// Ports of everything that is not the gateway.
    fn internal_ports(&self) -> impl Iterator<Item = u16> {
        let services = self.watched().into_iter().filter(|service| service.reach != Reach::Public);
        let servers = self.settings.servers.iter().filter_map(|server| match server.place {
            Place::Here(port) => Some(port),
            _ => None,
        });
        let usual = [ports::POSTGRES, ports::REDIS, ports::NEO4J, ports::SIMULATOR, ports::SIMULATOR_RMM];
        let usual = usual.into_iter().filter_map(|port| ports::shifted(port, self.options.port_offset).ok());
        let mut all: Vec<u16> = services.map(|service| service.port).chain(servers).chain(usual).collect();
        all.extend(NEO4J);
        all.into_iter()
    }

    fn firewall_ports(&self) -> Ports {
        let gateway = self.registry.get(GATEWAY).map(|entry| entry.service.port);
        // There plain HTTP is sent to HTTPS, and a client for certificates answers its challenge.
        let plain = (gateway == Some(ports::HTTPS)).then_some(ports::HTTP);
        Ports {
            ssh: sockets::ssh_ports(),
            public: gateway.into_iter().chain(plain).collect(),
            internal: self.internal_ports().collect(),
        }
    }

    fn facts(&mut self, layout: &Layout, now: DateTime<Utc>) -> Facts {
        let mut unread = std::mem::take(&mut self.settings.unread);
        let modes = files::modes(layout.home(), &mut unread);
        let compat =
            self.registry.iter().filter(|(_, entry)| entry.service.pages.as_deref() == Some("compat"));
        let has_brainhair = self.registry.get("brainhair").is_some_and(|entry| !entry.is_remote());
        let settings = &self.settings;
        Facts {
            now,
            servers: settings.servers.clone(),
            modes,
            weak_secrets: settings.weak_secrets.clone(),
            certificate: certificate::read(&settings.certificate_file),
            compat_pages: compat.map(|(name, _)| name.to_owned()).collect(),
            rate_limit_scale: settings.rate_limit_scale.clone(),
            open_switches: settings.open_switches.clone(),
            tls_unverified: settings.tls_unverified,
            is_demo: self.options.demo.is_some(),
            is_root: settings::runs_as_root(layout),
            units: units::installed(Path::new("/")),
            brainhair: match has_brainhair {
                true => Brainhair::Here { landlock: units::landlock() },
                false => Brainhair::NotInstalled,
            },
            unread,
        }
    }
}

/// Looks at everything and applies the rules.
///
/// # Errors
/// When the instance's own files cannot be understood.
pub async fn audit_of(layout: &Layout, now: DateTime<Utc>) -> Result<Findings> {
    let firewall = firewall::read().await;
    let layout = layout.clone();
    let machine = tokio::task::spawn_blocking(move || {
        let mut instance = Instance::read(&layout)?;
        let facts = instance.facts(&layout, now);
        anyhow::Ok(Machine { watched: instance.watched(), listeners: sockets::listening(), firewall, facts })
    });
    Ok(audit(&machine.await??))
}

/// The ports of a firewall script for this instance.
///
/// # Errors
/// When the instance's own files cannot be understood.
pub async fn ports_of(layout: &Layout) -> Result<Ports> {
    let layout = layout.clone();
    tokio::task::spawn_blocking(move || Ok(Instance::read(&layout)?.firewall_ports())).await?
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::{
        domain::registry::RUN_SCRIPT,
        instance::{files, master_config},
    };

    #[test]
    fn found_services_and_the_configured_keycloak_are_watched() {
        let place = tempfile::tempdir().unwrap();
        let layout = Layout::new(place.path().join("instance"));
        let theirs = place.path().join("hivematrix-tracker");
        fs::create_dir(&theirs).unwrap();
        fs::write(theirs.join(RUN_SCRIPT), "").unwrap();
        files::private_dir(&layout.folder("helm")).unwrap();
        let noted = serde_json::json!({"tracker": {"path": "../hivematrix-tracker", "port": 5107}});
        files::write_json(&layout.found_services(), &noted).unwrap();
        master_config::change(&layout, None, |document| {
            document.set(&["keycloak", "url"], "http://localhost:8081".into())
        })
        .unwrap();

        let mut instance = Instance::read(&layout).unwrap();
        let watched = instance.watched();
        let port =
            |name: &str| watched.iter().find(|service| service.name == name).map(|service| service.port);
        assert_eq!((port("tracker"), port("keycloak")), (Some(5107), Some(8081)));
        let closed = instance.firewall_ports().internal;
        assert!(closed.contains(&5107) && closed.contains(&8081) && !closed.contains(&8080));
        let facts = instance.facts(&layout, DateTime::UNIX_EPOCH);
        assert!(facts.compat_pages.contains(&"tracker".to_owned()), "{:?}", facts.compat_pages);
    }
}
