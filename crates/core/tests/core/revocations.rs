//! The feed of ended sessions (core.md §2.7).

use std::time::Duration;

use futures::StreamExt;
use hivematrix_shared::auth::PermissionLevel::{Admin, Technician};
use serde_json::{Value, json};

use crate::support::{Core, Options, RedisServer, claims, eventually};

async fn revoke(core: &Core, token: &str) {
    let answer = core.client.post("/api/token/revoke").json(&json!({"token": token})).send().await;
    assert_eq!(answer.status, 200);
}

async fn page(core: &Core, since: Option<&str>) -> Value {
    let token = core.service_token("beacon").await;
    let path = since
        .map_or_else(|| "/api/revocations".to_owned(), |since| format!("/api/revocations?since={since}"));
    let answer = core.client.get(&path).bearer(&token).send().await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

fn ids(page: &Value) -> Vec<String> {
    page["revoked"].as_array().unwrap().iter().map(|one| one["jti"].as_str().unwrap().to_owned()).collect()
}

fn jti(token: &str) -> String {
    claims(token)["jti"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn the_page_continues_after_its_cursor_and_forgets_what_has_expired() {
    let core = Core::plain().await;
    let (first, second) = (core.user_token(Technician).await, core.user_token(Admin).await);
    let empty = page(&core, None).await;
    assert_eq!(empty, json!({"cursor": "0-0", "revoked": []}));
    revoke(&core, &first).await;
    let one = page(&core, empty["cursor"].as_str()).await;
    assert_eq!(one["revoked"], json!([{"jti": jti(&first), "exp": core.clock.unix() + 3600}]));
    revoke(&core, &second).await;
    assert_eq!(ids(&page(&core, one["cursor"].as_str()).await), [jti(&second)]);
    assert_eq!(ids(&page(&core, None).await), [jti(&first), jti(&second)]);
    core.clock.advance(chrono::TimeDelta::seconds(3600));
    assert!(ids(&page(&core, None).await).is_empty());
}

#[tokio::test]
async fn the_feed_is_for_services_that_mean_core() {
    let core = Core::plain().await;
    let user = core.user_token(Admin).await;
    let now = core.clock.unix();
    let elsewhere = hivematrix_core::domain::claims::service("beacon", "codex", None, now);
    let elsewhere = core.state.keys.sign(&elsewhere).await.unwrap();
    let get = |path: &str| core.client.get(path);
    assert_eq!(get("/api/revocations").send().await.status, 401);
    assert_eq!(get("/api/revocations").bearer(&user).send().await.status, 403);
    assert_eq!(get("/api/revocations").bearer(&elsewhere).send().await.status, 401);
    let beacon = core.service_token("beacon").await;
    assert_eq!(get("/api/revocations?since=yesterday").bearer(&beacon).send().await.status, 400);
}

#[tokio::test]
async fn a_token_whose_session_is_unknown_is_announced_all_the_same() {
    let core = Core::plain().await;
    let now = core.clock.unix();
    let claims = json!({"iss": "hivematrix-core", "sub": "u", "jti": "from-before", "permission_level": "admin", "iat": now,
        "exp": now + 60});
    let token = core.state.keys.sign(&claims).await.unwrap();
    assert_eq!(core.client.post("/api/token/revoke").json(&json!({"token": token})).send().await.status, 404);
    assert_eq!(ids(&page(&core, None).await), ["from-before"]);
}

/// Events of an open stream.
struct Stream {
    body: std::pin::Pin<Box<dyn futures::Stream<Item = reqwest::Result<bytes::Bytes>> + Send>>,
    buffer: String,
}

impl Stream {
    async fn open(core: &Core, last_event_id: Option<&str>) -> Self {
        let mut request = reqwest::Client::new()
            .get(format!("{}/api/revocations", core.url))
            .bearer_auth(core.service_token("beacon").await)
            .header("accept", "text/event-stream");
        if let Some(id) = last_event_id {
            request = request.header("last-event-id", id);
        }
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self { body: Box::pin(response.bytes_stream()), buffer: String::new() }
    }

    /// The next event's lines, comments left out.
    async fn next(&mut self) -> Vec<String> {
        loop {
            if let Some((event, rest)) = self.buffer.split_once("\n\n") {
                let lines: Vec<_> =
                    event.lines().filter(|line| !line.starts_with(':')).map(str::to_owned).collect();
                self.buffer = rest.to_owned();
                if !lines.is_empty() {
                    return lines;
                }
                continue;
            }
            let chunk = tokio::time::timeout(Duration::from_secs(10), self.body.next())
                .await
                .expect("an event comes");
            self.buffer.push_str(std::str::from_utf8(&chunk.unwrap().unwrap()).unwrap());
        }
    }
}

#[tokio::test]
async fn the_stream_brings_each_revocation_once_and_resumes_after_an_event() {
    let core = Core::plain().await;
    let tokens =
        [core.user_token(Technician).await, core.user_token(Admin).await, core.user_token(Admin).await];
    revoke(&core, &tokens[0]).await;
    let mut stream = Stream::open(&core, None).await;
    let first = stream.next().await;
    let data = json!({"jti": jti(&tokens[0]), "exp": core.clock.unix() + 3600});
    let field = |lines: &[String], name: &str| {
        lines.iter().find_map(|line| line.strip_prefix(&format!("{name}: ")).map(str::to_owned)).unwrap()
    };
    assert_eq!(field(&first, "event"), "revoked");
    assert_eq!(serde_json::from_str::<Value>(&field(&first, "data")).unwrap(), data);

    revoke(&core, &tokens[1]).await;
    assert!(field(&stream.next().await, "data").contains(&jti(&tokens[1])));
    drop(stream);
    revoke(&core, &tokens[2]).await;
    let mut resumed = Stream::open(&core, Some(&field(&first, "id"))).await;
    assert!(field(&resumed.next().await, "data").contains(&jti(&tokens[1])));
    assert!(field(&resumed.next().await, "data").contains(&jti(&tokens[2])));
}

#[tokio::test]
async fn instances_share_revocations_by_redis_and_a_restarted_one_still_knows_them() {
    let redis = RedisServer::start().await;
    let clock = crate::support::now();
    let start = async || {
        Core::start(Options { redis_url: Some(redis.url()), clock: clock.clone(), ..Options::default() })
            .await
    };
    let (one, two) = (start().await, start().await.with_jobs());
    let token = one.user_token(Technician).await;
    let mut stream = Stream::open(&two, None).await;
    revoke(&one, &token).await;
    let event = stream.next().await;
    assert!(event.iter().any(|line| line.contains(&jti(&token))), "{event:?}");
    eventually("the other instance refuses the session itself", async || {
        two.state.sessions.live(&jti(&token)).await.unwrap().is_none()
    })
    .await;
    drop(one);
    let restarted = start().await;
    assert_eq!(ids(&page(&restarted, None).await), [jti(&token)]);
}
