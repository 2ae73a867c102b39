//! Who gets which variable, and above all which secret.

use serde_json::{Value, json};

use super::*;
use crate::domain::{
    master_config::Document,
    operator::Operator,
    registry::{Addressing, AppsRegistry},
    secrets::ServiceSecrets,
};

/// The operator sets a variable.
fn set(suite: &mut Suite, name: &str, value: &str) {
    let one: Operator = [(name, value)].into_iter().collect();
    suite.operator = one.over(std::mem::take(&mut suite.operator));
}

fn suite() -> Suite {
    let apps: AppsRegistry =
        serde_json::from_str(include_str!("../../../../../deploy/apps_registry.json")).unwrap();
    let registry = Registry::generate(&apps, Addressing { offset: 100, gateway_port: Some(9443) }).unwrap();
    let services = registry
        .names()
        .map(|name| {
            let of = |kind: &str| format!("{name}-{kind}");
            let secrets = ServiceSecrets {
                secret_key: of("key"),
                service_secret: of("secret"),
                database_password: of("db"),
            };
            (name.to_owned(), secrets)
        })
        .collect();
    Suite {
        home: "/home/suite".into(),
        services_file: "/home/suite/services.json".into(),
        port_offset: 100,
        registry,
        secrets: Secrets {
            services,
            keycloak_client_secret: "client-secret".into(),
            keycloak_admin_client_secret: "admin-client-secret".into(),
            postgres_password: "superuser".into(),
            redis_password: "redis-password".into(),
            simulator_api_key: "simulator-key".into(),
            simulator_rmm_key: "rmm-secret".into(),
        },
        database_urls: BTreeMap::from([
            ("core".to_owned(), "postgres://core-db".to_owned()),
            ("codex".to_owned(), "postgres://codex-db".to_owned()),
        ]),
        redis_url: Some("redis://redis-password".into()),
        hostname: Some("desk".into()),
        addresses: vec![IpAddr::from([192, 0, 2, 7]), "2001:db8::7".parse().unwrap()],
        service_secrets_file: "/home/suite/core/service_secrets.json".into(),
        admin_password_file: Some("/home/suite/core/admin_password".into()),
        simulator: Some(("http://localhost:5191".into(), "simulator-key".into())),
        simulator_rmm: Some(("http://localhost:5192".into(), "rmm-secret".into())),
        config: MasterConfig::default(),
        own_lines: BTreeMap::new(),
        operator: Operator::default(),
    }
}

fn of(document: Value) -> MasterConfig {
    Document::of(document).unwrap().into()
}

fn env_of(suite: &Suite, service: &str) -> BTreeMap<String, String> {
    suite.environment(service, suite.registry.get(service).unwrap())
}

#[test]
fn no_service_gets_a_secret_it_does_not_need() {
    let suite = suite();
    let allowed: [(&str, &[&str]); 4] = [
        (
            "core",
            &["core-key", "core-secret", "core-db", "redis-password", "client-secret", "admin-client-secret"],
        ),
        ("nexus", &["nexus-key", "nexus-secret", "redis-password", "client-secret"]),
        (
            "codex",
            &["codex-key", "codex-secret", "codex-db", "admin-client-secret", "simulator-key", "rmm-secret"],
        ),
        ("beacon", &["beacon-key", "beacon-secret"]),
    ];
    let all =
        ["-key", "-secret", "-db", "redis-password", "client-secret", "admin-client-secret", "superuser"];
    for (service, allowed) in allowed {
        for (name, value) in env_of(&suite, service) {
            let is_secret = all.iter().any(|mark| value.contains(mark));
            let is_allowed = allowed.iter().any(|mark| value.contains(mark));
            assert!(!is_secret || is_allowed, "{service} must not get {name}={value}");
        }
    }
}

#[test]
fn every_service_learns_its_name_port_and_peers() {
    let env = env_of(&suite(), "beacon");
    let expected = [
        ("SERVICE_NAME", "beacon"),
        ("SERVICE_PORT", "5101"),
        ("CORE_SERVICE_URL", "http://localhost:5100"),
        ("CODEX_SERVICE_URL", "http://localhost:5110"),
        ("HELM_SERVICE_URL", "http://localhost:5104"),
        (
            "NEXUS_SERVICE_URL",
            "https://localhost:9443,https://127.0.0.1:9443,https://desk:9443,https://192.0.2.7:9443",
        ),
        ("HIVEMATRIX_HOME", "/home/suite"),
    ];
    for (name, value) in expected {
        assert_eq!(env.get(name).map(String::as_str), Some(value), "{name}");
    }
}

#[test]
fn a_service_learns_every_instance_of_core_and_one_of_upstream_a_single_one() {
    let mut apps: AppsRegistry =
        serde_json::from_str(include_str!("../../../../../deploy/apps_registry.json")).unwrap();
    let both = ["http://one:5000", "http://two:5000"].map(str::to_owned);
    apps.core_apps["core"].urls = Some(both.to_vec());
    apps.default_apps["beacon"].start_command = Some("python run.py".into());
    let mut suite = suite();
    suite.registry = Registry::generate(&apps, Addressing::default()).unwrap();
    for (operator, ours, upstream) in [
        (None, "http://one:5000,http://two:5000", "http://one:5000"),
        (Some("http://a:1, http://b:2"), "http://a:1, http://b:2", "http://a:1"),
    ] {
        suite.operator =
            operator.map(|urls| ("CORE_SERVICE_URL".to_owned(), urls.to_owned())).into_iter().collect();
        for service in ["codex", "nexus", "core"] {
            assert_eq!(env_of(&suite, service)["CORE_SERVICE_URL"], ours, "{service}");
        }
        assert_eq!(env_of(&suite, "beacon")["CORE_SERVICE_URL"], upstream);
    }
}

#[test]
fn core_gets_the_administrative_client_of_the_identity_provider() {
    let mut suite = suite();
    assert_eq!(env_of(&suite, "core")["KEYCLOAK_ADMIN_CLIENT_ID"], "hivematrix-admin");
    assert_eq!(env_of(&suite, "core")["KEYCLOAK_ADMIN_CLIENT_SECRET"], "admin-client-secret");
    set(&mut suite, "KEYCLOAK_ADMIN_CLIENT_SECRET", "theirs");
    assert_eq!(env_of(&suite, "core")["KEYCLOAK_ADMIN_CLIENT_SECRET"], "theirs");
}

#[test]
fn a_person_administers_a_keycloak_whose_client_nobody_named() {
    let names = ["KEYCLOAK_ADMIN_CLIENT_SECRET", "KEYCLOAK_ADMIN_USER", "KEYCLOAK_ADMIN_PASS"];
    let person = [("KEYCLOAK_ADMIN_USER", "kc"), ("KEYCLOAK_ADMIN_PASS", "pw")];
    let keycloak = [("KEYCLOAK_SERVER_URL", "http://localhost:8080")];
    let client = [("KEYCLOAK_ADMIN_CLIENT_SECRET", "theirs")];
    for (variables, expected) in [
        (&[&person[..]][..], [Some("admin-client-secret"), Some("kc"), Some("pw")]),
        (&[&keycloak[..]], [Some("admin-client-secret"), None, None]),
        (&[&keycloak[..], &person[..1]], [Some("admin-client-secret"), Some("kc"), None]),
        (&[&keycloak[..], &person[..]], [None, Some("kc"), Some("pw")]),
        (&[&keycloak[..], &person[..], &client[..]], [Some("theirs"), Some("kc"), Some("pw")]),
    ] {
        let mut suite = suite();
        for (name, value) in variables.iter().copied().flatten() {
            set(&mut suite, name, value);
        }
        let env = env_of(&suite, "codex");
        assert_eq!(names.map(|name| env.get(name).map(String::as_str)), expected);
        let core = env_of(&suite, "core");
        assert!(!core.contains_key("KEYCLOAK_ADMIN_PASS"), "Core administers nobody by a person");
        assert_eq!(core.contains_key("KEYCLOAK_ADMIN_CLIENT_ID"), expected[0].is_some());
    }
}

#[test]
fn what_the_operator_set_wins_and_reaches_only_who_reads_it() {
    let mut suite = suite();
    for (name, value) in [
        ("FRESHSERVICE_API_KEY", "real"),
        ("LOG_LEVEL", "DEBUG"),
        ("LOG_SHIPPING", "false"),
        ("WEBHOOKS_ENABLED", "true"),
        ("BEACON_THING", "b"),
        ("CODEX_DATABASE_URL", "postgres://elsewhere"),
        ("KEYCLOAK_SERVER_URL", "https://sso.example.net"),
        ("HIVEMATRIX_ADMIN_PASSWORD", "given"),
        ("HIVEMATRIX_ALERT_WEBHOOK", "https://chat.example.net/hook"),
    ] {
        set(&mut suite, name, value);
    }
    assert_eq!(env_of(&suite, "helm")["HIVEMATRIX_ALERT_WEBHOOK"], "https://chat.example.net/hook");
    let (core, codex, beacon) = (env_of(&suite, "core"), env_of(&suite, "codex"), env_of(&suite, "beacon"));
    assert_eq!(codex["FRESHSERVICE_API_KEY"], "real");
    assert_eq!(codex["WEBHOOKS_ENABLED"], "true");
    assert!(!beacon.contains_key("FRESHSERVICE_API_KEY"));
    assert_eq!(beacon["LOG_LEVEL"], "DEBUG");
    assert_eq!(beacon["LOG_SHIPPING"], "false");
    assert_eq!(beacon["BEACON_THING"], "b");
    assert!(!codex.contains_key("CODEX_DATABASE_URL"));
    assert_eq!(codex["DATABASE_URL"], "postgres://codex-db");
    assert_eq!(codex["KEYCLOAK_BACKEND_URL"], "https://sso.example.net");
    assert_eq!(core["HIVEMATRIX_ADMIN_PASSWORD"], "given");
    assert!(!core.contains_key("HIVEMATRIX_ADMIN_PASSWORD_FILE"));
    assert!(!codex.contains_key("HIVEMATRIX_ADMIN_PASSWORD"));
    assert!(!core.contains_key("HIVEMATRIX_ALERT_WEBHOOK"));
}

#[test]
fn links_of_a_demo_lead_through_the_gateway_and_those_of_a_vendor_to_the_vendor() {
    let mut suite = suite();
    let links = |suite: &Suite| env_of(suite, "codex").get("FRESHSERVICE_TICKET_URL_TEMPLATE").cloned();
    assert_eq!(links(&suite).as_deref(), Some("/simulator/helpdesk/tickets/{ticket_id}"));
    set(&mut suite, "FRESHSERVICE_BASE_URL", "https://msp.freshservice.example");
    assert_eq!(links(&suite), None);
    set(&mut suite, "FRESHSERVICE_TICKET_URL_TEMPLATE", "https://own/{ticket_id}");
    assert_eq!(links(&suite).as_deref(), Some("https://own/{ticket_id}"));
}

#[test]
fn the_rmm_of_a_demo_gives_way_to_a_real_one_as_a_whole() {
    let mut suite = suite();
    let env = env_of(&suite, "codex");
    assert_eq!(env["DATTO_BASE_URL"], "http://localhost:5192");
    assert_eq!(env["DATTO_SECRET_KEY"], "rmm-secret");
    set(&mut suite, "DATTO_BASE_URL", "https://merlot-api.centrastage.net");
    let datto = |suite: &Suite| {
        let env = env_of(suite, "codex");
        env.into_iter().filter(|(name, _)| name.starts_with("DATTO_")).collect::<Vec<_>>()
    };
    assert_eq!(datto(&suite), [("DATTO_BASE_URL".into(), "https://merlot-api.centrastage.net".into())]);
}

#[test]
fn a_demo_has_prices_and_other_suites_only_what_the_operator_names() {
    let plans = |suite: &Suite| env_of(suite, "codex").get("BILLING_PLANS_FILE").cloned();
    let demo = suite();
    assert_eq!(plans(&demo), Some(demo.home.join(DEMO_PLANS).display().to_string()));
    let mut real = Suite { simulator: None, ..suite() };
    assert_eq!(plans(&real), None);
    set(&mut real, "BILLING_PLANS_FILE", "/srv/plans.json");
    assert_eq!(plans(&real).as_deref(), Some("/srv/plans.json"));
    assert!(!env_of(&real, "beacon").contains_key("BILLING_PLANS_FILE"));
}

#[test]
fn a_demo_begins_with_some_knowledge_and_other_suites_with_none() {
    let entry = suite().registry.get("codex").unwrap().clone();
    let of = |suite: &Suite| suite.environment("knowledgetree", &entry);
    let demo = suite();
    let env = of(&demo);
    assert_eq!(env["KNOWLEDGETREE_SEED_FILE"], demo.home.join(DEMO_KNOWLEDGE).display().to_string());
    assert_eq!(env["KNOWLEDGETREE_TICKET_SYNC_SECONDS"], "120");
    let mut real = Suite { simulator: None, ..suite() };
    assert!(of(&real).keys().all(|name| !name.starts_with("KNOWLEDGETREE_")));
    set(&mut real, "KNOWLEDGETREE_COMPANY_SYNC_SECONDS", "86400");
    assert_eq!(of(&real)["KNOWLEDGETREE_COMPANY_SYNC_SECONDS"], "86400");
    assert!(!env_of(&real, "beacon").contains_key("KNOWLEDGETREE_COMPANY_SYNC_SECONDS"));
}

#[test]
fn the_identity_provider_is_the_shells_else_the_remembered_one_else_core() {
    let remembered = Some(json!({"keycloak": {"url": "http://localhost:8080", "realm": "msp"}}));
    for (config, operator, expected) in [
        (None, &[][..], ["http://localhost:5100", "http://localhost:5100", "hivematrix"]),
        (remembered.clone(), &[], ["http://localhost:8080", "http://localhost:8080", "msp"]),
        (
            remembered,
            &[("KEYCLOAK_SERVER_URL", "https://sso.example"), ("KEYCLOAK_REALM", "other")],
            ["https://sso.example", "https://sso.example", "other"],
        ),
    ] {
        let operator = operator.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let config = config.map_or_else(MasterConfig::default, of);
        let suite = Suite { config, operator: operator.collect(), ..suite() };
        for service in ["core", "nexus", "codex"] {
            let env = env_of(&suite, service);
            let names = ["KEYCLOAK_SERVER_URL", "KEYCLOAK_BACKEND_URL", "KEYCLOAK_REALM"];
            assert_eq!(names.map(|name| env[name].as_str()), expected, "{service}");
        }
    }
}

#[test]
fn foreign_variables_of_the_shell_are_not_kept() {
    let services = ["core", "codex"];
    let table = [
        ("PATH", true),
        ("CODEX_DATABASE_URL", true),
        ("FRESHSERVICE_API_KEY", true),
        ("KEYCLOAK_REALM", true),
        ("AWS_SECRET_ACCESS_KEY", false),
        ("BEACON_THING", false),
        ("HOME", false),
    ];
    for (name, kept) in table {
        assert_eq!(is_operator_variable(name, &services), kept, "{name}");
    }
}

#[test]
fn the_master_configuration_is_between_what_the_operator_sets_and_the_defaults() {
    let names = ["ENVIRONMENT", "LOG_LEVEL", "ENABLE_JSON_LOGGING"];
    let of_codex = |suite: &Suite| {
        let env = env_of(suite, "codex");
        names.map(|name| env[name].clone())
    };
    let mut suite = suite();
    assert_eq!(of_codex(&suite), ["development", "INFO", "true"]);
    suite.config = of(json!({
        "system": {"environment": "production", "log_level": "WARNING", "enable_json_logging": false},
        "apps": {"codex": {"log_level": "DEBUG"}}
    }));
    assert_eq!(of_codex(&suite), ["production", "DEBUG", "false"]);
    assert_eq!(env_of(&suite, "beacon")["LOG_LEVEL"], "WARNING");
    set(&mut suite, "LOG_LEVEL", "ERROR");
    set(&mut suite, "ENVIRONMENT", "development");
    assert_eq!(of_codex(&suite), ["development", "ERROR", "false"]);
}

#[test]
fn the_chosen_name_is_the_first_public_address() {
    let mut suite = suite();
    for (hostname, first, count) in [
        ("msp.example.net", "https://msp.example.net:9443", 5),
        ("192.0.2.7", "https://192.0.2.7:9443", 4),
        ("2001:db8::7", "https://[2001:db8::7]:9443", 5),
        ("localhost", "https://localhost:9443", 4),
    ] {
        suite.config = of(json!({"system": {"hostname": hostname}}));
        let origins = env_of(&suite, "nexus")["NEXUS_SERVICE_URL"].clone();
        assert_eq!(origins.split(',').next(), Some(first));
        assert_eq!(origins.split(',').count(), count, "{origins}");
    }
}

#[test]
fn addresses_are_public_where_the_gateway_listens_on_them() {
    let mut suite = suite();
    for (host, reached) in [
        ("0.0.0.0", vec!["https://192.0.2.7:9443"]),
        ("::", vec!["https://192.0.2.7:9443", "https://[2001:db8::7]:9443"]),
        ("2001:db8::7", vec!["https://[2001:db8::7]:9443"]),
        ("127.0.0.1", vec![]),
    ] {
        set(&mut suite, "NEXUS_HOST", host);
        let origins = env_of(&suite, "nexus")["NEXUS_SERVICE_URL"].clone();
        let of_interfaces: Vec<&str> = origins.split(',').skip(3).collect();
        assert_eq!(of_interfaces, reached, "{host}");
    }
}

#[test]
fn the_secret_of_the_client_is_the_operators_the_configurations_or_ours() {
    let mut suite = suite();
    assert_eq!(env_of(&suite, "nexus")["KEYCLOAK_CLIENT_SECRET"], "client-secret");
    suite.config = of(json!({"keycloak": {"client_secret": "configured", "client_id": "msp"}}));
    assert_eq!(env_of(&suite, "nexus")["KEYCLOAK_CLIENT_SECRET"], "configured");
    assert_eq!(env_of(&suite, "core")["KEYCLOAK_CLIENT_ID"], "msp");
    set(&mut suite, "KEYCLOAK_CLIENT_SECRET", "given");
    assert_eq!(env_of(&suite, "core")["KEYCLOAK_CLIENT_SECRET"], "given");
}

#[test]
fn a_service_of_the_original_suite_gets_its_variables_and_keeps_lines_of_its_own() {
    let mut apps: AppsRegistry =
        serde_json::from_str(include_str!("../../../../../deploy/apps_registry.json")).unwrap();
    for name in ["core", "codex"] {
        apps.core_apps[name].start_command = Some("pyenv/bin/python run.py".into());
    }
    let mut suite = suite();
    suite.registry = Registry::generate(&apps, Addressing::default()).unwrap();
    suite.database_urls = BTreeMap::from([(
        "codex".to_owned(),
        "postgres://codex_user:p%40w@127.0.0.1:5442/codex_db".to_owned(),
    )]);
    suite.config = of(json!({"system": {"hostname": "msp.example.net", "environment": "production"}}));
    suite.own_lines = BTreeMap::from([
        ("codex".to_owned(), BTreeMap::from([("OWN_LINE".to_owned(), "kept".to_owned())])),
        ("nexus".to_owned(), BTreeMap::from([("OWN_LINE".to_owned(), "not foreign".to_owned())])),
    ]);
    let codex = env_of(&suite, "codex");
    for (name, value) in [
        ("FLASK_APP", "run.py"),
        ("FLASK_ENV", "production"),
        ("ENVIRONMENT", "production"),
        ("SERVICE_NAME", "codex"),
        ("SECRET_KEY", "codex-key"),
        ("VERIFY_SSL", "False"),
        ("KEYCLOAK_SERVER_URL", "http://localhost:5000"),
        ("KEYCLOAK_REALM", "hivematrix"),
        ("DB_HOST", "127.0.0.1"),
        ("DB_PORT", "5442"),
        ("DB_NAME", "codex_db"),
        ("NEXUS_SERVICE_URL", "https://msp.example.net:8443"),
        ("CORE_SERVICE_URL", "http://localhost:5000"),
        ("FLASK_RUN_PORT", "5010"),
        ("OWN_LINE", "kept"),
    ] {
        assert_eq!(codex.get(name).map(String::as_str), Some(value), "{name}");
    }
    assert!(!codex.contains_key("KEYCLOAK_CLIENT_SECRET"), "Core and the gateway alone sign people in");
    let core = env_of(&suite, "core");
    assert_eq!(core["KEYCLOAK_SERVER_URL"], "http://localhost:5000/realms/hivematrix");
    assert_eq!(core["JWT_PRIVATE_KEY_FILE"], "keys/jwt_private.pem");
    assert_eq!(core["KEYCLOAK_CLIENT_SECRET"], "client-secret");
    assert!(!env_of(&suite, "nexus").contains_key("OWN_LINE"));
    assert!(!env_of(&suite, "beacon").contains_key("FLASK_APP"));
}

#[test]
fn the_tree_of_knowledge_learns_of_a_neo4j() {
    let mut suite = suite();
    let entry = suite.registry.get("codex").unwrap().clone();
    assert!(!suite.environment("knowledgetree", &entry).contains_key("NEO4J_URI"));
    suite.config = of(json!({"databases": {"neo4j": {"uri": "bolt://localhost:7687", "password": "p"}}}));
    let env = suite.environment("knowledgetree", &entry);
    assert_eq!(
        ["NEO4J_URI", "NEO4J_USER", "NEO4J_PASSWORD"].map(|name| env[name].as_str()),
        ["bolt://localhost:7687", "neo4j", "p"]
    );
    assert!(!env_of(&suite, "codex").contains_key("NEO4J_PASSWORD"));

    // The operator's variables win, and reach nobody else.
    let services = ["core", "knowledgetree", "ledger"];
    for (name, value) in
        [("NEO4J_URI", "neo4j+s://graph.example"), ("CODEX_SERVICE_URL", "http://codex.example")]
    {
        assert!(is_operator_variable(name, &services), "{name}");
        set(&mut suite, name, value);
    }
    assert!(!is_operator_variable("NEO4J_URI", &["core", "codex"]));
    let env = suite.environment("knowledgetree", &entry);
    assert_eq!(env["NEO4J_URI"], "neo4j+s://graph.example");
    for name in ["knowledgetree", "ledger", "brainhair"] {
        assert_eq!(suite.environment(name, &entry)["CODEX_SERVICE_URL"], "http://codex.example", "{name}");
    }
    assert!(!env_of(&suite, "codex").contains_key("NEO4J_URI"));

    // The mail server is Ledger's.
    assert!(is_operator_variable("SMTP_PASSWORD", &services));
    set(&mut suite, "SMTP_PASSWORD", "p");
    assert_eq!(suite.environment("ledger", &entry)["SMTP_PASSWORD"], "p");
    assert!(!env_of(&suite, "codex").contains_key("SMTP_PASSWORD"));
}
