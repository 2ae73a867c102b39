//! Jobs that administrators run or schedule: set, started, watched, ended, due.

use std::time::Duration;

use hivematrix_ledger::{jobs::pullers, store};
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

#[sqlx::test(migrations = "../../migrations/ledger")]
async fn a_job_runs_once_at_a_time_whoever_starts_it_and_ends_when_somebody_wants_it(pool: PgPool) {
    let suite = Suite::start(pool).await;
    let second = suite.second();
    let id = add(&suite, verify("Check")).await;
    let path = format!("/api/pullers/{id}");
    // Somebody else is walking through the archive, in either instance.
    let (one, other) =
        (suite.ledger.verifying.acquire().await.unwrap(), second.ledger.verifying.acquire().await.unwrap());
    let run_path = format!("{path}/run");
    let begin = |suite: &Suite| {
        let request = suite.client.post(&run_path).bearer(suite.identity.user_token(PermissionLevel::Admin));
        request.send()
    };
    let (first, twice, elsewhere) = tokio::join!(begin(&suite), begin(&suite), begin(&second));
    let mut statuses = [&first, &twice, &elsewhere].map(|answer| answer.status.as_u16());
    statuses.sort_unstable();
    assert_eq!(statuses, [202, 409, 409]);
    let started = [first, twice, elsewhere].into_iter().find(|answer| answer.status == 202).unwrap().json();
    let run = started["run_id"].as_str().unwrap().to_owned();
    assert_eq!(get(&suite, &path).await["last_status"], "Running");
    assert_eq!(suite.as_admin("DELETE", &path, Value::Null).await.status, 409, "first it has to end");
    // It lives, and whoever looks sees that.
    for suite in [&suite, &second] {
        pullers::bury_dead(&suite.ledger).await.unwrap();
    }
    assert_eq!(get(&suite, &format!("{path}/runs/{run}")).await["status"], "Running");
    let cancelled = second.as_admin("POST", &format!("{path}/cancel"), Value::Null).await;
    assert_eq!((cancelled.status.as_u16(), &cancelled.json()["run_id"]), (202, &json!(run)));
    let found = ended(&suite, id, &run).await;
    assert_eq!((&found["status"], &found["exit_code"]), (&json!("Cancelled"), &Value::Null));
    let by = found["cancelled_by"].as_str().unwrap();
    assert_eq!(found["log"], format!("Cancelled by {by}.\n"));
    assert_eq!(
        suite.as_admin("POST", &format!("{path}/cancel"), Value::Null).await.status,
        409,
        "it does not run"
    );

    // Two hours are the most.
    let run = start(&suite, id).await;
    suite.at("2025-07-15T13:59:59Z");
    tokio::time::sleep(Duration::from_millis(1500)).await;
    assert_eq!(get(&suite, &format!("{path}/runs/{run}")).await["status"], "Running");
    suite.at("2025-07-15T14:00:00Z");
    let found = ended(&suite, id, &run).await;
    assert_eq!((&found["status"], &found["duration_seconds"]), (&json!("Timeout"), &json!(7200)));

    // What it wrote before its end stays, and work that is there again runs.
    drop((one, other));
    let run = start(&suite, id).await;
    assert_eq!(ended(&suite, id, &run).await["status"], "Success");
    assert_eq!(runs(&suite, id).await.len(), 3);
}

#[sqlx::test(migrations = "../../migrations/ledger")]
async fn what_a_crash_or_a_stop_leaves_running_has_failed(pool: PgPool) {
    let suite = Suite::start(pool.clone()).await;
    let id = add(&suite, verify("Check")).await;
    sqlx::query(
        "insert into scheduler_runs (id, job_id, script_path, triggered_by, started_at, status, log)
         values ('00000000-0000-4000-8000-000000000001', $1, 'verify', 'ada', '2025-07-15T11:00:00Z', 'Running', E'100 of 250\\n')",
    )
    .bind(i32::try_from(id).unwrap())
    .execute(&pool)
    .await
    .unwrap();
    sqlx::query("update scheduler_jobs set last_status = 'Running'").execute(&pool).await.unwrap();
    let refused = suite.as_admin("POST", &format!("/api/pullers/{id}/run"), Value::Null).await;
    assert_eq!(
        (refused.status.as_u16(), &refused.json()["error"]),
        (409, &json!("This job is running already"))
    );
    pullers::bury_dead(&suite.ledger).await.unwrap();
    let found = ended(&suite, id, "00000000-0000-4000-8000-000000000001").await;
    assert_eq!(
        (&found["status"], &found["log"]),
        (&json!("Error"), &json!("100 of 250\nThe service stopped while the job ran.\n"))
    );
    assert_eq!(get(&suite, &format!("/api/pullers/{id}")).await["last_status"], "Error");

    let _busy = suite.ledger.verifying.acquire().await.unwrap();
    let run = start(&suite, id).await;
    suite.ledger.context.stop().await;
    let second = suite.second();
    let found = ended(&second, id, &run).await;
    assert_eq!(
        (&found["status"], &found["log"]),
        (&json!("Error"), &json!("The service was stopped while the job ran.\n"))
    );
}

#[sqlx::test(migrations = "../../migrations/ledger")]
async fn what_is_due_runs_once_in_one_of_several_instances(pool: PgPool) {
    let suite = Suite::start(pool.clone()).await;
    let second = suite.second();
    let both = || async {
        let (one, other) =
            tokio::join!(pullers::start_due(&suite.ledger), pullers::start_due(&second.ledger));
        one.unwrap();
        other.unwrap();
        pullers::start_due(&suite.ledger).await.unwrap();
    };
    let id =
        add(&suite, json!({"job_name": "Hourly", "script_path": "verify", "schedule_cron": "0 * * * *"}))
            .await;
    let off = add(
        &suite,
        json!({"job_name": "Off", "script_path": "verify", "schedule_cron": "0 * * * *", "enabled": false}),
    )
    .await;
    sqlx::query("insert into scheduler_jobs (job_name, script_path, schedule_cron, done_until) values ('Theirs', '/bin/true', '* * * * *', '2025-01-01Z')")
        .execute(&pool)
        .await
        .unwrap();
    both().await;
    assert_eq!(runs(&suite, id).await.len(), 0, "12:00 was before anybody asked for it");
    suite.at("2025-07-15T13:00:00Z");
    both().await;
    let found = runs(&suite, id).await;
    assert_eq!(found.len(), 1);
    assert_eq!(
        json!([found[0]["triggered_by"], found[0]["due_at"]]),
        json!(["scheduler", "2025-07-15T13:00:00Z"])
    );
    ended(&suite, id, found[0]["id"].as_str().unwrap()).await;
    both().await;
    assert_eq!(runs(&suite, id).await.len(), 1, "a moment is run once");

    // The machine was off for a day: one run for all that was missed.
    suite.at("2025-07-16T14:20:00Z");
    both().await;
    let found = runs(&suite, id).await;
    assert_eq!((found.len(), &found[0]["due_at"]), (2, &json!("2025-07-15T14:00:00Z")));
    ended(&suite, id, found[0]["id"].as_str().unwrap()).await;
    both().await;
    assert_eq!(runs(&suite, id).await.len(), 2);

    // Due while it runs by hand: afterwards, once.
    {
        let _busy = (
            suite.ledger.verifying.acquire().await.unwrap(),
            second.ledger.verifying.acquire().await.unwrap(),
        );
        let by_hand = start(&suite, id).await;
        suite.at("2025-07-16T15:00:00Z");
        both().await;
        assert_eq!(runs(&suite, id).await.len(), 3);
        suite.as_admin("POST", &format!("/api/pullers/{id}/cancel"), Value::Null).await;
        ended(&suite, id, &by_hand).await;
    }
    both().await;
    let found = runs(&suite, id).await;
    assert_eq!((found.len(), &found[0]["due_at"]), (4, &json!("2025-07-16T15:00:00Z")));
    ended(&suite, id, found[0]["id"].as_str().unwrap()).await;

    // Switched on or given another schedule, a job does not make up for what was before.
    suite.as_admin("PUT", &format!("/api/pullers/{off}"), json!({"enabled": true})).await;
    suite.as_admin("PUT", &format!("/api/pullers/{id}"), json!({"schedule_cron": "30 14 * * *"})).await;
    both().await;
    assert_eq!((runs(&suite, off).await.len(), runs(&suite, id).await.len()), (0, 4));
    let theirs: i64 =
        sqlx::query_scalar("select count(*) from scheduler_runs where script_path = '/bin/true'")
            .fetch_one(&pool)
            .await
            .unwrap();
    assert_eq!(theirs, 0);
    // A moment that was run is never run again, also when the clock was set back meanwhile.
    sqlx::query("update scheduler_jobs set schedule_cron = '0 * * * *', done_until = '2025-07-16T14:59:00Z' where id = $1")
        .bind(i32::try_from(id).unwrap())
        .execute(&pool)
        .await
        .unwrap();
    both().await;
    assert_eq!(runs(&suite, id).await.len(), 4);
    suite.at("2025-07-16T16:00:00Z");
    both().await;
    assert_eq!(runs(&suite, id).await[0]["due_at"], json!("2025-07-16T16:00:00Z"));
}

#[sqlx::test(migrations = "../../migrations/ledger")]
async fn the_history_is_bounded_and_too_many_runs_wait(pool: PgPool) {
    let suite = Suite::start(pool.clone()).await;
    let id = add(&suite, verify("Check")).await;
    sqlx::query(
        "insert into scheduler_runs (id, job_id, script_path, triggered_by, started_at, ended_at, status)
         select gen_random_uuid(), $1, 'verify', 'ada', at, at, 'Success'
         from generate_series('2025-07-01Z'::timestamptz, '2025-07-10Z', '1 hour') at",
    )
    .bind(i32::try_from(id).unwrap())
    .execute(&pool)
    .await
    .unwrap();
    let run = start(&suite, id).await;
    ended(&suite, id, &run).await;
    let kept = runs(&suite, id).await;
    assert_eq!(
        (i64::try_from(kept.len()).unwrap(), &kept[0]["id"]),
        (store::runs::KEPT, &json!(run)),
        "the newest"
    );
    let count: i64 =
        sqlx::query_scalar("select count(*) from scheduler_runs").fetch_one(&pool).await.unwrap();
    assert_eq!(count, store::runs::KEPT);

    let _busy = suite.ledger.verifying.acquire().await.unwrap();
    let mut started = Vec::new();
    for number in 0..pullers::AT_A_TIME {
        let id = add(&suite, verify(&format!("Check {number}"))).await;
        started.push((id, start(&suite, id).await));
    }
    let refused = suite.as_admin("POST", &format!("/api/pullers/{id}/run"), Value::Null).await;
    assert_eq!(
        (refused.status.as_u16(), &refused.json()["error"]),
        (409, &json!("4 jobs are running; wait for one of them to end"))
    );
    for (id, run) in started {
        suite.as_admin("POST", &format!("/api/pullers/{id}/cancel"), Value::Null).await;
        assert_eq!(ended(&suite, id, &run).await["status"], "Cancelled");
    }
    start(&suite, id).await;
}
