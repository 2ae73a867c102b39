//! The identity provider behind the gateway (nexus.md §10): the realm's own endpoints and the files of its pages.

use axum::{body::Body, response::Response};
use hivematrix_shared::problem::Problem;
use http::{HeaderValue, StatusCode, header};
use url::form_urlencoded;

use super::{
    Answer, Incoming,
    away::Asked,
    forwarded, logout, no_store,
    proxy::{Failure, Peer, prepare, scope_cookies},
    query_value, redirect,
};
use crate::{
    clients::{backend::Target, realm::PUBLIC_PREFIX},
    domain::{csrf, headers, look::Look, request_kind, security, security::PagePolicy},
};

const TITLE: &str = "The sign-in service";
/// What everybody is told first while it is away (nexus.md §10).
const AWAY: &str = "Authentication service temporarily unavailable";

/// Passes a request on to the identity provider; `path` is below its base URL.
pub(super) async fn forward(incoming: Incoming<'_>, body: Body, path: &str) -> Answer {
    let uri = incoming.uri.clone();
    let frame = incoming.frame.clone();
    let asked = Asked::of(&incoming);
    let home = format!("{}/", incoming.origin()?.as_str());
    let logout_path = incoming.gateway.realm.path("logout");
    let look = Look::remembered(&incoming.parts.headers);
    // Another site's page can send a browser here, but must not sign anybody out.
    let meant = {
        let (method, headers) = (&incoming.parts.method, &incoming.parts.headers);
        !csrf::is_from_another_site(headers)
            && csrf::may_use_cookie(method, headers, &incoming.gateway.origins)
    };
    match send(incoming, body, path).await {
        Ok(mut response) => {
            if path == logout_path && meant && leads_home(&response, &home) {
                logout::leave_no_cookies(&mut response, look);
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
            _ => asked.failed(&failure, Peer { title: TITLE, away: AWAY }),
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
    let instances = gateway.realm.instances();
    if instances.is_empty() {
        return Err(Problem::bad_gateway("The sign-in service has no address.").into());
    }
    let correlation_id = parts.headers.get(headers::CORRELATION_ID).cloned();
    let composable = request_kind::may_be_composed(&parts.method, incoming.uri.path(), &parts.headers);
    prepare(&mut parts, composable);
    forwarded(&mut parts.headers, client, &origin, PUBLIC_PREFIX)?;
    if let Some(id) = correlation_id {
        parts.headers.insert(headers::CORRELATION_ID, id);
    }
    let query = incoming.uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    let path_and_query = format!("{path}{query}");
    let target = Target { instances: &instances, path_and_query: &path_and_query, silence: None };
    let mut response = gateway.backends.send(target, parts, body).await?;
    let map = response.headers_mut();
    headers::clean_response(map);
    if let Some(location) =
        map.get(header::LOCATION).and_then(|to| public_location(to, &instances, origin.as_str()))
    {
        map.insert(header::LOCATION, location);
    }
    scope_cookies(map, PUBLIC_PREFIX, true);
    if security::is_document(map) && !map.contains_key(header::CACHE_CONTROL) {
        map.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    Ok(response)
}

/// A `Location` on the provider itself as browsers need it. Core answers under the local realm's address, too: a redirect
/// to its own sign-in stays what it is.
fn public_location(location: &HeaderValue, instances: &[String], origin: &str) -> Option<HeaderValue> {
    ["realms", "resources"].into_iter().find_map(|part| {
        let inside: Vec<String> = instances.iter().map(|base| format!("{base}/{part}")).collect();
        headers::rewrite_location(location, &inside, &format!("{origin}{PUBLIC_PREFIX}/{part}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_shown_of_the_provider_becomes_a_public_address() {
        for (location, expected) in [
            (
                "http://localhost:5000/realms/hivematrix/account",
                Some("https://gw/keycloak/realms/hivematrix/account"),
            ),
            ("http://localhost:5000/resources/a.css", Some("https://gw/keycloak/resources/a.css")),
            ("http://localhost:5000/auth?code=c", None),
            ("http://localhost:5000/realmsx/", None),
            ("/realms/hivematrix/account", None),
        ] {
            let given = HeaderValue::from_static(location);
            let public = public_location(&given, &["http://localhost:5000".to_owned()], "https://gw");
            assert_eq!(public.as_ref().map(|value| value.to_str().unwrap()), expected, "{location}");
        }
    }
}
