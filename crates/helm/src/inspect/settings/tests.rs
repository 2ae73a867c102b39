use super::*;

fn address(name: &'static str, url: &str) -> Address {
    (name, format!("{name}'s address"), Url::parse(url).unwrap())
}

#[test]
fn a_server_is_here_or_elsewhere_and_encrypted_or_not() {
    for (name, url, place) in [
        ("PostgreSQL", "postgres://u:p@localhost/db", Place::Here(5432)),
        ("PostgreSQL", "postgres://u:p@[::1]:5442/db", Place::Here(5442)),
        ("Redis", "redis://127.0.0.1", Place::Here(6379)),
        ("Neo4j", "bolt://localhost", Place::Here(7687)),
        ("PostgreSQL", "postgres://db.example/x?sslmode=prefer", elsewhere("db.example", false)),
        ("PostgreSQL", "postgres://db.example/x?sslmode=verify-full", elsewhere("db.example", true)),
        ("Redis", "rediss://cache.example", elsewhere("cache.example", true)),
        ("Neo4j", "neo4j+s://graph.example", elsewhere("graph.example", true)),
    ] {
        let servers = servers(&[address(name, url)]);
        assert!(servers.contains(&Server { name, place }), "{url}: {servers:?}");
        assert_eq!(servers.iter().filter(|server| server.place == Place::Unused).count(), 2);
    }
    let twice = [address("Redis", "redis://localhost"), address("Redis", "redis://127.0.0.1:6379")];
    assert_eq!(servers(&twice).len(), 3, "each server once");
}

fn elsewhere(host: &str, encrypted: bool) -> Place {
    Place::Elsewhere { host: host.to_owned(), encrypted }
}

#[test]
fn only_names_of_weak_secrets_leave() {
    let told = [
        ("KEYCLOAK_ADMIN_PASS", "admin"),
        ("DATTO_PUBLIC_KEY", "short"),
        ("FRESHSERVICE_API_KEY", "9d1f6c20aa7b43e8"),
        ("CODEX_WEBHOOK_SECRET", ""),
        ("LOG_LEVEL", "admin"),
    ];
    let told = told.into_iter().collect();
    assert_eq!(weak_variables(&told), [("KEYCLOAK_ADMIN_PASS".to_owned(), "it is a default")]);
    let addresses = [
        address("PostgreSQL", "postgres://codex:CHANGE%5FME@localhost/db"),
        address("Redis", "redis://:4f0c9a2be1d84c77@localhost"),
        address("Neo4j", "bolt://localhost"),
    ];
    assert_eq!(weak_in_addresses(&addresses), [("PostgreSQL's address".to_owned(), "it is a default")]);
}

#[test]
fn mail_is_in_the_open_where_it_leaves_this_machine_without_tls() {
    let of = |told: &[(&'static str, &'static str)]| mail(&told.iter().copied().collect());
    assert_eq!(of(&[("SMTP_SECURITY", "none")]), Mail::Off);
    assert_eq!(of(&[("SMTP_HOST", "mail.example")]), Mail::Closed, "STARTTLS unless said");
    assert_eq!(of(&[("SMTP_HOST", "localhost"), ("SMTP_SECURITY", "none")]), Mail::Closed);
    let elsewhere = [("SMTP_HOST", "mail.example"), ("SMTP_SECURITY", "None")];
    assert_eq!(of(&elsewhere), Mail::Open { with_password: false });
    let known = [elsewhere[0], elsewhere[1], ("SMTP_PASSWORD", "p")];
    assert_eq!(of(&known), Mail::Open { with_password: true });
}

#[test]
fn an_instance_is_read_without_a_running_suite() {
    let home = tempfile::tempdir().unwrap();
    let layout = Layout::new(home.path().to_owned());
    let registry =
        Registry::generate(&crate::instance::registry::built_in().unwrap(), Options::default().addressing())
            .unwrap();
    crate::instance::files::write_private(
        &layout.settings_file(),
        b"HIVEMATRIX_RATE_LIMIT_SCALE=50\nHIVEMATRIX_COMPAT_SERVICE_WRITES=on\nVERIFY_SSL=false\n",
    )
    .unwrap();
    let settings = Settings::read(&layout, &registry, &Options::default());
    assert_eq!(settings.rate_limit_scale.as_deref(), Some("50"));
    assert_eq!(settings.open_switches, ["HIVEMATRIX_COMPAT_SERVICE_WRITES"]);
    assert!(settings.tls_unverified && settings.unread.is_empty(), "{:?}", settings.unread);
}

#[test]
fn a_default_of_the_master_configuration_is_weak() {
    let mut document = Document::with_defaults();
    document.set(&["keycloak", "admin_password"], "admin".into()).unwrap();
    document.set(&["keycloak", "client_secret"], "9d1f6c20aa7b43e8".into()).unwrap();
    assert_eq!(
        weak_configured(&document),
        [("master_secrets.json keycloak admin_password".to_owned(), "it is a default")]
    );
}
