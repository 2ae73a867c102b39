//! Port 80: every plain HTTP request is sent to HTTPS (nexus.md §12).

use axum::{
    Router,
    extract::{Request, State},
    response::{IntoResponse, Response},
};
use http::{HeaderValue, StatusCode, header};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use std::sync::Arc;

use crate::domain::origin::PublicOrigins;

/// Serves the redirect until `stop`.
pub async fn serve(listener: TcpListener, origins: Arc<PublicOrigins>, stop: CancellationToken) {
    let app = Router::new().fallback(redirect).with_state(origins);
    let server = axum::serve(listener, app).with_graceful_shutdown(async move { stop.cancelled().await });
    if let Err(error) = server.await {
        tracing::warn!(error = %error, "the redirect from plain HTTP stopped");
    }
}

/// Only to a public origin: the `Host` header alone would let anyone choose the target.
async fn redirect(State(origins): State<Arc<PublicOrigins>>, request: Request) -> Response {
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    let same_name = origins
        .iter()
        .find(|origin| origin.host().rsplit_once(':').map_or(origin.host(), |(n, _)| n) == name);
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
    let location = same_name.or_else(|| origins.main()).map(|origin| format!("{}{path}", origin.as_str()));
    match location.and_then(|location| HeaderValue::from_str(&location).ok()) {
        Some(location) => (StatusCode::PERMANENT_REDIRECT, [(header::LOCATION, location)]).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    #[tokio::test]
    async fn plain_http_leads_to_the_public_origin_of_the_same_name_else_to_the_main_one() {
        let origins =
            Arc::new(PublicOrigins::parse("https://msp.example.net,https://other.example:8443").unwrap());
        for (host, expected) in [
            ("msp.example.net", "https://msp.example.net/a?b=c"),
            ("other.example:80", "https://other.example:8443/a?b=c"),
            ("evil.example", "https://msp.example.net/a?b=c"),
        ] {
            let request = Request::builder().uri("/a?b=c").header("host", host).body(Body::empty()).unwrap();
            let response = redirect(State(origins.clone()), request).await;
            assert_eq!(response.headers()[header::LOCATION], expected, "{host}");
        }
    }
}
