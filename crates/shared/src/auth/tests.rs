//! The token rules.

use aws_lc_rs::signature::{RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, RSA_PSS_SHA256, RsaEncoding};
use chrono::{DateTime, TimeDelta, Utc};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};

use super::{
    AuthError, Authenticator, Caller, DEFAULT_KEY_ID, LiveKeys, PermissionLevel, Revocations, TokenKeys,
    UserClaims,
};
use crate::{
    clock::Clock,
    testing::{TestIdentity, TestKey},
};

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
        ("longer shared secret", with_secret(Algorithm::HS512), Some(AuthError::Invalid)),
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

#[tokio::test]
async fn an_address_that_nobody_vouches_for_finds_nothing_and_is_told() {
    let identity = identity();
    let auth = identity.context("codex").auth;
    let client = identity.user(PermissionLevel::Client);
    let unconfirmed = UserClaims { email_verified: Some(false), ..client.clone() };
    let mut service = identity.service("brainhair", "codex", Some(PermissionLevel::Client));
    service.on_behalf_of.as_mut().unwrap().email_verified = Some(false);
    for (what, token) in [
        ("a client", identity.sign(&unconfirmed)),
        ("without the address", identity.sign(&UserClaims { email: String::new(), ..unconfirmed.clone() })),
        ("a service for a client", identity.sign(&service)),
    ] {
        let user = auth.verify(&token).await.unwrap().acting_user().unwrap();
        let refused = user.confirmed_email().unwrap_err();
        assert_eq!(refused.status(), http::StatusCode::FORBIDDEN, "{what}");
    }
    // A token of the original suite says nothing about it.
    let mut claims = serde_json::to_value(&client).unwrap();
    assert!(!claims.as_object_mut().unwrap().contains_key("email_verified"));
    for (email, expected) in [("a@x.example", Some("a@x.example")), ("", None)] {
        claims["email"] = email.into();
        let user = auth.verify(&identity.sign(&claims)).await.unwrap().acting_user().unwrap();
        assert_eq!(user.confirmed_email().unwrap(), expected);
    }
}

#[tokio::test]
async fn the_header_decides_nothing_but_the_key() {
    let identity = identity();
    let auth = identity.context("codex").auth;
    let claims = serde_json::to_string(&identity.user(PermissionLevel::Admin)).unwrap();
    let attacker = TestKey::generate(DEFAULT_KEY_ID);
    let invalid = Some(AuthError::Invalid);
    for (header, expected) in [
        (json!({"alg": "RS256", "kid": DEFAULT_KEY_ID, "typ": "JWT"}), None),
        (json!({"alg": "RS256", "typ": "JWT"}), None),
        (json!({"alg": "RS256", "kid": null}), None),
        (
            json!({"alg": "RS256", "kid": DEFAULT_KEY_ID, "jwk": attacker.jwk(), "jku": "https://evil.example/"}),
            None,
        ),
        (json!({"alg": "RS256", "kid": "other-key"}), invalid.clone()),
        (json!({"alg": "RS256", "kid": ""}), invalid.clone()),
        (json!({"alg": "RS256", "kid": "../../keys/jwt_public.pem"}), invalid.clone()),
        (json!({"alg": "RS256", "kid": 1}), invalid.clone()),
        (json!({"alg": "rs256"}), invalid.clone()),
        (json!({"alg": "RS384"}), invalid.clone()),
        (json!({"alg": "PS256"}), invalid.clone()),
        (json!({"alg": "none"}), invalid.clone()),
        (json!({"alg": ["RS256"]}), invalid.clone()),
        (json!({"kid": DEFAULT_KEY_ID}), invalid.clone()),
        (json!({"alg": "RS256", "crit": ["exp"]}), invalid.clone()),
        (json!({"alg": "RS256", "crit": []}), invalid.clone()),
        (json!({"alg": "RS256", "crit": null}), invalid.clone()),
        (json!({"alg": "RS256", "b64": false, "crit": ["b64"]}), invalid.clone()),
        (json!("RS256"), invalid.clone()),
    ] {
        let token = identity.key().sign_raw(&header.to_string(), &claims);
        assert_eq!(auth.verify(&token).await.err(), expected, "{header}");
        let token = attacker.sign_raw(&header.to_string(), &claims);
        assert_eq!(auth.verify(&token).await.err(), invalid, "another key, {header}");
    }
    let twice = r#"{"alg":"RS256","alg":"none"}"#;
    assert_eq!(auth.verify(&identity.key().sign_raw(twice, &claims)).await.err(), invalid);
}

#[tokio::test]
async fn a_public_key_is_no_shared_secret_and_other_paddings_do_not_count() {
    let identity = identity();
    let auth = identity.context("codex").auth;
    let user = identity.user(PermissionLevel::Admin);
    let key = identity.key();
    let pem = key.public_pem();
    let modulus = key.jwk()["n"].as_str().unwrap().to_owned();
    let der = key.verifying().der().to_vec();
    for secret in [pem.as_bytes(), pem.trim().as_bytes(), modulus.as_bytes(), &der, b""] {
        for algorithm in [Algorithm::HS256, Algorithm::HS384, Algorithm::HS512] {
            let header = Header { kid: Some(DEFAULT_KEY_ID.into()), ..Header::new(algorithm) };
            let token = encode(&header, &user, &EncodingKey::from_secret(secret)).unwrap();
            assert_eq!(auth.verify(&token).await, Err(AuthError::Invalid), "{algorithm:?}");
        }
    }
    let claims = serde_json::to_string(&user).unwrap();
    let encodings: [(&str, &'static dyn RsaEncoding); 3] =
        [("PS256", &RSA_PSS_SHA256), ("RS384", &RSA_PKCS1_SHA384), ("RS512", &RSA_PKCS1_SHA512)];
    for (name, encoding) in encodings {
        for called in [name, "RS256"] {
            let token = key.sign_with(encoding, &json!({"alg": called}).to_string(), &claims);
            assert_eq!(auth.verify(&token).await, Err(AuthError::Invalid), "{name} called {called}");
        }
    }
}

#[tokio::test]
async fn claims_of_another_type_make_a_token_invalid() {
    let identity = identity();
    let auth = identity.context("codex").auth;
    let user = identity.user(PermissionLevel::Admin);
    let service = serde_json::to_value(identity.service("beacon", "codex", None)).unwrap();
    let now = identity.clock.unix();
    let invalid = Err(AuthError::Invalid);
    for (name, value, expected) in [
        ("exp", json!((now + 60).to_string()), invalid.clone()),
        ("exp", json!(now as f64 + 60.5), invalid.clone()),
        ("exp", json!(9_223_372_036_854_775_808_u64), invalid.clone()),
        ("exp", json!(1e300), invalid.clone()),
        ("exp", json!(-1), Err(AuthError::Expired)),
        ("exp", json!(i64::MIN), Err(AuthError::Expired)),
        ("exp", json!(true), invalid.clone()),
        ("exp", Value::Null, invalid.clone()),
        ("exp", json!(i64::MAX), Ok(())),
        ("iat", json!(now.to_string()), invalid.clone()),
        ("iat", json!(i64::MIN), invalid.clone()),
        ("iat", json!(i64::MAX), invalid.clone()),
        ("iat", json!(now + 5), Ok(())),
        ("iat", json!(now + 6), invalid.clone()),
        ("nbf", json!(now), Ok(())),
        ("nbf", json!(now + 1), invalid.clone()),
        ("nbf", json!("soon"), invalid.clone()),
        ("iss", json!(["hivematrix-core"]), invalid.clone()),
        ("iss", json!(1), invalid.clone()),
        ("iss", Value::Null, invalid.clone()),
        ("sub", json!(7), invalid.clone()),
        ("jti", json!(7), invalid.clone()),
        ("groups", json!("admins"), invalid.clone()),
        ("permission_level", json!(0), invalid.clone()),
        ("type", json!("Service"), invalid.clone()),
        ("type", json!("user"), invalid.clone()),
        ("type", json!(1), invalid.clone()),
        // A user's claims with a service's type lack what a service token needs.
        ("type", json!("service"), invalid.clone()),
    ] {
        let token = identity.sign(&changed(&user, name, value.clone()));
        assert_eq!(auth.verify(&token).await.map(|_| ()), expected, "{name}: {value}");
    }
    for missing in ["exp", "iat", "iss", "sub"] {
        let mut claims = serde_json::to_value(&user).unwrap();
        claims.as_object_mut().unwrap().remove(missing);
        assert_eq!(auth.verify(&identity.sign(&claims)).await, Err(AuthError::Invalid), "no {missing}");
    }
    for (name, value) in [
        ("target_service", json!("CODEX")),
        ("target_service", json!("codex ")),
        ("target_service", json!("")),
    ] {
        let token = identity.sign(&changed(&service, name, value.clone()));
        assert_eq!(auth.verify(&token).await, Err(AuthError::WrongTarget), "{name}: {value}");
    }
    for (name, value) in [
        ("target_service", json!(["codex", "helm"])),
        ("calling_service", json!(1)),
        ("calling_service", Value::Null),
        ("on_behalf_of", json!("admin")),
        ("on_behalf_of", json!({"permission_level": "admin"})),
    ] {
        let token = identity.sign(&changed(&service, name, value.clone()));
        assert_eq!(auth.verify(&token).await, Err(AuthError::Invalid), "{name}: {value}");
    }
    let not_an_object = identity.key().sign_raw(r#"{"alg":"RS256"}"#, "5");
    assert_eq!(auth.verify(&not_an_object).await, Err(AuthError::Invalid));
}

#[tokio::test]
async fn a_remembered_token_is_refused_the_moment_its_key_is_withdrawn_or_over() {
    let identity = identity();
    let now = identity.clock.unix();
    let (old, new) = (TestKey::generate(DEFAULT_KEY_ID), TestKey::generate("new"));
    let keys = LiveKeys::from(TokenKeys::default().with_key(old.verifying(), Some(now + 60)));
    let revocations = std::sync::Arc::new(Revocations::local());
    let auth = Authenticator::local("codex", identity.clock.clone(), keys.clone(), revocations, false);
    let user = identity.user(PermissionLevel::Admin);
    let token = old.sign(&user);
    assert!(auth.verify(&token).await.is_ok());
    assert!(auth.verify(&token).await.is_ok(), "from memory");
    assert_eq!(auth.verify(&new.sign(&user)).await, Err(AuthError::Invalid), "not published yet");

    keys.replace(
        TokenKeys::default().with_key(new.verifying(), None).with_key(old.verifying(), Some(now + 60)),
    );
    assert!(auth.verify(&new.sign(&user)).await.is_ok());
    assert!(auth.verify(&token).await.is_ok(), "both count meanwhile");
    identity.clock.advance(TimeDelta::seconds(59));
    assert!(auth.verify(&token).await.is_ok());
    identity.clock.advance(TimeDelta::seconds(1));
    assert_eq!(auth.verify(&token).await, Err(AuthError::Invalid), "the old key is over");

    let unnamed = new.sign_raw(r#"{"alg":"RS256"}"#, &serde_json::to_string(&user).unwrap());
    assert!(auth.verify(&unnamed).await.is_ok(), "without an id the key in use is meant");
    keys.replace(TokenKeys::default());
    assert_eq!(auth.verify(&unnamed).await, Err(AuthError::Invalid), "withdrawn");
}

#[tokio::test]
async fn memory_spares_no_token_its_times_and_its_revocation() {
    let identity = identity();
    let auth = identity.context("codex").auth;
    let token = identity.user_token(PermissionLevel::Admin);
    assert!(auth.verify(&token).await.is_ok());
    identity.clock.advance(TimeDelta::seconds(-10));
    assert_eq!(
        auth.verify(&token).await,
        Err(AuthError::Invalid),
        "from the future after the clock went back"
    );
    identity.clock.advance(TimeDelta::seconds(10));
    assert!(auth.verify(&token).await.is_ok());
    auth.revocations().insert("session-admin", identity.clock.unix() + 3600);
    assert_eq!(auth.verify(&token).await, Err(AuthError::Revoked));
    identity.clock.advance(TimeDelta::seconds(3600));
    assert_eq!(auth.verify(&token).await, Err(AuthError::Expired));
}
