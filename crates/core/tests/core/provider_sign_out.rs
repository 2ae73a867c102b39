//! Signing out everywhere where another identity provider knows the browsers (core.md §2.7, platform.md §18). The provider
//! is the local realm of another Core, over HTTP, on Keycloak's paths.

use hivematrix_core::config::Settings;
use hivematrix_shared::config::Secret;
use serde_json::json;
use sqlx::PgPool;

use crate::support::{Browser, Core, Options, PASSWORD, claims};

/// A Core that uses the realm of `provider`.
async fn core_of(provider: &Core, change: fn(&mut Settings)) -> Core {
    let provider_url = Some(provider.url.clone());
    Core::start(Options { provider_url, change, clock: provider.clock.clone(), ..Options::default() }).await
}

/// A browser that is signed in at the provider, and its HiveMatrix token.
async fn signed_in(core: &Core, provider: &Core) -> (Browser, String) {
    let browser = Browser::new(provider);
    let tokens = provider.redeem(&browser.sign_in("tech", PASSWORD).await.code()).await.json();
    (browser, core.exchange(&tokens["access_token"]).await)
}

async fn sign_out(core: &Core, token: &str) -> (u16, serde_json::Value) {
    let body = json!({"sub": claims(token)["sub"]});
    let answer = core.client.post("/api/sessions/revoke").json(&body).bearer(token).send().await;
    (answer.status.as_u16(), answer.json())
}

#[sqlx::test(migrator = "hivematrix_core::MIGRATOR")]
async fn the_browsers_are_signed_out_at_the_provider_too(pool: PgPool) {
    let provider = Core::with_realm(pool).await;
    let core = core_of(&provider, |_| {}).await;
    let (browser, token) = signed_in(&core, &provider).await;
    let (other, _) = signed_in(&core, &provider).await;
    assert!(browser.is_signed_in().await);
    assert_eq!(sign_out(&core, &token).await, (200, json!({"revoked": 2})));
    assert!(!browser.is_signed_in().await && !other.is_signed_in().await, "no silent way back");
    assert_eq!(core.validate(&token).await, 401);
}

#[sqlx::test(migrator = "hivematrix_core::MIGRATOR")]
async fn helm_ends_only_sessions_since_it_administers_the_provider_itself(pool: PgPool) {
    let provider = Core::with_realm(pool).await;
    let core = core_of(&provider, |_| {}).await;
    let (browser, token) = signed_in(&core, &provider).await;
    assert_eq!(claims(&token)["sub"].as_str().unwrap().len(), 36);
    let helm = core.service_token("helm").await;
    let body = json!({"sub": claims(&token)["sub"]});
    let answer = core.client.post("/api/sessions/revoke").json(&body).bearer(&helm).send().await;
    assert_eq!(answer.json(), json!({"revoked": 1}));
    assert!(browser.is_signed_in().await);
}

#[sqlx::test(migrator = "hivematrix_core::MIGRATOR")]
async fn a_provider_that_does_not_do_it_is_told_and_the_sessions_end_all_the_same(pool: PgPool) {
    let provider = Core::with_realm(pool).await;
    let nobody: fn(&mut Settings) = |settings| settings.keycloak_admin_client_secret = None;
    let wrong: fn(&mut Settings) =
        |settings| settings.keycloak_admin_client_secret = Some(Secret::new("wrong"));
    let not_an_administrator: fn(&mut Settings) =
        |settings| settings.keycloak_admin_client_id = "core-client".into();
    for change in [nobody, wrong, not_an_administrator] {
        let core = core_of(&provider, change).await;
        let (browser, token) = signed_in(&core, &provider).await;
        let (status, problem) = sign_out(&core, &token).await;
        assert_eq!((status, &problem["revoked"]), (502, &json!(1)), "{problem}");
        assert!(problem["detail"].as_str().unwrap().contains("did not sign the user's browsers out"));
        assert_eq!(core.validate(&token).await, 401);
        assert!(browser.is_signed_in().await);
    }
}

#[sqlx::test(migrator = "hivematrix_core::MIGRATOR")]
async fn a_user_the_provider_does_not_know_has_no_browser_there(pool: PgPool) {
    let provider = Core::with_realm(pool).await;
    let core = core_of(&provider, |_| {}).await;
    let admin = core.user_token(hivematrix_shared::auth::PermissionLevel::Admin).await;
    for sub in ["user-admin", "../../secret", "a/b?c"] {
        let body = json!({ "sub": sub });
        let admin = if sub == "user-admin" {
            admin.clone()
        } else {
            core.user_token(hivematrix_shared::auth::PermissionLevel::Admin).await
        };
        let answer = core.client.post("/api/sessions/revoke").json(&body).bearer(&admin).send().await;
        assert_eq!(answer.status, 200, "{sub}: {}", answer.text());
    }
}
