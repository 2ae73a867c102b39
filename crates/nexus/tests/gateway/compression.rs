//! Which answers are compressed, and how they are described (nexus.md §8.3, §11).

use std::io::Read;

use axum::{
    Router,
    extract::Request,
    http::header,
    response::{Html, IntoResponse},
    routing::get,
};
use hivematrix_shared::{auth::PermissionLevel::Technician, testing::TestResponse};
use http::{HeaderMap, Method};

use crate::support::{HTML, World};

const ETAG: (header::HeaderName, &str) = (header::ETAG, "\"1\"");

fn text() -> String {
    "A line of an answer that repeats itself. ".repeat(100)
}

fn json(cache_control: &'static str) -> impl IntoResponse {
    ([ETAG, (header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, cache_control)], text())
}

/// A service as upstream's are: it compresses nothing, but for one file that lies there compressed.
fn site() -> Router {
    let typed = |content_type: &'static str| {
        get(move || async move { ([ETAG, (header::CONTENT_TYPE, content_type)], text()) })
    };
    Router::new()
        .route("/page", get(|| async { Html(format!("<html><head></head><body>{}</body></html>", text())) }))
        .route("/data", get(|| async { json("no-cache") }))
        .route("/fixed", get(|| async { json("no-cache, no-transform") }))
        .route("/short", get(|| async { ([ETAG, (header::CONTENT_TYPE, "application/json")], "{}") }))
        .route("/events", typed("text/event-stream"))
        .route("/archive", typed("application/zip"))
        .route(
            "/packed",
            get(|| async {
                (
                    [ETAG, (header::CONTENT_TYPE, "application/json"), (header::CONTENT_ENCODING, "zstd")],
                    text(),
                )
            }),
        )
        .route(
            "/asked",
            get(|request: Request| async move { format!("{:?}{}", accepted(request.headers()), text()) }),
        )
}

fn accepted(headers: &HeaderMap) -> Option<&str> {
    headers.get(header::ACCEPT_ENCODING).map(|value| value.to_str().unwrap())
}

fn header<'a>(answer: &'a TestResponse, name: &str) -> Option<&'a str> {
    answer.headers.get(name).map(|value| value.to_str().unwrap())
}

fn plain(answer: &TestResponse) -> String {
    let mut text = String::new();
    match header(answer, "content-encoding") {
        Some("gzip") => flate2::read::GzDecoder::new(&answer.body[..]).read_to_string(&mut text).unwrap(),
        Some("br") => brotli::Decompressor::new(&answer.body[..], 4096).read_to_string(&mut text).unwrap(),
        _ => return answer.text(),
    };
    text
}

#[tokio::test]
async fn each_kind_of_answer_is_compressed_or_left_as_it_is() {
    let world = World::in_front_of(site()).await;
    // Path, accepted codings, coding of the answer, its entity tag, whether it depends on what is accepted.
    for (path, accepted, coding, etag, varies) in [
        ("/page", "gzip, deflate, br, zstd", Some("gzip"), None, true),
        ("/page", "br", Some("br"), None, true),
        ("/page", "gzip;q=0.2, br;q=0.3", Some("br"), None, true),
        ("/page", "identity", None, None, true),
        ("/data", "gzip, deflate, br", Some("gzip"), Some("W/\"1\""), true),
        ("/data", "gzip;q=0, br;q=1", Some("br"), Some("W/\"1\""), true),
        ("/data", "gzip;q=0", None, Some("\"1\""), true),
        ("/data", "deflate", None, Some("\"1\""), true),
        ("/fixed", "gzip", None, Some("\"1\""), false),
        ("/short", "gzip", None, Some("\"1\""), false),
        ("/events", "gzip", None, Some("\"1\""), false),
        ("/archive", "gzip", None, Some("\"1\""), false),
        ("/packed", "gzip, zstd", Some("zstd"), Some("\"1\""), false),
    ] {
        let request = world.call(Method::GET, &format!("/ledger{path}"), Technician);
        let answer = request.header("accept-encoding", accepted).header("accept", HTML).send().await;
        let case = format!("{path} {accepted}");
        assert_eq!(header(&answer, "content-encoding"), coding, "{case}");
        assert_eq!(header(&answer, "etag"), etag, "{case}");
        let vary = header(&answer, "vary").unwrap_or_default();
        assert_eq!(vary.eq_ignore_ascii_case("accept-encoding"), varies, "{case}: {vary}");
        assert_eq!(plain(&answer).contains(&text()), path != "/short", "{case}");
        let encoded_here = matches!(coding, Some("gzip" | "br"));
        assert_eq!(header(&answer, "content-length").is_none(), encoded_here || path == "/page", "{case}");
    }
}

#[tokio::test]
async fn a_service_that_compresses_itself_is_asked_to_unless_its_page_is_to_be_read() {
    let world = World::in_front_of(site()).await;
    for (accept, expected) in [("application/json", "Some(\"gzip\")"), (HTML, "None")] {
        let request = world.call(Method::GET, "/ledger/asked", Technician).header("accept", accept);
        let answer = request.header("accept-encoding", "gzip").send().await;
        assert!(plain(&answer).starts_with(expected), "{accept}");
    }
}

#[tokio::test]
async fn an_answer_that_another_site_caused_is_not_compressed() {
    let world = World::in_front_of(site()).await;
    let browser = world.sign_in().await;
    for (site, compressed) in
        [("none", true), ("same-origin", true), ("cross-site", false), ("same-site", false)]
    {
        let request = browser.with_cookies(world.open("/ledger/page?q=guess")).header("sec-fetch-site", site);
        let answer = request.header("accept-encoding", "gzip").send().await;
        assert_eq!(header(&answer, "content-encoding").is_some(), compressed, "{site}");
        assert!(plain(&answer).contains("id=\"side-panel\""), "{site}");
    }
}

#[tokio::test]
async fn asking_for_the_head_alone_tells_the_true_length() {
    let world = World::in_front_of(site()).await;
    let request = world.call(Method::HEAD, "/ledger/data", Technician).header("accept-encoding", "gzip");
    let head = request.send().await;
    assert_eq!(header(&head, "content-length"), Some(text().len().to_string().as_str()));
    assert_eq!(header(&head, "content-encoding"), None);
    assert_eq!(header(&head, "vary"), Some("accept-encoding"));
}
