//! What a path of the gateway means (nexus.md §2, §6) and what is never proxied (§5).

use http::Method;

use super::path::RequestPath;

/// Where a request goes.
#[derive(Clone, Debug, PartialEq)]
pub enum Route<'a> {
    /// `/`: redirect to the user's start page.
    Home,
    /// `/login`.
    Login,
    /// `/keycloak-callback`.
    Callback,
    /// `/logout`; a POST comes from its own confirmation page.
    Logout,
    /// `POST /api/invalidate-cache`.
    InvalidateCache,
    /// `/api/session`: what is left of the session.
    Session,
    /// `POST /api/session/renew`.
    RenewSession,
    /// `/style-guide`.
    StyleGuide,
    /// A file of the design system; the name below `/static/`.
    Static(&'a str),
    /// A short address that leads elsewhere: target and whether the redirect is permanent.
    Redirect {
        /// Local path.
        to: String,
        /// 308 instead of 302.
        permanent: bool,
    },
    /// A path of the identity provider, below its base URL.
    Identity(&'a str),
    /// A path of the identity provider that is not for the outside.
    HiddenIdentity,
    /// A path of a service.
    Service(ServiceRoute<'a>),
}

/// A path below `/<service>/`.
#[derive(Clone, Debug, PartialEq)]
pub struct ServiceRoute<'a> {
    /// First segment.
    pub service: &'a str,
    /// The rest as it came, starting with a slash.
    pub rest: &'a str,
    /// Open without login.
    pub open: Option<Open>,
    /// Never proxied, whoever asks.
    pub denied: bool,
}

/// Why a path is open without login.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Open {
    /// Health, documentation or files of the board.
    Public,
    /// A display link, which Beacon checks itself: no side panel.
    Display,
    /// A vendor's webhook, which Codex checks by its secret.
    Webhook,
}

/// The icon of all pages, below `/static/`.
pub const ICON: &str = "img/icon.svg";
/// Services without a place of their own behind the gateway.
const NEVER_PROXIED: [&str; 2] = ["nexus", "keycloak"];

/// Reads a path; `realm` is the one realm that is shown to the outside.
pub fn classify<'a>(method: &Method, path: &RequestPath<'a>, realm: &str) -> Route<'a> {
    let read = matches!(*method, Method::GET | Method::HEAD);
    match path.raw() {
        "/" => return Route::Home,
        "/login" if read => return Route::Login,
        "/keycloak-callback" if read => return Route::Callback,
        "/logout" if read || method == Method::POST => return Route::Logout,
        "/api/invalidate-cache" if method == Method::POST => return Route::InvalidateCache,
        "/api/session" if read => return Route::Session,
        "/api/session/renew" if method == Method::POST => return Route::RenewSession,
        "/style-guide" | "/style-guide/" if read => return Route::StyleGuide,
        "/helpdesk" | "/helpdesk/" if read => return redirect("/beacon/helpdesk", false),
        "/professional-services" | "/professional-services/" if read => {
            return redirect("/beacon/professional-services", false);
        }
        "/keycloak" if read => return redirect("/keycloak/", true),
        // Browsers ask for it on their own, also where a page names its icon.
        "/favicon.ico" if read => return Route::Static(ICON),
        _ => {}
    }
    let (first, rest) = (path.first_segment(), path.after_first_segment());
    match first {
        "static" if read && !rest.is_empty() => Route::Static(rest.trim_start_matches('/')),
        "keycloak" => identity(rest, path.normalized_after_first_segment(), realm),
        "realms" | "resources" => identity(path.raw(), path.normalized(), realm),
        _ if rest.is_empty() && read => redirect(&format!("/{first}/"), true),
        _ => Route::Service(ServiceRoute {
            service: first,
            rest: if rest.is_empty() { "/" } else { rest },
            open: open(method, path.normalized()),
            denied: is_denied(first, path.normalized_after_first_segment()),
        }),
    }
}

fn redirect<'a>(to: &str, permanent: bool) -> Route<'a> {
    Route::Redirect { to: to.to_owned(), permanent }
}

/// Only the realm's own endpoints and the static files of its pages are shown (nexus.md §10).
fn identity<'a>(raw: &'a str, normalized: &str, realm: &str) -> Route<'a> {
    let of_realm = normalized
        .strip_prefix("/realms/")
        .and_then(|rest| rest.strip_prefix(realm))
        .is_some_and(|rest| rest.starts_with('/'));
    if of_realm || normalized.starts_with("/resources/") {
        Route::Identity(raw)
    } else {
        Route::HiddenIdentity
    }
}

/// The complete list of nexus.md §6, on the normalised path.
fn open(method: &Method, path: &str) -> Option<Open> {
    let read = matches!(*method, Method::GET | Method::HEAD);
    match path {
        "/beacon/health" | "/beacon/docs" if read => Some(Open::Public),
        "/codex/webhooks/freshservice/ticket"
        | "/codex/webhooks/superops/ticket"
        | "/codex/webhooks/test"
            if method == Method::POST =>
        {
            Some(Open::Webhook)
        }
        _ if read && path.starts_with("/beacon/static/") => Some(Open::Public),
        _ if read && is_screen(path) => Some(Open::Display),
        _ => None,
    }
}

/// The page of a display link, its data and its stream.
fn is_screen(path: &str) -> bool {
    let Some(rest) = path.strip_prefix("/beacon/display/") else { return false };
    let (view, part) = rest.split_once('/').unwrap_or((rest, ""));
    !view.is_empty() && (rest == view || matches!(part, "tickets" | "stream"))
}

/// Core's token routes, the gateway itself, the identity provider and every service's inner routes stay inside.
fn is_denied(service: &str, rest: &str) -> bool {
    let rest = rest.trim_end_matches('/');
    match service {
        "core" => {
            !(rest == "/api/token/introspect"
                || rest == "/api/sessions"
                || rest.starts_with("/api/sessions/"))
        }
        _ if NEVER_PROXIED.contains(&service) => true,
        // Helm has a page of that name (helm.md §3); its Prometheus text is kept inside by Helm itself.
        "helm" => matches!(rest, "/livez" | "/readyz"),
        _ => matches!(rest, "/metrics" | "/livez" | "/readyz"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route<'a>(method: &Method, raw: &'a str) -> Route<'a> {
        classify(method, &RequestPath::parse(raw).unwrap(), "hivematrix")
    }

    #[test]
    fn fixed_paths_are_the_gateways_own_and_with_another_method_a_service() {
        assert_eq!(route(&Method::GET, "/"), Route::Home);
        assert_eq!(route(&Method::GET, "/login"), Route::Login);
        assert_eq!(route(&Method::HEAD, "/login"), Route::Login);
        assert_eq!(route(&Method::POST, "/logout"), Route::Logout);
        assert_eq!(route(&Method::GET, "/style-guide"), Route::StyleGuide);
        assert_eq!(route(&Method::GET, "/favicon.ico"), Route::Static(ICON));
        assert_eq!(route(&Method::POST, "/api/invalidate-cache"), Route::InvalidateCache);
        assert_eq!(route(&Method::GET, "/api/session"), Route::Session);
        assert_eq!(route(&Method::POST, "/api/session/renew"), Route::RenewSession);
        assert!(matches!(
            route(&Method::POST, "/login"),
            Route::Service(ServiceRoute { service: "login", .. })
        ));
        assert!(matches!(route(&Method::GET, "/api/invalidate-cache"), Route::Service(_)));
    }

    #[test]
    fn short_addresses_redirect() {
        for (raw, to, permanent) in [
            ("/helpdesk", "/beacon/helpdesk", false),
            ("/helpdesk/", "/beacon/helpdesk", false),
            ("/professional-services/", "/beacon/professional-services", false),
            ("/keycloak", "/keycloak/", true),
            ("/codex", "/codex/", true),
        ] {
            assert_eq!(route(&Method::GET, raw), redirect(to, permanent), "{raw}");
        }
    }

    #[test]
    fn only_the_realm_and_its_files_are_shown_of_the_identity_provider() {
        for (raw, inner) in [
            (
                "/keycloak/realms/hivematrix/protocol/openid-connect/auth",
                "/realms/hivematrix/protocol/openid-connect/auth",
            ),
            ("/realms/hivematrix/account", "/realms/hivematrix/account"),
            ("/keycloak/resources/abc/login.css", "/resources/abc/login.css"),
            ("/resources/abc/login.css", "/resources/abc/login.css"),
        ] {
            assert_eq!(route(&Method::GET, raw), Route::Identity(inner), "{raw}");
        }
        for raw in [
            "/keycloak/",
            "/keycloak/admin/",
            "/keycloak/admin/realms/hivematrix/users",
            "/keycloak/realms/master/protocol/openid-connect/token",
            "/keycloak/realms/hivematrix2/account",
            "/keycloak/realms/hivematrix",
            "/keycloak/metrics",
            "/keycloak/health/ready",
            "/realms/master/account",
        ] {
            assert_eq!(route(&Method::GET, raw), Route::HiddenIdentity, "{raw}");
        }
    }

    #[test]
    fn the_open_paths_are_exactly_the_listed_ones() {
        let open = |method: &Method, raw| match route(method, raw) {
            Route::Service(service) => service.open,
            other => panic!("{other:?}"),
        };
        for (method, raw, expected) in [
            (Method::GET, "/beacon/health", Some(Open::Public)),
            (Method::GET, "/beacon/docs", Some(Open::Public)),
            (Method::GET, "/beacon/static/board.js", Some(Open::Public)),
            (Method::GET, "/beacon/display/abc", Some(Open::Display)),
            (Method::POST, "/codex/webhooks/test", Some(Open::Webhook)),
            (Method::POST, "/codex/webhooks/freshservice/ticket", Some(Open::Webhook)),
            (Method::GET, "/codex/webhooks/test", None),
            (Method::POST, "/codex/webhooks/test/", None),
            (Method::POST, "/codex/webhooks/other", None),
            (Method::POST, "/beacon/display/abc", None),
            (Method::GET, "/beacon/display", None),
            (Method::GET, "/beacon/display/", None),
            (Method::GET, "/beacon/display/helpdesk/tickets", Some(Open::Display)),
            (Method::HEAD, "/beacon/display/helpdesk/stream", Some(Open::Display)),
            (Method::DELETE, "/beacon/display/helpdesk/tickets", None),
            (Method::GET, "/beacon/display/helpdesk/", None),
            (Method::GET, "/beacon/display/helpdesk/other", None),
            (Method::GET, "/beacon/display/helpdesk/tickets/more", None),
            (Method::GET, "/beacon/displays", None),
            (Method::GET, "/beacon/api/displays", None),
            (Method::GET, "/beacon/api/stream/helpdesk", None),
            (Method::GET, "/beacon/api/tickets/helpdesk", None),
            (Method::GET, "/codex/health", None),
            (Method::GET, "/codex/docs", None),
            (Method::GET, "/beacon/healthx", None),
        ] {
            assert_eq!(open(&method, raw), expected, "{method} {raw}");
        }
    }

    #[test]
    fn inner_routes_are_never_proxied() {
        let denied = |raw| match route(&Method::POST, raw) {
            Route::Service(service) => service.denied,
            other => panic!("{other:?}"),
        };
        for raw in [
            "/core/service-token",
            "/core/api/token/exchange",
            "/core/api/internal/token",
            "/core/api/sessionsx",
            "/core/",
            "/nexus/health",
            "/codex/metrics",
            "/codex/%6detrics",
            "/codex/%2Fmetrics/",
            "/ledger/livez",
            "/beacon/readyz",
            "/helm/livez",
        ] {
            assert!(denied(raw), "{raw}");
        }
        for raw in [
            "/core/api/sessions",
            "/core/api/sessions/abc",
            "/core/api/sessions/revoke",
            "/core/api/token/introspect",
            "/helm/metrics",
            "/codex/metricsx",
            "/codex/api/metrics",
        ] {
            assert!(!denied(raw), "{raw}");
        }
    }
}
