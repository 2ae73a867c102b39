//! The limits through a router, as requests meet them.

use std::net::SocketAddr;

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::ConnectInfo,
    middleware::{self, Next},
    routing::get,
};
use http::{StatusCode, header};
use serde_json::{Value, json};
use tower::ServiceExt;

use super::*;
use crate::auth::{ActingUser, Caller, ServiceClaims, UserClaims};

fn user(sub: &str) -> Caller {
    Caller::User(UserClaims {
        iss: String::new(),
        sub: sub.into(),
        jti: None,
        name: String::new(),
        email: String::new(),
        email_verified: None,
        preferred_username: String::new(),
        permission_level: Default::default(),
        groups: Vec::new(),
        iat: 0,
        exp: 0,
    })
}

fn service(name: &str, on_behalf_of: Option<&str>) -> Caller {
    Caller::Service(ServiceClaims {
        iss: String::new(),
        sub: format!("service:{name}"),
        token_type: "service".into(),
        calling_service: name.into(),
        target_service: "codex".into(),
        on_behalf_of: on_behalf_of.map(|sub| ActingUser { sub: sub.into(), ..ActingUser::default() }),
        iat: 0,
        exp: 0,
    })
}

/// A service with the given limits; requests carry the caller as an extension, as after authentication.
fn app(limits: Limits, scale: f64) -> (Router, RateLimits) {
    let limits = RateLimits::new(limits, scale);
    let ok = || async { "ok" };
    let app = Router::new()
        .route("/api/tickets/{view}", get(ok).post(ok))
        .route("/api/companies", get(ok))
        .route("/static/{*path}", get(ok))
        .route("/display/{link}", get(ok))
        .route("/health", get(ok))
        .layer(limits.per_caller_layer())
        .layer(middleware::from_fn(|request: axum::extract::Request, next: Next| next.run(request)))
        .layer(limits.per_address_layer());
    (app, limits)
}

struct Call<'a> {
    method: Method,
    path: &'a str,
    caller: Option<Caller>,
    peer: &'a str,
    forwarded_for: Option<&'a str>,
}

fn call(path: &str) -> Call<'_> {
    Call { method: Method::GET, path, caller: None, peer: "127.0.0.1", forwarded_for: None }
}

impl Call<'_> {
    async fn send(&self, app: &Router) -> axum::response::Response {
        let mut request = Request::builder().method(&self.method).uri(self.path).body(Body::empty()).unwrap();
        request.extensions_mut().insert(ConnectInfo(SocketAddr::new(self.peer.parse().unwrap(), 1)));
        if let Some(caller) = &self.caller {
            request.extensions_mut().insert(caller.clone());
        }
        if let Some(address) = self.forwarded_for {
            request.headers_mut().insert("x-forwarded-for", address.parse().unwrap());
        }
        app.clone().oneshot(request).await.unwrap()
    }

    /// How many of `tries` requests pass.
    async fn passed(&self, app: &Router, tries: usize) -> usize {
        let mut passed = 0;
        for _ in 0..tries {
            passed += usize::from(self.send(app).await.status() == StatusCode::OK);
        }
        passed
    }
}

fn three_a_day() -> Limits {
    Limits::platform_default().defaults(&[(3, Per::Day)])
}

#[tokio::test]
async fn each_user_service_and_address_has_a_count_of_its_own() {
    let (app, _) = app(three_a_day(), 1.0);
    for caller in [
        Some(user("u-1")),
        Some(user("u-2")),
        Some(service("beacon", None)),
        Some(service("ledger", None)),
        None,
    ] {
        let call = Call { caller, ..call("/api/companies") };
        assert_eq!(call.passed(&app, 5).await, 3, "{:?}", call.caller);
    }
}

#[tokio::test]
async fn a_service_on_behalf_of_a_user_counts_for_the_user() {
    let (app, _) = app(three_a_day(), 1.0);
    let direct = Call { caller: Some(user("u-1")), ..call("/api/companies") };
    let through = Call { caller: Some(service("brainhair", Some("u-1"))), ..call("/api/companies") };
    assert_eq!(direct.passed(&app, 2).await, 2);
    assert_eq!(through.passed(&app, 2).await, 1);
}

#[tokio::test]
async fn without_a_token_the_forwarded_address_counts() {
    let (app, _) = app(three_a_day(), 1.0);
    for address in ["203.0.113.1", "203.0.113.2"] {
        let call = Call { forwarded_for: Some(address), ..call("/api/companies") };
        assert_eq!(call.passed(&app, 5).await, 3);
    }
}

#[tokio::test]
async fn every_window_must_agree() {
    let (app, _) = app(Limits::platform_default().defaults(&[(100, Per::Day), (2, Per::Hour)]), 1.0);
    assert_eq!(call("/api/companies").passed(&app, 5).await, 2);
    let (app, _) = self::app(Limits::platform_default().defaults(&[(2, Per::Day), (100, Per::Hour)]), 1.0);
    assert_eq!(call("/api/companies").passed(&app, 5).await, 2);
}

#[tokio::test]
async fn a_route_with_its_own_limit_is_not_counted_by_the_default() {
    let limits = three_a_day().route(Method::GET, "/api/tickets/{view}", &[(5, Per::Day)]);
    let (app, _) = app(limits, 1.0);
    assert_eq!(call("/api/tickets/helpdesk").passed(&app, 4).await, 4);
    // All views are one route and share its count.
    assert_eq!(call("/api/tickets/professional-services").passed(&app, 4).await, 1);
    // Another method and other routes are under the default, untouched so far.
    let post = Call { method: Method::POST, ..call("/api/tickets/helpdesk") };
    assert_eq!(post.passed(&app, 2).await, 2);
    assert_eq!(call("/api/companies").passed(&app, 4).await, 1);
}

#[tokio::test]
async fn a_link_is_counted_by_itself_whoever_opens_it() {
    let limits = three_a_day().route_by(KeyBy::Path, Methods::Any, "/display/{link}", &[(2, Per::Day)]);
    let (app, _) = app(limits, 1.0);
    let from = |address| Call { forwarded_for: Some(address), ..call("/display/a") };
    assert_eq!(from("203.0.113.1").passed(&app, 1).await, 1);
    assert_eq!(from("203.0.113.2").passed(&app, 3).await, 1);
    assert_eq!(call("/display/b").passed(&app, 3).await, 2);
}

#[tokio::test]
async fn a_route_that_takes_passwords_is_counted_by_address_even_for_users() {
    let limits =
        three_a_day().route_by(KeyBy::Address, Method::POST, "/api/tickets/{view}", &[(2, Per::Day)]);
    let (app, _) = app(limits, 1.0);
    let with = |sub| Call {
        method: Method::POST,
        caller: Some(user(sub)),
        forwarded_for: Some("203.0.113.1"),
        ..call("/api/tickets/helpdesk")
    };
    assert_eq!(with("u-1").passed(&app, 1).await + with("u-2").passed(&app, 2).await, 2);
}

#[tokio::test]
async fn exempt_routes_and_prefixes_are_never_limited() {
    let limits = three_a_day().exempt("/static/*").per_address(&[(1, Per::Day)]);
    let (app, _) = app(limits, 1.0);
    for path in ["/health", "/static/css/app.css"] {
        let call = Call { peer: "198.51.100.1", ..call(path) };
        assert_eq!(call.passed(&app, 20).await, 20, "{path}");
    }
}

#[tokio::test]
async fn before_authentication_an_address_has_a_coarse_limit_but_local_services_do_not() {
    let (app, _) = app(Limits::platform_default().per_address(&[(4, Per::Day)]), 1.0);
    let from = |peer, forwarded_for, sub: &str| Call {
        peer,
        forwarded_for,
        caller: Some(user(sub)),
        ..call("/api/companies")
    };
    assert_eq!(from("198.51.100.1", None, "u-1").passed(&app, 3).await, 3);
    assert_eq!(from("198.51.100.1", None, "u-2").passed(&app, 3).await, 1);
    assert_eq!(from("127.0.0.1", Some("203.0.113.9"), "u-3").passed(&app, 6).await, 4);
    assert_eq!(from("127.0.0.1", None, "u-4").passed(&app, 20).await, 20);
}

#[tokio::test]
async fn the_scale_multiplies_all_limits() {
    let limits = three_a_day().route(Methods::Any, "/api/tickets/{view}", &[(1, Per::Day)]);
    let (app, _) = app(limits, 3.0);
    assert_eq!(call("/api/companies").passed(&app, 12).await, 9);
    assert_eq!(call("/api/tickets/x").passed(&app, 12).await, 3);
}

#[tokio::test]
async fn the_answer_is_a_problem_that_says_when_to_come_back() {
    let (app, _) = app(Limits::platform_default().defaults(&[(1, Per::Hour)]), 1.0);
    assert_eq!(call("/api/companies").passed(&app, 1).await, 1);
    let response = call("/api/companies").send(&app).await;
    assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(response.headers()[header::CONTENT_TYPE], "application/problem+json");
    let retry_after: u64 = response.headers()[header::RETRY_AFTER].to_str().unwrap().parse().unwrap();
    assert!((1..=3600).contains(&retry_after), "{retry_after}");
    let body: Value = serde_json::from_slice(&to_bytes(response.into_body(), 4096).await.unwrap()).unwrap();
    assert_eq!(
        body,
        json!({
            "type": "https://httpstatuses.com/429", "title": "Too Many Requests", "status": 429,
            "detail": "Rate limit exceeded. Try again later.", "retry_after": retry_after
        })
    );
}

#[tokio::test]
async fn idle_keys_are_forgotten_and_busy_ones_kept() {
    // One request of a million a minute is made good within a tenth of a millisecond.
    let limits = Limits::platform_default().defaults(&[(1, Per::Day)]).route(
        Methods::Any,
        "/api/tickets/{view}",
        &[(1_000_000, Per::Minute)],
    );
    let (app, limits) = app(limits, 1.0);
    for number in 0..50 {
        let caller = Some(user(&number.to_string()));
        Call { caller: caller.clone(), ..call("/api/tickets/x") }.send(&app).await;
        Call { caller, ..call("/api/companies") }.send(&app).await;
    }
    while limits.0.routes[0].2.keys() > 0 {
        limits.forget_idle();
    }
    assert_eq!(limits.0.default.keys(), 50);
}
