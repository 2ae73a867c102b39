//! The firewall as a whole, and the servers behind the services.

use super::{Check, Facts, Subject};
use crate::domain::{
    audit::{Severity, firewall::Firewall},
    sockets::Listener,
};

/// Where a server is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// On this machine, on this port.
    Here(u16),
    /// Elsewhere; whether what is sent there is encrypted.
    Elsewhere {
        /// Name or address.
        host: String,
        /// Whether the connection insists on TLS.
        encrypted: bool,
    },
    /// Not used by the suite.
    Unused,
}

/// A server that keeps the suite's data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// `PostgreSQL`, `Redis` or `Neo4j`.
    pub name: &'static str,
    /// Where it is.
    pub place: Place,
}

pub(super) fn firewall(firewall: &Firewall) -> Check {
    let subject = Subject {
        id: "firewall",
        title: "Firewall",
        why: "A service that listens on the wrong address by mistake is then still out of reach.",
        fix: "Write a script by `helm audit --generate-firewall ufw` or on the page Security, look at it, then run it.",
    };
    match firewall.active() {
        Some(rules) if firewall.denies_by_default() => {
            subject.ok(format!("{} is active and refuses what nobody allows.", rules.kind()))
        }
        Some(rules) => subject
            .found(Severity::Medium, format!("{} is active, but lets in what nobody refuses.", rules.kind())),
        None if !firewall.silent.is_empty() => {
            subject.closed(format!("{} cannot be asked without root.", firewall.silent.join(", ")))
        }
        None => subject.found(Severity::Medium, "No firewall is active on this machine."),
    }
}

pub(super) fn bindings<'a>(
    facts: &'a Facts,
    listeners: &'a [Listener],
) -> impl Iterator<Item = Check> + use<'a> {
    facts.servers.iter().map(|server| binding(server, listeners))
}

fn binding(server: &Server, listeners: &[Listener]) -> Check {
    let subject = |id, title, fix| Subject {
        id,
        title,
        why: "It holds everything the suite knows; only the services on this machine have to reach it.",
        fix,
    };
    let subject = match server.name {
        "PostgreSQL" => subject(
            "postgresql_binding",
            "PostgreSQL's address",
            "Set listen_addresses = 'localhost' in postgresql.conf and restart PostgreSQL.",
        ),
        "Redis" => subject(
            "redis_binding",
            "Redis' address",
            "Set `bind 127.0.0.1 ::1` and `protected-mode yes` in redis.conf and restart Redis.",
        ),
        _ => subject(
            "neo4j_binding",
            "Neo4j's address",
            "Set server.default_listen_address=127.0.0.1 in neo4j.conf and restart Neo4j.",
        ),
    };
    let port = match &server.place {
        Place::Unused => return subject.not_installed(format!("The suite uses no {}.", server.name)),
        Place::Elsewhere { host, .. } => return subject.ok(format!("It runs elsewhere, on {host}.")),
        Place::Here(port) => *port,
    };
    let of: Vec<&Listener> = listeners.iter().filter(|listener| listener.at.port() == port).collect();
    let open: Vec<String> =
        of.iter().filter(|listener| !listener.is_loopback()).map(|l| l.at.to_string()).collect();
    match (of.is_empty(), open.is_empty()) {
        (true, _) => subject.ok(format!("Nothing listens on port {port}.")),
        (false, true) => subject.ok(format!("Port {port} is open to this machine only.")),
        (false, false) => subject.found(Severity::High, format!("It listens on {}.", open.join(", "))),
    }
}

pub(super) fn connections(facts: &Facts) -> Option<Check> {
    let subject = Subject {
        id: "server_connections",
        title: "Connections to servers elsewhere",
        why: "Passwords and data cross the network as they are when the connection is not encrypted.",
        fix: "Add ?sslmode=verify-full to the database address, write rediss:// and neo4j+s://.",
    };
    let elsewhere = facts.servers.iter().filter_map(|server| match &server.place {
        Place::Elsewhere { host, encrypted } => Some((format!("{} on {host}", server.name), *encrypted)),
        _ => None,
    });
    let (safe, plain): (Vec<_>, Vec<_>) = elsewhere.partition(|(_, encrypted)| *encrypted);
    let names =
        |list: &[(String, bool)]| list.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(", ");
    match (plain.is_empty(), safe.is_empty()) {
        (true, true) => None,
        (true, false) => Some(subject.ok(format!("Encrypted: {}.", names(&safe)))),
        (false, _) => Some(subject.found(Severity::Medium, format!("Not encrypted: {}.", names(&plain)))),
    }
}
