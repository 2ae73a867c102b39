//! From a request to its answer: the path is judged, the visitor known, then one of the files here answers.

mod away;
mod callback;
mod checks;
mod home;
mod identity;
mod incoming;
mod login;
mod logout;
mod openapi;
mod plain;
mod proxy;
mod session;
mod style_guide;
mod tunnel;

use std::{net::IpAddr, sync::Arc};

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use hivematrix_shared::{problem::Problem, server::RouteLabel};
use http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header, request::Parts};
use tracing::Span;
use url::form_urlencoded;

pub(crate) use self::incoming::{HostKind, Incoming};
pub use self::{checks::refuse_ambiguous, openapi::openapi, plain::plain_router};
use crate::{
    Gateway, assets,
    audit::Refusal,
    domain::{
        origin::PublicOrigin,
        path::{PathError, RequestPath},
        refusals::Reason,
        route::{Route, classify},
    },
    frame::Frame,
    front::client_of,
    gate::Identity,
};

/// Result of a handler: the answer, or a problem that is shown in the form the client wants.
pub(crate) type Answer = Result<Response, Problem>;

const METHODS: HeaderValue = HeaderValue::from_static("HEAD, GET, DELETE, POST, OPTIONS, PUT, PATCH");

/// Layer: finds out who is asking, for the limits per user and for the handlers.
pub async fn identify(State(gateway): State<Arc<Gateway>>, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    let path = parts.uri.path();
    // Files, and the identity provider with tokens of its own, are no business of the session.
    let matters =
        !["/static/", "/keycloak/", "/realms/", "/resources/"].iter().any(|prefix| path.starts_with(prefix));
    let identity = if matters {
        gateway.gate.identify(&parts.headers, &gateway.sessions).await
    } else {
        Identity::Nobody
    };
    match &identity {
        Identity::User(visitor) => {
            Span::current().record("user", visitor.label.as_str());
            // Errors are pages too, so the frame knows the user before anything can go wrong.
            if let Some(frame) = parts.extensions.get::<Frame>() {
                frame.set_visitor(visitor.clone());
            }
            parts.extensions.insert(visitor.rate_key.clone());
        }
        Identity::Refused(error) => gateway.refused_nobody(&parts, Reason::Token, &error.to_string()),
        Identity::Ended(error) => gateway.refused_nobody(&parts, Reason::Session, &error.to_string()),
        Identity::Nobody | Identity::Unavailable => {}
    }
    parts.extensions.insert(identity);
    next.run(Request::from_parts(parts, body)).await
}

/// Handler of everything that is not health, metrics or API documents.
pub async fn handle(State(gateway): State<Arc<Gateway>>, request: Request) -> Response {
    let label = route_label(&gateway, request.uri().path());
    let mut response = dispatch(&gateway, request).await.unwrap_or_else(IntoResponse::into_response);
    if let Some(label) = label {
        response.extensions_mut().insert(RouteLabel(label));
    }
    response
}

/// Name of a route in metrics: the gateway's own paths and the registered services, nothing a client makes up.
fn route_label(gateway: &Gateway, path: &str) -> Option<String> {
    let first = path.strip_prefix('/')?.split('/').next()?;
    match path {
        "/"
        | "/login"
        | "/keycloak-callback"
        | "/logout"
        | "/api/invalidate-cache"
        | "/api/session"
        | "/api/session/renew"
        | "/style-guide"
        | "/favicon.ico" => Some(path.to_owned()),
        _ if matches!(first, "static" | "keycloak" | "realms" | "resources")
            || gateway.context.registry.load().get(first).is_some() =>
        {
            Some(format!("/{first}/*"))
        }
        _ => None,
    }
}

async fn dispatch(gateway: &Arc<Gateway>, request: Request) -> Answer {
    let (mut parts, body) = request.into_parts();
    let uri = parts.uri.clone();
    let path = match RequestPath::parse(uri.path()) {
        Ok(path) => path,
        Err(PathError::RepeatedSlashes { merged }) => {
            return redirect(StatusCode::PERMANENT_REDIRECT, &with_query(&merged, &uri));
        }
        Err(error) => return Err(Problem::bad_request(error.to_string())),
    };
    match parts.method {
        Method::OPTIONS => return Ok((StatusCode::OK, [(header::ALLOW, METHODS)]).into_response()),
        Method::GET | Method::HEAD | Method::POST | Method::PUT | Method::DELETE | Method::PATCH => {}
        _ => return Err(Problem::new(StatusCode::METHOD_NOT_ALLOWED).header(header::ALLOW, METHODS)),
    }
    let host = gateway.host_kind(&parts)?;
    if let Some(secure) = host.secure_address(&parts) {
        return redirect(StatusCode::PERMANENT_REDIRECT, &secure);
    }
    let identity = parts.extensions.remove::<Identity>().unwrap_or(Identity::Nobody);
    let frame = parts.extensions.get::<Frame>().cloned().unwrap_or_default();
    let route = classify(&parts.method, &path, gateway.realm.name());
    let incoming = Incoming { gateway, parts, uri: uri.clone(), host, identity, frame };
    match route {
        Route::Static(name) => {
            assets::serve(name, uri.query(), &incoming.parts.headers).ok_or_else(Problem::no_such_resource)
        }
        Route::Redirect { to, permanent } => {
            let status = if permanent { StatusCode::PERMANENT_REDIRECT } else { StatusCode::FOUND };
            redirect(status, &with_query(&to, &uri))
        }
        // In boxes of their own: what every request carries along is to be as small as passing on needs it.
        Route::Home => Box::pin(home::home(&incoming)).await,
        Route::Login => Box::pin(login::login(&incoming)).await,
        Route::Callback => Box::pin(callback::callback(&incoming)).await,
        Route::Logout => Box::pin(logout::logout(&incoming)).await,
        Route::InvalidateCache => home::invalidate_cache(&incoming),
        Route::Session => session::session(&incoming),
        Route::RenewSession => session::renew(&incoming),
        Route::StyleGuide => style_guide::style_guide(&incoming),
        Route::Identity(inner) => Box::pin(identity::forward(incoming, body, inner)).await,
        Route::HiddenIdentity => {
            incoming.refused(Reason::Path, Some("keycloak"), None);
            Err(Problem::no_such_resource())
        }
        Route::Service(service) => proxy::forward(incoming, body, &service, &path).await,
    }
}

impl Gateway {
    /// Notes a refusal of somebody who is not known.
    fn refused_nobody(&self, parts: &Parts, reason: Reason, detail: &str) {
        let address = client_of(parts);
        self.audit.refused(&Refusal { reason, user: None, address, service: None, detail: Some(detail) });
    }
}

/// A redirect to a local path or a known address.
pub(crate) fn redirect(status: StatusCode, location: &str) -> Answer {
    let location =
        HeaderValue::from_str(location).map_err(|_| Problem::bad_request("The address is malformed."))?;
    Ok((status, [(header::LOCATION, location)]).into_response())
}

/// Adds cookies to an answer.
pub(crate) fn set_cookies(response: &mut Response, cookies: impl IntoIterator<Item = String>) {
    for cookie in cookies {
        if let Ok(cookie) = HeaderValue::from_str(&cookie) {
            response.headers_mut().append(header::SET_COOKIE, cookie);
        }
    }
}

/// Nobody may keep this answer.
pub(crate) fn no_store(mut response: Response) -> Response {
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// Query parameters by name; the first of each name.
pub(crate) fn query_value(uri: &Uri, name: &str) -> Option<String> {
    let query = uri.query().unwrap_or_default();
    form_urlencoded::parse(query.as_bytes()).find(|(n, _)| n == name).map(|(_, value)| value.into_owned())
}

fn with_query(path: &str, uri: &Uri) -> String {
    uri.query().map_or_else(|| path.to_owned(), |query| format!("{path}?{query}"))
}

/// Headers that tell a backend about the public side.
pub(crate) fn forwarded(
    headers: &mut HeaderMap,
    incoming_client: IpAddr,
    origin: &PublicOrigin,
    prefix: &str,
) -> Result<(), Problem> {
    use crate::domain::headers as names;
    let value = |text: &str| HeaderValue::from_str(text).map_err(Problem::internal);
    headers.insert(names::FORWARDED_FOR, value(&incoming_client.to_string())?);
    headers.insert(names::FORWARDED_PROTO, HeaderValue::from_static(origin.scheme()));
    headers.insert(names::FORWARDED_HOST, origin.host_value());
    headers.insert(names::FORWARDED_PORT, origin.port_value());
    headers.insert(names::FORWARDED_PREFIX, value(prefix)?);
    Ok(())
}
