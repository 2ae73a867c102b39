//! One database and one role per service, on a real server.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::{lchown, symlink},
};

use hivematrix_helm::{
    domain::{
        operator::Operator,
        secrets::{Secrets, ServiceSecrets},
    },
    instance::{
        Layout,
        databases::{self, Databases},
    },
};
use sqlx::{AssertSqlSafe, Connection, PgConnection};

/// The server of the tests; its user may create databases.
fn admin_url() -> String {
    std::env::var("DATABASE_URL").unwrap()
}

fn url_as(user: &str, password: &str, database: &str) -> String {
    let mut url = url::Url::parse(&admin_url()).unwrap();
    url.set_username(user).unwrap();
    url.set_password(Some(password)).unwrap();
    url.set_path(database);
    url.into()
}

#[tokio::test]
async fn each_service_gets_a_database_of_its_own_and_no_one_elses() {
    let mark = std::process::id();
    // Names with quotes must not end a statement.
    let services = [format!("one\"{mark}"), format!("two'{mark}")];
    let secrets = Secrets {
        services: services
            .iter()
            .map(|name| {
                let secrets = ServiceSecrets { database_password: format!("p'{name}"), ..Default::default() };
                (name.clone(), secrets)
            })
            .collect(),
        ..Secrets::default()
    };
    let databases =
        Databases { urls: BTreeMap::new(), managed: services.to_vec(), admin_url: Some(admin_url()) };
    databases.make(&secrets).await.unwrap();
    databases.make(&secrets).await.unwrap();
    let mut outcome = Vec::new();
    for (user, database) in [(0, 0), (1, 1), (0, 1)] {
        let (user, database) = (&services[user], &services[database]);
        let url = url_as(
            &percent(&format!("{user}_user")),
            &percent(&format!("p'{user}")),
            &percent(&format!("{database}_db")),
        );
        let connection = PgConnection::connect(&url).await;
        let usable = match connection {
            Ok(mut connection) => {
                sqlx::query("CREATE TABLE IF NOT EXISTS t (id int)").execute(&mut connection).await.is_ok()
            }
            Err(_) => false,
        };
        outcome.push(usable);
    }
    let mut admin = PgConnection::connect(&admin_url()).await.unwrap();
    for name in &services {
        let quoted = name.replace('"', "\"\"");
        for statement in [format!("DROP DATABASE \"{quoted}_db\""), format!("DROP ROLE \"{quoted}_user\"")] {
            sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut admin).await.unwrap();
        }
    }
    assert_eq!(outcome, [true, true, false]);
}

fn percent(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

#[test]
#[ignore = "needs root"]
fn no_link_of_a_service_shows_it_the_database_of_another_one() {
    let place = tempfile::tempdir().unwrap();
    let layout = Layout::new(place.path().join("home"));
    fs::create_dir_all(layout.folder("codex")).unwrap();
    // As root writes them for the others: the environment of a unit, the settings of a foreign service.
    let (env, conf) = (place.path().join("core.env"), place.path().join("brainhair.conf"));
    fs::write(&env, "DATABASE_URL=\"postgres://core_user:secret@127.0.0.1/core_db\"\n").unwrap();
    fs::write(&conf, "[database]\nconnection_string = postgresql://brainhair_user:secret@127.0.0.1/b\n")
        .unwrap();
    for (name, target) in [(".flaskenv", &env), ("codex.conf", &conf)] {
        let link = layout.folder("codex").join(name);
        symlink(target, &link).unwrap();
        let chosen = || databases::elsewhere(&layout, "codex", None, &Operator::default());
        assert!(chosen().unwrap().unwrap().contains("secret"), "of root's own link");
        lchown(&link, Some(65_534), Some(65_534)).unwrap();
        let refused = format!("{:#}", chosen().unwrap_err());
        assert!(refused.contains("is a link that the account 65534 has made"), "{refused}");
        fs::remove_file(link).unwrap();
    }
}
