//! A Neo4j of the suite's own: supervised as the other servers, and told to KnowledgeTree alone.

use super::*;

const REGISTRY: &str = r#"{"core_apps": {"helm": {"name": "Helm", "port": 5004, "dependencies": ["postgresql"]}},
    "default_apps": {"knowledgetree": {"name": "KnowledgeTree", "port": 5010, "dependencies": ["neo4j"]},
                     "beacon": {"name": "Beacon", "port": 5001}},
    "system_dependencies": {"postgresql": {"name": "PostgreSQL"}, "neo4j": {"name": "Neo4j"}}}"#;

fn programs() -> Option<String> {
    let known = std::env::var("TEST_NEO4J_LIB").ok();
    assert!(known.is_some() || std::env::var_os("CI").is_none(), "TEST_NEO4J_LIB names no folder with Neo4j");
    if known.is_none() {
        eprintln!("skipped: there is no Neo4j (TEST_NEO4J_LIB)");
    }
    known
}

/// A variable of the process of a service.
fn variable(suite: &Suite, service: &str, name: &str) -> Option<String> {
    let environment = fs::read_to_string(format!("/proc/{}/environ", suite.pid(service))).unwrap();
    let value = environment.split('\0').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
    value.map(str::to_owned)
}

#[test]
fn an_own_neo4j_is_run_adopted_stopped_and_taken_away_with_its_suite() {
    let Some(programs) = programs() else { return };
    let suite = Suite::new(&["knowledgetree", "beacon"]);
    fs::create_dir(suite.home()).unwrap();
    fs::write(suite.home().join("apps_registry.json"), REGISTRY).unwrap();
    // Without it KnowledgeTree is told none.
    suite.succeed(&["up"]);
    assert!(!suite.status().contains_key("neo4j"));
    assert_eq!(variable(&suite, "knowledgetree", "NEO4J_URI"), None);

    suite.succeed(&["install", "neo4j", "--from", &programs]);
    suite.succeed(&["up"]);
    assert_eq!(suite.status()["neo4j"].0, "running");
    let port = 7697 + suite.offset;
    assert_eq!(variable(&suite, "knowledgetree", "NEO4J_URI"), Some(format!("bolt://127.0.0.1:{port}")));
    assert_eq!(variable(&suite, "knowledgetree", "NEO4J_USER").as_deref(), Some("neo4j"));
    let password = variable(&suite, "knowledgetree", "NEO4J_PASSWORD").unwrap();
    assert_eq!(password.len(), 64);
    assert_eq!(variable(&suite, "beacon", "NEO4J_PASSWORD"), None);
    let neo4j = suite.pid("neo4j");
    for file in ["cmdline", "environ"] {
        let text = fs::read_to_string(format!("/proc/{neo4j}/{file}")).unwrap();
        assert!(!text.contains(&password), "{file}");
    }
    for file in ["conf/neo4j.conf", "data/dbms/auth.ini", "logs/debug.log"] {
        let path = suite.home().join("neo4j").join(file);
        let text = fs::read_to_string(&path).unwrap_or_default();
        assert!(!text.contains(&password), "{file}");
    }
    let doctor = suite.helm(&["doctor", "--json"]);
    let said = String::from_utf8_lossy(&doctor.stdout).into_owned();
    assert!(said.contains("Neo4j 5.26") && said.contains("answers"), "{said}");
    let audit: Value = serde_json::from_slice(&suite.helm(&["audit", "--json"]).stdout).unwrap();
    let checks = audit["checks"].as_array().unwrap();
    let binding = checks.iter().find(|check| check["id"] == "neo4j_binding").unwrap();
    assert!(binding.to_string().contains(&format!("Port {port} is open to this machine only")), "{binding}");

    // As the other servers: it comes back when it dies, and a new daemon adopts it.
    kill(neo4j);
    wait_long("Neo4j is started again", || {
        suite.status()["neo4j"].0 == "running" && suite.pid("neo4j") != neo4j
    });
    let neo4j = suite.pid("neo4j");
    kill(suite.pid("helm"));
    wait_until("the daemon is gone", || !suite.status().contains_key("helm"));
    suite.succeed(&["up"]);
    assert_eq!(suite.pid("neo4j"), neo4j);

    suite.succeed(&["down"]);
    assert!(!is_alive(neo4j));
    suite.succeed(&["install", "remove-dep", "neo4j"]);
    assert!(suite.home().join("neo4j/data/databases").exists(), "the graph stays");
    suite.succeed(&["up"]);
    assert!(!suite.status().contains_key("neo4j"));
    assert_eq!(variable(&suite, "knowledgetree", "NEO4J_URI"), None);
}

/// As [`wait_until`], for a server that takes its time.
fn wait_long(what: &str, mut done: impl FnMut() -> bool) {
    for _ in 0..360 {
        if done() {
            return;
        }
        std::thread::sleep(Duration::from_millis(500));
    }
    panic!("not in time: {what}");
}
