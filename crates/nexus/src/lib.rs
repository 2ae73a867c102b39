//! The gateway: the only door of the suite. It ends TLS, signs people in, checks every request, passes it on to the
//! services and adds the shared look to their pages.

pub mod assets;
pub mod audit;
pub mod clients;
mod compose;
mod compress;
pub mod config;
pub mod domain;
mod frame;
mod front;
mod gate;
pub mod jobs;
mod routes;
pub mod store;
pub mod tls;
pub mod workers;

use std::{net::SocketAddr, sync::Arc};

use axum::{Router, handler::Handler, middleware};
use hivematrix_shared::{
    context::{ServiceContext, StartError},
    health::Health,
    rate_limit::{Limits, Per, RateLimits},
    server::{self, ServeOptions},
};
use tokio::net::TcpListener;
use tower::ServiceBuilder;

pub use self::routes::plain_router;
use self::{
    audit::Audit,
    clients::{backend::Backends, codex::Preferences, core::Core, realm::Realm},
    config::{DEFAULT_PORT, Settings},
    domain::{
        origin::{OriginError, PublicOrigins},
        seal::{SealError, Sealer},
        trusted::TrustedProxies,
    },
    gate::Gate,
    store::SessionStore,
    tls::{certificate::CertificateError, listener::CurrentCertificate, places::Places},
    workers::Workers,
};

/// What all handlers share.
pub struct Gateway {
    context: ServiceContext,
    settings: Settings,
    origins: Arc<PublicOrigins>,
    proxies: TrustedProxies,
    sealer: Arc<Sealer>,
    sessions: SessionStore,
    gate: Gate,
    realm: Realm,
    core: Core,
    preferences: Preferences,
    backends: Backends,
    certificate: Option<Arc<CurrentCertificate>>,
    audit: Audit,
}

/// The gateway cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartFailure {
    /// `SECRET_KEY` is missing.
    #[error("SECRET_KEY is not set: it encrypts the sessions")]
    NoSecretKey,
    /// The shared parts cannot start.
    #[error(transparent)]
    Context(#[from] StartError),
    /// `NEXUS_SERVICE_URL` is wrong.
    #[error("NEXUS_SERVICE_URL: {0}")]
    Origins(#[from] OriginError),
    /// The key cannot be derived.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// `REDIS_URL` is wrong.
    #[error("REDIS_URL: {0}")]
    Redis(#[from] redis::RedisError),
    /// There is no usable certificate.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    /// TLS cannot be set up.
    #[error("TLS cannot be set up: {0}")]
    Tls(#[from] rustls::Error),
    /// Signals cannot be received.
    #[error("signals cannot be received: {0}")]
    Signal(std::io::Error),
    /// The port is taken or forbidden.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        source: std::io::Error,
    },
    /// The threads that serve connections cannot be started.
    #[error("connections cannot be served: {0}")]
    Workers(std::io::Error),
}

impl Gateway {
    /// Puts the parts together. `certificate` is the one in use, if TLS ends here.
    pub fn new(
        context: ServiceContext,
        settings: Settings,
        certificate: Option<Arc<CurrentCertificate>>,
    ) -> Result<Arc<Self>, StartFailure> {
        if context.settings.secret_key.is_empty() {
            return Err(StartFailure::NoSecretKey);
        }
        let origins = Arc::new(settings.origins()?);
        let sealer = Arc::new(Sealer::new(context.settings.secret_key.expose())?);
        let core = Core::new(context.client.clone());
        let audit = Audit::default();
        context.spawn_graceful(audit.clone().count_refusals(context.shutdown.clone()));
        Ok(Arc::new(Self {
            sessions: SessionStore::new(sealer.clone(), settings.redis_url.as_ref())?,
            gate: Gate::new(context.auth.clone(), context.clock.clone(), core.clone()),
            realm: Realm::new(
                &settings,
                origins.clone(),
                context.client.http().clone(),
                context.registry.clone(),
                context.clock.clone(),
            ),
            preferences: Preferences::new(context.client.clone()),
            backends: Backends::new(&settings, context.shutdown.clone())?,
            proxies: settings.proxies(),
            context,
            settings,
            origins,
            sealer,
            core,
            certificate,
            audit,
        }))
    }

    /// Whether the certificate is one that browsers trust by themselves.
    fn has_real_certificate(&self) -> bool {
        self.certificate.as_ref().is_some_and(|certificate| !certificate.is_self_made())
    }

    /// The whole application, from the frame around every answer to the handlers.
    pub fn router(self: &Arc<Self>) -> Router {
        let limits = limits();
        let own = RateLimits::new(limits.clone(), self.context.settings.rate_limit_scale);
        self.context.spawn("rate limit housekeeping", own.clone().housekeeping());
        // One service instead of layers of the router: each of those costs every request another copy of all that lies within.
        let stack = ServiceBuilder::new()
            .layer(own.per_address_layer())
            .layer(middleware::from_fn_with_state(self.audit.clone(), routes::refuse_ambiguous))
            .layer(middleware::from_fn_with_state(self.clone(), routes::identify))
            .layer(own.per_caller_layer())
            .service(routes::handle.with_state(self.clone()));
        let app = Router::new().fallback_service(stack);
        let mut health = Health::new(&self.context).dependency("core");
        if let Some(url) = self.realm.discovery_url() {
            health = health.dependency_at("keycloak", url);
        }
        let options = ServeOptions::new("Nexus", DEFAULT_PORT)
            .limits(limits)
            .health(health)
            .openapi(routes::openapi())
            .gateway();
        server::apply(&self.context, app, options)
            .layer(middleware::from_fn_with_state(self.clone(), frame::frame))
    }
}

/// Upstream's numbers, which the gateway needs because it sees every file and every poll (nexus.md §1).
fn limits() -> Limits {
    Limits::platform_default()
        .defaults(&[(20_000, Per::Hour), (1_000, Per::Minute)])
        .per_address(&[(30_000, Per::Minute)])
        .exempt("/static/*")
}

/// Runs the gateway until it is told to stop.
pub async fn run(settings: Settings) -> Result<(), StartFailure> {
    let context = ServiceContext::start("nexus", settings.common.clone())?;
    let origins = settings.origins()?;
    let wanted = jobs::wanted_certificate(&settings, &origins);
    let loaded = tls::certificate::load_or_make(&wanted, context.clock.now())?;
    loaded.warn_before_end(context.clock.now());
    let certificate = Arc::new(CurrentCertificate::new(&loaded));
    let gateway = Gateway::new(context.clone(), settings, Some(certificate.clone()))?;

    let address = SocketAddr::new(gateway.settings.nexus_host, gateway.settings.port());
    let listener = listen(address).await?;
    let config = tls::listener::server_config(certificate.clone())?;
    context.spawn("connections to backends", jobs::tidy_backends(gateway.clone()));
    let keeper = jobs::CertificateKeeper::new(wanted, certificate, context.clock.clone())
        .map_err(StartFailure::Signal)?;
    context.spawn("certificate renewal", keeper.run());
    let places = Places::for_this_process(gateway.proxies.clone());
    if let Some(port) = gateway.settings.http_redirect_port() {
        match listen(SocketAddr::new(gateway.settings.nexus_host, port)).await {
            Ok(plain) => {
                let stop = context.shutdown.clone();
                let webroot = gateway.settings.acme_webroot.as_deref();
                let app = plain_router(&gateway.origins, &gateway.audit, webroot);
                context.spawn_graceful(tls::listener::serve_plain(plain, app, places.clone(), stop));
            }
            Err(error) => tracing::warn!(error = %error, "plain HTTP is not redirected to HTTPS"),
        }
    }
    let workers = Workers::start().map_err(StartFailure::Workers)?;
    context.stop_on_signals();
    let main_origin = gateway.origins.main().map(|origin| origin.as_str().to_owned()).unwrap_or_default();
    tracing::info!(%address, origin = main_origin, version = context.settings.version(), "listening");
    let (app, stop) = (gateway.router(), context.shutdown.clone());
    tls::listener::serve(&workers, listener, config, app, main_origin, places, stop).await;
    context.stop().await;
    // Until here: what they hold open may have been in use by the jobs as well.
    drop(workers);
    Ok(())
}

async fn listen(address: SocketAddr) -> Result<TcpListener, StartFailure> {
    TcpListener::bind(address).await.map_err(|source| StartFailure::Listen { address, source })
}
