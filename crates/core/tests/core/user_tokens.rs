//! Exchange, validation, introspection, tokens for scripts (core.md §2.1, §2.2, §2.7, §3).

use hivematrix_shared::auth::PermissionLevel;
use serde_json::{Value, json};
use sqlx::PgPool;

use crate::support::{ADMIN_SECRET, Core, Options, claims, secret_of};

async fn validate(core: &Core, token: &str) -> (u16, Value) {
    let answer = core.client.post("/api/token/validate").json(&json!({"token": token})).send().await;
    (answer.status.as_u16(), answer.json())
}

#[tokio::test]
async fn a_live_session_validates_to_its_user_data_until_it_ends() {
    let core = Core::plain().await;
    let token = core.user_token(PermissionLevel::Technician).await;
    let user = json!({"sub": "user-technician", "name": "Ada L", "email": "user-technician@x.example",
        "preferred_username": "user-technician", "permission_level": "technician", "groups": ["technician"]});
    assert_eq!(validate(&core, &token).await, (200, json!({"user": user, "valid": true})));

    core.clock.advance(chrono::TimeDelta::seconds(3599));
    assert_eq!(validate(&core, &token).await.0, 200);
    core.clock.advance(chrono::TimeDelta::seconds(1));
    assert_eq!(validate(&core, &token).await.1["error"], "Token expired");
}

#[tokio::test]
async fn a_revoked_token_is_refused_and_may_be_revoked_again_even_when_expired() {
    let core = Core::plain().await;
    let token = core.user_token(PermissionLevel::Admin).await;
    let revoke = async || {
        let answer = core.client.post("/api/token/revoke").json(&json!({"token": token})).send().await;
        (answer.status.as_u16(), answer.json())
    };
    let done = (200, json!({"message": "Session revoked successfully"}));
    assert_eq!(revoke().await, done);
    assert_eq!(revoke().await, done);
    assert_eq!(
        validate(&core, &token).await,
        (401, json!({"error": "Session expired or revoked", "valid": false}))
    );
    core.clock.advance(chrono::TimeDelta::seconds(3600));
    assert_eq!(revoke().await, done, "the session's last second");
    core.clock.advance(chrono::TimeDelta::seconds(1));
    assert_eq!(revoke().await, (404, json!({"message": "Session not found or already revoked"})));
}

#[sqlx::test(migrator = "hivematrix_core::MIGRATOR")]
async fn an_access_token_of_the_realm_is_exchanged_for_a_session(pool: PgPool) {
    let core = Core::with_realm(pool).await;
    for (name, level, groups) in [
        ("admin", "admin", json!(["admins"])),
        ("tech", "technician", json!(["technicians"])),
        ("billing", "billing", json!(["billing"])),
        ("client", "client", json!(["client"])),
    ] {
        let access = core.tokens(name).await["access_token"].clone();
        let answer = core
            .client
            .post("/api/token/exchange")
            .json(&json!({"access_token": access}))
            .header("x-forwarded-for", "203.0.113.7")
            .send()
            .await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let token = answer.json()["token"].as_str().unwrap().to_owned();
        assert_eq!(answer.json(), json!({"token": token}));
        let claims = claims(&token);
        let email = format!("{name}@hivematrix.local");
        for (claim, value) in [
            ("iss", json!("hivematrix-core")),
            ("preferred_username", json!(name)),
            ("email", json!(email)),
            ("permission_level", json!(level)),
            ("groups", groups),
            ("iat", json!(core.clock.unix())),
            ("exp", json!(core.clock.unix() + 3600)),
        ] {
            assert_eq!(claims[claim], value, "{name} {claim}");
        }
        assert!(claims.get("type").is_none() && claims.get("aud").is_none());
        let session = core.state.sessions.live(claims["jti"].as_str().unwrap()).await.unwrap().unwrap();
        assert_eq!(session.client_address, "203.0.113.7");
        assert_eq!(validate(&core, &token).await.0, 200);
    }
}

#[sqlx::test(migrator = "hivematrix_core::MIGRATOR")]
async fn only_access_tokens_of_the_suites_own_client_are_exchanged(pool: PgPool) {
    let core = Core::with_realm(pool).await;
    let realm = core.state.realm.as_ref().unwrap();
    let tokens = core.tokens("tech").await;
    let access = tokens["access_token"].as_str().unwrap();
    let mut foreign = claims(access);
    foreign["azp"] = json!("another-client");
    let mut elsewhere = claims(access);
    elsewhere["iss"] = json!("https://evil.example/keycloak/realms/hivematrix");
    let service = core
        .token_endpoint(&[
            ("grant_type", "client_credentials"),
            ("client_id", "hivematrix-admin"),
            ("client_secret", ADMIN_SECRET),
        ])
        .await
        .json()["access_token"]
        .clone();
    for (name, token) in [
        ("substituted", json!(realm.signer.sign(&foreign).await.unwrap())),
        ("another issuer", json!(realm.signer.sign(&elsewhere).await.unwrap())),
        ("signed by core's own key", json!(core.state.keys.sign(&claims(access)).await.unwrap())),
        ("a service account", service),
        ("an ID token", tokens["id_token"].clone()),
        ("garbage", json!("garbage")),
        ("opaque", json!("kc-unknown")),
    ] {
        let answer =
            core.client.post("/api/token/exchange").json(&json!({"access_token": token})).send().await;
        assert_eq!(
            (answer.status.as_u16(), answer.json()),
            (401, json!({"error": "Invalid access token"})),
            "{name}"
        );
    }
    core.clock.advance(chrono::TimeDelta::seconds(300));
    let late = core.client.post("/api/token/exchange").json(&json!({"access_token": access})).send().await;
    assert_eq!(late.status, 401, "expired");
}

#[tokio::test]
async fn an_identity_provider_that_is_away_is_a_502() {
    let core = Core::plain().await;
    let token = core.user_token(PermissionLevel::Client).await;
    let answer = core.client.post("/api/token/exchange").json(&json!({"access_token": token})).send().await;
    assert_eq!(
        (answer.status.as_u16(), answer.json()),
        (502, json!({"error": "Identity provider unavailable"}))
    );
}

#[tokio::test]
async fn logins_are_limited_by_the_forwarded_client_address() {
    let core = Core::plain().await;
    let exchange = async |address: &str| {
        core.client
            .post("/api/token/exchange")
            .json(&json!({}))
            .header("x-forwarded-for", address)
            .send()
            .await
    };
    for _ in 0..20 {
        assert_eq!(exchange("203.0.113.7").await.status, 400);
    }
    let refused = exchange("203.0.113.7").await;
    assert_eq!(refused.status, 429);
    assert_eq!(refused.json()["title"], "Too Many Requests");
    assert!(!refused.header("retry-after").is_empty());
    assert_eq!(exchange("203.0.113.8").await.status, 400, "others are not affected");
    for _ in 0..30 {
        let body = json!({"token": "x"});
        assert_eq!(core.client.post("/api/token/validate").json(&body).send().await.status, 401, "exempt");
    }
}

#[tokio::test]
async fn introspection_is_for_services_and_admins() {
    let core = Core::plain().await;
    let admin = core.user_token(PermissionLevel::Admin).await;
    let tech = core.user_token(PermissionLevel::Technician).await;
    let ask = |token: &str| core.client.post("/api/token/introspect").form(&[("token", token)]);
    let by_secret = ask(&tech).header("x-service-secret", &secret_of("codex")).send().await.json();
    let mut expected = claims(&tech);
    expected["active"] = json!(true);
    assert_eq!(by_secret, expected);
    assert_eq!(ask(&tech).bearer(&admin).send().await.json()["active"], true);
    let service = core.service_token("beacon").await;
    assert_eq!(ask(&service).bearer(&admin).send().await.json()["calling_service"], "beacon");

    assert_eq!(ask(&tech).bearer(&tech).send().await.status, 403);
    assert_eq!(ask(&tech).send().await.status, 401);
    assert_eq!(ask(&tech).header("x-service-secret", "guess").send().await.status, 401);
    let json_body = core.client.post("/api/token/introspect").json(&json!({"token": tech})).bearer(&admin);
    assert_eq!(json_body.send().await.status, 415);
    assert_eq!(ask("").bearer(&admin).send().await.status, 400);

    core.client.post("/api/token/revoke").json(&json!({"token": tech})).send().await;
    for inactive in [tech.as_str(), "garbage"] {
        assert_eq!(ask(inactive).bearer(&admin).send().await.json(), json!({"active": false}));
    }
}

#[tokio::test]
async fn helm_gets_a_token_for_scripts_with_a_real_session() {
    let core = Core::plain().await;
    let ask = |body: Value| {
        core.client.post("/api/internal/token").json(&body).header("x-service-secret", &secret_of("helm"))
    };
    let answer = ask(json!({"permission_level": "billing", "ttl": 7200})).send().await.json();
    let token = answer["token"].as_str().unwrap();
    let claims = claims(token);
    assert_eq!((&claims["sub"], &claims["permission_level"]), (&json!("helm-cli"), &json!("billing")));
    assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 7200);
    assert_eq!(validate(&core, token).await.0, 200);

    for (body, status) in [
        (json!({"permission_level": "root"}), 400),
        (json!({}), 400),
        (json!({"permission_level": "admin", "ttl": 0}), 400),
        (json!({"permission_level": "admin", "ttl": 86401}), 400),
        (json!({"permission_level": "admin", "ttl": "long"}), 400),
        (json!({"permission_level": "admin", "ttl": 86400}), 200),
    ] {
        assert_eq!(ask(body.clone()).send().await.status, status, "{body}");
    }
    let body = json!({"permission_level": "admin"});
    let other =
        core.client.post("/api/internal/token").json(&body).header("x-service-secret", &secret_of("codex"));
    assert_eq!(other.send().await.status, 401);
    assert_eq!(core.client.post("/api/internal/token").json(&body).send().await.status, 401);
    assert_eq!(ask(body).header("x-forwarded-prefix", "/core").send().await.status, 403);
}

#[tokio::test]
async fn health_is_degraded_but_200_on_the_memory_store() {
    let core = Core::start(Options::default()).await;
    let answer = core.client.get("/health").send().await;
    assert_eq!(answer.status, 200);
    insta::assert_json_snapshot!(answer.json(), {
        ".timestamp" => "[time]", ".checks.disk" => "[disk]"
    });
    assert_eq!(core.client.get("/readyz").send().await.status, 200);
    assert_eq!(core.client.get("/livez").send().await.status, 200);
}

#[tokio::test]
async fn the_api_document_names_every_json_route() {
    let core = Core::plain().await;
    let document = core.client.get("/static/openapi.json").send().await.json();
    let paths = document["paths"].as_object().unwrap();
    let operations: Vec<String> = paths
        .iter()
        .flat_map(|(path, methods)| {
            methods.as_object().unwrap().keys().map(move |method| format!("{method} {path}"))
        })
        .collect();
    insta::assert_json_snapshot!("operations", operations);
    assert_eq!(core.client.get("/docs").send().await.status, 200);
    assert_eq!(core.client.get("/apispec.json").send().await.json(), document);
}
