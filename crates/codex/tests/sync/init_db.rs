//! Setting up a database from nothing, by the binary.

use std::process::{Output, Stdio};

use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use tempfile::TempDir;
use tokio::process::Command;
use url::Url;

/// A server without the database yet. What the test makes there is removed by [`Server::clean`].
struct Server {
    admin: Url,
    name: String,
    home: TempDir,
}

impl Server {
    fn new() -> Self {
        let admin = std::env::var("DATABASE_URL").unwrap().parse().unwrap();
        let name = format!("codex_test_{}", uuid::Uuid::new_v4().simple());
        Self { admin, name, home: tempfile::tempdir().unwrap() }
    }

    async fn run(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hivematrix-codex"));
        command.arg("init_db").args(arguments).env_clear().current_dir(self.home.path());
        command.env("HIVEMATRIX_HOME", self.home.path()).env("CODEX_DB_ADMIN_URL", self.admin.as_str());
        command.stdin(Stdio::null()).output().await.unwrap()
    }

    async fn set_up(&self, password: &str) -> Output {
        let (host, port) = (self.admin.host_str().unwrap(), self.admin.port().unwrap_or(5432).to_string());
        self.run(&[
            "--headless",
            "--db-host",
            host,
            "--db-port",
            &port,
            "--db-name",
            &self.name,
            "--db-user",
            &self.name,
            "--db-password",
            password,
        ])
        .await
    }

    fn conf(&self) -> String {
        std::fs::read_to_string(self.home.path().join("codex/codex.conf")).unwrap()
    }

    /// The database as the role sees it.
    async fn connect(&self) -> PgConnection {
        let conf = self.conf();
        let line = conf.lines().find_map(|line| line.strip_prefix("connection_string = ")).unwrap();
        PgConnection::connect(line).await.unwrap()
    }

    async fn clean(self) {
        let mut admin = PgConnection::connect(self.admin.as_str()).await.unwrap();
        for what in ["database", "role"] {
            let statement = format!("drop {what} if exists {}", self.name);
            sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut admin).await.unwrap();
        }
    }
}

fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

async fn companies(connection: &mut PgConnection) -> i64 {
    sqlx::query_scalar("select count(*) from companies").fetch_one(connection).await.unwrap()
}

#[tokio::test]
async fn role_database_configuration_and_tables_are_made_and_can_be_made_anew() {
    let server = Server::new();
    let without = server.run(&["--headless"]).await;
    assert_eq!(without.status.code(), Some(1));
    assert!(text(&without).contains("--db-password is required"), "{}", text(&without));
    let nobody = server.run(&[]).await;
    assert!(
        !nobody.status.success() && text(&nobody).contains("there is nobody to ask"),
        "{}",
        text(&nobody)
    );

    let password = "s3cret/with:odd@signs%";
    let made = server.set_up(password).await;
    assert!(made.status.success(), "{}", text(&made));
    assert!(!text(&made).contains("s3cret"), "{}", text(&made));
    let mut connection = server.connect().await;
    sqlx::raw_sql("insert into companies (account_number, name) values ('1', 'Acme')")
        .execute(&mut connection)
        .await
        .unwrap();
    // Again it finds everything there.
    let again = server.set_up(password).await;
    assert!(again.status.success() && text(&again).contains("is there"), "{}", text(&again));
    assert!(server.run(&["--migrate-only"]).await.status.success());
    assert_eq!(companies(&mut connection).await, 1);

    let phrase = format!("rebuild {}", server.name);
    let wrong = server.run(&["--force-rebuild", "--confirm", "yes"]).await;
    assert_eq!(wrong.status.code(), Some(1));
    assert!(text(&wrong).contains("nothing was removed"), "{}", text(&wrong));
    sqlx::raw_sql(
        "insert into sync_jobs (id, script, status, started_at, heartbeat_at)
             values (gen_random_uuid(), 'psa', 'running', now(), now())",
    )
    .execute(&mut connection)
    .await
    .unwrap();
    let busy = server.run(&["--force-rebuild", "--confirm", &phrase]).await;
    assert!(!busy.status.success() && text(&busy).contains("a sync is running"), "{}", text(&busy));
    assert_eq!(companies(&mut connection).await, 1);
    sqlx::raw_sql("delete from sync_jobs").execute(&mut connection).await.unwrap();
    let rebuilt = server.run(&["--force-rebuild", "--confirm", &phrase]).await;
    assert!(rebuilt.status.success(), "{}", text(&rebuilt));
    assert_eq!(companies(&mut connection).await, 0);
    connection.close().await.unwrap();
    server.clean().await;
}
