//! The second factor in Keycloak's administration interface and in the password grant (core.md §7.5).

use http::Method;
use serde_json::json;
use sqlx::PgPool;

use crate::support::{Admin, Browser, Core, PASSWORD};

#[sqlx::test(migrator = "hivematrix_core::MIGRATOR")]
async fn a_lost_app_is_found_and_removed_by_its_credential_id(pool: PgPool) {
    let core = Core::with_realm(pool).await;
    let admin = Admin::new(&core).await;
    let id = admin.id_of("tech").await;
    assert_eq!(admin.get(&format!("/users/{id}")).await["totp"], json!(false));
    let browser = Browser::new(&core);
    browser.sign_in("tech", PASSWORD).await;
    browser.set_up_app(&core).await;

    assert_eq!(admin.get(&format!("/users/{id}")).await["totp"], json!(true));
    let listed = admin.get("/users?search=tech&briefRepresentation=true").await;
    assert_eq!(listed[0]["totp"], json!(true));
    let credentials = admin.get(&format!("/users/{id}/credentials")).await;
    insta::assert_json_snapshot!("credentials", credentials, { "[].id" => "[id]", "[].createdDate" => "[time]" });

    let path = |credential: &str| format!("/users/{id}/credentials/{credential}");
    for unknown in ["nonsense", &id, "00000000-0000-4000-8000-000000000000"] {
        let refused = admin.send(Method::DELETE, &path(unknown), None).await;
        assert_eq!(
            (refused.status.as_u16(), refused.json()),
            (404, json!({"error": "Credential not found"})),
            "{unknown}"
        );
    }
    let other = admin.id_of("billing").await;
    let app = credentials[1]["id"].as_str().unwrap();
    let foreign = admin.send(Method::DELETE, &format!("/users/{other}/credentials/{app}"), None).await;
    assert_eq!(foreign.status, 404, "of another user");
    assert_eq!(admin.send(Method::DELETE, &path(app), None).await.status, 204);
    assert_eq!(admin.get(&format!("/users/{id}")).await["totp"], json!(false));
    assert!(
        !Browser::new(&core).sign_in("tech", PASSWORD).await.code().is_empty(),
        "the password is enough again"
    );
    let codes: i64 =
        sqlx::query_scalar("SELECT count(*) FROM recovery_codes").fetch_one(core.pool()).await.unwrap();
    assert_eq!(codes, 0);
}

#[sqlx::test(migrator = "hivematrix_core::MIGRATOR")]
async fn a_removed_password_signs_nobody_in_and_ends_what_is_open(pool: PgPool) {
    let core = Core::with_realm(pool).await;
    let admin = Admin::new(&core).await;
    let id = admin.id_of("tech").await;
    let browser = Browser::new(&core);
    browser.sign_in("tech", PASSWORD).await;
    let credentials = admin.get(&format!("/users/{id}/credentials")).await;
    let password = credentials[0]["id"].as_str().unwrap();
    let path = format!("/users/{id}/credentials/{password}");
    assert_eq!(admin.send(Method::DELETE, &path, None).await.status, 204);
    assert_eq!(admin.send(Method::DELETE, &path, None).await.status, 404);
    assert!(!browser.is_signed_in().await);
    assert_eq!(Browser::new(&core).sign_in("tech", PASSWORD).await.status(), 401);
    assert_eq!(admin.get(&format!("/users/{id}/credentials")).await, json!([]));
}

#[sqlx::test(migrator = "hivematrix_core::MIGRATOR")]
async fn credential_types_are_taken_away(pool: PgPool) {
    let core = Core::with_realm(pool).await;
    let admin = Admin::new(&core).await;
    let id = admin.id_of("tech").await;
    let browser = Browser::new(&core);
    browser.sign_in("tech", PASSWORD).await;
    browser.set_up_app(&core).await;
    let disable = async |types| {
        admin.send(Method::PUT, &format!("/users/{id}/disable-credential-types"), Some(types)).await.status
    };
    assert_eq!(disable(json!(["password"])).await, 204);
    assert_eq!(admin.get(&format!("/users/{id}")).await["totp"], json!(true));
    assert_eq!(disable(json!(["otp"])).await, 204);
    assert_eq!(admin.get(&format!("/users/{id}")).await["totp"], json!(false));
}

#[sqlx::test(migrator = "hivematrix_core::MIGRATOR")]
async fn only_administrators_see_and_remove_credentials(pool: PgPool) {
    let core = Core::with_realm(pool).await;
    let admin = Admin::new(&core).await;
    let id = admin.id_of("tech").await;
    let token = core.tokens("tech").await["access_token"].as_str().unwrap().to_owned();
    for (method, path) in [
        (Method::GET, "credentials".to_owned()),
        (Method::DELETE, format!("credentials/{id}")),
        (Method::PUT, "disable-credential-types".to_owned()),
    ] {
        let path = format!("/admin/realms/hivematrix/users/{id}/{path}");
        let ask = || core.client.request(method.clone(), &path).json(&json!([]));
        assert_eq!(ask().send().await.status, 401, "{path}");
        assert_eq!(ask().bearer(&token).send().await.status, 403, "{path}");
        let outside = ask().bearer(&admin.token).header("x-forwarded-prefix", "/keycloak");
        assert_eq!(outside.send().await.status, 403, "{path}");
    }
}

#[sqlx::test(migrator = "hivematrix_core::MIGRATOR")]
async fn the_password_grant_of_an_administrator_with_an_app_needs_a_code(pool: PgPool) {
    let core = Core::with_realm(pool).await;
    let browser = Browser::new(&core);
    browser.sign_in("admin", PASSWORD).await;
    let (app, codes) = browser.set_up_app(&core).await;
    let ask = async |code: Option<&str>| {
        let fields = [
            ("grant_type", "password"),
            ("client_id", "admin-cli"),
            ("username", "admin"),
            ("password", PASSWORD),
            ("totp", code.unwrap_or_default()),
        ];
        core.client.post("/realms/master/protocol/openid-connect/token").form(&fields).send().await
    };
    let invalid = json!({"error": "invalid_grant", "error_description": "Invalid user credentials"});
    for code in [None, Some(app.wrong_code().as_str()), Some(app.code().as_str())] {
        let refused = ask(code).await;
        assert_eq!((refused.status.as_u16(), refused.json()), (401, invalid.clone()), "{code:?}");
    }
    assert_eq!(ask(Some(&app.next())).await.status, 200);
    assert_eq!(ask(Some(&codes[0])).await.status, 200);

    let admin = Admin::new(&core).await;
    admin.require(&admin.id_of("admin").await, &["CONFIGURE_TOTP"]).await;
    let unfinished = ask(Some(&app.next())).await;
    assert_eq!(unfinished.status, 400);
    assert_eq!(unfinished.json()["error_description"], json!("Account is not fully set up"));
}
