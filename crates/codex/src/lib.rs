//! Codex: companies, contacts, assets and tickets of an MSP in one place. The only service that talks to the PSA.

pub mod cli;
pub mod clients;
pub mod config;
pub mod domain;
pub mod health;
pub mod import;
pub mod init_db;
pub mod jobs;
pub mod large_answers;
pub mod plans_file;
pub mod providers;
pub mod routes;
pub mod settings;
pub mod store;
pub mod sync;

use std::{process::ExitCode, sync::Arc, time::Duration};

use anyhow::ensure;
use axum::Router;
use hivematrix_shared::{
    clock::Clock,
    context::ServiceContext,
    db, logging,
    problem::Problem,
    rate_limit::{Limits, Per},
    server::{self, ServeOptions},
};
use http::Method;
use sqlx::{PgPool, migrate::Migrator};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;

use crate::{
    cli::Command,
    config::{DEFAULT_PORT, Settings},
    domain::line_budget::LineBudget,
    jobs::SyncService,
    large_answers::{LargeAnswers, Turn},
    providers::Providers,
    settings::LiveSettings,
    store::board_cache::BoardCache,
};

/// The schema, applied at start.
pub static MIGRATOR: Migrator = sqlx::migrate!("../../migrations/codex");

/// What every handler and job works with. Cheap to clone.
#[derive(Clone)]
pub struct Codex {
    /// What all services share.
    pub context: ServiceContext,
    /// Codex's own settings, which change while it runs; [`Codex::settings`] for those of this moment.
    pub live: LiveSettings,
    /// The database.
    pub pool: PgPool,
    /// The ready-made ticket board.
    pub board: BoardCache,
    /// Syncs with the vendors.
    pub sync: SyncService,
    /// Who is given an answer with everything.
    pub large_answers: Arc<LargeAnswers>,
    /// How long requests wait.
    pub patience: Patience,
    /// Log lines about webhooks that were refused.
    pub webhook_lines: Arc<LineBudget>,
}

/// How long requests wait for others.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// For a turn at an answer with everything.
    pub turn: Duration,
    /// For a reader who takes nothing of such an answer: until then it holds a connection of the database.
    pub reader: Duration,
    /// For the end of such an answer, for the same reason.
    pub answer: Duration,
    /// For the end of clearing; a caller's request ends after 30 seconds.
    pub clearing: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self { turn: seconds(20), reader: seconds(30), answer: seconds(300), clearing: seconds(20) }
    }
}

impl Codex {
    /// Puts the parts together; starts nothing.
    pub fn new(context: ServiceContext, settings: Settings, pool: PgPool) -> Self {
        let board = BoardCache::new(pool.clone(), settings.display_time_zone.as_str());
        let sync = SyncService::from_settings(
            &settings,
            pool.clone(),
            context.clock.clone(),
            context.shutdown.clone(),
        );
        let (large_answers, patience) = (Arc::default(), Patience::default());
        let webhook_lines = Arc::new(LineBudget::per_minute(routes::api::webhooks::REFUSAL_LINES));
        let live = LiveSettings::new(settings);
        Self { context, live, pool, board, sync, large_answers, patience, webhook_lines }
    }

    /// The settings of this moment.
    pub fn settings(&self) -> Arc<Settings> {
        self.live.load()
    }

    /// Leave to make an answer with everything, which holds so many database connections or much memory.
    ///
    /// # Errors
    /// 503 when others do not end in time.
    pub async fn turn(&self, places: u32) -> Result<Turn, Problem> {
        self.large_answers.turn(places, self.patience.turn).await
    }

    /// Takes up a changed settings file.
    pub fn reload(&self) {
        if self.live.refresh() {
            self.sync.reload(&self.settings());
        }
    }

    /// Watches the settings file, which another instance or a person may write.
    async fn watch_settings(self) {
        loop {
            tokio::time::sleep(settings::LOOK).await;
            let codex = self.clone();
            // Files block.
            if let Err(error) = tokio::task::spawn_blocking(move || codex.reload()).await {
                tracing::error!(%error, "the settings file could not be looked at");
            }
        }
    }
}

#[derive(OpenApi)]
#[openapi(info(
    title = "Codex",
    description = "Companies, contacts, assets and tickets of an MSP, in one place."
))]
struct ApiDocument;

/// All routes, and how they are to be served.
pub fn app(codex: Codex) -> (Router, ServeOptions) {
    let (api, mut document) = OpenApiRouter::with_openapi(ApiDocument::openapi())
        .merge(routes::api::router())
        .merge(routes::pages::documented())
        .split_for_parts();
    document.merge(health::Document::openapi());
    let app = api.merge(routes::pages::router()).with_state(codex.clone()).merge(health::alias(&codex));
    let options = ServeOptions::new("Codex", DEFAULT_PORT)
        .limits(routes::api::webhooks::limits(
            Limits::platform_default()
                .exempt("/api/health")
                .exempt("/billing-plans/api/plans")
                .exempt("/billing-plans/api/plans/{name}/{term}")
                .exempt("/billing-plans/api/feature-options")
                // Keys are looked at one by one; whoever collects them is slowed down and seen.
                .route(Method::POST, "/api/asset/{id}/reveal", &[(20, Per::Minute), (100, Per::Hour)])
                .route(Method::GET, "/companies/export.csv", &[(10, Per::Minute)])
                .route(Method::GET, "/contacts/export.csv", &[(10, Per::Minute)])
                .route(Method::GET, "/assets/export.csv", &[(10, Per::Minute)]),
        ))
        .health(health::checks(&codex))
        .openapi(document);
    (app, options)
}

/// Runs the service until it is told to stop.
///
/// # Errors
/// When it cannot start: no or a newer database, a wrong setting, a port in use.
pub async fn run(settings: Settings) -> anyhow::Result<()> {
    let context = ServiceContext::start("codex", settings.common.clone())?;
    let pool = db::connect(settings.database.database_url.as_ref(), settings.database.database_connections)?;
    db::migrate(&pool, &MIGRATOR, &context.shutdown).await?;
    let zone = &settings.display_time_zone;
    ensure!(
        store::board::knows_zone(&pool, zone).await?,
        "DISPLAY_TIME_ZONE: there is no time zone `{zone}`"
    );
    if let Some(file) = &settings.billing_plans_file {
        plans_file::import_first(&pool, file).await;
    }
    let codex = Codex::new(context.clone(), settings, pool);
    for complaint in &codex.live.snapshot().complaints {
        tracing::warn!(complaint, "codex.conf is not used as a whole");
    }
    if codex.settings().webhooks.is_weak() {
        let fewest = config::SHORTEST_SECRET;
        tracing::warn!(fewest, "the webhook secret is short enough to be guessed; have a new one made");
    }
    context.spawn("watch settings", codex.clone().watch_settings());
    context.spawn("board samples", jobs::samples::run(codex.pool.clone(), context.clock.clone()));
    // Waits for running jobs to write down where they are, so it watches the shutdown itself.
    context.spawn_graceful(codex.sync.clone().run());
    let (app, options) = app(codex);
    Ok(server::run(context, app, options).await?)
}

/// Runs a command of the command line, without a server.
///
/// # Errors
/// When it cannot begin: no or a newer database.
pub async fn run_command(command: &Command, settings: Settings) -> anyhow::Result<ExitCode> {
    if let Some(text) = cli::answer(command, &Providers::from_settings(&settings)) {
        cli::say(&text);
        return Ok(ExitCode::SUCCESS);
    }
    logging::init(&settings.common, "codex");
    if let Command::InitDb(args) = command {
        return init_db::run(args, &settings).await;
    }
    let shutdown = CancellationToken::new();
    let stop = shutdown.clone();
    tokio::spawn(async move {
        // The job then writes down where it is, and the next run goes on there.
        let Ok(mut terminated) = signal(SignalKind::terminate()) else { return };
        tokio::select! {
            Some(()) = terminated.recv() => stop.cancel(),
            Ok(()) = tokio::signal::ctrl_c() => stop.cancel(),
            else => {}
        }
    });
    let pool = db::connect(settings.database.database_url.as_ref(), settings.database.database_connections)?;
    db::migrate(&pool, &MIGRATOR, &shutdown).await?;
    match command {
        Command::ImportPlans(args) => plans_file::import_and_tell(&pool, &args.file, args.dry_run).await,
        Command::Import(args) => import::command::run(args, &pool).await,
        _ => {
            let sync = SyncService::from_settings(&settings, pool, Clock::system(), shutdown);
            Ok(cli::run(command, &sync).await)
        }
    }
}
