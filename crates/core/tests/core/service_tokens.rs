//! `/service-token` and `/.well-known/jwks.json` (core.md §2.4, §2.5, §3).

use hivematrix_shared::{auth::PermissionLevel, testing::TestResponse};
use serde_json::{Value, json};

use crate::support::{Core, Options, claims, part, secret_of, write_secrets};

async fn ask(core: &Core, secret: Option<&str>, body: Value) -> TestResponse {
    let request = core.client.post("/service-token").json(&body);
    match secret {
        Some(secret) => request.header("x-service-secret", secret).send().await,
        None => request.send().await,
    }
}

fn beacon_to_codex() -> Value {
    json!({"calling_service": "beacon", "target_service": "codex"})
}

#[tokio::test]
async fn a_service_token_has_the_contracts_header_and_claims() {
    let core = Core::plain().await;
    let answer = ask(&core, Some(&secret_of("beacon")), beacon_to_codex()).await;
    assert_eq!(answer.status, 200);
    let token = answer.json()["token"].as_str().unwrap().to_owned();
    assert_eq!(answer.json(), json!({"token": token}));
    let now = core.clock.unix();
    assert_eq!(part(&token, 0), json!({"alg": "RS256", "kid": "hivematrix-signing-key-1", "typ": "JWT"}));
    assert_eq!(
        claims(&token),
        json!({"iss": "hivematrix-core", "sub": "service:beacon", "type": "service", "calling_service": "beacon",
            "target_service": "codex", "iat": now, "exp": now + 300})
    );
}

#[tokio::test]
async fn the_published_key_verifies_the_tokens() {
    let core = Core::plain().await;
    let jwks = core.client.get("/.well-known/jwks.json").send().await.json();
    insta::assert_json_snapshot!(jwks, { ".keys[].n" => "[modulus]" });
    let set: jsonwebtoken::jwk::JwkSet = serde_json::from_value(jwks).unwrap();
    let keys = hivematrix_shared::auth::KeySet::from_jwks(&set);
    let token = core.service_token("beacon").await;
    let mut validation = jsonwebtoken::Validation::new(jsonwebtoken::Algorithm::RS256);
    validation.validate_exp = false;
    jsonwebtoken::decode::<Value>(&token, keys.get(Some("hivematrix-signing-key-1")).unwrap(), &validation)
        .unwrap();
}

#[tokio::test]
async fn only_the_callers_own_secret_opens() {
    let core = Core::plain().await;
    for (secret, status) in [
        (Some(secret_of("beacon")), 200),
        (Some(secret_of("codex")), 401),
        (Some("guess".to_owned()), 401),
        (Some(String::new()), 401),
        (None, 401),
    ] {
        let answer = ask(&core, secret.as_deref(), beacon_to_codex()).await;
        assert_eq!(answer.status, status, "{secret:?}");
        if status == 401 {
            insta::allow_duplicates! { insta::assert_json_snapshot!("wrong_secret", answer.json()); }
        }
    }
    write_secrets(core.home(), &["codex"]);
    core.state.secrets.fits_any(&hivematrix_shared::config::Secret::new("look"));
    assert_eq!(ask(&core, Some(&secret_of("beacon")), beacon_to_codex()).await.status, 401, "withdrawn");
}

#[tokio::test]
async fn the_compatibility_switch_opens_for_this_machine_only_and_never_through_the_gateway() {
    let core =
        Core::start(Options { change: |s| s.compat_open_service_token = true, ..Options::default() }).await;
    assert_eq!(ask(&core, None, beacon_to_codex()).await.status, 200);
    assert_eq!(ask(&core, Some("guess"), beacon_to_codex()).await.status, 401, "a wrong secret stays wrong");
    for secret in [None, Some(secret_of("beacon"))] {
        let mut request =
            core.client.post("/service-token").json(&beacon_to_codex()).header("x-forwarded-prefix", "/core");
        if let Some(secret) = secret {
            request = request.header("x-service-secret", &secret);
        }
        assert_eq!(request.send().await.status, 403);
    }
}

#[tokio::test]
async fn a_user_token_makes_the_service_act_for_that_user_while_its_session_lives() {
    let core = Core::plain().await;
    let user = core.user_token(PermissionLevel::Technician).await;
    let mut body = beacon_to_codex();
    body["user_token"] = json!(user);
    let secret = secret_of("beacon");
    let answer = ask(&core, Some(&secret), body.clone()).await;
    assert_eq!(
        claims(answer.json()["token"].as_str().unwrap())["on_behalf_of"],
        json!({"sub": "user-technician", "email": "user-technician@x.example",
            "preferred_username": "user-technician", "permission_level": "technician"})
    );

    core.client.post("/api/token/revoke").json(&json!({"token": user})).send().await;
    assert_eq!(ask(&core, Some(&secret), body.clone()).await.status, 401, "revoked");
    for bad in [json!("nonsense"), json!(core.service_token("beacon").await), json!("")] {
        body["user_token"] = bad.clone();
        let answer = ask(&core, Some(&secret), body.clone()).await;
        assert_eq!(
            (answer.status.as_u16(), &answer.json()["error"]),
            (401, &json!("Invalid user token")),
            "{bad}"
        );
    }
}
