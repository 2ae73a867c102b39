//! Setting up a database from nothing, by the binary.

use std::process::{Output, Stdio};

use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use tokio::process::Command;
use url::Url;

const PASSWORD: &str = "s3cret/with:odd@signs%";

fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[tokio::test]
async fn role_database_configuration_tables_and_the_example_are_made() {
    let admin: Url = std::env::var("DATABASE_URL").unwrap().parse().unwrap();
    let name = format!("ledger_test_{}", uuid::Uuid::new_v4().simple());
    let home = tempfile::tempdir().unwrap();
    let run = async |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hivematrix-ledger"));
        command.arg("init_db").args(arguments).env_clear().current_dir(home.path());
        command.env("HIVEMATRIX_HOME", home.path()).env("LEDGER_DB_ADMIN_URL", admin.as_str());
        command.stdin(Stdio::null()).output().await.unwrap()
    };
    for (arguments, expected) in [
        (&["--headless"][..], "--db-password is required"),
        (&[], "there is nobody to ask"),
        (&["--migrate-only"], "no database is configured"),
    ] {
        let refused = run(arguments).await;
        assert_eq!(refused.status.code(), Some(1), "{arguments:?}");
        assert!(text(&refused).contains(expected), "{arguments:?}: {}", text(&refused));
    }

    let (host, port) = (admin.host_str().unwrap(), admin.port().unwrap_or(5432).to_string());
    let place = ["--db-host", host, "--db-port", &port, "--db-name", &name, "--db-user", &name];
    let all = [&["--headless", "--db-password", PASSWORD][..], &place].concat();
    let made = run(&all).await;
    assert!(made.status.success(), "{}", text(&made));
    assert!(!text(&made).contains("s3cret"), "{}", text(&made));
    let conf = std::fs::read_to_string(home.path().join("ledger/ledger.conf")).unwrap();
    let line = conf.lines().find_map(|line| line.strip_prefix("connection_string = ")).unwrap();
    let mut connection = PgConnection::connect(line).await.unwrap();
    let jobs = "select job_name, script_path, schedule_cron, enabled from scheduler_jobs";
    type Job = (String, String, Option<String>, bool);
    let none: Vec<Job> = sqlx::query_as(jobs).fetch_all(&mut connection).await.unwrap();
    assert_eq!(none, []);

    // Again it finds everything there, with the example once.
    for _ in 0..2 {
        let again = run(&[&all[..], &["--create-sample-data"]].concat()).await;
        assert!(again.status.success() && text(&again).contains("is there"), "{}", text(&again));
    }
    assert!(run(&["--migrate-only"]).await.status.success());
    let sample: Vec<Job> = sqlx::query_as(jobs).fetch_all(&mut connection).await.unwrap();
    let [(job, script, cron, enabled)] = &sample[..] else { panic!("{sample:?}") };
    assert_eq!(
        (job.as_str(), script.as_str(), cron.as_deref(), *enabled),
        ("Diagnostic: Test Codex Connectivity", "sync_from_codex.py", Some("0 */12 * * *"), false)
    );
    connection.close().await.unwrap();
    let mut admin = PgConnection::connect(admin.as_str()).await.unwrap();
    for what in ["database", "role"] {
        let statement = format!("drop {what} if exists {name}");
        sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut admin).await.unwrap();
    }
}
