//! The central log through the router, on real PostgreSQL (helm.md §4.2, §5).

mod export;
mod pages;
mod paging;

use std::ops::Deref;

use chrono::TimeDelta;
use hivematrix_helm::store::partitions;
use hivematrix_shared::{auth::PermissionLevel, testing::TestResponse};
use http::StatusCode;
use serde_json::{Value, json};
use sqlx::PgPool;

/// Helm as services that log and administrators that read see it.
struct Helm(crate::helm::Helm);

impl Deref for Helm {
    type Target = crate::helm::Helm;

    fn deref(&self) -> &crate::helm::Helm {
        &self.0
    }
}

impl Helm {
    fn new(pool: PgPool) -> Self {
        Self(crate::helm::Helm::new(pool, None))
    }

    async fn ingest(&self, caller: &str, body: Value) -> TestResponse {
        let token = self.identity.service_token(caller, "helm");
        self.client.post("/api/logs/ingest").bearer(token).json(&body).send().await
    }

    async fn single(&self, caller: &str, body: Value) -> TestResponse {
        let token = self.identity.service_token(caller, "helm");
        self.client.post("/api/logs").bearer(token).json(&body).send().await
    }

    async fn get(&self, path: &str) -> TestResponse {
        self.get_as(PermissionLevel::Admin, path).await
    }

    async fn messages(&self, query: &str) -> Vec<String> {
        let answer = self.get(&format!("/api/logs?{query}")).await;
        assert_eq!(answer.status, StatusCode::OK, "{query}: {}", answer.text());
        let logs = answer.json()["logs"].as_array().unwrap().clone();
        logs.iter().map(|log| log["message"].as_str().unwrap().to_owned()).collect()
    }

    async fn rows(&self) -> i64 {
        sqlx::query_scalar("SELECT count(*) FROM log_entries").fetch_one(&self.state.pool).await.unwrap()
    }
}

#[sqlx::test(migrator = "hivematrix_helm::MIGRATOR")]
async fn a_batch_in_upstreams_form_is_stored_and_found_under_both_name_sets(pool: PgPool) {
    let helm = Helm::new(pool);
    let entry = json!({"level": "info", "message": "Company created", "timestamp": "2025-11-22T03:00:00.123456",
        "context": {"path": "/x", "method": "GET"}, "trace_id": "abc", "user_id": "u1", "hostname": "h", "process_id": 5});
    let answer = helm.ingest("codex", json!({"service_name": "codex", "logs": [entry]})).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(
        answer.json(),
        json!({"success": true, "ingested": 1, "message": "Successfully ingested 1 log entries"})
    );
    let answer = helm.get("/api/logs?trace_id=abc").await;
    insta::assert_json_snapshot!("log_page", answer.json(), {".logs[].id" => "[id]", ".logs[].created_at" => "[now]"});
}

#[sqlx::test(migrator = "hivematrix_helm::MIGRATOR")]
async fn a_single_entry_in_the_seeds_form_is_stored(pool: PgPool) {
    let helm = Helm::new(pool);
    let body = json!({"service": "beacon", "level": "ERROR", "message": "no answer", "timestamp": "2025-11-22T10:00:00Z",
        "correlation_id": "req-abc-123", "user_email": "ada@x", "extra_data": {"view": "helpdesk"}});
    let answer = helm.single("beacon", body).await;
    assert_eq!(answer.status, StatusCode::CREATED);
    let id = answer.json()["id"].as_i64().unwrap();
    assert_eq!(answer.json(), json!({"success": true, "ingested": 1, "id": id}));
    let log = helm.get(&format!("/api/logs/{id}")).await.json();
    assert_eq!(
        (log["service"].as_str(), log["extra_data"]["view"].as_str()),
        (Some("beacon"), Some("helpdesk"))
    );
    assert_eq!(log["timestamp"], "2025-11-22T10:00:00Z");
}

#[sqlx::test(migrator = "hivematrix_helm::MIGRATOR")]
async fn bad_entries_are_named_and_the_others_stored(pool: PgPool) {
    let helm = Helm::new(pool);
    let logs =
        json!([{"message": "good"}, "x", {"timestamp": "soon"}, {"message": null}, {"message": "also good"}]);
    let answer = helm.ingest("codex", json!({"logs": logs})).await;
    assert_eq!(answer.status, StatusCode::OK);
    insta::assert_json_snapshot!("batch_with_bad_entries", answer.json());
    assert_eq!(helm.rows().await, 2);
    let single = helm.single("codex", json!({"message": 5})).await;
    assert_eq!(single.status, StatusCode::BAD_REQUEST);
    assert_eq!(single.json()["error"], "message must be a string");
    assert_eq!(helm.rows().await, 2);
}

#[sqlx::test(migrator = "hivematrix_helm::MIGRATOR")]
async fn a_batch_is_refused_as_a_whole_only_for_its_frame(pool: PgPool) {
    let helm = Helm::new(pool);
    let many: Vec<Value> = (0..10_001).map(|_| json!({})).collect();
    let table = [
        (json!({"service_name": "codex"}), StatusCode::BAD_REQUEST, "Missing logs array"),
        (json!([1]), StatusCode::BAD_REQUEST, "Missing logs array"),
        (json!({"logs": "x"}), StatusCode::BAD_REQUEST, "Missing logs array"),
        (
            json!({"service_name": "Co dex", "logs": []}),
            StatusCode::BAD_REQUEST,
            "Invalid service_name format",
        ),
        (json!({"service_name": 5, "logs": []}), StatusCode::BAD_REQUEST, "Invalid service_name format"),
        (
            json!({"service_name": "ledger", "logs": []}),
            StatusCode::FORBIDDEN,
            "A service may write only its own log",
        ),
        (json!({"logs": many}), StatusCode::BAD_REQUEST, "Maximum 10000 logs per request"),
    ];
    for (body, status, error) in table {
        let answer = helm.ingest("codex", body).await;
        assert_eq!((answer.status, answer.json()["error"].as_str()), (status, Some(error)));
    }
    let empty = helm.ingest("codex", json!({"logs": []})).await;
    assert_eq!(empty.json()["message"], "Successfully ingested 0 log entries");
    assert_eq!(helm.rows().await, 0);
}

#[sqlx::test(migrator = "hivematrix_helm::MIGRATOR")]
async fn only_services_write_and_only_administrators_read(pool: PgPool) {
    let helm = Helm::new(pool);
    for level in ["admin", "technician", "billing", "client"] {
        let level: PermissionLevel = level.parse().unwrap();
        let token = helm.identity.user_token(level);
        for path in ["/api/logs", "/api/logs/ingest"] {
            let written = helm.client.post(path).bearer(&token).json(&json!({"logs": []})).send().await;
            assert_eq!(written.status, StatusCode::FORBIDDEN, "{level} {path}");
        }
        let expected = if level == PermissionLevel::Admin { StatusCode::OK } else { StatusCode::FORBIDDEN };
        for path in
            ["/api/logs", "/api/logs/correlation/x", "/api/services", "/api/dashboard/status", "/", "/logs"]
        {
            let read = helm.client.get(path).bearer(&token).send().await;
            assert_eq!(read.status, expected, "{level} {path}: {}", read.text());
        }
        let expected = match level {
            PermissionLevel::Admin | PermissionLevel::Technician => StatusCode::OK,
            _ => StatusCode::FORBIDDEN,
        };
        for path in ["/api/services/status", "/api/services/helm/status"] {
            let read = helm.client.get(path).bearer(&token).send().await;
            assert_eq!(read.status, expected, "{level} {path}");
        }
    }
    let service = helm.identity.service_token("brainhair", "helm");
    let refused = helm.client.get("/api/logs").bearer(&service).send().await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    assert_eq!(refused.json()["error"], "This endpoint is for users only");
    let acting = helm.identity.service_token_on_behalf("brainhair", "helm", PermissionLevel::Admin);
    assert_eq!(helm.client.get("/api/logs").bearer(&acting).send().await.status, StatusCode::OK);
    let anonymous = helm.client.post("/api/logs/ingest").json(&json!({"logs": []})).send().await;
    assert_eq!(anonymous.status, StatusCode::UNAUTHORIZED);
    let foreign = helm.identity.service_token("codex", "beacon");
    let foreign =
        helm.client.post("/api/logs/ingest").bearer(&foreign).json(&json!({"logs": []})).send().await;
    assert_eq!(foreign.status, StatusCode::UNAUTHORIZED);
}

#[sqlx::test(migrator = "hivematrix_helm::MIGRATOR")]
async fn every_filter_narrows_the_search(pool: PgPool) {
    let helm = Helm::new(pool);
    let codex = json!({"logs": [
        {"message": "first 50% done", "level": "INFO", "timestamp": "2025-11-22T08:00:00Z", "trace_id": "a", "user_id": "Ada@x"},
        {"message": "second failed", "level": "ERROR", "timestamp": "2025-11-22T09:00:00Z", "trace_id": "0b5e1a7c-0000-4000-8000-000000000001"},
        {"message": "third", "level": "INFO", "timestamp": "2025-11-21T09:00:00Z", "user_id": "bob@x"}]});
    helm.ingest("codex", codex).await;
    helm.ingest(
        "beacon",
        json!({"logs": [{"message": "fourth", "timestamp": "2025-11-22T10:00:00Z", "trace_id": "a"}]}),
    )
    .await;
    let table = [
        ("", vec!["fourth", "second failed", "first 50% done", "third"]),
        ("order=asc", vec!["third", "first 50% done", "second failed", "fourth"]),
        ("service=codex", vec!["second failed", "first 50% done", "third"]),
        ("service=codex&level=error", vec!["second failed"]),
        ("service=codex&level=loud", vec![]),
        ("correlation_id=a", vec!["fourth", "first 50% done"]),
        ("trace_id=0b5e1a7c-0000-4000-8000-000000000001", vec!["second failed"]),
        ("trace_id=0b5e1a7c", vec!["second failed"]),
        ("trace_id=0b5e1a7", vec![]),
        ("user=ada", vec!["first 50% done"]),
        ("user=%40x", vec!["first 50% done", "third"]),
        ("user=%40x&after_id=0", vec!["third", "first 50% done"]),
        ("user=nobody", vec![]),
        ("user=%25", vec![]),
        ("search=50%25", vec!["first 50% done"]),
        ("search=FAIL", vec!["second failed"]),
        ("words=failed", vec!["second failed"]),
        ("words=fail", vec![]),
        ("start_time=2025-11-22T09:00:00Z", vec!["fourth", "second failed"]),
        ("end_time=2025-11-22T08:00:00", vec!["first 50% done", "third"]),
        ("limit=1", vec!["fourth"]),
        ("limit=1&offset=1", vec!["second failed"]),
        ("service=nobody", vec![]),
    ];
    for (query, expected) in table {
        assert_eq!(helm.messages(query).await, expected, "{query}");
    }
    let page = helm.get("/api/logs?service=codex&limit=1").await.json();
    assert_eq!(
        (page["total"].as_i64(), page["limit"].as_i64(), page["offset"].as_i64()),
        (Some(3), Some(1), Some(0))
    );
    let bad = helm.get("/api/logs?start_time=soon").await;
    assert_eq!(
        (bad.status, bad.json()["error"].clone()),
        (StatusCode::BAD_REQUEST, json!("Invalid start_time format"))
    );
    let absent = helm.get("/api/logs/99999999").await;
    assert_eq!(
        (absent.status, absent.json()["error"].clone()),
        (StatusCode::NOT_FOUND, json!("Log entry not found"))
    );
}

#[sqlx::test(migrator = "hivematrix_helm::MIGRATOR")]
async fn a_user_is_found_among_more_names_than_are_looked_up(pool: PgPool) {
    let helm = Helm::new(pool);
    let logs: Vec<Value> = (0..1002)
        .map(|n| json!({"message": format!("line {n}"), "user_id": format!("user{n:04}@example.com")}))
        .collect();
    helm.ingest("codex", json!({"logs": logs})).await;
    assert_eq!(helm.messages("user=USER0777%40").await, ["line 777"]);
    assert_eq!(helm.get("/api/logs?user=user07").await.json()["total"], 100);
}

#[sqlx::test(migrator = "hivematrix_helm::MIGRATOR")]
async fn the_live_tail_misses_no_late_row(pool: PgPool) {
    let helm = Helm::new(pool);
    helm.ingest("codex", json!({"logs": [{"message": "new", "timestamp": "2025-11-22T10:00:00Z"}]})).await;
    let seen = helm.get("/api/logs").await.json()["logs"][0]["id"].as_i64().unwrap();
    // Happened earlier, arrived later.
    helm.ingest("beacon", json!({"logs": [{"message": "late", "timestamp": "2025-11-22T09:00:00Z"}]})).await;
    assert_eq!(helm.messages(&format!("after_id={seen}&order=asc")).await, ["late"]);
}

#[sqlx::test(migrator = "hivematrix_helm::MIGRATOR")]
async fn a_request_is_followed_through_all_services(pool: PgPool) {
    let helm = Helm::new(pool);
    let line = |message: &str, time: &str| json!({"logs": [{"message": message, "timestamp": time, "trace_id": "req-1"}]});
    helm.ingest("codex", line("asked", "2025-11-22T10:00:00.200Z")).await;
    helm.ingest("nexus", line("came in", "2025-11-22T10:00:00.000Z")).await;
    helm.ingest("beacon", line("rendered", "2025-11-22T10:00:00.450Z")).await;
    let chain = helm.get("/api/logs/correlation/req-1").await.json();
    assert_eq!(chain["services"], json!(["nexus", "codex", "beacon"]));
    assert_eq!((chain["total"].as_i64(), chain["span_ms"].as_i64()), (Some(3), Some(450)));
    let empty = helm.get("/api/logs/correlation/unknown").await;
    assert_eq!((empty.status, empty.json()["total"].as_i64()), (StatusCode::OK, Some(0)));
}

#[sqlx::test(migrator = "hivematrix_helm::MIGRATOR")]
async fn a_chain_that_is_cut_says_so_and_how_far_it_reaches(pool: PgPool) {
    let helm = Helm::new(pool.clone());
    sqlx::query(
        r#"INSERT INTO log_entries (service, level, message, "timestamp", correlation_id)
           SELECT CASE WHEN n = 5001 THEN 'beacon' ELSE 'codex' END, 'INFO', n::text,
                  timestamptz '2025-11-22 10:00Z' + n * interval '1 second', 'req-1'
             FROM generate_series(1, 5001) n"#,
    )
    .execute(&pool)
    .await
    .unwrap();
    let chain = helm.get("/api/logs/correlation/req-1").await.json();
    assert_eq!(chain["logs"].as_array().unwrap().len(), 5000);
    assert_eq!((&chain["truncated"], &chain["total"]), (&json!(true), &json!(5001)));
    assert_eq!((&chain["services"], &chain["span_ms"]), (&json!(["codex", "beacon"]), &json!(5_000_000)));
    assert_eq!(chain["ended_at"], "2025-11-22T11:23:21Z");
    sqlx::query("DELETE FROM log_entries WHERE service = 'beacon'").execute(&pool).await.unwrap();
    let whole = helm.get("/api/logs/correlation/req-1").await.json();
    assert_eq!((&whole["truncated"], &whole["total"]), (&Value::Null, &json!(5000)));
}

#[sqlx::test(migrator = "hivematrix_helm::MIGRATOR")]
async fn a_batch_may_be_as_large_as_its_entries_may_be(pool: PgPool) {
    let helm = Helm::new(pool);
    let long = "x".repeat(10_000);
    let logs: Vec<Value> = (0..1_800).map(|_| json!({"message": long})).collect();
    let answer = helm.ingest("codex", json!({"logs": logs})).await;
    assert_eq!((answer.status, answer.json()["ingested"].as_i64()), (StatusCode::OK, Some(1_800)));
    let answer = helm.single("codex", json!({"message": long.repeat(1_800)})).await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE, "one entry is never that large");
}

#[sqlx::test(migrator = "hivematrix_helm::MIGRATOR")]
async fn old_days_are_dropped_whole_and_odd_rows_one_by_one(pool: PgPool) {
    let helm = Helm::new(pool.clone());
    let day = |text: &str| chrono::NaiveDate::parse_from_str(text, "%Y-%m-%d").unwrap();
    partitions::ensure_around(&pool, day("2025-10-01")).await.unwrap();
    partitions::ensure_around(&pool, day("2025-11-22")).await.unwrap();
    let times =
        ["2025-10-01T12:00:00Z", "2025-10-02T12:00:00Z", "1999-01-01T00:00:00Z", "2025-11-22T10:00:00Z"];
    let logs: Vec<Value> = times.iter().map(|time| json!({"message": time, "timestamp": time})).collect();
    helm.ingest("codex", json!({"logs": logs})).await;
    let cutoff = helm.identity.clock.now() - TimeDelta::days(30);
    let would = partitions::remove_before(&pool, cutoff, true).await.unwrap();
    assert_eq!(helm.rows().await, 4, "a dry run removes nothing");
    let done = partitions::remove_before(&pool, cutoff, false).await.unwrap();
    assert_eq!(would, done);
    assert_eq!((done.partitions, done.dropped_rows, done.deleted_rows), (3, 2, 1));
    assert_eq!(helm.messages("").await, ["2025-11-22T10:00:00Z"]);
}

#[sqlx::test(migrator = "hivematrix_helm::MIGRATOR")]
async fn rows_that_came_before_their_day_had_a_partition_move_along(pool: PgPool) {
    let helm = Helm::new(pool.clone());
    helm.ingest("codex", json!({"logs": [{"message": "early", "timestamp": "2025-11-22T10:00:00Z"}]})).await;
    let day = helm.identity.clock.now().date_naive();
    partitions::ensure_around(&pool, day).await.unwrap();
    partitions::ensure_around(&pool, day).await.unwrap();
    let table: String = sqlx::query_scalar("SELECT tableoid::regclass::text FROM log_entries")
        .fetch_one(&pool)
        .await
        .unwrap();
    assert_eq!(table, "log_entries_20251122");
    assert_eq!(helm.messages("").await, ["early"]);
}

#[sqlx::test(migrator = "hivematrix_helm::MIGRATOR")]
async fn orders_to_services_answer_in_the_words_of_the_contract(pool: PgPool) {
    let helm = Helm::new(pool);
    let admin = helm.identity.user_token(PermissionLevel::Admin);
    let order = |path: &'static str, body: Option<Value>| {
        let request = helm.client.post(path).bearer(&admin);
        async move {
            let answer = match body {
                Some(body) => request.json(&body).send().await,
                None => request.send().await,
            };
            (answer.status, answer.json()["error"].as_str().unwrap_or_default().to_owned())
        }
    };
    let unknown = (StatusCode::NOT_FOUND, "Service not found".to_owned());
    assert_eq!(order("/api/services/nobody/start", None).await, unknown);
    assert_eq!(order("/api/services/nobody/stop", None).await, unknown);
    assert_eq!(order("/api/services/nobody/restart", None).await, unknown);
    let mode = Some(json!({"mode": "fast"}));
    let wrong = (StatusCode::BAD_REQUEST, "Invalid mode. Must be development or production".to_owned());
    assert_eq!(order("/api/services/codex/start", mode.clone()).await, wrong);
    assert_eq!(order("/api/services/codex/restart", mode).await, wrong);
    let technician = helm.identity.user_token(PermissionLevel::Technician);
    let refused = helm.client.post("/api/services/codex/restart").bearer(&technician).send().await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    let alone = helm.identity.service_token("brainhair", "helm");
    let refused = helm.client.post("/api/services/codex/restart").bearer(&alone).send().await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN, "a service on its own may not");
}
