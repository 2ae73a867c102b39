//! The master configuration of the original suite: what of it holds here.

use anyhow::{Context, Result, anyhow};
use serde_json::Value;

use crate::domain::master_config::{Document, Fault};

/// Where it belongs.
pub const PLACE: &str = "helm/configs/master_config.json";

/// What of it is not taken over, with the reason.
#[derive(Debug, Clone, Copy)]
pub struct Left {
    /// Its Keycloak: the original's file always names one, and the suite would turn to it.
    pub keycloak: bool,
    /// Its Neo4j, which the file names also where nothing uses it.
    pub neo4j: bool,
}

impl Left {
    /// For the plan.
    #[must_use]
    pub fn words(self) -> String {
        let mut told = vec!["the databases of its services (they are in this suite's server)"];
        if self.keycloak {
            told.push("keycloak.url and keycloak.realm (people sign in by this suite's own realm)");
        }
        if self.neo4j {
            told.push("databases.neo4j (no KnowledgeTree of the original runs here)");
        }
        format!("without {}", told.join(", "))
    }
}

/// The text that is written.
///
/// # Errors
/// When it is no such configuration, or says what it must not.
pub fn taken_over(content: &[u8], left: Left) -> Result<Vec<u8>> {
    let value: Value = serde_json::from_slice(content).context("its master_config.json is damaged")?;
    let refused = |faults: Vec<Fault>| {
        let words: Vec<String> = faults.iter().map(Fault::to_string).collect();
        anyhow!("its master_config.json cannot be used: {}", words.join("; "))
    };
    let services: Vec<String> =
        value["apps"].as_object().map(|apps| apps.keys().cloned().collect()).unwrap_or_default();
    let mut document = Document::of(value).map_err(refused)?;
    for service in &services {
        for name in ["db_name", "db_user", "db_password"] {
            document.unset(&["apps", service, name]);
        }
    }
    for name in ["host", "port"] {
        document.unset(&["databases", "postgresql", name]);
    }
    if left.keycloak {
        document.unset(&["keycloak", "url"]);
        document.unset(&["keycloak", "realm"]);
    }
    if left.neo4j {
        document.unset(&["databases", "neo4j"]);
    }
    let mut text = serde_json::to_vec_pretty(&document.value()).context("it cannot be written")?;
    text.push(b'\n');
    Ok(text)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn theirs() -> Value {
        json!({
            "system": {"environment": "production", "log_level": "DEBUG", "hostname": "msp.example.net"},
            "keycloak": {"url": "http://localhost:8080", "realm": "hivematrix", "client_secret": "s"},
            "databases": {"postgresql": {"host": "localhost", "port": 5432, "admin_user": "postgres"},
                          "neo4j": {"uri": "bolt://localhost:7687", "user": "neo4j", "password": "password"}},
            "apps": {"codex": {"database": "postgresql", "db_name": "codex_db", "db_user": "u", "db_password": "p",
                               "sections": {"psa": {"default": "freshservice"}}}}
        })
    }

    fn of(left: Left) -> Value {
        let text = taken_over(theirs().to_string().as_bytes(), left).unwrap();
        serde_json::from_slice(&text).unwrap()
    }

    #[test]
    fn settings_come_and_no_service_turns_to_a_server_that_was_left_behind() {
        let value = of(Left { keycloak: true, neo4j: true });
        assert_eq!(value["system"], theirs()["system"]);
        assert_eq!(value["keycloak"], json!({"client_secret": "s"}));
        assert_eq!(value["databases"], json!({"postgresql": {"admin_user": "postgres"}}));
        assert_eq!(
            value["apps"]["codex"],
            json!({"database": "postgresql", "sections": {"psa": {"default": "freshservice"}}})
        );
    }

    #[test]
    fn what_is_in_use_here_comes_as_well() {
        let value = of(Left { keycloak: false, neo4j: false });
        assert_eq!(value["keycloak"], theirs()["keycloak"]);
        assert_eq!(value["databases"]["neo4j"], theirs()["databases"]["neo4j"]);
        let words = Left { keycloak: false, neo4j: false }.words();
        assert!(!words.contains("keycloak") && !words.contains("neo4j"), "{words}");
    }

    #[test]
    fn what_cannot_be_a_setting_is_refused_by_name() {
        let wrong = json!({"system": {"log_level": "loud"}}).to_string();
        let refused = taken_over(wrong.as_bytes(), Left { keycloak: true, neo4j: true });
        let refused = refused.unwrap_err().to_string();
        assert!(refused.contains("system.log_level must be one of"), "{refused}");
    }
}
