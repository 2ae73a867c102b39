//! Every change of a user is kept: who, what, whom, when, and never a password.

use super::*;

impl World {
    /// The kept changes, the newest first.
    async fn changes(&self, query: &str) -> Value {
        self.admin("GET", &format!("/audit?{query}"), Value::Null).await.1
    }
}

#[sqlx::test(migrator = "hivematrix_helm::MIGRATOR")]
async fn every_change_is_kept_with_who_what_whom_and_when(pool: PgPool) {
    let world = World::new(pool).await;
    let bo = json!({ "email": "bo@y.example", "enabled": true });
    let ada = json!({ "username": "ada", "email": "ada@x.example", "password": "long-enough-1", "groups": ["billing"] });
    for (method, path, body, status) in [
        ("POST", "/users", ada, 201),
        ("PUT", "/users/{bo}", bo.clone(), 200),
        // Nothing is different: nothing is kept.
        ("PUT", "/users/{bo}", bo, 200),
        ("POST", "/users/{bo}/reset-password", json!({ "password": "new-password-1" }), 200),
        ("PUT", "/users/{bo}/groups/{group billing}", Value::Null, 200),
        ("DELETE", "/users/{bo}/groups/{group billing}", Value::Null, 200),
        ("PUT", "/users/{bo}/groups", json!({ "groups": ["technicians", "nobody"] }), 207),
        ("PUT", "/users/{bo}/groups", json!({ "groups": ["technicians"] }), 200),
        ("DELETE", "/users/{root}", Value::Null, 409),
        ("DELETE", "/users/{bo}", Value::Null, 200),
        // Nobody is there any more.
        ("DELETE", "/users/{bo}", Value::Null, 404),
    ] {
        let (found, answer) = world.admin(method, path, body).await;
        assert_eq!(found, status, "{method} {path}: {answer}");
    }
    let kept = world.changes("").await;
    let rows: Vec<Value> = kept["changes"].as_array().unwrap().iter().rev().cloned().collect();
    let told: Vec<_> = rows
        .iter()
        .map(|row| ["action", "outcome", "username"].map(|name| row[name].as_str().unwrap()).join(" "))
        .collect();
    assert_eq!(
        told,
        [
            "create done ada",
            "update done bo",
            "reset_password done bo",
            "join done bo",
            "leave done bo",
            "groups partial bo",
            "delete refused root",
            "delete done bo",
        ]
    );
    assert_eq!((&kept["total"], &kept["next_before"]), (&json!(8), &Value::Null));
    for row in &rows {
        assert_eq!(row["by_id"], world.me);
        assert_eq!(row["by_name"], "admin@example.test");
        assert_eq!((&row["at"], &row["correlation_id"]), (&json!("2025-11-22T10:30:00Z"), &json!("req-1")));
    }
    assert_eq!(rows[0]["user_id"], id("ada"));
    assert_eq!(rows[0]["details"]["groups"], json!(["billing"]));
    assert_eq!(rows[1]["details"]["email"], json!({ "from": null, "to": "bo@y.example" }));
    assert_eq!(rows[5]["details"]["errors"], json!(["Group nobody does not exist"]));
    assert!(rows[6]["details"]["reason"].as_str().unwrap().contains("last administrator"));
    let text = kept.to_string();
    for secret in ["long-enough-1", "new-password-1"] {
        assert!(!text.contains(secret), "{text}");
    }
}

#[sqlx::test(migrator = "hivematrix_helm::MIGRATOR")]
async fn changes_are_read_page_by_page_and_for_one_user(pool: PgPool) {
    let world = World::new(pool).await;
    for n in 0..5 {
        let body = json!({ "firstName": format!("Bo {n}") });
        assert_eq!(world.admin("PUT", "/users/{bo}", body).await.0, 200);
    }
    assert_eq!(world.admin("PUT", "/users/{root}", json!({ "lastName": "R" })).await.0, 200);
    let first = world.changes("limit=4").await;
    assert_eq!(first["changes"].as_array().unwrap().len(), 4);
    let next = format!("limit=4&before={}", first["next_before"]);
    let second = world.changes(&next).await;
    assert_eq!((second["changes"].as_array().unwrap().len(), &second["next_before"]), (2, &Value::Null));
    let of_root = world.changes(&format!("user_id={}", id("root"))).await;
    assert_eq!((&of_root["total"], &of_root["changes"][0]["username"]), (&json!(1), &json!("root")));
    assert_eq!(world.send("GET", "/audit", Value::Null, Technician).await.status, StatusCode::FORBIDDEN);
}

#[sqlx::test(migrator = "hivematrix_helm::MIGRATOR")]
async fn the_way_is_kept_beside_the_name(pool: PgPool) {
    let mut world = World::new(pool).await;
    let body = json!({ "firstName": "Bo" });
    let service = world.helm.identity.service_token_on_behalf("brainhair", "helm", Admin);
    let path = filled("/api/keycloak/users/{bo}");
    let answer = world.helm.client.put(&path).bearer(service).json(&body).send().await;
    assert_eq!(answer.status, StatusCode::OK);
    world.me = "helm-cli".to_owned();
    let by_hand = world.helm.client.put(&path).bearer(world.token(Admin)).header("x-helm-operator", "ops");
    assert_eq!(by_hand.json(&json!({ "firstName": "Bob" })).send().await.status, StatusCode::OK);
    let kept = world.changes("").await;
    assert_eq!(kept["changes"][0]["by_name"], "ops on the command line");
    assert_eq!(kept["changes"][1]["by_name"], "admin@example.test through brainhair");
}

#[sqlx::test(migrator = "hivematrix_helm::MIGRATOR")]
async fn a_change_that_cannot_be_kept_is_made_and_says_so(pool: PgPool) {
    let world = World::new(pool.clone()).await;
    sqlx::query("ALTER TABLE user_changes RENAME TO gone").execute(&pool).await.unwrap();
    let (status, answer) = world.admin("PUT", "/users/{bo}", json!({ "firstName": "Bo" })).await;
    assert_eq!(status, 200);
    assert!(answer["warning"].as_str().unwrap().contains("stands in the log"), "{answer}");
}

#[sqlx::test(migrator = "hivematrix_helm::MIGRATOR")]
async fn sessions_end_with_what_they_hold_and_it_is_told_when_they_go_on(pool: PgPool) {
    // No Core answers here, so that each change which asks it to end sessions warns that they go on.
    let world = World::new(pool).await;
    for (method, path, body, ends) in [
        ("PUT", "/users/{bo}", json!({ "firstName": "Bo" }), false),
        ("PUT", "/users/{bo}", json!({ "email": "bo@y.example" }), true),
        ("PUT", "/users/{bo}", json!({ "enabled": true }), false),
        ("POST", "/users/{bo}/reset-password", json!({ "password": "new-password-1" }), true),
        ("PUT", "/users/{bo}/groups/{group billing}", Value::Null, true),
        ("DELETE", "/users/{bo}/groups/{group billing}", Value::Null, true),
        ("PUT", "/users/{bo}/groups", json!({ "groups": ["billing"] }), true),
        ("PUT", "/users/{bo}/groups", json!({ "groups": ["billing"] }), false),
        ("PUT", "/users/{bo}", json!({ "enabled": false }), true),
        ("DELETE", "/users/{bo}", Value::Null, true),
    ] {
        let (status, answer) = world.admin(method, path, body.clone()).await;
        assert_eq!(status, 200, "{method} {path} {body}: {answer}");
        let warned =
            answer["warning"].as_str().is_some_and(|text| text.contains("sessions could not be ended"));
        assert_eq!(warned, ends, "{method} {path} {body}: {answer}");
    }
}
