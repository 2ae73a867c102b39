//! Samples: stored, rolled up, asked for (helm.md §4.3, §5.2, §5.3).

use chrono::{DateTime, TimeDelta, Utc};
use hivematrix_helm::{
    domain::sample::{CPU, LATENCY, MEMORY, Reading},
    jobs::Sampler,
    store::metrics,
};
use hivematrix_shared::auth::PermissionLevel;
use http::StatusCode;
use serde_json::{Value, json};
use sqlx::PgPool;

use super::Helm;

fn now() -> DateTime<Utc> {
    "2025-11-22T10:30:00Z".parse().unwrap()
}

async fn store(pool: &PgPool, at: DateTime<Utc>, metric: &'static str, value: f64) {
    metrics::insert(pool, at, &[Reading { service: "codex".into(), metric, value }]).await.unwrap();
}

#[sqlx::test(migrator = "hivematrix_helm::MIGRATOR")]
async fn the_samples_of_a_service_are_answered_in_the_contracts_form(pool: PgPool) {
    let helm = Helm::new(pool.clone());
    store(&pool, now() - TimeDelta::minutes(2), CPU, 1.5).await;
    store(&pool, now() - TimeDelta::minutes(1), MEMORY, 20.25).await;
    store(&pool, now() - TimeDelta::hours(25), CPU, 9.0).await;
    let readings = [Reading { service: "nexus".into(), metric: CPU, value: 7.0 }];
    metrics::insert(&pool, now(), &readings).await.unwrap();
    let mut answer = helm.get("/api/metrics/codex").await.json();
    let ids: Vec<Value> =
        answer["metrics"].as_array_mut().unwrap().iter_mut().map(|row| row["id"].take()).collect();
    assert!(ids.iter().all(Value::is_i64));
    assert_eq!(
        answer,
        json!({"service_name": "codex", "start_time": "2025-11-21T10:30:00Z", "end_time": "2025-11-22T10:30:00Z",
            "metrics": [
                {"id": null, "service_name": "codex", "timestamp": "2025-11-22T10:29:00Z", "metric_name": "memory_mb",
                 "metric_value": 20.25, "tags": null},
                {"id": null, "service_name": "codex", "timestamp": "2025-11-22T10:28:00Z", "metric_name": "cpu_percent",
                 "metric_value": 1.5, "tags": null}]})
    );
    let values = async |query: &str| {
        let answer = helm.get(&format!("/api/metrics/codex?{query}")).await.json();
        let rows = answer["metrics"].as_array().unwrap().clone();
        rows.iter().map(|row| row["metric_value"].as_f64().unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(values("metric_name=cpu_percent").await, [1.5]);
    assert_eq!(values("limit=1").await, [20.25]);
    assert_eq!(values("start_time=2025-11-01").await, [20.25, 1.5, 9.0]);
    assert_eq!(values("end_time=2025-11-22T10:28:00Z").await, [1.5]);
    assert_eq!(helm.get("/api/metrics/unknown").await.json()["metrics"], json!([]));
}

#[sqlx::test(migrator = "hivematrix_helm::MIGRATOR")]
async fn bad_times_are_refused_and_only_administrators_and_services_may_ask(pool: PgPool) {
    let helm = Helm::new(pool);
    for (query, error) in
        [("start_time=soon", "Invalid start_time format"), ("end_time=x", "Invalid end_time format")]
    {
        let answer = helm.get(&format!("/api/metrics/codex?{query}")).await;
        assert_eq!((answer.status, answer.json()["error"].clone()), (StatusCode::BAD_REQUEST, json!(error)));
        assert_eq!(answer.header("content-type"), "application/problem+json");
    }
    let technician = helm.get_as(PermissionLevel::Technician, "/api/metrics/codex").await;
    assert_eq!(technician.status, StatusCode::FORBIDDEN);
    let token = helm.identity.service_token("ledger", "helm");
    assert_eq!(helm.client.get("/api/metrics/codex").bearer(token).send().await.status, StatusCode::OK);
    assert_eq!(helm.client.get("/api/metrics/codex").send().await.status, StatusCode::UNAUTHORIZED);
}

#[sqlx::test(migrator = "hivematrix_helm::MIGRATOR")]
async fn samples_of_yesterday_become_averages_of_five_minutes_once(pool: PgPool) {
    let yesterday = now() - TimeDelta::hours(24);
    // 10:25 to 10:30 of yesterday is a whole span that is over; 10:30 begins the first one that is not.
    for (seconds, value) in [(-300, 1.0), (-200, 2.0), (-1, 6.0), (0, 50.0)] {
        store(&pool, yesterday + TimeDelta::seconds(seconds), LATENCY, value).await;
    }
    assert_eq!(metrics::roll_up(&pool, now() + TimeDelta::seconds(250)).await.unwrap(), 3);
    let rows = sqlx::query_as::<_, (DateTime<Utc>, f64, Option<Value>)>(
        r#"SELECT "timestamp", metric_value, tags FROM service_metrics ORDER BY "timestamp""#,
    )
    .fetch_all(&pool)
    .await
    .unwrap();
    let tags = json!({"minutes": 5, "samples": 3, "least": 1, "most": 6});
    assert_eq!(
        rows,
        [(yesterday - TimeDelta::minutes(5), 3.0, Some(tags)), (yesterday, 50.0, None)],
        "the average stands at the beginning of its span"
    );
    assert_eq!(metrics::roll_up(&pool, now() + TimeDelta::seconds(250)).await.unwrap(), 0);
    assert_eq!(metrics::remove_before(&pool, yesterday, true).await.unwrap(), 1, "a dry run counts");
    assert_eq!(metrics::remove_before(&pool, yesterday, false).await.unwrap(), 1);
    assert_eq!(metrics::remove_before(&pool, yesterday, false).await.unwrap(), 0);
}

#[sqlx::test(migrator = "hivematrix_helm::MIGRATOR")]
async fn a_sample_fills_both_tables_and_a_service_that_is_gone_loses_its_row(pool: PgPool) {
    let helm = Helm::new(pool.clone());
    helm.add("codex");
    helm.state.control.start("codex").await;
    sqlx::query(
        "INSERT INTO service_status (service_name, status, last_checked) VALUES ('old', 'running', now())",
    )
    .execute(&pool)
    .await
    .unwrap();
    let clock = helm.state.context.clock.clone();
    Sampler::new(pool.clone(), helm.state.board.clone(), clock).sample().await.unwrap();
    let rows = sqlx::query_as::<_, (String, String, Option<i32>, DateTime<Utc>, Option<f64>)>(
        "SELECT service_name, status, pid, last_checked, memory_mb FROM service_status ORDER BY service_name",
    )
    .fetch_all(&pool)
    .await
    .unwrap();
    let names: Vec<_> = rows.iter().map(|row| (row.0.as_str(), row.1.as_str(), row.3)).collect();
    assert_eq!(names, [("codex", "running", now()), ("helm", "running", now())]);
    assert!(rows.iter().all(|row| row.2.is_some() && row.4.is_some_and(|memory| memory > 0.0)), "{rows:?}");
    let memory = helm.get("/api/metrics/codex?metric_name=memory_mb").await.json();
    assert_eq!(memory["metrics"][0]["metric_value"].as_f64(), rows[0].4);
    helm.state.control.stop("codex").await;
    let stopped = helm.get("/api/services/codex/status").await.json();
    assert_eq!(stopped["status"], "stopped");
}
