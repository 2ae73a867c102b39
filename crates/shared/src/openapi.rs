//! The API document and its page: `/docs`, `/static/openapi.json` and `/apispec.json` (platform.md §12).
//!
//! Everything is addressed relative to the page, so that it works at `/docs` and behind the gateway at `/codex/docs`.
//! The page has no inline script; its files lie below `/static/docs/`.

mod complete;

use std::sync::Arc;

use axum::{
    Router,
    extract::{Path, State},
    response::{IntoResponse, Redirect, Response},
    routing::get,
};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde_json::{Value, json};
use utoipa::openapi::{
    Components, OpenApi, SecurityRequirement,
    security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
};
use utoipa_swagger_ui::Config;

use crate::{pages::prefix_of, problem::Problem};

/// Name of the security scheme in the document.
pub const BEARER: &str = "bearer";

/// What the page may load. Swagger UI writes style attributes and draws its icons as data URLs.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
     img-src 'self' data:; font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; \
     frame-ancestors 'self'";

struct Docs {
    document: Value,
    page: String,
    config: Arc<Config<'static>>,
}

/// The routes for a document. The bearer scheme is added, and required wherever an operation says nothing else; so are the
/// refusals that all services have in common.
pub fn router(mut document: OpenApi) -> Router {
    add_bearer(&mut document);
    let page = page(&document.info.title);
    let config = Config::new(["static/openapi.json"]).validator_url("none").display_request_duration(true);
    let mut document = serde_json::to_value(&document).unwrap_or_default();
    complete::complete(&mut document);
    let docs = Arc::new(Docs { document, page, config: Arc::new(config) });
    Router::new()
        .route("/docs", get(show_page))
        .route("/docs/", get(|| async { Redirect::permanent("../docs") }))
        .route("/static/docs/{file}", get(file))
        .route("/static/openapi.json", get(specification))
        .route("/apispec.json", get(specification))
        .with_state(docs)
}

fn add_bearer(document: &mut OpenApi) {
    let scheme = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .bearer_format("JWT")
        .description(Some("A user or service token of HiveMatrix Core."))
        .build();
    let components = document.components.get_or_insert_with(Components::new);
    components.security_schemes.entry(BEARER.to_owned()).or_insert(SecurityScheme::Http(scheme).into());
    document.security.get_or_insert_with(|| vec![SecurityRequirement::new(BEARER, Vec::<String>::new())]);
}

fn page(title: &str) -> String {
    let title = title.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    format!(
        r#"<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}: API</title>
<link rel="stylesheet" href="static/docs/swagger-ui.css">
</head>
<body>
<div id="swagger-ui"></div>
<script src="static/docs/swagger-ui-bundle.js"></script>
<script src="static/docs/swagger-ui-standalone-preset.js"></script>
<script src="static/docs/swagger-initializer.js"></script>
</body>
</html>
"#
    )
}

async fn show_page(State(docs): State<Arc<Docs>>, headers: HeaderMap) -> Response {
    let content_type = (header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    let mut response = ([content_type], docs.page.clone()).into_response();
    // Behind the gateway the page is composed with the side panel and has the gateway's policy.
    if prefix_of(&headers).is_empty() {
        let policy = HeaderValue::from_static(CONTENT_SECURITY_POLICY);
        response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    response
}

async fn file(State(docs): State<Arc<Docs>>, Path(name): Path<String>) -> Result<Response, Problem> {
    // The vendored start page and its loader address their files differently; ours is at `/docs`.
    let found =
        if name == "index.html" { Ok(None) } else { utoipa_swagger_ui::serve(&name, docs.config.clone()) };
    let found = found.map_err(Problem::internal)?.ok_or_else(Problem::no_such_resource)?;
    let content_type = HeaderValue::from_str(&found.content_type).map_err(Problem::internal)?;
    let mut response = (StatusCode::OK, found.bytes.into_owned()).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, content_type);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=3600"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if found.gzpipped {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    Ok(response)
}

/// The document, with the address under which the caller reaches the service unless it names servers itself.
async fn specification(State(docs): State<Arc<Docs>>, headers: HeaderMap) -> Response {
    let mut document = docs.document.clone();
    if document.get("servers").is_none() {
        let prefix = prefix_of(&headers);
        let url = if prefix.is_empty() { "/".to_owned() } else { prefix };
        document["servers"] = json!([{"url": url}]);
    }
    axum::Json(document).into_response()
}

#[cfg(test)]
mod tests {
    use axum::body::{Body, to_bytes};
    use http::Request;
    use tower::ServiceExt;
    use utoipa::openapi::{InfoBuilder, OpenApiBuilder, PathsBuilder};

    use super::*;

    async fn get(path: &str, prefix: Option<&'static str>) -> (http::response::Parts, String) {
        let info = InfoBuilder::new().title("Codex <API>").version("1").build();
        let document = OpenApiBuilder::new().info(info).paths(PathsBuilder::new().build()).build();
        let mut request = Request::get(path).body(Body::empty()).unwrap();
        if let Some(prefix) = prefix {
            request.headers_mut().insert("x-forwarded-prefix", HeaderValue::from_static(prefix));
        }
        let (parts, body) = router(document).oneshot(request).await.unwrap().into_parts();
        let body = to_bytes(body, 10 << 20).await.unwrap();
        (parts, String::from_utf8_lossy(&body).into_owned())
    }

    #[tokio::test]
    async fn both_paths_answer_the_same_openapi_3_document_with_the_bearer_scheme() {
        let (_, first) = get("/static/openapi.json", None).await;
        let (_, second) = get("/apispec.json", None).await;
        assert_eq!(first, second);
        let document: Value = serde_json::from_str(&first).unwrap();
        assert!(document["openapi"].as_str().unwrap().starts_with("3."));
        assert_eq!(document["components"]["securitySchemes"][BEARER]["scheme"], "bearer");
        assert_eq!(document["security"], json!([{BEARER: []}]));
        assert_eq!(document["servers"], json!([{"url": "/"}]));
    }

    #[tokio::test]
    async fn behind_the_gateway_requests_go_through_the_prefix() {
        let (_, body) = get("/static/openapi.json", Some("/codex")).await;
        let document: Value = serde_json::from_str(&body).unwrap();
        assert_eq!(document["servers"], json!([{"url": "/codex"}]));
    }

    #[tokio::test]
    async fn the_page_has_relative_addresses_no_inline_script_and_a_policy() {
        let (parts, page) = get("/docs", None).await;
        assert!(page.contains("Codex &lt;API&gt;"));
        let policy = parts.headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
        assert!(policy.contains("script-src 'self';"));
        for tag in page.split("<script").skip(1) {
            assert!(tag.starts_with(" src=\"static/docs/") && tag.contains("\"></script>"), "{tag}");
        }
        let (parts, _) = get("/docs", Some("/codex")).await;
        assert!(!parts.headers.contains_key(header::CONTENT_SECURITY_POLICY));
    }

    #[tokio::test]
    async fn the_files_of_the_page_are_there() {
        for (file, kind) in [
            ("swagger-ui.css", "text/css"),
            ("swagger-ui-bundle.js", "text/javascript"),
            ("swagger-ui-standalone-preset.js", "text/javascript"),
            ("swagger-initializer.js", "text/javascript"),
        ] {
            let (parts, body) = get(&format!("/static/docs/{file}"), None).await;
            assert_eq!(parts.status, StatusCode::OK, "{file}");
            assert_eq!(parts.headers[header::CONTENT_TYPE], kind);
            assert!(!body.is_empty());
        }
        let (_, initializer) = get("/static/docs/swagger-initializer.js", None).await;
        assert!(initializer.contains("\"static/openapi.json\""), "{initializer}");
        assert!(!initializer.contains("petstore"));
        assert_eq!(get("/static/docs/index.html", None).await.0.status, StatusCode::NOT_FOUND);
        assert_eq!(get("/static/docs/..%2FCargo.toml", None).await.0.status, StatusCode::NOT_FOUND);
    }

    #[tokio::test]
    async fn a_trailing_slash_leads_to_the_page() {
        let (parts, _) = get("/docs/", None).await;
        assert_eq!(parts.headers[header::LOCATION], "../docs");
    }
}
