//! What every call passes: faults, the token, the limits, the count. And where tokens come from.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::{Form, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use http::header::{AUTHORIZATION, RETRY_AFTER};
use http::{HeaderMap, Method, StatusCode};
use serde::Deserialize;
use serde_json::json;
use url::form_urlencoded;

use super::Engine;
use super::limits::Verdict;
use super::routes::refuse;
use crate::freshservice::fault::FaultMode;
use crate::freshservice::request_log::RequestLine;
use crate::freshservice::spoil;

/// How much later answers come when nine tenths of the limit are used.
const DELAY: Duration = Duration::from_secs(1);
const SCOPE: &str = "public";

/// The middleware.
pub async fn gate(State(engine): State<Arc<Engine>>, mut request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    let query = request.uri().query().unwrap_or_default().to_owned();
    let route = route_of(&path);
    let method = request.method().clone();
    let page = form_urlencoded::parse(query.as_bytes())
        .find(|(key, _)| key == "page")
        .and_then(|(_, page)| page.parse().ok())
        .unwrap_or(0);
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
    let mut response = match admit(&engine, request.headers(), &method, &faults) {
        Err(refusal) => refusal,
        Ok(delayed) => {
            if delayed {
                tokio::time::sleep(DELAY).await;
            }
            request.extensions_mut().insert(EmptyPage(faults.contains(&FaultMode::EmptyPage)));
            next.run(request).await
        }
    };
    for fault in &faults {
        response = spoil(response, fault).await;
    }
    let status = response.status().as_u16();
    let line = RequestLine {
        at: engine.config.clock.now(),
        method: method.to_string(),
        path,
        query,
        status,
        credits: 1,
    };
    engine.state().log.add(&route, line);
    response
}

/// Whether a list must come without rows.
#[derive(Debug, Clone, Copy)]
pub struct EmptyPage(pub bool);

fn admit(
    engine: &Engine,
    headers: &HeaderMap,
    method: &Method,
    faults: &[FaultMode],
) -> Result<bool, Response> {
    for fault in faults {
        return Err(match fault {
            FaultMode::Unauthorized => refuse(StatusCode::UNAUTHORIZED, "Unauthorized"),
            FaultMode::NotFound => refuse(StatusCode::NOT_FOUND, "Not found"),
            FaultMode::RateLimited { retry_after } => limited(*retry_after),
            FaultMode::Status { status } => {
                let status = StatusCode::from_u16(*status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
                refuse(status, "Failed")
            }
            _ => continue,
        });
    }
    let now = engine.config.clock.now();
    let mut state = engine.state();
    let token = headers
        .get(AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.strip_prefix("Bearer "));
    let valid = token.and_then(|token| state.tokens.get(token)).is_some_and(|until| now < *until);
    let write = method != Method::GET;
    let limit = if write { engine.config.write_limit } else { engine.config.read_limit };
    match state.limits.call(now, write, limit, engine.config.patience) {
        Verdict::LockedOut => Err(refuse(StatusCode::FORBIDDEN, "Forbidden")),
        Verdict::Limited => Err(limited(None)),
        _ if !valid => Err(refuse(StatusCode::UNAUTHORIZED, "Unauthorized")),
        verdict => Ok(verdict == Verdict::Delay),
    }
}

fn limited(retry_after: Option<u64>) -> Response {
    let mut response = refuse(StatusCode::TOO_MANY_REQUESTS, "Rate limit exceeded");
    if let Some(seconds) = retry_after {
        response.headers_mut().insert(RETRY_AFTER, seconds.into());
    }
    response
}

/// The route of a path below `/api/v2`: ids become `{id}`.
fn route_of(path: &str) -> String {
    let is_id = |part: &str| part.bytes().any(|byte| byte.is_ascii_digit());
    path.split('/').map(|part| if is_id(part) { "{id}" } else { part }).collect::<Vec<_>>().join("/")
}

/// The password grant.
#[derive(Debug, Deserialize)]
pub struct Grant {
    #[serde(default)]
    grant_type: String,
    #[serde(default)]
    username: String,
    #[serde(default)]
    password: String,
}

/// POST `/auth/oauth/token`.
pub async fn token(
    State(engine): State<Arc<Engine>>,
    headers: HeaderMap,
    Form(grant): Form<Grant>,
) -> Response {
    let client = headers
        .get(AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.strip_prefix("Basic "))
        .and_then(|encoded| BASE64_STANDARD.decode(encoded).ok());
    let now = engine.config.clock.now();
    let mut state = engine.state();
    let faults = state.faults.strike("/auth/oauth/token", "/auth/oauth/token", 0);
    let status = match faults.first() {
        Some(FaultMode::Status { status }) => StatusCode::from_u16(*status).ok(),
        _ if client.as_deref() != Some(b"public-client:public") => Some(StatusCode::UNAUTHORIZED),
        _ if grant.grant_type != "password" || (grant.username, grant.password) != engine.config.keys => {
            Some(StatusCode::BAD_REQUEST)
        }
        _ => None,
    };
    let line = RequestLine {
        at: now,
        method: "POST".to_owned(),
        path: "/auth/oauth/token".to_owned(),
        query: String::new(),
        status: status.map_or(200, |status| status.as_u16()),
        credits: 0,
    };
    state.log.add("/auth/oauth/token", line);
    if let Some(status) = status {
        let body = json!({ "error": "invalid_grant", "error_description": "Bad credentials" });
        return (status, Json(body)).into_response();
    }
    let number = state.count();
    let token = format!("simulated-{number:08x}");
    let life = engine.config.token_life;
    state.tokens.insert(token.clone(), now + life);
    Json(json!({
        "access_token": token, "token_type": "bearer", "expires_in": life.as_secs(), "scope": SCOPE,
        "jti": format!("jti-{number:08x}"),
    }))
    .into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_in_a_path_are_recognised() {
        for (path, route) in [
            ("/account/sites", "/account/sites"),
            ("/site/8f1c0000-0000-4000-a000-000000000001/devices", "/site/{id}/devices"),
            ("/device/id/7", "/device/id/{id}"),
        ] {
            assert_eq!(route_of(path), route);
        }
    }
}
