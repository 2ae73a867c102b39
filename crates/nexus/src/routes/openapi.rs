//! The gateway's own API document. Its routes are dispatched by hand, so they are described here.

use utoipa::OpenApi;

use crate::domain::session::Remaining;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "HiveMatrix Nexus",
        description = "The gateway. Paths of the services are below `/<service>/`; each has its document at \
                       `/<service>/docs`."
    ),
    paths(login, callback, logout, home, invalidate_cache, session, renew_session, style_guide, service)
)]
struct Document;

/// The document for `/docs`.
pub fn openapi() -> utoipa::openapi::OpenApi {
    Document::openapi()
}

/// Starts a sign-in.
#[utoipa::path(get, path = "/login", params(("next" = Option<String>, Query, description = "Local path to open afterwards")),
    responses((status = 302, description = "To the identity provider")))]
#[expect(dead_code, reason = "carries a description only")]
fn login() {}

/// Ends a sign-in; the identity provider sends the browser here.
#[utoipa::path(get, path = "/keycloak-callback", params(
    ("code" = Option<String>, Query, description = "Authorization code"),
    ("state" = String, Query, description = "State of a sign-in that this browser began"),
    ("error" = Option<String>, Query, description = "Why the identity provider refused")),
    responses((status = 302, description = "Signed in"), (status = 401, description = "The sign-in does not count"),
        (status = 502, description = "The identity provider or Core gave no usable answer")))]
#[expect(dead_code, reason = "carries a description only")]
fn callback() {}

/// Ends the session, after a question when the request does not come from one of the suite's pages.
#[utoipa::path(get, path = "/logout", responses((status = 302, description = "To the identity provider's logout"),
    (status = 200, description = "The question", content_type = "text/html")))]
#[expect(dead_code, reason = "carries a description only")]
fn logout() {}

/// Leads to the user's start page.
#[utoipa::path(get, path = "/", responses((status = 302, description = "To the first service the user may open"),
    (status = 401, description = "Not signed in")))]
#[expect(dead_code, reason = "carries a description only")]
fn home() {}

/// Reads the caller's look and start page anew.
#[utoipa::path(post, path = "/api/invalidate-cache",
    responses((status = 200, description = "Done"), (status = 401, description = "Not signed in")))]
#[expect(dead_code, reason = "carries a description only")]
fn invalidate_cache() {}

/// Tells how long the caller's session lasts.
#[utoipa::path(get, path = "/api/session", responses((status = 200, description = "What is left", body = Remaining),
    (status = 401, description = "Not signed in")))]
#[expect(dead_code, reason = "carries a description only")]
fn session() {}

/// Renews the caller's session through the identity provider, without any page, when it is about to end.
#[utoipa::path(post, path = "/api/session/renew",
    responses((status = 200, description = "It is too early, or it cannot be renewed", body = Remaining),
        (status = 303, description = "To the identity provider; it leads back to `/api/session`"),
        (status = 401, description = "Not signed in"), (status = 403, description = "Not from one of the suite's pages")))]
#[expect(dead_code, reason = "carries a description only")]
fn renew_session() {}

/// Shows every part of the pages, for engineers.
#[utoipa::path(get, path = "/style-guide", params(
    ("theme" = Option<String>, Query, description = "`light` or `dark`; without one the caller's own look"),
    ("color" = Option<String>, Query, description = "A colour theme, such as `blue`")),
    responses((status = 200, description = "The page", content_type = "text/html"), (status = 302, description = "To the sign-in"),
        (status = 403, description = "Not for the caller's level: administrators and technicians only")))]
#[expect(dead_code, reason = "carries a description only")]
fn style_guide() {}

/// Passes a request on to a service; GET stands for all methods.
#[utoipa::path(get, path = "/{service}/{path}", params(
    ("service" = String, Path, description = "Name in the registry"),
    ("path" = String, Path, description = "Path of the service, passed on byte for byte")),
    responses((status = 200, description = "The service's answer"), (status = 401, description = "Not signed in"),
        (status = 403, description = "Not open to the caller's level"), (status = 404, description = "No such service"),
        (status = 502, description = "The service cannot be reached, or did not answer in time")))]
#[expect(dead_code, reason = "carries a description only")]
fn service() {}
