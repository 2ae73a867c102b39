//! A Keycloak that does not know the suite yet is set up when the suite comes up.

use std::{
    io::{Read, Write},
    net::TcpStream,
    process::{Child, Stdio},
};

use super::*;

const STAND_IN: &str = include_str!("keycloak.py");
/// A suite of gateway and Helm; the pretended gateway speaks plain HTTP.
const REGISTRY: &str = r#"{"core_apps": {"nexus": {"name": "Nexus", "port": 8443}},
    "default_apps": {"helm": {"name": "Helm", "port": 5004, "dependencies": ["postgresql"]}},
    "system_dependencies": {"postgresql": {"name": "PostgreSQL"}}}"#;

struct Keycloak {
    process: Child,
    port: u16,
}

impl Keycloak {
    fn start() -> Self {
        let port = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
        let process = Command::new("/usr/bin/python3")
            .args(["-c", STAND_IN, &port.to_string()])
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        let started = Self { process, port };
        wait_until("Keycloak", || TcpStream::connect(("127.0.0.1", port)).is_ok());
        started
    }

    /// What it holds, by realm.
    fn held(&self) -> Value {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream.write_all(b"GET /held HTTP/1.0\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        serde_json::from_str(answer.split("\r\n\r\n").nth(1).unwrap()).unwrap()
    }
}

impl Drop for Keycloak {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn an_empty_keycloak_is_set_up_by_itself_and_users_keep_their_passwords() {
    let keycloak = Keycloak::start();
    let suite = Suite::new(&["nexus"]);
    fs::create_dir(suite.home()).unwrap();
    fs::write(suite.home().join("apps_registry.json"), REGISTRY).unwrap();
    suite.succeed(&["config", "set", "keycloak.url", &format!("http://127.0.0.1:{}", keycloak.port)]);

    // Nobody has said who may administer it: the suite comes up all the same and says what is missing.
    let without = suite.helm(&["up"]);
    let said = String::from_utf8_lossy(&without.stderr).into_owned();
    assert!(without.status.success(), "{said}{}", suite.logs());
    assert!(said.contains("has no realm hivematrix yet: run `helm keycloak configure`"), "{said}");
    assert_eq!(keycloak.held(), serde_json::json!({}));

    // With an administrator it is set up.
    let first = suite.helm_with(&["up"], &[("KC_BOOTSTRAP_ADMIN_PASSWORD", "boss")]);
    let (text, error) = (String::from_utf8_lossy(&first.stdout), String::from_utf8_lossy(&first.stderr));
    assert!(first.status.success() && text.contains("it is set up now"), "{text}{error}");
    assert!(!text.contains("boss") && !error.contains("boss"));
    let realm = keycloak.held()["hivematrix"].clone();
    let names = |kind: &str, name: &str| -> Vec<String> {
        realm[kind].as_array().unwrap().iter().map(|one| one[name].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names("groups", "name"), ["admins", "technicians", "billing", "client"]);
    assert_eq!(names("clients", "clientId"), ["realm-management", "core-client", "hivematrix-admin"]);
    assert_eq!(names("users", "username"), ["admin"]);
    let config = fs::read_to_string(suite.home().join("helm/configs/master_config.json")).unwrap();
    assert!(config.contains("keycloak") && !config.contains("boss"), "{config}");

    // A suite that is known is left alone.
    let again = suite.helm(&["up"]);
    assert_eq!(String::from_utf8_lossy(&again.stderr), "");
    assert_eq!(keycloak.held()["hivematrix"], realm);

    // Another public name has to be told to Keycloak; accounts that are there stay as they are.
    suite.succeed(&["config", "set", "system.hostname", "msp.example.net"]);
    let stale = suite.helm(&["up"]);
    assert!(String::from_utf8_lossy(&stale.stderr).contains("other public addresses"));
    let told = suite.helm_with(&["up"], &[("KC_BOOTSTRAP_ADMIN_PASSWORD", "boss")]);
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
    let after = keycloak.held()["hivematrix"].clone();
    let front = after["realm"]["attributes"]["frontendUrl"].as_str().unwrap();
    assert!(front.starts_with("https://msp.example.net"), "{front}");
    assert_eq!(after["users"], realm["users"]);

    // A wrong password, and a Keycloak that is away, keep nobody from starting the rest.
    suite.succeed(&["config", "set", "system.hostname", "localhost"]);
    let wrong = suite.helm_with(&["up"], &[("KC_BOOTSTRAP_ADMIN_PASSWORD", "guessed")]);
    assert!(wrong.status.success());
    assert!(String::from_utf8_lossy(&wrong.stderr).contains("does not let admin in"));
    drop(keycloak);
    let away = suite.helm(&["up"]);
    assert!(away.status.success() && String::from_utf8_lossy(&away.stderr).contains("Nobody can sign in"));
}
