//! Listing and ending sessions (core.md §2.7).

use hivematrix_shared::auth::PermissionLevel::{Admin, Client, Technician};
use serde_json::{Value, json};
use sqlx::PgPool;

use crate::support::{Browser, Core, PASSWORD, claims};

async fn list(core: &Core, path: &str, token: &str) -> Vec<Value> {
    let answer = core.client.get(path).bearer(token).send().await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()["sessions"].as_array().unwrap().clone()
}

#[tokio::test]
async fn users_see_their_own_sessions_and_admins_all() {
    let core = Core::plain().await;
    let tech = core.user_token(Technician).await;
    core.clock.advance(chrono::TimeDelta::seconds(1));
    let again = core.user_token(Technician).await;
    let admin = core.user_token(Admin).await;

    let own = list(&core, "/api/sessions", &tech).await;
    assert_eq!(own.len(), 2);
    let jti = claims(&again)["jti"].clone();
    assert_eq!(
        own[0],
        json!({"id": jti, "sub": "user-technician", "preferred_username": "user-technician",
            "permission_level": "technician", "created_at": core.clock.unix(), "expires_at": core.clock.unix() + 3600,
            "client_address": "192.0.2.9", "current": false})
    );
    assert_eq!(own[1]["current"], true);
    assert_eq!(list(&core, "/api/sessions", &admin).await.len(), 3);
    assert_eq!(list(&core, "/api/sessions?sub=user-technician", &admin).await.len(), 2);
    assert_eq!(list(&core, "/api/sessions?sub=user-technician", &tech).await.len(), 2);
    assert_eq!(core.client.get("/api/sessions?sub=user-admin").bearer(&tech).send().await.status, 403);
    assert_eq!(core.client.get("/api/sessions").send().await.status, 401);
    let service = core.service_token("helm").await;
    assert_eq!(core.client.get("/api/sessions").bearer(&service).send().await.status, 403);
}

#[tokio::test]
async fn a_session_is_ended_by_its_owner_or_an_admin_and_hidden_from_others() {
    let core = Core::plain().await;
    let tech = core.user_token(Technician).await;
    let client = core.user_token(Client).await;
    let admin = core.user_token(Admin).await;
    let path = |token: &str| format!("/api/sessions/{}", claims(token)["jti"].as_str().unwrap());
    assert_eq!(core.client.delete(&path(&tech)).bearer(&client).send().await.status, 404);
    assert_eq!(core.client.delete("/api/sessions/nope").bearer(&admin).send().await.status, 404);
    let done = core.client.delete(&path(&tech)).bearer(&tech).send().await;
    assert_eq!(
        (done.status.as_u16(), done.json()),
        (200, json!({"message": "Session revoked successfully"}))
    );
    assert_eq!(core.client.get("/api/sessions").bearer(&tech).send().await.status, 401, "at once");
    assert_eq!(core.client.delete(&path(&tech)).bearer(&admin).send().await.status, 404, "already over");
    assert_eq!(core.client.delete(&path(&client)).bearer(&admin).send().await.status, 200);
}

#[sqlx::test(migrator = "hivematrix_core::MIGRATOR")]
async fn signing_out_everywhere_is_for_the_user_an_admin_and_helm(pool: PgPool) {
    let core = Core::with_realm(pool).await;
    let post = |token: &str, sub: &str| {
        core.client.post("/api/sessions/revoke").json(&json!({"sub": sub})).bearer(token)
    };
    let admin = core.user_token(Admin).await;
    let client = core.user_token(Client).await;
    for (caller, status) in [
        (core.service_token("helm").await, 200),
        (core.service_token("codex").await, 403),
        (admin.clone(), 200),
        (client.clone(), 403),
    ] {
        for _ in 0..2 {
            core.user_token(Technician).await;
        }
        let answer = post(&caller, "user-technician").send().await;
        assert_eq!(answer.status, status);
        if status == 200 {
            let live = list(&core, "/api/sessions?sub=user-technician", &admin).await;
            assert!(live.is_empty());
        }
    }
    let own = post(&client, "user-client").send().await;
    assert_eq!(own.json(), json!({"revoked": 1}));
    assert_eq!(core.client.get("/api/sessions").bearer(&client).send().await.status, 401);
    for malformed in [json!({}), json!({"sub": 5}), json!(["user-client"]), json!("user-client")] {
        let refused = core.client.post("/api/sessions/revoke").json(&malformed).bearer(&admin).send().await;
        assert_eq!(refused.status, 400, "{malformed}");
    }
}

#[sqlx::test(migrator = "hivematrix_core::MIGRATOR")]
async fn signing_out_everywhere_also_signs_the_browsers_out_of_the_realm(pool: PgPool) {
    let core = Core::with_realm(pool).await;
    let browser = Browser::new(&core);
    let access =
        core.redeem(&browser.sign_in("tech", PASSWORD).await.code()).await.json()["access_token"].clone();
    let token = core
        .client
        .post("/api/token/exchange")
        .json(&json!({"access_token": access}))
        .send()
        .await
        .json()["token"]
        .as_str()
        .unwrap()
        .to_owned();
    let sub = claims(&token)["sub"].clone();
    let silent = browser.authorize(&[("prompt", "none")]).await;
    assert!(silent.parameter("code").is_some());
    core.client.post("/api/sessions/revoke").json(&json!({"sub": sub})).bearer(&token).send().await;
    let silent = browser.authorize(&[("prompt", "none")]).await;
    assert_eq!(silent.parameter("error").as_deref(), Some("login_required"));
    assert_eq!(core.userinfo(access.as_str().unwrap()).await.status, 401);
}
