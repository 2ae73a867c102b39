//! Sessions end together with their browser, later when the session store is away, and stay ended (core.md §2.7, §7.5).

use hivematrix_core::store::realm::pending;
use hivematrix_shared::auth::PermissionLevel::{Admin, Technician};
use serde_json::{Value, json};
use sqlx::PgPool;

use crate::support::{ADMIN_SECRET, Browser, Core, Options, PASSWORD, RedisServer, claims, eventually};

/// A signed-in browser with its tokens of the realm and its HiveMatrix token.
async fn signed_in(core: &Core, name: &str) -> (Browser, Value, String) {
    let browser = Browser::new(core);
    let tokens = core.redeem(&browser.sign_in(name, PASSWORD).await.code()).await.json();
    let token = core.exchange(&tokens["access_token"]).await;
    (browser, tokens, token)
}

async fn outcomes(core: &Core, name: &str) -> Vec<String> {
    sqlx::query_scalar("SELECT outcome FROM sign_ins WHERE username = $1 ORDER BY id")
        .bind(name)
        .fetch_all(core.pool())
        .await
        .unwrap()
}

async fn with_redis(pool: PgPool, redis: &RedisServer) -> Core {
    let options = Options { pool: Some(pool), redis_url: Some(redis.url()), ..Options::default() };
    Core::start(options).await.with_jobs()
}

/// The answer to a request of the realm's administrator, over HTTP as Helm sends it.
async fn administer(core: &Core, method: reqwest::Method, path: &str, body: Option<Value>) -> u16 {
    let fields = [
        ("grant_type", "client_credentials"),
        ("client_id", "hivematrix-admin"),
        ("client_secret", ADMIN_SECRET),
    ];
    let token = core.token_endpoint(&fields).await.json()["access_token"].as_str().unwrap().to_owned();
    let url = format!("{}/admin/realms/hivematrix/users/{path}", core.url);
    let mut request = reqwest::Client::new().request(method, url).bearer_auth(token);
    if let Some(body) = body {
        request = request.json(&body);
    }
    request.send().await.unwrap().status().as_u16()
}

#[sqlx::test(migrator = "hivematrix_core::MIGRATOR")]
async fn signing_out_at_the_realm_ends_this_browsers_session_and_no_other(pool: PgPool) {
    let core = Core::with_realm(pool).await;
    let (browser, tokens, token) = signed_in(&core, "tech").await;
    let (_, other_tokens, other) = signed_in(&core, "tech").await;
    let renewed = core.redeem(&browser.authorize(&[("prompt", "none")]).await.code()).await.json();
    let renewed = core.exchange(&renewed["access_token"]).await;

    let hint = tokens["id_token"].as_str().unwrap();
    let path = format!("/realms/hivematrix/protocol/openid-connect/logout?id_token_hint={hint}");
    let page = browser.get(&path).await;
    assert!(page.text().contains("You are signed out"), "{}", page.text());
    assert_eq!(core.validate(&token).await, 401);
    assert_eq!(core.validate(&renewed).await, 401, "a session of the same browser");
    assert_eq!(core.validate(&other).await, 200, "another browser");

    // As a service signs a browser out.
    let form = [
        ("refresh_token", other_tokens["refresh_token"].as_str().unwrap()),
        ("client_id", "core-client"),
        ("client_secret", crate::support::CLIENT_SECRET),
    ];
    let path = "/realms/hivematrix/protocol/openid-connect/logout";
    assert_eq!(core.client.post(path).form(&form).send().await.status, 204);
    assert_eq!(core.validate(&other).await, 401);
    assert_eq!(outcomes(&core, "tech").await, ["success", "success", "signed_out", "signed_out"]);
}

#[sqlx::test(migrator = "hivematrix_core::MIGRATOR")]
async fn signing_in_again_ends_what_this_browser_had_open_and_services_are_told(pool: PgPool) {
    let core = Core::with_realm(pool).await;
    let (browser, _, former) = signed_in(&core, "tech").await;
    let (_, _, elsewhere) = signed_in(&core, "tech").await;
    let form = browser.authorize(&[("prompt", "login")]).await;
    let back = browser.submit(&form, &[("username", "billing"), ("password", PASSWORD)]).await;
    let tokens = core.redeem(&back.code()).await.json();
    let new = core.exchange(&tokens["access_token"]).await;
    assert_eq!(core.validate(&former).await, 401);
    let (_, log) = core.state.sessions.revocations(None);
    assert!(log.iter().any(|entry| claims(&former)["jti"] == entry.jti.as_str()), "services are told");
    assert_eq!((core.validate(&new).await, core.validate(&elsewhere).await), (200, 200));
}

#[sqlx::test(migrator = "hivematrix_core::MIGRATOR")]
async fn signing_out_everywhere_without_the_store_is_told_and_done_later(pool: PgPool) {
    let mut redis = RedisServer::start().await;
    let core = with_redis(pool, &redis).await;
    let (browser, _, token) = signed_in(&core, "tech").await;
    let (_, _, other) = signed_in(&core, "billing").await;
    redis.stop();
    let account = browser.get("/realms/hivematrix/account").await;
    let path = account
        .text()
        .split("action=\"")
        .find(|part| part.contains("sign-out-everywhere\""))
        .map(|part| part.split('"').next().unwrap().to_owned());
    let form = form_fields(&account.text());
    let form: Vec<_> = form.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let page = browser.post(&path.unwrap(), &form).await;
    let text = page.text();
    assert!(text.contains("You are being signed out everywhere"), "{text}");
    assert!(text.contains("end as soon as it does"), "{text}");
    assert!(!browser.is_signed_in().await);
    assert_eq!(pending::all(core.pool()).await.unwrap().len(), 1);

    let id = claims(&other)["sub"].as_str().unwrap().to_owned();
    let helm = core.service_token("helm").await;
    let answer =
        core.client.post("/api/sessions/revoke").json(&json!({"sub": id})).bearer(&helm).send().await;
    assert_eq!((answer.status.as_u16(), answer.header("retry-after")), (503, "5"));
    assert!(answer.json()["detail"].as_str().unwrap().contains("end as soon as it does"));

    redis.run().await;
    eventually("what was owed is done", async || pending::all(core.pool()).await.unwrap().is_empty()).await;
    for token in [&token, &other] {
        assert_eq!(core.validate(token).await, 401);
        let (_, log) = core.state.sessions.revocations(None);
        assert!(log.iter().any(|entry| claims(token)["jti"] == entry.jti.as_str()), "services are told");
    }
    assert_eq!(outcomes(&core, "tech").await.last().unwrap(), "signed_out_everywhere");
    let (_, _, new) = signed_in(&core, "tech").await;
    assert_eq!(core.validate(&new).await, 200, "what was made later goes on");
}

fn form_fields(page: &str) -> Vec<(String, String)> {
    let value = |input: &str, name: &str| {
        input.split(&format!("{name}=\"")).nth(1).unwrap().split('"').next().unwrap().to_owned()
    };
    let inputs = page.split("<input type=\"hidden\" ").skip(1);
    inputs.map(|input| (value(input, "name"), value(input, "value"))).take(1).collect()
}

#[sqlx::test(migrator = "hivematrix_core::MIGRATOR")]
async fn a_session_that_is_younger_than_an_owed_sign_out_goes_on(pool: PgPool) {
    let core = Core::with_realm(pool).await;
    let (_, _, old) = signed_in(&core, "tech").await;
    let whose = hivematrix_core::domain::session::Whose::User(claims(&old)["sub"].as_str().unwrap().into());
    pending::insert(core.pool(), &whose, core.clock.now()).await.unwrap();
    core.clock.advance(chrono::TimeDelta::seconds(60));
    let (_, _, young) = signed_in(&core, "tech").await;
    let core = core.with_jobs();
    eventually("it is done", async || pending::all(core.pool()).await.unwrap().is_empty()).await;
    assert_eq!((core.validate(&old).await, core.validate(&young).await), (401, 200));
}

#[sqlx::test(migrator = "hivematrix_core::MIGRATOR")]
async fn an_administrators_changes_say_when_sessions_end_only_later(pool: PgPool) {
    let mut redis = RedisServer::start().await;
    let core = with_redis(pool, &redis).await;
    let (browser, _, token) = signed_in(&core, "tech").await;
    let id = claims(&token)["sub"].as_str().unwrap().to_owned();
    let logout = format!("{id}/logout");
    let disable = Some(json!({"enabled": false}));
    let password = Some(json!({"type": "password", "value": "another password", "temporary": false}));
    let group: uuid::Uuid = sqlx::query_scalar("SELECT id FROM groups WHERE name = 'billing'")
        .fetch_one(core.pool())
        .await
        .unwrap();
    let group = format!("{id}/groups/{group}");
    let changes = [
        (reqwest::Method::POST, &logout, None),
        (reqwest::Method::PUT, &group, None),
        (reqwest::Method::PUT, &format!("{id}/reset-password"), password),
        (reqwest::Method::PUT, &id, disable),
    ];
    redis.stop();
    for (method, path, body) in &changes {
        assert_eq!(administer(&core, method.clone(), path, body.clone()).await, 202, "{method} {path}");
    }
    assert!(!browser.is_signed_in().await);
    redis.run().await;
    eventually("the session ends", async || core.state.sessions.list().await.is_ok_and(|all| all.is_empty()))
        .await;
    eventually("nothing is owed", async || pending::all(core.pool()).await.unwrap().is_empty()).await;
    for (method, path, body) in changes {
        assert_eq!(administer(&core, method.clone(), path, body).await, 204, "{method} {path}");
    }
}

#[sqlx::test(migrator = "hivematrix_core::MIGRATOR")]
async fn in_memory_ended_sessions_outlive_the_process_and_move_on_to_redis(pool: PgPool) {
    let core = Core::with_realm(pool.clone()).await.with_jobs();
    let (token, expired) = (core.ended_session().await, core.ended_session().await);
    let unknown = core.user_token(Admin).await;
    eventually("they are kept", async || kept(&pool).await == 2).await;
    sqlx::query("UPDATE revocations SET expires_at = $1 WHERE jti = $2")
        .bind(core.clock.now())
        .bind(claims(&expired)["jti"].as_str().unwrap())
        .execute(&pool)
        .await
        .unwrap();
    core.stop().await;

    let redis = RedisServer::start().await;
    for redis_url in [None, Some(redis.url())] {
        let options = Options { pool: Some(pool.clone()), redis_url, ..Options::default() };
        let next = Core::start(options).await.with_jobs();
        eventually("the next process tells the services", async || {
            next.state.sessions.revocations(None).1.len() == 1
        })
        .await;
        assert_eq!(next.state.sessions.revocations(None).1[0].jti, claims(&token)["jti"].as_str().unwrap());
        // A session that the next process does not know can still be ended, and that is kept as well.
        let answer = next.client.post("/api/token/revoke").json(&json!({"token": unknown})).send().await;
        assert_eq!(answer.status, 404);
        assert_eq!(next.state.sessions.revocations(None).1.len(), 2);
        next.stop().await;
        sqlx::query("DELETE FROM revocations WHERE jti = $1")
            .bind(claims(&unknown)["jti"].as_str().unwrap())
            .execute(&pool)
            .await
            .unwrap();
    }
}

async fn kept(pool: &PgPool) -> i64 {
    sqlx::query_scalar("SELECT count(*) FROM revocations").fetch_one(pool).await.unwrap()
}

#[tokio::test]
async fn ending_sessions_works_without_a_realm_and_says_when_it_cannot() {
    let mut redis = RedisServer::start().await;
    let core = Core::start(Options { redis_url: Some(redis.url()), ..Options::default() }).await;
    core.user_token(Technician).await;
    let helm = core.service_token("helm").await;
    let post = async || {
        let body = json!({"sub": "user-technician"});
        core.client.post("/api/sessions/revoke").json(&body).bearer(&helm).send().await
    };
    assert_eq!(post().await.json(), json!({"revoked": 1}));
    redis.stop();
    let answer = post().await;
    assert_eq!((answer.status.as_u16(), answer.header("retry-after")), (503, "2"));
}
