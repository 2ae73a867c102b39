use serde_json::{Value, json};

use super::{Document, MasterConfig, parse_path, schema};

fn document(value: Value) -> Document {
    Document::of(value).unwrap()
}

#[test]
fn a_new_document_has_the_defaults_of_the_contract() {
    let config = MasterConfig::default();
    assert_eq!(config.environment(), "development");
    assert_eq!(config.log_level(), "INFO");
    assert_eq!(config.hostname(), "localhost");
    assert!(config.json_logging() && config.keycloak().is_none() && config.public_name().is_none());
    assert_eq!(config.client_id(), "core-client");
    assert_eq!(
        config.document().value(),
        json!({"system": {"environment": "development", "hostname": "localhost", "log_level": "INFO",
            "enable_json_logging": true}, "keycloak": {}, "databases": {}, "apps": {}})
    );
}

#[test]
fn values_are_checked_and_brought_to_one_form() {
    for (path, given, stored) in [
        ("system.environment", json!("Production"), Ok(json!("production"))),
        ("system.environment", json!("staging"), Err("must be one of production, development")),
        ("system.log_level", json!("warning"), Ok(json!("WARNING"))),
        ("system.log_level", json!("loud"), Err("must be one of DEBUG, INFO, WARNING, ERROR, CRITICAL")),
        ("system.log_level", json!(["INFO"]), Err("must be a single value")),
        ("system.hostname", json!(" MSP.example.net "), Ok(json!("msp.example.net"))),
        ("system.hostname", json!("192.0.2.7"), Ok(json!("192.0.2.7"))),
        ("system.hostname", json!("2001:db8::7"), Ok(json!("2001:db8::7"))),
        ("system.hostname", json!("192.0.2"), Err("must be the name or address")),
        ("system.hostname", json!("a b"), Err("must be the name or address")),
        ("system.hostname", json!("host:8443"), Err("must be the name or address")),
        ("system.hostname", json!("-a.example"), Err("must be the name or address")),
        ("system.hostname", json!("a\nLOG_LEVEL=DEBUG"), Err("must not hold control characters")),
        ("system.enable_json_logging", json!("FALSE"), Ok(json!(false))),
        ("system.enable_json_logging", json!("maybe"), Err("must be true or false")),
        ("keycloak.url", json!("http://localhost:8080/"), Ok(json!("http://localhost:8080"))),
        ("keycloak.url", json!("localhost:8080"), Err("must be an address")),
        ("keycloak.url", json!("https://a:b@sso.example"), Err("without user and password")),
        ("keycloak.realm", json!("a/b"), Err("must be made of letters")),
        ("databases.postgresql.port", json!("5442"), Ok(json!(5442))),
        ("databases.postgresql.port", json!(70_000), Err("must be a port")),
        ("databases.neo4j.uri", json!("bolt://localhost:7687"), Ok(json!("bolt://localhost:7687"))),
        ("apps.codex.database", json!("sqlite"), Err("must be one of postgresql, neo4j")),
        ("apps.codex.sections.psa.default_provider", json!("superops"), Ok(json!("superops"))),
        ("apps.codex.sections.psa.default_provider", json!("a\rb"), Err("must not hold control")),
        ("apps.codex.note", json!("kept"), Ok(json!("kept"))),
        ("apps.Codex.note", json!("x"), Err("names no service")),
        ("apps", json!({"a b": {}}), Err("holds a name")),
        ("apps", json!("codex"), Err("must be an object")),
        ("system..x", json!(1), Err("is no path")),
    ] {
        let mut config = Document::with_defaults();
        let before = config.clone();
        let steps: Vec<&str> = path.split('.').collect();
        match (config.set(&steps, given.clone()), stored) {
            (Ok(()), Ok(stored)) => assert_eq!(config.get(&steps), Some(&stored), "{path} {given}"),
            (Err(faults), Err(words)) => {
                assert!(faults[0].to_string().contains(words), "{path} {given}: {faults:?}");
                assert_eq!(config, before, "nothing is changed");
            }
            (outcome, expected) => panic!("{path} {given}: {outcome:?} instead of {expected:?}"),
        }
    }
}

#[test]
fn what_it_does_not_know_is_kept() {
    let mut config = document(json!({"theirs": {"a": [1, {"b": null}]}, "system": {"unknown": 7}}));
    config.set(&["system", "log_level"], json!("debug")).unwrap();
    assert_eq!(
        config.value(),
        json!({"theirs": {"a": [1, {"b": null}]}, "system": {"unknown": 7, "log_level": "DEBUG"}})
    );
    assert!(config.unset(&["system", "log_level"]) && !config.unset(&["system", "log_level"]));
    assert_eq!(MasterConfig::from(config).log_level(), "INFO", "the default holds again");
}

#[test]
fn secrets_are_parted_from_what_everybody_may_read() {
    let whole = document(json!({
        "system": {"secret_key": "s1", "hostname": "a"},
        "keycloak": {"client_id": "core-client", "client_secret": "s2", "admin_password": "s3"},
        "databases": {"neo4j": {"uri": "bolt://a", "password": "s4"}},
        "apps": {"codex": {"db_user": "u", "db_password": "s5",
            "sections": {"freshservice": {"api_key": "s6", "domain": "d"}, "x": {"token_file": "/f"}}}}
    }));
    let (open, secret) = whole.split();
    let text = open.value().to_string();
    assert!((1..=6).all(|n| !text.contains(&format!("s{n}"))), "{text}");
    assert!(text.contains("token_file") && text.contains("core-client"));
    assert_eq!(secret.leaves().len(), 6);
    assert_eq!(open.overlaid(&secret).value(), whole.value().clone());
    let hidden = whole.hidden().value().to_string();
    assert!(hidden.contains("***") && !hidden.contains("s5"));
}

#[test]
fn what_was_shown_can_be_set_again_and_no_secret_becomes_stars() {
    let codex = json!({"db_name": "codex_db", "db_password": "p1", "sections": {"psa": {"api_key": "k1"}}});
    let mut document = document(json!({"apps": {"codex": codex}}));
    let before = document.clone();
    let shown = document.clone().hidden().get(&["apps", "codex"]).unwrap().clone();
    assert_eq!(shown["db_password"], "***");
    document.set(&["apps", "codex"], shown.clone()).unwrap();
    assert_eq!(document, before);

    let mut edited = shown;
    edited["db_name"] = json!("other_db");
    edited["sections"]["psa"]["api_key"] = json!("k2");
    document.set(&["apps", "codex"], edited).unwrap();
    assert_eq!(document.text(&["apps", "codex", "db_password"]).as_deref(), Some("p1"));
    assert_eq!(document.text(&["apps", "codex", "sections", "psa", "api_key"]).as_deref(), Some("k2"));

    let changed = document.clone();
    for (path, value, named) in [
        (&["apps", "ledger"][..], json!({"db_password": "***"}), "apps.ledger.db_password"),
        (&["keycloak", "client_secret"], json!("***"), "keycloak.client_secret"),
    ] {
        let faults = document.set(path, value).unwrap_err();
        assert!(faults[0].to_string().starts_with(&format!("{named} is not set")), "{faults:?}");
    }
    assert_eq!(document, changed);
}

#[test]
fn a_path_is_of_a_key_or_names_a_service() {
    for (given, steps) in [
        ("system.log_level", Some(&["system", "log_level"][..])),
        ("system", Some(&["system"])),
        ("codex", Some(&["apps", "codex"])),
        ("apps.codex.db_name", Some(&["apps", "codex", "db_name"])),
        ("", None),
        ("a..b", None),
        ("system.a/b", None),
    ] {
        assert_eq!(parse_path(given).ok().as_deref(), steps, "{given}");
    }
}

#[test]
fn every_default_is_a_valid_value() {
    for key in schema::KEYS {
        if let Some(default) = key.default {
            assert!(key.kind.checked(&Value::from(default)).is_ok(), "{}", key.path);
        }
    }
}

#[test]
fn keycloak_is_used_once_it_has_an_address() {
    let with = |url: &str| MasterConfig::from(document(json!({"keycloak": {"url": url, "realm": "msp"}})));
    let known = with("http://localhost:8080/realms/msp").keycloak().unwrap();
    assert_eq!((known.url.as_str(), known.realm.as_str()), ("http://localhost:8080", "msp"));
    assert!(with("").keycloak().is_none(), "an empty value is not set");
}

#[test]
fn a_service_may_have_a_level_and_an_environment_of_its_own() {
    let config = MasterConfig::from(document(json!({
        "system": {"environment": "production"}, "apps": {"codex": {"log_level": "debug", "environment": "development"}}
    })));
    assert_eq!(
        (config.log_level_of("codex").as_str(), config.log_level_of("beacon").as_str()),
        ("DEBUG", "INFO")
    );
    assert_eq!(config.environment_of("codex"), "development");
    assert_eq!(config.environment_of("beacon"), "production");
}

#[test]
fn the_guide_names_every_key() {
    let guide = include_str!("../../../../../docs/CONFIGURATION.md");
    for key in schema::KEYS {
        let whole = key.path.replace('*', "<service>");
        let end = key.path.rsplit('.').next().unwrap();
        let is_named = guide.contains(&format!("`{whole}`")) || guide.contains(&format!("`.{end}`"));
        assert!(is_named, "{} is not in docs/CONFIGURATION.md", key.path);
    }
}
