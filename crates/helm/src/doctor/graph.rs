//! Neo4j, where KnowledgeTree is told one: reachable with its password, of a version whose graph can be saved, and with what
//! its own server needs.

use super::Case;
use crate::{
    backup::graph,
    domain::{doctor::Finding, neo4j_in_use::neo4j_in_use, ports, registry::HelmEntry},
    instance::{neo4j, packages::Package},
};

pub(super) async fn examine(case: &Case) -> Vec<Finding> {
    let Some(place) = neo4j_in_use(&case.config(), &case.operator) else {
        // KnowledgeTree keeps its tree in PostgreSQL then.
        return Vec::new();
    };
    if case.registry.get("knowledgetree").is_some_and(HelmEntry::is_remote) {
        return Vec::new();
    }
    let is_own =
        ports::shifted(ports::NEO4J, case.options.port_offset).is_ok_and(|port| neo4j::is_own(&place, port));
    let mut findings = Vec::new();
    if is_own {
        findings.extend(programs(case));
    }
    findings.push(match graph::connect(&place).await {
        Ok(connected) => {
            Finding::ok("graph", format!("Neo4j {} at {} answers", connected.version, place.uri))
        }
        Err(_) if is_own && !runs(&place.uri) => {
            Finding::skipped("graph", "the suite's own Neo4j does not run")
        }
        Err(error) => Finding::problem(
            "graph",
            format!("Neo4j at {}: {error:#}", place.uri),
            "KnowledgeTree waits for it and shows nothing before, and no backup is complete",
            "start it; check databases.neo4j.uri, .user and .password (docs/NEO4J.md)",
        ),
    });
    findings
}

fn programs(case: &Case) -> Vec<Finding> {
    let why = "KnowledgeTree keeps its tree in a Neo4j of the suite's own";
    let is_installed = neo4j::is_installed(&case.layout);
    let java = neo4j::java();
    let mut findings = Vec::new();
    findings.push(match is_installed {
        true => Finding::ok("package", format!("Neo4j {} is installed", neo4j::version())),
        false => Finding::problem(
            "package",
            format!("Neo4j {} is not installed", neo4j::version()),
            why,
            "helm install neo4j",
        ),
    });
    findings.push(match java {
        Some(java) => Finding::ok("package", format!("Java in {}", java.display())),
        None => Finding::problem("package", "there is no Java 17 or 21", why, Package::JAVA.command()),
    });
    findings
}

/// Whether anybody listens there.
fn runs(uri: &str) -> bool {
    let address =
        uri.parse::<url::Url>().ok().and_then(|url| Some((url.host_str()?.to_owned(), url.port()?)));
    address.is_some_and(|(host, port)| std::net::TcpStream::connect((host.as_str(), port)).is_ok())
}
