//! What is due runs once, whoever looks.

use hivematrix_ledger::jobs::pullers;
use serde_json::{Value, json};
use sqlx::PgPool;

use super::{add, ended, runs, start};
use crate::support::Suite;

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
