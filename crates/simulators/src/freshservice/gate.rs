//! What every request to the vendor's API passes: faults, the key, the limit, the headers, the count.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use futures::{StreamExt, stream};
use http::header::{AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, DATE, HeaderValue};
use http::{HeaderMap, StatusCode};
use url::form_urlencoded;

use super::Engine;
use super::answer::{ApiError, ListFault};
use super::fault::FaultMode;
use super::rate::{Class, Left};
use super::request_log::{RequestLine, route_of};

/// The middleware.
pub async fn gate(State(engine): State<Arc<Engine>>, mut request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    let query = request.uri().query().unwrap_or_default().to_owned();
    let route = route_of(&path);
    let method = request.method().to_string();
    let page = parameter(&query, "page").and_then(|page| page.parse().ok()).unwrap_or(1);
    let mut cleared = engine.cleared.subscribe();
    let faults = engine.state().faults.strike(&route, &path, page);
    for fault in &faults {
        if let FaultMode::Slow { delay_ms } = fault {
            tokio::select! {
                () = tokio::time::sleep(Duration::from_millis(*delay_ms)) => {}
                _ = cleared.changed() => break,
            }
        }
    }

    let (refusal, left) = admit(&engine, request.headers(), &route, &query, &faults);
    let mut response = match refusal {
        Some(refusal) => refusal,
        None => {
            request.extensions_mut().insert(list_fault(&faults));
            move_tickets(&engine, &faults);
            next.run(request).await
        }
    };
    for fault in &faults {
        response = spoil(response, fault).await;
    }
    let headers = response.headers_mut();
    if let Ok(date) = HeaderValue::from_str(&engine.config.clock.date()) {
        headers.insert(DATE, date);
    }
    for (name, value) in [
        ("x-ratelimit-total", left.total),
        ("x-ratelimit-remaining", left.remaining),
        ("x-ratelimit-used-currentrequest", left.used),
    ] {
        headers.insert(name, value.into());
    }
    let status = response.status().as_u16();
    let line = RequestLine { at: engine.config.clock.now(), method, path, query, status, credits: left.used };
    engine.state().log.add(&route, line);
    response
}

/// A refusal before the endpoint sees the request (by a fault, for the key, for the limit), and what is left.
fn admit(
    engine: &Engine,
    headers: &HeaderMap,
    route: &str,
    query: &str,
    faults: &[FaultMode],
) -> (Option<Response>, Left) {
    let mut state = engine.state();
    for fault in faults {
        let answer = match fault {
            FaultMode::Unauthorized => ApiError::Unauthorized.into_response(),
            FaultMode::NotFound => ApiError::NotFound.into_response(),
            FaultMode::RateLimited { retry_after: Some(seconds) } => {
                ApiError::TooMany(*seconds).into_response()
            }
            FaultMode::RateLimited { retry_after: None } => StatusCode::TOO_MANY_REQUESTS.into_response(),
            FaultMode::Status { status } => {
                StatusCode::from_u16(*status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR).into_response()
            }
            _ => continue,
        };
        return (Some(answer), state.bucket.left(1));
    }
    if !has_key(headers, &engine.config.api_key) {
        return (Some(ApiError::Unauthorized.into_response()), state.bucket.left(1));
    }
    match state.bucket.take(engine.config.clock.now(), Class::of(route), credits(route, query)) {
        Ok(left) => (None, left),
        Err(seconds) => (Some(ApiError::TooMany(seconds).into_response()), state.bucket.left(0)),
    }
}

/// Basic authentication: the key as user; the password is not looked at.
fn has_key(headers: &HeaderMap, key: &str) -> bool {
    headers
        .get(AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.strip_prefix("Basic "))
        .and_then(|encoded| BASE64_STANDARD.decode(encoded).ok())
        .and_then(|decoded| String::from_utf8(decoded).ok())
        .and_then(|pair| pair.split_once(':').map(|(user, _)| user == key))
        .unwrap_or(false)
}

/// One credit, one more for includes of a single ticket, two more for each include of a list.
fn credits(route: &str, query: &str) -> u32 {
    let include = parameter(query, "include").unwrap_or_default();
    let includes = include.split(',').filter(|name| !name.is_empty()).count() as u32;
    match route {
        "/tickets/{id}" => 1 + includes.min(1),
        _ => 1 + 2 * includes,
    }
}

fn parameter(query: &str, name: &str) -> Option<String> {
    form_urlencoded::parse(query.as_bytes()).find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

fn list_fault(faults: &[FaultMode]) -> ListFault {
    ListFault {
        empty: faults.contains(&FaultMode::EmptyPage),
        repeat: faults.contains(&FaultMode::RepeatRow),
    }
}

/// Changes the tickets that faults name, just before a request is answered.
pub(crate) fn move_tickets(engine: &Engine, faults: &[FaultMode]) {
    for fault in faults {
        if let FaultMode::MoveTicket { ticket_id, status } = fault {
            let now = engine.config.clock.now();
            let world = &mut engine.state().world;
            if let Some(mut ticket) = world.ticket(*ticket_id).map(std::borrow::Cow::into_owned) {
                ticket.status = *status;
                ticket.updated_at = now;
                world.put(ticket);
            }
        }
    }
}

/// Breaks an answer that is already there.
pub(crate) async fn spoil(response: Response, fault: &FaultMode) -> Response {
    match fault {
        FaultMode::EmptyBody => StatusCode::OK.into_response(),
        FaultMode::HtmlPage => {
            let page =
                "<!DOCTYPE html><html><head><title>Sign in</title></head><body>Please sign in.</body></html>";
            ([(CONTENT_TYPE, "text/html; charset=utf-8")], page).into_response()
        }
        FaultMode::TruncatedJson => {
            let (parts, half) = half(response).await;
            (parts.status, parts.headers, half).into_response()
        }
        FaultMode::CutConnection => {
            let (parts, half) = half(response).await;
            // The pause lets what is there reach the caller before the connection goes.
            let cut = async {
                tokio::time::sleep(Duration::from_millis(50)).await;
                Err(std::io::Error::new(std::io::ErrorKind::ConnectionReset, "cut on purpose"))
            };
            let body = Body::from_stream(stream::once(async { Ok(half) }).chain(stream::once(cut)));
            (parts.status, parts.headers, body).into_response()
        }
        _ => response,
    }
}

/// The first half of the body; the promised length is taken back.
async fn half(response: Response) -> (http::response::Parts, Vec<u8>) {
    let (mut parts, body) = response.into_parts();
    parts.headers.remove(CONTENT_LENGTH);
    let whole = to_bytes(body, usize::MAX).await.unwrap_or_default();
    (parts, whole[..whole.len() / 2].to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn includes_cost_credits() {
        for (route, query, cost) in [
            ("/tickets", "", 1),
            ("/tickets", "include=stats", 3),
            ("/tickets", "page=2&include=stats%2Crequester%2Ctags", 7),
            ("/tickets/{id}", "include=stats,conversations", 2),
            ("/agents/me", "", 1),
        ] {
            assert_eq!(credits(route, query), cost, "{route}?{query}");
        }
    }
}
