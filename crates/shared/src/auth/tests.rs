//! The token rules.

use chrono::{DateTime, TimeDelta, Utc};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};

use super::{AuthError, Caller, PermissionLevel};
use crate::{clock::Clock, testing::TestIdentity};

fn identity() -> TestIdentity {
    TestIdentity::new(Clock::manual(DateTime::<Utc>::from_timestamp(1_763_805_000, 0).unwrap()))
}

fn changed(claims: impl serde::Serialize, name: &str, value: Value) -> Value {
    let mut claims = serde_json::to_value(claims).unwrap();
    claims[name] = value;
    claims
}

#[tokio::test]
async fn a_token_counts_only_when_everything_about_it_is_right() {
    let identity = identity();
    let auth = identity.context("codex").auth;
    let user = identity.user(PermissionLevel::Admin);
    let service = identity.service("beacon", "codex", None);
    let now = identity.clock.unix();
    let valid = identity.sign(&user);
    let (head, rest) = valid.split_once('.').unwrap();
    let (payload, signature) = rest.split_once('.').unwrap();
    let with_secret =
        |algorithm| encode(&Header::new(algorithm), &user, &EncodingKey::from_secret(b"k")).unwrap();
    // {"alg":"none","typ":"JWT"}
    let unsigned = format!("eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.{payload}.");
    for (name, token, expected) in [
        ("valid user", valid.clone(), None),
        ("valid service", identity.sign(&service), None),
        ("expired", identity.sign(&changed(&user, "exp", json!(now))), Some(AuthError::Expired)),
        ("from the future", identity.sign(&changed(&user, "iat", json!(now + 60))), Some(AuthError::Invalid)),
        ("other issuer", identity.sign(&changed(&user, "iss", json!("evil"))), Some(AuthError::Invalid)),
        (
            "other target",
            identity.sign(&changed(&service, "target_service", json!("helm"))),
            Some(AuthError::WrongTarget),
        ),
        (
            "no target",
            identity.sign(&changed(&service, "target_service", Value::Null)),
            Some(AuthError::Invalid),
        ),
        ("no algorithm", unsigned, Some(AuthError::Invalid)),
        ("shared secret", with_secret(Algorithm::HS256), Some(AuthError::Invalid)),
        (
            "changed payload",
            format!("{head}.{}x.{signature}", &payload[..payload.len() - 1]),
            Some(AuthError::Invalid),
        ),
        ("cut signature", format!("{head}.{payload}."), Some(AuthError::Invalid)),
        ("no token", "garbage".to_owned(), Some(AuthError::Invalid)),
        ("empty", String::new(), Some(AuthError::Invalid)),
    ] {
        assert_eq!(auth.verify(&token).await.err(), expected, "{name}");
    }
}

#[tokio::test]
async fn a_revoked_session_is_refused_and_others_are_not() {
    let identity = identity();
    let auth = identity.context("codex").auth;
    let token = identity.user_token(PermissionLevel::Admin);
    assert!(auth.verify(&token).await.is_ok());
    auth.revocations().insert("session-admin", identity.clock.unix() + 100);
    assert_eq!(auth.verify(&token).await, Err(AuthError::Revoked));
    assert!(auth.verify(&identity.user_token(PermissionLevel::Client)).await.is_ok());
}

#[tokio::test]
async fn time_passes_by_the_services_own_clock() {
    let identity = identity();
    let auth = identity.context("codex").auth;
    let token = identity.user_token(PermissionLevel::Admin);
    identity.clock.advance(TimeDelta::seconds(3599));
    assert!(auth.verify(&token).await.is_ok());
    identity.clock.advance(TimeDelta::seconds(1));
    assert_eq!(auth.verify(&token).await, Err(AuthError::Expired));
}

#[tokio::test]
async fn the_acting_user_of_a_service_is_who_counts() {
    let identity = identity();
    let token = identity.service_token_on_behalf("brainhair", "codex", PermissionLevel::Billing);
    let caller = identity.context("codex").auth.verify(&token).await.unwrap();
    assert_eq!(caller.level(), Some(PermissionLevel::Billing));
    assert_eq!(caller.rate_key(), "user:user-billing");
    assert_eq!(caller.service_name(), Some("brainhair"));
    assert!(matches!(caller, Caller::Service(_)));
}
