//! What reaches the backend and what comes back (nexus.md §8, §10).

use std::sync::Arc;

use axum::{
    Router,
    body::{Body, Bytes},
    extract::Request,
    response::IntoResponse,
    routing::{any, get, post},
};
use hivematrix_shared::auth::PermissionLevel::Billing;
use http::{Method, StatusCode, header};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tower::ServiceExt;

use crate::support::{HTML, Plan, World, echo, serve};

/// What `ledger` got.
async fn seen(world: &World, method: Method, path: &str) -> Value {
    let answer = world.call(method, path, Billing).send().await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    answer.json()
}

#[tokio::test]
async fn path_and_query_are_passed_on_byte_for_byte() {
    let world = World::new().await;
    for target in [
        "/",
        "/plans",
        "/a%2Fb/c%20d",
        "/a+b",
        "/plans?id=1&id=2&id=&x",
        "/plans?u=https://example.com/?a=b%26c",
        "/plans?",
        "/a;v=1,2/~x/$&'()*=:@!",
        "/plans/%C3%BC?q=%C3%BC",
    ] {
        assert_eq!(seen(&world, Method::GET, &format!("/ledger{target}")).await["target"], target);
    }
}

#[tokio::test]
async fn every_method_and_body_is_passed_on() {
    let world = World::new().await;
    for method in [Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
        let request = world.call(method.clone(), "/ledger/x", Billing).body("text/plain", b"hello".to_vec());
        let got = request.send().await.json();
        assert_eq!((&got["method"], &got["body"]), (&json!(method.as_str()), &json!("hello")));
    }
    let head = world.call(Method::HEAD, "/ledger/x", Billing).send().await;
    assert_eq!((head.status, head.text().as_str()), (StatusCode::OK, ""));
}

#[tokio::test]
async fn the_backend_gets_the_gateways_headers_and_nothing_forged() {
    let world = World::new().await;
    let token = world.identity.user_token(Billing);
    let answer = world
        .get("/ledger/x")
        .bearer(&token)
        .header("x-forwarded-for", "6.6.6.6")
        .header("x-forwarded-prefix", "/evil")
        .header("x-forwarded-host", "evil.example")
        .header("forwarded", "for=6.6.6.6")
        .header("x-real-ip", "6.6.6.6")
        .header("x_forwarded_for", "6.6.6.6")
        .header("te", "trailers")
        .header("connection", "keep-alive, x-hop")
        .header("x-hop", "1")
        .header("upgrade", "websocket")
        .header("cookie", "__Host-session=1.c; a=b; __Host-login-x=1; session=flash")
        .header("x-correlation-id", "abc-1")
        .header("x-custom", "kept")
        .send()
        .await;
    let got = answer.json()["headers"].clone();
    for (name, value) in [
        ("authorization", json!([format!("Bearer {token}")])),
        ("x-forwarded-for", json!(["127.0.0.1"])),
        ("x-forwarded-proto", json!(["https"])),
        ("x-forwarded-host", json!(["gw.test"])),
        ("x-forwarded-port", json!(["443"])),
        ("x-forwarded-prefix", json!(["/ledger"])),
        ("x-correlation-id", json!(["abc-1"])),
        ("cookie", json!(["a=b; session=flash"])),
        ("x-custom", json!(["kept"])),
    ] {
        assert_eq!(got[name], value, "{name}");
    }
    assert_eq!((&got["te"], &got["connection"]), (&json!(["trailers"]), &json!(["te"])), "asked for anew");
    for gone in ["forwarded", "x-real-ip", "x_forwarded_for", "x-hop", "upgrade"] {
        assert!(got[gone].is_null(), "{gone}");
    }
    assert_ne!(got["host"], json!(["gw.test"]), "the backend's own host");
    assert_eq!(answer.header("x-correlation-id"), "abc-1");
}

#[tokio::test]
async fn a_correlation_id_is_made_when_there_is_none_or_a_wrong_one() {
    let world = World::new().await;
    for given in [None, Some("a b\"c")] {
        let mut request = world.call(Method::GET, "/ledger/x", Billing);
        if let Some(given) = given {
            request = request.header("x-correlation-id", given);
        }
        let answer = request.send().await;
        let forwarded = answer.json()["headers"]["x-correlation-id"][0].as_str().unwrap().to_owned();
        assert_eq!(forwarded.len(), 36);
        assert_eq!(answer.header("x-correlation-id"), forwarded);
    }
}

#[tokio::test]
async fn answers_are_fitted_to_the_public_side() {
    let app = Router::new().fallback(any(|request: Request| async move {
        let own = format!("http://{}", request.headers()[header::HOST].to_str().unwrap());
        let location = match request.uri().path() {
            "/own" => format!("{own}/plans?a=1"),
            "/relative" => "/ledger/plans".to_owned(),
            _ => "https://example.com/".to_owned(),
        };
        let mut response = (StatusCode::FOUND, [(header::LOCATION, location)]).into_response();
        let headers = response.headers_mut();
        for cookie in [
            "session=flash; HttpOnly; Path=/",
            "b=2; Domain=example.net",
            "__Host-session=1.evil; Path=/; Secure",
        ] {
            headers.append(header::SET_COOKIE, cookie.parse().unwrap());
        }
        for (name, value) in [
            ("server", "x"),
            ("keep-alive", "timeout=5"),
            ("strict-transport-security", "max-age=1"),
            ("etag", "\"1\""),
        ] {
            headers.insert(name, value.parse().unwrap());
        }
        response
    }));
    let world = World::in_front_of(app).await;
    for (path, location) in
        [("/own", "/ledger/plans?a=1"), ("/relative", "/ledger/plans"), ("/other", "https://example.com/")]
    {
        let answer = world.call(Method::GET, &format!("/ledger{path}"), Billing).send().await;
        assert_eq!(answer.header("location"), location);
        let cookies: Vec<_> =
            answer.headers.get_all("set-cookie").iter().map(|c| c.to_str().unwrap()).collect();
        assert_eq!(cookies, ["session=flash; HttpOnly; Path=/ledger", "b=2; Path=/ledger"]);
        for gone in ["server", "keep-alive", "strict-transport-security"] {
            assert!(!answer.headers.contains_key(gone), "{gone}");
        }
        assert_eq!(answer.header("etag"), "\"1\"");
        assert_eq!(answer.header("cache-control"), "private, no-cache");
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        assert_eq!(answer.header("referrer-policy"), "same-origin");
        assert!(answer.headers.contains_key("permissions-policy"));
        assert!(!answer.headers.contains_key("access-control-allow-origin"));
    }
}

#[tokio::test]
async fn a_backends_error_is_passed_on_as_it_is() {
    let app = Router::new()
        .fallback(any(|| async { (StatusCode::IM_A_TEAPOT, [("x-a", "b")], "short and stout") }));
    let world = World::in_front_of(app).await;
    let answer = world.call(Method::GET, "/ledger/", Billing).header("accept", HTML).send().await;
    assert_eq!(
        (answer.status, answer.header("x-a"), answer.text().as_str()),
        (StatusCode::IM_A_TEAPOT, "b", "short and stout")
    );
}

/// A backend whose answer the test writes piece by piece.
fn written(content_type: &'static str) -> (Router, mpsc::Sender<Result<Bytes, std::io::Error>>) {
    let (sender, receiver) = mpsc::channel(1);
    let receiver = Arc::new(tokio::sync::Mutex::new(Some(receiver)));
    let app = Router::new().fallback(get(move || async move {
        let receiver = receiver.lock().await.take().unwrap();
        ([(header::CONTENT_TYPE, content_type)], Body::from_stream(ReceiverStream::new(receiver)))
    }));
    (app, sender)
}

#[tokio::test]
async fn answers_arrive_piece_by_piece() {
    for content_type in ["text/event-stream", "application/x-ndjson", "application/octet-stream"] {
        let (app, sender) = written(content_type);
        let world = World::in_front_of(app).await;
        let request = Request::builder()
            .uri("/ledger/api/events")
            .header("host", "gw.test")
            .header("accept-encoding", "gzip, br")
            .header("authorization", format!("Bearer {}", world.identity.user_token(Billing)))
            .body(Body::empty())
            .unwrap();
        let response = world.gateway.router().oneshot(request).await.unwrap();
        assert!(!response.headers().contains_key("content-encoding"));
        let mut body = response.into_body();
        for piece in ["data: 1\n\n", "data: 2\n\n"] {
            // The next piece is written only after this one has arrived: whoever collects them waits forever.
            sender.send(Ok(Bytes::from(piece))).await.unwrap();
            assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), piece, "{content_type}");
        }
        drop(sender);
        assert!(body.frame().await.is_none());
    }
}

#[tokio::test]
async fn uploads_leave_piece_by_piece() {
    let (arrived, mut arrivals) = mpsc::channel::<Bytes>(1);
    let app = Router::new().fallback(post(move |request: Request| async move {
        let mut body = request.into_body();
        while let Some(Ok(frame)) = body.frame().await {
            arrived.send(frame.into_data().unwrap()).await.unwrap();
        }
        "done"
    }));
    let world = World::in_front_of(app).await;
    let (sender, receiver) = mpsc::channel::<Result<Bytes, std::io::Error>>(1);
    let request = Request::post("/ledger/upload")
        .header("host", "gw.test")
        .header("authorization", format!("Bearer {}", world.identity.user_token(Billing)))
        .body(Body::from_stream(ReceiverStream::new(receiver)))
        .unwrap();
    let answer = tokio::spawn(world.gateway.router().oneshot(request));
    for piece in ["one", "two"] {
        sender.send(Ok(Bytes::from(piece))).await.unwrap();
        assert_eq!(arrivals.recv().await.unwrap(), piece);
    }
    drop(sender);
    assert_eq!(answer.await.unwrap().unwrap().status(), StatusCode::OK);
}

#[tokio::test]
async fn an_upload_over_the_limit_is_refused_with_and_without_a_length() {
    let ledger = serve(echo()).await;
    let plan = Plan {
        backends: vec![("ledger", ledger)],
        arguments: vec!["--max-body-bytes=10".into()],
        ..Plan::default()
    };
    let world = World::with(plan).await;
    let fits = world.call(Method::POST, "/ledger/x", Billing).body("text/plain", vec![b'x'; 10]).send().await;
    assert_eq!(fits.status, StatusCode::OK);
    let with_length = world
        .call(Method::POST, "/ledger/x", Billing)
        .header("content-length", "11")
        .body("text/plain", vec![b'x'; 11])
        .send()
        .await;
    assert_eq!(with_length.status, StatusCode::PAYLOAD_TOO_LARGE);
    let pieces = tokio_stream::iter([
        Ok::<_, std::io::Error>(Bytes::from(vec![b'x'; 6])),
        Ok(Bytes::from(vec![b'x'; 6])),
    ]);
    let request = Request::post("/ledger/x")
        .header("host", "gw.test")
        .header("authorization", format!("Bearer {}", world.identity.user_token(Billing)))
        .body(Body::from_stream(pieces))
        .unwrap();
    let response = world.gateway.router().oneshot(request).await.unwrap();
    assert_eq!(response.status(), StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn the_realm_is_shown_below_its_prefix() {
    let world = World::new().await;
    let answer = world
        .open("/keycloak/realms/hivematrix/account?a=1&a=2")
        .header("cookie", "__Host-session=1.c; REALM=1")
        .header("x-forwarded-prefix", "/evil")
        .send()
        .await;
    let text = answer.text();
    assert!(text.contains("<p>/realms/hivematrix/account</p>"), "{text}");
    for part in [
        "\"x-forwarded-prefix\": \"/keycloak\"",
        "\"x-forwarded-host\": \"gw.test\"",
        "\"x-forwarded-port\": \"443\"",
        "\"cookie\": \"REALM=1\"",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
    assert_eq!(answer.header("set-cookie"), "REALM=1; HttpOnly; Path=/keycloak; SameSite=Lax");
    let redirect = world.get("/realms/hivematrix/redirect").send().await;
    assert_eq!(redirect.header("location"), "https://gw.test/keycloak/realms/hivematrix/account");
}

#[tokio::test]
async fn a_reverse_proxy_that_is_trusted_speaks_for_one_hop_and_others_for_none() {
    for (arguments, trusted) in [
        (&[][..], false),
        (&["--behind-proxy=true"], true),
        (&["--trusted-proxies=127.0.0.0/8,::1"], true),
        (&["--behind-proxy=true", "--trusted-proxies=10.0.0.5"], false),
    ] {
        let plan = Plan {
            backends: vec![("ledger", serve(echo()).await)],
            arguments: arguments.iter().map(|&argument| argument.to_owned()).collect(),
            ..Plan::default()
        };
        let world = World::with(plan).await;
        let host = if trusted { "inner:8443" } else { "gw.test" };
        let through_proxy = |path: &str, proto: &str| {
            world
                .client
                .get(path)
                .header("host", host)
                .header("x-forwarded-for", "6.6.6.6, 203.0.113.7")
                .header("x-forwarded-host", "gw.test")
                .header("x-forwarded-proto", proto)
                .header("x-forwarded-prefix", "/evil")
                .header("forwarded", "for=6.6.6.6;host=evil.example")
        };
        let token = world.identity.user_token(Billing);
        let answer = through_proxy("/ledger/x", "https").bearer(&token).send().await;
        let got = answer.json()["headers"].clone();
        let client = if trusted { "203.0.113.7" } else { "127.0.0.1" };
        for (name, value) in [
            ("x-forwarded-for", client),
            ("x-forwarded-proto", "https"),
            ("x-forwarded-host", "gw.test"),
            ("x-forwarded-prefix", "/ledger"),
        ] {
            assert_eq!(got[name], json!([value]), "{arguments:?} {name}");
        }
        assert!(got["forwarded"].is_null());
        let hsts = answer.header("strict-transport-security");
        assert_eq!(!hsts.is_empty(), trusted, "{arguments:?}: the browser speaks TLS with the proxy");
        // The proxy's own address opens nothing.
        let metrics = through_proxy("/metrics", "https").send().await;
        let expected = if trusted { StatusCode::NOT_FOUND } else { StatusCode::OK };
        assert_eq!(metrics.status, expected, "{arguments:?}");
        let plain = through_proxy("/ledger/x?a=b", "http").bearer(&token).send().await;
        let sent_to = if trusted { "https://gw.test/ledger/x?a=b" } else { "" };
        assert_eq!(plain.header("location"), sent_to, "{arguments:?}: plain HTTP up to the proxy");
        assert!(plain.header("strict-transport-security").is_empty(), "{arguments:?}");
    }
}
