//! The outermost layer: what is true for every answer of the gateway, and the look of every page (nexus.md §9, §13).

use std::{
    net::{IpAddr, SocketAddr},
    sync::{Arc, OnceLock},
};

use axum::{
    extract::{ConnectInfo, Request, State},
    middleware::Next,
    response::Response,
};
use hivematrix_shared::correlation;
use http::{HeaderMap, HeaderName, HeaderValue, header};

use crate::{
    Gateway, assets,
    compose::{Panel, compose},
    domain::{
        headers,
        look::Look,
        request_kind,
        security::{self, PagePolicy},
    },
    gate::Visitor,
};

/// What the handler found out about the page it answers with; kept outside the answer because errors replace answers.
#[derive(Clone, Debug, Default)]
pub struct Frame(Arc<Slots>);

#[derive(Debug, Default)]
struct Slots {
    visitor: OnceLock<Arc<Visitor>>,
    active: OnceLock<String>,
    policy: OnceLock<PagePolicy>,
    bare: OnceLock<()>,
    look: OnceLock<Look>,
}

impl Frame {
    /// The page is for this user: his look, his side panel.
    pub fn set_visitor(&self, visitor: Arc<Visitor>) {
        // Only the first is kept; nothing sets it twice.
        let _ = self.0.visitor.set(visitor);
    }

    /// The page belongs to this service and its policy.
    pub fn set_service(&self, name: &str, policy: PagePolicy) {
        let _ = self.0.active.set(name.to_owned());
        let _ = self.0.policy.set(policy);
    }

    /// The page follows another policy than our own pages do.
    pub fn set_policy(&self, policy: PagePolicy) {
        let _ = self.0.policy.set(policy);
    }

    /// The page is shown in this look, whatever the user prefers.
    pub fn set_look(&self, look: Look) {
        let _ = self.0.look.set(look);
    }

    /// The page keeps its own look.
    pub fn keep_bare(&self) {
        let _ = self.0.bare.set(());
    }
}

/// How the request really came, when a reverse proxy stands in front.
#[derive(Clone, Debug)]
pub struct Front {
    /// `Host` as the browser sent it.
    pub host: Option<String>,
}

/// Cleans what clients could forge, then adds security headers and the look to the answer.
pub async fn frame(State(gateway): State<Arc<Gateway>>, mut request: Request, next: Next) -> Response {
    if gateway.settings.behind_proxy {
        trust_front(&mut request);
    }
    remove_forwarded(request.headers_mut());
    let composable = request_kind::may_be_composed(request.method(), request.uri().path(), request.headers());
    let gzip = assets::accepts_gzip(request.headers());
    let remembered = Look::remembered(request.headers());
    let frame = Frame::default();
    if request.uri().path() == "/docs" || request.uri().path().starts_with("/docs/") {
        frame.set_policy(PagePolicy::ApiDocs);
        frame.keep_bare();
    }
    request.extensions_mut().insert(frame.clone());

    let mut response = next.run(request).await;

    security::add_common(response.headers_mut(), gateway.has_real_certificate());
    if !security::is_document(response.headers()) {
        return response;
    }
    let slots = &frame.0;
    let policy = slots.policy.get().copied().unwrap_or(PagePolicy::Strict);
    security::add_page_policy(response.headers_mut(), policy);
    if !composable || slots.bare.get().is_some() {
        return response;
    }
    let look = look_of(&gateway, slots, remembered, &mut response).await;
    let panel = slots.visitor.get().map(|visitor| {
        let registry = gateway.context.registry.load();
        let active = slots.active.get().map(String::as_str);
        Panel::new(&registry, &visitor.claims, active, gateway.realm.account_path())
    });
    compose(response, look, panel.as_ref(), gzip)
}

/// The look of a page: the one it asks for, else what its user chose, else what this browser was last given, else none, so
/// that the system decides. A browser remembers what its user chose, for pages without a user such as the sign-in.
async fn look_of(
    gateway: &Gateway,
    slots: &Slots,
    remembered: Option<Look>,
    response: &mut Response,
) -> Option<Look> {
    if let Some(look) = slots.look.get() {
        return Some(*look);
    }
    let Some(visitor) = slots.visitor.get() else { return remembered };
    // The frame stands outside the request's own scope, but Codex should know which page asks.
    let id = response.headers().get(correlation::HEADER).and_then(|id| id.to_str().ok());
    let id = id.unwrap_or(correlation::NONE).to_owned();
    let chosen = correlation::scope(id, gateway.preferences.look(&visitor.claims.email)).await;
    if let Some(look) = chosen
        && chosen != remembered
        && let Ok(cookie) = HeaderValue::from_str(&look.cookie())
    {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    chosen.or(remembered)
}

/// Takes over what the one trusted proxy says: client and host.
fn trust_front(request: &mut Request) {
    let last = |headers: &HeaderMap, name: &HeaderName| {
        let value = headers.get_all(name).iter().next_back()?.to_str().ok()?;
        Some(value.rsplit(',').next()?.trim().to_owned())
    };
    let client =
        last(request.headers(), &headers::FORWARDED_FOR).and_then(|client| client.parse::<IpAddr>().ok());
    let host = last(request.headers(), &headers::FORWARDED_HOST);
    if let Some(client) = client {
        request.extensions_mut().insert(ConnectInfo(SocketAddr::new(client.to_canonical(), 0)));
    }
    request.extensions_mut().insert(Front { host });
}

fn remove_forwarded(map: &mut HeaderMap) {
    let forwarded: Vec<HeaderName> =
        map.keys().filter(|name| name.as_str().starts_with("x-forwarded-")).cloned().collect();
    for name in forwarded {
        map.remove(name);
    }
    map.remove(header::FORWARDED);
}

/// The address a request comes from; without a connection (tests) it is the loopback address.
pub fn client_of(parts: &http::request::Parts) -> IpAddr {
    let connection = parts.extensions.get::<ConnectInfo<SocketAddr>>();
    connection.map_or(IpAddr::from([127, 0, 0, 1]), |ConnectInfo(peer)| peer.ip().to_canonical())
}
