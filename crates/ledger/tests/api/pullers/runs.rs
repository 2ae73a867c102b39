//! One run at a time, and how it ends.

use std::time::Duration;

use hivematrix_ledger::{jobs::pullers, store};
use hivematrix_shared::auth::PermissionLevel;
use serde_json::{Value, json};
use sqlx::PgPool;

use super::{add, ended, get, runs, start, verify};
use crate::support::Suite;

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
