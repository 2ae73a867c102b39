//! The syncs as jobs: one at a time, told, ended, and waited for.

use std::{sync::Arc, time::Duration};

use hivematrix_knowledgetree::{
    domain::sync_runs::Outcome,
    jobs::sync::{Kind, NotStarted, Order},
};
use hivematrix_shared::auth::PermissionLevel;
use serde_json::{Value, json};
use sqlx::PgPool;

use crate::support::{Suite, company, ticket};

#[sqlx::test(migrations = "../../migrations/knowledgetree")]
async fn a_sync_runs_in_the_background_once_and_every_instance_knows_it(pool: PgPool) {
    let suite = Suite::start(pool).await;
    let other = suite.second().await;
    suite.peers.companies([company("1", "Acme Corp")]);
    suite.peers.hold();
    let started = suite.post("/admin/sync/codex", Value::Null).await;
    assert_eq!(started.status, 202, "{}", started.text());
    let started: Value = started.json();
    assert_eq!((&started["success"], &started["message"]), (&json!(true), &json!("Codex sync started")));

    for instance in [&suite, &other] {
        let refused = instance.post("/admin/sync/codex", Value::Null).await;
        assert_eq!(refused.status, 409, "{}", refused.text());
        let refused: Value = refused.json();
        assert_eq!((&refused["job_id"], &refused["success"]), (&started["job_id"], &json!(false)));
        let status = instance.status().await;
        assert_eq!(
            (&status["codex"]["running"], &status["codex"]["job_id"]),
            (&json!(true), &started["job_id"])
        );
        assert_eq!(
            (&status["tickets"]["running"], &status["tickets"]["last_run"]),
            (&json!(false), &Value::Null)
        );
    }
    suite.peers.release();
    let status = suite.until_over("codex").await;
    assert_eq!((&status["company_items"], &status["ticket_count"]), (&json!(6), &json!(0)));
    let codex = &status["codex"];
    assert_eq!((&codex["last_run"], &codex["last_error"]), (&json!("2026-11-22T12:00:00Z"), &Value::Null));
    assert_eq!((&codex["job_id"], &codex["progress"]["companies"]), (&started["job_id"], &json!(1)));
}

#[sqlx::test(migrations = "../../migrations/knowledgetree")]
async fn who_waits_gets_the_original_s_answer(pool: PgPool) {
    let suite = Suite::start(pool).await;
    suite.peers.companies([company("1", "Acme Corp")]);
    let answer = suite.post("/admin/sync/codex?wait=true", Value::Null).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let answer: Value = answer.json();
    assert_eq!(answer["message"], "Codex sync completed successfully");
    assert!(answer["output"].as_str().unwrap().contains("Acme Corp (1): 1 people, 1 devices\n"), "{answer}");

    suite.peers.tickets(0, [ticket(5001, "A", "2026-11-21T09:00:00Z")]);
    let answer =
        suite.post("/admin/sync/tickets?wait=true", json!({"overwrite": true})).await.json();
    assert_eq!(answer["message"], "Ticket sync completed successfully");
    assert!(answer["output"].as_str().unwrap().contains("Synced 1 tickets\n"), "{answer}");

    suite.peers.fault("/api/companies/bulk", 500);
    let failed = suite.post("/admin/sync/codex?wait=true", Value::Null).await;
    assert_eq!(failed.status, 500);
    let failed: Value = failed.json();
    assert_eq!((&failed["success"], &failed["message"]), (&json!(false), &json!("Codex sync failed")));
    assert!(failed["error"].as_str().unwrap().contains("status 500"), "{failed}");
    let status = suite.status().await;
    assert!(status["codex"]["last_error"].as_str().unwrap().contains("status 500"), "{status}");
}

#[sqlx::test(migrations = "../../migrations/knowledgetree")]
async fn only_administrators_sync_and_only_where_codex_is(pool: PgPool) {
    let suite = Suite::start(pool).await;
    for path in
        ["/admin/sync/codex", "/admin/sync/tickets", "/admin/sync/codex/cancel", "/admin/sync/tickets/cancel"]
    {
        for level in [PermissionLevel::Technician, PermissionLevel::Billing, PermissionLevel::Client] {
            assert_eq!(suite.post_as(level, path, Value::Null).await.status, 403, "{path} {level:?}");
        }
        let service = suite.identity.service_token("brainhair", "knowledgetree");
        assert_eq!(suite.client.post(path).bearer(service).send().await.status, 403, "{path}");
        assert_eq!(suite.client.post(path).send().await.status, 401, "{path}");
    }
    let bare = suite.without_codex().await;
    for path in ["/admin/sync/codex", "/admin/sync/tickets"] {
        let refused = bare.post(path, Value::Null).await;
        assert_eq!(refused.status, 400);
        let refused: Value = refused.json();
        assert_eq!(
            (&refused["success"], &refused["message"]),
            (&json!(false), &json!("Codex is not configured"))
        );
    }
    assert_eq!(suite.post("/admin/sync/tickets", json!({"overwrite": "yes"})).await.status, 400);
    assert_eq!(suite.post("/admin/sync/tickets/cancel", Value::Null).await.status, 409);
}

#[sqlx::test(migrations = "../../migrations/knowledgetree")]
async fn a_run_is_ended_from_any_instance_and_keeps_what_it_wrote(pool: PgPool) {
    let suite = Suite::start(pool).await;
    suite.peers.companies([company("1", "Acme Corp")]);
    suite.completed(Kind::Companies).await;
    suite.peers.hold();
    suite.post("/admin/sync/codex", Value::Null).await;
    let ends = suite.second().await.post("/admin/sync/codex/cancel", Value::Null).await;
    assert_eq!(ends.status, 202, "{}", ends.text());
    let status = suite.until_over("codex").await;
    assert_eq!(status["codex"]["last_error"], "The sync was ended. What it wrote stays.");
    assert!(suite.exists("Companies/Acme Corp").await);
    suite.peers.release();
    suite.completed(Kind::Companies).await;
}

#[sqlx::test(migrations = "../../migrations/knowledgetree")]
async fn a_holder_that_is_gone_blocks_nobody_for_ever(pool: PgPool) {
    let suite = Suite::start(pool).await;
    suite.peers.companies([company("1", "Acme Corp")]);
    // What a process leaves behind that was killed.
    let dead = json!({"current": {"job_id": "00000000-0000-0000-0000-000000000001", "by": "ada", "started_at": "2026-11-22T11:00:00Z",
        "seen_at": "2026-11-22T11:59:30Z", "overwrite": false, "is_to_end": false, "progress": {"companies": 3}}});
    assert!(suite.store.set_state("sync:codex", None, &dead.to_string()).await.unwrap());
    let order = || Order { kind: Kind::Companies, by: "ada".to_owned(), overwrite: false };
    let refused = suite.tree.syncs.start(order(), Arc::new(())).await;
    assert!(matches!(refused, Err(NotStarted::Running(_))), "it was heard of half a minute ago");
    suite.clock.set("2026-11-22T12:00:31Z".parse().unwrap());
    let status = suite.status().await;
    assert_eq!(status["codex"]["running"], false);
    assert!(status["codex"]["last_error"].as_str().unwrap().starts_with("The service stopped"), "{status}");
    suite.completed(Kind::Companies).await;
}

#[sqlx::test(migrations = "../../migrations/knowledgetree")]
async fn a_service_that_stops_notes_that_its_run_ended(pool: PgPool) {
    let suite = Suite::start(pool).await;
    suite.peers.companies([company("1", "Acme Corp")]);
    suite.peers.hold();
    let order = Order { kind: Kind::Companies, by: "ada".to_owned(), overwrite: false };
    let (_, end) = suite.tree.syncs.start(order, Arc::new(())).await.unwrap();
    suite.tree.context.stop().await;
    let ended = tokio::time::timeout(Duration::from_secs(5), end).await.unwrap().unwrap().unwrap();
    assert_eq!(ended.outcome, Outcome::Failed);
    assert!(ended.error.unwrap().starts_with("The service stopped"));
    // The next instance need not wait until this one counts as gone.
    suite.peers.release();
    suite.second().await.completed(Kind::Companies).await;
}
