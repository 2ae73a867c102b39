//! Redis that answers but refuses, speaks TLS, or has an address that can never work (core.md §6, §13).

use std::process::{Command, Stdio};

use hivematrix_shared::auth::PermissionLevel::Technician;
use serde_json::json;

use crate::support::{Core, Options, RedisServer, eventually};

async fn start(url: String) -> Core {
    Core::start(Options { redis_url: Some(url), ..Options::default() }).await
}

fn with_password(redis: &RedisServer, password: &str) -> String {
    redis.url().replace("redis://", &format!("redis://:{password}@"))
}

#[tokio::test]
async fn a_redis_that_refuses_the_password_is_told_and_used_once_it_is_set_right() {
    let redis = RedisServer::start().await;
    // Redis without a password refuses one, as it refuses a wrong one.
    let core = start(with_password(&redis, "right")).await;
    let token = core.user_token(Technician).await;
    assert_eq!(core.validate(&token).await, 200, "in memory until then");
    assert_eq!(
        core.session_health().await,
        json!({"status": "degraded",
            "error": "Redis does not do what it is asked (AUTH); sessions are kept in memory until it does"})
    );
    assert!(core.state.sessions.move_to_redis().await.is_err());
    redis.command::<()>(&["CONFIG", "SET", "requirepass", "right"]).await;
    core.state.sessions.move_to_redis().await.unwrap();
    assert_eq!(core.validate(&token).await, 200);
    eventually("health recovers", async || core.session_health().await["status"] == "healthy").await;
}

#[tokio::test]
async fn a_redis_without_the_password_it_wants_is_told_at_start() {
    let redis = RedisServer::start().await;
    redis.command::<()>(&["CONFIG", "SET", "requirepass", "right"]).await;
    for url in [redis.url(), with_password(&redis, "wrong")] {
        let health = start(url).await.session_health().await;
        let error = health["error"].as_str().unwrap();
        assert!(
            ["(AUTH)", "(NOAUTH)"].iter().any(|code| error.contains(code)) && !error.contains("wrong"),
            "{error}"
        );
    }
}

#[tokio::test]
async fn a_redis_that_became_a_read_only_replica_is_degraded_and_loses_nothing() {
    let redis = RedisServer::start().await;
    let core = start(redis.url()).await.with_jobs();
    let token = core.user_token(Technician).await;
    redis.command::<()>(&["REPLICAOF", "127.0.0.1", "1"]).await;
    let revoke = core.client.post("/api/token/revoke").json(&json!({"token": token})).send().await;
    assert_eq!((revoke.status.as_u16(), revoke.header("retry-after")), (503, "2"));
    assert_eq!(
        core.session_health().await,
        json!({"status": "degraded",
            "error": "Redis does not do what it is asked (READONLY); session operations fail until it does"})
    );
    assert_eq!(core.validate(&token).await, 200, "reading goes on");
    let late = start(redis.url()).await.session_health().await;
    assert!(late["error"].as_str().unwrap().contains("kept in memory"), "never taken as a store: {late}");

    redis.command::<()>(&["REPLICAOF", "NO", "ONE"]).await;
    core.revoke(&token).await;
    assert_eq!(core.validate(&token).await, 401);
    eventually("health recovers", async || core.session_health().await["status"] == "healthy").await;
}

#[tokio::test]
async fn sessions_lie_in_a_redis_with_tls_whose_authority_is_trusted_and_in_no_other() {
    let redis = RedisServer::with_tls().await;
    let mut settings = Options { redis_url: Some(redis.url()), ..Options::default() };
    settings.authority = Some(redis.authority().to_owned());
    let core = Core::start(settings).await.with_jobs();
    let token = core.user_token(Technician).await;
    assert_eq!(core.session_health().await["status"], "healthy");
    core.revoke(&token).await;
    assert_eq!(core.validate(&token).await, 401);
    eventually("the connection stays", async || core.session_health().await["status"] == "healthy").await;

    let distrustful = start(redis.url()).await;
    let health = distrustful.session_health().await;
    assert!(health["error"].as_str().unwrap().contains("kept in memory"), "{health}");
}

#[test]
fn an_address_that_can_never_work_stops_the_start_and_says_why_but_not_the_password() {
    let home = tempfile::tempdir().unwrap();
    for url in ["redis://:pass-word@host:port", "localhost:6379"] {
        let output = Command::new(env!("CARGO_BIN_EXE_hivematrix-core"))
            .env_clear()
            .env("HIVEMATRIX_HOME", home.path())
            .env("SECRET_KEY", "key")
            .env("KEYCLOAK_SERVER_URL", "http://127.0.0.1:9")
            .env("REDIS_URL", url)
            .env("SERVICE_PORT", "0")
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success(), "{text}");
        assert!(text.contains("REDIS_URL is not the address of a Redis server"), "{text}");
        assert!(!text.contains("pass-word"), "{text}");
    }
}
