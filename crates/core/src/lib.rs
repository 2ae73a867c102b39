//! HiveMatrix Core: proves who you are and signs tokens.
//!
//! Contract: core.md. Tokens and sessions serve every service; the local realm, an identity provider on Keycloak's paths,
//! exists only where no other one is configured.

pub mod clients;
pub mod config;
pub mod crypto;
pub mod domain;
mod health;
pub mod jobs;
pub mod realm;
pub mod routes;
pub mod state;
pub mod store;
pub mod tokens;

use std::sync::Arc;

use anyhow::Context;
use axum::Router;
use hivematrix_shared::{
    auth::Revocations,
    clock::Clock,
    context::ServiceContext,
    db,
    health::Health,
    rate_limit::{KeyBy, Limits, Methods, Per},
    server::{self, ServeOptions},
    service_client::http_client,
};
use http::Method;
use sqlx::PgPool;
use utoipa::openapi::{Info, OpenApi};
use utoipa_axum::router::OpenApiRouter;

use crate::{
    clients::{identity_provider::IdentityProvider, provider_admin::ProviderAdmin},
    config::{DEFAULT_PORT, Settings},
    crypto::{
        key_files::{self, KeyFileError},
        key_ring::KeyRing,
        passwords::Passwords,
        sealed::Sealer,
        signer::Signer,
    },
    domain::origins::Origins,
    realm::Realm,
    state::{AppState, Parts},
    store::{
        service_secrets::ServiceSecrets,
        sessions::{RedisAddress, Sessions},
    },
};

/// Migrations of `core_db`.
pub static MIGRATOR: sqlx::migrate::Migrator = sqlx::migrate!("../../migrations/core");

/// Pages and forms are small; nobody has a reason to send more.
const BODY_LIMIT: usize = 1024 * 1024;

const UNUSABLE_KEYS: &str = "the signing keys cannot be used";

/// Starts Core and serves until it is told to stop.
pub async fn run(settings: Settings) -> anyhow::Result<()> {
    anyhow::ensure!(!settings.common.secret_key.is_empty(), "SECRET_KEY is required");
    settings.check_pinned()?;
    let keys = KeyRing::open(
        &settings.key_path(&settings.jwt_private_key_file),
        &settings.key_path(&settings.jwt_public_key_file),
        Clock::system(),
    )
    .context(UNUSABLE_KEYS)?;
    let revocations = Arc::new(Revocations::local());
    let ctx = ServiceContext::start_with_keys(
        "core",
        settings.common.clone(),
        keys.verifying(),
        revocations.clone(),
    )?;
    let pool = if settings.is_local_realm() {
        let pool = db::connect(settings.database_url.as_ref(), db::POOL_SIZE).context(
            "the local realm needs a database; set KEYCLOAK_SERVER_URL to use another identity provider",
        )?;
        Some(pool)
    } else {
        None
    };
    let core = assemble(ctx.clone(), settings, keys, revocations, pool).await?;
    jobs::start(&core);
    let (app, openapi) = router(&core);
    server::run(ctx, app, options(&core, openapi)).await?;
    Ok(())
}

/// Core's state from its settings, with everything opened that is there. With a database Core is its own identity
/// provider.
pub async fn assemble(
    ctx: ServiceContext,
    settings: Settings,
    keys: KeyRing,
    revocations: Arc<Revocations>,
    pool: Option<PgPool>,
) -> anyhow::Result<AppState> {
    let origins = Origins::parse(&settings.nexus_service_url).context("NEXUS_SERVICE_URL")?;
    let sealer = Sealer::new(&settings.common.secret_key)?;
    let sessions = Sessions::open(redis_address(&settings)?, revocations, ctx.clock.clone()).await;
    let http = http_client(&settings.common)?;
    let provider = IdentityProvider::new(&settings, origins.clone(), http.clone(), ctx.clock.clone());
    let provider_admin = ProviderAdmin::new(&settings, http);
    let realm = match pool {
        Some(pool) => Some(open_realm(&ctx, &settings, &origins, &sealer, &sessions, pool)?),
        None => None,
    };
    let secrets = ServiceSecrets::open(settings.service_secrets_file.clone());
    Ok(AppState::new(Parts {
        ctx,
        settings,
        origins,
        sessions,
        keys,
        secrets,
        provider,
        provider_admin,
        sealer,
        realm,
    }))
}

/// The configured Redis; an address that can never work is the operator's to set right.
fn redis_address(settings: &Settings) -> anyhow::Result<Option<RedisAddress>> {
    let Some(url) = settings.redis_url.as_ref().filter(|url| !url.is_empty()) else { return Ok(None) };
    let authority = match &settings.common.ca_file {
        Some(file) => Some(std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?),
        None => None,
    };
    Ok(Some(RedisAddress::parse(url, authority.as_deref())?))
}

fn open_realm(
    ctx: &ServiceContext,
    settings: &Settings,
    origins: &Origins,
    sealer: &Sealer,
    sessions: &Sessions,
    pool: PgPool,
) -> anyhow::Result<Realm> {
    let name = settings.keycloak_realm.clone();
    anyhow::ensure!(
        !name.is_empty()
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
            && name != realm::MASTER,
        "KEYCLOAK_REALM may hold letters, digits, hyphen and underscore, and must not be `master`"
    );
    let private = settings.key_path("keys/realm_private.pem".as_ref());
    let public = settings.key_path("keys/realm_public.pem".as_ref());
    let signer = key_files::load_or_create(&private, &public)
        .and_then(|pair| {
            Signer::new(pair, "hivematrix-realm-key-1").ok_or(KeyFileError::NotAKey { path: private })
        })
        .context(UNUSABLE_KEYS)?;
    Ok(Realm::new(realm::Parts {
        name,
        pool,
        clock: ctx.clock.clone(),
        origins: origins.clone(),
        own_url: settings.own_url(),
        clients: realm::clients(settings, origins),
        signer,
        passwords: Passwords::new()?,
        sealer: sealer.clone(),
        sessions: sessions.clone(),
        ready: Default::default(),
        owed: Default::default(),
    }))
}

/// All routes, and the document of those that are an API.
pub fn router(core: &AppState) -> (Router, OpenApi) {
    let (api, mut openapi) = OpenApiRouter::new().merge(routes::api::router()).split_for_parts();
    openapi.info = Info::new("HiveMatrix Core", env!("CARGO_PKG_VERSION"));
    let mut app = api.merge(routes::pages::router()).with_state(core.clone());
    if let Some(realm) = &core.realm {
        app = app.merge(routes::realm::router(realm.clone()));
        openapi.merge(routes::realm::openapi());
    }
    (app, openapi)
}

/// Limits, health and documents around the routes (platform.md §11, §12).
pub fn options(core: &AppState, openapi: OpenApi) -> ServeOptions {
    let realm = &core.settings.keycloak_realm;
    let mut limits = Limits::platform_default()
        .route_by(KeyBy::Address, Method::GET, "/login", &[(10, Per::Minute)])
        .route_by(KeyBy::Address, Method::GET, "/auth", &[(20, Per::Minute)])
        .route_by(KeyBy::Address, Methods::Any, "/api/token/exchange", &[(20, Per::Minute)])
        .exempt("/service-token")
        .exempt("/api/token/validate")
        .exempt("/api/token/revoke")
        .exempt("/api/revocations")
        .exempt("/.well-known/jwks.json");
    for path in routes::realm::form_paths(realm) {
        limits = limits.route_by(KeyBy::Address, Method::POST, &path, &[(60, Per::Minute)]);
    }
    for path in routes::realm::backchannel_paths(realm) {
        limits = limits.exempt(&path);
    }
    let sessions = core.sessions.clone();
    let mut health = Health::new(&core.ctx).store("redis", move || health::sessions(sessions.clone()));
    if let Some(realm) = &core.realm {
        let ready = realm.clone();
        health =
            health.database(realm.pool.clone()).store("local_realm", move || health::realm(ready.clone()));
    }
    ServeOptions::new("Core", DEFAULT_PORT)
        .body_limit(BODY_LIMIT)
        .limits(limits)
        .health(health)
        .openapi(openapi)
}
