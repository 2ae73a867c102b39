//! Bearer tokens that are not what they say.

use aws_lc_rs::{
    hmac,
    signature::{RSA_PKCS1_SHA512, RSA_PSS_SHA256},
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use hivematrix_shared::{
    auth::{DEFAULT_KEY_ID, PermissionLevel::Admin},
    testing::TestKey,
};
use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::noting;

#[tokio::test]
async fn forged_and_confused_tokens_open_nothing() {
    let (world, noted) = noting().await;
    let identity = &world.identity;
    let now = world.clock.unix();
    let user = serde_json::to_value(identity.user(Admin)).unwrap();
    let claims = user.to_string();
    let with = |name: &str, value: Value| {
        let mut claims = user.clone();
        claims[name] = value;
        identity.sign(&claims)
    };
    let without = |name: &str| {
        let mut claims = user.clone();
        claims.as_object_mut().unwrap().remove(name);
        identity.sign(&claims)
    };
    let text = |text: &str| BASE64_URL_SAFE_NO_PAD.encode(text);
    let header = |alg: &str| json!({"alg": alg, "kid": DEFAULT_KEY_ID, "typ": "JWT"}).to_string();
    let shared_secret = |secret: &[u8]| {
        let signed = format!("{}.{}", text(&header("HS256")), text(&claims));
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), signed.as_bytes());
        format!("{signed}.{}", BASE64_URL_SAFE_NO_PAD.encode(tag))
    };
    let (own, foreign) = (identity.key(), TestKey::generate(DEFAULT_KEY_ID));
    let unknown = TestKey::generate("another");
    let good = identity.sign(&user);
    let (head, rest) = good.split_once('.').unwrap();
    let signature = rest.split_once('.').unwrap().1;
    let embedded = json!({"alg": "RS256", "kid": DEFAULT_KEY_ID, "jwk": foreign.jwk()}).to_string();
    let fetched =
        json!({"alg": "RS256", "kid": "../../etc/passwd", "jku": "https://evil.example/jwks"}).to_string();
    for (name, token) in [
        ("no algorithm", format!("{}.{}.", text(r#"{"alg":"none"}"#), text(&claims))),
        ("no algorithm, in capitals", format!("{}.{}.", text(r#"{"alg":"NONE"}"#), text(&claims))),
        ("the public key as a shared secret, PEM", shared_secret(own.public_pem().as_bytes())),
        ("the public key as a shared secret, DER", shared_secret(own.verifying().der())),
        ("another RSA algorithm", own.sign_with(&RSA_PKCS1_SHA512, &header("RS512"), &claims)),
        ("another padding", own.sign_with(&RSA_PSS_SHA256, &header("PS256"), &claims)),
        ("another key under our name", foreign.sign(&user)),
        ("another key under its own name", unknown.sign(&user)),
        ("a key that comes along", foreign.sign_raw(&embedded, &claims)),
        ("a key from an address", foreign.sign_raw(&fetched, &claims)),
        ("no signature", format!("{head}.{}.", rest.split_once('.').unwrap().0)),
        (
            "another signature's claims",
            format!("{head}.{}.{signature}", text(&claims.replace("admin", "Admin"))),
        ),
        ("another issuer", with("iss", json!("https://evil.example"))),
        ("the identity provider as issuer", with("iss", json!("https://gw.test/keycloak/realms/hivematrix"))),
        ("expired", with("exp", json!(now))),
        ("not valid yet", with("nbf", json!(now + 60))),
        ("issued in the future", with("iat", json!(now + 60))),
        ("no session", without("jti")),
        ("no subject", without("sub")),
        ("no end", without("exp")),
        ("a service's token for this gateway", identity.service_token("codex", "nexus")),
        ("a service's token for the service", identity.service_token("nexus", "ledger")),
        (
            "a service's token on behalf of an admin",
            identity.service_token_on_behalf("codex", "nexus", Admin),
        ),
        ("a user's token that says it is a service's", with("type", json!("service"))),
        ("text", "admin".to_owned()),
        ("nothing", String::new()),
    ] {
        let request =
            world.request(Method::GET, "/ledger/x").header("authorization", &format!("Bearer {token}"));
        let answer = request.send().await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{name}");
        assert_eq!(answer.header("www-authenticate"), "Bearer", "{name}");
        assert!(token.is_empty() || !answer.text().contains(&token), "{name}: it is repeated");
    }
    world.revocations.insert("session-admin".to_owned(), now + 3600);
    assert_eq!(
        world.call(Method::GET, "/ledger/x", Admin).send().await.status,
        StatusCode::UNAUTHORIZED,
        "revoked"
    );
    assert!(noted.lock().unwrap().is_empty(), "{:?}", noted.lock().unwrap());
}
