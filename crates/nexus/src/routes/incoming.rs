//! A request and what is known of it when a handler gets it.

use std::{net::IpAddr, sync::Arc};

use axum::response::{IntoResponse, Response};
use hivematrix_shared::{
    auth::AuthError,
    pages::{is_navigation, is_shown},
    problem::Problem,
};
use http::{Method, StatusCode, Uri, request::Parts};
use url::form_urlencoded;

use super::{no_store, redirect, set_cookies};
use crate::{
    Gateway,
    audit::Refusal,
    domain::{cookies, csrf, origin::PublicOrigin, refusals::Reason, session::Remaining},
    frame::Frame,
    front::{Front, client_of},
    gate::{Identity, Visitor},
};

/// For a form that was sent after the session had ended: what was typed is still in the browser.
const NOTHING_CHANGED: &str = "Your session had ended before this was sent, so nothing was changed. Sign in again in \
     another tab, come back here with your browser's Back button, and send it once more.";

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
    pub(super) fn secure_address(&self, parts: &Parts) -> Option<String> {
        let Self::Public(origin) = self else { return None };
        let plain = parts.extensions.get::<Front>().is_some_and(|front| front.https == Some(false));
        let reading = matches!(parts.method, Method::GET | Method::HEAD);
        let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
        (plain && reading && origin.scheme() == "https").then(|| format!("{}{path}", origin.as_str()))
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
