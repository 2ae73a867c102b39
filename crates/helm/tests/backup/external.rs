//! A database of the operator's own, on a server that Helm does not run.

use super::instance::{Instance, execute, query};

/// The server of the tests; its user may do everything.
fn admin_url() -> String {
    std::env::var("DATABASE_URL").unwrap()
}

fn url_as(role: &str, database: &str) -> String {
    let mut url: url::Url = admin_url().parse().unwrap();
    url.set_username(role).unwrap();
    url.set_password(Some("p/w%")).unwrap();
    url.set_path(database);
    url.into()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_elsewhere_is_saved_and_replaced_where_it_is() {
    let name = format!("backup_{}", std::process::id());
    let admin = admin_url();
    execute(&admin, &format!("CREATE ROLE {name} LOGIN PASSWORD 'p/w%'")).await;
    execute(&admin, &format!("CREATE DATABASE {name} OWNER {name} TEMPLATE template0")).await;
    let instance = Instance::new(&["alpha"]);
    let url = url_as(&name, &name);
    instance.write("settings.env", &format!("ALPHA_DATABASE_URL={url}\n"), 0o600);
    execute(&url, "CREATE TABLE t AS SELECT 'saved' AS id").await;
    execute(&url, "CREATE TABLE _sqlx_migrations AS SELECT 5::bigint AS version, true AS success").await;
    let done = instance.backup().await.unwrap();
    assert!(done.manifest.is_complete(), "{:?}", done.manifest.missing().collect::<Vec<_>>());
    assert!(!instance.home().join("postgres").exists(), "no cluster is made where none is needed");
    execute(&url, "UPDATE t SET id = 'newer'").await;
    let archive = done.archive.to_str().unwrap();

    let output = instance.helm(&["restore", archive, "--force"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1));
    assert!(said.contains("may not make databases") && said.contains("nothing was changed"), "{said}");
    assert!(!said.contains("p/w") && !said.contains("p%2Fw"), "no password in an error: {said}");
    assert_eq!(query(&url, "SELECT id FROM t").await, "newer");

    execute(&admin, &format!("ALTER ROLE {name} CREATEDB")).await;
    execute(&url, "UPDATE _sqlx_migrations SET version = 4").await;
    let refused = instance.helm(&["restore", archive, "--force"]);
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(1));
    assert!(said.contains("saved after migration 5, and the programs here have come to 4"), "{said}");
    execute(&url, "UPDATE _sqlx_migrations SET version = 6").await;
    let output = instance.helm(&["restore", archive, "--force"]);
    let found = query(&url, "SELECT id FROM t").await;
    let left = format!("SELECT count(*)::text FROM pg_database WHERE datname LIKE '{name}%'");
    let left = query(&admin, &left).await;
    execute(&admin, &format!("DROP DATABASE {name} WITH (FORCE)")).await;
    execute(&admin, &format!("DROP ROLE {name}")).await;
    assert!(output.status.success(), "{output:?}");
    assert_eq!((found.as_str(), left.as_str()), ("saved", "1"));
}
