//! From a request to its answer: the path is judged, the visitor known, then one of the files here answers.

mod away;
mod callback;
mod checks;
mod home;
mod identity;
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
use hivematrix_shared::{
    auth::AuthError,
    pages::{is_navigation, is_shown},
    problem::Problem,
    server::RouteLabel,
};
use http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header, request::Parts};
use tracing::Span;
use url::form_urlencoded;

pub use self::{checks::refuse_ambiguous, openapi::openapi, plain::plain_router};
use crate::{
    Gateway, assets,
    audit::Refusal,
    domain::{
        cookies, csrf,
        origin::PublicOrigin,
        path::{PathError, RequestPath},
        refusals::Reason,
        route::{Route, classify},
        session::Remaining,
    },
    frame::Frame,
    front::{Front, client_of},
    gate::{Identity, Visitor},
};

/// Result of a handler: the answer, or a problem that is shown in the form the client wants.
pub(crate) type Answer = Result<Response, Problem>;

/// For a form that was sent after the session had ended: what was typed is still in the browser.
const NOTHING_CHANGED: &str = "Your session had ended before this was sent, so nothing was changed. Sign in again in \
     another tab, come back here with your browser's Back button, and send it once more.";
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

/// A request with what the layers found out about it.
pub(crate) struct Incoming<'a> {
    pub gateway: &'a Arc<Gateway>,
    pub parts: Parts,
    pub uri: Uri,
    pub host: HostKind,
    pub identity: Identity,
    pub frame: Frame,
}

/// What the `Host` header means.
pub(crate) enum HostKind {
    /// One of the public origins.
    Public(PublicOrigin),
    /// This machine itself, named by a program that runs on it.
    Local,
}

impl HostKind {
    /// Where a page is to be opened that was asked for without TLS, through a proxy that serves both.
    fn secure_address(&self, parts: &Parts) -> Option<String> {
        let Self::Public(origin) = self else { return None };
        let plain = parts.extensions.get::<Front>().is_some_and(|front| front.https == Some(false));
        let reading = matches!(parts.method, Method::GET | Method::HEAD);
        let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
        (plain && reading && origin.scheme() == "https").then(|| format!("{}{path}", origin.as_str()))
    }
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
        Route::Home => home::home(&incoming).await,
        Route::Login => login::login(&incoming).await,
        Route::Callback => callback::callback(&incoming).await,
        Route::Logout => logout::logout(&incoming).await,
        Route::InvalidateCache => home::invalidate_cache(&incoming),
        Route::Session => session::session(&incoming),
        Route::RenewSession => session::renew(&incoming),
        Route::StyleGuide => style_guide::style_guide(&incoming),
        Route::Identity(inner) => identity::forward(incoming, body, inner).await,
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

impl Incoming<'_> {
    /// The signed-in user; without one, the way to the sign-in for pages and 401 for everything else.
    pub fn visitor(&self) -> Result<Arc<Visitor>, Box<Response>> {
        match &self.identity {
            Identity::User(visitor) => Ok(visitor.clone()),
            Identity::Unavailable => Err(Box::new(
                Problem::unavailable(
                    "Your sign-in cannot be checked at the moment. You stay signed in, and pages that are open keep \
                     what they show.",
                    5,
                )
                .into_response(),
            )),
            Identity::Refused(error) => Err(Box::new(Problem::unauthorized(error.to_string()).into_response())),
            Identity::Nobody => Err(Box::new(self.to_sign_in())),
            Identity::Ended(_) => {
                let mut response = self.to_sign_in();
                set_cookies(&mut response, cookies::expire_chunked(cookies::SESSION, &self.parts.headers));
                Err(Box::new(response))
            }
        }
    }

    fn to_sign_in(&self) -> Response {
        let (method, headers) = (&self.parts.method, &self.parts.headers);
        if !is_navigation(method, self.uri.path(), headers) {
            let detail = if is_shown(method, self.uri.path(), headers) {
                NOTHING_CHANGED.to_owned()
            } else {
                AuthError::Missing.to_string()
            };
            return Problem::unauthorized(detail).into_response();
        }
        let next: String = form_urlencoded::Serializer::new(String::new())
            .append_pair("next", self.path_and_query())
            .finish()
            .replace("%2F", "/");
        no_store(
            redirect(StatusCode::FOUND, &format!("/login?{next}"))
                .unwrap_or_else(IntoResponse::into_response),
        )
    }

    /// Refuses changes that the session cookie would make for another site's page.
    pub fn refuse_forgery(&self, visitor: &Visitor) -> Result<(), Problem> {
        let by_cookie = visitor.cookie.is_some();
        if by_cookie && !csrf::may_use_cookie(&self.parts.method, &self.parts.headers, &self.gateway.origins)
        {
            self.refused(Reason::OtherSite, None, None);
            return Err(Problem::forbidden("This change was not made from a page of HiveMatrix."));
        }
        Ok(())
    }

    /// Notes a refusal.
    pub fn refused(&self, reason: Reason, service: Option<&str>, detail: Option<&str>) {
        let user = match &self.identity {
            Identity::User(visitor) => Some(&visitor.claims),
            _ => None,
        };
        let refusal = Refusal { reason, user, address: self.client(), service, detail };
        self.gateway.audit.refused(&refusal);
    }

    /// What is left of a visitor's session.
    pub fn remaining(&self, visitor: &Visitor) -> Remaining {
        Remaining::of(&visitor.state, &visitor.claims, self.gateway.context.clock.unix())
    }

    /// The path and query as they came.
    pub fn path_and_query(&self) -> &str {
        self.uri.path_and_query().map_or("/", |path| path.as_str())
    }

    /// The address of the client.
    pub fn client(&self) -> IpAddr {
        client_of(&self.parts)
    }

    /// The public origin of the request, else the main one.
    pub fn origin(&self) -> Result<&PublicOrigin, Problem> {
        match &self.host {
            HostKind::Public(origin) => Ok(origin),
            HostKind::Local => {
                self.gateway.origins.main().ok_or_else(|| Problem::internal("there is no public origin"))
            }
        }
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
    headers.insert(names::FORWARDED_PROTO, value(origin.scheme())?);
    headers.insert(names::FORWARDED_HOST, value(origin.host())?);
    headers.insert(names::FORWARDED_PORT, HeaderValue::from(origin.port()));
    headers.insert(names::FORWARDED_PREFIX, value(prefix)?);
    Ok(())
}
