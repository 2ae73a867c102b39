//! Errors in the form the client wants: a problem document with the path, or a page with the same text.

use askama::Template;
use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};

use crate::{pages::Page, problem::Problem};

/// What rendering needs of a request that is gone by then.
pub(super) struct Request {
    pub method: Method,
    pub path: String,
    pub navigation: bool,
    pub page: Page,
    pub correlation_id: String,
}

#[derive(Template)]
#[template(path = "problem.html")]
struct ProblemPage<'a> {
    page: &'a Page,
    status: u16,
    title: &'a str,
    detail: Option<&'a str>,
    advice: &'static str,
    retry: bool,
    retry_url: String,
    correlation_id: &'a str,
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
    let (advice, retry) = match status {
        StatusCode::FORBIDDEN => ("If you need this page, ask an administrator for access.", false),
        StatusCode::NOT_FOUND => ("Check the address, or find your way from the start page.", false),
        StatusCode::TOO_MANY_REQUESTS => ("Wait a moment before you try again.", true),
        status if status.is_server_error() => ("Your data is safe. Try again in a moment.", true),
        _ => ("", false),
    };
    let view = ProblemPage {
        page: &request.page,
        status: status.as_u16(),
        title: problem.title_text(),
        detail: problem.detail_text(),
        advice,
        retry: retry || problem.retry_path().is_some(),
        retry_url: format!("{}{}", request.page.prefix, problem.retry_path().unwrap_or(&request.path)),
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
