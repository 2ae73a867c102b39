//! What Core makes of a foreign identity provider's tokens and answers (core.md §2.1, §7).

use std::sync::{Arc, Mutex};

use axum::{
    Json, Router,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::get,
};
use hivematrix_shared::{clock::Clock, testing::TestIdentity};
use serde_json::{Value, json};

use crate::support::{Core, ISSUER, Options, claims, now, secret_of};

/// A provider whose userinfo answers what it is told.
struct Provider {
    url: String,
    identity: TestIdentity,
    userinfo: Mutex<(u16, String)>,
}

async fn userinfo(State(provider): State<Arc<Provider>>) -> Response {
    let (status, body) = provider.userinfo.lock().unwrap().clone();
    (StatusCode::from_u16(status).unwrap(), body).into_response()
}

async fn serve(identity: TestIdentity) -> Arc<Provider> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let provider = Arc::new(Provider { url, identity, userinfo: Mutex::default() });
    let realm = "/realms/hivematrix/protocol/openid-connect";
    let app = Router::new()
        .route(
            &format!("{realm}/certs"),
            get(|State(provider): State<Arc<Provider>>| async move { Json(provider.identity.jwks()) }),
        )
        .route(&format!("{realm}/userinfo"), get(userinfo))
        .with_state(provider.clone());
    tokio::spawn(async move { axum::serve(listener, app).await });
    provider
}

#[tokio::test]
async fn only_live_access_tokens_of_the_own_client_and_sensible_answers_count() {
    let clock = now();
    let provider = serve(TestIdentity::new(clock.clone())).await;
    let (core, good) = core_of(&provider, clock.clone()).await;
    let now = clock.unix();
    let own_issuer = format!("{}/realms/hivematrix", provider.url);
    let person =
        json!({"sub": "u", "preferred_username": "ada", "groups": ["/billing", "/office/x"]}).to_string();
    let (refused, nonsense) = ("Invalid access token", "Invalid response from identity provider");

    let tokens = [
        ("as Keycloak makes it", json!({}), None),
        ("without a kind", json!({"typ": null}), None),
        ("of the provider's own address", json!({"iss": own_issuer}), None),
        ("for several, us among them", json!({"azp": null, "aud": ["account", "core-client"]}), None),
        ("an ID token", json!({"typ": "ID", "aud": "core-client"}), Some(refused)),
        ("a refresh token", json!({"typ": "Refresh"}), Some(refused)),
        ("a kind that is no text", json!({"typ": 5}), Some(refused)),
        ("for another client", json!({"azp": "other", "aud": "core-client"}), Some(refused)),
        ("for nobody we know", json!({"azp": null, "aud": ["account"]}), Some(refused)),
        ("expired", json!({"exp": now}), Some(refused)),
        ("without an end", json!({"exp": null}), Some(refused)),
        ("not yet valid", json!({"nbf": now + 30}), Some(refused)),
        ("of another realm", json!({"iss": ISSUER.replace("hivematrix", "master")}), Some(refused)),
        ("of another host", json!({"iss": ISSUER.replace("localhost", "evil.example")}), Some(refused)),
    ];
    for (what, change, error) in tokens {
        *provider.userinfo.lock().unwrap() = (200, person.clone());
        let (status, answer) = exchange(&core, &provider.identity.sign(&changed(&good, change))).await;
        assert_eq!(status, if error.is_none() { 200 } else { 401 }, "{what}");
        assert_eq!(answer["error"].as_str(), error, "{what}");
        if let Some(token) = answer["token"].as_str() {
            assert_eq!(claims(token)["permission_level"], "billing", "{what}");
        }
    }

    let answers = [
        (401, "", 401, refused),
        (403, "{}", 401, refused),
        (500, "", 502, "Identity provider unavailable"),
        (200, "<html>", 502, nonsense),
        (200, "[]", 502, nonsense),
        (200, r#"{"sub": "somebody else"}"#, 502, nonsense),
    ];
    for (status, body, expected, error) in answers {
        *provider.userinfo.lock().unwrap() = (status, body.to_owned());
        let answer = exchange(&core, &provider.identity.sign(&good)).await;
        assert_eq!(answer, (expected, json!({"error": error})), "userinfo: {status} {body}");
    }
}

#[tokio::test]
async fn a_client_has_an_address_only_when_the_provider_vouches_for_it() {
    let clock = now();
    let provider = serve(TestIdentity::new(clock.clone())).await;
    let (core, good) = core_of(&provider, clock.clone()).await;
    let person = |groups: &[&str], verified: Value| {
        changed(
            &json!({"sub": "u", "name": "A", "preferred_username": "a", "email": "boss@victim.example"}),
            json!({"groups": groups, "email_verified": verified}),
        )
    };
    for (groups, verified, kept) in [
        (&["client"][..], json!(true), true),
        (&["client"], json!(false), false),
        (&[], json!(false), false),
        // Keycloak sends it wherever it sends the address, so silence or a text is no yes.
        (&["client"], Value::Null, false),
        (&["client"], json!("true"), false),
        // All companies are theirs anyway.
        (&["billing"], json!(false), true),
        (&["technicians"], Value::Null, true),
        (&["admins"], json!(false), true),
    ] {
        let what = format!("{groups:?} {verified}");
        *provider.userinfo.lock().unwrap() = (200, person(groups, verified).to_string());
        let (status, answer) = exchange(&core, &provider.identity.sign(&good)).await;
        assert_eq!(status, 200, "{what}");
        let token = answer["token"].as_str().unwrap();
        let (email, flag) = match kept {
            true => (json!("boss@victim.example"), None),
            false => (json!(""), Some(json!(false))),
        };
        let of_session = core.client.post("/api/token/validate").json(&json!({"token": token})).send().await;
        let for_user = json!({"calling_service": "beacon", "target_service": "codex", "user_token": token});
        let service = core.client.post("/service-token").json(&for_user);
        let service = service.header("x-service-secret", &secret_of("beacon")).send().await.json();
        let acting = claims(service["token"].as_str().unwrap())["on_behalf_of"].clone();
        for user in [claims(token), of_session.json()["user"].clone(), acting] {
            assert_eq!(
                (&user["email"], user.get("email_verified")),
                (&email, flag.as_ref()),
                "{what}: {user}"
            );
            assert_eq!(user["preferred_username"], "a", "{what}");
        }
    }
}

/// A Core that signs people in by the provider, and claims of an access token that counts.
async fn core_of(provider: &Provider, clock: Clock) -> (Core, Value) {
    let exp = clock.unix() + 60;
    let provider_url = Some(provider.url.clone());
    let core = Core::start(Options { clock, provider_url, ..Options::default() }).await;
    let good = json!({
        "iss": ISSUER, "sub": "u", "azp": "core-client", "aud": "account", "typ": "Bearer", "exp": exp,
    });
    (core, good)
}

/// The claims with some replaced; those that become null are left out.
fn changed(good: &Value, change: Value) -> Value {
    let mut claims = good.as_object().unwrap().clone();
    claims.extend(change.as_object().unwrap().clone());
    claims.retain(|_, value| !value.is_null());
    Value::Object(claims)
}

async fn exchange(core: &Core, token: &str) -> (u16, Value) {
    let answer = core.client.post("/api/token/exchange").json(&json!({"access_token": token})).send().await;
    (answer.status.as_u16(), answer.json())
}
