//! The service proxy (nexus.md §8).

use std::sync::Arc;

use axum::{body::Body, response::Response};
use hivematrix_shared::{pages::is_navigation, problem::Problem, registry::ServiceEntry};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header, request::Parts};

use super::{
    Answer, HostKind, Incoming,
    away::Asked,
    forwarded, login,
    tunnel::{self, Handshake},
};
use crate::{
    audit::Change,
    clients::backend::{BackendError, Target},
    domain::{
        cookies, headers,
        path::RequestPath,
        refusals::Reason,
        request_kind,
        route::{Open, ServiceRoute},
        security::PagePolicy,
        websocket,
    },
    gate::Visitor,
};

/// Passes a request on to its service, if the visitor may open it.
pub(super) async fn forward(
    incoming: Incoming<'_>,
    body: Body,
    route: &ServiceRoute<'_>,
    path: &RequestPath<'_>,
) -> Answer {
    let visitor = match route.open {
        Some(_) => None,
        None => match incoming.visitor() {
            Ok(visitor) => Some(visitor),
            Err(response) => return Ok(*response),
        },
    };
    let name = route.service;
    if route.denied {
        incoming.refused(Reason::Path, Some(name), None);
        return Err(denied(name));
    }
    let registry = incoming.gateway.context.registry.load();
    let entry =
        registry.get(name).ok_or_else(|| Problem::not_found(format!("Service '{name}' not found.")))?;
    incoming.frame.set_service(name, policy(entry, path.normalized_after_first_segment()));
    if is_docs(path.normalized_after_first_segment()) || route.open == Some(Open::Public) {
        incoming.frame.keep_bare();
    }
    if route.open == Some(Open::Display) {
        incoming.frame.keep_impersonal();
    }
    if let Some(visitor) = &visitor {
        let level = visitor.claims.permission_level;
        // Core's few open paths are for everyone; other services without a place in the menu have none here either.
        if !entry.allows(level) || !(entry.visible || name == "core") {
            incoming.refused(Reason::Level, Some(name), Some(level.as_str()));
            return Err(Problem::forbidden(format!(
                "{} is not open to your permission level ({level}).",
                entry.title(name)
            )));
        }
        incoming.refuse_forgery(visitor)?;
        refuse_foreign_socket(&incoming, visitor)?;
        if let Some(renewal) = renewal(&incoming, visitor) {
            return renewal;
        }
    }
    let title = entry.title(name);
    let query = incoming.uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    let target = Target {
        instances: entry.instances(),
        path_and_query: &format!("{}{query}", route.rest),
        silence: entry.timeout(path.normalized_after_first_segment()),
    };
    let asked = Asked::of(&incoming);
    let change = Change::of(&incoming.parts.method, incoming.uri.path(), name, entry);
    let (gateway, client) = (incoming.gateway, incoming.client());
    let sent = send(incoming, body, name, target, visitor.clone()).await;
    if let (Ok(response), Some(change), Some(visitor)) = (&sent, &change, &visitor) {
        gateway.audit.changed(&visitor.claims, client, change, response.status());
    }
    sent.or_else(|failure| asked.failed(&failure, Peer { title: &title, away: AWAY }))
}

async fn send(
    incoming: Incoming<'_>,
    body: Body,
    name: &str,
    target: Target<'_>,
    visitor: Option<Arc<Visitor>>,
) -> Result<Response, Failure> {
    let prefix = format!("/{name}");
    let (origin, client) = (incoming.origin()?.clone(), incoming.client());
    let (gateway, mut parts) = (incoming.gateway, incoming.parts);
    let correlation_id = parts.headers.get(headers::CORRELATION_ID).cloned();
    let composable = request_kind::may_be_composed(&parts.method, incoming.uri.path(), &parts.headers);
    // WebSockets belong to a session, which ends them.
    let wants_socket = visitor.is_some() && websocket::is_asked_for(&parts);
    let handshake = if wants_socket { Handshake::take(&mut parts.extensions) } else { None };
    prepare(&mut parts, composable);
    forwarded(&mut parts.headers, client, &origin, &prefix)?;
    if let Some(id) = correlation_id {
        parts.headers.insert(headers::CORRELATION_ID, id);
    }
    if handshake.is_some() {
        websocket::mark(&mut parts.headers);
    }
    parts.headers.remove(header::AUTHORIZATION);
    if let Some(visitor) = &visitor {
        parts.headers.insert(header::AUTHORIZATION, visitor.authorization.clone());
    }
    let mut response = gateway.backends.send(target, parts, body).await?;
    let agreed = websocket::is_websocket(response.headers());
    tidy(response.headers_mut(), target.instances, &prefix, visitor.is_some());
    match (handshake, visitor) {
        (Some(handshake), Some(visitor)) => Ok(handshake.complete(response, gateway, visitor, agreed)?),
        _ if response.status() == StatusCode::SWITCHING_PROTOCOLS => Err(tunnel::unexpected().into()),
        _ => Ok(response),
    }
}

/// Refuses a WebSocket that another site's page opens with the session cookie.
fn refuse_foreign_socket(incoming: &Incoming<'_>, visitor: &Visitor) -> Result<(), Problem> {
    let by_cookie = visitor.cookie.is_some();
    let parts = &incoming.parts;
    if by_cookie
        && websocket::is_asked_for(parts)
        && !websocket::may_use_cookie(&parts.headers, &incoming.gateway.origins)
    {
        incoming.refused(Reason::OtherSite, None, Some("WebSocket"));
        return Err(Problem::forbidden("This connection was not opened from a page of HiveMatrix."));
    }
    Ok(())
}

/// Takes out of a request what stays at the gateway. A page must come readable, so that it can be composed.
pub(super) fn prepare(parts: &mut Parts, composable: bool) {
    headers::clean_request(&mut parts.headers);
    cookies::strip_own(&mut parts.headers);
    if composable {
        parts.headers.remove(header::ACCEPT_ENCODING);
    }
    parts.extensions = http::Extensions::new();
}

/// Fits a backend's headers to the public side.
fn tidy(map: &mut HeaderMap, instances: &[String], prefix: &str, personal: bool) {
    headers::clean_response(map);
    if let Some(location) =
        map.get(header::LOCATION).and_then(|l| headers::rewrite_location(l, instances, prefix))
    {
        map.insert(header::LOCATION, location);
    }
    scope_cookies(map, prefix, false);
    // Without a word from the service nothing personal may be shown again without asking.
    if personal && !map.contains_key(header::CACHE_CONTROL) {
        map.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    }
}

/// Keeps the backend's cookies below its prefix.
pub(super) fn scope_cookies(map: &mut HeaderMap, prefix: &str, default_same_site: bool) {
    if !map.contains_key(header::SET_COOKIE) {
        return;
    }
    let scoped: Vec<HeaderValue> = map
        .get_all(header::SET_COOKIE)
        .into_iter()
        .filter_map(|value| value.to_str().ok())
        .filter_map(|value| cookies::scope_set_cookie(value, prefix, default_same_site))
        .filter_map(|value| HeaderValue::from_str(&value).ok())
        .collect();
    map.remove(header::SET_COOKIE);
    for value in scoped {
        map.append(header::SET_COOKIE, value);
    }
}

/// A page opened in the last minutes of a session first renews the sign-in, without anyone noticing.
fn renewal(incoming: &Incoming<'_>, visitor: &Visitor) -> Option<Answer> {
    let parts = &incoming.parts;
    let opened = parts.method == Method::GET
        && is_navigation(&parts.method, incoming.uri.path(), &parts.headers)
        && parts.headers.get("sec-fetch-dest").is_none_or(|dest| dest == "document");
    let HostKind::Public(origin) = &incoming.host else { return None };
    let due = opened && visitor.cookie.is_some() && incoming.remaining(visitor).is_due();
    due.then(|| {
        login::begin(incoming, origin, incoming.path_and_query().to_owned(), Some(&visitor.claims.sub))
    })
}

fn policy(entry: &ServiceEntry, rest: &str) -> PagePolicy {
    if is_docs(rest) { PagePolicy::ApiDocs } else { PagePolicy::of(entry) }
}

/// The API documents are a page with a design of its own.
fn is_docs(rest: &str) -> bool {
    rest == "/docs" || rest.starts_with("/docs/")
}

fn denied(service: &str) -> Problem {
    match service {
        "core" | "nexus" | "keycloak" => Problem::forbidden("This path is not open through the gateway."),
        _ => Problem::no_such_resource(),
    }
}

/// Why there is no answer of the service.
pub(super) enum Failure {
    Backend(BackendError),
    Own(Problem),
}

impl From<BackendError> for Failure {
    fn from(error: BackendError) -> Self {
        Self::Backend(error)
    }
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        Self::Own(problem)
    }
}

/// What everybody is told first when a service gives no answer (nexus.md §8.4).
const AWAY: &str = "Service temporarily unavailable";

/// Who was asked, in words.
#[derive(Clone, Copy)]
pub(super) struct Peer<'a> {
    /// Its name.
    pub title: &'a str,
    /// What everybody is told first when it gives no answer.
    pub away: &'a str,
}

/// What the person or program is told when `peer` gave no answer.
pub(super) fn problem(failure: &Failure, peer: Peer<'_>) -> Problem {
    let Peer { title, away } = peer;
    match failure {
        Failure::Own(problem) => problem.clone(),
        Failure::Backend(BackendError::TooLarge) => {
            Problem::new(StatusCode::PAYLOAD_TOO_LARGE).detail("The request body is too large.")
        }
        Failure::Backend(error @ BackendError::Timeout) => Problem::bad_gateway(format!(
            "{away}: {title} did not answer in time. The other services are not affected."
        ))
        .cause(error),
        Failure::Backend(error) => Problem::bad_gateway(format!(
            "{away}: {title} cannot be reached. The other services are not affected."
        ))
        .cause(error),
    }
}
