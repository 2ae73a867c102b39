//! Jobs that administrators run or schedule: set, started, watched, ended, due.

mod due;
mod runs;

use std::time::Duration;

use hivematrix_ledger::store;
use hivematrix_shared::auth::PermissionLevel;
use serde_json::{Value, json};
use sqlx::PgPool;

use crate::support::{Company, Suite};

async fn add(suite: &Suite, body: Value) -> i64 {
    let added = suite.as_admin("POST", "/api/pullers", body).await;
    assert_eq!(added.status, 201, "{}", added.text());
    added.json()["id"].as_i64().unwrap()
}

async fn get(suite: &Suite, path: &str) -> Value {
    let answer = suite.get_as(PermissionLevel::Admin, path).await;
    assert_eq!(answer.status, 200, "{path}: {}", answer.text());
    answer.json()
}

async fn start(suite: &Suite, id: i64) -> String {
    let started = suite.as_admin("POST", &format!("/api/pullers/{id}/run"), Value::Null).await;
    assert_eq!(started.status, 202, "{}", started.text());
    started.json()["run_id"].as_str().unwrap().to_owned()
}

async fn ended(suite: &Suite, id: i64, run: &str) -> Value {
    for _ in 0..400 {
        let found = get(suite, &format!("/api/pullers/{id}/runs/{run}")).await;
        if found["status"] != "Running" {
            return found;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the run does not end");
}

async fn runs(suite: &Suite, id: i64) -> Vec<Value> {
    get(suite, &format!("/api/pullers/{id}/runs")).await["runs"].as_array().unwrap().clone()
}

fn verify(name: &str) -> Value {
    json!({"job_name": name, "script_path": "verify"})
}

#[sqlx::test(migrations = "../../migrations/ledger")]
async fn jobs_are_set_by_administrators_alone(pool: PgPool) {
    let suite = Suite::start(pool).await;
    let id = add(
        &suite,
        json!({"job_name": "Night's \"check\"", "script_path": "verify", "schedule_cron": "30 2 * * 0"}),
    )
    .await;
    let shown = get(&suite, &format!("/api/pullers/{id}")).await;
    assert_eq!(
        shown,
        json!({"id": id, "job_name": "Night's \"check\"", "script_path": "verify", "runnable": true, "schedule_cron": "30 2 * * 0",
            "schedule_words": "At 02:30, on Sunday.", "next_run_at": shown["next_run_at"], "enabled": true, "description": null,
            "last_run": null, "last_status": null, "last_run_id": null})
    );
    for (body, field, fault) in [
        (json!({"job_name": "", "script_path": "verify"}), "job_name", "is needed"),
        (
            json!({"job_name": "Night's \"check\"", "script_path": "verify"}),
            "job_name",
            "is the name of another job",
        ),
        (
            json!({"job_name": "x", "script_path": "/bin/sh"}),
            "script_path",
            "must be one of sync_from_codex.py, scheduled_snapshots, verify",
        ),
        (
            json!({"job_name": "x", "script_path": "verify", "schedule_cron": "99 * * * *"}),
            "schedule_cron",
            "cannot be read: Number out of bounds",
        ),
    ] {
        let refused = suite.as_admin("POST", "/api/pullers", body.clone()).await;
        assert_eq!(
            (refused.status.as_u16(), refused.json()["fields"][field].as_str()),
            (400, Some(fault)),
            "{body}"
        );
    }
    let path = format!("/api/pullers/{id}");
    let saved = suite.as_admin("PUT", &path, json!({"enabled": false, "description": "Sundays"})).await;
    assert_eq!(saved.json(), json!({"message": "Job saved"}));
    let shown = get(&suite, &path).await;
    assert_eq!(
        json!([shown["enabled"], shown["description"], shown["schedule_cron"], shown["next_run_at"]]),
        json!([false, "Sundays", "30 2 * * 0", null])
    );
    let explained = get(&suite, "/api/pullers/schedule?cron=*/30%20*%20*%20*%20*").await;
    assert_eq!(
        (&explained["words"], explained["next"].as_array().unwrap().len()),
        (&json!("At every 30 minutes."), 3)
    );
    for cron in ["", "x", "0%200%2031%202%20*"] {
        let path = format!("/api/pullers/schedule?cron={cron}");
        assert_eq!(suite.get_as(PermissionLevel::Admin, &path).await.status, 400, "{cron}");
    }
    let service = suite.identity.service_token("brainhair", "ledger");
    for (method, path) in [
        ("GET", "/api/pullers".to_owned()),
        ("POST", "/api/pullers".to_owned()),
        ("PUT", path.clone()),
        ("POST", format!("{path}/run")),
        ("POST", format!("{path}/cancel")),
        ("DELETE", path.clone()),
    ] {
        assert_eq!(suite.send(method, &path, json!({})).await.status, 403, "billing: {method} {path}");
        if method != "GET" {
            let request = suite.client.request(method.parse().unwrap(), &path).bearer(&service);
            assert_eq!(request.json(&json!({})).send().await.status, 403, "a service: {method} {path}");
        }
        let missing = path.replace(&id.to_string(), "999");
        if missing != path {
            assert_eq!(suite.as_admin(method, &missing, json!({})).await.status, 404, "{method} {missing}");
        }
    }
    assert_eq!(suite.as_admin("DELETE", &path, Value::Null).await.json(), json!({"message": "Job deleted"}));
    assert_eq!(get(&suite, "/api/pullers").await["pullers"], json!([]));
}

#[sqlx::test(migrations = "../../migrations/ledger")]
async fn each_job_does_what_its_command_does(pool: PgPool) {
    let suite = Suite::start(pool.clone()).await;
    suite.peers.companies([Company::new("1001", "Fine"), Company::new("1002", "Fine too")]);
    let now = suite.clock.now();
    assert!(store::pullers::create_sample_job(&pool, now).await.unwrap());
    assert!(!store::pullers::create_sample_job(&pool, now).await.unwrap(), "once");
    let sample = get(&suite, "/api/pullers").await["pullers"][0].clone();
    assert_eq!(
        json!([sample["job_name"], sample["script_path"], sample["schedule_cron"], sample["enabled"]]),
        json!(["Diagnostic: Test Codex Connectivity", "sync_from_codex.py", "0 */12 * * *", false])
    );
    // Disabled is about the schedule only.
    let id = sample["id"].as_i64().unwrap();
    let run = ended(&suite, id, &start(&suite, id).await).await;
    assert_eq!(
        json!([run["status"], run["exit_code"], run["script_path"], run["due_at"]]),
        json!(["Success", 0, "sync_from_codex.py", null])
    );
    assert!(run["log"].as_str().unwrap().ends_with("Companies: 2\nAssets: 6\nContacts: 6\n"), "{run}");
    assert!(run["triggered_by"].as_str().unwrap().contains('@'), "{run}");
    suite.peers.companies([]);
    let run = ended(&suite, id, &start(&suite, id).await).await;
    assert_eq!(json!([run["status"], run["exit_code"]]), json!(["Failure", 1]), "no companies");
    suite.peers.fault("/api/companies/bulk", 503, "{}");
    let run = ended(&suite, id, &start(&suite, id).await).await;
    assert_eq!(json!([run["status"], run["exit_code"]]), json!(["Failure", 1]));
    assert!(run["log"].as_str().unwrap().contains("status 503"), "{run}");
    suite.peers.mend("/api/companies/bulk");

    suite.peers.companies([Company::new("1001", "Fine"), Company::new("1003", "No plan").plan(None)]);
    let id = add(&suite, json!({"job_name": "Archive", "script_path": "scheduled_snapshots"})).await;
    let run = ended(&suite, id, &start(&suite, id).await).await;
    assert_eq!(run["status"], "Failure", "{run}");
    let log = run["log"].as_str().unwrap();
    assert!(
        log.contains("FAILED 1003: ")
            && log.contains("2025-06: 1 archived, 0 of them before, 0 skipped, 1 failed"),
        "{log}"
    );
    let archived = suite.json("/archive/api/snapshot/1001-202506").await;
    assert_eq!(archived["created_by"], run["triggered_by"], "the person, not the machine");
    let off = suite.as_admin("POST", "/archive/api/scheduler/config", json!({"enabled": false})).await;
    assert_eq!(off.status, 200);
    let run = ended(&suite, id, &start(&suite, id).await).await;
    assert_eq!(
        (&run["status"], run["log"].as_str()),
        (&json!("Success"), Some("The schedule is switched off, or chooses no companies\n"))
    );

    let id = add(&suite, verify("Check")).await;
    let run = ended(&suite, id, &start(&suite, id).await).await;
    assert_eq!(run["status"], "Success");
    assert!(run["log"].as_str().unwrap().ends_with("1 documents of 1 companies, 0 faults.\n"), "{run}");
    let row: (String, String) =
        sqlx::query_as("select last_status, last_run_log from scheduler_jobs where id = $1")
            .bind(i32::try_from(id).unwrap())
            .fetch_one(&pool)
            .await
            .unwrap();
    assert_eq!(
        (row.0.as_str(), row.1.as_str()),
        ("Success", run["log"].as_str().unwrap()),
        "where the original looks"
    );
}
