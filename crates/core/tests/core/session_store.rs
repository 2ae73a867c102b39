//! Redis and the memory in its place (core.md §6).

use hivematrix_core::domain::session::Whose;
use hivematrix_shared::auth::PermissionLevel::{Admin, Technician};
use serde_json::{Value, json};

use crate::support::{Core, Options, RedisServer, claims, eventually, user};

async fn start(redis: &RedisServer) -> Core {
    Core::start(Options { redis_url: Some(redis.url()), ..Options::default() }).await
}

async fn validate(core: &Core, token: &str) -> u16 {
    core.client.post("/api/token/validate").json(&json!({"token": token})).send().await.status.as_u16()
}

fn key(token: &str) -> String {
    format!("session:{}", claims(token)["jti"].as_str().unwrap())
}

#[tokio::test]
async fn a_session_lies_under_its_key_with_its_lifetime_and_keeps_it_when_revoked() {
    let redis = RedisServer::start().await;
    let core = start(&redis).await;
    let token = core.user_token(Technician).await;
    let stored: Value = serde_json::from_str(&redis.get(&key(&token)).await.unwrap()).unwrap();
    insta::assert_json_snapshot!(stored, { ".created_at" => "[time]", ".expires_at" => "[time]" });
    let ttl = redis.ttl(&key(&token)).await;
    assert!((3590..=3600).contains(&ttl), "{ttl}");

    core.client.post("/api/token/revoke").json(&json!({"token": token})).send().await;
    let stored: Value = serde_json::from_str(&redis.get(&key(&token)).await.unwrap()).unwrap();
    assert_eq!((&stored["revoked"], &stored["groups"]), (&json!(true), &json!(["technician"])));
    let ttl = redis.ttl(&key(&token)).await;
    assert!((3580..=3600).contains(&ttl), "{ttl}");
    assert_eq!(validate(&core, &token).await, 401);
}

#[tokio::test]
async fn sessions_of_upstreams_core_and_of_the_seeds_form_go_on() {
    let redis = RedisServer::start().await;
    let core = start(&redis).await;
    let now = core.clock.unix();
    let data = serde_json::to_value(user("u1", Technician)).unwrap();
    let wrapper = json!({"user_data": data, "created_at": now, "expires_at": now + 3600, "revoked": false});
    for (id, value) in [("Oy15xOhb5Vs7BNcRKxPnxthUoz0C7m0C2i8Ubh4qmqg", wrapper), ("seed", data.clone())] {
        redis.setex(&format!("session:{id}"), 3600, &value.to_string()).await;
        let token = json!({"iss": "hivematrix-core", "sub": "u1", "jti": id, "iat": now, "exp": now + 3600});
        let token = core.state.keys.sign(&token).await.unwrap();
        let answer = core.client.post("/api/token/validate").json(&json!({"token": token})).send().await;
        assert_eq!((answer.status.as_u16(), &answer.json()["user"]), (200, &data), "{id}");
        core.client.post("/api/token/revoke").json(&json!({"token": token})).send().await;
        assert_eq!(validate(&core, &token).await, 401, "{id}");
    }
    redis.setex("session:odd", 3600, "not a session").await;
    assert!(core.state.sessions.live("odd").await.unwrap().is_none());
    assert!(core.state.sessions.list().await.unwrap().is_empty());
}

#[tokio::test]
async fn sessions_survive_a_restart_of_core_and_of_redis() {
    let mut redis = RedisServer::start().await;
    let core = start(&redis).await;
    let token = core.user_token(Technician).await;
    let id = claims(&token)["jti"].as_str().unwrap().to_owned();
    drop(core);
    let core = start(&redis).await.with_jobs();
    assert!(core.state.sessions.live(&id).await.unwrap().is_some());

    redis.stop();
    for _ in 0..3 {
        let answer = core
            .client
            .post("/api/token/revoke")
            .json(&json!({"token": core.user_claims(&id).await}))
            .send()
            .await;
        assert_eq!(answer.status, 503, "never a switch to memory");
        assert!(!answer.header("retry-after").is_empty());
    }
    let health = core.client.get("/health").send().await;
    assert_eq!(
        (health.status.as_u16(), &health.json()["checks"]["redis"]["status"]),
        (200, &json!("degraded"))
    );
    let service = json!({"calling_service": "beacon", "target_service": "codex"});
    let service =
        core.client.post("/service-token").json(&service).header("x-service-secret", "beacon-secret");
    assert_eq!(service.send().await.status, 200, "tokens need no session store");

    redis.run().await;
    eventually("Core reconnects by itself", async || core.state.sessions.live(&id).await.is_ok()).await;
    assert!(core.state.sessions.live(&id).await.unwrap().is_some(), "no session was lost");
    eventually("health recovers", async || {
        core.client.get("/health").send().await.json()["checks"]["redis"]["status"] == "healthy"
    })
    .await;
}

impl Core {
    /// A token for a session that is known to exist.
    async fn user_claims(&self, id: &str) -> String {
        let now = self.clock.unix();
        let claims = json!({"iss": "hivematrix-core", "sub": "user-technician", "jti": id, "iat": now, "exp": now + 3600});
        self.state.keys.sign(&claims).await.unwrap()
    }
}

#[tokio::test]
async fn a_redis_that_answers_late_gets_the_sessions_made_meanwhile() {
    let mut redis = RedisServer::stopped();
    let core = start(&redis).await;
    let (live, ended) = (core.user_token(Technician).await, core.user_token(Admin).await);
    core.client.post("/api/token/revoke").json(&json!({"token": ended})).send().await;
    assert_eq!(validate(&core, &live).await, 200, "memory until then");
    let health = core.client.get("/health").send().await;
    assert_eq!((health.status.as_u16(), health.json()["status"].clone()), (200, json!("degraded")));
    assert!(core.state.sessions.move_to_redis().await.is_err());

    redis.run().await;
    core.state.sessions.move_to_redis().await.unwrap();
    assert!(redis.get(&key(&live)).await.is_some());
    assert_eq!(validate(&core, &live).await, 200);
    assert_eq!(validate(&core, &ended).await, 401);
    let second = start(&redis).await;
    assert_eq!(second.state.sessions.revocations(None).1.len(), 1, "the log moved as well");
    assert!(second.state.sessions.live(claims(&live)["jti"].as_str().unwrap()).await.unwrap().is_some());
}

#[tokio::test]
async fn of_many_revocations_at_once_all_succeed_and_one_is_logged() {
    let redis = RedisServer::start().await;
    let (one, two) = (start(&redis).await, start(&redis).await);
    let token = one.user_token(Technician).await;
    let id = claims(&token)["jti"].as_str().unwrap().to_owned();
    let attempts = (0..20).map(|n| {
        let sessions = if n % 2 == 0 { one.state.sessions.clone() } else { two.state.sessions.clone() };
        let id = id.clone();
        tokio::spawn(async move { sessions.revoke(&id).await.unwrap() })
    });
    for attempt in attempts.collect::<Vec<_>>() {
        assert!(attempt.await.unwrap());
    }
    let third = start(&redis).await;
    assert_eq!(third.state.sessions.revocations(None).1.len(), 1);
    assert!(third.state.sessions.live(&id).await.unwrap().is_none());
}

#[tokio::test]
async fn listing_finds_every_session_of_a_large_store() {
    let redis = RedisServer::start().await;
    let core = start(&redis).await;
    for _ in 0..1200 {
        core.state
            .sessions
            .create(&hivematrix_core::domain::session::Session::start(
                user("many", Technician),
                "",
                core.clock.unix(),
                3600,
            ))
            .await
            .unwrap();
    }
    core.user_token(Admin).await;
    assert_eq!(core.state.sessions.list().await.unwrap().len(), 1201);
    assert_eq!(core.state.sessions.revoke_all(&Whose::User("many".into()), None).await.unwrap(), 1200);
    assert_eq!(core.state.sessions.list().await.unwrap().len(), 1);
}
