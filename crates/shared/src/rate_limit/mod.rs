//! Rate limits (platform.md §11): per user, per service, per address; on `tower_governor`.
//!
//! A limit of 500 a minute lets 500 requests through at once and then one every 120 ms (GCRA): there is no window whose
//! edge lets twice the limit through. Each window of a scope has a governor of its own and all of them must agree.
//! Limits count per process.

mod key;
mod layer;
mod scope;
#[cfg(test)]
mod tests;

use std::{sync::Arc, time::Duration};

use axum::extract::MatchedPath;
use http::{Method, Request};

pub use self::{
    key::{KeyBy, RateKey, client_address, customer},
    layer::{LimitLayer, Limited},
};
use self::{layer::Stage, scope::Scope};

/// The length of a window.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Per {
    /// 60 seconds.
    Minute,
    /// 60 minutes.
    Hour,
    /// 24 hours.
    Day,
}

impl Per {
    pub(crate) fn duration(self) -> Duration {
        Duration::from_secs(match self {
            Self::Minute => 60,
            Self::Hour => 60 * 60,
            Self::Day => 24 * 60 * 60,
        })
    }
}

/// Which methods of a route a limit is for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Methods {
    /// All of them, counted together.
    Any,
    /// One.
    Only(Method),
}

impl From<Method> for Methods {
    fn from(method: Method) -> Self {
        Self::Only(method)
    }
}

impl Methods {
    fn matches(&self, method: &Method) -> bool {
        match self {
            Self::Any => true,
            // A route that serves GET serves HEAD by the same handler.
            Self::Only(only) => only == method || (*only == Method::GET && *method == Method::HEAD),
        }
    }
}

/// Requests per window, such as `(500, Per::Minute)`.
pub type Window = (u32, Per);

/// The limits of a service, as its documents state them.
#[derive(Clone, Debug)]
pub struct Limits {
    default: Vec<Window>,
    address: Vec<Window>,
    routes: Vec<RouteLimit>,
    exempt: Vec<String>,
}

#[derive(Clone, Debug)]
struct RouteLimit {
    methods: Methods,
    path: String,
    key: KeyBy,
    windows: Vec<Window>,
}

impl Limits {
    /// 10000 an hour and 500 a minute for each user; 6000 a minute for each address before authentication. Health and
    /// metrics routes are exempt.
    pub fn platform_default() -> Self {
        Self {
            default: vec![(10_000, Per::Hour), (500, Per::Minute)],
            address: vec![(6_000, Per::Minute)],
            routes: Vec::new(),
            exempt: ["/health", "/livez", "/readyz", "/metrics"].map(str::to_owned).into(),
        }
    }

    /// Replaces the limits of routes that have none of their own.
    #[must_use]
    pub fn defaults(mut self, windows: &[Window]) -> Self {
        self.default = windows.to_vec();
        self
    }

    /// Replaces the coarse limit per address that applies before authentication; empty: none.
    #[must_use]
    pub fn per_address(mut self, windows: &[Window]) -> Self {
        self.address = windows.to_vec();
        self
    }

    /// Limits of one route, counted per caller; they replace the defaults there. `path` is the route as it was
    /// registered (`/api/tickets/{view}`), or a prefix ending in `/*`.
    #[must_use]
    pub fn route(self, methods: impl Into<Methods>, path: &str, windows: &[Window]) -> Self {
        self.route_by(KeyBy::Caller, methods, path, windows)
    }

    /// [`Limits::route`] with another key than the caller.
    #[must_use]
    pub fn route_by(
        mut self,
        key: KeyBy,
        methods: impl Into<Methods>,
        path: &str,
        windows: &[Window],
    ) -> Self {
        self.routes.push(RouteLimit {
            methods: methods.into(),
            path: path.to_owned(),
            key,
            windows: windows.to_vec(),
        });
        self
    }

    /// A route without any limit; `path` as in [`Limits::route`].
    #[must_use]
    pub fn exempt(mut self, path: &str) -> Self {
        self.exempt.push(path.to_owned());
        self
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self::platform_default()
    }
}

/// The running limits of a service. Cheap to clone; clones count together.
#[derive(Clone)]
pub struct RateLimits(Arc<Inner>);

struct Inner {
    exempt: Vec<String>,
    routes: Vec<(Methods, String, Scope)>,
    default: Scope,
    address: Scope,
}

/// How often buckets that are full again are thrown away.
const HOUSEKEEPING: Duration = Duration::from_secs(60);

impl RateLimits {
    /// `scale` multiplies every limit (`HIVEMATRIX_RATE_LIMIT_SCALE`).
    pub fn new(limits: Limits, scale: f64) -> Self {
        let routes = limits.routes.into_iter().map(|route| {
            let scope = Scope::new(&route.windows, route.key, scale);
            (route.methods, route.path, scope)
        });
        Self(Arc::new(Inner {
            exempt: limits.exempt,
            routes: routes.collect(),
            default: Scope::new(&limits.default, KeyBy::Caller, scale),
            address: Scope::new(&limits.address, KeyBy::Address, scale),
        }))
    }

    /// The layer inside authentication: it needs the [`Caller`](crate::auth::Caller) in the request's extensions.
    pub fn per_caller_layer(&self) -> LimitLayer {
        LimitLayer::new(self.clone(), Stage::Caller)
    }

    /// The coarse layer outside authentication. Calls from this machine that no proxy forwarded pass: they are
    /// services, all from one address, and have limits of their own once they are authenticated.
    pub fn per_address_layer(&self) -> LimitLayer {
        LimitLayer::new(self.clone(), Stage::Address)
    }

    /// Forgets idle keys from time to time; runs until it is dropped.
    pub async fn housekeeping(self) {
        loop {
            tokio::time::sleep(HOUSEKEEPING).await;
            self.forget_idle();
        }
    }

    fn forget_idle(&self) {
        let scopes = self.0.routes.iter().map(|(.., scope)| scope);
        scopes.chain([&self.0.default, &self.0.address]).for_each(Scope::forget_idle);
    }

    /// The scope of a request; none when it is exempt.
    fn scope<B>(&self, stage: Stage, request: &Request<B>) -> Option<&Scope> {
        let matched = request.extensions().get::<MatchedPath>().map(MatchedPath::as_str);
        let path = request.uri().path();
        let is = |pattern: &str| applies(pattern, matched, path);
        if self.0.exempt.iter().any(|pattern| is(pattern)) {
            return None;
        }
        match stage {
            Stage::Address if key::is_local_service(request) => None,
            Stage::Address => Some(&self.0.address),
            Stage::Caller => {
                let own = self
                    .0
                    .routes
                    .iter()
                    .find(|(methods, pattern, _)| methods.matches(request.method()) && is(pattern));
                Some(own.map_or(&self.0.default, |(.., scope)| scope))
            }
        }
    }
}

/// Whether a pattern means this request: the matched route itself, or a prefix of the path.
fn applies(pattern: &str, matched: Option<&str>, path: &str) -> bool {
    match pattern.strip_suffix("/*") {
        Some(prefix) => path.strip_prefix(prefix).is_some_and(|rest| rest.starts_with('/')),
        None => matched.unwrap_or(path) == pattern,
    }
}
