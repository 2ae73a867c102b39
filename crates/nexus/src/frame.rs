//! The outermost layer: what is true for every answer of the gateway, and the look of every page (nexus.md §9, §13).

use std::sync::{Arc, OnceLock};

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use hivematrix_shared::correlation;
use http::{HeaderValue, Method, StatusCode, header};

use crate::{
    Gateway,
    compose::{Dress, Panel, compose},
    compress::{Wish, compress},
    domain::{
        look::Look,
        nonce::Nonce,
        request_kind,
        security::{self, PagePolicy},
        session::Remaining,
    },
    front,
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
    impersonal: OnceLock<()>,
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

    /// The page is for everybody, whoever happens to be signed in: without side panel, and it keeps no session alive.
    pub fn keep_impersonal(&self) {
        let _ = self.0.impersonal.set(());
    }

    /// The page keeps its own look.
    pub fn keep_bare(&self) {
        let _ = self.0.bare.set(());
    }
}

/// Cleans what clients could forge, then adds security headers and the look to the answer and compresses it.
pub async fn frame(State(gateway): State<Arc<Gateway>>, mut request: Request, next: Next) -> Response {
    front::take_over(&mut request, &gateway.proxies);
    let asked = Asked::of(&request, &gateway);
    let wish = Wish::of(request.method(), request.headers());
    let frame = Frame::default();
    if request.uri().path() == "/docs" || request.uri().path().starts_with("/docs/") {
        frame.set_policy(PagePolicy::ApiDocs);
        frame.keep_bare();
    }
    request.extensions_mut().insert(frame.clone());

    let response = next.run(request).await;
    compress(dress(&gateway, &frame, asked, response).await, wish)
}

/// What the answer depends on of a request that has gone on.
struct Asked {
    hsts: bool,
    composable: bool,
    opened: bool,
    remembered: Option<Look>,
}

impl Asked {
    fn of(request: &Request, gateway: &Gateway) -> Self {
        let (method, headers) = (request.method(), request.headers());
        Self {
            // A browser heeds this header only over a connection that it trusts, so a proxy's certificate need not be known.
            hsts: gateway.has_real_certificate() || front::is_https(request),
            composable: request_kind::may_be_composed(method, request.uri().path(), headers),
            opened: method == Method::GET,
            remembered: Look::remembered(headers),
        }
    }
}

/// Seconds after which a page that stands for one of a service that is away tries to open that one.
fn retry_after(response: &Response) -> Option<u64> {
    let away = matches!(response.status(), StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE);
    response.headers().get(header::RETRY_AFTER).filter(|_| away)?.to_str().ok()?.parse().ok()
}

/// Adds headers and, where the request and the answer allow it, the look.
async fn dress(gateway: &Gateway, frame: &Frame, asked: Asked, mut response: Response) -> Response {
    let slots = &frame.0;
    security::add_common(response.headers_mut(), asked.hsts);
    if slots.active.get().is_some() {
        security::remove_cross_origin(response.headers_mut());
    }
    if !security::is_document(response.headers()) {
        return response;
    }
    let policy = slots.policy.get().copied().unwrap_or(PagePolicy::Strict);
    let nonce = Nonce::fresh();
    security::add_page_policy(response.headers_mut(), policy, &nonce);
    if !asked.composable || slots.bare.get().is_some() {
        return response;
    }
    // In a box of its own: most answers are no pages.
    let look = Box::pin(look_of(gateway, slots, asked.remembered, &mut response)).await;
    let user = slots.visitor.get().filter(|_| slots.impersonal.get().is_none());
    let panel = user.map(|visitor| {
        let registry = gateway.context.registry.load();
        let active = slots.active.get().map(String::as_str);
        Panel::new(&registry, &visitor.claims, active, gateway.realm.account_path())
    });
    let retry_after = retry_after(&response).filter(|_| asked.opened);
    let now = gateway.context.clock.unix();
    let session = user.filter(|visitor| visitor.cookie.is_some());
    let session = session.map(|visitor| Remaining::of(&visitor.state, &visitor.claims, now));
    let nonce = (policy == PagePolicy::Strict).then_some(&nonce);
    compose(response, &Dress { look, panel: panel.as_ref(), nonce, retry_after, session })
}

/// The look of a page: the one it asks for, else what its user chose, else what this browser was last given, else the
/// default. A browser remembers what its user chose, for pages without a user such as the sign-in.
async fn look_of(
    gateway: &Gateway,
    slots: &Slots,
    remembered: Option<Look>,
    response: &mut Response,
) -> Look {
    if let Some(look) = slots.look.get() {
        return *look;
    }
    let Some(visitor) = slots.visitor.get() else { return remembered.unwrap_or_default() };
    // The frame stands outside the request's own scope, but Codex should know which page asks.
    let id = response.headers().get(correlation::HEADER).and_then(|id| id.to_str().ok());
    let id = id.unwrap_or(correlation::NONE).to_owned();
    let chosen = correlation::scope(id, gateway.preferences.look(&visitor.claims.email, remembered)).await;
    if let Some(look) = chosen
        && chosen != remembered
        && let Ok(cookie) = HeaderValue::from_str(&look.cookie())
    {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    chosen.or(remembered).unwrap_or_default()
}
