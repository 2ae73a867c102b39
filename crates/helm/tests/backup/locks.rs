//! A backup beside somebody who changes tables.

use std::time::Duration;

use sqlx::{Connection, PgConnection};
use tokio::time::timeout;

use crate::instance::{Instance, execute};

/// The change waits for the snapshot, the dump for the change: PostgreSQL sees no deadlock there.
#[tokio::test(flavor = "multi_thread")]
async fn a_backup_gives_way_to_a_change_of_tables_and_saves_what_comes_of_it() {
    let from = Instance::new(&["alpha"]);
    let server = from.start().await;
    execute(&from.url("alpha"), "CREATE TABLE t (id int); INSERT INTO t VALUES (1)").await;
    let url = from.url("alpha");
    let change = tokio::spawn(async move {
        let mut connection = PgConnection::connect(&url).await.unwrap();
        let holds = "SELECT EXISTS (SELECT FROM pg_locks WHERE relation = 't'::regclass AND mode = 'AccessShareLock' AND granted)";
        while !sqlx::query_scalar::<_, bool>(holds).fetch_one(&mut connection).await.unwrap() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        sqlx::raw_sql("ALTER TABLE t ADD COLUMN name text DEFAULT 'new'")
            .execute(&mut connection)
            .await
            .unwrap();
        connection.close().await.unwrap();
    });
    let done = from.backup().await.unwrap();
    // Reached only when the backup never held the table.
    timeout(Duration::from_secs(60), change).await.unwrap().unwrap();
    assert!(done.manifest.is_complete(), "{:?}", done.manifest.missing().collect::<Vec<_>>());
    server.stop().await.unwrap();
    let output = from.helm(&["restore", done.archive.to_str().unwrap(), "--force"]);
    assert!(output.status.success(), "{output:?}");
}
