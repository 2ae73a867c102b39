//! The layers, from the outside in: correlation id, access log and metrics, panic to problem, body limit, timeout,
//! compression, coarse limit per address, authentication, limit per user, handler.

use std::{net::SocketAddr, sync::Arc, time::Instant};

use axum::{
    Router,
    body::Body,
    extract::{ConnectInfo, DefaultBodyLimit, MatchedPath, Request, State},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::get,
};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use tower::{ServiceBuilder, ServiceExt};
use tower_http::{
    catch_panic::CatchPanicLayer, compression::CompressionLayer, limit::RequestBodyLimitLayer,
    timeout::TimeoutLayer,
};
use tracing::{Instrument, Span, field};
use utoipa::OpenApi;

use super::{ServeOptions, render};
use crate::{
    auth::{Authenticator, BearerToken, token_of},
    config::Secret,
    context::ServiceContext,
    correlation, health,
    logging::{self, Access},
    metrics::Metrics,
    openapi,
    pages::{Page, PageInfo, is_shown},
    problem::Problem,
    rate_limit::RateLimits,
};

/// Puts the common routes and layers around a service's own routes.
pub fn apply(context: &ServiceContext, app: Router, options: ServeOptions) -> Router {
    let mut app = app;
    let mut document = options.openapi;
    if let Some(health) = options.health {
        app = app.merge(health.router());
        if let Some(document) = &mut document {
            document.merge(health::Document::openapi());
        }
    }
    let limits = RateLimits::new(options.limits, context.settings.rate_limit_scale);
    context.spawn("rate limit housekeeping", limits.clone().housekeeping());
    if let Some(document) = document {
        let documents = openapi::router(document);
        // The gateway's own limits lie around its own routes only.
        app = app.merge(if options.gateway { documents.layer(limits.per_caller_layer()) } else { documents });
    }
    let (metrics, page) = (context.metrics.clone(), options.metrics_page);
    app = app.route(
        "/metrics",
        get(async move |request: Request| match page {
            Some(page) if wants_page(request.headers()) => page.oneshot(request).await.into_response(),
            _ => serve_metrics(&metrics, &request),
        }),
    );

    if !options.gateway {
        app = app
            .fallback(|| async { Problem::no_such_resource() })
            .layer(limits.per_caller_layer())
            .layer(middleware::from_fn_with_state(context.auth.clone(), authenticate))
            .layer(limits.per_address_layer())
            .layer(CompressionLayer::new())
            .layer(TimeoutLayer::with_status_code(StatusCode::GATEWAY_TIMEOUT, options.request_timeout))
            .layer(RequestBodyLimitLayer::new(options.body_limit))
            .layer(DefaultBodyLimit::disable());
    }
    let info = PageInfo { service_title: options.title.into(), version: context.settings.version().into() };
    let outer = Arc::new(Outer { metrics: context.metrics.clone(), info });
    // One layer of the router: each one costs every request another copy of all that lies within.
    app.layer(
        ServiceBuilder::new().layer(middleware::from_fn_with_state(outer, observe)).layer(
            CatchPanicLayer::custom(|panic: Box<dyn std::any::Any + Send>| panic_problem(panic.as_ref())),
        ),
    )
}

/// An answer's extension that names its route for metrics and logs, where the router's own fallback answered. Names must
/// be few: never a path.
#[derive(Clone, Debug)]
pub struct RouteLabel(pub String);

struct Outer {
    metrics: Metrics,
    info: PageInfo,
}

/// The outermost layer: names the request, runs it inside its span, shows errors in the right form, and accounts for it.
async fn observe(State(outer): State<Arc<Outer>>, mut request: Request, next: Next) -> Response {
    let started = Instant::now();
    let given = request.headers().get(correlation::HEADER_NAME).and_then(|value| value.to_str().ok());
    let id = correlation::accept_or_generate(given);
    let id_value = HeaderValue::from_str(&id).unwrap_or_else(|_| HeaderValue::from_static(correlation::NONE));
    request.headers_mut().insert(correlation::HEADER_NAME, id_value.clone());
    request.extensions_mut().insert(outer.info.clone());

    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned());
    let (parts, body) = request.into_parts();
    let wanted = render::Request {
        method: method.clone(),
        path: parts.uri.path().to_owned(),
        query: parts.uri.query().map(ToOwned::to_owned),
        navigation: is_shown(&method, parts.uri.path(), &parts.headers),
        page: Page::of(&parts),
        correlation_id: id.clone(),
    };
    let span = tracing::info_span!(
        "request", correlation_id = %id, user = field::Empty, method = %method, path = %wanted.path
    );
    let handled = async {
        let mut response = next.run(Request::from_parts(parts, body)).await;
        let route = route.or_else(|| response.extensions_mut().remove::<RouteLabel>().map(|label| label.0));
        if let Some(problem) = response.extensions().get::<Problem>()
            && problem.status().is_server_error()
        {
            tracing::error!(status = problem.status().as_u16(), cause = problem.cause_text(), "{problem}");
        }
        let mut response = render::render(response, &wanted);
        response.headers_mut().insert(correlation::HEADER_NAME, id_value);
        let took = started.elapsed();
        let (route, status) = (route.as_deref(), response.status());
        outer.metrics.observe_request(&method, route, status, took);
        logging::access(Access { method: &method, path: &wanted.path, route, status, duration: took });
        response
    };
    correlation::scope(id, handled.instrument(span)).await
}

async fn authenticate(State(auth): State<Authenticator>, mut request: Request, next: Next) -> Response {
    let token = token_of(request.method(), request.headers());
    let found = auth.authenticate(token.as_deref()).await;
    if let (Ok(caller), Some(token)) = (&found.caller, token) {
        Span::current().record("user", caller.label());
        request.extensions_mut().insert(BearerToken(Secret::new(token)));
        request.extensions_mut().insert(caller.clone());
    }
    request.extensions_mut().insert(found);
    next.run(request).await
}

fn panic_problem(panic: &(dyn std::any::Any + Send)) -> Response {
    let what = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("a panic without text");
    Problem::internal(format!("panic: {what}")).into_response()
}

/// Prometheus text for callers on this machine; through the gateway the path does not exist (platform.md §12).
fn serve_metrics(metrics: &Metrics, request: &Request) -> Response {
    let local = request
        .extensions()
        .get::<ConnectInfo<SocketAddr>>()
        .is_none_or(|ConnectInfo(address)| address.ip().to_canonical().is_loopback());
    if !local || is_proxied(request.headers()) {
        return Problem::no_such_resource().into_response();
    }
    let text = HeaderValue::from_static("text/plain; version=1.0.0; charset=utf-8");
    ([(header::CONTENT_TYPE, text)], Body::from(metrics.render())).into_response()
}

/// Whether a browser asks.
fn wants_page(headers: &HeaderMap) -> bool {
    let accepts = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
    accepts.is_some_and(|accepts| accepts.contains("text/html"))
}

/// Whether a request came through the gateway.
pub(crate) fn is_proxied(headers: &HeaderMap) -> bool {
    headers.contains_key("x-forwarded-prefix")
}
