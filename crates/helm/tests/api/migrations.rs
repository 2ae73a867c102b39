//! The next version of the database, while somebody reads this one.

use std::time::Duration;

use hivematrix_helm::MIGRATOR;
use hivematrix_shared::db;
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

#[sqlx::test(migrations = false)]
async fn a_migration_lets_readers_pass_while_it_waits_and_is_done_when_it_can_be(pool: PgPool) {
    MIGRATOR.run_to(2, &pool).await.unwrap();
    let mut backup = pool.begin().await.unwrap();
    sqlx::raw_sql("LOCK TABLE log_entries IN ACCESS SHARE MODE").execute(&mut *backup).await.unwrap();
    let migration = tokio::spawn({
        let pool = pool.clone();
        async move { db::migrate(&pool, &MIGRATOR, &CancellationToken::new()).await }
    });
    let waits =
        "SELECT EXISTS (SELECT FROM pg_locks WHERE relation = 'log_entries'::regclass AND NOT granted)";
    while !sqlx::query_scalar::<_, bool>(waits).fetch_one(&pool).await.unwrap() {
        assert!(!migration.is_finished(), "it did not wait");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    // Queues behind the migration, which waits for the backup: without an end to that it would fail here.
    let mut reader = pool.begin().await.unwrap();
    sqlx::raw_sql("SET LOCAL lock_timeout = '20s'").execute(&mut *reader).await.unwrap();
    let rows: i64 =
        sqlx::query_scalar("SELECT count(*) FROM log_entries").fetch_one(&mut *reader).await.unwrap();
    reader.commit().await.unwrap();
    assert_eq!(rows, 0);
    assert!(!migration.is_finished());
    backup.commit().await.unwrap();
    migration.await.unwrap().unwrap();
    sqlx::query("SELECT source, seq FROM log_entries").execute(&pool).await.unwrap();
}
