//! The command line, by the binary.

use std::{
    os::unix::fs::PermissionsExt as _,
    path::Path,
    process::{Output, Stdio},
};

use hivematrix_knowledgetree::domain::item::ROOT_ID;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, PgPool};
use tokio::process::Command;
use url::Url;

use crate::support::Suite;

const PASSWORD: &str = "s3cret/with:odd@signs%";

fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

fn command(home: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hivematrix-knowledgetree"));
    command.args(arguments).env_clear().current_dir(home).env("HIVEMATRIX_HOME", home).stdin(Stdio::null());
    command
}

/// The address of a test's own database.
async fn url_of(pool: &PgPool) -> String {
    let name: String = sqlx::query_scalar("select current_database()").fetch_one(pool).await.unwrap();
    let mut url: Url = std::env::var("DATABASE_URL").unwrap().parse().unwrap();
    url.set_path(&name);
    url.to_string()
}

#[sqlx::test(migrations = "../../migrations/knowledgetree")]
async fn notes_come_in_as_a_folder_and_go_out_as_json_and_as_a_folder(pool: PgPool) {
    let suite = Suite::start(pool.clone()).await;
    let url = url_of(&pool).await;
    let home = tempfile::tempdir().unwrap();
    let run = async |arguments: &[&str]| {
        command(home.path(), arguments).env("DATABASE_URL", &url).output().await.unwrap()
    };
    let notes = home.path().join("notes/Network");
    std::fs::create_dir_all(&notes).unwrap();
    std::fs::write(notes.join("VPN.md"), "# VPN\n").unwrap();
    let imported = run(&["import", "notes", "--user", "ada"]).await;
    assert!(
        imported.status.success() && text(&imported).contains("2 made, 0 changed"),
        "{}",
        text(&imported)
    );
    assert_eq!(suite.item("Network/VPN").await.created_by.as_deref(), Some("ada"));

    for place in ["tree.json", "tree.zip", "tree"] {
        let exported = run(&["export", place]).await;
        assert!(exported.status.success(), "{place}: {}", text(&exported));
        let again = run(&["import", place]).await;
        assert!(text(&again).contains("0 made, 0 changed, 2 as before"), "{place}: {}", text(&again));
    }
    assert_eq!(std::fs::metadata(home.path().join("tree.json")).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(std::fs::read_to_string(home.path().join("tree/Network/VPN.md")).unwrap(), "# VPN\n");
    let refused = run(&["export", "tree.json"]).await;
    assert!(!refused.status.success() && text(&refused).contains("is there already"), "{}", text(&refused));

    let well = run(&["verify"]).await;
    assert!(
        well.status.success() && text(&well).contains("3 items, and nothing is wrong"),
        "{}",
        text(&well)
    );
    suite.write(ROOT_ID, "x", "y").await;
    sqlx::raw_sql("update context_items set name = 'a/b' where name = 'x'").execute(&pool).await.unwrap();
    let ill = run(&["verify"]).await;
    assert_eq!(ill.status.code(), Some(1));
    assert!(text(&ill).contains("\"a/b\" is no name"), "{}", text(&ill));
}

#[sqlx::test(migrations = "../../migrations/knowledgetree")]
async fn a_sync_by_hand_that_cannot_reach_codex_ends_with_1(pool: PgPool) {
    Suite::start(pool.clone()).await;
    let url = url_of(&pool).await;
    let home = tempfile::tempdir().unwrap();
    for arguments in [&["sync_codex"][..], &["sync_tickets"], &["sync_tickets", "overwrite"]] {
        let mut command = command(home.path(), arguments);
        // Nobody listens there.
        command
            .env("DATABASE_URL", &url)
            .env("CODEX_SERVICE_URL", "http://127.0.0.1:9")
            .env("CORE_SERVICE_URL", "http://127.0.0.1:9");
        let output = command.output().await.unwrap();
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {}", text(&output));
        assert!(text(&output).contains("cannot be reached"), "{arguments:?}: {}", text(&output));
    }
}

#[tokio::test]
async fn where_the_tree_is_kept_is_set_up_from_nothing() {
    let admin: Url = std::env::var("DATABASE_URL").unwrap().parse().unwrap();
    let name = format!("knowledgetree_test_{}", uuid::Uuid::new_v4().simple());
    let home = tempfile::tempdir().unwrap();
    let run = async |arguments: &[&str]| {
        let arguments = [&["init_db"], arguments].concat();
        command(home.path(), &arguments)
            .env("KNOWLEDGETREE_DB_ADMIN_URL", admin.as_str())
            .output()
            .await
            .unwrap()
    };
    for (arguments, expected) in [
        (&["--headless"][..], "--neo4j-password is required"),
        (&["--non-interactive"], "no password of Neo4j is configured"),
        (&["--postgres", "--headless"], "--db-password is required"),
        (&["--postgres", "--non-interactive"], "no database is configured"),
        (&[], "there is nobody to ask"),
    ] {
        let refused = run(arguments).await;
        assert_eq!(refused.status.code(), Some(1), "{arguments:?}");
        assert!(text(&refused).contains(expected), "{arguments:?}: {}", text(&refused));
    }

    let (host, port) = (admin.host_str().unwrap(), admin.port().unwrap_or(5432).to_string());
    let place = ["--db-host", host, "--db-port", &port, "--db-name", &name, "--db-user", &name];
    let made = run(&[&["--postgres", "--headless", "--db-password", PASSWORD][..], &place].concat()).await;
    assert!(made.status.success() && !text(&made).contains("s3cret"), "{}", text(&made));
    let conf = home.path().join("knowledgetree/knowledgetree.conf");
    let line = std::fs::read_to_string(&conf).unwrap();
    let line = line.lines().find_map(|line| line.strip_prefix("connection_string = ")).unwrap().to_owned();
    let mut connection = PgConnection::connect(&line).await.unwrap();
    let tables: i64 =
        sqlx::query_scalar("select count(*) from context_items").fetch_one(&mut connection).await.unwrap();
    assert!(tables <= 1);
    connection.close().await.unwrap();
    assert!(run(&["--postgres", "--non-interactive"]).await.status.success());

    // A Neo4j that does not answer yet is a warning: it may be started later.
    let graph = run(&["--headless", "--neo4j-uri", "bolt://127.0.0.1:9", "--neo4j-password", PASSWORD]).await;
    assert!(
        graph.status.success() && text(&graph).contains("Warning: Neo4j does not answer"),
        "{}",
        text(&graph)
    );
    assert!(!text(&graph).contains("s3cret"), "{}", text(&graph));
    let written = std::fs::read_to_string(&conf).unwrap();
    for line in ["neo4j_uri = bolt://127.0.0.1:9", "neo4j_user = neo4j", "codex_url = http://localhost:5010"]
    {
        assert!(written.lines().any(|have| have == line), "{line} is not in {written}");
    }
    assert_eq!(std::fs::metadata(&conf).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(run(&["--non-interactive"]).await.status.success(), "what is configured is found again");

    let mut admin = PgConnection::connect(admin.as_str()).await.unwrap();
    for what in ["database", "role"] {
        sqlx::raw_sql(AssertSqlSafe(format!("drop {what} if exists {name}")))
            .execute(&mut admin)
            .await
            .unwrap();
    }
}
