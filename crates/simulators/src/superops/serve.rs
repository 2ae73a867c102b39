//! The one address of the vendor's API: both headers, faults, the limit, and nearly every failure as 200.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::header::{AUTHORIZATION, DATE, HeaderValue, RETRY_AFTER};
use http::{HeaderMap, StatusCode};
use serde_json::{Map, Value, json};

use super::Tenant;
use super::list::{ListFault, Refusal};
use super::query::{self, Query};
use super::resolve::Resolver;
use crate::freshservice::{Engine, FaultMode, RateClass, RequestLine, move_tickets, spoil};

/// Answers one request.
pub async fn answer(State(tenant): State<Arc<Tenant>>, headers: HeaderMap, body: Bytes) -> Response {
    let engine = &tenant.engine;
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    let query = query::read(&body);
    let (route, path) = names(query.as_ref().ok());
    let mut cleared = engine.cleared.subscribe();
    let faults = engine.state().faults.strike(&route, &path, page(query.as_ref().ok()));
    for fault in &faults {
        if let FaultMode::Slow { delay_ms } = fault {
            tokio::select! {
                () = tokio::time::sleep(Duration::from_millis(*delay_ms)) => {}
                _ = cleared.changed() => break,
            }
        }
    }
    let mut response = match refusal(&tenant, &headers, &faults) {
        Some(refusal) => refusal,
        None => match &query {
            Ok(query) => {
                move_tickets(engine, &faults);
                Json(resolve(engine, query, &faults)).into_response()
            }
            Err(invalid) => Json(json!({ "errors": [invalid.as_error()] })).into_response(),
        },
    };
    for fault in &faults {
        response = spoil(response, fault).await;
    }
    if let Ok(date) = HeaderValue::from_str(&engine.config.clock.date()) {
        response.headers_mut().insert(DATE, date);
    }
    let variables = body.get("variables").map(Value::to_string).unwrap_or_default();
    let status = response.status().as_u16();
    let (at, method) = (engine.config.clock.now(), "POST".to_owned());
    let line = RequestLine { at, method, path, query: variables, status, credits: 1 };
    engine.state().log.add(&route, line);
    response
}

/// Route and path of a query for faults and counts: its first root field, and the name of the operation.
fn names(query: Option<&Query>) -> (String, String) {
    let root = query.and_then(|query| query.roots.first()).map_or("invalid", |root| root.name.as_str());
    let name = query.and_then(|query| query.name.as_deref()).unwrap_or(root);
    (format!("/{root}"), format!("/{name}"))
}

/// The page of the list that is asked for.
fn page(query: Option<&Query>) -> u32 {
    let input = query.and_then(|query| query.roots.first()).and_then(|root| root.arguments.get("input"));
    let page = input.and_then(|input| input.get("page").or_else(|| input.get("listInfo")?.get("page")));
    page.and_then(Value::as_u64).and_then(|page| u32::try_from(page).ok()).unwrap_or(1)
}

/// A refusal before the query is looked at: by a fault, for the token, for the tenant, for the limit.
fn refusal(tenant: &Tenant, headers: &HeaderMap, faults: &[FaultMode]) -> Option<Response> {
    for fault in faults {
        return Some(match fault {
            FaultMode::Unauthorized => unauthorized(),
            FaultMode::NotFound => inside(&Refusal::missing("id")),
            FaultMode::VendorError { code } => inside(&Refusal::new(code, "input")),
            FaultMode::RateLimited { retry_after: Some(seconds) } => {
                (StatusCode::TOO_MANY_REQUESTS, [(RETRY_AFTER, seconds.to_string())]).into_response()
            }
            FaultMode::RateLimited { retry_after: None } => inside(&Refusal::new("rate_limit_exceeded", "")),
            FaultMode::Status { status } => {
                StatusCode::from_u16(*status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR).into_response()
            }
            _ => continue,
        });
    }
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let token = header(AUTHORIZATION.as_str()).strip_prefix("Bearer ").unwrap_or_default();
    let engine = &tenant.engine;
    if token != engine.config.api_key {
        return Some(unauthorized());
    }
    if header("customersubdomain") != tenant.subdomain {
        let body = json!({"message": "Invalid customer subdomain"});
        return Some((StatusCode::BAD_REQUEST, Json(body)).into_response());
    }
    let taken = engine.state().bucket.take(engine.config.clock.now(), RateClass::Other, 1);
    taken.is_err().then(|| inside(&Refusal::new("rate_limit_exceeded", "")))
}

fn unauthorized() -> Response {
    (StatusCode::UNAUTHORIZED, Json(json!({"message": "Unauthorized"}))).into_response()
}

/// A refusal of a whole request inside a 200 answer.
fn inside(refusal: &Refusal) -> Response {
    Json(json!({ "data": null, "errors": [error(refusal, None)] })).into_response()
}

fn error(refusal: &Refusal, key: Option<&str>) -> Value {
    json!({
        "message": null,
        "locations": [],
        "path": key.map(|key| vec![key]),
        "extensions": {
            "classification": "DataFetchingException",
            "clientError": [{"code": refusal.code, "param": refusal.param}],
        },
    })
}

fn resolve(engine: &Engine, query: &Query, faults: &[FaultMode]) -> Value {
    let fault = ListFault {
        empty: faults.contains(&FaultMode::EmptyPage),
        repeat: faults.contains(&FaultMode::RepeatRow),
    };
    let now = engine.config.clock.now();
    let (mut data, mut errors) = (Map::new(), Vec::new());
    let mut state = engine.state();
    let mut resolver = Resolver { sim: &mut state, now, fault };
    for asked in &query.roots {
        let value = match resolver.root(asked) {
            Ok(value) => query::project(&value, &asked.inside),
            Err(refusal) => {
                errors.push(error(&refusal, Some(&asked.key)));
                Value::Null
            }
        };
        data.insert(asked.key.clone(), value);
    }
    let mut answer = json!({ "data": data });
    if !errors.is_empty() {
        answer["errors"] = Value::Array(errors);
    }
    answer
}
