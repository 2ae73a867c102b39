//! One run at a time, and how it ends.

use std::{collections::HashSet, time::Duration};

use hivematrix_ledger::{
    domain::billing::Period,
    jobs::{Order, pullers},
    store,
};
use hivematrix_shared::auth::PermissionLevel;
use serde_json::{Value, json};
use sqlx::{PgPool, postgres::PgPoolOptions};
use tokio::{net::TcpListener, sync::watch};
use tokio_util::sync::CancellationToken;

use super::{add, ended, get, runs, start, verify};
use crate::support::{Company, Suite};

/// Both looks that it takes.
async fn bury_dead(suite: &Suite) {
    let mut suspects = HashSet::new();
    for _ in 0..2 {
        pullers::bury_dead(&suite.ledger, &mut suspects).await.unwrap();
    }
}

/// The same database behind a door that can be shut: connections end, and new ones as well.
async fn behind_a_door(pool: &PgPool) -> (PgPool, watch::Sender<bool>) {
    let options = pool.connect_options();
    let real = (options.get_host().to_owned(), options.get_port());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (door, is_shut) = watch::channel(false);
    tokio::spawn(async move {
        while let Ok((mut near, _)) = listener.accept().await {
            let (real, mut is_shut) = (real.clone(), is_shut.clone());
            tokio::spawn(async move {
                if *is_shut.borrow() {
                    return;
                }
                let mut far = tokio::net::TcpStream::connect(real).await.unwrap();
                tokio::select! {
                    _ = tokio::io::copy_bidirectional(&mut near, &mut far) => {}
                    _ = is_shut.wait_for(|is_shut| *is_shut) => {}
                }
            });
        }
    });
    let options = options.as_ref().clone().host("127.0.0.1").port(port);
    let behind = PgPoolOptions::new().max_connections(5).acquire_timeout(Duration::from_secs(2));
    (behind.connect_with(options).await.unwrap(), door)
}

#[sqlx::test(migrations = "../../migrations/ledger")]
async fn a_run_that_ends_while_the_database_is_away_has_ended_as_it_did(pool: PgPool) {
    let (behind, door) = behind_a_door(&pool).await;
    let suite = Suite::start(behind).await;
    suite.peers.companies([Company::new("1001", "A")]);
    suite.peers.hold("/api/companies/bulk");
    let id = add(&suite, json!({"job_name": "Ask", "script_path": "sync_from_codex.py"})).await;
    let run = start(&suite, id).await;
    while suite.peers.seen("/api/companies/bulk").is_empty() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    door.send(true).unwrap();
    tokio::time::sleep(Duration::from_millis(1500)).await;
    suite.peers.release("/api/companies/bulk");
    tokio::time::sleep(Duration::from_secs(2)).await;
    door.send(false).unwrap();
    // Whoever looks first finds nobody who holds it.
    let mut suspects = HashSet::new();
    pullers::bury_dead(&suite.ledger, &mut suspects).await.unwrap();
    let found = ended(&suite, id, &run).await;
    assert_eq!((&found["status"], &found["exit_code"]), (&json!("Success"), &json!(0)), "{found}");
    assert!(found["log"].as_str().unwrap().contains("Companies: 1"), "{found}");
}

#[sqlx::test(migrations = "../../migrations/ledger")]
async fn a_run_that_archives_leaves_no_job_at_work_behind(pool: PgPool) {
    let suite = Suite::start(pool.clone()).await;
    suite.peers.companies([Company::new("1001", "A")]);
    suite.peers.hold("/api/companies/bulk");
    let id = add(&suite, json!({"job_name": "Archive", "script_path": "scheduled_snapshots"})).await;
    let run = start(&suite, id).await;
    while suite.peers.seen("/api/companies/bulk").is_empty() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    suite.as_admin("POST", &format!("/api/pullers/{id}/cancel"), Value::Null).await;
    assert_eq!(ended(&suite, id, &run).await["status"], "Cancelled");
    let status: String =
        sqlx::query_scalar("select status from snapshot_jobs").fetch_one(&pool).await.unwrap();
    assert_eq!(status, "failed", "Codex takes its time, and nobody waits for it any more");
    suite.peers.release("/api/companies/bulk");
}

#[sqlx::test(migrations = "../../migrations/ledger")]
async fn archiving_goes_on_to_its_end_where_nobody_waits_for_it(pool: PgPool) {
    let suite = Suite::start(pool.clone()).await;
    suite.peers.companies([Company::new("1001", "A")]);
    suite.peers.hold("/api/companies/bulk");
    let order = Order {
        job_type: "manual",
        period: Period::new(2025, 6).unwrap(),
        only: None,
        by: "ada".to_owned(),
        notes: None,
        stop: CancellationToken::new(),
    };
    let waiting = tokio::spawn({
        let jobs = suite.ledger.jobs.clone();
        async move { jobs.complete(order).await.map(|_| ()) }
    });
    while suite.peers.seen("/api/companies/bulk").is_empty() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    waiting.abort();
    suite.peers.release("/api/companies/bulk");
    for _ in 0..100 {
        let status: String =
            sqlx::query_scalar("select status from snapshot_jobs").fetch_one(&pool).await.unwrap();
        if status == "completed" {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("the job is still at work");
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
        bury_dead(suite).await;
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
    let mut suspects = HashSet::new();
    pullers::bury_dead(&suite.ledger, &mut suspects).await.unwrap();
    assert_eq!(
        suspects.len(),
        1,
        "one look does not suffice: whoever holds it may be about to hold it again"
    );
    pullers::bury_dead(&suite.ledger, &mut suspects).await.unwrap();
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
