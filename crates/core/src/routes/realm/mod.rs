//! The local realm's routes, on Keycloak's paths (core.md §7.5). They exist only where Core is the identity provider.

mod account;
mod admin;
mod authorize;
mod browser;
mod discovery;
mod login;
mod logout;
mod oauth;
mod password;
mod qr;
mod revoke;
mod second_factor;
mod submission;
mod token;
mod userinfo;
mod views;

use axum::{
    Router,
    extract::{Request, State},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use hivematrix_shared::problem::Problem;
use http::{HeaderValue, header};
use utoipa::OpenApi;

use crate::realm::{MASTER, Realm};

#[derive(OpenApi)]
#[openapi(paths(
    discovery::configuration,
    discovery::certs,
    authorize::authorize,
    token::token,
    token::master_token,
    userinfo::get,
    userinfo::post,
    revoke::revoke,
    logout::ask,
    logout::act
))]
struct Document;

/// Describes the realm's endpoints, its forms left out.
pub fn openapi() -> utoipa::openapi::OpenApi {
    Document::openapi().merge_from(admin::Document::openapi())
}

/// Where the realm's browser endpoints start, below the public prefix.
fn base(realm: &str) -> String {
    format!("/realms/{realm}")
}

/// Paths of the realm that services call; they are limited by what they check, not by who calls.
pub fn backchannel_paths(realm: &str) -> Vec<String> {
    let base = base(realm);
    let mut paths: Vec<String> = ["token", "userinfo", "certs", "revoke"]
        .iter()
        .map(|endpoint| format!("{base}/protocol/openid-connect/{endpoint}"))
        .collect();
    paths.push(format!("{base}/.well-known/openid-configuration"));
    paths.push("/admin/*".to_owned());
    paths
}

/// Paths of the forms that take passwords and codes; each is limited by address, behind the lock-out.
pub fn form_paths(realm: &str) -> Vec<String> {
    let base = base(realm);
    let actions = ["authenticate", "authenticate-otp", "configure-totp", "required-action"];
    let account = ["password", "totp", "totp/remove", "recovery-codes"];
    let actions = actions.iter().map(|action| format!("{base}/login-actions/{action}"));
    actions.chain(account.iter().map(|path| format!("{base}/account/{path}"))).collect()
}

/// All routes of the realm.
pub fn router(realm: Realm) -> Router {
    let base = base(&realm.name);
    let oidc = |endpoint: &str| format!("{base}/protocol/openid-connect/{endpoint}");
    let action = |step: &str| format!("{base}/login-actions/{step}");
    let pages = Router::new()
        .route(&oidc("auth"), get(authorize::authorize))
        .route(&action("authenticate"), post(login::authenticate))
        .route(&action("authenticate-otp"), post(second_factor::authenticate_otp))
        .route(&action("configure-totp"), post(second_factor::configure_totp))
        .route(&action("required-action"), post(login::required_action))
        .route(&oidc("logout"), get(logout::ask).post(logout::act))
        .merge(account::router(&base));
    let endpoints = Router::new()
        .route(&oidc("token"), post(token::token))
        .route(&format!("/realms/{MASTER}/protocol/openid-connect/token"), post(token::master_token))
        .route(&oidc("userinfo"), get(userinfo::get).post(userinfo::post))
        .route(&oidc("revoke"), post(revoke::revoke))
        .merge(admin::router(&realm.name));
    let documents = Router::new()
        .route(&format!("{base}/.well-known/openid-configuration"), get(discovery::configuration))
        .route(&oidc("certs"), get(discovery::certs));
    pages
        .merge(endpoints)
        .layer(middleware::from_fn_with_state(realm.clone(), when_ready))
        .merge(documents)
        .with_state(realm)
}

/// Answers 503 until the tables are there, and lets nobody keep an answer: not a browser, nor anything on the way to it.
async fn when_ready(State(realm): State<Realm>, request: Request, next: Next) -> Response {
    let mut response = if realm.is_ready() {
        next.run(request).await
    } else {
        Problem::unavailable("Sign-in is being set up. Try again in a moment.", 2).into_response()
    };
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
