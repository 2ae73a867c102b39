//! An entry that comes twice is kept once.

use http::StatusCode;
use serde_json::{Value, json};
use sqlx::PgPool;

use super::Helm;

async fn messages(helm: &Helm) -> Vec<String> {
    let logs = helm.get("/api/logs?order=asc&after_id=0").await.json();
    logs["logs"].as_array().unwrap().iter().map(|log| log["message"].as_str().unwrap().to_owned()).collect()
}

fn entry(source: &str, seq: i64, message: &str) -> Value {
    json!({"message": message, "timestamp": "2025-11-22T10:00:00Z", "source": source, "seq": seq})
}

#[sqlx::test(migrator = "hivematrix_helm::MIGRATOR")]
async fn a_batch_that_comes_twice_is_stored_once(pool: PgPool) {
    let helm = Helm::new(pool);
    let (run, other) = ("0b9d2a52-31a7-4a2e-9a75-0f4c8f1d2b3c", "7c1f4d8e-1111-4a2e-9a75-0f4c8f1d2b3c");
    let batch = json!({"logs": [entry(run, 1, "one"), entry(run, 2, "two")]});
    helm.ingest("codex", &batch).await;
    let again = helm.ingest("codex", &batch).await;
    assert_eq!((again.status, again.json()["ingested"].clone()), (StatusCode::OK, json!(2)), "it is stored");
    let more = json!({"logs": [entry(run, 2, "two"), entry(run, 3, "three"), entry(run, 3, "three"), entry(other, 1, "four")]});
    helm.ingest("codex", &more).await;
    // Who learns the run of another service's process takes no number of it away.
    helm.ingest("core", &json!({"logs": [entry(run, 4, "of core")]})).await;
    helm.ingest("codex", &json!({"logs": [entry(run, 4, "of codex")]})).await;
    assert_eq!(messages(&helm).await, ["one", "two", "three", "four", "of core", "of codex"]);
}

#[sqlx::test(migrator = "hivematrix_helm::MIGRATOR")]
async fn entries_without_a_number_are_as_many_as_come(pool: PgPool) {
    let helm = Helm::new(pool);
    let batch = json!({"logs": [{"message": "same", "timestamp": "2025-11-22T10:00:00Z", "source": "stdout", "seq": 1}]});
    for _ in 0..2 {
        assert_eq!(helm.ingest("codex", &batch).await.status, StatusCode::OK);
    }
    let token = helm.identity.service_token("codex", "helm");
    for _ in 0..2 {
        let single = entry("0b9d2a52-31a7-4a2e-9a75-0f4c8f1d2b3c", 1, "single");
        let answer = helm.client.post("/api/logs").bearer(&token).json(&single).send().await;
        assert_eq!(answer.status, StatusCode::CREATED, "a single entry always has a new row");
    }
    assert_eq!(messages(&helm).await, ["same", "same", "single", "single"]);
}

#[sqlx::test(migrator = "hivematrix_helm::MIGRATOR")]
async fn a_search_finds_parts_of_words_whether_there_are_trigrams_or_not(pool: PgPool) {
    let helm = Helm::new(pool.clone());
    helm.ingest("codex", &json!({"logs": [{"message": "Company 50% created"}, {"message": "other"}]})).await;
    for drop in [false, true] {
        if drop {
            sqlx::query("DROP INDEX IF EXISTS idx_log_message_part").execute(&pool).await.unwrap();
        }
        for (search, found) in [("ompan", 1), ("50%25", 1), ("5%25c", 0), ("o", 2)] {
            let answer = helm.get(&format!("/api/logs?search={search}")).await.json();
            assert_eq!(answer["logs"].as_array().unwrap().len(), found, "{search}, without: {drop}");
        }
    }
}
