//! Calls between services, against a small Core and target in this process.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use axum::{
    Router,
    extract::Request,
    routing::{get, post},
};
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::{ServiceClient, ServiceError};
use crate::{
    config::Secret,
    correlation,
    registry::{Registry, RegistryHandle, ServiceEntry},
    testing::settings,
};

async fn spawn(router: Router) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}")
}

/// A Core that counts how often it is asked for a token and puts the request into it.
async fn core(asked: Arc<AtomicUsize>) -> String {
    let tokens = move |headers: HeaderMap, axum::Json(body): axum::Json<Value>| async move {
        asked.fetch_add(1, Ordering::SeqCst);
        let secret = headers.get("x-service-secret").map(|value| value.to_str().unwrap().to_owned());
        if secret.as_deref() != Some("s3cret") {
            return (StatusCode::UNAUTHORIZED, axum::Json(json!({})));
        }
        let token = format!(
            "{}-{}",
            body["calling_service"].as_str().unwrap(),
            body["target_service"].as_str().unwrap()
        );
        (StatusCode::OK, axum::Json(json!({ "token": token })))
    };
    spawn(Router::new().route("/service-token", post(tokens))).await
}

fn client(core: &str, secret: &str, target_urls: &[&str]) -> ServiceClient {
    let mut settings = settings("beacon");
    settings.core_url = Some(core.to_owned());
    settings.service_secret = Secret::new(secret);
    let mut registry = Registry::default();
    if let Some(first) = target_urls.first() {
        let mut entry = ServiceEntry::at(*first);
        entry.urls = target_urls.iter().map(|url| (*url).to_owned()).collect();
        registry.0.insert("codex".into(), entry);
    }
    ServiceClient::new(&settings, RegistryHandle::of(registry)).unwrap()
}

async fn target() -> String {
    let show = |request: Request| async move {
        let header =
            |name: &str| request.headers().get(name).map(|v| v.to_str().unwrap_or_default().to_owned());
        axum::Json(json!({
            "authorization": header("authorization"), "correlation": header("x-correlation-id"),
            "query": request.uri().query(),
        }))
    };
    spawn(Router::new().route("/api/x", get(show))).await
}

#[tokio::test]
async fn a_call_carries_token_query_and_correlation_id_and_the_token_is_asked_for_once() {
    let asked = Arc::new(AtomicUsize::new(0));
    let client = client(&core(asked.clone()).await, "s3cret", &[&target().await]);
    for _ in 0..3 {
        let call = client.get("codex", "/api/x").query(&[("a", "b c")]).json_answer::<Value>();
        let seen = correlation::scope("req-1".into(), call).await.unwrap();
        assert_eq!(
            seen,
            json!({"authorization": "Bearer beacon-codex", "correlation": "req-1", "query": "a=b+c"})
        );
    }
    assert_eq!(asked.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn an_unknown_service_is_an_error_before_any_request() {
    let asked = Arc::new(AtomicUsize::new(0));
    let client = client(&core(asked.clone()).await, "s3cret", &[]);
    let error = client.get("codex", "/api/x").send().await.unwrap_err();
    assert!(matches!(error, ServiceError::UnknownService(name) if name == "codex"));
    assert_eq!(asked.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn without_the_right_secret_there_is_no_token_and_no_call() {
    let client = client(&core(Arc::default()).await, "wrong", &[&target().await]);
    let error = client.get("codex", "/api/x").send().await.unwrap_err();
    assert!(matches!(error, ServiceError::Token { .. }), "{error}");
}

/// A Core that gives tokens for `codex` and never answers for another target, with a signal that it was asked for one.
async fn hanging_core() -> (String, Arc<tokio::sync::Semaphore>) {
    let hanging = Arc::new(tokio::sync::Semaphore::new(0));
    let seen = hanging.clone();
    let tokens = move |axum::Json(body): axum::Json<Value>| async move {
        if body["target_service"] != "codex" {
            seen.add_permits(1);
            std::future::pending::<()>().await;
        }
        axum::Json(json!({ "token": "t" }))
    };
    (spawn(Router::new().route("/service-token", post(tokens))).await, hanging)
}

#[tokio::test]
async fn a_token_that_is_there_does_not_wait_for_one_that_core_does_not_give() {
    let (core, hanging) = hanging_core().await;
    let client = client(&core, "s3cret", &[]);
    assert_eq!(client.service_token("codex", None).await.unwrap(), "t");
    let other = client.clone();
    let waiting = tokio::spawn(async move { other.service_token("helm", None).await });
    let _asked = hanging.acquire().await.unwrap();
    assert_eq!(client.service_token("codex", None).await.unwrap(), "t");
    assert!(!waiting.is_finished());
    waiting.abort();
}

#[tokio::test]
async fn a_dead_instance_is_left_out_while_another_lives() {
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let dead = format!("http://{}", free.local_addr().unwrap());
    drop(free);
    let client = client(&core(Arc::default()).await, "s3cret", &[&dead, &target().await]);
    for _ in 0..4 {
        assert_eq!(client.get("codex", "/api/x").send().await.unwrap().status(), StatusCode::OK);
    }
}

#[tokio::test]
async fn a_service_that_is_away_is_a_503_for_the_client() {
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let dead = format!("http://{}", free.local_addr().unwrap());
    drop(free);
    let client = client(&core(Arc::default()).await, "s3cret", &[&dead]);
    let error = client.get("codex", "/api/x").send().await.unwrap_err();
    assert_eq!(crate::problem::Problem::from(error).status(), StatusCode::SERVICE_UNAVAILABLE);
}

async fn nobody() -> String {
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap();
    format!("http://{}", free.local_addr().unwrap())
}

#[tokio::test]
async fn tokens_come_from_another_core_when_one_is_dead_and_calls_go_on() {
    let asked = Arc::new(AtomicUsize::new(0));
    let cores = format!("{}, {}/", nobody().await, core(asked.clone()).await);
    let client = client(&cores, "s3cret", &[&target().await]);
    for _ in 0..2 {
        assert_eq!(client.get("codex", "/api/x").send().await.unwrap().status(), StatusCode::OK);
        client.0.tokens.forget("codex", None);
    }
    assert_eq!(asked.load(Ordering::SeqCst), 2);
    let open = client.call_open("core", |http, base| http.post(format!("{base}/service-token"))).await;
    assert_eq!(open.unwrap().status(), StatusCode::UNSUPPORTED_MEDIA_TYPE);
}

#[tokio::test]
async fn calls_are_spread_over_all_instances_although_their_tokens_come_from_several_cores() {
    let seen = Arc::new([const { AtomicUsize::new(0) }; 2]);
    let instance = async |number: usize| {
        let seen = seen.clone();
        let count = move || async move { seen[number].fetch_add(1, Ordering::SeqCst).to_string() };
        spawn(Router::new().route("/api/x", get(count))).await
    };
    let targets = [instance(0).await, instance(1).await];
    let cores = format!("{},{}", core(Arc::default()).await, core(Arc::default()).await);
    let client = client(&cores, "s3cret", &[&targets[0], &targets[1]]);
    for _ in 0..10 {
        client.get("codex", "/api/x").send().await.unwrap();
    }
    for count in seen.iter() {
        assert!(count.load(Ordering::SeqCst) >= 4, "{seen:?}");
    }
}

#[test]
fn the_settings_win_over_the_registry_unless_they_name_one_instance_of_several() {
    let of = |setting: Option<&str>, registered: &[&str]| {
        let mut settings = settings("beacon");
        settings.core_url = setting.map(str::to_owned);
        let mut registry = Registry::default();
        if let Some(first) = registered.first() {
            let mut entry = ServiceEntry::at(*first);
            entry.urls = registered.iter().map(|url| (*url).to_owned()).collect();
            registry.0.insert("core".into(), entry);
        }
        ServiceClient::new(&settings, RegistryHandle::of(registry)).unwrap().instances("core").unwrap()
    };
    let two = &["http://a", "http://b"][..];
    for (setting, registered, instances) in [
        (None, &[][..], &["http://localhost:5000"][..]),
        (Some(""), two, two),
        (None, two, two),
        (Some("http://a/"), two, two),
        (Some("http://c"), two, &["http://c"]),
        (Some("http://c , http://d/,"), two, &["http://c", "http://d"]),
        (Some("http://a"), &["http://a"], &["http://a"]),
    ] {
        assert_eq!(of(setting, registered), instances, "{setting:?} {registered:?}");
    }
}
