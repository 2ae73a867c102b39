//! Who may look at and replace the signing keys, and what becomes of stolen, damaged and cached ones (core.md §5).

use std::{sync::Arc, time::Duration};

use hivematrix_shared::{
    auth::{
        AuthError, Authenticator, DEFAULT_KEY_ID, PermissionLevel, RemoteKeys, RevocationFeed, Revocations,
    },
    config::Secret,
    registry::{Registry, RegistryHandle},
    service_client::ServiceClient,
    testing,
};
use serde_json::json;

use crate::{
    key_rotation::{files, published, rotate, rotated, start},
    support::{Core, eventually, now, secret_of},
};

#[tokio::test]
async fn a_stolen_key_is_worth_nothing_from_now_on() {
    let folder = tempfile::tempdir().unwrap();
    let core = start(folder.path(), &now()).await;
    let waiting = rotated(&core, json!({})).await;
    let (user, beacon) = (core.user_token(PermissionLevel::Admin).await, core.service_token("beacon").await);
    let (auth, feed) = follower(&core);
    let stop = core.state.ctx.shutdown.child_token();
    let following = tokio::spawn(feed.run(stop.clone()));
    eventually("the service is told of an ended session", async || {
        let other = core.user_token(PermissionLevel::Client).await;
        core.client.post("/api/token/revoke").json(&json!({"token": other})).send().await;
        tokio::time::sleep(Duration::from_millis(20)).await;
        auth.verify(&other).await == Err(AuthError::Revoked)
    })
    .await;
    assert_eq!(auth.verify(&user).await.err(), None);
    let forged = json!({"iss": "hivematrix-core", "sub": "thief", "jti": "forged", "permission_level": "admin",
        "iat": core.clock.unix(), "exp": core.clock.unix() + 3600});
    let forged = core.state.keys.sign(&forged).await.unwrap();
    assert_eq!(auth.verify(&forged).await.err(), None, "who has the key signs what he likes");

    let answer = rotate(&core, json!({"now": true})).await;
    assert_eq!((answer.status.as_u16(), &answer.json()["sessions_ended"]), (200, &json!(1)));
    let new = answer.json()["keys"][0]["kid"].as_str().unwrap().to_owned();
    assert_eq!(published(&core).await, [new.as_str()]);
    assert!(new != waiting && new != DEFAULT_KEY_ID);
    let short: String = new.chars().take(8).collect();
    assert!(files(folder.path()).iter().all(|file| !file.ends_with(".pem") || file.contains(&short)));

    let asked = core.client.post("/api/token/validate").json(&json!({"token": user})).send().await;
    assert_eq!(asked.json()["error"], "Invalid token: Signature verification failed");
    assert_eq!(core.client.get("/api/revocations").bearer(&beacon).send().await.status, 401);
    assert_eq!(core.client.get("/api/sessions").bearer(&forged).send().await.status, 401);
    eventually("the service fetches the new keys and refuses the forged token", async || {
        auth.verify(&forged).await == Err(AuthError::Invalid)
    })
    .await;
    let fresh = core.user_token(PermissionLevel::Admin).await;
    assert_eq!(auth.verify(&fresh).await.err(), None);
    stop.cancel();
    following.await.unwrap();
}

/// A service as it really runs: verifier, feed, and a client with a secret of its own.
fn follower(core: &Core) -> (Authenticator, RevocationFeed) {
    let mut settings = testing::settings("beacon");
    settings.core_url = Some(core.url.clone());
    settings.service_secret = Secret::new(secret_of("beacon"));
    let client = ServiceClient::new(&settings, RegistryHandle::of(Registry::default())).unwrap();
    let revocations = Arc::new(Revocations::following(&core.clock));
    let url = core.url.clone();
    let keys = RemoteKeys::new(move || url.clone(), reqwest::Client::new());
    let auth = Authenticator::remote("beacon", core.clock.clone(), keys, revocations.clone(), false);
    let verifier = auth.clone();
    let feed = RevocationFeed::new(client, revocations, core.clock.clone())
        .on_keys_changed(move || verifier.keys_changed());
    (auth, feed)
}

#[tokio::test]
async fn only_helm_on_this_machine_sees_and_rotates_keys() {
    let core = Core::plain().await;
    let admin = core.user_token(PermissionLevel::Admin).await;
    for (secret, prefix, status) in [
        (Some(secret_of("helm")), None, 200),
        (Some(secret_of("codex")), None, 401),
        (Some(String::new()), None, 401),
        (None, None, 401),
        (Some(secret_of("helm")), Some("/core"), 403),
    ] {
        for request in [
            core.client.get("/api/internal/keys"),
            core.client.post("/api/internal/keys/rotate").json(&json!({"now": true})),
        ] {
            let mut request = request.bearer(&admin);
            if let Some(secret) = &secret {
                request = request.header("x-service-secret", secret);
            }
            if let Some(prefix) = prefix {
                request = request.header("x-forwarded-prefix", prefix);
            }
            let answer = request.send().await;
            assert_eq!(answer.status, status, "{secret:?} {prefix:?}: {}", answer.text());
        }
    }
    for (body, status) in
        [(json!({"now": "yes"}), 400), (json!([]), 400), (json!({"now": false}), 200), (json!({}), 409)]
    {
        assert_eq!(rotate(&core, body.clone()).await.status, status, "{body}");
    }
    let status =
        core.client.get("/api/internal/keys").header("x-service-secret", &secret_of("helm")).send().await;
    let states: Vec<_> =
        status.json()["keys"].as_array().unwrap().iter().map(|key| key["state"].clone()).collect();
    assert_eq!(states, [json!("signing"), json!("waiting")]);
}

#[tokio::test]
async fn a_damaged_list_of_keys_stops_the_start_but_not_a_running_core() {
    use std::os::unix::fs::PermissionsExt;

    use hivematrix_core::crypto::{key_files::KeyFileError, key_ring::KeyRing};

    let folder = tempfile::tempdir().unwrap();
    let clock = now();
    let core = start(folder.path(), &clock).await;
    rotated(&core, json!({})).await;
    let before = published(&core).await;
    let path = |name: &str| folder.path().join(name);
    let good = std::fs::read(path("jwt_keys.json")).unwrap();
    let open = || KeyRing::open(&path("jwt_private.pem"), &path("jwt_public.pem"), clock.clone()).map(|_| ());
    for damaged in ["", "{", "{}", r#"{"keys":[]}"#] {
        std::fs::write(path("jwt_keys.json"), damaged).unwrap();
        assert!(matches!(open(), Err(KeyFileError::Manifest { .. })), "{damaged}");
        assert_eq!(published(&core).await, before, "{damaged}");
        core.service_token("beacon").await;
    }
    std::fs::write(path("jwt_keys.json"), &good).unwrap();
    std::fs::set_permissions(path("jwt_keys.json"), std::fs::Permissions::from_mode(0o644)).unwrap();
    assert!(matches!(open(), Err(KeyFileError::OpenMode { .. })));
    std::fs::set_permissions(path("jwt_keys.json"), std::fs::Permissions::from_mode(0o600)).unwrap();
    assert!(open().is_ok());
    std::fs::remove_file(path("jwt_private.pem")).unwrap();
    assert!(
        matches!(open(), Err(KeyFileError::Io { .. })),
        "a key of the list is missing, none is made in its place"
    );
}

#[tokio::test]
async fn answers_with_tokens_are_kept_by_no_cache() {
    let core = Core::plain().await;
    let user = core.user_token(PermissionLevel::Admin).await;
    let names = json!({"calling_service": "beacon", "target_service": "codex"});
    let helm = secret_of("helm");
    for (request, status) in [
        (
            core.client.post("/service-token").json(&names).header("x-service-secret", &secret_of("beacon")),
            200,
        ),
        (core.client.post("/service-token").json(&names), 401),
        (core.client.post("/api/token/validate").json(&json!({"token": user})), 200),
        (
            core.client
                .post("/api/token/introspect")
                .form(&[("token", &user)])
                .header("x-service-secret", &helm),
            200,
        ),
        (
            core.client
                .post("/api/internal/token")
                .json(&json!({"permission_level": "client"}))
                .header("x-service-secret", &helm),
            200,
        ),
        (core.client.post("/api/token/exchange").json(&json!({})), 400),
    ] {
        let answer = request.send().await;
        assert_eq!((answer.status.as_u16(), answer.header("cache-control")), (status, "no-store"));
    }
    let jwks = core.client.get("/.well-known/jwks.json").send().await;
    assert_eq!(jwks.header("cache-control"), "", "verifiers keep it for 300 s by themselves");
}
