//! The identity provider behind the gateway (nexus.md §10): the realm's own endpoints and the files of its pages.

use axum::{body::Body, response::Response};
use hivematrix_shared::problem::Problem;
use http::{HeaderValue, StatusCode, header};
use url::form_urlencoded;

use super::{
    Answer, Incoming, forwarded, logout, no_store,
    proxy::{Failure, prepare, problem, scope_cookies},
    query_value, redirect,
};
use crate::{
    clients::realm::PUBLIC_PREFIX,
    domain::{headers, request_kind, security, security::PagePolicy},
};

const TITLE: &str = "The sign-in service";

/// Passes a request on to the identity provider; `path` is below its base URL.
pub(super) async fn forward(incoming: Incoming<'_>, body: Body, path: &str) -> Answer {
    let uri = incoming.uri.clone();
    let frame = incoming.frame.clone();
    let home = format!("{}/", incoming.origin()?.as_str());
    let logout_path = incoming.gateway.realm.path("logout");
    match send(incoming, body, path).await {
        Ok(mut response) => {
            if path == logout_path && leads_home(&response, &home) {
                logout::leave_no_cookies(&mut response);
            }
            // Keycloak's pages come with a policy and a design of their own; Core's have neither.
            if response.headers().contains_key(header::CONTENT_SECURITY_POLICY) {
                frame.set_policy(PagePolicy::Own);
                frame.keep_bare();
            }
            Ok(response)
        }
        Err(failure) => match (query_value(&uri, "prompt"), query_value(&uri, "state")) {
            // A silent renewal must not strand the page it was meant to precede.
            (Some(prompt), Some(state)) if prompt == "none" => {
                let query = form_urlencoded::Serializer::new(String::new())
                    .append_pair("error", "temporarily_unavailable")
                    .append_pair("state", &state)
                    .finish();
                redirect(StatusCode::FOUND, &format!("/keycloak-callback?{query}")).map(no_store)
            }
            _ => Err(problem(&failure, TITLE)),
        },
    }
}

/// Whether a sign-out is complete: the browser is sent back to the gateway.
fn leads_home(response: &Response, home: &str) -> bool {
    response.status().is_redirection()
        && response.headers().get(header::LOCATION).is_some_and(|to| to == home)
}

async fn send(incoming: Incoming<'_>, body: Body, path: &str) -> Result<Response, Failure> {
    let (origin, client) = (incoming.origin()?.clone(), incoming.client());
    let (gateway, mut parts) = (incoming.gateway, incoming.parts);
    let backend =
        gateway.realm.backend().ok_or_else(|| Problem::bad_gateway("The sign-in service has no address."))?;
    let correlation_id = parts.headers.get(headers::CORRELATION_ID).cloned();
    let composable = request_kind::may_be_composed(&parts.method, incoming.uri.path(), &parts.headers);
    prepare(&mut parts, composable);
    forwarded(&mut parts.headers, client, &origin, PUBLIC_PREFIX)?;
    if let Some(id) = correlation_id {
        parts.headers.insert(headers::CORRELATION_ID, id);
    }
    let query = incoming.uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    let instances = [backend];
    let mut response = gateway.backends.send(&instances, &format!("{path}{query}"), parts, body).await?;
    let map = response.headers_mut();
    headers::clean_response(map);
    let public = format!("{}{PUBLIC_PREFIX}", origin.as_str());
    if let Some(location) =
        map.get(header::LOCATION).and_then(|l| headers::rewrite_location(l, &instances, &public))
    {
        map.insert(header::LOCATION, location);
    }
    scope_cookies(map, PUBLIC_PREFIX, true);
    if security::is_document(map) && !map.contains_key(header::CACHE_CONTROL) {
        map.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    Ok(response)
}
