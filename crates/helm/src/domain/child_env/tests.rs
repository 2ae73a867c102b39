//! Who gets which variable, and above all which secret.

use super::*;
use crate::domain::{
    registry::{Addressing, AppsRegistry},
    secrets::ServiceSecrets,
};

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
        keycloak: None,
        operator: BTreeMap::new(),
    }
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
            "https://localhost:9443,https://127.0.0.1:9443,https://desk:9443,https://192.0.2.7:9443,https://[2001:db8::7]:9443",
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
    suite.operator.insert("KEYCLOAK_ADMIN_CLIENT_SECRET".into(), "theirs".into());
    assert_eq!(env_of(&suite, "core")["KEYCLOAK_ADMIN_CLIENT_SECRET"], "theirs");
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
    ] {
        suite.operator.insert(name.to_owned(), value.to_owned());
    }
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
}

#[test]
fn links_of_a_demo_lead_through_the_gateway_and_those_of_a_vendor_to_the_vendor() {
    let mut suite = suite();
    let links = |suite: &Suite| env_of(suite, "codex").get("FRESHSERVICE_TICKET_URL_TEMPLATE").cloned();
    assert_eq!(links(&suite).as_deref(), Some("/simulator/helpdesk/tickets/{ticket_id}"));
    suite.operator.insert("FRESHSERVICE_BASE_URL".into(), "https://msp.freshservice.example".into());
    assert_eq!(links(&suite), None);
    suite.operator.insert("FRESHSERVICE_TICKET_URL_TEMPLATE".into(), "https://own/{ticket_id}".into());
    assert_eq!(links(&suite).as_deref(), Some("https://own/{ticket_id}"));
}

#[test]
fn the_rmm_of_a_demo_gives_way_to_a_real_one_as_a_whole() {
    let mut suite = suite();
    let env = env_of(&suite, "codex");
    assert_eq!(env["DATTO_BASE_URL"], "http://localhost:5192");
    assert_eq!(env["DATTO_SECRET_KEY"], "rmm-secret");
    suite.operator.insert("DATTO_BASE_URL".into(), "https://merlot-api.centrastage.net".into());
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
    real.operator.insert("BILLING_PLANS_FILE".into(), "/srv/plans.json".into());
    assert_eq!(plans(&real).as_deref(), Some("/srv/plans.json"));
    assert!(!env_of(&real, "beacon").contains_key("BILLING_PLANS_FILE"));
}

#[test]
fn the_identity_provider_is_the_shells_else_the_remembered_one_else_core() {
    let remembered = Some(("http://localhost:8080".to_owned(), "msp".to_owned()));
    for (keycloak, operator, expected) in [
        (None, &[][..], ["http://localhost:5100", "http://localhost:5100", "hivematrix"]),
        (remembered.clone(), &[], ["http://localhost:8080", "http://localhost:8080", "msp"]),
        (
            remembered,
            &[("KEYCLOAK_SERVER_URL", "https://sso.example"), ("KEYCLOAK_REALM", "other")],
            ["https://sso.example", "https://sso.example", "other"],
        ),
    ] {
        let operator = operator.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let suite = Suite { keycloak, operator: operator.collect(), ..suite() };
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
