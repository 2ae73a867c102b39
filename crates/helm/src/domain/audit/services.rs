//! Which service listens where, and whether it may (helm.md §9).

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    Findings, Machine, Severity,
    firewall::{Family, FirewallStatus},
};
use crate::domain::sockets::Listener;

/// How far a service may be reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// From this machine only.
    Loopback,
    /// From this machine, or behind a firewall.
    Firewalled,
    /// From everywhere.
    Public,
}

/// A service that is looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Watched {
    /// Name.
    pub name: String,
    /// Port.
    pub port: u16,
    /// How far it may be reached.
    pub reach: Reach,
}

/// What was found about one service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Item {
    /// Name of the service.
    pub service: String,
    /// Its port.
    pub port: u16,
    /// The addresses it listens on; absent where nothing listens.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub binding: Option<String>,
    /// In words, as the contract has them.
    pub status: String,
    /// How much it matters.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub severity: Option<Severity>,
    /// What is wrong.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub issue: Option<String>,
    /// What is worth knowing.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub info: Option<String>,
}

/// Puts each service into one of the six lists.
pub(super) fn classify(machine: &Machine) -> Findings {
    let mut found = Findings::default();
    for service in &machine.watched {
        let listeners: Vec<&Listener> =
            machine.listeners.iter().filter(|listener| listener.at.port() == service.port).collect();
        place(&mut found, machine, service, &listeners);
    }
    found.firewall_status = firewall_status(machine);
    found.severity = match () {
        () if !found.exposed_services.is_empty() => Severity::High,
        () if !found.firewall_required.is_empty() => Severity::Medium,
        () if !found.unknown_services.is_empty() => Severity::Low,
        () => Severity::None,
    };
    found
}

fn place(found: &mut Findings, machine: &Machine, service: &Watched, listeners: &[&Listener]) {
    let item = |status: &str| Item {
        service: service.name.clone(),
        port: service.port,
        binding: (!listeners.is_empty()).then(|| binding(listeners)),
        status: status.to_owned(),
        severity: None,
        issue: None,
        info: None,
    };
    if listeners.is_empty() {
        found.not_running.push(item("not_running"));
        return;
    }
    let open: Vec<&&Listener> = listeners.iter().filter(|listener| !listener.is_loopback()).collect();
    let is_blocked = open.iter().all(|listener| is_blocked(machine, listener));
    match (service.reach, open.is_empty()) {
        (Reach::Loopback, true) => found.secure_services.push(item("secure")),
        (Reach::Firewalled, true) => found.secure_services.push(item("secure (localhost)")),
        (Reach::Public, false) => found.secure_services.push(item("correct (public)")),
        (Reach::Loopback, false) => found.exposed_services.push(Item {
            severity: Some(Severity::High),
            issue: Some(exposed(&service.name, is_blocked)),
            ..item("EXPOSED")
        }),
        (Reach::Firewalled, false) if is_blocked => found.firewall_protected.push(Item {
            severity: Some(Severity::None),
            info: Some("It listens on all addresses; the firewall keeps others out.".to_owned()),
            ..item("PROTECTED BY FIREWALL")
        }),
        (Reach::Firewalled, false) => found.firewall_required.push(Item {
            severity: Some(Severity::Medium),
            issue: Some(format!("Others reach port {}; a firewall has to keep them out.", service.port)),
            ..item("NEEDS FIREWALL")
        }),
        (Reach::Public, true) => found.unknown_services.push(Item {
            severity: Some(Severity::Low),
            issue: Some("It listens on this machine only, so nobody else can reach the suite.".to_owned()),
            ..item("WARNING")
        }),
    }
}

fn exposed(service: &str, is_blocked: bool) -> String {
    let beside = if is_blocked { " Only the firewall keeps others out." } else { "" };
    format!("{service} must listen on 127.0.0.1 only: others reach it beside the gateway.{beside}")
}

fn is_blocked(machine: &Machine, listener: &Listener) -> bool {
    let port = listener.at.port();
    (!listener.takes_v4() || machine.firewall.blocks(port, Family::V4))
        && (!listener.takes_v6() || machine.firewall.blocks(port, Family::V6))
}

fn binding(listeners: &[&Listener]) -> String {
    let mut addresses: Vec<String> = listeners.iter().map(|listener| listener.at.ip().to_string()).collect();
    addresses.sort();
    addresses.dedup();
    addresses.join(", ")
}

fn firewall_status(machine: &Machine) -> FirewallStatus {
    let Some(rules) = machine.firewall.active() else { return FirewallStatus::default() };
    let protected = |service: &&Watched| {
        machine.firewall.blocks(service.port, Family::V4) && machine.firewall.blocks(service.port, Family::V6)
    };
    let mut protected_ports: Vec<u16> =
        machine.watched.iter().filter(protected).map(|service| service.port).collect();
    protected_ports.sort_unstable();
    protected_ports.dedup();
    FirewallStatus { active: true, kind: Some(rules.kind().to_owned()), protected_ports }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::audit::firewall::{Firewall, Rules, ufw::Ufw};

    fn machine(listeners: &[&str], firewall: &str) -> Machine {
        let watched = [
            ("core", 5000, Reach::Loopback),
            ("keycloak", 8080, Reach::Firewalled),
            ("nexus", 443, Reach::Public),
        ];
        Machine {
            watched: watched.map(|(name, port, reach)| Watched { name: name.into(), port, reach }).into(),
            listeners: listeners.iter().map(|at| Listener { at: at.parse().unwrap(), inode: 0 }).collect(),
            firewall: Firewall { rules: vec![Rules::Ufw(Ufw::read(firewall))], silent: Vec::new() },
            ..Machine::default()
        }
    }

    const DENY: &str = "Status: active\nDefault: deny (incoming)\n443/tcp  ALLOW IN  Anywhere\n";
    const OPEN: &str = "Status: inactive\n";

    #[test]
    fn every_row_of_the_contract() {
        for (listener, firewall, list, status, severity) in [
            ("127.0.0.1:5000", OPEN, "secure_services", "secure", json!(null)),
            ("[::1]:5000", OPEN, "secure_services", "secure", json!(null)),
            ("127.0.0.2:5000", OPEN, "secure_services", "secure", json!(null)),
            ("0.0.0.0:5000", OPEN, "exposed_services", "EXPOSED", json!("high")),
            ("192.0.2.7:5000", DENY, "exposed_services", "EXPOSED", json!("high")),
            ("127.0.0.1:8080", OPEN, "secure_services", "secure (localhost)", json!(null)),
            ("[::]:8080", DENY, "firewall_protected", "PROTECTED BY FIREWALL", json!("none")),
            ("0.0.0.0:8080", OPEN, "firewall_required", "NEEDS FIREWALL", json!("medium")),
            ("127.0.0.1:443", OPEN, "unknown_services", "WARNING", json!("low")),
            ("[::]:443", DENY, "secure_services", "correct (public)", json!(null)),
        ] {
            let found = json!(classify(&machine(&[listener], firewall)));
            let item = &found[list][0];
            let told = (&item["status"], &item["severity"]);
            assert_eq!(told, (&json!(status), &severity), "{listener}: {found}");
            assert_eq!(found["not_running"].as_array().unwrap().len(), 2, "{listener}");
            assert_eq!(found["not_running"][0]["status"], "not_running");
        }
    }

    #[test]
    fn one_open_address_of_several_is_enough() {
        let found = classify(&machine(&["127.0.0.1:5000", "192.0.2.7:5000"], OPEN));
        assert_eq!(found.exposed_services[0].binding.as_deref(), Some("127.0.0.1, 192.0.2.7"));
        assert_eq!(found.severity, Severity::High);
    }

    #[test]
    fn the_severity_is_that_of_the_worst_list() {
        for (listeners, severity) in [
            (&["0.0.0.0:5000", "0.0.0.0:8080"][..], Severity::High),
            (&["0.0.0.0:8080", "127.0.0.1:443"], Severity::Medium),
            (&["127.0.0.1:443"], Severity::Low),
            (&["127.0.0.1:5000", "0.0.0.0:443"], Severity::None),
        ] {
            assert_eq!(classify(&machine(listeners, OPEN)).severity, severity, "{listeners:?}");
        }
    }

    #[test]
    fn a_firewall_that_denies_by_default_protects_what_nobody_allows() {
        let status = classify(&machine(&[], DENY)).firewall_status;
        assert_eq!(json!(status), json!({ "active": true, "type": "ufw", "protected_ports": [5000, 8080] }));
        let none = classify(&machine(&[], OPEN)).firewall_status;
        assert_eq!(json!(none), json!({ "active": false, "type": null, "protected_ports": [] }));
    }
}
