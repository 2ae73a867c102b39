//! The realm's endpoints for clients (core.md §7.5).

use base64::{Engine, engine::general_purpose::STANDARD};
use chrono::TimeDelta;
use serde_json::json;
use sqlx::PgPool;

use crate::support::{ADMIN_SECRET, Browser, CLIENT_SECRET, Core, ISSUER, PASSWORD, claims};

async fn code(core: &Core) -> String {
    Browser::new(core).sign_in("tech", PASSWORD).await.code()
}

#[sqlx::test(migrator = "hivematrix_core::MIGRATOR")]
async fn discovery_names_public_addresses_for_browsers_and_local_ones_for_services(pool: PgPool) {
    let core = Core::with_realm(pool).await;
    let path = "/realms/hivematrix/.well-known/openid-configuration";
    let local = core.client.get(path).send().await.json();
    assert_eq!(local["issuer"], ISSUER);
    assert_eq!(local["authorization_endpoint"], format!("{ISSUER}/protocol/openid-connect/auth"));
    assert_eq!(
        local["token_endpoint"],
        format!("{}/realms/hivematrix/protocol/openid-connect/token", core.url)
    );
    let public = Browser::new(&core).get(path).await.response.json();
    insta::assert_json_snapshot!(public);
    let second = core
        .client
        .get(path)
        .header("x-forwarded-host", "msp.example")
        .header("x-forwarded-proto", "https")
        .header("x-forwarded-prefix", "/keycloak");
    assert_eq!(second.send().await.json()["issuer"], "https://msp.example/keycloak/realms/hivematrix");
    let unknown = core.client.get("/realms/other/.well-known/openid-configuration").send().await;
    assert_eq!(unknown.status, 404);
}

#[sqlx::test(migrator = "hivematrix_core::MIGRATOR")]
async fn the_api_document_names_the_realms_endpoints_where_there_is_a_realm(pool: PgPool) {
    let core = Core::with_realm(pool).await;
    let document = core.client.get("/static/openapi.json").send().await.json();
    for (path, methods) in [
        ("/realms/{realm}/protocol/openid-connect/token", &["post"][..]),
        ("/realms/{realm}/protocol/openid-connect/userinfo", &["get", "post"]),
        ("/realms/master/protocol/openid-connect/token", &["post"]),
        ("/admin/realms/{realm}/users", &["get", "post"]),
        ("/admin/realms/{realm}/users/{id}/groups/{group}", &["put", "delete"]),
        ("/service-token", &["post"]),
    ] {
        for method in methods {
            assert!(document["paths"][path][method].is_object(), "{method} {path}");
        }
    }
}

#[sqlx::test(migrator = "hivematrix_core::MIGRATOR")]
async fn the_realms_key_is_its_own(pool: PgPool) {
    let core = Core::with_realm(pool).await;
    let realm = core.client.get("/realms/hivematrix/protocol/openid-connect/certs").send().await.json();
    let own = core.client.get("/.well-known/jwks.json").send().await.json();
    assert_eq!(realm["keys"][0]["kid"], "hivematrix-realm-key-1");
    assert_ne!(realm["keys"][0]["n"], own["keys"][0]["n"]);
}

#[sqlx::test(migrator = "hivematrix_core::MIGRATOR")]
async fn a_code_is_redeemed_once_in_time_by_its_client_with_its_verifier_and_address(pool: PgPool) {
    let core = Core::with_realm(pool).await;
    for (name, more, status, error) in [
        ("another address", ("redirect_uri", "https://localhost:8443/"), 400, "invalid_grant"),
        ("no address", ("redirect_uri", ""), 400, "invalid_grant"),
        (
            "another verifier",
            ("code_verifier", "another-verifier-that-is-long-enough-for-it-to-count"),
            400,
            "invalid_grant",
        ),
        ("no verifier", ("code_verifier", ""), 400, "invalid_grant"),
        ("unknown code", ("code", "unknown"), 400, "invalid_grant"),
        ("no code", ("code", ""), 400, "invalid_request"),
        ("wrong secret", ("client_secret", "guess"), 401, "invalid_client"),
        ("no secret", ("client_secret", ""), 401, "invalid_client"),
        ("unknown client", ("client_id", "unknown"), 401, "invalid_client"),
        ("no client", ("client_id", ""), 401, "invalid_client"),
        ("unknown grant", ("grant_type", "implicit"), 400, "unsupported_grant_type"),
        ("no grant", ("grant_type", ""), 400, "invalid_request"),
        ("password grant", ("grant_type", "password"), 400, "unauthorized_client"),
        ("for itself", ("grant_type", "client_credentials"), 400, "unauthorized_client"),
    ] {
        let code = code(&core).await;
        let refused = core.redeem_with(&code, &[more]).await;
        assert_eq!((refused.status.as_u16(), &refused.json()["error"]), (status, &json!(error)), "{name}");
        if matches!(name, "another address" | "another verifier") {
            assert_eq!(core.redeem(&code).await.status, 400, "{name}: there is no second try");
        }
    }
    let late = code(&core).await;
    core.clock.advance(TimeDelta::seconds(60));
    assert_eq!(core.redeem(&late).await.json()["error"], "invalid_grant");

    let once = code(&core).await;
    let tokens = core.redeem(&once).await.json();
    let access = tokens["access_token"].as_str().unwrap();
    assert_eq!(core.userinfo(access).await.status, 200);
    assert_eq!(core.redeem(&once).await.status, 400);
    assert_eq!(core.userinfo(access).await.status, 401, "a stolen code takes everything back");
}

#[sqlx::test(migrator = "hivematrix_core::MIGRATOR")]
async fn without_openid_in_the_scope_there_is_no_id_token(pool: PgPool) {
    let core = Core::with_realm(pool).await;
    let browser = Browser::new(&core);
    browser.sign_in("tech", PASSWORD).await;
    let code = browser.authorize(&[("scope", "email")]).await.code();
    let tokens = core.redeem(&code).await.json();
    assert!(tokens.get("id_token").is_none());
    assert_eq!(tokens["scope"], "email");
}

#[sqlx::test(migrator = "hivematrix_core::MIGRATOR")]
async fn the_token_answer_has_keycloaks_members(pool: PgPool) {
    let core = Core::with_realm(pool).await;
    let answer = core.redeem(&code(&core).await).await;
    assert_eq!(answer.header("cache-control"), "no-store");
    insta::assert_json_snapshot!(answer.json(), {
        ".access_token" => "[token]", ".refresh_token" => "[token]", ".id_token" => "[token]", ".session_state" => "[id]"
    });
}

#[sqlx::test(migrator = "hivematrix_core::MIGRATOR")]
async fn a_basic_header_authenticates_a_client_as_well(pool: PgPool) {
    let core = Core::with_realm(pool).await;
    let ask = |secret: &str| {
        let basic = STANDARD.encode(format!("hivematrix-admin:{secret}"));
        core.client
            .post("/realms/hivematrix/protocol/openid-connect/token")
            .form(&[("grant_type", "client_credentials")])
            .header("authorization", &format!("Basic {basic}"))
    };
    let answer = ask(ADMIN_SECRET).send().await;
    assert_eq!(answer.status, 200);
    let claims = claims(answer.json()["access_token"].as_str().unwrap());
    assert_eq!((&claims["azp"], &claims["iss"]), (&json!("hivematrix-admin"), &json!(ISSUER)));
    assert_eq!(claims["preferred_username"], "service-account-hivematrix-admin");
    assert_eq!(ask("guess").send().await.status, 401);
    let twice = core
        .token_endpoint(&[("grant_type", "client_credentials"), ("client_id", "a"), ("client_id", "b")])
        .await;
    assert_eq!(twice.json()["error"], "invalid_request");
}

#[sqlx::test(migrator = "hivematrix_core::MIGRATOR")]
async fn a_refresh_token_is_used_once_and_a_second_use_ends_the_grant(pool: PgPool) {
    let core = Core::with_realm(pool).await;
    let refresh = async |token: &str| {
        core.token_endpoint(&[
            ("grant_type", "refresh_token"),
            ("refresh_token", token),
            ("client_id", "core-client"),
            ("client_secret", CLIENT_SECRET),
        ])
        .await
    };
    let first = core.tokens("tech").await;
    let old = first["refresh_token"].as_str().unwrap();
    core.clock.advance(TimeDelta::seconds(1000));
    let second = refresh(old).await.json();
    let access = second["access_token"].as_str().unwrap();
    assert_eq!(core.userinfo(access).await.status, 200);
    assert!(claims(second["id_token"].as_str().unwrap()).get("nonce").is_none());

    assert_eq!(refresh(old).await.json()["error"], "invalid_grant");
    assert_eq!(core.userinfo(access).await.status, 401);
    assert_eq!(refresh(second["refresh_token"].as_str().unwrap()).await.status, 400);

    let third = core.tokens("tech").await;
    core.clock.advance(TimeDelta::seconds(1800));
    assert_eq!(refresh(third["refresh_token"].as_str().unwrap()).await.status, 400, "expired");
    assert_eq!(refresh("unknown").await.status, 400);
}

#[sqlx::test(migrator = "hivematrix_core::MIGRATOR")]
async fn userinfo_takes_only_live_access_tokens(pool: PgPool) {
    let core = Core::with_realm(pool).await;
    let tokens = core.tokens("tech").await;
    let access = tokens["access_token"].as_str().unwrap();
    let path = "/realms/hivematrix/protocol/openid-connect/userinfo";
    assert_eq!(core.client.post(path).form(&[("access_token", access)]).send().await.status, 200);
    assert_eq!(core.client.get(path).send().await.status, 401);
    for (name, token) in [
        ("ID token", tokens["id_token"].as_str().unwrap().to_owned()),
        ("refresh token", tokens["refresh_token"].as_str().unwrap().to_owned()),
        ("core's own token", core.service_token("beacon").await),
        ("garbage", "a.b.c".into()),
    ] {
        let refused = core.userinfo(&token).await;
        assert_eq!(
            (refused.status.as_u16(), &refused.json()["error"]),
            (401, &json!("invalid_token")),
            "{name}"
        );
        assert!(refused.header("www-authenticate").starts_with("Bearer"));
    }
    core.clock.advance(TimeDelta::seconds(300));
    assert_eq!(core.userinfo(access).await.status, 401, "expired");
}

#[sqlx::test(migrator = "hivematrix_core::MIGRATOR")]
async fn a_client_gives_its_own_tokens_back(pool: PgPool) {
    let core = Core::with_realm(pool).await;
    let revoke = async |token: &str, client: (&str, &str)| {
        let fields = [("token", token), ("client_id", client.0), ("client_secret", client.1)];
        core.client
            .post("/realms/hivematrix/protocol/openid-connect/revoke")
            .form(&fields)
            .send()
            .await
            .status
            .as_u16()
    };
    let own = ("core-client", CLIENT_SECRET);
    for kind in ["refresh_token", "access_token"] {
        let tokens = core.tokens("tech").await;
        let access = tokens["access_token"].as_str().unwrap();
        let token = tokens[kind].as_str().unwrap();
        assert_eq!(revoke(token, ("hivematrix-admin", ADMIN_SECRET)).await, 200);
        assert_eq!(core.userinfo(access).await.status, 200, "not another client's");
        assert_eq!(revoke(token, ("core-client", "guess")).await, 401);
        assert_eq!(revoke(token, own).await, 200);
        assert_eq!(core.userinfo(access).await.status, 401);
    }
    assert_eq!(revoke("unknown", own).await, 200);
}

#[sqlx::test(migrator = "hivematrix_core::MIGRATOR")]
async fn a_service_ends_a_browsers_session_by_refresh_token(pool: PgPool) {
    let core = Core::with_realm(pool).await;
    let browser = Browser::new(&core);
    let tokens = core.redeem(&browser.sign_in("tech", PASSWORD).await.code()).await.json();
    let fields = [
        ("refresh_token", tokens["refresh_token"].as_str().unwrap()),
        ("client_id", "core-client"),
        ("client_secret", CLIENT_SECRET),
    ];
    let answer =
        core.client.post("/realms/hivematrix/protocol/openid-connect/logout").form(&fields).send().await;
    assert_eq!(answer.status, 204);
    assert!(!browser.is_signed_in().await);
}

#[sqlx::test(migrator = "hivematrix_core::MIGRATOR")]
async fn the_master_realm_serves_only_administrators_passwords_on_this_machine(pool: PgPool) {
    let core = Core::with_realm(pool).await;
    let path = "/realms/master/protocol/openid-connect/token";
    let fields = |name: &'static str, password: &'static str| {
        [("grant_type", "password"), ("client_id", "admin-cli"), ("username", name), ("password", password)]
    };
    let ask = async |name, password| core.client.post(path).form(&fields(name, password)).send().await;
    assert_eq!(ask("admin", PASSWORD).await.status, 200);
    for (name, password) in [("admin", "wrong"), ("tech", PASSWORD), ("nobody", "wrong")] {
        let refused = ask(name, password).await;
        let body = json!({"error": "invalid_grant", "error_description": "Invalid user credentials"});
        assert_eq!((refused.status.as_u16(), refused.json()), (401, body), "{name}");
    }
    let forwarded =
        core.client.post(path).form(&fields("admin", PASSWORD)).header("x-forwarded-prefix", "/keycloak");
    assert_eq!(forwarded.send().await.status, 403);
    let mut other = fields("admin", PASSWORD);
    other[1].1 = "core-client";
    assert_eq!(core.client.post(path).form(&other).send().await.status, 401);
}
