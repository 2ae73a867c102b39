//! Port 80: every plain HTTP request is sent to HTTPS (nexus.md §12), but for the answers to an ACME server's challenges,
//! if a directory with them is named.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use axum::{
    Router,
    extract::{self, Request, State},
    middleware,
    response::{IntoResponse, Response},
    routing::get,
};
use hivematrix_shared::problem::Problem;
use http::{HeaderValue, StatusCode, header};

use super::refuse_ambiguous;
use crate::{
    audit::Audit,
    domain::origin::{PublicOrigin, PublicOrigins},
};

/// Where ACME clients put their answers (RFC 8555 §8.3).
const CHALLENGES: &str = "/.well-known/acme-challenge";

/// What plain HTTP is answered with. `webroot` is a directory that an ACME client fills.
pub fn plain_router(origins: &Arc<PublicOrigins>, audit: &Audit, webroot: Option<&Path>) -> Router {
    let mut app = Router::new().fallback(redirect).with_state(origins.clone());
    if let Some(webroot) = webroot {
        let directory = Arc::new(webroot.join(&CHALLENGES[1..]));
        app = app.route(&format!("{CHALLENGES}/{{token}}"), get(challenge).with_state(directory));
    }
    app.layer(middleware::from_fn_with_state(audit.clone(), refuse_ambiguous))
}

/// Only to a public origin: the `Host` header alone would let anyone choose the target.
async fn redirect(State(origins): State<Arc<PublicOrigins>>, request: Request) -> Response {
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let name = name_of(host);
    let same_name = origins.iter().find(|origin| name_of(origin.host()).eq_ignore_ascii_case(name));
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
    let location = |origin: &PublicOrigin| {
        let path = if path.starts_with('/') { path } else { "/" };
        HeaderValue::from_str(&format!("{}{path}", origin.as_str())).ok()
    };
    match same_name.or_else(|| origins.main()).and_then(location) {
        Some(location) => (StatusCode::PERMANENT_REDIRECT, [(header::LOCATION, location)]).into_response(),
        None => Problem::no_such_resource().into_response(),
    }
}

/// A host without its port.
fn name_of(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    }
}

async fn challenge(
    State(directory): State<Arc<PathBuf>>,
    extract::Path(token): extract::Path<String>,
) -> Result<Response, Problem> {
    // Of the alphabet that tokens have, no path can be made.
    if !token.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_') {
        return Err(Problem::no_such_resource());
    }
    let answer = tokio::fs::read(directory.join(token)).await.map_err(|_| Problem::no_such_resource())?;
    let kind = HeaderValue::from_static("application/octet-stream");
    Ok(([(header::CONTENT_TYPE, kind)], answer).into_response())
}

#[cfg(test)]
mod tests {
    use axum::body::{Body, to_bytes};
    use tower::ServiceExt;

    use super::*;

    fn app(webroot: Option<&Path>) -> Router {
        let origins =
            PublicOrigins::parse("https://msp.example.net,https://other.example:8443,https://[::1]:9");
        plain_router(&Arc::new(origins.unwrap()), &Audit::default(), webroot)
    }

    async fn ask(app: Router, host: &str, target: &str) -> Response {
        let request = Request::builder().uri(target).header("host", host).body(Body::empty()).unwrap();
        app.oneshot(request).await.unwrap()
    }

    #[tokio::test]
    async fn plain_http_leads_to_the_public_origin_of_the_same_name_else_to_the_main_one() {
        for (host, target, expected) in [
            ("msp.example.net", "/a?b=c", "https://msp.example.net/a?b=c"),
            ("MSP.example.net:80", "/", "https://msp.example.net/"),
            ("other.example:80", "/a?b=c", "https://other.example:8443/a?b=c"),
            ("[::1]", "/a", "https://[::1]:9/a"),
            ("evil.example", "/a?b=c", "https://msp.example.net/a?b=c"),
            ("msp.example.net", "//evil.example/", "https://msp.example.net//evil.example/"),
            ("msp.example.net", "*", "https://msp.example.net/"),
            (
                "msp.example.net",
                "/.well-known/acme-challenge/x",
                "https://msp.example.net/.well-known/acme-challenge/x",
            ),
        ] {
            let response = ask(app(None), host, target).await;
            assert_eq!(response.status(), StatusCode::PERMANENT_REDIRECT, "{host} {target}");
            assert_eq!(response.headers()[header::LOCATION], expected, "{host} {target}");
        }
        let two = ask(app(None), "msp.example.net, evil.example", "/").await;
        assert_eq!(two.status(), StatusCode::BAD_REQUEST);
    }

    #[tokio::test]
    async fn only_the_answers_to_challenges_are_served_from_the_webroot() {
        let webroot = tempfile::tempdir().unwrap();
        let directory = webroot.path().join(".well-known/acme-challenge");
        std::fs::create_dir_all(&directory).unwrap();
        std::fs::write(directory.join("Token_1-a"), "Token_1-a.thumbprint").unwrap();
        std::fs::write(directory.join(".hidden"), "secret").unwrap();
        std::fs::write(webroot.path().join("secret"), "secret").unwrap();
        let found =
            ask(app(Some(webroot.path())), "msp.example.net", &format!("{CHALLENGES}/Token_1-a")).await;
        assert_eq!(found.status(), StatusCode::OK);
        assert_eq!(to_bytes(found.into_body(), 100).await.unwrap(), "Token_1-a.thumbprint");
        for name in ["other", ".hidden", "..%2F..%2Fsecret", "%2e%2e", "..%2fToken_1-a"] {
            let response =
                ask(app(Some(webroot.path())), "msp.example.net", &format!("{CHALLENGES}/{name}")).await;
            assert_eq!(response.status(), StatusCode::NOT_FOUND, "{name}");
        }
        let outside = ask(app(Some(webroot.path())), "msp.example.net", "/secret").await;
        assert_eq!(outside.status(), StatusCode::PERMANENT_REDIRECT);
    }
}
