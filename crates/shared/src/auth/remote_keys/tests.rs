//! Keys over real HTTP.

use std::sync::{Mutex, PoisonError};

use axum::{Json, Router, extract::State, http::StatusCode, routing::get};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;

use super::*;
use crate::{
    auth::{AuthError, Authenticator, DEFAULT_KEY_ID, PermissionLevel, Revocations},
    testing::{TestIdentity, TestKey},
};

/// A Core that publishes some keys, or fails.
#[derive(Clone, Default)]
struct Core(Arc<Mutex<Published>>);

#[derive(Default)]
struct Published {
    keys: Vec<Value>,
    is_away: bool,
    asked: usize,
}

impl Core {
    fn with<T>(&self, change: impl FnOnce(&mut Published) -> T) -> T {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn publish(&self, keys: &[&TestKey]) {
        self.with(|core| core.keys = keys.iter().map(|key| key.jwk()).collect());
    }

    fn asked(&self) -> usize {
        self.with(|core| core.asked)
    }

    async fn serve(&self) -> String {
        async fn jwks(State(core): State<Core>) -> Result<Json<Value>, StatusCode> {
            core.with(|core| {
                core.asked += 1;
                if core.is_away { Err(StatusCode::BAD_GATEWAY) } else { Ok(Json(json!({"keys": core.keys}))) }
            })
        }
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let app = Router::new().route("/.well-known/jwks.json", get(jwks)).with_state(self.clone());
        tokio::spawn(async move { axum::serve(listener, app).await });
        url
    }
}

struct Service {
    identity: TestIdentity,
    auth: Authenticator,
    core: Core,
}

impl Service {
    async fn start(keys: &[&TestKey]) -> Self {
        let clock = Clock::manual(DateTime::<Utc>::from_timestamp(1_763_805_000, 0).unwrap());
        let identity = TestIdentity::new(clock.clone());
        let core = Core::default();
        core.publish(keys);
        let url = core.serve().await;
        let remote = RemoteKeys::new(move || url.clone(), reqwest::Client::new());
        let revocations = Arc::new(Revocations::local());
        let auth = Authenticator::remote("codex", clock, remote, revocations, false);
        Self { identity, auth, core }
    }

    async fn check(&self, key: &TestKey) -> Result<(), AuthError> {
        self.auth.verify(&key.sign(&self.identity.user(PermissionLevel::Admin))).await.map(|_| ())
    }
}

#[tokio::test]
async fn an_unknown_key_is_asked_for_once_and_only_a_token_younger_than_the_answer_waits() {
    let (old, new, never) =
        (TestKey::generate(DEFAULT_KEY_ID), TestKey::generate("new"), TestKey::generate("never"));
    let service = Service::start(&[&old]).await;
    assert_eq!(service.check(&old).await, Ok(()));
    let issued_before = never.sign(&service.identity.user(PermissionLevel::Admin));
    service.identity.clock.advance(TimeDelta::seconds(4));
    assert_eq!(
        service.check(&new).await,
        Err(AuthError::Unavailable),
        "issued after Core was asked: come again"
    );
    service.core.publish(&[&old, &new]);
    assert_eq!(service.core.asked(), 1);

    service.auth.keys_changed();
    assert_eq!(service.check(&new).await, Ok(()), "Core said that its keys changed");
    assert_eq!(service.core.asked(), 2);
    service.identity.clock.advance(TimeDelta::seconds(4));
    assert_eq!(service.check(&never).await, Err(AuthError::Unavailable));
    service.identity.clock.advance(TimeDelta::seconds(1));
    assert_eq!(
        service.check(&never).await,
        Err(AuthError::Invalid),
        "after the pause Core is asked, and knows no such key"
    );
    assert_eq!(service.core.asked(), 3);
    service.identity.clock.advance(TimeDelta::seconds(2));
    assert_eq!(
        service.auth.verify(&issued_before).await,
        Err(AuthError::Invalid),
        "issued before Core was asked: nobody signs with that key"
    );
    assert_eq!(service.core.asked(), 3, "not asked again so soon");
}

#[tokio::test]
async fn an_unknown_key_that_core_denies_at_once_is_invalid() {
    let (known, never) = (TestKey::generate(DEFAULT_KEY_ID), TestKey::generate("never"));
    let service = Service::start(&[&known]).await;
    assert_eq!(service.check(&never).await, Err(AuthError::Invalid));
    assert_eq!(service.core.asked(), 1);
}

#[tokio::test]
async fn a_withdrawn_key_is_refused_also_for_tokens_that_were_seen_before() {
    let (stolen, new) = (TestKey::generate(DEFAULT_KEY_ID), TestKey::generate("new"));
    let service = Service::start(&[&stolen]).await;
    let seen = stolen.sign(&service.identity.user(PermissionLevel::Admin));
    assert!(service.auth.verify(&seen).await.is_ok());
    service.core.publish(&[&new]);
    service.auth.keys_changed();
    assert_eq!(service.auth.verify(&seen).await, Err(AuthError::Invalid));
    assert_eq!(service.check(&new).await, Ok(()));
}

#[tokio::test]
async fn without_core_known_keys_go_on_and_unknown_ones_wait() {
    let (known, new) = (TestKey::generate(DEFAULT_KEY_ID), TestKey::generate("new"));
    let service = Service::start(&[&known]).await;
    service.core.with(|core| core.is_away = true);
    assert_eq!(service.check(&known).await, Err(AuthError::Unavailable), "Core was never heard");
    service.core.with(|core| core.is_away = false);
    assert_eq!(service.check(&known).await, Ok(()));
    service.core.with(|core| core.is_away = true);
    service.auth.keys_changed();
    assert_eq!(service.check(&known).await, Ok(()));
    assert_eq!(service.check(&new).await, Err(AuthError::Unavailable));
}

#[tokio::test]
async fn keys_of_other_kinds_in_the_document_are_left_out() {
    let key = TestKey::generate(DEFAULT_KEY_ID);
    let mut for_encryption = key.jwk();
    for_encryption["use"] = json!("enc");
    for_encryption["kid"] = json!("enc");
    let document = json!({"keys": [
        5, {"kty": "OKP", "crv": "Ed25519", "x": "AA"}, {"kty": "oct", "k": "AA", "kid": "secret"},
        {"kty": "RSA", "n": "!", "e": "AQAB"}, {"kty": "RSA", "n": "", "e": ""}, for_encryption, key.jwk(),
    ]});
    let keys = TokenKeys::from_jwks(&document).unwrap();
    assert!(keys.get(Some(DEFAULT_KEY_ID), 0).is_some_and(|found| *found == key.verifying()));
    for left_out in ["enc", "secret", "", "other"] {
        assert!(keys.get(Some(left_out), 0).is_none(), "{left_out}");
    }
    assert!(TokenKeys::from_jwks(&json!({"error": "no"})).is_none());
}
