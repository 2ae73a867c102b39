//! The relayed ticket sync (beacon.md §4).

use crate::common::Suite;
use hivematrix_shared::{auth::PermissionLevel, testing::TestResponse};
use serde_json::{Value, json};

const DENIED: &str = "Permission denied. Technician or admin access required.";

async fn start_as(suite: &Suite, level: PermissionLevel) -> TestResponse {
    suite.client.post("/api/sync/tickets").bearer(suite.identity.user_token(level)).send().await
}

#[tokio::test]
async fn technicians_start_a_sync_on_their_own_behalf() {
    let suite = Suite::start().await;
    let started = json!({"success": true, "job_id": "j-1", "message": "Ticket detail sync started"});
    suite.peers.answer("POST /sync/tickets", 200, started.clone());
    for (level, status, body) in [
        (PermissionLevel::Admin, 200, started.clone()),
        (PermissionLevel::Technician, 200, started),
        (PermissionLevel::Billing, 403, json!({"success": false, "error": DENIED})),
        (PermissionLevel::Client, 403, json!({"success": false, "error": DENIED})),
    ] {
        let answer = start_as(&suite, level).await;
        assert_eq!(answer.status, status, "{level}");
        for (member, value) in body.as_object().unwrap() {
            assert_eq!(&answer.json()[member], value, "{level}");
        }
    }
    let asked = suite.peers.seen("/service-token");
    let users: Vec<_> = asked.iter().filter_map(|seen| seen.body["user_token"].as_str()).collect();
    let expected =
        [PermissionLevel::Admin, PermissionLevel::Technician].map(|level| suite.identity.user_token(level));
    assert_eq!(users, expected);
    assert_eq!(suite.client.post("/api/sync/tickets").send().await.status, 401);
    let service = suite.identity.service_token("brainhair", "beacon");
    assert_eq!(suite.client.post("/api/sync/tickets").bearer(service).send().await.status, 403);
}

#[tokio::test]
async fn what_codex_says_is_mapped() {
    for (codex, body, status, error) in [
        (403, json!({"error": DENIED}), 403, DENIED),
        (409, json!({"error": "A sync is already running"}), 409, "A sync is already running"),
        (404, json!({}), 500, "Failed to start ticket sync"),
        (500, json!({"detail": "secret"}), 500, "Failed to start ticket sync"),
    ] {
        let suite = Suite::start().await;
        suite.peers.answer("POST /sync/tickets", codex, body);
        let answer = start_as(&suite, PermissionLevel::Admin).await;
        assert_eq!(answer.status, status, "{codex}");
        assert_eq!(
            (&answer.json()["error"], &answer.json()["success"]),
            (&json!(error), &json!(false)),
            "{codex}"
        );
        assert!(!answer.text().contains("secret"));
    }
}

#[tokio::test]
async fn the_state_of_a_job_is_relayed() {
    let job = json!({"id": "j-1", "script": "psa", "status": "running", "started_at": "2025-11-22T10:29:00Z",
                     "completed_at": null, "output": null, "error": null, "success": null});
    for (codex, body, status, expected) in [
        (200, job.clone(), 200, job),
        (404, json!({"error": "Job not found"}), 404, json!({"error": "Job not found"})),
        (403, json!({"error": DENIED}), 403, json!({"error": DENIED})),
        (500, Value::Null, 500, json!({"error": "Failed to get sync status"})),
    ] {
        let suite = Suite::start().await;
        suite.peers.answer("GET /sync/status/j-1", codex, body);
        let answer = suite.get("/api/sync/status/j-1").await;
        assert_eq!(answer.status, status);
        for (member, value) in expected.as_object().unwrap() {
            assert_eq!(&answer.json()[member], value, "{codex}");
        }
    }
}

#[tokio::test]
async fn a_job_id_cannot_reach_another_path() {
    let suite = Suite::start().await;
    for path in
        ["/api/sync/status/..%2f..%2fapi%2fcompanies", "/api/sync/status/a%3Fb", "/api/sync/status/a%23"]
    {
        let answer = suite.get(path).await;
        assert_eq!(
            (answer.status.as_u16(), &answer.json()["error"]),
            (404, &json!("Job not found")),
            "{path}"
        );
    }
    assert!(suite.peers.seen("/api/companies").is_empty());
}

#[tokio::test]
async fn without_codex_or_core_the_errors_are_upstreams() {
    let suite = Suite::start().await;
    suite.peers.answer("POST /service-token", 503, json!({}));
    let answer = start_as(&suite, PermissionLevel::Admin).await;
    assert_eq!(
        (answer.status.as_u16(), &answer.json()["error"]),
        (500, &json!("Failed to start ticket sync"))
    );
    let answer = suite.get("/api/sync/status/x").await;
    assert_eq!((answer.status.as_u16(), &answer.json()["error"]), (500, &json!("Internal server error")));
}

#[tokio::test]
async fn five_syncs_a_minute_are_enough() {
    let suite = Suite::start().await;
    suite.peers.answer("POST /sync/tickets", 200, json!({"success": true, "job_id": "j"}));
    for _ in 0..5 {
        assert_eq!(start_as(&suite, PermissionLevel::Technician).await.status, 200);
    }
    let mut refused = false;
    for _ in 0..5 {
        refused |= start_as(&suite, PermissionLevel::Technician).await.status == 429;
    }
    assert!(refused);
}
