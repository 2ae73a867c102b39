//! What handlers read from a request besides its body.

use std::{convert::Infallible, net::IpAddr};

use axum::extract::{ConnectInfo, FromRequestParts};
use hivematrix_shared::{problem::Problem, rate_limit::client_address};
use http::{HeaderMap, Request, StatusCode, header, request::Parts};

use crate::store::realm::sign_on::Browser;

/// Longest stored `User-Agent`.
const USER_AGENT_LENGTH: usize = 300;

/// Address of the client behind the gateway, else of the peer.
#[derive(Clone, Copy, Debug)]
pub struct ClientAddress(pub IpAddr);

impl<S: Send + Sync> FromRequestParts<S> for ClientAddress {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        let mut probe = Request::new(());
        *probe.headers_mut() = parts.headers.clone();
        if let Some(connection) = parts.extensions.get::<ConnectInfo<std::net::SocketAddr>>() {
            probe.extensions_mut().insert(*connection);
        }
        Ok(Self(client_address(&probe)))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Browser {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Infallible> {
        let ClientAddress(address) = ClientAddress::from_request_parts(parts, state).await?;
        let user_agent = text(&parts.headers, header::USER_AGENT.as_str()).unwrap_or_default();
        let user_agent = user_agent.chars().take(USER_AGENT_LENGTH).collect();
        Ok(Self { address: address.to_string(), user_agent })
    }
}

/// Whether the peer is this machine; without a connection (calls in process) it is.
#[derive(Clone, Copy, Debug)]
pub struct Local(pub bool);

impl<S: Send + Sync> FromRequestParts<S> for Local {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        Ok(Self(is_local(parts)))
    }
}

/// A request from this machine that did not come through the gateway; others get 403.
#[derive(Clone, Copy, Debug)]
pub struct DirectLocal;

impl<S: Send + Sync> FromRequestParts<S> for DirectLocal {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        if is_local(parts) && !came_through_gateway(&parts.headers) {
            Ok(Self)
        } else {
            Err(Problem::forbidden("This is for services on this machine only."))
        }
    }
}

fn is_local(parts: &Parts) -> bool {
    parts
        .extensions
        .get::<ConnectInfo<std::net::SocketAddr>>()
        .is_none_or(|ConnectInfo(peer)| peer.ip().to_canonical().is_loopback())
}

/// Whether the gateway sent the request on.
pub fn came_through_gateway(headers: &HeaderMap) -> bool {
    headers.contains_key("x-forwarded-prefix")
}

/// A header's text.
pub fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// The part of `Content-Type` before its parameters, in lower case.
pub fn media_type(headers: &HeaderMap) -> Option<String> {
    let value = text(headers, header::CONTENT_TYPE.as_str())?;
    Some(value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase())
}

/// 415 with the media type that would be right.
pub fn wrong_media_type(wanted: &str) -> Problem {
    Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE).detail(format!("Send the body as {wanted}."))
}
