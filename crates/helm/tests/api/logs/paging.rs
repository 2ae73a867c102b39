//! Pages and the live tail while lines come in.

use std::time::Duration;

use hivematrix_helm::{
    domain::log_filter::{LogFilter, RawFilter},
    store::logs,
};
use http::StatusCode;
use serde_json::{Value, json};
use sqlx::PgPool;

use super::Helm;

impl Helm {
    /// All messages of a filter, page by page; `between` runs after each page.
    async fn leaf_through(&self, query: &str, between: Value) -> Vec<String> {
        let (mut messages, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = self.get(&format!("/api/logs?limit=10&{query}&cursor={cursor}")).await.json();
            let logs = page["logs"].as_array().unwrap();
            messages.extend(logs.iter().map(|log| log["message"].as_str().unwrap().to_owned()));
            let Some(next) = page["next_cursor"].as_str() else { return messages };
            cursor = next.to_owned();
            self.ingest("codex", between.clone()).await;
        }
    }
}

#[sqlx::test(migrator = "hivematrix_helm::MIGRATOR")]
async fn pages_by_cursor_have_no_gap_and_no_double_while_lines_come_in(pool: PgPool) {
    let helm = Helm::new(pool);
    // Many of one moment, so that only the id tells them apart.
    let logs: Vec<Value> = (0..25)
        .map(|n| json!({"message": format!("{n:02}"), "timestamp": format!("2025-11-22T10:00:0{}Z", n / 10)}))
        .collect();
    helm.ingest("codex", json!({"logs": logs})).await;
    let wanted: Vec<String> = (0..25).map(|n| format!("{n:02}")).collect();
    let newer = json!({"logs": [{"message": "new", "timestamp": "2025-11-22T11:00:00Z"}]});
    let newest_first = helm.leaf_through("order=desc", newer).await;
    assert_eq!(newest_first, wanted.iter().rev().cloned().collect::<Vec<_>>());
    let older = json!({"logs": [{"message": "old", "timestamp": "2025-11-22T09:00:00Z"}]});
    let oldest_first = helm.leaf_through("order=asc&end_time=2025-11-22T10:30:00Z", older).await;
    assert_eq!(oldest_first, wanted);
    let bad = helm.get("/api/logs?cursor=x").await;
    assert_eq!((bad.status, bad.json()["error"].clone()), (StatusCode::BAD_REQUEST, json!("Invalid cursor")));
}

/// Ends when nobody can see `slow` yet, though its id is drawn.
async fn draw(pool: &PgPool) -> sqlx::Transaction<'static, sqlx::Postgres> {
    let mut slow = pool.begin().await.unwrap();
    sqlx::query("SELECT pg_advisory_xact_lock_shared($1)")
        .bind(0x4c4f_4753_i64)
        .execute(&mut *slow)
        .await
        .unwrap();
    sqlx::query("INSERT INTO log_entries (service, level, message) VALUES ('core', 'INFO', 'slow')")
        .execute(&mut *slow)
        .await
        .unwrap();
    slow
}

#[sqlx::test(migrator = "hivematrix_helm::MIGRATOR")]
async fn the_live_tail_waits_for_who_drew_an_earlier_id(pool: PgPool) {
    let helm = Helm::new(pool.clone());
    assert_eq!(logs::settled(&pool).await.unwrap(), 0);
    helm.ingest("codex", json!({"logs": [{"message": "first"}]})).await;
    let first = logs::settled(&pool).await.unwrap();
    let slow = draw(&pool).await;
    helm.ingest("codex", json!({"logs": [{"message": "fast"}]})).await;
    let tail = format!("after_id={first}&order=asc");
    let read = helm.messages(&tail);
    let ended = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        slow.commit().await.unwrap();
    };
    let (read, ()) = tokio::join!(read, ended);
    assert_eq!(read, ["slow", "fast"]);
}

#[sqlx::test(migrator = "hivematrix_helm::MIGRATOR")]
async fn a_writer_that_hangs_holds_the_tail_up_for_seconds_only(pool: PgPool) {
    let helm = Helm::new(pool.clone());
    helm.ingest("codex", json!({"logs": [{"message": "old"}]})).await;
    sqlx::query("UPDATE log_entries SET created_at = now() - interval '11 seconds'")
        .execute(&pool)
        .await
        .unwrap();
    let _hangs = draw(&pool).await;
    helm.ingest("codex", json!({"logs": [{"message": "new"}]})).await;
    assert_eq!(helm.messages("after_id=0&order=asc").await, ["old"]);
}

#[sqlx::test(migrator = "hivematrix_helm::MIGRATOR")]
async fn a_number_that_takes_too_long_is_a_guess_and_says_so(pool: PgPool) {
    sqlx::query(
        "INSERT INTO log_entries (service, level, message)
         SELECT 'codex', 'INFO', 'line ' || n FROM generate_series(1, 50000) AS n",
    )
    .execute(&pool)
    .await
    .unwrap();
    sqlx::query("ANALYZE log_entries").execute(&pool).await.unwrap();
    let filter = |search: Option<&str>| -> LogFilter {
        RawFilter { search: search.map(str::to_owned), ..RawFilter::default() }.try_into().unwrap()
    };
    let count = async |search: Option<&str>, patience| {
        logs::Search::new(&pool, &filter(search)).await.unwrap().count(patience).await.unwrap()
    };
    let exact = count(Some("line 4"), Duration::from_secs(30)).await;
    assert_eq!((exact.rows, exact.is_estimate), (11_111, false));
    let guess = count(Some("line 4"), Duration::from_millis(1)).await;
    assert!(guess.is_estimate && (1..=50_000).contains(&guess.rows), "{guess:?}");
    let all = count(None, Duration::from_millis(1)).await;
    assert!(all.is_estimate && (45_000..=55_000).contains(&all.rows), "{all:?}");
}
