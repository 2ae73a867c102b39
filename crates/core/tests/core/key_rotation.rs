//! Rotation of the signing keys (core.md §5): over real HTTP, by a clock that the tests move.

use std::{
    collections::BTreeSet,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use chrono::TimeDelta;
use hivematrix_core::{config::Settings, domain::session::LONGEST_LIFETIME};
use hivematrix_shared::{
    auth::{
        AuthError, Authenticator, DEFAULT_KEY_ID, PermissionLevel, RemoteKeys, Revocations, TokenKeys,
        Unverified,
    },
    clock::Clock,
    testing,
};
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use crate::support::{Core, Options, claims, now, part, secret_of};

/// What the contract promises: published this long before it signs, and counting this long after.
const AHEAD: i64 = 360;
const OVERLAP: i64 = LONGEST_LIFETIME + 60;

pub(crate) async fn start(folder: &Path, clock: &Clock) -> Core {
    let change = |settings: &mut Settings| settings.common.rate_limit_scale = 1e6;
    Core::start(Options { keys_in: Some(folder.into()), clock: clock.clone(), change, ..Options::default() })
        .await
}

pub(crate) async fn rotate(core: &Core, body: Value) -> testing::TestResponse {
    let request = core.client.post("/api/internal/keys/rotate").json(&body);
    request.header("x-service-secret", &secret_of("helm")).send().await
}

/// Starts a rotation; returns the new key's name.
pub(crate) async fn rotated(core: &Core, body: Value) -> String {
    let answer = rotate(core, body).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let keys = answer.json()["keys"].as_array().unwrap().clone();
    keys.last().unwrap()["kid"].as_str().unwrap().to_owned()
}

pub(crate) async fn published(core: &Core) -> Vec<String> {
    let jwks = core.client.get("/.well-known/jwks.json").send().await.json();
    jwks["keys"].as_array().unwrap().iter().map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
}

pub(crate) fn kid(token: &str) -> String {
    part(token, 0)["kid"].as_str().unwrap().to_owned()
}

pub(crate) fn files(folder: &Path) -> BTreeSet<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

/// A service that verifies with the published keys.
fn service(core: &Core, name: &str) -> Authenticator {
    let url = core.url.clone();
    let keys = RemoteKeys::new(move || url.clone(), reqwest::Client::new());
    Authenticator::remote(name, core.clock.clone(), keys, Arc::new(Revocations::local()), false)
}

/// A verifier as upstream's services have: it keeps a key set for 300 s whatever happens.
struct Upstream {
    url: String,
    clock: Clock,
    known: tokio::sync::Mutex<Option<(TokenKeys, i64)>>,
}

impl Upstream {
    async fn accepts(&self, token: &str) -> bool {
        let mut known = self.known.lock().await;
        let now = self.clock.unix();
        if known.as_ref().is_none_or(|(_, fetched)| now - fetched >= 300) {
            let url = format!("{}/.well-known/jwks.json", self.url);
            let document: Value = reqwest::get(url).await.unwrap().json().await.unwrap();
            *known = Some((TokenKeys::from_jwks(&document).unwrap(), now));
        }
        let unverified = Unverified::read(token).unwrap();
        let key = known.as_ref().and_then(|(keys, _)| keys.get(unverified.key_id(), 0));
        key.is_some_and(|key| unverified.verified::<Value>(key).is_ok())
    }
}

/// Who asks Core and its services all the time.
#[derive(Clone)]
struct Caller {
    core: Arc<Core>,
    http: reqwest::Client,
    codex: Authenticator,
    upstream: Arc<Upstream>,
    /// A token from before the rotation that lasts as long as any.
    long_lived: String,
}

impl Caller {
    /// One round of requests, none of which may fail; returns the name of the key that signs.
    async fn round(&self) -> String {
        let request = self.http.post(format!("{}/service-token", self.core.url));
        let request = request.header("x-service-secret", secret_of("beacon"));
        let names = json!({"calling_service": "beacon", "target_service": "codex"});
        let answer = request.json(&names).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        let token = answer.json::<Value>().await.unwrap()["token"].as_str().unwrap().to_owned();
        assert_eq!(self.codex.verify(&token).await.err(), None, "a fresh token at a service");
        assert!(self.upstream.accepts(&token).await, "a fresh token at a service of the original suite");

        let sessions = self.http.get(format!("{}/api/sessions", self.core.url)).bearer_auth(&self.long_lived);
        assert_eq!(sessions.send().await.unwrap().status(), 200, "an old token at Core");
        assert_eq!(self.codex.verify(&self.long_lived).await.err(), None, "an old token at a service");
        assert!(
            self.upstream.accepts(&self.long_lived).await,
            "an old token at a service of the original suite"
        );
        kid(&token)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_request_fails_while_keys_are_rotated_under_load() {
    let folder = tempfile::tempdir().unwrap();
    let clock = now();
    let core = Arc::new(start(folder.path(), &clock).await);
    let upstream = Upstream { url: core.url.clone(), clock: clock.clone(), known: Default::default() };
    let caller = Caller {
        core: core.clone(),
        http: reqwest::Client::new(),
        codex: service(&core, "codex"),
        upstream: Arc::new(upstream),
        long_lived: core.user_token_for(PermissionLevel::Admin, LONGEST_LIFETIME).await,
    };
    let (rounds, stop) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
    let load: Vec<_> = (0..4)
        .map(|_| {
            let (caller, rounds, stop) = (caller.clone(), rounds.clone(), stop.clone());
            tokio::spawn(async move {
                let mut signers = BTreeSet::new();
                while !stop.load(Ordering::Relaxed) {
                    signers.insert(caller.round().await);
                    rounds.fetch_add(1, Ordering::Relaxed);
                }
                signers
            })
        })
        .collect();

    // The clock moves on after some rounds only, by steps that are short against the life of a service token.
    let rounds_later = async || {
        let target = rounds.load(Ordering::Relaxed) + 8;
        while rounds.load(Ordering::Relaxed) < target && !load.iter().any(JoinHandle::is_finished) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    rounds_later().await;
    let new = rotated(&core, json!({})).await;
    for _ in 0..40 {
        rounds_later().await;
        clock.advance(TimeDelta::seconds(20));
        core.state.keys.tick();
    }
    rounds_later().await;
    stop.store(true, Ordering::Relaxed);
    for task in load {
        assert_eq!(task.await.unwrap(), BTreeSet::from([DEFAULT_KEY_ID.to_owned(), new.clone()]));
    }
    // The rest of the overlap in big steps, in turn.
    for _ in 0..23 {
        clock.advance(TimeDelta::seconds(3600));
        core.state.keys.tick();
        assert_eq!(caller.round().await, new);
    }
    let expires = claims(&caller.long_lived)["exp"].as_i64().unwrap();
    clock.advance(TimeDelta::seconds(expires - clock.unix()));
    assert_eq!(caller.codex.verify(&caller.long_lived).await, Err(AuthError::Expired), "in its own time");
    assert_eq!(published(&core).await, [new.as_str(), DEFAULT_KEY_ID]);
    clock.advance(TimeDelta::seconds(AHEAD + 60));
    assert_eq!(published(&core).await, [new]);
}

#[tokio::test]
async fn both_keys_are_published_and_the_new_one_signs_after_360_s() {
    let folder = tempfile::tempdir().unwrap();
    let core = start(folder.path(), &now()).await;
    let before = core.user_token_for(PermissionLevel::Technician, LONGEST_LIFETIME).await;
    assert_eq!(published(&core).await, [DEFAULT_KEY_ID]);
    let answer = rotate(&core, json!({})).await;
    let new = answer.json()["keys"][1]["kid"].as_str().unwrap().to_owned();
    insta::assert_json_snapshot!("rotated", answer.json(), {
        ".keys[].created_at" => "[time]", ".keys[].signs_from" => "[time]", ".keys[].retires_at" => "[time]",
        ".keys[1].kid" => "[thumbprint]",
    });
    let jwks = core.client.get("/.well-known/jwks.json").send().await.json();
    insta::assert_json_snapshot!("jwks_with_two_keys", jwks, {
        ".keys[].n" => "[modulus]", ".keys[1].kid" => "[thumbprint]",
    });
    let jwk: jsonwebtoken::jwk::Jwk = serde_json::from_value(jwks["keys"][1].clone()).unwrap();
    assert_eq!(jwk.thumbprint(jsonwebtoken::jwk::ThumbprintHash::SHA256).unwrap(), new, "RFC 7638");

    core.clock.advance(TimeDelta::seconds(AHEAD - 1));
    assert_eq!(kid(&core.service_token("beacon").await), DEFAULT_KEY_ID);
    core.clock.advance(TimeDelta::seconds(1));
    assert_eq!(kid(&core.service_token("beacon").await), new);
    assert_eq!(published(&core).await, [new.as_str(), DEFAULT_KEY_ID], "the one that signs first");
    let validate =
        async || core.client.post("/api/token/validate").json(&json!({"token": before})).send().await.status;
    assert_eq!(validate().await, 200, "an old token");

    core.clock.advance(TimeDelta::seconds(OVERLAP - 1));
    assert_eq!(published(&core).await, [new.as_str(), DEFAULT_KEY_ID]);
    core.clock.advance(TimeDelta::seconds(1));
    assert_eq!(published(&core).await, [new.as_str()], "over");
    assert_eq!(validate().await, 401);
    assert!(files(folder.path()).contains("jwt_private.pem"));
    core.state.keys.tick();
    let short: String = new.chars().take(8).collect();
    assert_eq!(
        files(folder.path()),
        BTreeSet::from([
            "jwt_keys.json".to_owned(),
            "jwt_keys.lock".to_owned(),
            format!("jwt_{short}_private.pem"),
            format!("jwt_{short}_public.pem"),
        ]),
        "the files of the old key are gone"
    );
    assert_eq!(kid(&core.service_token("beacon").await), new);
}

#[tokio::test]
async fn a_restart_in_the_middle_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let clock = now();
    let first = start(folder.path(), &clock).await;
    let old_token = first.service_token("beacon").await;
    let new = rotated(&first, json!({})).await;
    drop(first);

    clock.advance(TimeDelta::seconds(100));
    let second = start(folder.path(), &clock).await;
    assert_eq!(published(&second).await, [DEFAULT_KEY_ID.to_owned(), new.clone()]);
    assert_eq!(kid(&second.service_token("beacon").await), DEFAULT_KEY_ID);
    let feed = second.client.get("/api/revocations").bearer(&old_token).send().await;
    assert_eq!(feed.status, 200, "a token from before the restart");
    clock.advance(TimeDelta::seconds(AHEAD - 100));
    assert_eq!(kid(&second.service_token("beacon").await), new);
    drop(second);

    clock.advance(TimeDelta::seconds(OVERLAP));
    let third = start(folder.path(), &clock).await;
    assert_eq!(published(&third).await, [new], "what is over is not read again");
}

#[tokio::test]
async fn two_instances_on_one_folder_act_alike() {
    let folder = tempfile::tempdir().unwrap();
    let clock = now();
    let (one, two) = (start(folder.path(), &clock).await, start(folder.path(), &clock).await);
    let (a, b) = tokio::join!(rotate(&one, json!({})), rotate(&two, json!({})));
    let mut statuses = [a.status.as_u16(), b.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409], "only one of two at the same moment");
    assert_eq!(published(&one).await, published(&two).await);
    clock.advance(TimeDelta::seconds(AHEAD));
    let (at_one, at_two) = (one.service_token("beacon").await, two.service_token("beacon").await);
    assert_eq!(kid(&at_one), kid(&at_two));
    assert_ne!(kid(&at_one), DEFAULT_KEY_ID);

    // A key that is only just there is known to the other instance when the first token comes.
    rotated(&one, json!({"now": true})).await;
    let user = one.user_token(PermissionLevel::Client).await;
    let answer = two.client.post("/api/token/validate").json(&json!({"token": user})).send().await;
    assert_eq!(answer.json()["error"], "Session expired or revoked", "known, only the session is elsewhere");
    assert_eq!(published(&two).await, [kid(&user)]);
}
