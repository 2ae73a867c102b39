//! Errors in the form the client wants: a problem document with the path, or a page with the same text.

use askama::Template;
use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};

use super::words;
use crate::{pages::Page, problem::Problem};

/// What rendering needs of a request that is gone by then.
pub(super) struct Request {
    pub method: Method,
    pub path: String,
    pub query: Option<String>,
    pub navigation: bool,
    pub page: Page,
    pub correlation_id: String,
}

#[derive(Template)]
#[template(path = "problem.html")]
struct ProblemPage<'a> {
    page: &'a Page,
    status: u16,
    reason: &'static str,
    icon: &'static str,
    title: &'static str,
    detail: Option<&'a str>,
    advice: &'static str,
    /// When an error that passes is over, in words.
    wait: Option<String>,
    /// The one thing to do first.
    next: Next,
    correlation_id: &'a str,
}

/// Where an error page leads, besides the start page.
enum Next {
    /// To the same page or another one that begins anew.
    Retry(String),
    /// To the gateway's sign-in, and back here.
    SignIn(String),
    Nowhere,
}

/// Replaces the body of a problem and answers `OPTIONS` of a route; other answers pass unchanged.
pub(super) fn render(mut response: Response, request: &Request) -> Response {
    if asks_for_methods(&response, &request.method) {
        *response.status_mut() = StatusCode::OK;
        return response;
    }
    let Some(problem) = response.extensions_mut().remove::<Problem>().or_else(|| problem_of_layer(&response))
    else {
        return response;
    };
    let kept = std::mem::take(response.headers_mut());
    let mut rendered =
        if request.navigation { page(&problem, request) } else { problem.json_response(Some(&request.path)) };
    keep_headers(kept, &mut rendered);
    rendered
}

/// Whether the router refused `OPTIONS` of a route. It adds the methods that the route has as `Allow`, which is all that was
/// asked for (core.md §2).
fn asks_for_methods(response: &Response, method: &Method) -> bool {
    *method == Method::OPTIONS && response.status() == StatusCode::METHOD_NOT_ALLOWED
}

/// The problem behind the bare answers that axum and tower-http give themselves.
fn problem_of_layer(response: &Response) -> Option<Problem> {
    let bare = match response.headers().get(header::CONTENT_TYPE) {
        None => true,
        Some(kind) => kind.as_bytes().starts_with(b"text/plain"),
    };
    let detail = match response.status() {
        StatusCode::METHOD_NOT_ALLOWED => "This path does not serve that method.",
        StatusCode::PAYLOAD_TOO_LARGE => "The request body is too large.",
        StatusCode::UNSUPPORTED_MEDIA_TYPE => "The media type of the body is not supported.",
        StatusCode::GATEWAY_TIMEOUT => "The request took too long.",
        _ => return None,
    };
    bare.then(|| Problem::new(response.status()).detail(detail))
}

/// What describes the body that is gone, so must not describe the new one.
const OF_THE_BODY: [http::HeaderName; 6] = [
    header::CONTENT_LENGTH,
    header::CONTENT_TYPE,
    header::CONTENT_ENCODING,
    header::TRANSFER_ENCODING,
    header::ETAG,
    header::LAST_MODIFIED,
];

/// Headers of the first answer, such as `Allow` and `Set-Cookie`, stay unless the new one has its own.
fn keep_headers(kept: HeaderMap, rendered: &mut Response) {
    let headers = rendered.headers_mut();
    for name in kept.keys().filter(|name| !OF_THE_BODY.contains(name)) {
        if !headers.contains_key(name) {
            for value in kept.get_all(name) {
                headers.append(name, value.clone());
            }
        }
    }
}

fn page(problem: &Problem, request: &Request) -> Response {
    let status = problem.status();
    let words = words::of(status);
    let view = ProblemPage {
        page: &request.page,
        status: status.as_u16(),
        reason: problem.title_text(),
        icon: words.icon,
        title: words.title,
        detail: problem.detail_text(),
        advice: words.advice,
        wait: passes(status).then(|| problem.retry_seconds().map_or("in a moment".to_owned(), words::wait)),
        next: next(problem, request),
        correlation_id: &request.correlation_id,
    };
    match view.render() {
        Ok(html) => {
            let mut response = (status, Body::from(html)).into_response();
            response
                .headers_mut()
                .insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
            problem.add_headers(&mut response);
            response
        }
        Err(error) => {
            tracing::error!(error = %error, "the error page could not be rendered");
            problem.json_response(Some(&request.path))
        }
    }
}

/// Whether an error is over after a while.
fn passes(status: StatusCode) -> bool {
    status == StatusCode::TOO_MANY_REQUESTS || status.is_server_error()
}

fn next(problem: &Problem, request: &Request) -> Next {
    let read = matches!(request.method, Method::GET | Method::HEAD);
    let query = request.query.as_deref().map(|query| format!("?{query}")).unwrap_or_default();
    // One slash: two would lead to another host.
    let here = format!("{}/{}{query}", request.page.prefix, request.path.trim_start_matches('/'));
    match (problem.retry_path(), problem.status()) {
        (Some(path), _) => Next::Retry(format!("{}{path}", request.page.prefix)),
        (None, StatusCode::UNAUTHORIZED) => Next::SignIn(here),
        // What a form sent is not sent again by a link.
        (None, status) if read && passes(status) => Next::Retry(here),
        _ => Next::Nowhere,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leads_to(problem: &Problem, method: Method, path: &str, query: Option<&str>) -> String {
        let request = Request {
            method,
            path: path.into(),
            query: query.map(Into::into),
            navigation: true,
            page: Page { prefix: "/codex".into(), ..Page::default() },
            correlation_id: "4f0c".into(),
        };
        match next(problem, &request) {
            Next::Retry(to) => format!("retry {to}"),
            Next::SignIn(to) => format!("sign in {to}"),
            Next::Nowhere => "start".into(),
        }
    }

    #[test]
    fn each_error_leads_to_what_helps() {
        let unavailable = Problem::unavailable("x", 5);
        for (problem, method, path, query, expected) in [
            (Problem::bad_request("x"), Method::GET, "/a", None, "start"),
            (Problem::unauthorized("x"), Method::GET, "/a", Some("b=1"), "sign in /codex/a?b=1"),
            (Problem::forbidden("x"), Method::GET, "/a", None, "start"),
            (Problem::no_such_resource(), Method::GET, "/a", None, "start"),
            (Problem::too_many_requests(7), Method::GET, "/a", Some("b=1&c"), "retry /codex/a?b=1&c"),
            (Problem::bad_gateway("x"), Method::GET, "/", None, "retry /codex/"),
            (unavailable.clone(), Method::GET, "//evil.example/", None, "retry /codex/evil.example/"),
            (unavailable.clone(), Method::POST, "/a", None, "start"),
            (unavailable.retry_at("/b"), Method::POST, "/a", None, "retry /codex/b"),
        ] {
            assert_eq!(leads_to(&problem, method, path, query), expected, "{problem}");
        }
    }
}
