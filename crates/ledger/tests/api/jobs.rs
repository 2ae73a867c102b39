//! Archiving many companies: in the background, on schedule, after a crash.

use std::time::Duration;

use hivematrix_shared::auth::PermissionLevel;
use serde_json::{Value, json};
use sqlx::PgPool;

use crate::support::{Company, Suite};

async fn ended(suite: &Suite, id: &str) -> Value {
    for _ in 0..600 {
        let job = suite.json(&format!("/archive/api/scheduler/jobs/{id}")).await;
        if job["status"] != "running" {
            return job;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the job does not end");
}

async fn start(suite: &Suite, body: Value) -> String {
    let answer = suite.send("POST", "/archive/api/snapshot/bulk", body).await;
    assert_eq!(answer.status, 202, "{}", answer.text());
    assert_eq!(answer.json()["message"], "Bulk snapshot job started");
    answer.json()["job_id"].as_str().unwrap().to_owned()
}

#[sqlx::test(migrations = "../../migrations/ledger")]
async fn one_company_that_fails_stops_no_other(pool: PgPool) {
    let suite = Suite::start(pool).await;
    suite.peers.companies([
        Company::new("1001", "Done before"),
        Company::new("1002", "Inactive").plan(Some("Inactive")),
        Company::new("1003", "No plan").plan(None),
        Company::new("1004", "Fine"),
    ]);
    assert_eq!(suite.accept("1001", 2025, 6).await.status, 201);
    let id = start(&suite, json!({"year": 2025, "month": 6, "account_numbers": null})).await;
    let job = ended(&suite, &id).await;
    assert_eq!(
        json!([
            job["job_type"],
            job["status"],
            job["success"],
            job["triggered_by"],
            job["total_companies"],
            job["completed_companies"],
            job["failed_companies"]
        ]),
        json!(["bulk", "completed", false, "billing@example.test", 4, 3, 1])
    );
    assert_eq!(
        job["output"],
        json!({"success_count": 2, "failed_count": 1, "already_archived_count": 1, "skipped_count": 1,
            "errors": ["1003: the company has no billing plan"], "warnings": []})
    );
    let companies = suite.json(&format!("/archive/api/scheduler/jobs/{id}/companies")).await;
    assert_eq!(companies["companies"][0]["company_name"], "No plan");
    let listed = suite.json("/archive/api/scheduler/jobs?limit=1").await;
    assert_eq!(
        (&listed["jobs"][0]["success_count"], &listed["jobs"][0]["failed_count"]),
        (&json!(2), &json!(1))
    );
    // Once the plan is there, the same job again does what is missing.
    suite.peers.companies([Company::new("1003", "No plan")]);
    let id = start(&suite, json!({"year": 2025, "month": 6, "account_numbers": ["1003", "9"]})).await;
    let job = ended(&suite, &id).await;
    assert_eq!(job["output"]["errors"], json!(["9: Codex knows no such company"]));
    assert_eq!(job["output"]["success_count"], json!(1));
    assert_eq!(suite.json("/archive/api/verify").await["faults"], json!([]));
}

#[sqlx::test(migrations = "../../migrations/ledger")]
async fn an_answer_that_breaks_off_archives_what_came_and_names_the_rest(pool: PgPool) {
    let suite = Suite::start(pool).await;
    suite.peers.companies((1001..1021).map(|number| Company::new(&number.to_string(), "Somebody")));
    suite.peers.break_off(12_000);
    let id = start(&suite, json!({"year": 2025, "month": 6})).await;
    let job = ended(&suite, &id).await;
    let (good, bad) =
        (job["output"]["success_count"].as_i64().unwrap(), job["output"]["failed_count"].as_i64().unwrap());
    assert_eq!(good + bad, 20, "{job}");
    assert!(good > 0 && bad > 0, "{job}");
    assert!(
        job["output"]["errors"][0]
            .as_str()
            .unwrap()
            .ends_with("Codex's answer broke off before this company")
    );
    // Once in the middle and then whole: nobody is left out.
    suite.peers.break_off_times(12_000, 1);
    let id = start(&suite, json!({"year": 2025, "month": 5})).await;
    let job = ended(&suite, &id).await;
    assert_eq!((&job["success"], &job["output"]["success_count"]), (&json!(true), &json!(20)), "{job}");
    suite.peers.fault("/api/companies", 503, "{}");
    let id = start(&suite, json!({"year": 2025, "month": 6})).await;
    let job = ended(&suite, &id).await;
    assert_eq!((&job["status"], &job["success"]), (&json!("failed"), &json!(false)));
    assert!(job["error"].as_str().unwrap().contains("status 503"), "{job}");
}

#[sqlx::test(migrations = "../../migrations/ledger")]
async fn two_jobs_for_one_month_do_not_overlap_and_a_dead_one_is_buried(pool: PgPool) {
    let suite = Suite::start(pool.clone()).await;
    suite.peers.companies([Company::new("1001", "Fine")]);
    // What a process that was killed leaves.
    sqlx::query(
        "insert into snapshot_jobs (id, job_type, status, target_year, target_month, started_at)
         values ('00000000-0000-4000-8000-000000000001', 'bulk', 'running', 2025, 6, now())",
    )
    .execute(&pool)
    .await
    .unwrap();
    let refused = suite.send("POST", "/archive/api/snapshot/bulk", json!({"year": 2025, "month": 6})).await;
    assert_eq!(refused.status, 409);
    suite.ledger.jobs.bury_dead().await.unwrap();
    let dead = suite.json("/archive/api/scheduler/jobs/00000000-0000-4000-8000-000000000001").await;
    assert_eq!((&dead["status"], &dead["success"]), (&json!("failed"), &json!(false)));
    let id = start(&suite, json!({"year": 2025, "month": 6})).await;
    // Another instance that looks meanwhile leaves a living one alone.
    suite.second().ledger.jobs.bury_dead().await.unwrap();
    assert_eq!(ended(&suite, &id).await["status"], "completed");
    for (body, error) in [
        (json!({}), "year and month are required"),
        (json!({"year": 2025}), "year and month are required"),
        (json!({"year": 2025, "month": 13}), "month must be a number from 1 to 12"),
        (json!({"year": 2026, "month": 1}), "A month that has not begun cannot be archived"),
        (
            json!({"year": 2025, "month": 6, "account_numbers": "1001"}),
            "account_numbers must be a list of account numbers",
        ),
        (
            json!({"year": 2025, "month": 6, "account_numbers": [{}]}),
            "account_numbers must be a list of account numbers",
        ),
    ] {
        let answer = suite.send("POST", "/archive/api/snapshot/bulk", body.clone()).await;
        assert_eq!((answer.status.as_u16(), answer.json()["error"].as_str()), (400, Some(error)), "{body}");
    }
    for id in ["nonsense", "00000000-0000-4000-8000-000000000009"] {
        let answer = suite.get(&format!("/archive/api/scheduler/jobs/{id}")).await;
        assert_eq!((answer.status.as_u16(), answer.json()["error"].clone()), (404, json!("Job not found")));
    }
}

#[sqlx::test(migrations = "../../migrations/ledger")]
async fn the_month_is_archived_by_itself_once_whoever_looks(pool: PgPool) {
    let suite = Suite::start(pool.clone()).await;
    let second = suite.second();
    suite.peers.companies([Company::new("1001", "Fine"), Company::new("1002", "No plan").plan(None)]);
    sqlx::query("update scheduled_snapshots set created_at = '2025-07-15T12:00:00Z'")
        .execute(&pool)
        .await
        .unwrap();
    // Due before anybody had set it: nothing to catch up.
    suite.ledger.jobs.follow_schedule().await.unwrap();
    assert_eq!(suite.json("/archive/api/scheduler/jobs").await["jobs"], json!([]));
    // The machine was off when August began.
    suite.at("2025-08-03T09:00:00Z");
    // Codex was off too, and has not caught up yet.
    suite.peers.last_sync("2025-07-31T23:00:00Z");
    suite.at("2025-08-01T02:00:30Z");
    suite.ledger.jobs.follow_schedule().await.unwrap();
    assert_eq!(
        suite.json("/archive/api/scheduler/jobs").await["jobs"],
        json!([]),
        "it waits for the last hours"
    );
    suite.peers.last_sync("2025-08-01T00:05:00Z");
    let (one, other) =
        tokio::join!(suite.ledger.jobs.follow_schedule(), second.ledger.jobs.follow_schedule());
    one.unwrap();
    other.unwrap();
    suite.ledger.jobs.follow_schedule().await.unwrap();
    let jobs = suite.json("/archive/api/scheduler/jobs").await;
    let jobs = jobs["jobs"].as_array().unwrap();
    assert_eq!(jobs.len(), 1);
    assert_eq!(
        json!([
            jobs[0]["job_type"],
            jobs[0]["triggered_by"],
            jobs[0]["target_year"],
            jobs[0]["target_month"]
        ]),
        json!(["scheduled", "scheduler", 2025, 7])
    );
    let admin = |path: &'static str| suite.get_as(PermissionLevel::Admin, path);
    let config = admin("/archive/api/scheduler/config").await.json();
    assert_eq!(
        json!([
            config["config"]["last_run_status"],
            config["config"]["last_run_count"],
            config["config"]["day_of_month"]
        ]),
        json!(["partial", 1, 1])
    );
    let token = suite.identity.user_token(PermissionLevel::Admin);
    let save =
        |body: Value| suite.client.post("/archive/api/scheduler/config").bearer(&token).json(&body).send();
    assert_eq!(save(json!({"hour": 24})).await.status, 400);
    assert_eq!(
        save(json!({"enabled": false})).await.json(),
        json!({"message": "Scheduler configuration updated"})
    );
    suite.at("2025-09-03T09:00:00Z");
    suite.peers.last_sync("2025-09-03T08:00:00Z");
    suite.ledger.jobs.follow_schedule().await.unwrap();
    assert_eq!(suite.json("/archive/api/scheduler/jobs").await["jobs"].as_array().unwrap().len(), 1);
    // Switched on again in the middle of the month, it does not make up for what it was not asked to do.
    let later = suite.identity.user_token(PermissionLevel::Admin);
    let body = json!({"enabled": true});
    let saved = suite.client.post("/archive/api/scheduler/config").bearer(later).json(&body).send().await;
    assert_eq!(saved.status, 200);
    suite.ledger.jobs.follow_schedule().await.unwrap();
    assert_eq!(suite.json("/archive/api/scheduler/jobs").await["jobs"].as_array().unwrap().len(), 1);
    suite.at("2025-10-01T02:00:10Z");
    suite.peers.last_sync("2025-10-01T01:59:00Z");
    suite.ledger.jobs.follow_schedule().await.unwrap();
    assert_eq!(suite.json("/archive/api/scheduler/jobs").await["jobs"].as_array().unwrap().len(), 2);
}
